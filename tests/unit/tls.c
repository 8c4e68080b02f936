/* Both sides of tls.h on a socket pair, and foreign clients. */
#include <check.h>
#include <gnutls/crypto.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hostkey/key.h"
#include "pki.h"
#include "x509/handshake.h"
#include "x509/tls.h"

#define ROUNDS 2000

/* One connection: our server, our client or a foreign one. */
struct pair {
	struct pki server_pki, client_pki;
	struct span server_chain[8], client_chain[8];
	size_t n_server, n_client;
	int fd[2];
	uint8_t random[32];
	struct key *hostkey;
	struct tls *server, *client;
	gnutls_session_t foreign;
	int server_rc, client_rc;
	enum tls_alert verdict;		/* of the client's verify */
	size_t verified, asked, signed_server, signed_client;
	bool sign_fails;
};

static struct pair p;

/* ---- callbacks ---------------------------------------------------------- */

static int
sign_server(void *ctx, struct span transcript, struct buf *sig)
{
	struct pair *q = ctx;
	struct why why = { "" };

	q->signed_server++;
	if (q->sign_fails)
		return ERR_REFUSED;
	ck_assert_msg(key_sign(q->hostkey, (struct span){ q->random, 32 },
	    transcript, sig, &why) == 0, "%s", why.text);
	return 0;
}

/* As a card does: all of the data, hashed here. */
static int
sign_client(void *ctx, uint16_t scheme, struct span data, struct buf *sig)
{
	struct pair *q = ctx;
	gnutls_datum_t in = { (void *)(uintptr_t)data.p, (unsigned)data.n };
	gnutls_datum_t out;

	q->signed_client++;
	ck_assert_uint_eq(scheme, q->client_pki.scheme);
	if (q->sign_fails)
		return ERR_REFUSED;
	ck_assert_int_ge(gnutls_privkey_sign_data2(q->client_pki.key,
	    q->client_pki.sign, 0, &in, &out), 0);
	buf_put_raw(sig, out.data, out.size);
	gnutls_free(out.data);
	return buf_err(sig);
}

static enum tls_alert
verify_server(void *ctx, const struct span *chain, size_t n)
{
	struct pair *q = ctx;

	q->verified++;
	ck_assert_uint_eq(n, q->n_server);
	for (size_t i = 0; i < n; i++)
		ck_assert(span_eq(chain[i], q->server_chain[i]));
	return q->verdict;
}

static void
asked(void *ctx)
{
	((struct pair *)ctx)->asked++;
}

/* ---- making ------------------------------------------------------------- */

static void
make_pki(enum pki_kind server, enum pki_kind client)
{
	struct key_source src = { .pin_fd = -1 };
	struct why why;

	memset(&p, 0, sizeof(p));
	pki_make(&p.server_pki, server, "host", NULL);
	pki_make(&p.client_pki, client, "person", NULL);
	p.server_chain[0] = pki_der(&p.server_pki);
	p.client_chain[0] = pki_der(&p.client_pki);
	p.n_server = p.n_client = 1;
	src.key_fd = pki_file(&p.server_pki.key_pem);
	src.cert_fd = pki_file(&p.server_pki.pem);
	p.hostkey = key_load(&src, &why);
	ck_assert_msg(p.hostkey != NULL, "%s", why.text);
	(void)close(src.key_fd);
	(void)close(src.cert_fd);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    p.fd), 0);
	ck_assert_int_eq(gnutls_rnd(GNUTLS_RND_NONCE, p.random, 32), 0);
}

static void
make_server(void)
{
	struct tls_server spec = { .scheme = p.server_pki.scheme,
	    .chain = p.server_chain, .n = p.n_server, .sign = sign_server,
	    .ctx = &p };
	struct why why = { "" };

	ck_assert_msg(tls_server_new(&p.server, &spec, &why) == 0, "%s",
	    why.text);
	ck_assert_int_eq(tls_server_begin(p.server, p.fd[0], p.random), 0);
}

static void
make_client(bool card)
{
	struct tls_client spec = { .host = "localhost",
	    .chain = p.client_chain, .n = p.n_client,
	    .key = card ? NULL : p.client_pki.key,
	    .sign = card ? sign_client : NULL, .verify = verify_server,
	    .asked = asked, .ctx = &p };
	struct why why = { "" };

	ck_assert_msg(tls_client_new(&p.client, &spec, p.fd[1], &why) == 0,
	    "%s", why.text);
}

