/*
 * The listening sockets: our own by `listen`, or systemd's (LISTEN_FDS).
 */
#ifndef DAEMON_LISTENER_H
#define DAEMON_LISTENER_H

#include "base/err.h"
#include "daemon/daemon.h"

/* Sockets that systemd opened for us, from descriptor 3 on: their number, 0 if
 * none. */
size_t listener_inherited(void);

int listener_open(struct daemon *d, struct why *why);
void listener_close(struct daemon *d);

#endif
