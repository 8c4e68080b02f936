/*
 * Certificates with chosen extensions for unit tests, as files and in memory.
 * Everything fails the test that calls it when it cannot be had.
 */
#ifndef UNIT_CERTS_H
#define UNIT_CERTS_H

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdbool.h>
#include <time.h>

#include "base/buf.h"

struct certs {
	gnutls_x509_privkey_t x509;
	gnutls_privkey_t key;
	gnutls_x509_crt_t crt;
	gnutls_datum_t der;
};

struct certs_spec {
	const char *cn;
	const char *dns, *ip, *uri;	/* SANs, NULL: none */
	const char *purpose;		/* OID; NULL: none */
	bool ca;
	time_t from, to;		/* relative to now, 0: usual */
	gnutls_pk_algorithm_t algo;	/* 0: ECDSA P-256 */
	unsigned bits;
};

/* issuer NULL: by itself. */
void certs_make(struct certs *c, const struct certs_spec *spec,
    const struct certs *issuer);
void certs_free(struct certs *c);
struct span certs_der(const struct certs *c);

/* Files: certificates of c (and of more, unless NULL) in PEM; the key, with
 * a passphrase unless NULL; both as PKCS#12.  Mode 0600. */
void certs_write(const char *path, const struct certs *c,
    const struct certs *more);
void certs_write_key(const char *path, const struct certs *c,
    const char *passphrase);
void certs_write_p12(const char *path, const struct certs *c,
    const struct certs *more, const char *passphrase);
/* An empty CRL of this CA, or one with the serial of revoked. */
void certs_write_crl(const char *path, const struct certs *ca,
    const struct certs *revoked);

#endif