static void
setup_pair(enum pki_kind server, enum pki_kind client, bool card)
{
	make_pki(server, client);
	make_server();
	make_client(card);
}

static void
free_pair(void)
{
	tls_free(p.client);
	tls_free(p.server);
	if (p.foreign != NULL)
		gnutls_deinit(p.foreign);
	key_free(p.hostkey);
	(void)close(p.fd[0]);
	(void)close(p.fd[1]);
	pki_free(&p.server_pki);
	pki_free(&p.client_pki);
}

/* ---- running ------------------------------------------------------------ */

static int
foreign_step(void)
{
	int rc = gnutls_handshake(p.foreign);

	if (rc == 0)
		return 0;
	return gnutls_error_is_fatal(rc) ? rc : ERR_AGAIN;
}

/* Until both sides have a result. */
static void
shake(void)
{
	p.server_rc = p.client_rc = ERR_AGAIN;
	for (int i = 0; i < ROUNDS && (p.server_rc == ERR_AGAIN ||
	    p.client_rc == ERR_AGAIN); i++) {
		if (p.client_rc == ERR_AGAIN)
			p.client_rc = p.client != NULL ?
			    tls_handshake(p.client) : foreign_step();
		if (p.server_rc == ERR_AGAIN)
			p.server_rc = tls_handshake(p.server);
		/* what a server has to say reaches a client that is through */
		if (p.server_rc != ERR_AGAIN && p.server_rc != 0)
			(void)shutdown(p.fd[0], SHUT_WR);
		if (p.client_rc != ERR_AGAIN && p.client_rc != 0)
			(void)shutdown(p.fd[1], SHUT_WR);
	}
}

/* The client's next read, which is where a late alert shows. */
static int
client_sees(void)
{
	uint8_t b[TLS_RECORD];
	ssize_t n;

	if (p.client_rc != 0)
		return p.client_rc;
	n = tls_read(p.client, b, sizeof(b));
	return (int)n;
}

static void
types_are(const uint8_t *want, size_t n)
{
	struct span t = tls_server_transcript(p.server);
	struct rd r = rd_of_span(t);

	for (size_t i = 0; i < n; i++) {
		struct handshake_msg m = handshake_next(&r);

		ck_assert_uint_eq(m.type, want[i]);
	}
	ck_assert_int_eq(rd_end(&r), 0);
}

/* ---- handshakes --------------------------------------------------------- */

START_TEST(test_kinds)
{
	static const uint8_t order[] = { 1, 2, 8, 13, 11, 15, 20, 11, 15 };
	enum pki_kind kind = (enum pki_kind)(_i / 2);
	char text[100];

	setup_pair(kind, kind, _i % 2);
	shake();
	ck_assert_msg(p.server_rc == 0 && p.client_rc == 0,
	    "server: %s, client: %s", tls_error(p.server),
	    tls_error(p.client));
	ck_assert_uint_eq(p.verified, 1);
	ck_assert_uint_eq(p.asked, 1);
	ck_assert_uint_eq(p.signed_server, 1);
	ck_assert_uint_eq(p.signed_client, (size_t)(_i % 2));
	types_are(order, sizeof(order));
	ck_assert(memmem(tls_server_transcript(p.server).p,
	    tls_server_transcript(p.server).n, p.random, 32) != NULL);
	ck_assert_str_eq(tls_describe(p.server, text, sizeof(text)),
	    tls_describe(p.client, text, sizeof(text)));
	ck_assert_ptr_nonnull(strstr(text, "TLS1.3"));
	ck_assert_ptr_nonnull(strstr(text, "AES-128-GCM"));
	tls_settle(p.server);
	tls_settle(p.client);
	ck_assert_uint_eq(tls_server_transcript(p.server).n, 0);
	free_pair();
}
END_TEST

START_TEST(test_chain)
{
	struct pki ca;

	setup_pair(PKI_P256, PKI_P256, false);
	pki_make(&ca, PKI_P256, "ca", NULL);
	tls_free(p.client);
	for (size_t i = 1; i < 4; i++)
		p.client_chain[i] = pki_der(&ca);
	p.n_client = 4;
	make_client(false);
	shake();
	ck_assert_int_eq(p.server_rc, 0);
	ck_assert_int_eq(p.client_rc, 0);
	pki_free(&ca);
	free_pair();
}
END_TEST

