#include "proto/conn.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/queue.h"

/* Output waiting above this takes no more data, so that what is small never
 * waits behind more than this and one frame. */
#define DATA_PAUSE (64u << 10)
/* Output memory above this is given back when traffic turns quiet. */
#define OUT_KEEP (32u << 10)
#define OUT_QUIET (4u << 10)
/* Requests refused while an earlier reply is still due, per channel. */
#define LATE_MAX 16
#define NOT_HELD SIZE_MAX

struct channel {
	uint32_t id;
	void *user;
	bool ours;		/* we opened it */
	bool confirmed;		/* ours: the peer accepted */
	bool refused;		/* theirs: refused, waits for their CLOSE */
	bool eof_sent, close_sent, eow_sent;
	bool eof_got, close_got, eow_got, eof_told;
	bool pty_got, start_got, exit_got;
	bool reply_due;		/* a start request awaits conn_reply */
	bool reply_wanted;	/* and the peer wants it */
	bool waiting;		/* wants can_send */
	bool blocked_said;
	bool starved;		/* the peer said so, and sent nothing since */
	unsigned late;		/* refusals to send behind that reply */
	unsigned expected;	/* replies that the peer owes us */
	uint32_t send_window;	/* bytes that we may send */
	uint32_t recv_window;	/* bytes that the peer may send */
	uint32_t size;		/* of the window granted to the peer */
	uint32_t credit;	/* consumed, not yet granted again */
	bool discard[CONN_STREAMS];
	struct queue in[CONN_STREAMS];
};

struct conn {
	enum frame_role role;
	enum frame_state state;
	const struct conn_ops *ops;
	void *ctx;
	int failed;		/* code of the violation */
	bool over;		/* DISCONNECT sent or received, or refused */
	bool in_input;
	struct why problem;

	struct channel *ch[CONN_ENTRIES];
	uint32_t next_id;	/* of the next channel that we open */
	uint32_t last_peer_id;	/* highest that the peer opened, 0 = none */
	uint32_t windows;	/* sum of sizes granted */
	size_t turn;		/* entry that is woken first */
	unsigned alive_expected;

	struct buf out;		/* [out_head, len) waits */
	size_t out_head;
	size_t held;		/* from here on not before LOGIN_SUCCESS */

	uint8_t head[FRAME_EXTENDED_HEADER];
	size_t head_len, head_want;
	struct buf body;	/* of a message that came in pieces */
	size_t body_len;
	struct buf stash;	/* server: what came behind LOGIN */
	uint32_t data_id;	/* CHANNEL_DATA being received */
	enum conn_stream data_stream;
	size_t data_left;
};

/* ---- life ------------------------------------------------------------------- */

struct conn *
conn_new(enum frame_role role, const struct conn_ops *ops, void *ctx)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->role = role;
	c->state = FRAME_ST_LOGIN;
	c->ops = ops;
	c->ctx = ctx;
	c->next_id = role == FRAME_CLIENT ? 1 : 2;
	c->head_want = FRAME_HEADER;
	c->held = NOT_HELD;
	buf_init(&c->out, CONN_OUT_MAX);
	buf_init(&c->body, FRAME_MAX);
	buf_init(&c->stash, FRAME_MAX);
	return c;
}

static void
free_channel(struct conn *c, size_t i)
{
	struct channel *ch = c->ch[i];

	if (ch == NULL)
		return;
	for (int s = 0; s < CONN_STREAMS; s++)
		queue_clear(&ch->in[s]);
	c->windows -= ch->size;
	free(ch);
	c->ch[i] = NULL;
}

void
conn_free(struct conn *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < CONN_ENTRIES; i++)
		free_channel(c, i);
	buf_free(&c->out);
	buf_free(&c->body);
	buf_free(&c->stash);
	free(c);
}

enum frame_state
conn_state(const struct conn *c)
{
	return c->state;
}

const char *
conn_problem(const struct conn *c)
{
	return c->problem.text;
}

size_t
conn_memory(const struct conn *c)
{
	size_t n = c->out.cap + c->body.cap + c->stash.cap;

	for (size_t i = 0; i < CONN_ENTRIES; i++) {
		for (int s = 0; c->ch[i] != NULL && s < CONN_STREAMS; s++)
			n += c->ch[i]->in[s].len;
	}
	return n;
}

/* ---- output ------------------------------------------------------------------ */

static size_t
waiting(const struct conn *c)
{
	return c->out.len - c->out_head;
}

/* Move what waits to the front of its memory. */
static void
compact(struct conn *c)
{
	if (c->out_head == 0)
		return;
	buf_consume(&c->out, c->out_head);
	if (c->held != NOT_HELD)
		c->held -= c->out_head;
	c->out_head = 0;
}

/* Make sure that n bytes fit behind what waits. */
static bool
make_room(struct conn *c, size_t n)
{
	if (c->out.len + n > c->out.cap)
		compact(c);
	return buf_reserve(&c->out, n) != NULL;
}

/* A message is begun and ended with these; what is too large for the time
 * before LOGIN_SUCCESS is held back with all behind it. */
static size_t
begin(struct conn *c, uint8_t type)
{
	(void)make_room(c, FRAME_LOGIN_MAX);
	return frame_begin(&c->out, type);
}

static int
end(struct conn *c, size_t start)
{
	int rc = buf_err(&c->out);

	if (rc == 0 && c->out.len - start > FRAME_MAX)
		rc = ERR_TOOBIG;
	if (rc != 0) {
		c->out.err = 0;
		c->out.len = start;
		return rc;
	}
	frame_end(&c->out, start);
	if (c->held == NOT_HELD && c->state != FRAME_ST_OPEN &&
	    c->out.len - start > FRAME_LOGIN_MAX)
		c->held = start;
	return 0;
}

