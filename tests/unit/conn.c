/* proto/conn.h: two connections back to back, and hostile peers. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/conn.h"

/* One side, and what happened to it. */
struct side {
	struct conn *c;
	struct side *peer;
	struct msg_login login;
	struct msg_success success;
	struct msg_failure failure;
	struct msg_disconnect disconnect;
	unsigned logins, opens, opened, open_failed, requests, ok, failed;
	unsigned eofs, eows, closed, alive, can_send;
	enum msg_request_kind last_request;
	uint32_t refuse_open;
	enum conn_answer answer;
	bool decide;		/* answer LOGIN at once */
	bool stalled;		/* take no data */
	size_t got[CONN_STREAMS];	/* bytes taken */
	uint32_t sum;		/* over them */
};

static struct side client, server;

static void
on_login(void *ctx, const struct msg_login *m)
{
	struct side *s = ctx;
	struct msg_success ok = { "alice", "user uri=x" };

	s->logins++;
	s->login = *m;
	if (s->decide)
		ck_assert_int_eq(conn_success(s->c, &ok), 0);
}

static void
on_success(void *ctx, const struct msg_success *m)
{
	((struct side *)ctx)->success = *m;
}

static void
on_failure(void *ctx, const struct msg_failure *m)
{
	((struct side *)ctx)->failure = *m;
}

static void
on_disconnect(void *ctx, const struct msg_disconnect *m)
{
	((struct side *)ctx)->disconnect = *m;
}

static uint32_t
on_open(void *ctx, const struct msg_open *m)
{
	struct side *s = ctx;

	s->opens++;
	return m->kind == MSG_OPEN_SESSION ? s->refuse_open :
	    MSG_OPEN_PROHIBITED;
}

static void
on_opened(void *ctx, uint32_t channel)
{
	(void)channel;
	((struct side *)ctx)->opened++;
}

static void
on_open_failed(void *ctx, const struct msg_open_failure *m)
{
	(void)m;
	((struct side *)ctx)->open_failed++;
}

static enum conn_answer
on_request(void *ctx, const struct msg_request *m)
{
	struct side *s = ctx;

	s->requests++;
	s->last_request = m->kind;
	return m->kind == MSG_REQ_OTHER ? CONN_REFUSE : s->answer;
}

static void
on_reply(void *ctx, uint32_t channel, bool ok)
{
	struct side *s = ctx;

	(void)channel;
	if (ok)
		s->ok++;
	else
		s->failed++;
}

static void
on_alive(void *ctx)
{
	((struct side *)ctx)->alive++;
}

static void
sum(struct side *s, enum conn_stream stream, struct span d)
{
	for (size_t i = 0; i < d.n; i++)
		s->sum = s->sum * 31 + d.p[i];
	s->got[stream] += d.n;
}

static size_t
on_data(void *ctx, uint32_t channel, enum conn_stream stream, struct span d)
{
	struct side *s = ctx;

	(void)channel;
	if (s->stalled)
		return 0;
	sum(s, stream, d);
	return d.n;
}

static void
on_eof(void *ctx, uint32_t channel)
{
	(void)channel;
	((struct side *)ctx)->eofs++;
}

static void
on_eow(void *ctx, uint32_t channel)
{
	(void)channel;
	((struct side *)ctx)->eows++;
}

static void
on_closed(void *ctx, uint32_t channel)
{
	(void)channel;
	((struct side *)ctx)->closed++;
}

static void
on_can_send(void *ctx, uint32_t channel)
{
	(void)channel;
	((struct side *)ctx)->can_send++;
}

static const struct conn_ops ops = {
	.login = on_login, .success = on_success, .failure = on_failure,
	.disconnect = on_disconnect, .open = on_open, .opened = on_opened,
	.open_failed = on_open_failed, .request = on_request,
	.reply = on_reply, .alive = on_alive, .data = on_data,
	.eof = on_eof, .eow = on_eow, .closed = on_closed,
	.can_send = on_can_send,
};

static void
setup(void)
{
	client = (struct side){ .answer = CONN_ACCEPT };
	server = (struct side){ .answer = CONN_ACCEPT, .decide = true };
	client.c = conn_new(FRAME_CLIENT, &ops, &client);
	server.c = conn_new(FRAME_SERVER, &ops, &server);
	client.peer = &server;
	server.peer = &client;
	ck_assert(client.c != NULL && server.c != NULL);
}

