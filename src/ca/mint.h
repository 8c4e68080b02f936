/*
 * Making certificates: the realm's own CAs and the leaves.  The CA decides
 * every name and extension; of a CSR only the key is taken.
 */
#ifndef CA_MINT_H
#define CA_MINT_H

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/buf.h"
#include "base/err.h"
#include "ca/words.h"

#define MINT_EXTRA_MAX 16	/* --dns, --ip, --email, --upn: of each */
#define MINT_NAMES_MAX 28	/* together: verifiers take 32, facts.h */
#define MINT_CERT_MAX 16384	/* bytes of DER */
#define MINT_BACK 300		/* seconds that not-before lies back */

struct mint_names {
	const char *email[MINT_EXTRA_MAX], *upn[MINT_EXTRA_MAX];
	const char *dns[MINT_EXTRA_MAX], *ip[MINT_EXTRA_MAX];
	size_t n_email, n_upn, n_dns, n_ip;
};

/* Are these good names, none of them twice?  For a host also: is name a DNS
 * name?  ERR_MALFORMED. */
int mint_check_names(enum words_class c, const char *name,
    const struct mint_names *names, struct why *why);

struct mint_leaf {
	const char *realm, *name;
	enum words_class class;
	const struct mint_names *names;
	const uint8_t *serial;		/* WORDS_SERIAL */
	int64_t not_before, not_after;
};

/* Sign a leaf for key; DER into out. */
int mint_leaf(const struct mint_leaf *l, gnutls_pubkey_t key,
    gnutls_x509_crt_t issuer, gnutls_privkey_t issuer_key, struct buf *out,
    struct why *why);

struct mint_ca {
	const char *realm;
	enum words_class class;		/* WORDS_ROOT: self-signed */
	int generation;			/* 1, 2, ... in its name */
	const uint8_t *serial;
	int64_t not_before, not_after;
};

/* A CA's certificate for key; issuer NULL for the root. */
int mint_ca(const struct mint_ca *c, gnutls_privkey_t key,
    gnutls_x509_crt_t issuer, gnutls_privkey_t issuer_key, struct buf *out,
    struct why *why);

/* A random serial: positive, 16 bytes. */
int mint_serial(uint8_t serial[WORDS_SERIAL], struct why *why);

int mint_import(struct span der, gnutls_x509_crt_t *out, struct why *why);
/* PEM of DER into out. label as in "CERTIFICATE". */
int mint_pem(const char *label, struct span der, struct buf *out,
    struct why *why);

#endif
