/* certlogin-hostkey as certlogind and the sessions see it: the program
 * itself, in its sandbox, on its channels. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"
#include "pki.h"
#include "proto/chan.h"
#include "proto/ipc.h"

#define PROGRAM "./certlogin-hostkey"
#define LIMIT_MS 20000
#define TRIES 30

static struct {
	struct pki pki;
	pid_t pid;
	int control;
	struct buf in, out;
	uint8_t random[32];
} h;

/* ---- the process -------------------------------------------------------- */

static void
start_with(const gnutls_datum_t *key, const gnutls_datum_t *cert)
{
	static const char *const argv[] = { "certlogin-hostkey", NULL };
	struct helper_spec s = { .argv = argv, .n_fds = 3,
	    .keep_ids = true, .chroot_dir = -1 };
	struct why why;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
	    0, pair), 0);
	s.exe = open(PROGRAM, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(s.exe, 0);
	s.channel = pair[1];
	s.fds[0] = pki_file(key);
	s.fds[1] = pki_file(cert);
	s.fds[2] = -1;
	h.pid = helper_spawn(&s, &why);
	ck_assert_int_gt(h.pid, 0);
	h.control = pair[0];
	(void)close(pair[1]);
	(void)close(s.exe);
	(void)close(s.fds[0]);
	(void)close(s.fds[1]);
	buf_init(&h.in, CHAN_MSG_MAX);
	buf_init(&h.out, CHAN_MSG_MAX);
}

static void
start(enum pki_kind kind)
{
	struct ipc_host host;
	struct chan_msg m;
	int64_t not_after;

	pki_make(&h.pki, kind, "host", NULL);
	start_with(&h.pki.key_pem, &h.pki.pem);
	ck_assert_int_eq(chan_recv_timeout(h.control, &h.in, &m, 0,
	    LIMIT_MS), 0);
	ck_assert_uint_eq(m.type, IPC_KEY_READY);
	ck_assert_int_eq(ipc_key_ready_decode(m.body, &host, &not_after), 0);
	ck_assert_uint_eq(host.scheme, h.pki.scheme);
	ck_assert_uint_eq(host.n, 1);
	ck_assert(span_eq(host.der[0], pki_der(&h.pki)));
	ck_assert_int_eq(not_after,
	    gnutls_x509_crt_get_expiration_time(h.pki.crt));
	memset(h.random, 0x5a, sizeof(h.random));
}

/* It ends by itself; how. */
static int
end(void)
{
	int status = -1;

	if (h.control >= 0)
		(void)close(h.control);
	for (int i = 0; i < LIMIT_MS / 10; i++) {
		if (waitpid(h.pid, &status, WNOHANG) == h.pid)
			break;
		(void)poll(NULL, 0, 10);
	}
	buf_free(&h.in);
	buf_free(&h.out);
	return status;
}

static void
stop(void)
{
	int status = end();

	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status %x", (unsigned)status);
	pki_free(&h.pki);
}

static int
channel(const char *source)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
	    0, pair), 0);
	ck_assert_int_eq(ipc_key_channel_encode(&h.out, (struct span){
	    (const uint8_t *)source, strlen(source) }), 0);
	ck_assert_int_eq(chan_send(h.control, &h.out, &pair[1], 1), 0);
	(void)close(pair[1]);
	return pair[0];
}

static void
ask(int fd, struct span transcript)
{
	ck_assert_int_eq(ipc_key_sign_encode(&h.out, h.random, transcript),
	    0);
	ck_assert_int_eq(chan_send(fd, &h.out, NULL, 0), 0);
}

/* Stop the process, and be sure that it has: the signal alone leaves it time
 * to serve a request that comes behind it. */