static void
teardown(void)
{
	conn_free(client.c);
	conn_free(server.c);
}

/* Hand over what one side has to say, at most n bytes at a time. */
static bool
move(struct side *from, size_t n)
{
	struct span s = conn_output(from->c);
	uint8_t *copy;

	if (s.n == 0 || !conn_wants_input(from->peer->c))
		return false;
	if (s.n > n)
		s.n = n;
	copy = malloc(s.n);	/* so that sanitizers see its bounds */
	ck_assert(copy != NULL);
	memcpy(copy, s.p, s.n);
	conn_sent(from->c, s.n);
	(void)conn_input(from->peer->c, copy, s.n);
	free(copy);
	return true;
}

static void
pump_by(size_t n)
{
	bool moved = true;

	while (moved) {
		moved = move(&client, n);
		moved = move(&server, n) || moved;
	}
}

static void
pump(void)
{
	pump_by(16384);
	ck_assert_str_eq(conn_problem(client.c), "");
	ck_assert_str_eq(conn_problem(server.c), "");
}

static const struct msg_login login = { "alice", "bob" };
static const struct span empty = { (const uint8_t *)"", 0 };

static uint32_t
start(void)
{
	uint32_t ch;

	ck_assert_int_eq(conn_login(client.c, &login), 0);
	ck_assert_int_eq(conn_open(client.c, &ch), 0);
	ck_assert_int_eq(conn_request(client.c, ch, MSG_REQ_SHELL, true,
	    empty), 0);
	return ch;
}

/* Put up to n bytes of data; returns how many were taken. */
static size_t
feed(struct side *s, uint32_t ch, enum conn_stream stream, size_t n)
{
	size_t done = 0, room;
	uint8_t *p;

	while (done < n &&
	    (p = conn_reserve(s->c, ch, stream, &room)) != NULL) {
		if (room > n - done)
			room = n - done;
		for (size_t i = 0; i < room; i++)
			p[i] = (uint8_t)(done + i);
		conn_commit(s->c, ch, stream, room);
		done += room;
	}
	return done;
}

/* ---- login ---------------------------------------------------------------- */

START_TEST(one_flight)
{
	uint32_t ch = start();
	struct span s;

	ck_assert_uint_eq(ch, 1);
	ck_assert_uint_eq(feed(&client, ch, CONN_DATA, 10000), 10000);
	s = conn_output(client.c);
	ck_assert_uint_gt(s.n, 10000);
	pump();
	ck_assert_uint_eq(server.logins, 1);
	ck_assert_str_eq(server.login.account, "alice");
	ck_assert_str_eq(server.login.preferred, "bob");
	ck_assert_str_eq(client.success.account, "alice");
	ck_assert_uint_eq(client.opened, 1);
	ck_assert_uint_eq(client.ok, 1);
	ck_assert_uint_eq(server.got[CONN_DATA], 10000);
}
END_TEST

START_TEST(nothing_before_success)
{
	struct msg_success ok = { "alice", "user uri=x" };
	uint32_t ch = start();

	server.decide = false;
	ck_assert_uint_eq(feed(&client, ch, CONN_DATA, 1000), 1000);
	pump();
	ck_assert_uint_eq(server.logins, 1);
	ck_assert_uint_eq(server.opens, 0);
	ck_assert_uint_eq(server.got[CONN_DATA], 0);
	ck_assert(!conn_wants_input(server.c));
	ck_assert_uint_eq(client.opened, 0);
	ck_assert_int_eq(conn_success(server.c, &ok), 0);
	pump();
	ck_assert_uint_eq(server.opens, 1);
	ck_assert_uint_eq(server.requests, 1);
	ck_assert_uint_eq(server.got[CONN_DATA], 1000);
	ck_assert_uint_eq(client.opened, 1);
}
END_TEST

