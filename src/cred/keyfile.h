/*
 * Key files: a private key in PEM or DER (PKCS#8, encrypted or not, or the
 * older forms), or a PKCS#12 with key and certificates.  The bytes come from
 * the key's owner.
 */
#ifndef CRED_KEYFILE_H
#define CRED_KEYFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define KEYFILE_MAX 65536	/* bytes of a file */
#define KEYFILE_PASSPHRASE_MAX 1024	/* bytes, without NUL */
#define KEYFILE_CHAIN_MAX 4	/* certificates of a PKCS#12 */

struct gnutls_privkey_st;

/* Does the text hold a private key in PEM? */
bool keyfile_has_key(struct span text);
/* Is it a PKCS#12 (DER)? */
bool keyfile_is_p12(struct span text);

/* 0 if the one private key in it, PEM or PKCS#12, is encrypted; ERR_REFUSED
 * if it is not; ERR_MALFORMED. */
int keyfile_encrypted(struct span text, struct why *why);

/*
 * Open a key.  passphrase NULL: none yet.  ERR_STATE: it is encrypted, a
 * passphrase is needed; ERR_REFUSED: the passphrase is wrong; ERR_MALFORMED.
 * *key is the caller's, for keyfile_free().
 */
int keyfile_key(struct span text, const char *passphrase,
    struct gnutls_privkey_st **key, struct why *why);
/* The same for a PKCS#12; its certificates, leaf first, are appended to der
 * and views of them stored in chain (KEYFILE_CHAIN_MAX places). */
int keyfile_p12(struct span text, const char *passphrase,
    struct gnutls_privkey_st **key, struct buf *der, struct span *chain,
    size_t *n, struct why *why);
/* 0, or ERR_REFUSED: the key is not that of this certificate (DER). */
int keyfile_fits(struct gnutls_privkey_st *key, struct span cert,
    struct why *why);

/* Wipes it; NULL is fine. */
void keyfile_free(struct gnutls_privkey_st *key);

#endif
