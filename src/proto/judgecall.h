/*
 * A question of an admin's tool to a certlogin-judge of its own: a child
 * without privilege, in an empty folder where the tool is root.
 */
#ifndef PROTO_JUDGECALL_H
#define PROTO_JUDGECALL_H

#include "proto/load.h"

/* Job `load`, see load_run(). */
int judgecall_load(const struct load_from *from, struct load_result *out,
    struct diag *diag, struct why *why);

/* Job `test`: one question to the policy of a load (a descriptor, which stays
 * the caller's) about the certificates of a file, which may be anybody's.
 * 0 and an answer (see out->problem), or negative with why. */
int judgecall_test(int policy, const char *file, const struct ipc_test *ask,
    struct ipc_tested *out, struct why *why);

#endif
