/*
 * Loading everything that is in force together: configuration, policy (by an
 * unprivileged judge) and host key (by a new certlogin-hostkey).  Validated
 * as a whole, then swapped; on any problem the old one stays.
 */
#ifndef DAEMON_SETUP_H
#define DAEMON_SETUP_H

#include "daemon/daemon.h"

/* At start: load and wait.  0, or a negative code; problems were logged. */
int setup_first(struct daemon *d);

/* Begin a reload; the loop finishes it.  One at a time: a second request
 * while one runs makes it run again.  waiter (-1 for none) is a connection of
 * certloginctl: it is told the end, and closed. */
void setup_reload(struct daemon *d, int waiter);

/* A hostkey process hung or died: replace it, keep policy and settings. */
void setup_replace_hostkey(struct daemon *d);

/* A child ended: was it the hostkey process in force? */
bool setup_ended(struct daemon *d, pid_t pid);

void setup_free(struct setup *u);

#endif
