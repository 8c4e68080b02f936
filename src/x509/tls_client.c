#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "x509/tls_session.h"

#define CONTEXT "TLS 1.3, client CertificateVerify"
#define BLANKS 64
#define HASH_MAX 64
#define MESSAGE_HASH 254	/* RFC 8446 4.4.1 */

static int
verify(gnutls_session_t session)
{
	struct tls *t = gnutls_session_get_ptr(session);
	struct span chain[TLS_CHAIN_MAX];
	const gnutls_datum_t *got;
	unsigned n = 0;

	t->failure = TLS_FAIL_VERIFY;
	t->refusal = TLS_ALERT_BAD_CERTIFICATE;
	got = gnutls_certificate_get_peers(session, &n);
	if (got == NULL || n == 0 || n > TLS_CHAIN_MAX)
		return GNUTLS_E_CERTIFICATE_ERROR;
	for (unsigned i = 0; i < n; i++)
		chain[i] = (struct span){ got[i].data, got[i].size };
	t->refusal = t->as_client.verify(t->as_client.ctx, chain, n);
	if (t->refusal != TLS_ALERT_NONE)
		return GNUTLS_E_CERTIFICATE_ERROR;
	t->failure = TLS_FAIL_NONE;
	return 0;
}

/* Our certificate goes out whatever list of authorities the server sends:
 * it is the server's part to say what is wrong with it. */
static int
retrieve(gnutls_session_t session,
    const struct gnutls_cert_retr_st *info, gnutls_pcert_st **chain,
    unsigned *n, gnutls_ocsp_data_st **ocsp, unsigned *n_ocsp,
    gnutls_privkey_t *key, unsigned *flags)
{
	struct tls *t = gnutls_session_get_ptr(session);

	(void)info;
	if (t->as_client.asked != NULL)
		t->as_client.asked(t->as_client.ctx);
	*chain = t->own;
	*n = (unsigned)t->n_own;
	*ocsp = NULL;
	*n_ocsp = 0;
	*key = t->as_client.key;
	*flags = 0;		/* all of it stays ours */
	return 0;
}

/* ---- a key behind a call ------------------------------------------------ */

/*
 * The library asks some kinds of keys for the signature of a hash.  A card
 * hashes for itself, so the data is put together again from the messages:
 * RFC 8446 4.4.3 and, for HelloRetryRequest, 4.4.1.
 */
static int
hash_transcript(const struct tls *t, gnutls_digest_algorithm_t how,
    uint8_t out[HASH_MAX])
{
	const uint8_t *p = t->transcript.data;
	size_t first = t->first_hello, len = gnutls_hash_get_len(how);
	uint8_t head[4 + HASH_MAX] = { MESSAGE_HASH, 0, 0, (uint8_t)len };
	gnutls_hash_hd_t h;
	int rc;

	if ((rc = gnutls_hash_init(&h, how)) < 0)
		return rc;
	if (first > 0 &&
	    (rc = gnutls_hash_fast(how, p, first, head + 4)) >= 0)
		rc = gnutls_hash(h, head, 4 + len);
	if (rc >= 0)
		rc = gnutls_hash(h, p + first, t->transcript.len - first);
	gnutls_hash_deinit(h, out);
	return rc;
}

static int
rebuild(const struct tls *t, struct buf *data)
{
	gnutls_digest_algorithm_t how = gnutls_prf_hash_get(t->session);
	uint8_t blanks[BLANKS], hash[HASH_MAX];
	int rc;

	if (buf_err(&t->transcript) != 0 ||
	    gnutls_hash_get_len(how) > HASH_MAX)
		return GNUTLS_E_INTERNAL_ERROR;
	if ((rc = hash_transcript(t, how, hash)) < 0)
		return rc;
	memset(blanks, ' ', sizeof(blanks));
	buf_put_raw(data, blanks, sizeof(blanks));
	buf_put_raw(data, CONTEXT, sizeof(CONTEXT));
	buf_put_raw(data, hash, gnutls_hash_get_len(how));
	return buf_err(data) == 0 ? 0 : GNUTLS_E_MEMORY_ERROR;
}

