/*
 * What issue and sign have in common: a certificate from the request to the
 * files, so that whatever happens in between no serial comes twice and no
 * certificate is without a row.
 */
#ifndef CA_ISSUE_H
#define CA_ISSUE_H

#include "ca/authority.h"
#include "ca/opts.h"

struct issue {
	const struct opts *o;
	struct authority *a;
	enum words_class class;
	const char *name;
	gnutls_x509_privkey_t own;	/* NULL for a CSR */
	gnutls_pubkey_t key;
};

/* Class and name, the first two words behind the subcommand, and all that
 * the options say about the certificate. */
int issue_words(struct issue *i, const struct opts *o, struct why *why);
/* Open the CA, then do all the rest with i->key, which make() sets, or which
 * is there (make NULL).  Frees own and key. */
int issue_run(struct issue *i, int (*make)(struct issue *, struct why *),
    struct why *why);

#endif
