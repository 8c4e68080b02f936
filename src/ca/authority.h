/*
 * A CA at work: its store, its CAs, and their keys, which are opened when
 * they are needed.
 */
#ifndef CA_AUTHORITY_H
#define CA_AUTHORITY_H

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/buf.h"
#include "base/err.h"
#include "ca/store.h"

struct authority {
	struct store *s;
	struct store_cas cas;
	const char *pass_file;		/* NULL: the terminal */
	struct buf pass;		/* empty until a key is needed */
	gnutls_x509_crt_t crt[STORE_CAS_MAX];	/* beside cas.ca */
	gnutls_privkey_t key[STORE_CAS_MAX];
};

/* Open; what was healed is said on stderr.  The CAs are loaded by STORE_USE
 * only.  authority_close() is needed after a failure, too. */
int authority_open(struct authority *a, const char *dir,
    enum store_mode mode, const char *pass_file, struct why *why);
void authority_close(struct authority *a);

/* Certificate and key of one of a->cas; owned by a.  key may be NULL. */
int authority_use(struct authority *a, const struct store_ca *ca,
    gnutls_x509_crt_t *crt, gnutls_privkey_t *key, struct why *why);

/* The CA that issues for class now. */
int authority_current(struct authority *a, enum words_class class,
    int64_t now, const struct store_ca **ca, struct why *why);

/* Build, sign and store the next CRL of ca, in the caller's transaction; the
 * key must have been used before the transaction began. */
int authority_crl(struct authority *a, const struct store_ca *ca, int64_t now,
    struct why *why);

/* Is the CRL in ca the one that the database's rows make?  ERR_REFUSED. */
int authority_check_crl(struct authority *a, const struct store_ca *ca,
    struct why *why);

/* Certificates of all CAs of class that are not over, PEM, into out. */
int authority_anchors(const struct authority *a, enum words_class class,
    int64_t now, struct buf *out, struct why *why);

/* Write the newest CRLs to dir/crl/CLASS.crl, a rename per file. */
int authority_write_crls(const struct authority *a, const char *dir,
    int64_t now, struct why *why);

#endif
