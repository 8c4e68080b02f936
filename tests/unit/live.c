/* src/daemon/live.c: the list of sessions and how one is told to end; and the
 * messages that a session registers with. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memfile.h"
#include "daemon/live.h"
#include "proto/chan.h"

static struct daemon d;
static int pair[2];
static struct ipc_register g;

static void
setup(void)
{
	memset(&d, 0, sizeof(d));
	ck_assert_ptr_nonnull(d.loop = ev_loop_new(EVFLAG_AUTO));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0,
	    pair), 0);
	g = (struct ipc_register){ .reference = 7, .policy = 2,
	    .since = 1700000000, .expires = 1800000000, .pid = 99,
	    .rule_line = 3, .port = 40000, .account = "alice",
	    .identity = "staff uri=x:a", .issuer = "CN=Issuing",
	    .serial = "4f1a09", .address = "192.0.2.1", .tty = "pts/3" };
}

static void
teardown(void)
{
	ev_loop_destroy(d.loop);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static struct live *
add(uint64_t reference)
{
	int proof = memfile_make("proof", "x", 1);

	ck_assert_int_ge(proof, 0);
	g.reference = reference;
	return live_add(&d, pair[0], &g, proof);
}

/* ---- the list ----------------------------------------------------------- */

static void
lists(const char *references)
{
	char seen[64] = "", one[32];

	for (const struct live *l = NULL; (l = live_next(&d, l)) != NULL;) {
		(void)snprintf(one, sizeof(one), "%llu ",
		    (unsigned long long)l->reg.reference);
		(void)strcat(seen, one);
	}
	ck_assert_str_eq(seen, references);
}

START_TEST(list)
{
	struct live *one = add(1), *two = add(2), *three = add(3);
	int proof = two->proof;

	ck_assert_uint_eq(d.live, 3);
	lists("3 2 1 ");
	live_remove(two);
	lists("3 1 ");
	ck_assert_int_eq(fcntl(proof, F_GETFD), -1);
	live_remove(three);
	live_remove(one);
	live_remove(NULL);
	ck_assert_uint_eq(d.live, 0);
	lists("");
}
END_TEST

/* ---- ending ------------------------------------------------------------- */

/* What the session was told, and nothing behind it. */
static void
told(const char *text)
{
	char got[IPC_TEXT_MAX];
	struct chan_msg m;
	struct buf in;

	buf_init(&in, CHAN_MSG_MAX);
	ck_assert_int_eq(chan_recv(pair[1], &in, &m, 0), 0);
	ck_assert_uint_eq(m.type, IPC_SES_END);
	ck_assert_int_eq(ipc_text_decode(m.body, got), 0);
	ck_assert_str_eq(got, text);
	ck_assert_int_eq(chan_recv(pair[1], &in, &m, 0), ERR_AGAIN);
	buf_free(&in);
}

START_TEST(once)
{
	struct live *l = add(1);

	ck_assert_int_eq(live_end(l, "for the person", "for the log"), 0);
	ck_assert(l->ending);
	ck_assert_int_eq(live_end(l, "again", NULL), 0);
	told("for the person");
	live_remove(l);
}
END_TEST

START_TEST(long_text)
{
	struct live *l = add(1);
	char text[2 * IPC_TEXT_MAX], cut[IPC_TEXT_MAX];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)snprintf(cut, sizeof(cut), "%.*s", IPC_TEXT_MAX - 1, text);
	ck_assert_int_eq(live_end(l, text, NULL), 0);
	told(cut);
	live_remove(l);
}
END_TEST

static const struct hello_session other = { .version = IPC_VERSION + 1,
    .reference = 9, .since = 1700000000, .ends = 1700003600,
    .account = "alice", .identity = "staff uri=x:a",
    .address = "192.0.2.1", .tty = "pts/3" };

/* One of another version: told in the words that never change. */
START_TEST(another_version)
{
	struct live *ours = add(1), *l = live_add_other(&d, pair[0], &other,
	    99);
	char got[HELLO_TEXT_MAX];
	struct chan_msg m;
	struct buf in;
	int64_t ends;

	buf_init(&in, CHAN_MSG_MAX);
	ck_assert_uint_eq(live_others(&d, &ends), 1);
	ck_assert_int_eq(ends, other.ends);
	ck_assert_uint_eq(d.live, 2);
	ck_assert_uint_eq(l->reg.pid, 99);
	ck_assert_str_eq(l->reg.account, "alice");
	ck_assert_str_eq(l->reg.tty, "pts/3");
	ck_assert_int_eq(live_end(l, "for the person", NULL), 0);
	ck_assert_int_eq(chan_recv_hello(pair[1], &in, &m, 0), 0);
	ck_assert(m.hello);
	ck_assert_uint_eq(m.type, HELLO_END);
	ck_assert_int_eq(hello_end_decode(m.body, got), 0);
	ck_assert_str_eq(got, "for the person");
	live_remove(l);
	ck_assert_uint_eq(live_others(&d, &ends), 0);
	ck_assert_int_eq(ends, 0);
	ck_assert_int_eq(live_end(ours, "for the person", NULL), 0);
	told("for the person");
	live_remove(ours);
	buf_free(&in);
}
END_TEST