static int
send_u32(struct conn *c, uint8_t type, uint32_t v)
{
	size_t start = begin(c, type);

	buf_put_u32(&c->out, v);
	return end(c, start);
}

static int
send_empty(struct conn *c, uint8_t type)
{
	return end(c, begin(c, type));
}

struct span
conn_output(struct conn *c)
{
	size_t end_at = c->held < c->out.len ? c->held : c->out.len;

	if (c->out_head >= end_at)
		return (struct span){ (const uint8_t *)"", 0 };
	return (struct span){ c->out.data + c->out_head,
	    end_at - c->out_head };
}

/* Let channels that wait for room or window send, in turn. */
static void
wake(struct conn *c)
{
	size_t first = c->turn;

	for (size_t k = 0; k < CONN_ENTRIES; k++) {
		size_t i = (first + k) % CONN_ENTRIES;
		struct channel *ch = c->ch[i];

		if (c->over || c->held != NOT_HELD ||
		    waiting(c) > DATA_PAUSE)
			return;
		if (ch == NULL || !ch->waiting || ch->send_window == 0)
			continue;
		ch->waiting = false;
		c->turn = (i + 1) % CONN_ENTRIES;
		if (c->ops->can_send != NULL)
			c->ops->can_send(c->ctx, ch->id);
	}
}

void
conn_sent(struct conn *c, size_t n)
{
	if (n > waiting(c))
		n = waiting(c);
	c->out_head += n;
	if (c->out_head == c->out.len) {
		bool quiet = c->out.cap > OUT_KEEP && c->out.len < OUT_QUIET;

		buf_reset(&c->out);
		c->out_head = 0;
		if (quiet)
			buf_free(&c->out);
	}
	wake(c);
}

bool
conn_wants_input(const struct conn *c)
{
	return !c->over && waiting(c) <= CONN_OUT_PAUSE &&
	    !(c->role == FRAME_SERVER && c->state == FRAME_ST_PENDING);
}

/* ---- failing ------------------------------------------------------------------ */

static void
goodbye(struct conn *c, uint32_t code, const char *text)
{
	struct msg_disconnect m = { .code = code };
	size_t start;

	if (c->held != NOT_HELD && c->held < c->out.len)
		c->out.len = c->held;
	c->held = NOT_HELD;
	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	start = begin(c, FRAME_DISCONNECT);
	msg_disconnect_put(&c->out, &m);
	(void)end(c, start);
	c->over = true;
}

