/*
 * Loading what is in force: configuration, policy (by an unprivileged judge)
 * and host key (by a new certlogin-hostkey), each part alone or all together.
 * What belongs together is validated as a whole, then swapped; on any problem
 * the old one stays.
 */
#ifndef DAEMON_SETUP_H
#define DAEMON_SETUP_H

#include "daemon/daemon.h"

enum setup_part {
	SETUP_CONF = 1,		/* certlogind.conf; with both others only */
	SETUP_KEY = 2,		/* host certificate and key */
	SETUP_POLICY = 4,	/* trust.conf, anchors, CRLs, map */
	SETUP_ALL = 7,
	SETUP_PROCESS = 8,	/* the same host key in another process */
};

/* At start: load and wait.  0, or a negative code; problems were logged. */
int setup_first(struct daemon *d);

/* Begin to load these parts anew; the loop finishes it.  What is being loaded
 * already is loaded once more behind that.  waiter (-1 for none) is a
 * connection of certloginctl: it is told the end, and closed. */
void setup_reload(struct daemon *d, unsigned parts, int waiter);

/* A hostkey process hung or died: replace it; everything else goes on, its
 * certificate and key as well. */
void setup_replace_hostkey(struct daemon *d);

/* A child ended: was it the hostkey process in force? */
bool setup_ended(struct daemon *d, pid_t pid);

/* What is wrong with what could not be loaded and still is not: dst, or "". */
const char *setup_last_error(const struct daemon *d, char *dst, size_t size);

void setup_free(struct setup *u);

#endif
