/*
 * One process of the judge's job `review`, by the policy in force when it was
 * started: asked one thing at a time, and the loop goes on meanwhile.
 */
#ifndef DAEMON_REVIEWER_H
#define DAEMON_REVIEWER_H

#include "base/diag.h"
#include "daemon/live.h"

struct reviewer;

/* The answer to what was asked last.  With an error there is none, and the
 * process has been ended: why says how it failed. */
typedef void reviewer_fn(struct reviewer *r, const struct ipc_reviewed *v,
    const char *why);
/* Of reviewer_try(): ok, with findings in any case.  NULL as above. */
typedef void reviewer_tried_fn(struct reviewer *r,
    const struct ipc_load_done *done, const struct diag *diag,
    const char *why);

struct reviewer {
	struct daemon *d;
	void *owner;
	reviewer_fn *answered;
	reviewer_tried_fn *tried;	/* NULL: not for trials */
	pid_t pid;			/* 0: has been waited for */
	int channel;			/* -1: no process */
	uint8_t expects;		/* type of the answer, 0: not asked */
	uint64_t session;		/* live.order asked about */
	ev_io io;
	ev_timer limit;
};

void reviewer_init(struct reviewer *r, struct daemon *d, void *owner);

/* Start a process.  0, or negative with why. */
int reviewer_start(struct reviewer *r, struct why *why);
/* End it, whatever it is doing; nothing more is answered. */
void reviewer_stop(struct reviewer *r);

/* Ask about one session, or have it take another map than the policy's, named
 * so in findings.  One at a time.  0, or negative. */
int reviewer_ask(struct reviewer *r, const struct live *l);
int reviewer_try(struct reviewer *r, int map, const char *name);

/* A child ended: was it this one? */
bool reviewer_ended(struct reviewer *r, pid_t pid, int status);

#endif
