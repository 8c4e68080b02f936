#include "hostkey/key.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs11.h>
#include <gnutls/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "x509/handshake.h"

#define FILE_MAX 65536
#define PIN_MAX 256
#define TBS_MAX (64 + 34 + 64)

struct key {
	gnutls_privkey_t priv;
	gnutls_sign_algorithm_t sign;
	gnutls_x509_crt_t crt[IPC_CHAIN_MAX];
	gnutls_datum_t der[IPC_CHAIN_MAX];
	struct ipc_host host;
	int64_t not_after;
	struct buf pin;
	bool pin_given;		/* a login is tried once, never again */
};

static int
crypto(struct why *why, const char *what, int e)
{
	return why_set(why, ERR_CRYPTO, "%s: %s", what, gnutls_strerror(e));
}

/* One scheme per key: what the certificate's key can do in TLS 1.3. */
static int
choose_scheme(struct key *k, struct why *why)
{
	unsigned bits = 0;
	int algo = gnutls_privkey_get_pk_algorithm(k->priv, &bits);
	gnutls_ecc_curve_t curve = GNUTLS_ECC_CURVE_INVALID;

	if (algo == GNUTLS_PK_EC &&
	    gnutls_x509_crt_get_pk_ecc_raw(k->crt[0], &curve, NULL,
	    NULL) < 0)
		curve = GNUTLS_ECC_CURVE_INVALID;
	if (curve == GNUTLS_ECC_CURVE_SECP256R1) {
		k->host.scheme = 0x0403;
		k->sign = GNUTLS_SIGN_ECDSA_SECP256R1_SHA256;
	} else if (curve == GNUTLS_ECC_CURVE_SECP384R1) {
		k->host.scheme = 0x0503;
		k->sign = GNUTLS_SIGN_ECDSA_SECP384R1_SHA384;
	} else if (algo == GNUTLS_PK_EDDSA_ED25519) {
		k->host.scheme = 0x0807;
		k->sign = GNUTLS_SIGN_EDDSA_ED25519;
	} else if (algo == GNUTLS_PK_RSA && bits >= 2048 && bits % 8 == 0) {
		k->host.scheme = 0x0804;
		k->sign = GNUTLS_SIGN_RSA_PSS_RSAE_SHA256;
	} else
		return why_set(why, ERR_REFUSED, "key of this type is not "
		    "used; expected P-256, P-384, Ed25519, or RSA from 2048 "
		    "bits on");
	return 0;
}

static int
load_chain(struct key *k, int fd, struct why *why)
{
	unsigned n = IPC_CHAIN_MAX;
	gnutls_datum_t pem;
	struct buf b;
	int r, e;

	buf_init(&b, FILE_MAX + 1);
	if ((r = path_read(fd, FILE_MAX, &b, why)) != 0)
		goto out;
	pem = (gnutls_datum_t){ b.data, (unsigned)b.len };
	if ((e = gnutls_x509_crt_list_import(k->crt, &n, &pem,
	    GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_IMPORT_FAIL_IF_EXCEED |
	    GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED)) < 0) {
		r = crypto(why, "certificate (at most 4, leaf first, PEM)", e);
		goto out;
	}
	for (unsigned i = 0; i < n; i++) {
		if ((e = gnutls_x509_crt_export2(k->crt[i],
		    GNUTLS_X509_FMT_DER, &k->der[i])) < 0) {
			r = crypto(why, "certificate", e);
			goto out;
		}
		k->host.der[k->host.n++] = (struct span){ k->der[i].data,
		    k->der[i].size };
	}
	k->not_after = gnutls_x509_crt_get_expiration_time(k->crt[0]);
out:
	buf_free(&b);
	return r;
}

