/*
 * What was verified of each issuer's CRLs, kept over restarts in
 * STATE_DIR/crl-seen: the highest number, so that none can be rolled back, and
 * the newest thisUpdate, so that a clock that is set back revives nothing.
 */
#ifndef PROTO_SEEN_H
#define PROTO_SEEN_H

#include <stdbool.h>

#include "base/err.h"
#include "proto/ipc.h"

/* Fill n_seen and seen of lb.  A missing file is none seen; a damaged one is
 * an error. */
int seen_read(const char *state_dir, struct ipc_load_begin *lb,
    struct why *why);

/* Keep the CRLs that were verified, merged under a lock
 * (STATE_DIR/crl-seen.lock) with what is there. */
int seen_write(const char *state_dir, const struct ipc_load_done *done,
    struct why *why);

/* How they are merged: of each key the higher number and the newer time stay;
 * without room, what came in first goes.  True if kept was changed. */
bool seen_merge(struct ipc_load_begin *kept, const struct ipc_seen *new,
    size_t n);

/* Forget all of these n issuer keys.  How many of them were known, or negative
 * with why. */
int seen_forget(const char *state_dir, const uint8_t (*key)[32], size_t n,
    struct why *why);

#endif
