/*
 * Private keys: made, kept encrypted in files of mode 0600, opened.
 */
#ifndef CA_KEYS_H
#define CA_KEYS_H

#include <gnutls/abstract.h>

#include "base/buf.h"
#include "base/err.h"

enum keys_type { KEYS_P256, KEYS_ED25519, KEYS_RSA3072, KEYS_P384 };

#define KEYS_FILE_MAX 16384
#define KEYS_ID 32		/* SHA-256 of the SubjectPublicKeyInfo */

/* "p256", "ed25519", "rsa3072" or ERR_MALFORMED. */
int keys_type_of(const char *word);

/* A new key; *out by gnutls_x509_privkey_deinit. */
int keys_make(enum keys_type type, gnutls_x509_privkey_t *out,
    struct why *why);

/* As PKCS#8 PEM into out (a secret buffer); pass NULL: not encrypted. */
int keys_pem(gnutls_x509_privkey_t key, const char *pass, struct buf *out,
    struct why *why);

/* Decrypt and open dir/file.  ERR_REFUSED: wrong passphrase; ERR_NOTFOUND:
 * no such file; ERR_UNSAFE: others could read or change it. */
int keys_open(const char *dir, const char *file, const char *pass,
    gnutls_privkey_t *out, struct why *why);

/* Is this a key for a leaf: P-256, P-384, Ed25519, or RSA of 2048 to 8192
 * bits, a multiple of 8, with a usual exponent.  ERR_REFUSED. */
int keys_check_leaf(gnutls_pubkey_t key, struct why *why);

int keys_id(gnutls_pubkey_t key, uint8_t id[KEYS_ID], struct why *why);
/* Is key the private half of pub?  ERR_REFUSED if not. */
int keys_match(gnutls_privkey_t key, gnutls_x509_crt_t crt, struct why *why);

/* ERR_CRYPTO with "what: text of e". */
int keys_crypto(struct why *why, const char *what, int e);

#endif
