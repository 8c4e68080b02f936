/*
 * The connection protocol, as server and as client: what a peer sends, in
 * one piece and in pieces of any size.  Input: byte of settings, byte that
 * the sizes of pieces come from, then the peer's bytes.
 *
 * Checked: the pieces change nothing; memory stays within its limits; what
 * we send are frames that we may send; a connection that failed stays failed.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "proto/conn.h"

#define CHANNELS_MAX 64

enum setting {
	AS_CLIENT = 1,
	REFUSE_LOGIN = 2,
	LATE_LOGIN = 4,		/* decide behind the input */
	LATE_REPLY = 8,		/* answer a start behind the input */
	TAKE_SOME = 16,		/* data is queued and taken off in parts */
	SEND_DATA = 32,
	KEEP_OPEN = 64,		/* no CLOSE in answer to a CLOSE */
	STOP_READING = 128,	/* our output is not taken */
};

struct peer {
	struct conn *c;
	uint8_t settings;
	uint32_t state;			/* of the sizes of pieces */
	uint32_t seen[CHANNELS_MAX];
	size_t n_seen;
	bool mirrored;			/* output is kept, to be compared */
	struct buf sent;
};

static void
see(struct peer *p, uint32_t channel)
{
	for (size_t i = 0; i < p->n_seen; i++)
		if (p->seen[i] == channel)
			return;
	if (p->n_seen < CHANNELS_MAX)
		p->seen[p->n_seen++] = channel;
}

static bool
has(const struct peer *p, enum setting s)
{
	return (p->settings & s) != 0;
}

static size_t
piece(struct peer *p)
{
	p->state = p->state * 1103515245 + 12345;
	return 1 + (p->state >> 16) % ((p->state >> 8 & 7) == 0 ? 5000 : 9);
}

/* ---- ops ------------------------------------------------------------------ */

static void
decide(struct peer *p)
{
	struct msg_success yes = { .account = "alice", .identity = "staff "
	    "uri=spiffe://example.org/user/alice" };
	struct msg_failure no = { .reason = "no", .reference = 7 };

	(void)conn_banner(p->c, "welcome");
	if (has(p, REFUSE_LOGIN))
		(void)conn_failure(p->c, &no);
	else
		(void)conn_success(p->c, &yes);
}

static void
on_login(void *ctx, const struct msg_login *m)
{
	struct peer *p = ctx;

	CHECK(strlen(m->account) < MSG_ACCOUNT_MAX);
	CHECK(!has(p, AS_CLIENT));
	if (!has(p, LATE_LOGIN))
		decide(p);
}

static void
on_success(void *ctx, const struct msg_success *m)
{
	struct peer *p = ctx;

	CHECK(has(p, AS_CLIENT));
	CHECK(strlen(m->identity) < MSG_IDENTITY_MAX);
	(void)conn_keepalive(p->c);
}

static uint32_t
on_open(void *ctx, const struct msg_open *m)
{
	struct peer *p = ctx;

	CHECK(conn_state(p->c) == FRAME_ST_OPEN);
	see(p, m->channel);
	return m->kind == MSG_OPEN_SESSION ? 0 : MSG_OPEN_PROHIBITED;
}

static enum conn_answer
on_request(void *ctx, const struct msg_request *m)
{
	struct peer *p = ctx;

	CHECK(conn_state(p->c) == FRAME_ST_OPEN);
	CHECK(msg_request_check(m->kind, m->body) == 0);
	if (m->kind == MSG_REQ_SHELL || m->kind == MSG_REQ_EXEC ||
	    m->kind == MSG_REQ_SUBSYSTEM)
		return has(p, LATE_REPLY) ? CONN_LATER : CONN_ACCEPT;
	return m->kind == MSG_REQ_OTHER ? CONN_REFUSE : CONN_ACCEPT;
}

static size_t
on_data(void *ctx, uint32_t channel, enum conn_stream stream, struct span s)
{
	struct peer *p = ctx;

	CHECK(s.n > 0 && s.n <= CONN_DATA_ROOM);
	CHECK(conn_pending(p->c, channel, stream).n == 0);
	return has(p, TAKE_SOME) ? s.n / 2 : s.n;
}

static void
on_closed(void *ctx, uint32_t channel)
{
	struct peer *p = ctx;

	if (!has(p, KEEP_OPEN))
		(void)conn_close(p->c, channel);
}

static const struct conn_ops ops = {
	.login = on_login, .success = on_success, .open = on_open,
	.request = on_request, .data = on_data, .closed = on_closed,
};

/* ---- our own side ----------------------------------------------------------- */

/* What a client sends in its first flight. */
static void
begin(struct peer *p)
{
	struct msg_login login = { .account = "alice", .preferred = "al" };
	uint32_t channel;
	struct span none = { NULL, 0 };

	if (!has(p, AS_CLIENT))
		return;
	CHECK(conn_login(p->c, &login) == 0);
	CHECK(conn_open(p->c, &channel) == 0);
	CHECK(channel == 1);
	see(p, channel);
	CHECK(conn_request(p->c, channel, MSG_REQ_SHELL, true, none) == 0);
}

