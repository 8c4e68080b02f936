/*
 * The two root-only sockets in RUN_DIR: `control` for certloginctl,
 * `register` for sessions that outlived an earlier certlogind.
 */
#ifndef DAEMON_CTL_H
#define DAEMON_CTL_H

#include "base/err.h"
#include "daemon/daemon.h"

/* Make the sockets and watch them. */
int ctl_open(struct daemon *d, struct why *why);
/* Answer a certloginctl that waits for the end of a reload, and close fd;
 * error is "" if all that was loaded is in force. */
void ctl_reload_ended(int fd, const char *error);
/* Close and remove them. */
void ctl_close(struct daemon *d);

#endif
