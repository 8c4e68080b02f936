/*
 * Job `login`: one transcript, one verdict.
 */
#ifndef JUDGE_LOGIN_H
#define JUDGE_LOGIN_H

#include "judge/policy.h"
#include "proto/ipc.h"

/*
 * Judge one login.  own is the DER of the host's certificate, now the clock.
 * out is a refusal first and is complete: every member is set.  Pure but for
 * memory; without that the verdict is a refusal, too.
 */
void login_judge(const struct policy *policy, struct span own,
    const struct ipc_judge_login *ask, int64_t now, struct ipc_verdict *out);

/* Make ready by policy and host certificate (struct ipc_host), then answer
 * one JUDGE_LOGIN on channel.  0, or negative when there was nothing to
 * answer or the answer could not be sent. */
int login_serve(int channel, struct span policy, struct span host);

#endif