START_TEST(test_chain_too_long)
{
	struct tls_client spec = { .host = "localhost",
	    .verify = verify_server, .ctx = &p, .chain = p.client_chain };
	struct tls *t = NULL;
	struct why why;

	setup_pair(PKI_P256, PKI_P256, false);
	spec.key = p.client_pki.key;
	spec.n = 5;
	ck_assert_int_eq(tls_client_new(&t, &spec, p.fd[1], &why),
	    ERR_TOOBIG);
	spec.n = 0;
	ck_assert_int_eq(tls_client_new(&t, &spec, p.fd[1], &why),
	    ERR_TOOBIG);
	ck_assert_ptr_null(t);
	free_pair();
}
END_TEST

/* The client refuses the server: it shows nothing of its own. */
START_TEST(test_verify_refuses)
{
	static const uint8_t order[] = { 1, 2, 8, 13, 11, 15, 20 };

	setup_pair(PKI_P256, PKI_P256, false);
	p.verdict = TLS_ALERT_UNKNOWN_CA;
	shake();
	ck_assert_int_eq(p.client_rc, ERR_REFUSED);
	ck_assert_int_eq(tls_failure(p.client), TLS_FAIL_VERIFY);
	ck_assert_int_ne(p.server_rc, 0);
	types_are(order, sizeof(order));
	ck_assert_int_eq(tls_failure(p.server), TLS_FAIL_ALERT);
	ck_assert_int_eq(tls_alert_got(p.server), TLS_ALERT_UNKNOWN_CA);
	free_pair();
}
END_TEST

START_TEST(test_sign_fails)
{
	setup_pair(PKI_P256, PKI_P256, false);
	p.sign_fails = true;
	shake();
	ck_assert_int_eq(p.server_rc, ERR_CRYPTO);
	ck_assert_int_eq(tls_failure(p.server), TLS_FAIL_SIGN);
	ck_assert_int_ne(p.client_rc, 0);
	ck_assert_int_eq(tls_alert_got(p.client), TLS_ALERT_INTERNAL_ERROR);
	free_pair();
}
END_TEST

START_TEST(test_card_fails)
{
	setup_pair(PKI_ED25519, PKI_P256, true);
	shake();
	ck_assert_int_eq(p.server_rc, 0);
	free_pair();

	make_pki(PKI_ED25519, PKI_P256);
	make_server();
	make_client(true);
	p.sign_fails = false;
	p.client_pki.sign = GNUTLS_SIGN_ECDSA_SECP256R1_SHA256;
	/* another key than the certificate's: the server sees it */
	gnutls_privkey_deinit(p.client_pki.key);
	ck_assert_int_eq(gnutls_privkey_init(&p.client_pki.key), 0);
	ck_assert_int_eq(gnutls_privkey_generate(p.client_pki.key,
	    GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0), 0);
	shake();
	ck_assert_int_eq(p.server_rc, ERR_CRYPTO);
	ck_assert_int_eq(tls_failure(p.server), TLS_FAIL_OTHER);
	free_pair();
}
END_TEST

/* ---- foreign clients ---------------------------------------------------- */

static gnutls_certificate_credentials_t cred;

/* The client's certificate and n - 1 others behind it. */
static void
set_foreign_chain(size_t n)
{
	gnutls_pcert_st chain[8];
	gnutls_privkey_t key;

	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(gnutls_pcert_import_x509(&chain[i],
		    i == 0 ? p.client_pki.crt : p.server_pki.crt, 0), 0);
	ck_assert_int_eq(gnutls_privkey_init(&key), 0);
	ck_assert_int_eq(gnutls_privkey_import_x509(key, p.client_pki.x509,
	    GNUTLS_PRIVKEY_IMPORT_COPY), 0);
	if (n > 0)
		ck_assert_int_ge(gnutls_certificate_set_key(cred, NULL, 0,
		    chain, (int)n, key), 0);
	else
		gnutls_privkey_deinit(key);
}