START_TEST(refused)
{
	struct msg_failure no = { "not mapped", 4711 };

	server.decide = false;
	(void)start();
	pump();
	ck_assert_int_eq(conn_banner(server.c, "hello"), 0);
	ck_assert_int_eq(conn_failure(server.c, &no), 0);
	pump();
	ck_assert_str_eq(client.failure.reason, "not mapped");
	ck_assert_uint_eq(client.failure.reference, 4711);
	ck_assert_uint_eq(server.opens, 0);
	ck_assert_int_eq(conn_keepalive(client.c), ERR_STATE);
}
END_TEST

/* A long command waits for LOGIN_SUCCESS, with what is behind it. */
START_TEST(held_back)
{
	static char command[20000];
	struct buf b;
	uint32_t ch;

	memset(command, 'x', sizeof(command) - 1);
	buf_init(&b, 32000);
	buf_put_cstring(&b, command);
	ck_assert_int_eq(conn_login(client.c, &login), 0);
	ck_assert_int_eq(conn_open(client.c, &ch), 0);
	ck_assert_int_eq(conn_request(client.c, ch, MSG_REQ_EXEC, true,
	    (struct span){ b.data, b.len }), 0);
	ck_assert_uint_lt(conn_output(client.c).n, FRAME_LOGIN_MAX);
	ck_assert_uint_eq(feed(&client, ch, CONN_DATA, 100), 0);
	pump();
	ck_assert_uint_eq(server.requests, 1);
	ck_assert_uint_eq(client.can_send, 1);
	ck_assert_uint_eq(feed(&client, ch, CONN_DATA, 100), 100);
	pump();
	ck_assert_uint_eq(server.got[CONN_DATA], 100);
	buf_free(&b);
}
END_TEST

/* ---- data ------------------------------------------------------------------- */

START_TEST(byte_by_byte)
{
	uint32_t ch = start();

	(void)feed(&client, ch, CONN_DATA, 3000);
	pump_by(1);
	ck_assert_uint_eq(feed(&server, ch, CONN_STDERR, 500), 500);
	ck_assert_uint_eq(feed(&server, ch, CONN_DATA, 700), 700);
	pump_by(1);
	ck_assert_uint_eq(server.got[CONN_DATA], 3000);
	ck_assert_uint_eq(client.got[CONN_DATA], 700);
	ck_assert_uint_eq(client.got[CONN_STDERR], 500);
	ck_assert_str_eq(conn_problem(server.c), "");
}
END_TEST

START_TEST(full_records)
{
	uint32_t ch = start();
	size_t room;

	pump();
	ck_assert(conn_reserve(server.c, ch, CONN_DATA, &room) != NULL);
	ck_assert_uint_eq(room, CONN_DATA_ROOM);
	conn_commit(server.c, ch, CONN_DATA, room);
	ck_assert_uint_eq(conn_output(server.c).n, 4 * 16384);
	pump();
	ck_assert_uint_eq(client.got[CONN_DATA], room);
}
END_TEST

START_TEST(bulk)
{
	uint32_t ch = start();
	size_t sent = 0;

	pump();
	while (sent < 100u << 20) {
		sent += feed(&server, ch, CONN_DATA, (100u << 20) - sent);
		pump();
	}
	ck_assert_uint_eq(client.got[CONN_DATA], 100u << 20);
	ck_assert_uint_lt(conn_memory(client.c), 1u << 16);
}
END_TEST

/* A reader that stalls holds its window and no more; then all arrives. */
START_TEST(stalled)
{
	uint32_t ch = start();
	size_t sent = 0, n;
	struct span s;

	pump();
	client.stalled = true;
	do {
		n = feed(&server, ch, CONN_DATA, 1u << 20);
		sent += n;
		pump();
	} while (n > 0);
	ck_assert_uint_eq(sent, CONN_WINDOW);
	ck_assert_uint_le(conn_memory(client.c), CONN_WINDOW + (1u << 17));
	ck_assert_uint_le(conn_memory(server.c), 1u << 18);
	ck_assert_int_eq(conn_eof(server.c, ch), 0);
	pump();
	ck_assert_uint_eq(client.eofs, 0);
	while ((s = conn_pending(client.c, ch, CONN_DATA)).n > 0) {
		sum(&client, CONN_DATA, s);
		conn_consumed(client.c, ch, CONN_DATA, s.n);
	}
	ck_assert_uint_eq(client.got[CONN_DATA], CONN_WINDOW);
	ck_assert_uint_eq(client.eofs, 1);
}
END_TEST

