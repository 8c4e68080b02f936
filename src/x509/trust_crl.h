/*
 * What a CRL says (RFC 5280 section 5), read only after its signature was
 * verified: for trust_load.c, trust_carry.c and trust_fresh.c.  Full lists of
 * one issuer for all its certificates only; a delta, partitioned or indirect
 * list is refused, so that "not in the list" always means "not revoked".
 */
#ifndef X509_TRUST_CRL_H
#define X509_TRUST_CRL_H

#include "x509/trust.h"

#define TRUST_CRLS_MAX 8	/* in one file */
#define TRUST_CRL_AHEAD 86400	/* seconds a thisUpdate may be ahead of now */

/* A growing table of entries. */
struct trust_crl_list {
	struct trust_revoked *entry;	/* owned */
	size_t n, cap;
};

/* Has one of the anchors this subject? */
bool trust_crl_has_issuer(const struct trust_authority *a,
    struct span subject);
/* The anchor whose key signed it and may sign CRLs; or NULL with why. */
const struct trust_anchor *trust_crl_signer(const struct trust_authority *a,
    const struct slice_crl *crl, struct why *why);

/*
 * Read a CRL of the issuer with this key.  Its number, its times and its
 * count go to out (usable set), its entries to the end of list, sorted by
 * nothing; list NULL: they are checked and counted only.  ERR_REFUSED,
 * ERR_MALFORMED, ERR_TOOBIG, ERR_NOMEM with why; the list is then as before.
 */
int trust_crl_read(const struct slice_crl *crl, const uint8_t key[32],
    int64_t now, struct trust_crl *out, struct trust_crl_list *list,
    struct why *why);

/* From when on would a CRL that is read now count where it does not, or the
 * other way round?  0: never. */
int64_t trust_crl_again(const struct slice_crl *crl, int64_t now);

/* Below, equal or above 0 as CRL a is to b: by number, and among equal
 * numbers by thisUpdate. */
int trust_crl_compare(const struct ipc_seen *a, const struct ipc_seen *b);
/* ERR_REFUSED if a later one of this key was seen. */
int trust_crl_check_seen(const uint8_t key[32], const struct trust_crl *crl,
    const struct ipc_seen *seen, size_t n_seen, struct why *why);
/* What is kept of the CRL of this key. */
struct ipc_seen trust_crl_seen(const uint8_t key[32],
    const struct trust_crl *crl);

/* One more entry, copied.  0, ERR_TOOBIG (TRUST_REVOKED_MAX), ERR_NOMEM. */
int trust_crl_add(struct trust_crl_list *list,
    const struct trust_revoked *entry);

/* One of its times for a person, as 2026-11-26T06:00:00Z; returns dst. */
#define TRUST_CRL_TIME_MAX 32
const char *trust_crl_time_text(char dst[TRUST_CRL_TIME_MAX], int64_t at);

/* Drop the entries of key from this place on. */
void trust_crl_drop(struct trust_crl_list *list, const uint8_t key[32],
    size_t from);

/* By memcmp, each once. */
void trust_crl_sort(struct trust_crl_list *list);

#endif
