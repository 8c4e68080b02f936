#include <stdlib.h>
#include <string.h>

#include "x509/tls_session.h"

/* The library offers a hash or data to be signed; who holds the key hashes
 * the messages for himself and believes neither. */
static int
sign(gnutls_privkey_t key, gnutls_sign_algorithm_t algo, void *ctx,
    unsigned flags, const gnutls_datum_t *offered, gnutls_datum_t *out)
{
	struct tls *t = ctx;
	struct buf sig;
	int rc = 0;

	(void)key;
	(void)algo;
	(void)flags;
	(void)offered;
	buf_init(&sig, TLS_SIGNATURE_MAX);
	t->failure = TLS_FAIL_SIGN;
	if (t->as_server.sign(t->as_server.ctx, tls_server_transcript(t),
	    &sig) != 0 || buf_err(&sig) != 0 || sig.len == 0)
		rc = GNUTLS_E_PK_SIGN_FAILED;
	else if ((out->data = gnutls_malloc(sig.len)) == NULL)
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
describe(gnutls_privkey_t key, unsigned flags, void *ctx)
{
	const struct tls *t = ctx;
	const struct tls_scheme *s = tls_scheme_find(t->as_server.scheme);
	unsigned bits = 0;
	int algo = gnutls_pubkey_get_pk_algorithm(t->own[0].pubkey, &bits);

	(void)key;
	if (flags == GNUTLS_PRIVKEY_INFO_PK_ALGO)
		return algo;
	if (flags == GNUTLS_PRIVKEY_INFO_PK_ALGO_BITS)
		return (int)bits;
	if ((flags & GNUTLS_PRIVKEY_INFO_HAVE_SIGN_ALGO) == 0)
		return -1;
	return GNUTLS_FLAGS_TO_SIGN_ALGO(flags) == s->sign;
}

/* On success the credentials own key and certificates. */
static int
set_key(struct tls *t, struct why *why)
{
	gnutls_privkey_t key;
	int rc = gnutls_privkey_init(&key);

	if (rc < 0)
		return tls_session_why(why, "own key", rc);
	/* the certificate's key is not here to compare with */
	gnutls_certificate_set_flags(t->cred,
	    GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	if ((rc = gnutls_privkey_import_ext4(key, t, sign, sign, NULL, NULL,
	    describe, 0)) >= 0)
		rc = gnutls_certificate_set_key(t->cred, NULL, 0, t->own,
		    (int)t->n_own, key);
	if (rc < 0) {
		gnutls_privkey_deinit(key);
		return tls_session_why(why, "own key", rc);
	}
	t->n_own = 0;
	return 0;
}

/* Before anything is signed for a peer that speaks something else. */
static int
on_client_hello(gnutls_session_t session)
{
	gnutls_datum_t d;

	return gnutls_alpn_get_selected_protocol(session, &d) == 0 ? 0 :
	    GNUTLS_E_NO_APPLICATION_PROTOCOL;
}

int
tls_server_new(struct tls **out, const struct tls_server *spec,
    struct why *why)
{
	struct tls *t = calloc(1, sizeof(*t));
	int rc;

	if (t == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	t->fd = -1;
	t->as_server = *spec;
	rc = tls_scheme_find(spec->scheme) != NULL ? 0 : why_set(why,
	    ERR_MALFORMED, "signature scheme %04x", spec->scheme);
	if (rc != 0 ||
	    (rc = tls_session_init(t, spec->chain, spec->n, why)) != 0 ||
	    (rc = set_key(t, why)) != 0) {
		tls_free(t);
		return rc;
	}
	gnutls_certificate_server_set_request(t->session,
	    GNUTLS_CERT_REQUIRE);
	gnutls_handshake_set_post_client_hello_function(t->session,
	    on_client_hello);
	tls_session_capture(t);
	*out = t;
	return 0;
}

int
tls_server_begin(struct tls *t, int fd, const uint8_t random[TLS_RANDOM_LEN])
{
	gnutls_datum_t d = { (unsigned char *)(uintptr_t)random,
	    TLS_RANDOM_LEN };

	t->fd = fd;
	return gnutls_handshake_set_random(t->session, &d) == 0 ? 0 :
	    ERR_CRYPTO;
}

struct span
tls_server_transcript(const struct tls *t)
{
	return (struct span){ t->transcript.data, t->transcript.len };
}