/* Comes through a pipe; a terminator stands behind it. */
static int
read_pin(struct key *k, int fd, struct why *why)
{
	uint8_t *p;
	ssize_t n;

	if (fd < 0)
		return 0;
	if ((p = buf_reserve(&k->pin, PIN_MAX + 1)) == NULL ||
	    (n = read(fd, p, PIN_MAX)) < 0)
		return why_errno(why, "PIN");
	p[n] = '\0';
	buf_commit(&k->pin, (size_t)n);
	return 0;
}

static int
load_file(struct key *k, int fd, struct why *why)
{
	gnutls_datum_t pem;
	struct buf b;
	int r, e;

	buf_init_secret(&b, FILE_MAX + 1);
	if ((r = path_read(fd, FILE_MAX, &b, why)) == 0) {
		pem = (gnutls_datum_t){ b.data, (unsigned)b.len };
		if ((e = gnutls_privkey_import_x509_raw(k->priv, &pem,
		    GNUTLS_X509_FMT_PEM, (const char *)k->pin.data, 0)) < 0)
			r = crypto(why, "key (PEM, encrypted only with "
			    "key-pin-file)", e);
	}
	buf_free(&b);
	return r;
}

#ifdef WITH_PKCS11
static int
give_pin(void *arg, int attempt, const char *url, const char *label,
    unsigned flags, char *pin, size_t size)
{
	struct key *k = arg;

	(void)attempt;
	(void)url;
	(void)label;
	/* a wrong PIN sent again would lock the token */
	if (k->pin.len == 0 || k->pin.len >= size ||
	    (flags & (GNUTLS_PIN_WRONG | GNUTLS_PIN_FINAL_TRY)) != 0)
		return -1;
	/* CKA_ALWAYS_AUTHENTICATE asks at every signature; a login is one */
	if ((flags & GNUTLS_PIN_CONTEXT_SPECIFIC) == 0) {
		if (k->pin_given)
			return -1;
		k->pin_given = true;
	}
	memcpy(pin, k->pin.data, k->pin.len);
	pin[k->pin.len] = '\0';
	return 0;
}

static int
load_token(struct key *k, const struct key_source *src, struct why *why)
{
	int e;

	if ((e = gnutls_pkcs11_init(GNUTLS_PKCS11_FLAG_MANUAL, NULL)) < 0 ||
	    (e = gnutls_pkcs11_add_provider(src->module, NULL)) < 0)
		return crypto(why, src->module, e);
	gnutls_pkcs11_set_pin_function(give_pin, k);
	if ((e = gnutls_privkey_import_url(k->priv, src->uri, 0)) < 0)
		return crypto(why, "key on token", e);
	return 0;
}
#else
static int
load_token(struct key *k, const struct key_source *src, struct why *why)
{
	(void)k;
	(void)src;
	return why_set(why, ERR_REFUSED, "built with --disable-pkcs11");
}
#endif

/* Does the key sign what the certificate verifies? */
static int
check_match(struct key *k, struct why *why)
{
	static const uint8_t probe[] = "certlogin-hostkey: do they match";
	gnutls_datum_t data = { (void *)(uintptr_t)probe, sizeof(probe) };
	gnutls_datum_t sig = { 0 };
	gnutls_pubkey_t pub = NULL;
	int e;

	if ((e = gnutls_pubkey_init(&pub)) >= 0 &&
	    (e = gnutls_pubkey_import_x509(pub, k->crt[0], 0)) >= 0 &&
	    (e = gnutls_privkey_sign_data2(k->priv, k->sign, 0, &data,
	    &sig)) >= 0)
		e = gnutls_pubkey_verify_data2(pub, k->sign, 0, &data, &sig);
	gnutls_free(sig.data);
	gnutls_pubkey_deinit(pub);
	return e >= 0 ? 0 : crypto(why, "key and certificate do not belong "
	    "together", e);
}

