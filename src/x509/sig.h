/*
 * Signatures of certificates and CRLs, and the keys that may make them.  The
 * algorithms that we take are a table of whole AlgorithmIdentifiers, so that
 * no parameter is read that is not in it: RSA (PKCS #1 v1.5, and PSS with a
 * salt as long as its hash), ECDSA on P-256 and P-384, each with SHA-2, and
 * Ed25519.
 */
#ifndef X509_SIG_H
#define X509_SIG_H

#include "base/buf.h"
#include "base/err.h"

#define SIG_RSA_MIN 2048	/* bits of a modulus, multiple of 8 */
#define SIG_RSA_MAX 8192

enum sig_key { SIG_RSA, SIG_P256, SIG_P384, SIG_ED25519 };

/* Is this SubjectPublicKeyInfo (DER, with header) a key of the profile?
 * *key (may be NULL) tells its kind.  0, or ERR_MALFORMED, ERR_REFUSED (what
 * it is and what was expected). */
int sig_key_check(struct span spki, enum sig_key *key, struct why *why);

/* Is this AlgorithmIdentifier (DER, with header) in the table? */
int sig_algorithm_check(struct span algorithm, struct why *why);

/* Is signature (BIT STRING's bytes) that of key spki over the bytes of tbs?
 * Both checks above are made too.  0, ERR_REFUSED, ERR_MALFORMED or
 * ERR_CRYPTO. */
int sig_verify(struct span spki, struct span algorithm, struct span tbs,
    struct span signature, struct why *why);

/* SHA-256, as the trust's tables name keys and facts certificates. */
int sig_sha256(struct span data, uint8_t out[32]);

#endif