/* Sign what we put together, if it is what the library meant. */
static int
sign(struct tls *t, gnutls_sign_algorithm_t algo, bool hashed,
    const gnutls_datum_t *offered, struct buf *sig)
{
	const struct tls_scheme *s = tls_scheme_of(algo);
	gnutls_digest_algorithm_t how = gnutls_sign_get_hash_algorithm(algo);
	struct span ours, theirs = { offered->data, offered->size };
	uint8_t hash[HASH_MAX];
	struct buf data;
	int rc;

	buf_init(&data, BLANKS + sizeof(CONTEXT) + HASH_MAX);
	rc = s == NULL ? GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM :
	    rebuild(t, &data);
	ours = (struct span){ data.data, data.len };
	if (rc >= 0 && hashed) {
		rc = gnutls_hash_fast(how, data.data, data.len, hash);
		ours = (struct span){ hash, gnutls_hash_get_len(how) };
	}
	if (rc >= 0 && !span_eq(ours, theirs))
		rc = GNUTLS_E_INTERNAL_ERROR;
	if (rc >= 0 && t->as_client.sign(t->as_client.ctx, s->tls,
	    (struct span){ data.data, data.len }, sig) != 0)
		rc = GNUTLS_E_PK_SIGN_FAILED;
	buf_free(&data);
	return rc < 0 ? rc : 0;
}

static int
sign_any(struct tls *t, gnutls_sign_algorithm_t algo, bool hashed,
    const gnutls_datum_t *offered, gnutls_datum_t *out)
{
	struct buf sig;
	int rc;

	buf_init(&sig, TLS_SIGNATURE_MAX);
	t->failure = TLS_FAIL_SIGN;
	rc = sign(t, algo, hashed, offered, &sig);
	if (rc == 0 && (out->data = gnutls_malloc(sig.len)) == NULL)
		rc = GNUTLS_E_MEMORY_ERROR;
	if (rc == 0) {
		memcpy(out->data, sig.data, sig.len);
		out->size = (unsigned)sig.len;
		t->failure = TLS_FAIL_NONE;
	}
	buf_free(&sig);
	return rc;
}

static int
sign_data(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *ctx,
    unsigned flags, const gnutls_datum_t *data, gnutls_datum_t *sig)
{
	(void)key;
	(void)flags;
	return sign_any(ctx, algo, false, data, sig);
}

static int
sign_hash(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *ctx,
    unsigned flags, const gnutls_datum_t *hash, gnutls_datum_t *sig)
{
	(void)key;
	(void)flags;
	return sign_any(ctx, algo, true, hash, sig);
}

static int
describe(gnutls_privkey_t key, unsigned flags, void *ctx)
{
	const struct tls *t = ctx;
	unsigned bits = 0;
	int algo = gnutls_pubkey_get_pk_algorithm(t->own[0].pubkey, &bits);

	(void)key;
	if (flags == GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return algo;
	if (flags == GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)bits;
	if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) == 0)
		return -1;
	return tls_scheme_of(GNUTLS_FLAGS_TO_SIGN_ALGO(flags)) != NULL;
}

/* ---- making ------------------------------------------------------------- */

static int
set_key(struct tls *t, struct why *why)
{
	int rc;

	if (t->as_client.key != NULL)
		return 0;
	if ((rc = gnutls_privkey_init(&t->key)) < 0 ||
	    (rc = gnutls_privkey_import_ext4(t->key, t, sign_data, sign_hash,
	    NULL, NULL, describe, 0)) < 0)
		return tls_session_why(why, "own key", rc);
	t->as_client.key = t->key;
	tls_session_capture(t);
	return 0;
}

static bool
is_address(const char *host)
{
	unsigned char a[16];

	return inet_pton(AF_INET, host, a) == 1 ||
	    inet_pton(AF_INET6, host, a) == 1;
}

static int
set_name(struct tls *t, struct why *why)
{
	const char *host = t->as_client.host;
	int rc;

	if (is_address(host))
		return 0;
	rc = gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, host,
	    strlen(host));
	return rc == 0 ? 0 : tls_session_why(why, "server name", rc);
}

int
tls_client_new(struct tls **out, const struct tls_client *spec, int fd,
    struct why *why)
{
	struct tls *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	t->client = true;
	t->fd = fd;
	t->as_client = *spec;
	if ((rc = tls_session_init(t, spec->chain, spec->n, why)) != 0 ||
	    (rc = set_name(t, why)) != 0 || (rc = set_key(t, why)) != 0) {
		tls_free(t);
		return rc;
	}
	gnutls_certificate_set_verify_function(t->cred, verify);
	gnutls_certificate_set_retrieve_function3(t->cred, retrieve);
	*out = t;
	return 0;
}
