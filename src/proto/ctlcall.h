/*
 * Asking a running certlogind over RUN_DIR/control: what certloginctl and
 * certlogin-map share.
 */
#ifndef PROTO_CTLCALL_H
#define PROTO_CTLCALL_H

#include "base/buf.h"
#include "base/err.h"
#include "proto/ctlmsg.h"

/* Called for each item as it arrives: 0 to go on, else a code that ends the
 * call. */
typedef int ctlcall_fn(void *ctx, const struct ctlmsg_item *item);

/* Send request (made by a ctlmsg encoder), with a descriptor if fd is not -1,
 * to the certlogind of run_dir; each may be NULL.  ms is the time limit for
 * each message of the answer.  0 with status (an exit status) and error ("" =
 * none) of its end; or, with why, ERR_NOTFOUND (none answers there),
 * ERR_REFUSED (not for this caller), ERR_EOF or ERR_TIMEOUT in mid-answer, what
 * `each` returned, or another negative code. */
int ctlcall(const char *run_dir, const struct buf *request, int fd, int ms,
    ctlcall_fn *each, void *ctx, uint8_t *status,
    char error[CTLMSG_TEXT_MAX], struct why *why);

/* Which IPC_VERSION that certlogind has, which may be another, and how many
 * live sessions of that version.  0, or as ctlcall(). */
int ctlcall_hello(const char *run_dir, int ms, uint8_t *version,
    uint32_t *sessions, struct why *why);

#endif
