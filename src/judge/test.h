/*
 * Job `test`: what would become of this certificate?  For certlogin-map.
 */
#ifndef JUDGE_TEST_H
#define JUDGE_TEST_H

#include "judge/policy.h"
#include "proto/ipc.h"

/* certificates: contents of a file, PEM or DER.  out is complete. */
void test_judge(const struct policy *policy, struct span certificates,
    const struct ipc_test *ask, struct ipc_tested *out);

/* Answer one JUDGE_TEST on channel. */
int test_serve(int channel, struct span policy);

#endif