static void
send_some(struct peer *p, uint32_t channel, enum conn_stream stream)
{
	size_t room;
	uint8_t *at = conn_reserve(p->c, channel, stream, &room);

	if (at == NULL)
		return;
	CHECK(room >= 1 && room <= CONN_DATA_ROOM);
	memset(at, 'x', room);
	conn_commit(p->c, channel, stream, room);
}

/* Take queued input off, answer what is due, send something. */
static void
work(struct peer *p)
{
	for (size_t i = 0; i < p->n_seen; i++) {
		uint32_t channel = p->seen[i];
		struct span s = conn_pending(p->c, channel, CONN_DATA);

		conn_consumed(p->c, channel, CONN_DATA, (s.n + 1) / 2);
		(void)conn_reply(p->c, channel, i % 2 == 0);
		if (!has(p, SEND_DATA))
			continue;
		send_some(p, channel, CONN_DATA);
		send_some(p, channel, CONN_STDERR);
		if (channel % 8 == 5)
			(void)conn_discard(p->c, channel, CONN_DATA);
		if (channel % 8 == 7)
			(void)conn_eof(p->c, channel);
	}
}

/* Take our output as the peer would. */
static void
drain(struct peer *p)
{
	struct span s;

	while ((s = conn_output(p->c)).n > 0) {
		if (p->mirrored)
			buf_put_raw(&p->sent, s.p, s.n);
		conn_sent(p->c, s.n);
	}
}

static void
check_bounds(const struct peer *p)
{
	size_t most = CONN_OUT_MAX + 2 * FRAME_MAX + CONN_WINDOW_TOTAL;

	/* buffers grow in steps: twice what they may hold at most */
	CHECK(conn_memory(p->c) <= 2 * most);
}

/* Everything that we sent is a frame of ours, whole and within the limits. */
static void
check_frames(const struct peer *p)
{
	enum frame_role us = has(p, AS_CLIENT) ? FRAME_CLIENT : FRAME_SERVER;
	struct rd r = rd_of_buf(&p->sent);

	while (r.n > 0) {
		uint32_t n = rd_u32(&r);
		struct rd body = rd_of_span(rd_raw(&r, n));
		uint8_t type = rd_u8(&body);

		CHECK(r.err == 0 && body.err == 0);
		CHECK(n + 4 <= FRAME_MAX);
		CHECK(frame_allowed(type, us, FRAME_ST_LOGIN) == 0 ||
		    frame_allowed(type, us, FRAME_ST_PENDING) == 0 ||
		    frame_allowed(type, us, FRAME_ST_OPEN) == 0);
	}
}

/* ---- runs ---------------------------------------------------------------------- */

static void
feed(struct peer *p, const uint8_t *data, size_t size, bool pieces)
{
	int rc = 0;

	while (size > 0) {
		size_t n = pieces ? piece(p) : size;
		uint8_t *copy;
		int now;

		n = n < size ? n : size;
		copy = fuzz_copy(data, n);
		now = conn_input(p->c, copy, n);
		free(copy);
		CHECK(rc == 0 || now == rc);
		CHECK((now == 0) == (conn_problem(p->c)[0] == '\0'));
		rc = now;
		data += n;
		size -= n;
		check_bounds(p);
		if (!p->mirrored) {
			work(p);
			if (!has(p, STOP_READING))
				drain(p);
		}
	}
	if (!has(p, AS_CLIENT) && has(p, LATE_LOGIN))
		decide(p);
	CHECK(rc == 0 || !conn_wants_input(p->c));
}

static void
run(struct peer *p, const uint8_t *data, size_t size, bool pieces,
    struct why *problem)
{
	p->c = conn_new(has(p, AS_CLIENT) ? FRAME_CLIENT : FRAME_SERVER, &ops,
	    p);
	CHECK(p->c != NULL);
	buf_init(&p->sent, 4 * CONN_OUT_MAX);
	begin(p);
	feed(p, data, size, pieces);
	work(p);
	drain(p);
	check_frames(p);
	(void)snprintf(problem->text, sizeof(problem->text), "%s",
	    conn_problem(p->c));
	conn_free(p->c);
}

/* The same input whole and in pieces: same problem, same answers. */
static void
compare(uint8_t settings, uint32_t seed, const uint8_t *data, size_t size)
{
	struct peer a = { .settings = settings, .mirrored = true };
	struct peer b = { .settings = settings, .mirrored = true,
	    .state = seed };
	struct why why_a, why_b;

	run(&a, data, size, false, &why_a);
	run(&b, data, size, true, &why_b);
	CHECK(strcmp(why_a.text, why_b.text) == 0);
	fuzz_same(&a.sent, 0, (struct span){ b.sent.data, b.sent.len });
	buf_free(&a.sent);
	buf_free(&b.sent);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t settings = fuzz_u8(&data, &size);
	uint8_t seed = fuzz_u8(&data, &size);
	struct peer p = { .settings = settings, .state = seed };
	struct why why;

	/* halves of data depend on where it is cut */
	compare(settings & (uint8_t)~TAKE_SOME, seed, data, size);
	run(&p, data, size, true, &why);
	buf_free(&p.sent);
	return 0;
}
