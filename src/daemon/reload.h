/*
 * Loading parts of what is in force anew while logins go on: asked for by an
 * admin, or because a file has changed.
 */
#ifndef DAEMON_RELOAD_H
#define DAEMON_RELOAD_H

#include "daemon/daemon.h"
#include "daemon/setup.h"

/* Begin to load these parts (enum setup_part) anew; the loop finishes it.
 * What is being loaded already is loaded once more behind that.  waiter (-1
 * for none) is a connection of certloginctl: it is told the end, and closed. */
void reload_ask(struct daemon *d, unsigned parts, int waiter);

/* A hostkey process hung or died: replace it; everything else goes on, its
 * certificate and key as well. */
void reload_hostkey(struct daemon *d);

/* A child ended: was it the hostkey process in force? */
bool reload_ended(struct daemon *d, pid_t pid);

/* Reload what changes from now on, be it by time alone.  0, or ERR_NOMEM. */
int reload_watch(struct daemon *d);

#endif
