/*
 * The certlogin-hostkey process as certlogind sees it.
 */
#ifndef DAEMON_HOSTKEY_H
#define DAEMON_HOSTKEY_H

#include "base/err.h"
#include "daemon/daemon.h"

struct hostkey {
	unsigned refs;
	pid_t pid;		/* 0 when it has ended */
	int control;		/* channel to it, -1 when it was let go */
	int host;		/* sealed memfd: struct ipc_host; -1 until ready */
	int64_t not_after;	/* of the host certificate */
	int key;		/* file that it was started with, or -1 */
	int certificate;	/* sealed copy of that file's bytes */
};

/* Start one for c: 0 and *out, or a negative code with why.  sources is filled
 * with the files and what they were before they were read, also of what could
 * not be opened. */
int hostkey_start(struct daemon *d, const struct conf *c,
    const struct ids *ids, struct hostkey **out, struct ipc_sources *sources,
    struct why *why);

/* Start another with the certificate and key of old, whatever lies at their
 * paths now. */
int hostkey_again(struct daemon *d, const struct conf *c,
    const struct ids *ids, const struct hostkey *old, struct hostkey **out,
    struct why *why);

/* Read its first message: 0; ERR_REFUSED if it cannot use certificate and key;
 * another negative code if it did not say; with why. */
int hostkey_ready(struct hostkey *h, int ms, struct why *why);

/* A channel for one connection: the session's end, or a negative code. */
int hostkey_channel(struct hostkey *h, const struct limits_source *source);

/* Let go: it serves its open channels and exits; kill ends it at once. */
void hostkey_free(struct hostkey *h, bool kill_it);

/* A connection that it signs for needs `host` for its judge. */
struct hostkey *hostkey_keep(struct hostkey *h);
void hostkey_drop(struct hostkey *h);	/* accepts NULL */

#endif