/* One that cannot be told is not taken for one that was. */
START_TEST(nobody_there)
{
	struct live *l = add(1);

	(void)close(pair[1]);
	ck_assert_int_eq(live_end(l, "for the person", NULL), ERR_EOF);
	ck_assert(!l->ending);
	live_remove(l);
	ck_assert_int_ge(pair[1] = dup(pair[0]), 0);
}
END_TEST

/* ---- messages ----------------------------------------------------------- */

static struct rd
body(const struct buf *b)
{
	return rd_of(b->data + 2, b->len - 2);
}

START_TEST(registration)
{
	struct ipc_register got;
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ipc_register_encode(&b, &g), 0);
	memset(&got, 0xee, sizeof(got));
	ck_assert_int_eq(ipc_register_decode(body(&b), &got), 0);
	ck_assert_uint_eq(got.reference, g.reference);
	ck_assert_int_eq(got.expires, g.expires);
	ck_assert_uint_eq(got.port, g.port);
	ck_assert_str_eq(got.tty, g.tty);
	for (size_t n = 0; n < b.len - 2; n++)
		ck_assert_int_ne(ipc_register_decode(rd_of(b.data + 2, n),
		    &got), 0);
	(void)strcpy(g.tty, "pts\n3");
	ck_assert_int_eq(ipc_register_encode(&b, &g), 0);
	ck_assert_int_eq(ipc_register_decode(body(&b), &got), ERR_MALFORMED);
	buf_free(&b);
}
END_TEST

/* Byte for byte what it was when it was made: a session of then is still
 * there. */
START_TEST(hello_stays)
{
	static const uint8_t session[] = "\0\1\2"
	    "\0\0\0\0\0\0\0\11" "\0\0\0\0\x65\x53\xf1\0"
	    "\0\0\0\0\x65\x53\xff\x10" "\0\0\0\5alice"
	    "\0\0\0\15staff uri=x:a" "\0\0\0\011192.0.2.1"
	    "\0\0\0\5pts/3";
	static const struct hello_session then = { .version = 2,
	    .reference = 9, .since = 1700000000, .ends = 1700003600,
	    .account = "alice", .identity = "staff uri=x:a",
	    .address = "192.0.2.1", .tty = "pts/3" };
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(hello_session_encode(&b, &then), 0);
	ck_assert_uint_eq(b.len, sizeof(session) - 1);
	ck_assert_mem_eq(b.data, session, b.len);
	ck_assert_int_eq(hello_welcome_encode(&b, 7), 0);
	ck_assert_uint_eq(b.len, 3);
	ck_assert_mem_eq(b.data, "\0\2\7", 3);
	ck_assert_int_eq(hello_end_encode(&b, "x"), 0);
	ck_assert_uint_eq(b.len, 7);
	ck_assert_mem_eq(b.data, "\0\3\0\0\0\1x", 7);
	ck_assert_int_eq(hello_ask_encode(&b), 0);
	ck_assert_uint_eq(b.len, 2);
	ck_assert_mem_eq(b.data, "\0\4", 2);
	ck_assert_int_eq(hello_runs_encode(&b, 7, 3), 0);
	ck_assert_uint_eq(b.len, 7);
	ck_assert_mem_eq(b.data, "\0\5\7\0\0\0\3", 7);
	buf_free(&b);
}
END_TEST

START_TEST(hello_limits)
{
	struct hello_session h = other, got;
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	memset(h.account, 'a', sizeof(h.account));	/* no NUL */
	memset(h.identity, 'i', sizeof(h.identity));
	ck_assert_int_eq(hello_session_encode(&b, &h), 0);
	ck_assert_int_eq(hello_session_decode(body(&b), &got), 0);
	ck_assert_uint_eq(strlen(got.account), HELLO_NAME_MAX - 1);
	ck_assert_uint_eq(strlen(got.identity), HELLO_IDENTITY_MAX - 1);
	for (size_t n = 0; n < b.len - 2; n++)
		ck_assert_int_ne(hello_session_decode(rd_of(b.data + 2, n),
		    &got), 0);
	buf_put_u8(&b, 0);
	ck_assert_int_ne(hello_session_decode(body(&b), &got), 0);
	h = other;
	h.version = 0;
	ck_assert_int_eq(hello_session_encode(&b, &h), 0);
	ck_assert_int_eq(hello_session_decode(body(&b), &got), ERR_MALFORMED);
	h = other;
	h.reference = 0;
	ck_assert_int_eq(hello_session_encode(&b, &h), 0);
	ck_assert_int_eq(hello_session_decode(body(&b), &got), ERR_MALFORMED);
	h = other;
	(void)strcpy(h.tty, "pts\n3");
	ck_assert_int_eq(hello_session_encode(&b, &h), 0);
	ck_assert_int_eq(hello_session_decode(body(&b), &got), ERR_MALFORMED);
	buf_free(&b);
}
END_TEST