/* Only a consumer that keeps up gets a larger window, up to the limit. */
START_TEST(window_grows)
{
	uint32_t ch = start();
	size_t room, held = 0;

	pump();
	/* three times as much in each: the limit is reached after four */
	for (int i = 0; i < 6; i++) {
		while (feed(&server, ch, CONN_DATA, 1u << 20) > 0) {
			struct span s = conn_output(server.c);

			/* a long path: the client reads later */
			(void)conn_input(client.c, s.p, s.n);
			conn_sent(server.c, s.n);
		}
		pump();
	}
	client.stalled = true;
	while (conn_reserve(server.c, ch, CONN_DATA, &room) != NULL) {
		conn_commit(server.c, ch, CONN_DATA, room);
		held += room;
		pump();
	}
	ck_assert_uint_gt(held, CONN_WINDOW);
	ck_assert_uint_le(held, CONN_WINDOW_TOTAL);
}
END_TEST

/* Send until the window is full: bytes that went. */
static size_t
fill_window(uint32_t ch)
{
	size_t n, sent = 0;

	do {
		n = feed(&server, ch, CONN_DATA, 1u << 20);
		sent += n;
		pump();
	} while (n > 0);
	return sent;
}

/* A consumer that was late, but had all before anything could follow. */
START_TEST(window_grows_late)
{
	uint32_t ch = start();
	struct span s;

	pump();
	client.stalled = true;
	ck_assert_uint_eq(fill_window(ch), CONN_WINDOW);
	while ((s = conn_pending(client.c, ch, CONN_DATA)).n > 0)
		conn_consumed(client.c, ch, CONN_DATA, s.n);
	pump();
	ck_assert_uint_eq(fill_window(ch), 3 * CONN_WINDOW);
}
END_TEST

/* A slow consumer on a short path: what it frees is filled at once. */
START_TEST(window_stays)
{
	uint32_t ch = start();
	size_t sent;
	struct span s;

	pump();
	client.stalled = true;
	sent = fill_window(ch);
	for (size_t taken = 0; taken < 20 * CONN_WINDOW; taken += s.n) {
		s = conn_pending(client.c, ch, CONN_DATA);
		ck_assert_uint_gt(s.n, 0);
		conn_consumed(client.c, ch, CONN_DATA, s.n);
		pump();
		sent += fill_window(ch);
		ck_assert_uint_le(sent - taken, CONN_WINDOW + s.n);
	}
}
END_TEST

START_TEST(half_close)
{
	uint32_t ch = start();

	pump();
	ck_assert_int_eq(conn_eof(client.c, ch), 0);
	ck_assert(!conn_sendable(client.c, ch, CONN_DATA));
	pump();
	ck_assert_uint_eq(server.eofs, 1);
	ck_assert_uint_eq(feed(&server, ch, CONN_DATA, 10), 10);
	ck_assert_int_eq(conn_eof(server.c, ch), 0);
	pump();
	ck_assert_uint_eq(client.eofs, 1);
	ck_assert_uint_eq(client.got[CONN_DATA], 10);
	ck_assert_int_eq(conn_close(server.c, ch), 0);
	pump();
	ck_assert_uint_eq(client.closed, 1);
	ck_assert(conn_busy(client.c));
	ck_assert_int_eq(conn_close(client.c, ch), 0);
	ck_assert(!conn_busy(client.c));
	pump();
	ck_assert(!conn_busy(server.c));
}
END_TEST

/* yes | head: the reader wants no more, the sender learns it. */
START_TEST(no_more_wanted)
{
	uint32_t ch = start();
	size_t got;

	pump();
	(void)feed(&server, ch, CONN_DATA, 5000);
	pump();
	got = client.got[CONN_DATA];
	(void)feed(&server, ch, CONN_DATA, 5000);
	ck_assert_int_eq(conn_discard(client.c, ch, CONN_DATA), 0);
	pump();
	ck_assert_uint_eq(server.eows, 1);
	ck_assert_uint_eq(client.got[CONN_DATA], got);
	ck_assert(!conn_sendable(server.c, ch, CONN_DATA));
	ck_assert_uint_eq(feed(&server, ch, CONN_DATA, 1), 0);
	ck_assert_uint_eq(feed(&server, ch, CONN_STDERR, 1), 1);
	pump();
	ck_assert_uint_eq(client.got[CONN_STDERR], 1);
}
END_TEST