static void
make_foreign(const char *priority, unsigned flags, const char *alpn,
    size_t n_chain)
{
	gnutls_datum_t d;

	ck_assert_int_eq(gnutls_certificate_allocate_credentials(&cred), 0);
	set_foreign_chain(n_chain);
	ck_assert_int_eq(gnutls_init(&p.foreign, GNUTLS_CLIENT |
	    GNUTLS_NONBLOCK | flags), 0);
	ck_assert_int_eq(gnutls_priority_set_direct(p.foreign, priority,
	    NULL), 0);
	ck_assert_int_eq(gnutls_credentials_set(p.foreign,
	    GNUTLS_CRD_CERTIFICATE, cred), 0);
	if (alpn != NULL) {
		d = (gnutls_datum_t){ (void *)(uintptr_t)alpn,
		    (unsigned)strlen(alpn) };
		ck_assert_int_eq(gnutls_alpn_set_protocols(p.foreign, &d, 1,
		    0), 0);
	}
	gnutls_transport_set_int(p.foreign, p.fd[1]);
}

static int
foreign_alert(void)
{
	uint8_t b[100];

	if (p.client_rc == 0)
		p.client_rc = (int)gnutls_record_recv(p.foreign, b,
		    sizeof(b));
	ck_assert_int_eq(p.client_rc, GNUTLS_E_FATAL_ALERT_RECEIVED);
	return (int)gnutls_alert_get(p.foreign);
}

#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"

static const struct foreign_case {
	const char *priority, *alpn;
	size_t chain;
	enum tls_failure failure;
	int alert;
} foreign_cases[] = {
	{ TLS13, TLS_ALPN, 1, TLS_FAIL_NONE, 0 },
	{ TLS13, TLS_ALPN, 4, TLS_FAIL_NONE, 0 },
	{ TLS13, TLS_ALPN, 0, TLS_FAIL_NO_CERT, 116 },
	{ TLS13, TLS_ALPN, 5, TLS_FAIL_SIZE, 40 },
	{ TLS13, NULL, 1, TLS_FAIL_NO_ALPN, 120 },
	{ TLS13, "h2", 1, TLS_FAIL_NO_ALPN, 120 },
	{ TLS13, "certlogin/11", 1, TLS_FAIL_NO_ALPN, 120 },
	{ "NORMAL:-VERS-ALL:+VERS-TLS1.2", TLS_ALPN, 1, TLS_FAIL_OTHER, 70 },
	{ TLS13 ":-GROUP-ALL:+GROUP-SECP521R1", TLS_ALPN, 1, TLS_FAIL_OTHER,
	    40 },
};

START_TEST(test_foreign)
{
	const struct foreign_case *c = &foreign_cases[_i];

	make_pki(PKI_P256, PKI_P256);
	make_server();
	make_foreign(c->priority, 0, c->alpn, c->chain);
	shake();
	ck_assert_msg(tls_failure(p.server) == c->failure, "%d %s",
	    tls_failure(p.server), tls_error(p.server));
	if (c->failure == TLS_FAIL_NONE) {
		ck_assert_int_eq(p.server_rc, 0);
		ck_assert_int_eq(p.client_rc, 0);
	} else {
		ck_assert_int_eq(p.server_rc, ERR_CRYPTO);
		ck_assert_int_eq(foreign_alert(), c->alert);
	}
	/* nobody signs for a peer that speaks something else */
	if (c->failure == TLS_FAIL_NO_ALPN)
		ck_assert_uint_eq(p.signed_server, 0);
	free_pair();
	gnutls_certificate_free_credentials(cred);
}
END_TEST

START_TEST(test_retry)
{
	static const uint8_t order[] = { 1, 2, 1, 2, 8, 13, 11, 15, 20, 11,
	    15 };

	make_pki((enum pki_kind)_i, PKI_P256);
	make_server();
	make_foreign(TLS13 ":-GROUP-ALL:+GROUP-SECP521R1:+GROUP-SECP384R1",
	    GNUTLS_KEY_SHARE_TOP, TLS_ALPN, 1);
	shake();
	ck_assert_msg(p.server_rc == 0, "%s", tls_error(p.server));
	ck_assert_int_eq(p.client_rc, 0);
	types_are(order, sizeof(order));
	free_pair();
	gnutls_certificate_free_credentials(cred);
}
END_TEST

