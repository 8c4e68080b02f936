/*
 * What certlogind counts since it was started, for `status --metrics`.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* How a connection that said something came out. */
enum metrics_result {
	METRICS_ADMITTED,
	/* a certificate was shown with its key, and refused */
	METRICS_CERTIFICATE,	/* by the trust checks; but for */
	METRICS_EXPIRED,
	METRICS_REVOKED,
	METRICS_MAP,		/* no rule, denied, locked */
	METRICS_ACCOUNT,	/* uid rule, PAM */
	/* nothing was judged */
	METRICS_HANDSHAKE,	/* TLS, or closed by the other side */
	METRICS_TIMEOUT,	/* login-grace-time */
	METRICS_FAULT,		/* ours */
	METRICS_RESULTS
};

#define METRICS_BOUNDS 13

struct metrics_times {
	uint64_t count[METRICS_BOUNDS + 1];	/* not cumulative; the last
						 * one: longer than all */
	uint64_t sum;				/* microseconds */
};

struct metrics {
	uint64_t result[METRICS_RESULTS];
	/* from the first byte of a connection to the request for a judge: the
	 * handshake is complete, and the account was asked for */
	struct metrics_times handshake;
	/* from the first byte to the registered session: judge and PAM too */
	struct metrics_times login;
	uint64_t reloads, failed_reloads;
	int64_t last_reload;		/* seconds since 1970, 0 = none */
};

/* It took from begun (mono_us()) until now. */
void metrics_took(struct metrics_times *t, int64_t begun);
/* A load of something that had been asked for has ended. */
void metrics_reloaded(struct metrics *m, bool good);
/* Which result is a refusal of this kind (enum ipc_refusal)? */
enum metrics_result metrics_refusal(uint8_t kind);
/* All but those who were admitted. */
uint64_t metrics_refused(const struct metrics *m);

/* As ctlmsg records:
 * `logins`: result (admitted, refused or failed), reason ("" for admitted),
 * count;
 * `handshake-time`, `login-time`: le (seconds, "+Inf"), count (cumulative);
 * `handshake-time-all`, `login-time-all`: seconds, count;
 * `reloads`: result (done or failed), count. */
void metrics_put(struct buf *b, const struct metrics *m);

#endif