START_TEST(fair)
{
	uint32_t a = start(), b;
	size_t sent = 0, room;

	ck_assert_int_eq(conn_open(client.c, &b), 0);
	pump();
	while (feed(&server, a, CONN_DATA, 1u << 20) > 0)
		;
	ck_assert(conn_reserve(server.c, b, CONN_DATA, &room) == NULL);
	ck_assert_uint_eq(server.can_send, 0);
	sent = conn_output(server.c).n;
	conn_sent(server.c, sent);
	ck_assert_uint_eq(server.can_send, 2);
}
END_TEST

/* ---- requests ------------------------------------------------------------------ */

START_TEST(replies_in_order)
{
	uint32_t ch;

	server.answer = CONN_LATER;
	ch = start();
	ck_assert_int_eq(conn_request(client.c, ch, MSG_REQ_OTHER, true,
	    empty), 0);
	pump();
	ck_assert_uint_eq(client.ok + client.failed, 0);
	ck_assert_int_eq(conn_reply(server.c, ch, true), 0);
	pump();
	ck_assert_uint_eq(client.ok, 1);
	ck_assert_uint_eq(client.failed, 1);
	ck_assert_int_eq(conn_reply(server.c, ch, true), ERR_STATE);
}
END_TEST

START_TEST(keepalive)
{
	(void)start();
	pump();
	ck_assert_int_eq(conn_keepalive(client.c), 0);
	ck_assert_int_eq(conn_keepalive(server.c), 0);
	pump();
	ck_assert_uint_eq(client.alive, 1);
	ck_assert_uint_eq(server.alive, 1);
}
END_TEST

/* What was sent ahead on a refused channel is dropped, not a violation. */
START_TEST(open_refused)
{
	uint32_t ch;

	server.refuse_open = MSG_OPEN_PROHIBITED;
	ch = start();
	(void)feed(&client, ch, CONN_DATA, 1000);
	pump();
	ck_assert_uint_eq(client.open_failed, 1);
	ck_assert_uint_eq(server.requests, 0);
	ck_assert_uint_eq(server.got[CONN_DATA], 0);
	ck_assert(!conn_busy(client.c) && !conn_busy(server.c));
	ck_assert_int_eq(conn_eof(client.c, ch), ERR_NOTFOUND);
	server.refuse_open = 0;
	ck_assert_int_eq(conn_open(client.c, &ch), 0);
	ck_assert_uint_eq(ch, 3);
	pump();
	ck_assert_uint_eq(client.opened, 1);
}
END_TEST

START_TEST(channels_bounded)
{
	uint32_t ch = start();

	for (int i = 1; i < CONN_CHANNELS; i++)
		ck_assert_int_eq(conn_open(client.c, &ch), 0);
	ck_assert_int_eq(conn_open(client.c, &ch), ERR_TOOBIG);
	pump();
	ck_assert_uint_eq(client.opened, CONN_CHANNELS);
}
END_TEST

START_TEST(disconnects)
{
	(void)start();
	pump();
	ck_assert_int_eq(conn_disconnect(server.c, MSG_BY_APPLICATION,
	    "revoked"), 0);
	pump();
	ck_assert_str_eq(client.disconnect.text, "revoked");
	ck_assert_int_eq(conn_keepalive(server.c), ERR_STATE);
	ck_assert(!conn_wants_input(client.c));
}
END_TEST

/* ---- hostile peers --------------------------------------------------------------- */

#define LOGIN_FRAME "\0\0\0\x0b\x32" "\0\0\0\1a" "\0\0\0\1b"
#define OPEN_1 "\0\0\0\x10\x5a" "\0\0\0\7session" "\0\0\0\1"
#define EXEC_1 "\0\0\0\x13\x62" "\0\0\0\1" "\0\0\0\4exec" "\0" "\0\0\0\1x"
#define EOF_1 "\0\0\0\5\x60" "\0\0\0\1"
#define CLOSE_1 "\0\0\0\5\x61" "\0\0\0\1"
#define DATA_1 "\0\0\0\x0a\x5e" "\0\0\0\1" "\0\0\0\1x"

