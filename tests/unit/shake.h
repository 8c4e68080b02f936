/*
 * A real handshake between our server and a client, for its transcript.
 * Everything fails the test that calls it when it cannot be had.
 */
#ifndef UNIT_SHAKE_H
#define UNIT_SHAKE_H

#include "pki.h"

#define SHAKE_CHAIN_MAX 4

struct shake {
	struct pki host;
	uint8_t random[32];
	struct buf transcript;		/* through the client's
					 * CertificateVerify */
};

struct shake_client {
	struct span chain[SHAKE_CHAIN_MAX];
	size_t n;
	gnutls_privkey_t key;
	bool retry;			/* by way of a HelloRetryRequest */
	const char *add;		/* to the priority string, or NULL */
};

/* A host of this kind, and a random. */
void shake_init(struct shake *s, enum pki_kind host);
void shake_free(struct shake *s);
void shake_random(struct shake *s);
/* One handshake; its transcript replaces the one before. */
void shake_run(struct shake *s, const struct shake_client *c);

#endif