/* A server of another make, on p.fd[0]. */
static gnutls_session_t
foreign_server(const char *priority, const char *alpn)
{
	gnutls_datum_t d = { (void *)(uintptr_t)alpn,
	    alpn != NULL ? (unsigned)strlen(alpn) : 0 };
	gnutls_session_t s;

	ck_assert_int_eq(gnutls_certificate_allocate_credentials(&cred), 0);
	ck_assert_int_ge(gnutls_certificate_set_x509_key(cred,
	    &p.server_pki.crt, 1, p.server_pki.x509), 0);
	ck_assert_int_eq(gnutls_init(&s, GNUTLS_SERVER | GNUTLS_NONBLOCK |
	    GNUTLS_NO_TICKETS), 0);
	ck_assert_int_eq(gnutls_priority_set_direct(s, priority, NULL), 0);
	ck_assert_int_eq(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE,
	    cred), 0);
	if (alpn != NULL)
		ck_assert_int_eq(gnutls_alpn_set_protocols(s, &d, 1, 0), 0);
	gnutls_certificate_server_set_request(s, GNUTLS_CERT_REQUIRE);
	gnutls_transport_set_int(s, p.fd[0]);
	return s;
}

/* Our client's result with it. */
static int
shake_with(gnutls_session_t s)
{
	int rc = GNUTLS_E_AGAIN;

	p.client_rc = ERR_AGAIN;
	for (int i = 0; i < ROUNDS && (p.client_rc == ERR_AGAIN ||
	    rc == GNUTLS_E_AGAIN); i++) {
		if (p.client_rc == ERR_AGAIN)
			p.client_rc = tls_handshake(p.client);
		if (rc == GNUTLS_E_AGAIN)
			rc = gnutls_handshake(s);
		if (rc < 0 && rc != GNUTLS_E_AGAIN)
			(void)gnutls_alert_send_appropriate(s, rc);
	}
	gnutls_deinit(s);
	return p.client_rc;
}

/* Our client, with a card, is asked to try again. */
START_TEST(test_retry_card)
{
	make_pki(PKI_P256, (enum pki_kind)_i);
	make_client(true);
	ck_assert_int_eq(shake_with(foreign_server(
	    TLS13 ":-GROUP-ALL:+GROUP-SECP384R1", TLS_ALPN)), 0);
	ck_assert_uint_eq(p.signed_client, 1);
	free_pair();
	gnutls_certificate_free_credentials(cred);
}
END_TEST

START_TEST(test_server_without_alpn)
{
	make_pki(PKI_P256, PKI_P256);
	make_client(false);
	ck_assert_int_eq(shake_with(foreign_server(TLS13, _i == 0 ? NULL :
	    "h2")), ERR_CRYPTO);
	ck_assert_int_eq(tls_failure(p.client), TLS_FAIL_NO_ALPN);
	free_pair();
	gnutls_certificate_free_credentials(cred);
}
END_TEST

START_TEST(test_old_server)
{
	make_pki(PKI_P256, PKI_P256);
	make_client(false);
	ck_assert_int_eq(shake_with(foreign_server(
	    "NORMAL:-VERS-ALL:+VERS-TLS1.2", TLS_ALPN)), ERR_CRYPTO);
	ck_assert_int_eq(tls_failure(p.client), TLS_FAIL_ALERT);
	ck_assert_uint_eq(p.verified, 0);
	free_pair();
	gnutls_certificate_free_credentials(cred);
}
END_TEST

START_TEST(test_junk)
{
	uint8_t junk[512];

	make_pki(PKI_P256, PKI_P256);
	make_server();
	memset(junk, 'x', sizeof(junk));
	ck_assert_int_eq(send(p.fd[1], junk, sizeof(junk), 0), sizeof(junk));
	ck_assert_int_eq(tls_handshake(p.server), ERR_CRYPTO);
	ck_assert_int_eq(tls_failure(p.server), TLS_FAIL_OTHER);
	free_pair();

	make_pki(PKI_P256, PKI_P256);
	make_server();
	(void)shutdown(p.fd[1], SHUT_WR);
	ck_assert_int_eq(tls_handshake(p.server), ERR_EOF);
	ck_assert_int_eq(tls_failure(p.server), TLS_FAIL_EOF);
	free_pair();
}
END_TEST

/* ---- data --------------------------------------------------------------- */

