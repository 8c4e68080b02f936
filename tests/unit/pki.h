/*
 * Keys and certificates for unit tests, made on the spot.  Everything fails
 * the test that calls it when it cannot be had.
 */
#ifndef UNIT_PKI_H
#define UNIT_PKI_H

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum pki_kind { PKI_P256, PKI_P384, PKI_ED25519, PKI_RSA, PKI_RSA_SHORT,
    PKI_KINDS };

struct pki {
	uint16_t scheme;		/* of TLS 1.3 */
	gnutls_sign_algorithm_t sign;
	gnutls_x509_privkey_t x509;
	gnutls_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t der, pem, key_pem;
};

/* A key and a certificate for it, signed by issuer (NULL: by itself). */
void pki_make(struct pki *p, enum pki_kind kind, const char *name,
    const struct pki *issuer);
void pki_free(struct pki *p);
struct span pki_der(const struct pki *p);

/* A sealed memfd holding text. */
int pki_file(const gnutls_datum_t *text);

#endif
