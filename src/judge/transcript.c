#include "judge/transcript.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>

#define HASH_MAX 48
#define CONTEXT "TLS 1.3, client CertificateVerify"
#define TBS_MAX (64 + sizeof(CONTEXT) + HASH_MAX)

/* ---- reading -------------------------------------------------------------- */

static int
expect(struct rd *r, uint8_t type, const char *name, struct handshake_msg *m,
    struct why *why)
{
	*m = handshake_next(r);
	if (r->err != 0)
		return why_set(why, ERR_MALFORMED, "handshake ends before %s",
		    name);
	if (m->type != type)
		return why_set(why, ERR_MALFORMED, "handshake message %u "
		    "where %s was expected", m->type, name);
	return 0;
}

/* Between the server's Certificate and the client's.  The hostkey process
 * signed the one, GnuTLS checked the other; their place is what counts. */
static int
skip_server_proof(struct rd *r, const struct handshake_server *s,
    struct why *why)
{
	struct handshake_msg m;
	int e;

	if ((e = expect(r, HANDSHAKE_CERTIFICATE_VERIFY,
	    "the server's CertificateVerify", &m, why)) != 0 ||
	    (e = expect(r, HANDSHAKE_FINISHED, "the server's Finished", &m,
	    why)) != 0)
		return e;
	if (m.body.n != (s->sha384 ? 48 : 32))
		return why_set(why, ERR_MALFORMED, "the server's Finished has "
		    "%zu bytes", m.body.n);
	return 0;
}

static int
read_chain(struct span body, struct transcript *t, struct why *why)
{
	struct rd r = rd_of_span(body), list;
	struct span context = rd_vector(&r, 1);

	list = rd_of_span(rd_vector(&r, 3));
	if (rd_end(&r) != 0 || context.n != 0)
		return why_set(why, ERR_MALFORMED,
		    "malformed Certificate of the client");
	t->n = 0;
	while (list.n > 0) {
		struct span der = rd_vector(&list, 3);
		struct span extensions = rd_vector(&list, 2);

		if (list.err != 0 || der.n == 0 || extensions.n != 0)
			return why_set(why, ERR_MALFORMED, "malformed entry "
			    "in the client's Certificate");
		if (der.n > IPC_CERT_MAX || t->n == IPC_CHAIN_MAX)
			return why_set(why, ERR_TOOBIG, "expected at most %d "
			    "certificates of %d bytes", IPC_CHAIN_MAX,
			    IPC_CERT_MAX);
		t->chain[t->n++] = der;
	}
	return t->n > 0 ? 0 : why_set(why, ERR_REFUSED,
	    "the client showed no certificate");
}

static int
read_signature(struct span body, struct transcript *t, struct why *why)
{
	struct rd r = rd_of_span(body);

	t->scheme = rd_u16(&r);
	t->signature = rd_vector(&r, 2);
	if (rd_end(&r) != 0 || t->signature.n == 0 ||
	    t->signature.n > IPC_SIGNATURE_MAX)
		return why_set(why, ERR_MALFORMED,
		    "malformed CertificateVerify of the client");
	return 0;
}

int
transcript_read(struct span bytes, struct span random, struct span own,
    struct transcript *out, struct why *why)
{
	struct rd r = rd_of_span(bytes);
	struct transcript t = { 0 };
	struct handshake_msg m;
	int e;

	if ((e = handshake_server(&r, random, own, &t.server, why)) != 0 ||
	    (e = skip_server_proof(&r, &t.server, why)) != 0 ||
	    (e = expect(&r, HANDSHAKE_CERTIFICATE, "the client's Certificate",
	    &m, why)) != 0 ||
	    (e = read_chain(m.body, &t, why)) != 0)
		return e;
	t.hashed.p = t.server.rest.p;
	t.hashed.n = (size_t)(r.p - t.hashed.p);
	if ((e = expect(&r, HANDSHAKE_CERTIFICATE_VERIFY,
	    "the client's CertificateVerify", &m, why)) != 0 ||
	    (e = read_signature(m.body, &t, why)) != 0)
		return e;
	if (rd_end(&r) != 0)
		return why_set(why, ERR_TRAILING, "something follows the "
		    "client's CertificateVerify");
	*out = t;
	return 0;
}

/* ---- the signature ---------------------------------------------------------- */

static int
crypto(struct why *why, int e)
{
	return why_set(why, ERR_CRYPTO, "signature of the handshake: %s",
	    gnutls_strerror(e));
}

/* The hash of a ClientHello that was answered by a HelloRetryRequest stands
 * for it (RFC 8446 4.4.1). */