struct key *
key_load(const struct key_source *src, struct why *why)
{
	struct key *k = calloc(1, sizeof(*k));
	int r, e;

	if (k == NULL) {
		(void)why_set(why, ERR_NOMEM, "out of memory");
		return NULL;
	}
	buf_init_secret(&k->pin, PIN_MAX + 1);
	if ((e = gnutls_privkey_init(&k->priv)) < 0)
		r = crypto(why, "key", e);
	else if ((r = read_pin(k, src->pin_fd, why)) == 0 &&
	    (r = load_chain(k, src->cert_fd, why)) == 0 &&
	    (r = src->uri != NULL ? load_token(k, src, why) :
	    load_file(k, src->key_fd, why)) == 0 &&
	    (r = choose_scheme(k, why)) == 0)
		r = check_match(k, why);
	if (r == 0)
		return k;
	key_free(k);
	return NULL;
}

void
key_free(struct key *k)
{
	if (k == NULL)
		return;
	if (k->priv != NULL)
		gnutls_privkey_deinit(k->priv);
	for (size_t i = 0; i < IPC_CHAIN_MAX; i++) {
		if (k->crt[i] != NULL)
			gnutls_x509_crt_deinit(k->crt[i]);
		gnutls_free(k->der[i].data);
	}
	buf_free(&k->pin);
	free(k);
}

const struct ipc_host *
key_host(const struct key *k)
{
	return &k->host;
}

int64_t
key_not_after(const struct key *k)
{
	return k->not_after;
}

/* RFC 8446 4.4.1, with message_hash in place of a first ClientHello that was
 * answered by HelloRetryRequest. */
static int
transcript_hash(const struct handshake_server *h, uint8_t *out, size_t *len)
{
	gnutls_digest_algorithm_t dig = h->sha384 ? GNUTLS_DIG_SHA384 :
	    GNUTLS_DIG_SHA256;
	uint8_t head[4 + 64] = { HANDSHAKE_MESSAGE_HASH, 0, 0, 0 };
	gnutls_hash_hd_t hd;
	int e;

	*len = gnutls_hash_get_len(dig);
	if ((e = gnutls_hash_init(&hd, dig)) < 0)
		return e;
	if (h->retried) {
		head[3] = (uint8_t)*len;
		e = gnutls_hash_fast(dig, h->first_hello.p, h->first_hello.n,
		    head + 4);
		if (e >= 0)
			e = gnutls_hash(hd, head, 4 + *len);
	}
	if (e >= 0)
		e = gnutls_hash(hd, h->rest.p, h->rest.n);
	gnutls_hash_deinit(hd, out);
	return e;
}

int
key_sign(struct key *k, struct span random, struct span transcript,
    struct buf *sig, struct why *why)
{
	static const char context[] = "TLS 1.3, server CertificateVerify";
	struct rd r = rd_of_span(transcript);
	gnutls_datum_t data, out = { 0 };
	struct handshake_server h;
	uint8_t tbs[TBS_MAX];
	size_t n;
	int e;

	if ((e = handshake_server(&r, random, k->host.der[0], &h, why)) != 0)
		return e;
	if (rd_end(&r) != 0)
		return why_set(why, ERR_TRAILING,
		    "something behind the server's Certificate");
	memset(tbs, ' ', 64);
	memcpy(tbs + 64, context, sizeof(context));
	if ((e = transcript_hash(&h, tbs + 64 + sizeof(context), &n)) < 0)
		return crypto(why, "hash", e);
	data = (gnutls_datum_t){ tbs, (unsigned)(64 + sizeof(context) + n) };
	if ((e = gnutls_privkey_sign_data2(k->priv, k->sign, 0, &data,
	    &out)) < 0)
		return crypto(why, "signature", e);
	if (out.size <= IPC_SIGNATURE_MAX)
		buf_put_raw(sig, out.data, out.size);
	e = out.size <= IPC_SIGNATURE_MAX ? buf_err(sig) : ERR_TOOBIG;
	gnutls_free(out.data);
	return e == 0 ? 0 : why_set(why, e, "signature: %s", err_text(e));
}
