/*
 * Signature schemes by their numbers in RFC 8446 section 4.2.3, in PKCS#11's
 * terms: those of TLS 1.3 handshakes, and RSA PKCS #1 v1.5 with SHA-256 for
 * the PAM module, which every card can do.
 */
#ifndef CRED_SCHEME_H
#define CRED_SCHEME_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define SCHEME_INPUT_MAX 64	/* bytes: a hash, with DigestInfo 51 */

struct scheme {
	uint16_t tls;		/* the scheme's number */
	CK_KEY_TYPE key;	/* kind of key that it needs */
	CK_MECHANISM_TYPE mechanism;
	CK_MECHANISM_TYPE hash;	/* 0: the key signs the data itself */
	unsigned long mgf;	/* RSA-PSS only */
	uint32_t hash_len;	/* bytes; RSA-PSS: also of the salt */
	size_t raw_len;		/* bytes of r and s, or of the signature; 0:
				 * as long as the modulus */
	bool digest_info;	/* the hash is wrapped (RFC 8017 9.2) */
};

/* The scheme with this number, NULL if we do not sign so. */
const struct scheme *scheme_find(uint16_t tls);

/* Load libnettle, which hashes, ahead of the first scheme_input(). */
int scheme_ready(struct why *why);

/* What the key is given: the hash of data into out, or data itself.  *in is a
 * view into out or data.  0, or ERR_NOTFOUND, ERR_VERSION. */
int scheme_input(const struct scheme *s, struct span data,
    uint8_t out[SCHEME_INPUT_MAX], struct span *in, struct why *why);

/* Append to out what TLS wants of the token's signature: DER of r and s for
 * ECDSA, the bytes themselves otherwise.  ERR_MALFORMED on a wrong length. */
int scheme_output(const struct scheme *s, struct span raw, struct buf *out);

#endif