/* Every violation ends here. */
static int violation(struct conn *c, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static int
violation(struct conn *c, int code, const char *fmt, ...)
{
	va_list ap;

	if (c->failed != 0)
		return c->failed;
	c->failed = code;
	va_start(ap, fmt);
	(void)vsnprintf(c->problem.text, sizeof(c->problem.text), fmt, ap);
	va_end(ap);
	if (!c->over)
		goodbye(c, MSG_PROTOCOL_ERROR, c->problem.text);
	c->over = true;
	return code;
}

/* A body that does not decode. */
static int
malformed(struct conn *c, int code, const char *what)
{
	const char *name = code == ERR_TRAILING ? "trailing-bytes" :
	    code == ERR_TOOBIG ? "value-too-big" : "malformed";

	return violation(c, code, "%s: %s", name, what);
}

/* The peer makes us answer more than it reads. */
static int
answered(struct conn *c, int rc)
{
	return rc == 0 ? 0 : violation(c, rc,
	    "flood: answers to the peer's requests are not read");
}

/* ---- channels ------------------------------------------------------------------ */

static struct channel *
find(const struct conn *c, uint32_t id)
{
	for (size_t i = 0; i < CONN_ENTRIES; i++) {
		if (c->ch[i] != NULL && c->ch[i]->id == id)
			return c->ch[i];
	}
	return NULL;
}

/* The channel for the caller: not one that it closed or refused. */
static struct channel *
find_live(const struct conn *c, uint32_t id)
{
	struct channel *ch = find(c, id);

	return ch != NULL && !ch->close_sent && !ch->refused ? ch : NULL;
}

static void
drop(struct conn *c, uint32_t id)
{
	for (size_t i = 0; i < CONN_ENTRIES; i++) {
		if (c->ch[i] != NULL && c->ch[i]->id == id)
			free_channel(c, i);
	}
}

/* Entries in use; live: without those that were refused. */
static size_t
count(const struct conn *c, bool live)
{
	size_t n = 0;

	for (size_t i = 0; i < CONN_ENTRIES; i++) {
		if (c->ch[i] != NULL && !(live && c->ch[i]->refused))
			n++;
	}
	return n;
}

static struct channel *
add(struct conn *c, uint32_t id, bool ours)
{
	struct channel *ch;
	size_t i = 0;

	while (i < CONN_ENTRIES && c->ch[i] != NULL)
		i++;
	if (i == CONN_ENTRIES || (ch = calloc(1, sizeof(*ch))) == NULL)
		return NULL;
	ch->id = id;
	ch->ours = ours;
	ch->send_window = ch->recv_window = ch->size = CONN_WINDOW;
	c->windows += ch->size;
	c->ch[i] = ch;
	return ch;
}

bool
conn_busy(const struct conn *c)
{
	return count(c, false) > 0;
}

void
conn_set_user(struct conn *c, uint32_t channel, void *user)
{
	struct channel *ch = find(c, channel);

	if (ch != NULL)
		ch->user = user;
}

void *
conn_user(const struct conn *c, uint32_t channel)
{
	const struct channel *ch = find(c, channel);

	return ch != NULL ? ch->user : NULL;
}

/* ---- receiving data ------------------------------------------------------------- */

/* Grant the peer n more bytes. */
static int
adjust(struct conn *c, struct channel *ch, uint32_t n)
{
	size_t start = begin(c, FRAME_WINDOW_ADJUST);

	buf_put_u32(&c->out, ch->id);
	buf_put_u32(&c->out, n);
	ch->recv_window += n;
	ch->credit = 0;
	return answered(c, end(c, start));
}

/*
 * The peer has run out of window while we hold nothing any more: the window
 * is what slows us down.  It may also turn out a little later that it was,
 * when all is consumed before anything comes behind what was granted
 * meanwhile; a slow consumer on a short path never gets there.
 */
static int
grow(struct conn *c, struct channel *ch)
{
	uint32_t more = CONN_WINDOW_TOTAL - c->windows;

	if (!ch->starved || ch->in[CONN_DATA].len > 0 ||
	    ch->in[CONN_STDERR].len > 0 || ch->eof_got || ch->close_got ||
	    ch->close_sent || ch->refused || c->over)
		return 0;
	ch->starved = false;
	if (more > 2 * ch->size)
		more = 2 * ch->size;
	ch->size += more;
	c->windows += more;
	if (more + ch->credit == 0)
		return 0;
	return adjust(c, ch, more + ch->credit);
}

/* n bytes were consumed; say so when a quarter of the window is free. */
static void
credit(struct conn *c, struct channel *ch, size_t n)
{
	ch->credit += (uint32_t)n;
	if (ch->credit >= ch->size / 4 && !ch->eof_got && !ch->close_got &&
	    !ch->close_sent && !ch->refused && !c->over)
		(void)adjust(c, ch, ch->credit);
}

static void
tell_eof(struct conn *c, struct channel *ch)
{
	if (!ch->eof_got || ch->eof_told || ch->close_sent || ch->refused ||
	    ch->in[CONN_DATA].len > 0 || ch->in[CONN_STDERR].len > 0)
		return;
	ch->eof_told = true;
	if (c->ops->eof != NULL)
		c->ops->eof(c->ctx, ch->id);
}

static int
deliver(struct conn *c, struct span s)
{
	struct channel *ch = find(c, c->data_id);
	enum conn_stream stream = c->data_stream;
	size_t taken = 0;

	/* closed by us in the middle of this frame: nobody wants it */
	if (ch == NULL || ch->close_sent || ch->refused)
		return 0;
	if (ch->discard[stream]) {
		credit(c, ch, s.n);
		return 0;
	}
	if (ch->in[stream].len == 0 && c->ops->data != NULL)
		taken = c->ops->data(c->ctx, ch->id, stream, s);
	ch = find_live(c, c->data_id);
	if (ch == NULL)
		return 0;
	if (ch->discard[stream] || taken > s.n)
		taken = s.n;
	credit(c, ch, taken);
	s.p += taken;
	s.n -= taken;
	if (s.n > 0 && queue_put(&ch->in[stream], s) != 0)
		return violation(c, ERR_NOMEM, "out of memory");
	return 0;
}

struct span
conn_pending(const struct conn *c, uint32_t channel, enum conn_stream stream)
{
	const struct channel *ch = find_live(c, channel);

	if (ch == NULL)
		return (struct span){ (const uint8_t *)"", 0 };
	return queue_front(&ch->in[stream]);
}

void
conn_consumed(struct conn *c, uint32_t channel, enum conn_stream stream,
    size_t n)
{
	struct channel *ch = find_live(c, channel);

	if (ch == NULL)
		return;
	if (n > ch->in[stream].len)
		n = ch->in[stream].len;
	queue_take(&ch->in[stream], n);
	credit(c, ch, n);
	(void)grow(c, ch);
	tell_eof(c, ch);
}

int
conn_discard(struct conn *c, uint32_t channel, enum conn_stream stream)
{
	struct channel *ch = find_live(c, channel);
	int rc = 0;

	if (ch == NULL)
		return ERR_NOTFOUND;
	if (ch->discard[stream])
		return 0;
	ch->discard[stream] = true;
	if (stream == CONN_DATA && !ch->eof_got && !ch->close_got &&
	    !ch->eow_sent) {
		rc = conn_request(c, channel, MSG_REQ_EOW, false,
		    (struct span){ NULL, 0 });
		ch->eow_sent = rc == 0;
	}
	conn_consumed(c, channel, stream, ch->in[stream].len);
	return rc;
}

/* The head of CHANNEL_DATA or CHANNEL_EXTENDED_DATA is complete. */
static int
on_data_head(struct conn *c)
{
	bool extended = c->head[4] == FRAME_EXTENDED_DATA;
	size_t n = c->body_len - (c->head_want - FRAME_HEADER);
	uint32_t id = frame_get_u32(c->head + FRAME_HEADER);
	struct channel *ch = find(c, id);
	const char *name = frame_name(c->head[4]);

	if (ch == NULL || (ch->ours && !ch->confirmed))
		return violation(c, ERR_STATE, "unknown-channel: %s on "
		    "channel %u", name, id);
	if (extended && frame_get_u32(c->head + 9) != CONN_STDERR)
		return violation(c, ERR_MALFORMED, "malformed: %s of a kind "
		    "other than 1", name);
	if (frame_get_u32(c->head + c->head_want - 4) != n || n == 0)
		return violation(c, ERR_MALFORMED, "malformed: length of %s",
		    name);
	if (ch->eof_got || ch->close_got)
		return violation(c, ERR_STATE, "data-after-eof: %s on "
		    "channel %u", name, id);
	if (n > ch->recv_window)
		return violation(c, ERR_TOOBIG, "window-exceeded: %s on "
		    "channel %u", name, id);
	ch->recv_window -= (uint32_t)n;
	ch->starved = false;
	c->data_id = id;
	c->data_stream = extended ? CONN_STDERR : CONN_DATA;
	c->data_left = n;
	return 0;
}

/* ---- receiving messages ------------------------------------------------------------ */

static int
on_login(struct conn *c, struct rd r)
{
	struct msg_login m;
	int rc = msg_login_get(r, &m);

	if (rc != 0)
		return malformed(c, rc, "LOGIN");
	c->state = FRAME_ST_PENDING;
	if (c->ops->login != NULL)
		c->ops->login(c->ctx, &m);
	return 0;
}

static int
on_failure(struct conn *c, struct rd r)
{
	struct msg_failure m;
	int rc = msg_failure_get(r, &m);

	if (rc != 0)
		return malformed(c, rc, "LOGIN_FAILURE");
	c->over = true;
	if (c->ops->failure != NULL)
		c->ops->failure(c->ctx, &m);
	return 0;
}

static int
on_success(struct conn *c, struct rd r)
{
	struct msg_success m;
	int rc = msg_success_get(r, &m);

	if (rc != 0)
		return malformed(c, rc, "LOGIN_SUCCESS");
	c->state = FRAME_ST_OPEN;
	c->held = NOT_HELD;
	if (c->ops->success != NULL)
		c->ops->success(c->ctx, &m);
	wake(c);
	return 0;
}

static int
on_banner(struct conn *c, struct rd r)
{
	char text[MSG_BANNER_MAX];
	int rc = msg_banner_get(r, text);

	if (rc != 0)
		return malformed(c, rc, "BANNER");
	if (c->ops->banner != NULL)
		c->ops->banner(c->ctx, text);
	return 0;
}

static int
on_disconnect(struct conn *c, struct rd r)
{
	struct msg_disconnect m;
	int rc = msg_disconnect_get(r, &m);

	if (rc != 0)
		return malformed(c, rc, "DISCONNECT");
	c->over = true;
	if (c->ops->disconnect != NULL)
		c->ops->disconnect(c->ctx, &m);
	return 0;
}

static int
on_global(struct conn *c, struct rd r)
{
	struct msg_global m;
	int rc = msg_global_get(r, &m);

	if (rc != 0)
		return malformed(c, rc, "GLOBAL_REQUEST");
	if (!m.want_reply)
		return 0;
	/* forwardings are not served: PROTOCOL.md */
	return answered(c, send_empty(c, m.kind == MSG_GLOBAL_KEEPALIVE ?
	    FRAME_REQUEST_SUCCESS : FRAME_REQUEST_FAILURE));
}

static int
on_global_reply(struct conn *c, struct rd r, uint8_t type)
{
	if (rd_end(&r) != 0)
		return malformed(c, ERR_TRAILING, frame_name(type));
	if (c->alive_expected == 0)
		return violation(c, ERR_STATE, "unexpected-reply: %s",
		    frame_name(type));
	c->alive_expected--;
	if (c->ops->alive != NULL)
		c->ops->alive(c->ctx);
	return 0;
}

/* The number of a channel that the peer opens: of its kind, and new. */
static bool
peer_id_ok(const struct conn *c, uint32_t id)
{
	uint32_t parity = c->role == FRAME_SERVER ? 1 : 0;

	return id != 0 && (id & 1) == parity && id > c->last_peer_id;
}

static int
refuse_open(struct conn *c, struct channel *ch, uint32_t code)
{
	struct msg_open_failure m = { .channel = ch->id, .code = code };
	size_t start = begin(c, FRAME_OPEN_FAILURE);

	(void)snprintf(m.text, sizeof(m.text), "%s",
	    code == MSG_OPEN_PROHIBITED ? "administratively prohibited" :
	    code == MSG_OPEN_UNKNOWN_TYPE ? "unknown kind of channel" :
	    code == MSG_OPEN_SHORTAGE ? "too many channels" :
	    "cannot be opened");
	msg_open_failure_put(&c->out, &m);
	ch->refused = true;
	return answered(c, end(c, start));
}

static int
on_open(struct conn *c, struct rd r)
{
	struct channel *ch;
	struct msg_open m;
	uint32_t code = MSG_OPEN_PROHIBITED;
	int rc = msg_open_get(r, &m);

	if (rc != 0)
		return malformed(c, rc, "CHANNEL_OPEN");
	if (!peer_id_ok(c, m.channel))
		return violation(c, ERR_STATE, "bad-channel-number: "
		    "CHANNEL_OPEN of channel %u", m.channel);
	if (count(c, false) >= CONN_ENTRIES)
		return violation(c, ERR_TOOBIG, "too-many-channels: "
		    "CHANNEL_OPEN of channel %u", m.channel);
	c->last_peer_id = m.channel;
	if ((ch = add(c, m.channel, false)) == NULL)
		return violation(c, ERR_NOMEM, "out of memory");
	if (m.kind == MSG_OPEN_OTHER)
		return refuse_open(c, ch, MSG_OPEN_UNKNOWN_TYPE);
	if (count(c, true) > CONN_CHANNELS)
		return refuse_open(c, ch, MSG_OPEN_SHORTAGE);
	if (c->ops->open != NULL)
		code = c->ops->open(c->ctx, &m);
	if (code != 0)
		return refuse_open(c, ch, code);
	return answered(c, send_u32(c, FRAME_OPEN_CONFIRMATION, ch->id));
}

static int
on_open_confirmation(struct conn *c, struct channel *ch)
{
	if (!ch->ours || ch->confirmed)
		return violation(c, ERR_STATE, "out-of-turn: "
		    "CHANNEL_OPEN_CONFIRMATION of channel %u", ch->id);
	ch->confirmed = true;
	if (!ch->close_sent && c->ops->opened != NULL)
		c->ops->opened(c->ctx, ch->id);
	return 0;
}

static int
on_open_failure(struct conn *c, struct rd r)
{
	struct msg_open_failure m;
	struct channel *ch;
	int rc = msg_open_failure_get(r, &m);

	if (rc != 0)
		return malformed(c, rc, "CHANNEL_OPEN_FAILURE");
	ch = find(c, m.channel);
	if (ch == NULL || !ch->ours || ch->confirmed)
		return violation(c, ERR_STATE, "out-of-turn: "
		    "CHANNEL_OPEN_FAILURE of channel %u", m.channel);
	if (!ch->close_sent) {
		if (c->ops->open_failed != NULL)
			c->ops->open_failed(c->ctx, &m);
		/* until this the peer drops what we sent ahead */
		(void)send_u32(c, FRAME_CLOSE, m.channel);
	}
	drop(c, m.channel);
	return 0;
}

/*
 * The peer has used up its window.  If all of it was consumed here, the
 * window and not the consumer is what slows it down: make it larger.
 */
static int
on_blocked(struct conn *c, struct channel *ch)
{
	ch->starved = true;
	return grow(c, ch);
}

static int
on_adjust(struct conn *c, struct rd r)
{
	struct channel *ch;
	uint32_t id, n;
	int rc = msg_adjust_get(r, &id, &n);

	if (rc != 0)
		return malformed(c, rc, "CHANNEL_WINDOW_ADJUST");
	ch = find(c, id);
	if (ch == NULL || ch->close_got || (ch->ours && !ch->confirmed))
		return violation(c, ERR_STATE, "unknown-channel: "
		    "CHANNEL_WINDOW_ADJUST of channel %u", id);
	if (n > UINT32_MAX - ch->send_window)
		return violation(c, ERR_TOOBIG, "window-overflow: "
		    "CHANNEL_WINDOW_ADJUST of channel %u", id);
	ch->send_window += n;
	if (n > 0)
		ch->blocked_said = false;
	wake(c);
	return 0;
}

static int
on_eof(struct conn *c, struct channel *ch)
{
	if (ch->eof_got)
		return violation(c, ERR_STATE, "repeated: CHANNEL_EOF of "
		    "channel %u", ch->id);
	ch->eof_got = true;
	tell_eof(c, ch);
	return 0;
}

static int
on_close(struct conn *c, struct channel *ch)
{
	uint32_t id = ch->id;

	ch->close_got = true;
	if (!ch->close_sent && !ch->refused) {
		if (c->ops->closed == NULL)
			return conn_close(c, id);
		c->ops->closed(c->ctx, id);
		return 0;
	}
	drop(c, id);
	return 0;
}

static int
on_reply(struct conn *c, struct channel *ch, bool ok)
{
	if (ch->expected == 0)
		return violation(c, ERR_STATE, "unexpected-reply: on "
		    "channel %u", ch->id);
	ch->expected--;
	if (!ch->close_sent && c->ops->reply != NULL)
		c->ops->reply(c->ctx, ch->id, ok);
	return 0;
}

/* Messages that are a channel number and nothing else. */
static int
on_channel(struct conn *c, uint8_t type, struct rd r)
{
	struct channel *ch;
	uint32_t id;
	int rc = msg_channel_get(r, &id);

	if (rc != 0)
		return malformed(c, rc, frame_name(type));
	ch = find(c, id);
	if (ch == NULL || ch->close_got)
		return violation(c, ERR_STATE, "unknown-channel: %s of "
		    "channel %u", frame_name(type), id);
	if (type == FRAME_OPEN_CONFIRMATION)
		return on_open_confirmation(c, ch);
	if (ch->ours && !ch->confirmed)
		return violation(c, ERR_STATE, "out-of-turn: %s of "
		    "channel %u", frame_name(type), id);
	if (type == FRAME_EOF)
		return on_eof(c, ch);
	if (type == FRAME_CLOSE)
		return on_close(c, ch);
	if (type == FRAME_WINDOW_BLOCKED)
		return on_blocked(c, ch);
	return on_reply(c, ch, type == FRAME_CHANNEL_SUCCESS);
}

/* ---- requests ------------------------------------------------------------------------ */

/* Who may send a channel request, and when. */
static const struct request_rule {
	uint8_t senders;
	bool before;		/* before shell, exec or subsystem only */
	bool never_reply;	/* want_reply must be false */
} request_rules[] = {
	[MSG_REQ_OTHER] = { FRAME_CLIENT | FRAME_SERVER, false, false },
	[MSG_REQ_PTY] = { FRAME_CLIENT, true, false },
	[MSG_REQ_ENV] = { FRAME_CLIENT, true, false },
	[MSG_REQ_SHELL] = { FRAME_CLIENT, true, false },
	[MSG_REQ_EXEC] = { FRAME_CLIENT, true, false },
	[MSG_REQ_SUBSYSTEM] = { FRAME_CLIENT, true, false },
	[MSG_REQ_WINDOW_CHANGE] = { FRAME_CLIENT, false, true },
	[MSG_REQ_SIGNAL] = { FRAME_CLIENT, false, true },
	[MSG_REQ_EXIT_STATUS] = { FRAME_SERVER, false, true },
	[MSG_REQ_EXIT_SIGNAL] = { FRAME_SERVER, false, true },
	[MSG_REQ_EOW] = { FRAME_CLIENT | FRAME_SERVER, false, true },
};

static bool
is_start(enum msg_request_kind kind)
{
	return kind == MSG_REQ_SHELL || kind == MSG_REQ_EXEC ||
	    kind == MSG_REQ_SUBSYSTEM;
}

static bool
is_exit(enum msg_request_kind kind)
{
	return kind == MSG_REQ_EXIT_STATUS || kind == MSG_REQ_EXIT_SIGNAL;
}

/* NULL, or the name of the violation.  The body is not looked at yet. */
static const char *
request_misplaced(const struct conn *c, const struct channel *ch,
    const struct msg_request *m)
{
	const struct request_rule *rule = &request_rules[m->kind];
	uint8_t sender = c->role == FRAME_SERVER ? FRAME_CLIENT :
	    FRAME_SERVER;

	if ((rule->senders & sender) == 0)
		return "wrong-side";
	if (rule->before && ch->start_got)
		return "out-of-turn";
	if (rule->never_reply && m->want_reply)
		return "malformed";
	if ((m->kind == MSG_REQ_PTY && ch->pty_got) ||
	    (m->kind == MSG_REQ_EOW && ch->eow_got) ||
	    (is_exit(m->kind) && ch->exit_got))
		return "repeated";
	return NULL;
}

/* Remember what may come only once. */
static void
note_request(struct channel *ch, enum msg_request_kind kind)
{
	if (kind == MSG_REQ_PTY)
		ch->pty_got = true;
	if (kind == MSG_REQ_EOW)
		ch->eow_got = true;
	if (is_start(kind))
		ch->start_got = true;
	if (is_exit(kind))
		ch->exit_got = true;
}

static int
reply(struct conn *c, uint32_t id, bool ok)
{
	return answered(c, send_u32(c, ok ? FRAME_CHANNEL_SUCCESS :
	    FRAME_CHANNEL_FAILURE, id));
}

/* Let the program decide, and answer in order. */
static int
run_request(struct conn *c, struct channel *ch, const struct msg_request *m)
{
	enum conn_answer answer = CONN_REFUSE;

	if (is_start(m->kind)) {
		ch->reply_due = true;
		ch->reply_wanted = m->want_reply;
	}
	if (c->ops->request != NULL)
		answer = c->ops->request(c->ctx, m);
	ch = find_live(c, m->channel);
	if (ch == NULL || (answer == CONN_LATER && is_start(m->kind)))
		return 0;
	if (is_start(m->kind))
		ch->reply_due = false;
	if (!m->want_reply)
		return 0;
	if (!ch->reply_due)
		return reply(c, ch->id, answer == CONN_ACCEPT);
	/* behind an open reply only unknown requests get here: refused */
	if (++ch->late > LATE_MAX)
		return violation(c, ERR_TOOBIG, "flood: requests on channel "
		    "%u", ch->id);
	return 0;
}

static int
on_request(struct conn *c, struct rd r)
{
	struct msg_request m;
	struct channel *ch;
	const char *name;
	int rc = msg_request_get(r, &m);

	if (rc != 0)
		return malformed(c, rc, "CHANNEL_REQUEST");
	ch = find(c, m.channel);
	if (ch == NULL || ch->close_got || (ch->ours && !ch->confirmed))
		return violation(c, ERR_STATE, "unknown-channel: "
		    "CHANNEL_REQUEST of channel %u", m.channel);
	if (ch->refused)
		return 0;
	if ((name = request_misplaced(c, ch, &m)) != NULL)
		return violation(c, ERR_STATE, "%s: CHANNEL_REQUEST %s of "
		    "channel %u", name, msg_request_name(m.kind), m.channel);
	if ((rc = msg_request_check(m.kind, m.body)) != 0)
		return malformed(c, rc, msg_request_name(m.kind));
	note_request(ch, m.kind);
	if (ch->close_sent)
		return 0;
	if (m.kind != MSG_REQ_EOW)
		return run_request(c, ch, &m);
	if (c->ops->eow != NULL)
		c->ops->eow(c->ctx, m.channel);
	return 0;
}

/* ---- input ---------------------------------------------------------------------------- */

static int
dispatch(struct conn *c, struct span body)
{
	uint8_t type = c->head[4];
	struct rd r = rd_of_span(body);

	c->head_len = 0;
	c->head_want = FRAME_HEADER;
	switch (type) {
	case FRAME_DISCONNECT:
		return on_disconnect(c, r);
	case FRAME_LOGIN:
		return on_login(c, r);
	case FRAME_LOGIN_FAILURE:
		return on_failure(c, r);
	case FRAME_LOGIN_SUCCESS:
		return on_success(c, r);
	case FRAME_BANNER:
		return on_banner(c, r);
	case FRAME_GLOBAL_REQUEST:
		return on_global(c, r);
	case FRAME_REQUEST_SUCCESS:
	case FRAME_REQUEST_FAILURE:
		return on_global_reply(c, r, type);
	case FRAME_OPEN:
		return on_open(c, r);
	case FRAME_OPEN_FAILURE:
		return on_open_failure(c, r);
	case FRAME_WINDOW_ADJUST:
		return on_adjust(c, r);
	case FRAME_CHANNEL_REQUEST:
		return on_request(c, r);
	default:
		return on_channel(c, type, r);
	}
}

/* Five bytes are there: what is it, may it come, is it too long? */
static int
on_head(struct conn *c)
{
	enum frame_role sender = c->role == FRAME_SERVER ? FRAME_CLIENT :
	    FRAME_SERVER;
	uint32_t length = frame_get_u32(c->head);
	uint8_t type = c->head[4];
	size_t limit = c->state == FRAME_ST_OPEN ? FRAME_MAX :
	    FRAME_LOGIN_MAX;
	int rc = frame_allowed(type, sender, c->state);

	if (rc != 0)
		return violation(c, rc, "%s: %s (type %u)",
		    rc == ERR_TYPE ? "unknown-type" :
		    rc == ERR_REFUSED ? "wrong-side" : "out-of-turn",
		    frame_name(type), type);
	if (length < 1 || length > limit - 4)
		return violation(c, ERR_TOOBIG, "frame-size: %s of %u bytes, "
		    "limit %zu", frame_name(type), length, limit - 4);
	c->body_len = length - 1;
	if (type == FRAME_DATA)
		c->head_want = FRAME_DATA_HEADER;
	else if (type == FRAME_EXTENDED_DATA)
		c->head_want = FRAME_EXTENDED_HEADER;
	else
		return 0;
	if (c->body_len <= c->head_want - FRAME_HEADER)
		return violation(c, ERR_SHORT, "malformed: %s without data",
		    frame_name(type));
	return 0;
}

/* Take bytes of the head; 1 when it is complete. */
static int
take_head(struct conn *c, struct span *in)
{
	while (c->head_len < c->head_want && in->n > 0) {
		int rc = 0;

		c->head[c->head_len++] = *in->p++;
		in->n--;
		/* there is no byte of its own to wait for */
		if (c->head_len == 4 && frame_get_u32(c->head) == 0)
			rc = violation(c, ERR_SHORT,
			    "frame-size: a frame of 0 bytes");
		else if (c->head_len == FRAME_HEADER)
			rc = on_head(c);
		if (rc != 0)
			return rc;
	}
	return c->head_len == c->head_want;
}

static int
take_data(struct conn *c, struct span *in)
{
	struct span s = { in->p, in->n < c->data_left ? in->n :
	    c->data_left };

	in->p += s.n;
	in->n -= s.n;
	c->data_left -= s.n;
	if (c->data_left == 0) {
		c->head_len = 0;
		c->head_want = FRAME_HEADER;
	}
	return deliver(c, s);
}

/* The body of a message: in place where it lies in one piece. */
static int
take_body(struct conn *c, struct span *in)
{
	size_t n = c->body_len - c->body.len;
	struct span s;
	int rc;

	if (n > in->n)
		n = in->n;
	s = (struct span){ in->p, n };
	in->p += n;
	in->n -= n;
	if (n == c->body_len)
		return dispatch(c, s);
	buf_put_raw(&c->body, s.p, s.n);
	if (buf_err(&c->body) != 0)
		return violation(c, ERR_NOMEM, "out of memory");
	if (c->body.len < c->body_len)
		return 0;
	rc = dispatch(c, (struct span){ c->body.data, c->body.len });
	buf_free(&c->body);
	return rc;
}

static int
take(struct conn *c, struct span *in)
{
	int rc;

	if (c->data_left > 0)
		return take_data(c, in);
	if (c->head_len < c->head_want) {
		rc = take_head(c, in);
		if (rc <= 0)
			return rc;
		if (c->head_want > FRAME_HEADER)
			return on_data_head(c);
		if (c->body_len > 0)
			return 0;
	}
	return take_body(c, in);
}

int
conn_input(struct conn *c, const void *p, size_t n)
{
	struct span in = { p, n };
	int rc = c->failed;

	c->in_input = true;
	while (rc == 0 && in.n > 0 && !c->over) {
		if (c->role == FRAME_SERVER && c->state == FRAME_ST_PENDING)
			break;
		rc = take(c, &in);
	}
	c->in_input = false;
	if (rc != 0 || in.n == 0 || c->over)
		return rc;
	buf_put_raw(&c->stash, in.p, in.n);
	if (buf_err(&c->stash) != 0)
		rc = violation(c, buf_err(&c->stash), "flood: more than %u "
		    "bytes behind LOGIN before it was decided", FRAME_MAX);
	return rc;
}

/* ---- sending --------------------------------------------------------------------------- */

int
conn_login(struct conn *c, const struct msg_login *m)
{
	size_t start;
	int rc;

	if (c->over || c->role != FRAME_CLIENT || c->state != FRAME_ST_LOGIN)
		return ERR_STATE;
	start = begin(c, FRAME_LOGIN);
	msg_login_put(&c->out, m);
	if ((rc = end(c, start)) == 0)
		c->state = FRAME_ST_PENDING;
	return rc;
}

int
conn_success(struct conn *c, const struct msg_success *m)
{
	struct buf stash;
	size_t start;
	int rc;

	if (c->over || c->role != FRAME_SERVER ||
	    c->state != FRAME_ST_PENDING)
		return ERR_STATE;
	start = begin(c, FRAME_LOGIN_SUCCESS);
	msg_success_put(&c->out, m);
	if ((rc = end(c, start)) != 0)
		return rc;
	c->state = FRAME_ST_OPEN;
	if (c->in_input || c->stash.len == 0)
		return 0;
	stash = c->stash;
	buf_init(&c->stash, FRAME_MAX);
	rc = conn_input(c, stash.data, stash.len);
	buf_free(&stash);
	return rc;
}

int
conn_failure(struct conn *c, const struct msg_failure *m)
{
	size_t start;
	int rc;

	if (c->over || c->role != FRAME_SERVER ||
	    c->state != FRAME_ST_PENDING)
		return ERR_STATE;
	start = begin(c, FRAME_LOGIN_FAILURE);
	msg_failure_put(&c->out, m);
	if ((rc = end(c, start)) == 0)
		c->over = true;
	return rc;
}

int
conn_banner(struct conn *c, const char *text)
{
	size_t start;

	if (c->over || c->role != FRAME_SERVER ||
	    c->state != FRAME_ST_PENDING)
		return ERR_STATE;
	start = begin(c, FRAME_BANNER);
	msg_banner_put(&c->out, text);
	return end(c, start);
}

int
conn_disconnect(struct conn *c, enum msg_disconnect_code code,
    const char *text)
{
	if (c->over)
		return ERR_STATE;
	goodbye(c, code, text);
	return 0;
}

int
conn_keepalive(struct conn *c)
{
	struct msg_global m = { .kind = MSG_GLOBAL_KEEPALIVE,
	    .want_reply = true };
	size_t start;
	int rc;

	if (c->over || c->state != FRAME_ST_OPEN)
		return ERR_STATE;
	start = begin(c, FRAME_GLOBAL_REQUEST);
	msg_global_put(&c->out, &m);
	if ((rc = end(c, start)) == 0)
		c->alive_expected++;
	return rc;
}

/* May we send messages about channels now? */
static bool
may_send(const struct conn *c)
{
	return !c->over && (c->state == FRAME_ST_OPEN ||
	    (c->role == FRAME_CLIENT && c->state == FRAME_ST_PENDING));
}

int
conn_open(struct conn *c, uint32_t *channel)
{
	struct msg_open m = { .kind = MSG_OPEN_SESSION,
	    .channel = c->next_id };
	size_t start;
	int rc;

	if (!may_send(c))
		return ERR_STATE;
	if (count(c, true) >= CONN_CHANNELS || c->next_id > UINT32_MAX - 2)
		return ERR_TOOBIG;
	start = begin(c, FRAME_OPEN);
	msg_open_put(&c->out, &m);
	if ((rc = end(c, start)) != 0)
		return rc;
	if (add(c, m.channel, true) == NULL)
		return violation(c, ERR_NOMEM, "out of memory");
	c->next_id += 2;
	*channel = m.channel;
	return 0;
}

int
conn_request(struct conn *c, uint32_t channel, enum msg_request_kind kind,
    bool want_reply, struct span body)
{
	struct msg_request m = { .channel = channel, .kind = kind,
	    .want_reply = want_reply, .body = body };
	struct channel *ch = find_live(c, channel);
	size_t start;
	int rc;

	if (ch == NULL)
		return ERR_NOTFOUND;
	if (!may_send(c))
		return ERR_STATE;
	start = begin(c, FRAME_CHANNEL_REQUEST);
	msg_request_put(&c->out, &m);
	if ((rc = end(c, start)) == 0 && want_reply)
		ch->expected++;
	return rc;
}

int
conn_reply(struct conn *c, uint32_t channel, bool ok)
{
	struct channel *ch = find_live(c, channel);
	int rc = 0;

	if (ch == NULL)
		return ERR_NOTFOUND;
	if (!ch->reply_due || c->over)
		return ERR_STATE;
	ch->reply_due = false;
	if (ch->reply_wanted)
		rc = reply(c, channel, ok);
	for (; rc == 0 && ch->late > 0; ch->late--)
		rc = reply(c, channel, false);
	return rc;
}

bool
conn_sendable(const struct conn *c, uint32_t channel,
    enum conn_stream stream)
{
	const struct channel *ch = find_live(c, channel);

	return ch != NULL && may_send(c) && !ch->eof_sent && !ch->close_got &&
	    !(stream == CONN_DATA && ch->eow_got) &&
	    !(stream == CONN_STDERR && c->role == FRAME_CLIENT);
}

static size_t
data_header(enum conn_stream stream)
{
	return stream == CONN_DATA ? FRAME_DATA_HEADER :
	    FRAME_EXTENDED_HEADER;
}

uint8_t *
conn_reserve(struct conn *c, uint32_t channel, enum conn_stream stream,
    size_t *room)
{
	struct channel *ch = find_live(c, channel);
	size_t header = data_header(stream), n;

	if (!conn_sendable(c, channel, stream))
		return NULL;
	if (ch->send_window == 0 && !ch->blocked_said)
		ch->blocked_said = send_u32(c, FRAME_WINDOW_BLOCKED,
		    channel) == 0;
	if (ch->send_window == 0 || c->held != NOT_HELD ||
	    waiting(c) > DATA_PAUSE) {
		ch->waiting = true;
		return NULL;
	}
	n = (c->state == FRAME_ST_OPEN ? FRAME_MAX : FRAME_LOGIN_MAX) -
	    header;
	if (n > ch->send_window)
		n = ch->send_window;
	if (!make_room(c, header + n)) {
		(void)violation(c, ERR_NOMEM, "out of memory");
		return NULL;
	}
	*room = n;
	return c->out.data + c->out.len + header;
}

void
conn_commit(struct conn *c, uint32_t channel, enum conn_stream stream,
    size_t n)
{
	struct channel *ch = find_live(c, channel);
	size_t header = data_header(stream);
	uint8_t *p;

	if (ch == NULL || n == 0 || n > ch->send_window ||
	    header + n > c->out.cap - c->out.len)
		return;
	p = c->out.data + c->out.len;
	frame_put_u32(p, (uint32_t)(header + n - 4));
	p[4] = stream == CONN_DATA ? FRAME_DATA : FRAME_EXTENDED_DATA;
	frame_put_u32(p + 5, channel);
	if (stream == CONN_STDERR)
		frame_put_u32(p + 9, CONN_STDERR);
	frame_put_u32(p + header - 4, (uint32_t)n);
	buf_commit(&c->out, header + n);
	ch->send_window -= (uint32_t)n;
}

int
conn_eof(struct conn *c, uint32_t channel)
{
	struct channel *ch = find_live(c, channel);

	if (ch == NULL)
		return ERR_NOTFOUND;
	if (!may_send(c) || ch->eof_sent)
		return ERR_STATE;
	ch->eof_sent = true;
	ch->waiting = false;
	return send_u32(c, FRAME_EOF, channel);
}

int
conn_close(struct conn *c, uint32_t channel)
{
	struct channel *ch = find_live(c, channel);
	int rc = 0;

	if (ch == NULL)
		return ERR_NOTFOUND;
	if (may_send(c))
		rc = send_u32(c, FRAME_CLOSE, channel);
	ch->close_sent = true;
	ch->waiting = false;
	for (int s = 0; s < CONN_STREAMS; s++)
		queue_clear(&ch->in[s]);
	if (ch->close_got)
		drop(c, channel);
	return rc;
}