struct flow {
	struct tls *from, *to;
	size_t want, sent, got;
};

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 7 + (i >> 11));
}

/* The n bytes that follow the first `from`; one assertion for all, since each
 * is a message to the suite's process. */
static void
expect_bytes(const uint8_t *b, size_t from, size_t n)
{
	size_t same = 0;

	while (same < n && b[same] == byte_at(from + same))
		same++;
	ck_assert_uint_eq(same, n);
}

/* Send in pieces of different sizes what the other side can tell apart. */
static void
pour(struct flow *f)
{
	static uint8_t b[150000];
	size_t n = (f->sent % 7 + 1) * 20011;
	ssize_t rc;

	if (n > f->want - f->sent)
		n = f->want - f->sent;
	for (size_t i = 0; i < n; i++)
		b[i] = byte_at(f->sent + i);
	rc = n > 0 ? tls_write(f->from, b, n) : tls_flush(f->from);
	if (rc < 0 && rc != ERR_AGAIN)
		ck_abort_msg("%s", tls_error(f->from));
	if (rc > 0)
		f->sent += (size_t)rc;
}

static void
drink(struct flow *f)
{
	uint8_t b[TLS_RECORD];
	ssize_t rc = tls_read(f->to, b, sizeof(b));

	if (rc <= 0 && rc != ERR_AGAIN)
		ck_abort_msg("%zd %s", rc, tls_error(f->to));
	if (rc > 0) {
		expect_bytes(b, f->got, (size_t)rc);
		f->got += (size_t)rc;
	}
}

static bool
flowed(const struct flow *f)
{
	return f->got == f->want && !tls_unsent(f->from);
}

/* Both ways at once, with small socket buffers and many changes of keys, some
 * while a record waits half written. */
START_TEST(test_flow)
{
	struct flow f[2];
	int size = 4096;

	setup_pair(PKI_P256, PKI_P256, false);
	for (int i = 0; i < 2; i++)
		(void)setsockopt(p.fd[i], SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof(size));
	shake();
	ck_assert_int_eq(p.server_rc, 0);
	f[0] = (struct flow){ p.server, p.client, 3000000, 0, 0 };
	f[1] = (struct flow){ p.client, p.server, 2000000, 0, 0 };
	if (_i == 1) {
		tls_set_rekey(p.server, 40);
		tls_set_rekey(p.client, 30);
	}
	for (size_t k = 0; !flowed(&f[0]) || !flowed(&f[1]); k++) {
		if (k >= 1000000)
			ck_abort_msg("nothing moves");
		pour(&f[k % 2]);
		/* the receivers are slower, so that records wait */
		if (k % 3 == 0)
			drink(&f[0]);
		if (k % 5 == 0)
			drink(&f[1]);
	}
	free_pair();
}
END_TEST

/* The peer wants new keys while our record waits half written. */
START_TEST(test_asked_for_keys)
{
	struct flow f;
	int size = 4096;

	make_pki(PKI_P256, PKI_P256);
	make_server();
	make_foreign(TLS13, 0, TLS_ALPN, 1);
	(void)setsockopt(p.fd[0], SOL_SOCKET, SO_SNDBUF, &size,
	    sizeof(size));
	shake();
	ck_assert_int_eq(p.server_rc, 0);
	f = (struct flow){ p.server, NULL, 400000, 0, 0 };
	for (size_t k = 0; f.got < f.want; k++) {
		uint8_t b[TLS_RECORD];
		ssize_t rc;

		ck_assert_uint_lt(k, 100000);
		pour(&f);
		if (k % 8 == 0) {
			if (k < 48)
				(void)gnutls_session_key_update(p.foreign,
				    GNUTLS_KU_PEER);
			ck_assert_int_eq(tls_read(p.server, b, sizeof(b)),
			    ERR_AGAIN);
		}
		rc = gnutls_record_recv(p.foreign, b, sizeof(b));
		ck_assert_msg(rc > 0 || rc == GNUTLS_E_AGAIN ||
		    rc == GNUTLS_E_INTERRUPTED, "%s",
		    gnutls_strerror((int)rc));
		if (rc > 0) {
			expect_bytes(b, f.got, (size_t)rc);
			f.got += (size_t)rc;
		}
	}
	free_pair();
	gnutls_certificate_free_credentials(cred);
}
END_TEST

