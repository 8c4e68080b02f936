/*
 * CRLs, RFC 5280 5: full, version 2, numbered, with the issuer's key id.
 * Time and memory grow with the entries, not with their square.
 */
#ifndef CA_CRL_H
#define CA_CRL_H

#include <gnutls/abstract.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "ca/words.h"

#define CRL_DAYS 14
#define CRL_MAX (256u * 1024 * 1024)	/* bytes of one CRL */
/* A revoked certificate stays on the list this long after its end. */
#define CRL_KEEP (30 * 86400)

struct crl {
	struct buf entries;
	size_t n;
};

void crl_init(struct crl *c);
void crl_free(struct crl *c);
/* reason 0 is left out, as RFC 5280 5.3.1 wants it. */
void crl_add(struct crl *c, const uint8_t serial[WORDS_SERIAL], int64_t when,
    int reason);
/* Sign the list; its DER into out. */
int crl_sign(const struct crl *c, gnutls_x509_crt_t issuer,
    gnutls_privkey_t key, int64_t number, int64_t this_update,
    int64_t next_update, struct buf *out, struct why *why);

/* Is this DER the list that crl_sign() makes of c and these numbers, byte for
 * byte, and does its signature hold?  ERR_REFUSED.  Linear, unlike an import
 * by GnuTLS. */
int crl_same(const struct crl *c, gnutls_x509_crt_t issuer, int64_t number,
    int64_t this_update, int64_t next_update, struct span der,
    struct why *why);

#endif
