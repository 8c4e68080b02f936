#include "x509/sig.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#include "x509/slice.h"

#define RSA_EXPONENT_MAX 4	/* bytes */

struct der {
	uint8_t n;
	uint8_t bytes[68];
};
#define DER(...) { .n = sizeof((uint8_t[]){ __VA_ARGS__ }), \
    .bytes = { __VA_ARGS__ } }

/* ---- keys: RFC 3279 2.3.1, RFC 5480 2.1.1, RFC 8410 3 -------------------- */

static const struct der keys[] = {
	/* rsaEncryption, NULL */
	[SIG_RSA] = DER(0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
	    0x0d, 0x01, 0x01, 0x01, 0x05, 0x00),
	/* id-ecPublicKey, secp256r1; secp384r1 */
	[SIG_P256] = DER(0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	    0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
	    0x07),
	[SIG_P384] = DER(0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	    0x02, 0x01, 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22),
	[SIG_ED25519] = DER(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70),
};
#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static bool
is_der(struct span s, const struct der *d)
{
	return s.n == d->n && memcmp(s.p, d->bytes, d->n) == 0;
}

static int
take(struct rd *r, uint8_t want, struct span *content)
{
	struct span whole;
	uint8_t tag;
	int e = slice_element(r, &tag, content, &whole);

	return e != 0 ? e : tag == want ? 0 : ERR_MALFORMED;
}

static unsigned
bits_of(struct span n)
{
	unsigned bits = (unsigned)n.n * 8;

	for (uint8_t top = n.p[0]; bits > 0 && (top & 0x80) == 0;
	    top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

/* RSAPublicKey ::= SEQUENCE { modulus, publicExponent } */
static int
check_rsa(struct span point, struct why *why)
{
	struct rd r = rd_of_span(point), in;
	struct span seq, modulus, exponent;
	unsigned bits;

	if (take(&r, 0x30, &seq) != 0 || rd_end(&r) != 0)
		return why_set(why, ERR_MALFORMED, "RSA key: expected DER");
	in = rd_of_span(seq);
	if (take(&in, 0x02, &modulus) != 0 || take(&in, 0x02, &exponent) != 0 ||
	    rd_end(&in) != 0 || slice_integer(modulus, &modulus) != 0 ||
	    slice_integer(exponent, &exponent) != 0 || modulus.p[0] == 0)
		return why_set(why, ERR_MALFORMED, "RSA key: expected DER");
	bits = bits_of(modulus);
	if (bits < SIG_RSA_MIN || bits > SIG_RSA_MAX || bits % 8 != 0)
		return why_set(why, ERR_REFUSED, "RSA key of %u bits: expected "
		    "%d to %d and a multiple of 8", bits, SIG_RSA_MIN,
		    SIG_RSA_MAX);
	if (exponent.n > RSA_EXPONENT_MAX ||
	    (exponent.p[exponent.n - 1] & 1) == 0 ||
	    (exponent.n == 1 && exponent.p[0] < 3))
		return why_set(why, ERR_REFUSED, "RSA key: expected an odd "
		    "exponent from 3 and of at most %d bytes",
		    RSA_EXPONENT_MAX);
	return 0;
}

/* An uncompressed point; Ed25519's 32 bytes. */
static int
check_point(enum sig_key key, struct span point, struct why *why)
{
	size_t n = key == SIG_P256 ? 65 : key == SIG_P384 ? 97 : 32;

	if (point.n != n || (key != SIG_ED25519 && point.p[0] != 0x04))
		return why_set(why, ERR_REFUSED, "public key of %zu bytes: "
		    "expected %zu, not compressed", point.n, n);
	return 0;
}

int
sig_key_check(struct span spki, enum sig_key *key, struct why *why)
{
	struct rd r = rd_of_span(spki), in;
	struct span seq, content, algorithm, bits;
	uint8_t tag;
	size_t k = 0;
	int e;

	if (take(&r, 0x30, &seq) != 0 || rd_end(&r) != 0)
		return why_set(why, ERR_MALFORMED, "public key: expected DER");
	in = rd_of_span(seq);
	if (slice_element(&in, &tag, &content, &algorithm) != 0 ||
	    take(&in, 0x03, &bits) != 0 || rd_end(&in) != 0 || bits.n < 2 ||
	    bits.p[0] != 0)
		return why_set(why, ERR_MALFORMED, "public key: expected DER");
	while (k < N_KEYS && !is_der(algorithm, &keys[k]))
		k++;
	if (k == N_KEYS)
		return why_set(why, ERR_REFUSED, "public key: expected RSA, "
		    "P-256, P-384 or Ed25519");
	bits = (struct span){ bits.p + 1, bits.n - 1 };
	e = k == SIG_RSA ? check_rsa(bits, why) :
	    check_point((enum sig_key)k, bits, why);
	if (e == 0 && key != NULL)
		*key = (enum sig_key)k;
	return e;
}

/* ---- algorithms: RFC 4055 5 and 3.1, RFC 5758 3.2, RFC 8410 3 ------------ */

#define RSA(alg) 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, alg
#define SHA2(h) 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, h
/* RSASSA-PSS-params: hash, mask by the same hash, salt of its length; the
 * hash's own parameters NULL or absent */
#define PSS_NULL(h, salt) DER(0x30, 0x41, RSA(0x0a), 0x30, 0x34, \
    0xa0, 0x0f, 0x30, 0x0d, SHA2(h), 0x05, 0x00, \
    0xa1, 0x1c, 0x30, 0x1a, RSA(0x08), 0x30, 0x0d, SHA2(h), 0x05, 0x00, \
    0xa2, 0x03, 0x02, 0x01, salt)
#define PSS_ABSENT(h, salt) DER(0x30, 0x3d, RSA(0x0a), 0x30, 0x30, \
    0xa0, 0x0d, 0x30, 0x0b, SHA2(h), \
    0xa1, 0x1a, 0x30, 0x18, RSA(0x08), 0x30, 0x0b, SHA2(h), \
    0xa2, 0x03, 0x02, 0x01, salt)
