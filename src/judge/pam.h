/*
 * Jobs `pam` and `pam-kept`: a person at a local door.  Chains are offered,
 * each gets its facts or why not; then one signature is proven, and that makes
 * the verdict.
 */
#ifndef JUDGE_PAM_H
#define JUDGE_PAM_H

#include "judge/policy.h"
#include "proto/pammsg.h"
#include "x509/verify.h"

/* Would this chain get in, if its key signed?  out is a refusal first and is
 * complete.  memo: of this very offer (verify.h), or NULL.  Pure but for
 * memory. */
void pam_facts(const struct policy *policy, const struct pammsg_offer *offer,
    struct verify_memo *memo, int64_t now, struct pammsg_facts *out);

/* The verdict about an offer and the signature of its key: everything is
 * judged again at `now`, but what signatures memo holds.  out is a refusal
 * first and is complete. */
void pam_judge(const struct policy *policy, const struct pammsg_offer *offer,
    struct verify_memo *memo, const struct pammsg_prove *proof, int64_t now,
    struct ipc_verdict *out);

/* Load a policy over the channel `load` (load_serve), then answer offers on
 * `channel` until one proof.  0, or negative when the peer went away or sent
 * what is not allowed. */
int pam_serve(int channel, int load);
/* The same with a policy that was kept; says on `channel` whether it is
 * one. */
int pam_serve_kept(int channel, struct span policy);

#endif
