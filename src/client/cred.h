/*
 * The person's certificate and key: which of those at hand, and opened.
 */
#ifndef CLIENT_CRED_H
#define CLIENT_CRED_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "client/conf.h"
#include "client/say.h"
#include "x509/tls.h"

struct gnutls_privkey_st;
struct card;

struct cred {
	struct buf der;
	struct span chain[TLS_CHAIN_MAX];	/* views into der */
	size_t n;
	struct gnutls_privkey_st *key;	/* in memory, or NULL: card */
	struct card *card;
	char from[512];			/* where it is, for the person */
};

/* By -i, else the usual files, else the configured PKCS#11 module; asks for
 * passphrase or PIN.  c is to be freed either way. */
int cred_get(struct cred *c, const struct conf *conf, const struct say *say,
    struct why *why);
void cred_free(struct cred *c);

/* The signature that a TLS session asks for where the key is on a card. */
int cred_sign(struct cred *c, uint16_t scheme, struct span data,
    struct buf *sig, struct why *why);

#endif