#define CASE(name, text) { name, text, sizeof(text) - 1 }

/* What a client could send, and the violation that it is. */
static const struct hostile {
	const char *name;
	const char *bytes;
	size_t n;
} hostiles[] = {
	CASE("unknown-type", "\0\0\0\1\xff"),
	CASE("unknown-type", "GET / HTTP/1.1\r\n\r\n"),
	CASE("out-of-turn", OPEN_1),
	CASE("out-of-turn", DATA_1),
	CASE("wrong-side", "\0\0\0\1\x34"),
	CASE("frame-size", "\0\0\0\0"),
	CASE("frame-size", "\0\0\0\0\x32"),
	CASE("frame-size", "\0\0\x10\0\x32"),
	CASE("frame-size", "\xff\xff\xff\xff\x32"),
	CASE("trailing-bytes", "\0\0\0\x0c\x32" "\0\0\0\1a" "\0\0\0\1b" "x"),
	CASE("malformed", "\0\0\0\x0a\x32" "\0\0\0\1a" "\0\0\0\1"),
	CASE("malformed", "\0\0\0\x0b\x32" "\0\0\0\1\0" "\0\0\0\1b"),
	CASE("out-of-turn", LOGIN_FRAME LOGIN_FRAME),
	CASE("unknown-channel", LOGIN_FRAME DATA_1),
	CASE("unknown-channel", LOGIN_FRAME EOF_1),
	CASE("unknown-channel", LOGIN_FRAME EXEC_1),
	CASE("bad-channel-number", LOGIN_FRAME OPEN_1 OPEN_1),
	CASE("bad-channel-number", LOGIN_FRAME
	    "\0\0\0\x10\x5a" "\0\0\0\7session" "\0\0\0\2"),
	CASE("bad-channel-number", LOGIN_FRAME OPEN_1 CLOSE_1 OPEN_1),
	CASE("data-after-eof", LOGIN_FRAME OPEN_1 EOF_1 DATA_1),
	CASE("repeated", LOGIN_FRAME OPEN_1 EOF_1 EOF_1),
	CASE("unknown-channel", LOGIN_FRAME OPEN_1 CLOSE_1 CLOSE_1),
	CASE("data-after-eof", LOGIN_FRAME OPEN_1 CLOSE_1 DATA_1),
	CASE("out-of-turn", LOGIN_FRAME OPEN_1 EXEC_1 EXEC_1),
	CASE("wrong-side", LOGIN_FRAME
	    "\0\0\0\x0e\x5f" "\0\0\0\1" "\0\0\0\1" "\0\0\0\1x"),
	CASE("malformed", LOGIN_FRAME OPEN_1
	    "\0\0\0\x0a\x5e" "\0\0\0\1" "\0\0\0\2x"),
	CASE("malformed", LOGIN_FRAME OPEN_1
	    "\0\0\0\x09\x5e" "\0\0\0\1" "\0\0\0\0"),
	CASE("unexpected-reply", LOGIN_FRAME "\0\0\0\1\x51"),
	CASE("unexpected-reply", LOGIN_FRAME OPEN_1
	    "\0\0\0\5\x63" "\0\0\0\1"),
	CASE("out-of-turn", LOGIN_FRAME OPEN_1 "\0\0\0\5\x5b" "\0\0\0\1"),
	CASE("window-overflow", LOGIN_FRAME OPEN_1
	    "\0\0\0\x09\x5d" "\0\0\0\1" "\xff\xff\xff\xff"),
	CASE("wrong-side", LOGIN_FRAME OPEN_1 "\0\0\0\x18\x62" "\0\0\0\1"
	    "\0\0\0\x0b" "exit-status" "\0" "\0\0\0"),
};

