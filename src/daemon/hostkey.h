/*
 * The certlogin-hostkey process as certlogind sees it.
 */
#ifndef DAEMON_HOSTKEY_H
#define DAEMON_HOSTKEY_H

#include "base/err.h"
#include "daemon/daemon.h"

struct hostkey {
	pid_t pid;
	int control;		/* channel to it */
	int host;		/* sealed memfd: struct ipc_host; -1 until ready */
	int64_t not_after;	/* of the host certificate */
};

/* Start one for c; NULL with why. */
struct hostkey *hostkey_start(struct daemon *d, const struct conf *c,
    const struct ids *ids, struct why *why);

/* Read its first message: 0, or a negative code with why. */
int hostkey_ready(struct hostkey *h, int ms, struct why *why);

/* A channel for one connection: the session's end, or a negative code. */
int hostkey_channel(struct hostkey *h, const struct limits_source *source);

/* Let go: it serves its open channels and exits; kill ends it at once. */
void hostkey_free(struct hostkey *h, bool kill_it);

#endif
