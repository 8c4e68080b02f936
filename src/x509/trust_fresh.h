/*
 * Is a file of CRLs that was fetched to replace the one in place?  Every CRL
 * in it that bears the name of one of the authority's anchors must count, as
 * trust_load() would have it; none may be older than in the file in place,
 * and none that is there may be missing.
 */
#ifndef X509_TRUST_FRESH_H
#define X509_TRUST_FRESH_H

#include "x509/trust_crl.h"

/* The CRLs of one file that count for an authority. */
struct trust_fresh {
	size_t n;
	uint8_t key[TRUST_CRLS_MAX][32];	/* whose, none twice */
	struct trust_crl crl[TRUST_CRLS_MAX];
	char problem[256];		/* the first one that does not, or "" */
};

/*
 * Read a file's bytes (PEM of up to TRUST_CRLS_MAX, or one DER) for an
 * authority with its anchors.  CRLs of other issuers are passed over where
 * there is one that counts.  What is past its nextUpdate counts here.
 */
void trust_fresh_read(struct trust_fresh *out,
    const struct trust_authority *a, struct span bytes,
    const struct ipc_seen *seen, size_t n_seen, int64_t now);

/*
 * 1 if new is to replace old, 0 if it says the same; ERR_REFUSED with why if
 * something in it does not count or ran out more than grace seconds ago, if
 * it is older, or lacks what old has.
 */
int trust_fresh_compare(const struct trust_fresh *new,
    const struct trust_fresh *old, uint32_t grace, int64_t now,
    struct why *why);

/* The one that will be past half of its life, from thisUpdate to nextUpdate,
 * first; NULL if there is none. */
const struct trust_crl *trust_fresh_oldest(const struct trust_fresh *f);
/* When that is. */
int64_t trust_fresh_half(const struct trust_crl *crl);

#endif