/* ---- ending ------------------------------------------------------------- */

static void
connected(void)
{
	setup_pair(PKI_P256, PKI_P256, false);
	shake();
	ck_assert_int_eq(p.server_rc, 0);
	ck_assert_int_eq(p.client_rc, 0);
	tls_settle(p.server);
	tls_settle(p.client);
}

START_TEST(test_bye)
{
	uint8_t b[TLS_RECORD];

	connected();
	ck_assert_int_eq(tls_write(p.server, "last", 4), 4);
	ck_assert_int_eq(tls_bye(p.server), 0);
	ck_assert_int_eq(tls_bye(p.server), 0);
	ck_assert_int_eq(tls_write(p.client, "late", 4), 4);
	ck_assert_int_eq(tls_drain(p.server), ERR_AGAIN);
	ck_assert_int_eq(tls_read(p.client, b, sizeof(b)), 4);
	ck_assert_int_eq(tls_read(p.client, b, sizeof(b)), 0);
	ck_assert_int_eq(tls_bye(p.client), 0);
	ck_assert_int_eq(tls_drain(p.server), 0);
	free_pair();
}
END_TEST

START_TEST(test_broken_off)
{
	uint8_t b[TLS_RECORD];

	connected();
	ck_assert_int_eq(tls_write(p.server, "last", 4), 4);
	(void)shutdown(p.fd[0], SHUT_WR);
	ck_assert_int_eq(tls_read(p.client, b, sizeof(b)), 4);
	ck_assert_int_eq(tls_read(p.client, b, sizeof(b)), ERR_EOF);
	ck_assert_int_eq(tls_failure(p.client), TLS_FAIL_EOF);
	free_pair();
}
END_TEST

START_TEST(test_alert)
{
	uint8_t b[TLS_RECORD];

	connected();
	ck_assert_int_eq(tls_alert(p.server, TLS_ALERT_CERTIFICATE_REVOKED),
	    0);
	ck_assert_int_eq(client_sees(), ERR_CRYPTO);
	ck_assert_int_eq(tls_failure(p.client), TLS_FAIL_ALERT);
	ck_assert_int_eq(tls_alert_got(p.client),
	    TLS_ALERT_CERTIFICATE_REVOKED);
	ck_assert_int_lt(tls_read(p.client, b, sizeof(b)), 0);
	free_pair();
}
END_TEST

START_TEST(test_forged_record)
{
	uint8_t b[TLS_RECORD];

	connected();
	ck_assert_int_eq(tls_write(p.client, "good", 4), 4);
	ck_assert_int_eq(tls_read(p.server, b, sizeof(b)), 4);
	memcpy(b, "\x17\x03\x03\x00\x20", 5);
	ck_assert_int_eq(send(p.fd[1], b, 37, 0), 37);
	ck_assert_int_eq(tls_read(p.server, b, sizeof(b)), ERR_CRYPTO);
	free_pair();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("tls");
	TCase *h = tcase_create("handshake"), *f = tcase_create("foreign");
	TCase *d = tcase_create("data"), *e = tcase_create("ending");
	SRunner *r;
	int failed;

	tcase_set_timeout(d, 60);
	tcase_add_loop_test(h, test_kinds, 0, 2 * PKI_RSA_SHORT);
	tcase_add_test(h, test_chain);
	tcase_add_test(h, test_chain_too_long);
	tcase_add_test(h, test_verify_refuses);
	tcase_add_test(h, test_sign_fails);
	tcase_add_test(h, test_card_fails);
	tcase_add_loop_test(f, test_foreign, 0, (int)(sizeof(foreign_cases) /
	    sizeof(foreign_cases[0])));
	tcase_add_loop_test(f, test_retry, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(f, test_retry_card, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(f, test_server_without_alpn, 0, 2);
	tcase_add_test(f, test_old_server);
	tcase_add_test(f, test_junk);
	tcase_add_loop_test(d, test_flow, 0, 2);
	tcase_add_test(d, test_asked_for_keys);
	tcase_add_test(e, test_bye);
	tcase_add_test(e, test_broken_off);
	tcase_add_test(e, test_alert);
	tcase_add_test(e, test_forged_record);
	suite_add_tcase(s, h);
	suite_add_tcase(s, f);
	suite_add_tcase(s, d);
	suite_add_tcase(s, e);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
