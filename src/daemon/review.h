/*
 * Judging the live sessions again: after each new policy, when a certificate
 * or a rule expires, and when a session of an earlier certlogind comes back.
 * A few judges work through them, those first that wait the longest; one that
 * hangs, ends or talks nonsense ends nobody, and is asked again.
 */
#ifndef DAEMON_REVIEW_H
#define DAEMON_REVIEW_H

#include "daemon/live.h"

int review_open(struct daemon *d, struct why *why);
void review_close(struct daemon *d);	/* nothing if it was not opened */

/* A new policy is in force. */
void review_policy(struct daemon *d);

/* A session was added to the list.  Judged: under the policy in force, just
 * now; otherwise it is as soon as possible. */
void review_session(struct live *l, bool judged);

/* How many sessions no judge could judge by the policy in force; those of
 * another version, which none ever does, are not among them. */
size_t review_unjudged(const struct daemon *d);

/* A child ended: was it a judge of a review? */
bool review_ended(struct daemon *d, pid_t pid, int status);

#endif
