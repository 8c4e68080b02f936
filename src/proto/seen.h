/*
 * The highest CRL number seen for each issuer key, kept over restarts in
 * STATE_DIR/crl-seen, so that a CRL cannot be rolled back.
 */
#ifndef PROTO_SEEN_H
#define PROTO_SEEN_H

#include "base/err.h"
#include "proto/ipc.h"

/* Fill n_seen and seen of lb.  A missing file is none seen; a damaged one is
 * an error. */
int seen_read(const char *state_dir, struct ipc_load_begin *lb,
    struct why *why);

/* Keep what the judge reported, merged under a lock (STATE_DIR/crl-seen.lock)
 * with what is there: of each key the higher number stays. */
int seen_write(const char *state_dir, const struct ipc_load_done *done,
    struct why *why);

#endif
