#include "ca/keys.h"

#include <gnutls/x509.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"

#define RSA_MIN 2048
#define RSA_MAX 8192

static const struct {
	const char *word;
	gnutls_pk_algorithm_t algo;
	unsigned bits;
} types[] = {
	[KEYS_P256] = { "p256", GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
	[KEYS_ED25519] = { "ed25519", GNUTLS_PK_EDDSA_ED25519,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519) },
	[KEYS_RSA3072] = { "rsa3072", GNUTLS_PK_RSA, 3072 },
	[KEYS_P384] = { NULL, GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
};

int
keys_crypto(struct why *why, const char *what, int e)
{
	return why_set(why, ERR_CRYPTO, "%.300s: %s", what,
	    gnutls_strerror(e));
}

int
keys_type_of(const char *word)
{
	for (int t = 0; t <= KEYS_RSA3072; t++)
		if (strcmp(word, types[t].word) == 0)
			return t;
	return ERR_MALFORMED;
}

int
keys_make(enum keys_type type, gnutls_x509_privkey_t *out, struct why *why)
{
	gnutls_x509_privkey_t key;
	int e;

	if ((e = gnutls_x509_privkey_init(&key)) < 0)
		return keys_crypto(why, "new key", e);
	if ((e = gnutls_x509_privkey_generate(key, types[type].algo,
	    types[type].bits, 0)) < 0) {
		gnutls_x509_privkey_deinit(key);
		return keys_crypto(why, "new key", e);
	}
	*out = key;
	return 0;
}

int
keys_pem(gnutls_x509_privkey_t key, const char *pass, struct buf *out,
    struct why *why)
{
	gnutls_datum_t pem;
	int e;

	if ((e = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM,
	    pass, pass != NULL ? GNUTLS_PKCS_PBES2_AES_256 :
	    GNUTLS_PKCS_PLAIN, &pem)) < 0)
		return keys_crypto(why, "key", e);
	buf_put_raw(out, pem.data, pem.size);
	buf_wipe(pem.data, pem.size);
	gnutls_free(pem.data);
	return buf_err(out) == 0 ? 0 : why_set(why, buf_err(out), "key: %s",
	    err_text(buf_err(out)));
}

static int
import(const struct buf *file, const char *name, const char *pass,
    gnutls_privkey_t *out, struct why *why)
{
	gnutls_datum_t pem = { file->data, (unsigned)file->len };
	gnutls_privkey_t key;
	int e;

	if ((e = gnutls_privkey_init(&key)) < 0)
		return keys_crypto(why, "key", e);
	if ((e = gnutls_privkey_import_x509_raw(key, &pem,
	    GNUTLS_X509_FMT_PEM, pass, GNUTLS_PKCS_PBES2_AES_256)) >= 0) {
		*out = key;
		return 0;
	}
	gnutls_privkey_deinit(key);
	if (e == GNUTLS_E_DECRYPTION_FAILED)
		return why_set(why, ERR_REFUSED, "%.300s: wrong passphrase",
		    name);
	return keys_crypto(why, name, e);
}

int
keys_open(const char *dir, const char *file, const char *pass,
    gnutls_privkey_t *out, struct why *why)
{
	char path[PATH_MAX];
	struct buf b;
	int r;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >=
	    (int)sizeof(path))
		return why_set(why, ERR_TOOBIG, "path too long");
	buf_init_secret(&b, KEYS_FILE_MAX + 1);
	if ((r = path_load(path, PATH_SECRET, KEYS_FILE_MAX, &b, why)) == 0)
		r = import(&b, path, pass, out, why);
	buf_free(&b);
	return r;
}

/* ---- public keys --------------------------------------------------------- */

static int
check_rsa(gnutls_pubkey_t key, unsigned bits, struct why *why)
{
	gnutls_datum_t n, e;
	int r = 0;

	if (bits < RSA_MIN || bits > RSA_MAX || bits % 8 != 0)
		return why_set(why, ERR_REFUSED, "RSA key of %u bits; "
		    "expected %d to %d, a multiple of 8", bits, RSA_MIN,
		    RSA_MAX);
	if (gnutls_pubkey_export_rsa_raw2(key, &n, &e,
	    GNUTLS_EXPORT_FLAG_NO_LZ) < 0)
		return why_set(why, ERR_REFUSED, "RSA key cannot be read");
	/* FIPS 186-5 A.1.1: odd, above 2^16; some make it 3 */
	if (e.size < 3 || e.size > 32 || (e.data[e.size - 1] & 1) == 0)
		r = why_set(why, ERR_REFUSED, "RSA key with an unusual "
		    "exponent; expected 65537");
	gnutls_free(n.data);
	gnutls_free(e.data);
	return r;
}

int
keys_check_leaf(gnutls_pubkey_t key, struct why *why)
{
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;
	unsigned bits = 0;
	int algo = gnutls_pubkey_get_pk_algorithm(key, &bits);

	if (algo == GNUTLS_PK_EDDSA_ED25519)
		return 0;
	if (algo == GNUTLS_PK_RSA)
		return check_rsa(key, bits, why);
	if (algo == GNUTLS_PK_ECDSA &&
	    gnutls_pubkey_export_ecc_raw2(key, &curve, NULL, NULL, 0) >= 0 &&
	    (curve == GNUTLS_ECC_CURVE_SECP256R1 ||
	    curve == GNUTLS_ECC_CURVE_SECP384R1))
		return 0;
	return why_set(why, ERR_REFUSED, "key of this type is not used; "
	    "expected P-256, P-384, Ed25519, or RSA from %d bits on",
	    RSA_MIN);
}

int
keys_id(gnutls_pubkey_t key, uint8_t id[KEYS_ID], struct why *why)
{
	size_t n = KEYS_ID;
	int e = gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id,
	    &n);

	return e >= 0 ? 0 : keys_crypto(why, "key", e);
}

int
keys_match(gnutls_privkey_t key, gnutls_x509_crt_t crt, struct why *why)
{
	uint8_t of_key[KEYS_ID], of_crt[KEYS_ID];
	size_t n = KEYS_ID;
	gnutls_pubkey_t pub;
	int e, r;

	if ((e = gnutls_pubkey_init(&pub)) < 0)
		return keys_crypto(why, "key", e);
	if ((e = gnutls_pubkey_import_privkey(pub, key, 0, 0)) < 0)
		r = keys_crypto(why, "key", e);
	else if ((r = keys_id(pub, of_key, why)) == 0 &&
	    (e = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256,
	    of_crt, &n)) < 0)
		r = keys_crypto(why, "certificate", e);
	gnutls_pubkey_deinit(pub);
	if (r == 0 && memcmp(of_key, of_crt, KEYS_ID) != 0)
		r = why_set(why, ERR_REFUSED, "key and certificate do not "
		    "belong together");
	return r;
}