START_TEST(hostile)
{
	const struct hostile *h = &hostiles[_i];
	struct side s = { .decide = true, .answer = CONN_ACCEPT };

	for (size_t step = 1; step <= h->n; step += h->n - 1) {
		int rc = 0;

		s.c = conn_new(FRAME_SERVER, &ops, &s);
		for (size_t i = 0; i < h->n && rc == 0; i += step)
			rc = conn_input(s.c, h->bytes + i,
			    step < h->n - i ? step : h->n - i);
		ck_assert_int_lt(rc, 0);
		ck_assert_msg(strncmp(conn_problem(s.c), h->name,
		    strlen(h->name)) == 0, "case %d: %s", _i,
		    conn_problem(s.c));
		ck_assert(!conn_wants_input(s.c));
		ck_assert_int_eq(conn_input(s.c, LOGIN_FRAME, 1), rc);
		conn_free(s.c);
	}
}
END_TEST

/* More data than the window is a violation; refusing it never hurts us. */
START_TEST(window_exceeded)
{
	static uint8_t data[CONN_DATA_ROOM];
	uint8_t head[FRAME_DATA_HEADER];
	uint32_t ch = start();
	size_t sent = 0;
	int rc = 0;

	pump();
	server.stalled = true;
	frame_put_u32(head, FRAME_MAX - 4);
	head[4] = FRAME_DATA;
	frame_put_u32(head + 5, ch);
	frame_put_u32(head + 9, sizeof(data));
	while (rc == 0 && sent < 8u << 20) {
		rc = conn_input(server.c, head, sizeof(head));
		if (rc == 0)
			rc = conn_input(server.c, data, sizeof(data));
		sent += sizeof(data);
	}
	ck_assert_int_eq(rc, ERR_TOOBIG);
	ck_assert(strncmp(conn_problem(server.c), "window-exceeded", 15) ==
	    0);
	ck_assert_uint_le(sent, CONN_WINDOW + sizeof(data));
}
END_TEST

/* A peer that asks and never reads ends, and costs a bounded memory. */
START_TEST(flood)
{
	static const char ask[] = "\0\0\0\x19\x50" "\0\0\0\x13"
	    "keepalive@certlogin" "\1";
	int rc = 0;

	(void)start();
	pump();
	for (int i = 0; i < 1000000 && rc == 0; i++)
		rc = conn_input(server.c, ask, sizeof(ask) - 1);
	ck_assert_int_lt(rc, 0);
	ck_assert(strncmp(conn_problem(server.c), "flood", 5) == 0);
	ck_assert_uint_le(conn_memory(server.c), CONN_OUT_MAX + FRAME_MAX);
}
END_TEST

START_TEST(too_many_channels)
{
	uint8_t frame[] = OPEN_1;
	int rc = 0;
	uint32_t i;

	(void)start();
	pump();
	for (i = 3; i < 200 && rc == 0; i += 2) {
		frame_put_u32(frame + 16, i);
		rc = conn_input(server.c, frame, sizeof(frame) - 1);
	}
	ck_assert_int_eq(rc, ERR_TOOBIG);
	ck_assert_uint_eq(server.opens, CONN_CHANNELS);
	ck_assert_uint_eq(i, 3 + 2 * CONN_ENTRIES);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conn");
	TCase *tc = tcase_create("conn");
	SRunner *sr;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_flight);
	tcase_add_test(tc, nothing_before_success);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, held_back);
	tcase_add_test(tc, byte_by_byte);
	tcase_add_test(tc, full_records);
	tcase_add_test(tc, bulk);
	tcase_add_test(tc, stalled);
	tcase_add_test(tc, window_grows);
	tcase_add_test(tc, window_grows_late);
	tcase_add_test(tc, window_stays);
	tcase_add_test(tc, half_close);
	tcase_add_test(tc, no_more_wanted);
	tcase_add_test(tc, fair);
	tcase_add_test(tc, replies_in_order);
	tcase_add_test(tc, keepalive);
	tcase_add_test(tc, open_refused);
	tcase_add_test(tc, channels_bounded);
	tcase_add_test(tc, disconnects);
	tcase_add_loop_test(tc, hostile, 0,
	    sizeof(hostiles) / sizeof(hostiles[0]));
	tcase_add_test(tc, window_exceeded);
	tcase_add_test(tc, flood);
	tcase_add_test(tc, too_many_channels);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
