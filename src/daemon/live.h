/*
 * The live sessions: what each of them registered, and how one is ended.
 * certlogind reads none of it but the policy's number and the expiry; a
 * session that an earlier certlogind joined is one like any other, but for
 * that it may be of another version (proto/hello.h): such a one can be seen
 * and ended, not judged, and ends by itself.
 */
#ifndef DAEMON_LIVE_H
#define DAEMON_LIVE_H

#include "daemon/daemon.h"
#include "proto/hello.h"

struct live {
	struct live *next, **link;	/* daemon's sessions, newest first */
	uint64_t order;			/* a newer one's is higher */
	struct daemon *d;
	int channel;			/* to the session, its conn's */
	int proof;			/* sealed file with struct ipc_proof,
					 * for a judge; owned; -1: none */
	uint8_t version;		/* its IPC_VERSION, if it is another;
					 * 0 = it is ours */
	int64_t ends;			/* such a one: by itself, seconds since
					 * 1970; else 0 */
	bool ending;			/* was told to end */
	ev_timer patience;		/* until it must have */
	/* review.c's */
	uint64_t reviewed;		/* the policy that it was judged under
					 * last, 0 = none of ours */
	bool due;			/* something of it has expired */
	bool asked;			/* a judge is at it */
	bool hard;			/* the last judge failed at it */
	bool unjudged;			/* so did several, by this policy */
	unsigned tries;			/* that failed in a row */
	double not_before;		/* monotonic seconds: the next */
	struct ipc_register reg;	/* with the terminal of now */
};

/* A session is logged in.  proof is taken over in any case.  NULL when out of
 * memory. */
struct live *live_add(struct daemon *d, int channel,
    const struct ipc_register *reg, int proof);

/* The same of a session of another version, whose process is pid. */
struct live *live_add_other(struct daemon *d, int channel,
    const struct hello_session *h, pid_t pid);

/* How many are of another version, and when the last of them ends; 0 and 0
 * if there are none. */
size_t live_others(const struct daemon *d, int64_t *ends);

/* Its channel has closed.  NULL is accepted. */
void live_remove(struct live *l);

/* The next one behind at, or the first; NULL behind the last.  The loop may
 * end sessions: they are removed when they have ended. */
struct live *live_next(const struct daemon *d, const struct live *at);

/* The one of that order, or NULL when it has ended. */
struct live *live_find(const struct daemon *d, uint64_t order);

/*
 * End it: the person is shown text, net and every descendant are killed, the
 * PAM session is closed.  detail (NULL: the same as text) is for the log.
 * 0, also for one that is ending already; negative when it could not be told,
 * which is logged.
 */
int live_end(struct live *l, const char *text, const char *detail);

#endif