static void
hold(void)
{
	int status;

	ck_assert_int_eq(kill(h.pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(h.pid, &status, WUNTRACED), h.pid);
	ck_assert(WIFSTOPPED(status));
}

/* The answer: a view of the signature, or the error's text. */
static struct span
answer(int fd, char error[IPC_TEXT_MAX])
{
	struct span sig;
	struct chan_msg m;

	ck_assert_int_eq(chan_recv_timeout(fd, &h.in, &m, 0, LIMIT_MS), 0);
	ck_assert_uint_eq(m.type, IPC_KEY_SIGNED);
	ck_assert_int_eq(ipc_key_signed_decode(m.body, &sig, error), 0);
	return sig;
}

/* ---- transcripts --------------------------------------------------------- */

static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
	0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
	0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

/* What one transcript has otherwise than an honest one. */
struct odd {
	const char *error;		/* NULL: it is signed */
	const uint8_t *random;
	uint16_t suite, version, psk;
	bool retry, retry_twice, other_suite_after;
	bool no_request, request_context, other_cert, no_cert, behind, cut;
};

static void
message(struct buf *b, uint8_t type, const struct buf *body)
{
	buf_put_u8(b, type);
	buf_put_u8(b, (uint8_t)(body->len >> 16));
	buf_put_u16(b, (uint16_t)body->len);
	buf_put_raw(b, body->data, body->len);
}

static void
client_hello(struct buf *b)
{
	struct buf m;

	buf_init(&m, 100);
	buf_put_raw(&m, "what a client says is not looked at", 35);
	message(b, 1, &m);
	buf_free(&m);
}

static void
server_hello(struct buf *b, const struct odd *o, const uint8_t *random,
    uint16_t suite)
{
	struct buf m;

	buf_init(&m, 200);
	buf_put_u16(&m, 0x0303);
	buf_put_raw(&m, random, 32);
	buf_put_u8(&m, 0);
	buf_put_u16(&m, suite);
	buf_put_u8(&m, 0);
	buf_put_u16(&m, o->psk ? 12 : 6);
	buf_put_u16(&m, 43);
	buf_put_u16(&m, 2);
	buf_put_u16(&m, o->version != 0 ? o->version : 0x0304);
	if (o->psk) {
		buf_put_u16(&m, 41);
		buf_put_u16(&m, 2);
		buf_put_u16(&m, 0);
	}
	message(b, 2, &m);
	buf_free(&m);
}

static void
certificate(struct buf *b, struct span der)
{
	struct buf m;

	buf_init(&m, 20000);
	buf_put_u8(&m, 0);
	buf_put_u8(&m, 0);
	buf_put_u16(&m, (uint16_t)(der.n + 5));
	buf_put_u8(&m, 0);
	buf_put_u16(&m, (uint16_t)der.n);
	buf_put_raw(&m, der.p, der.n);
	buf_put_u16(&m, 0);
	message(b, 11, &m);
	buf_free(&m);
}

static void
middle(struct buf *b, const struct odd *o)
{
	struct buf m;

	buf_init(&m, 100);
	buf_put_u16(&m, 0);
	message(b, 8, &m);
	buf_reset(&m);
	buf_put_u8(&m, o->request_context);
	if (o->request_context)
		buf_put_u8(&m, 'x');
	buf_put_u16(&m, 0);
	if (!o->no_request)
		message(b, 13, &m);
	buf_free(&m);
}

static void
transcript(struct buf *b, const struct odd *o, const struct pki *other)
{
	uint16_t suite = o->suite != 0 ? o->suite : 0x1301;

	buf_init(b, IPC_TRANSCRIPT_MAX);
	client_hello(b);
	for (int i = 0; i < o->retry + o->retry_twice; i++) {
		server_hello(b, o, retry_random, suite);
		client_hello(b);
	}
	server_hello(b, o, o->random != NULL ? o->random : h.random,
	    o->other_suite_after ? 0x1302 : suite);
	middle(b, o);
	if (!o->no_cert)
		certificate(b, pki_der(o->other_cert ? other : &h.pki));
	if (o->behind)
		client_hello(b);
	if (o->cut)
		b->len--;
	ck_assert_int_eq(buf_err(b), 0);
}

/* The signature holds for what RFC 8446 4.4.3 says is signed. */
static void
check_signature(struct span sig, const struct buf *t, uint16_t suite)
{
	gnutls_digest_algorithm_t how = suite == 0x1302 ? GNUTLS_DIG_SHA384 :
	    GNUTLS_DIG_SHA256;
	gnutls_datum_t s = { (void *)(uintptr_t)sig.p, (unsigned)sig.n }, d;
	uint8_t tbs[64 + 34 + 64];
	gnutls_pubkey_t pub;

	memset(tbs, ' ', 64);
	memcpy(tbs + 64, "TLS 1.3, server CertificateVerify", 34);
	ck_assert_int_eq(gnutls_hash_fast(how, t->data, t->len, tbs + 98),
	    0);
	d = (gnutls_datum_t){ tbs, 98 + (unsigned)gnutls_hash_get_len(how) };
	ck_assert_int_eq(gnutls_pubkey_init(&pub), 0);
	ck_assert_int_eq(gnutls_pubkey_import_x509(pub, h.pki.crt, 0), 0);
	ck_assert_int_ge(gnutls_pubkey_verify_data2(pub, h.pki.sign,
	    h.pki.scheme == 0x0804 ?
	    GNUTLS_VERIFY_RSA_PSS_FIXED_SALT_LENGTH : 0, &d, &s), 0);
	gnutls_pubkey_deinit(pub);
}

/* ---- tests --------------------------------------------------------------- */

START_TEST(test_signs)
{
	static const uint16_t suites[] = { 0x1301, 0x1302, 0x1303 };
	char error[IPC_TEXT_MAX];

	start((enum pki_kind)_i);
	for (size_t i = 0; i < 3; i++) {
		struct odd o = { .suite = suites[i] };
		int fd = channel("abcd");
		struct span sig;
		struct chan_msg m;
		struct buf t;

		transcript(&t, &o, NULL);
		ask(fd, (struct span){ t.data, t.len });
		sig = answer(fd, error);
		ck_assert_str_eq(error, "");
		check_signature(sig, &t, suites[i]);
		/* one request a channel */
		ck_assert_int_eq(chan_recv_timeout(fd, &h.in, &m, 0,
		    LIMIT_MS), ERR_EOF);
		(void)close(fd);
		buf_free(&t);
	}
	stop();
}
END_TEST

static const struct odd odds[] = {
	{ .error = NULL },
	{ .error = NULL, .retry = true },
	{ .error = "server random", .random = (const uint8_t *)
	    "................................" },
	{ .error = "server random", .retry = true, .random = (const uint8_t *)
	    "................................" },
	{ .error = "handshake message 8 where second ClientHello",
	    .random = retry_random },
	{ .error = "second HelloRetryRequest", .retry = true,
	    .retry_twice = true },
	{ .error = "changed suite", .retry = true,
	    .other_suite_after = true },
	{ .error = "cipher suite 1304", .suite = 0x1304 },
	{ .error = "cipher suite c02b", .suite = 0xc02b },
	{ .error = "not TLS 1.3", .version = 0x0303 },
	{ .error = "PSK", .psk = 1 },
	{ .error = "where CertificateRequest", .no_request = true },
	{ .error = "malformed CertificateRequest", .request_context = true },
	{ .error = "another server certificate", .other_cert = true },
	{ .error = "ends before Certificate", .no_cert = true },
	{ .error = "behind the server's Certificate", .behind = true },
	{ .error = "ends before Certificate", .cut = true },
};

START_TEST(test_refuses)
{
	const struct odd *o = &odds[_i];
	char error[IPC_TEXT_MAX];
	struct pki other;
	struct span sig;
	struct buf t;
	int fd;

	start(PKI_P256);
	pki_make(&other, PKI_P256, "host", NULL);
	transcript(&t, o, &other);
	fd = channel("abcd");
	ask(fd, (struct span){ t.data, t.len });
	sig = answer(fd, error);
	if (o->error == NULL) {
		ck_assert_str_eq(error, "");
		ck_assert_uint_gt(sig.n, 0);
	} else {
		ck_assert_uint_eq(sig.n, 0);
		ck_assert_msg(strstr(error, o->error) != NULL, "%s", error);
	}
	(void)close(fd);
	buf_free(&t);
	pki_free(&other);
	stop();
}
END_TEST

/* Nonsense ends its channel and no other. */
START_TEST(test_nonsense)
{
	struct odd o = { .error = NULL };
	int bad, good;
	char error[IPC_TEXT_MAX];
	struct buf t;

	start(PKI_P256);
	transcript(&t, &o, NULL);
	bad = channel("abcd");
	good = channel("abcd");
	ck_assert_int_eq(ipc_empty_encode(&h.out, IPC_SES_JUDGE), 0);
	ck_assert_int_eq(chan_send(bad, &h.out, NULL, 0), 0);
	(void)answer(bad, error);
	ck_assert_str_ne(error, "");
	(void)close(bad);
	/* hung up without a word */
	(void)close(channel("abcd"));
	ask(good, (struct span){ t.data, t.len });
	(void)answer(good, error);
	ck_assert_str_eq(error, "");
	(void)close(good);
	buf_free(&t);
	stop();
}
END_TEST

/* A reload closes the control channel: what was begun is finished. */
START_TEST(test_reload)
{
	struct odd o = { .error = NULL };
	char error[IPC_TEXT_MAX];
	struct buf t;
	int fd;

	start(PKI_P256);
	transcript(&t, &o, NULL);
	fd = channel("abcd");
	(void)close(h.control);
	h.control = -1;
	ask(fd, (struct span){ t.data, t.len });
	(void)answer(fd, error);
	ck_assert_str_eq(error, "");
	(void)close(fd);
	buf_free(&t);
	stop();
}
END_TEST

/* Many at once from one source, as behind one address of a provider or with
 * a tool that logs in ten times: all are served. */
START_TEST(test_many_of_one_source)
{
	struct odd o = { .error = NULL };
	char error[IPC_TEXT_MAX];
	int fd[64], last;
	struct buf t;

	start(PKI_P256);
	transcript(&t, &o, NULL);
	for (size_t i = 0; i < 64; i++)
		fd[i] = channel("abcd");
	/* once this one is answered, all the channels are known */
	last = channel("wxyz");
	ask(last, (struct span){ t.data, t.len });
	(void)answer(last, error);
	ck_assert_str_eq(error, "");
	(void)close(last);
	hold();
	for (size_t i = 0; i < 64; i++)
		ask(fd[i], (struct span){ t.data, t.len });
	ck_assert_int_eq(kill(h.pid, SIGCONT), 0);
	for (size_t i = 0; i < 64; i++) {
		(void)answer(fd[i], error);
		ck_assert_str_eq(error, "");
		(void)close(fd[i]);
	}
	buf_free(&t);
	stop();
}
END_TEST

/* Which of n channels answers last but one or earlier: true if that of the
 * second source, which asked last, came before the first source was done. */
static bool
second_overtakes(const struct buf *t)
{
	struct pollfd pf[4];
	bool first_left = false;
	char error[IPC_TEXT_MAX];
	int last;

	for (size_t i = 0; i < 4; i++)
		pf[i] = (struct pollfd){ .events = POLLIN,
		    .fd = channel(i < 3 ? "abcd" : "efgh") };
	last = channel("wxyz");
	ask(last, (struct span){ t->data, t->len });
	(void)answer(last, error);
	(void)close(last);
	hold();
	for (size_t i = 0; i < 4; i++)
		ask(pf[i].fd, (struct span){ t->data, t->len });
	ck_assert_int_eq(kill(h.pid, SIGCONT), 0);
	ck_assert_int_eq(poll(&pf[3], 1, LIMIT_MS), 1);
	ck_assert_int_ge(poll(pf, 3, 0), 0);
	for (size_t i = 0; i < 3; i++)
		first_left |= pf[i].revents == 0;
	for (size_t i = 0; i < 4; i++) {
		(void)answer(pf[i].fd, error);
		ck_assert_str_eq(error, "");
		(void)close(pf[i].fd);
	}
	return first_left;
}

/* The queue goes round the sources: without that it would never be seen. */
START_TEST(test_round)
{
	struct odd o = { .error = NULL };
	struct buf t;
	int i = 0;

	start(PKI_RSA);
	transcript(&t, &o, NULL);
	while (!second_overtakes(&t))
		ck_assert_int_lt(++i, TRIES);
	buf_free(&t);
	stop();
}
END_TEST

/* ---- keys that are none -------------------------------------------------- */

static void
fails(const gnutls_datum_t *key, const gnutls_datum_t *cert, const char *text)
{
	char got[IPC_TEXT_MAX];
	struct chan_msg m;
	int status;

	start_with(key, cert);
	ck_assert_int_eq(chan_recv_timeout(h.control, &h.in, &m, 0,
	    LIMIT_MS), 0);
	ck_assert_uint_eq(m.type, IPC_KEY_FAILED);
	ck_assert_int_eq(ipc_text_decode(m.body, got), 0);
	ck_assert_msg(strstr(got, text) != NULL, "%s", got);
	status = end();
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

START_TEST(test_bad_keys)
{
	gnutls_datum_t junk = { (void *)(uintptr_t)"no PEM", 6 };
	struct pki a, b, rsa;

	pki_make(&a, PKI_P256, "host", NULL);
	pki_make(&b, PKI_P256, "host", NULL);
	pki_make(&rsa, PKI_RSA_SHORT, "host", NULL);
	fails(&b.key_pem, &a.pem, "do not belong together");
	fails(&junk, &a.pem, "key");
	fails(&a.key_pem, &junk, "certificate");
	fails(&a.pem, &a.key_pem, "certificate");
	fails(&rsa.key_pem, &a.pem, "not used");
	fails(&rsa.key_pem, &rsa.pem, "not used");
	pki_free(&a);
	pki_free(&b);
	pki_free(&rsa);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("hostkey");
	TCase *t = tcase_create("hostkey");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_signs, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(t, test_refuses, 0,
	    (int)(sizeof(odds) / sizeof(odds[0])));
	tcase_add_test(t, test_nonsense);
	tcase_add_test(t, test_reload);
	tcase_add_test(t, test_many_of_one_source);
	tcase_add_test(t, test_round);
	tcase_add_test(t, test_bad_keys);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