#define PKCS1_NULL(alg) DER(0x30, 0x0d, RSA(alg), 0x05, 0x00)
/* RFC 4055 5: to be accepted as well */
#define PKCS1_ABSENT(alg) DER(0x30, 0x0b, RSA(alg))
#define ECDSA(h) DER(0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, \
    0x04, 0x03, h)

enum kind { KIND_RSA, KIND_ECDSA, KIND_EDDSA };

static const struct algorithm {
	enum kind kind;
	gnutls_sign_algorithm_t sign;
	struct der der;
} algorithms[] = {
	{ KIND_ECDSA, GNUTLS_SIGN_ECDSA_SHA256, ECDSA(0x02) },
	{ KIND_ECDSA, GNUTLS_SIGN_ECDSA_SHA384, ECDSA(0x03) },
	{ KIND_ECDSA, GNUTLS_SIGN_ECDSA_SHA512, ECDSA(0x04) },
	{ KIND_EDDSA, GNUTLS_SIGN_EDDSA_ED25519,
	    DER(0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_SHA256, PKCS1_NULL(0x0b) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_SHA384, PKCS1_NULL(0x0c) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_SHA512, PKCS1_NULL(0x0d) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_SHA256, PKCS1_ABSENT(0x0b) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_SHA384, PKCS1_ABSENT(0x0c) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_SHA512, PKCS1_ABSENT(0x0d) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, PSS_NULL(0x01, 32) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, PSS_NULL(0x02, 48) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, PSS_NULL(0x03, 64) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, PSS_ABSENT(0x01, 32) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, PSS_ABSENT(0x02, 48) },
	{ KIND_RSA, GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, PSS_ABSENT(0x03, 64) },
};

static const struct algorithm *
find_algorithm(struct span algorithm)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (is_der(algorithm, &algorithms[i].der))
			return &algorithms[i];
	return NULL;
}

int
sig_algorithm_check(struct span algorithm, struct why *why)
{
	return find_algorithm(algorithm) != NULL ? 0 : why_set(why,
	    ERR_REFUSED, "signature algorithm: expected RSA, ECDSA or Ed25519 "
	    "with SHA-2");
}

/* ---- verifying ----------------------------------------------------------- */

static gnutls_datum_t
datum(struct span s)
{
	return (gnutls_datum_t){ .data = (unsigned char *)(uintptr_t)s.p,
	    .size = (unsigned)s.n };
}

static int
library_verify(struct span spki, gnutls_sign_algorithm_t sign,
    struct span tbs, struct span signature, struct why *why)
{
	gnutls_datum_t key = datum(spki), data = datum(tbs);
	gnutls_datum_t sig = datum(signature);
	gnutls_pubkey_t pub;
	int rc = gnutls_pubkey_init(&pub);

	if (rc < 0)
		return why_set(why, ERR_NOMEM, "public key: %s",
		    gnutls_strerror(rc));
	rc = gnutls_pubkey_import(pub, &key, GNUTLS_X509_FMT_DER);
	if (rc >= 0)
		rc = gnutls_pubkey_verify_data2(pub, sign,
		    GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM) |
		    GNUTLS_VERIFY_RSA_PSS_FIXED_SALT_LENGTH, &data, &sig);
	gnutls_pubkey_deinit(pub);
	if (rc >= 0)
		return 0;
	return why_set(why, rc == GNUTLS_E_PK_SIG_VERIFY_FAILED ?
	    ERR_REFUSED : ERR_CRYPTO, "signature: %s", gnutls_strerror(rc));
}

int
sig_verify(struct span spki, struct span algorithm, struct span tbs,
    struct span signature, struct why *why)
{
	const struct algorithm *a = find_algorithm(algorithm);
	enum sig_key key;
	enum kind kind;
	int e;

	if ((e = sig_key_check(spki, &key, why)) != 0)
		return e;
	if (a == NULL)
		return sig_algorithm_check(algorithm, why);
	kind = key == SIG_RSA ? KIND_RSA : key == SIG_ED25519 ? KIND_EDDSA :
	    KIND_ECDSA;
	if (a->kind != kind)
		return why_set(why, ERR_REFUSED, "signature: its algorithm "
		    "does not fit the issuer's key");
	return library_verify(spki, a->sign, tbs, signature, why);
}

int
sig_sha256(struct span data, uint8_t out[32])
{
	return gnutls_hash_fast(GNUTLS_DIG_SHA256, data.p, data.n, out) < 0 ?
	    ERR_CRYPTO : 0;
}
