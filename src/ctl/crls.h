/*
 * Asking a judge about CRLs that are fetched: the caller's side of its job
 * `crl` (proto/crlmsg.h).  It is given descriptors of trust.conf, and of what
 * that names below its folder.
 */
#ifndef CTL_CRLS_H
#define CTL_CRLS_H

#include "base/diag.h"
#include "base/err.h"
#include "proto/crlmsg.h"

/* What trust.conf (an absolute path) has fetched; findings are added to diag.
 * 0 when the judge on channel answered (see out->ok), else negative with
 * why. */
int crls_list(int channel, const char *trust, struct crlmsg_listed *out,
    struct diag *diag, struct why *why);

/*
 * Is the file in the descriptor fetched (-1: nothing could be) to take the
 * place of it->file?  seen: the n highest CRLs that were seen before.  0 when
 * the judge answered, else negative with why, and out says keep.
 */
int crls_judge(int channel, const char *trust, const struct crlmsg_item *it,
    int fetched, const struct ipc_seen *seen, size_t n_seen,
    struct crlmsg_judged *out, struct why *why);

#endif
