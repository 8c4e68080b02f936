/*
 * Job `review`: does a session that is logged in still stand?  Any number of
 * questions; each is answered by KEEP or END, never by an admission.
 */
#ifndef JUDGE_REVIEW_H
#define JUDGE_REVIEW_H

#include "judge/policy.h"
#include "proto/ipc.h"

/*
 * Judge the login that p proves again, as of now (the clock).  out is complete
 * but for its session, and undecided first: what could not be judged ends
 * nobody.
 *
 * END only for what the policy says, not for what is not known: revoked,
 * locked, denied, no rule that gives this account with these restrictions, no
 * authority that vouches for the certificate any more; expired and no fresh
 * CRL as on-expiry and on-stale of trust.conf want it.  The host's own
 * certificate may have changed since and is not looked at.
 */
void review_judge(const struct policy *policy, const struct ipc_proof *p,
    int64_t now, struct ipc_reviewed *out);

/* Answer JUDGE_REVIEW until the channel closes: 0 then.  A LOAD_BEGIN in front
 * of all puts another map into the policy's place, for a trial. */
int review_serve(int channel, struct span policy);

#endif