/* Only who asks for them gets them; nobody another version's. */
START_TEST(versions_apart)
{
	const uint8_t later[] = { IPC_VERSION + 1, 1 };
	struct chan_msg m;
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(hello_ask_encode(&b), 0);
		ck_assert_int_eq(chan_send(pair[0], &b, NULL, 0), 0);
	}
	ck_assert_int_eq(chan_recv(pair[1], &b, &m, 0), ERR_VERSION);
	ck_assert_int_eq(chan_recv_hello(pair[1], &b, &m, 0), 0);
	ck_assert(m.hello);
	ck_assert_uint_eq(m.type, HELLO_ASK);
	buf_reset(&b);
	buf_put_raw(&b, later, sizeof(later));
	ck_assert_int_eq(chan_send(pair[0], &b, NULL, 0), 0);
	ck_assert_int_eq(chan_recv_hello(pair[1], &b, &m, 0), ERR_VERSION);
	ck_assert_int_eq(ipc_empty_encode(&b, IPC_SES_STALE), 0);
	ck_assert_int_eq(chan_send(pair[0], &b, NULL, 0), 0);
	ck_assert_int_eq(chan_recv_hello(pair[1], &b, &m, 0), 0);
	ck_assert(!m.hello);
	buf_free(&b);
}
END_TEST

static const struct {
	const char *tty;
	int rc;
} ttys[] = {
	{ "pts/3", 0 }, { "tty1", 0 }, { "", ERR_MALFORMED },
	{ "pts 3", ERR_MALFORMED }, { "pts/3\n", ERR_MALFORMED },
	{ "\033[2J", ERR_MALFORMED }, { "pts/\xc3\xa4", ERR_MALFORMED },
	{ "1234567890123456789012345678901", 0 },
	{ "12345678901234567890123456789012", ERR_TOOBIG },
};

START_TEST(terminal)
{
	char tty[IPC_TTY_MAX] = "before";
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ipc_ses_tty_encode(&b, ttys[_i].tty), 0);
	ck_assert_int_eq(ipc_ses_tty_decode(body(&b), tty), ttys[_i].rc);
	ck_assert_str_eq(tty, ttys[_i].rc == 0 ? ttys[_i].tty : "before");
	buf_free(&b);
}
END_TEST

/* The largest that is allowed fits, and what is over a limit is refused. */
START_TEST(proof)
{
	static uint8_t transcript[IPC_TRANSCRIPT_MAX + 1];
	static struct ipc_proof p, got;
	const uint8_t random[IPC_RANDOM_LEN] = { 1 };
	struct buf b;

	p = (struct ipc_proof){ .random = { random, sizeof(random) },
	    .transcript = { transcript, IPC_TRANSCRIPT_MAX }, .literal = true,
	    .address = { random, 16 }, .restrictions = IPC_RESTRICT_ALL };
	memset(p.account, 'a', sizeof(p.account) - 1);
	memset(p.command, 'c', sizeof(p.command) - 1);
	buf_init(&b, IPC_PROOF_MAX);
	ipc_proof_put(&b, &p);
	ck_assert_int_eq(buf_err(&b), 0);
	ck_assert_int_eq(ipc_proof_get(rd_of(b.data, b.len), &got), 0);
	ck_assert(span_eq(got.transcript, p.transcript));
	ck_assert(got.literal);
	ck_assert_str_eq(got.account, p.account);
	ck_assert_str_eq(got.command, p.command);
	for (size_t n = 0; n < b.len; n += 7)
		ck_assert_int_ne(ipc_proof_get(rd_of(b.data, n), &got), 0);
	buf_reset(&b);
	p.restrictions = IPC_RESTRICT_ALL + 1;
	ipc_proof_put(&b, &p);
	ck_assert_int_eq(ipc_proof_get(rd_of(b.data, b.len), &got),
	    ERR_MALFORMED);
	buf_reset(&b);
	p.restrictions = 0;
	p.account[0] = '\0';
	ipc_proof_put(&b, &p);
	ck_assert_int_eq(ipc_proof_get(rd_of(b.data, b.len), &got),
	    ERR_MALFORMED);
	buf_reset(&b);
	p.account[0] = 'a';
	p.transcript.n++;
	ipc_proof_put(&b, &p);
	ck_assert_int_ne(ipc_proof_get(rd_of(b.data, b.len), &got), 0);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("live");
	TCase *t = tcase_create("sessions");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, list);
	tcase_add_test(t, once);
	tcase_add_test(t, long_text);
	tcase_add_test(t, nobody_there);
	tcase_add_test(t, another_version);
	tcase_add_test(t, hello_stays);
	tcase_add_test(t, hello_limits);
	tcase_add_test(t, versions_apart);
	tcase_add_test(t, registration);
	tcase_add_loop_test(t, terminal, 0,
	    (int)(sizeof(ttys) / sizeof(ttys[0])));
	tcase_add_test(t, proof);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