static int
add_message_hash(gnutls_hash_hd_t h, gnutls_digest_algorithm_t digest,
    struct span hello)
{
	unsigned len = gnutls_hash_get_len(digest);
	uint8_t m[4 + HASH_MAX] = { HANDSHAKE_MESSAGE_HASH, 0, 0,
	    (uint8_t)len };
	int e = gnutls_hash_fast(digest, hello.p, hello.n, m + 4);

	return e < 0 ? e : gnutls_hash(h, m, 4 + len);
}

/* What the client signed: 64 blanks, context, 0, hash (RFC 8446 4.4.3). */
static int
make_tbs(const struct transcript *t, uint8_t tbs[TBS_MAX], size_t *n)
{
	gnutls_digest_algorithm_t digest = t->server.sha384 ?
	    GNUTLS_DIG_SHA384 : GNUTLS_DIG_SHA256;
	size_t at = 64 + sizeof(CONTEXT);
	gnutls_hash_hd_t h;
	int e;

	memset(tbs, 0x20, 64);
	memcpy(tbs + 64, CONTEXT, sizeof(CONTEXT));
	if ((e = gnutls_hash_init(&h, digest)) < 0)
		return e;
	if (t->server.retried)
		e = add_message_hash(h, digest, t->server.first_hello);
	if (e >= 0)
		e = gnutls_hash(h, t->hashed.p, t->hashed.n);
	gnutls_hash_deinit(h, e >= 0 ? tbs + at : NULL);
	*n = at + gnutls_hash_get_len(digest);
	return e;
}

/* One row for each scheme that we take, and the only key that it fits. */
static const struct {
	uint16_t scheme;
	gnutls_sign_algorithm_t sign;
	gnutls_pk_algorithm_t pk;
	gnutls_ecc_curve_t curve;
} schemes[] = {
	{ 0x0403, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, GNUTLS_PK_EC,
	    GNUTLS_ECC_CURVE_SECP256R1 },
	{ 0x0503, GNUTLS_SIGN_ECDSA_SECP384R1_SHA384, GNUTLS_PK_EC,
	    GNUTLS_ECC_CURVE_SECP384R1 },
	{ 0x0807, GNUTLS_SIGN_EDDSA_ED25519, GNUTLS_PK_EDDSA_ED25519,
	    GNUTLS_ECC_CURVE_INVALID },
	{ 0x0804, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, GNUTLS_PK_RSA,
	    GNUTLS_ECC_CURVE_INVALID },
	{ 0x0805, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, GNUTLS_PK_RSA,
	    GNUTLS_ECC_CURVE_INVALID },
	{ 0x0806, GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, GNUTLS_PK_RSA,
	    GNUTLS_ECC_CURVE_INVALID },
};

static gnutls_sign_algorithm_t
fitting(gnutls_pubkey_t key, uint16_t scheme)
{
	int pk = gnutls_pubkey_get_pk_algorithm(key, NULL);
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

	if (pk == GNUTLS_PK_EC &&
	    gnutls_pubkey_export_ecc_raw(key, &curve, NULL, NULL) < 0)
		return GNUTLS_SIGN_UNKNOWN;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].scheme == scheme && (int)schemes[i].pk == pk &&
		    schemes[i].curve == curve)
			return schemes[i].sign;
	return GNUTLS_SIGN_UNKNOWN;
}

static int
check_signature(const struct transcript *t, gnutls_pubkey_t key,
    struct why *why)
{
	gnutls_sign_algorithm_t sign = fitting(key, t->scheme);
	gnutls_datum_t data, sig = { (void *)(uintptr_t)t->signature.p,
	    (unsigned)t->signature.n };
	uint8_t tbs[TBS_MAX];
	size_t n;
	int e;

	if (sign == GNUTLS_SIGN_UNKNOWN)
		return why_set(why, ERR_REFUSED, "signature scheme %04x does "
		    "not fit the certificate's key", t->scheme);
	if ((e = make_tbs(t, tbs, &n)) < 0)
		return crypto(why, e);
	data = (gnutls_datum_t){ tbs, (unsigned)n };
	e = gnutls_pubkey_verify_data2(key, sign,
	    GNUTLS_VERIFY_RSA_PSS_FIXED_SALT_LENGTH, &data, &sig);
	return e >= 0 ? 0 : crypto(why, e);
}

int
transcript_verify(const struct transcript *t, struct span spki,
    struct why *why)
{
	gnutls_datum_t der = { (void *)(uintptr_t)spki.p, (unsigned)spki.n };
	gnutls_pubkey_t key = NULL;
	int e, r;

	if ((e = gnutls_pubkey_init(&key)) < 0)
		return crypto(why, e);
	if ((e = gnutls_pubkey_import(key, &der, GNUTLS_X509_FMT_DER)) < 0)
		r = crypto(why, e);
	else
		r = check_signature(t, key, why);
	gnutls_pubkey_deinit(key);
	return r;
}
