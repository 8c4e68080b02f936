/*
 * Files of certificates and CRLs: PEM (RFC 7468) or one DER, to DER.  A
 * decoder of our own, small, with limits, no GnuTLS.
 */
#ifndef X509_PEM_H
#define X509_PEM_H

#include "base/buf.h"
#include "base/err.h"

#define PEM_LINE_MAX 1024	/* characters of a line within a block */

/*
 * The next block with this label ("CERTIFICATE", "X509 CRL") of text: its
 * DER is appended to out.  1 and *text moved behind it; 0: no more; negative
 * with why (line, counted from text, and what was expected).  Text between
 * blocks and blocks of other labels are skipped.  Where text begins with DER
 * (0x30 and a length above 127) rather than text, it is one block.
 */
int pem_next(struct span *text, const char *label, struct buf *out,
    struct why *why);

/* All blocks, at most max of them: views into out (valid until it grows), *n
 * their number; at least one, else ERR_NOTFOUND. */
int pem_all(struct span text, const char *label, struct buf *out,
    struct span *der, size_t max, size_t *n, struct why *why);

#endif
