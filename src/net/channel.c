#include "net/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "net/mon.h"
#include "net/wire.h"

/* ---- places ------------------------------------------------------------ */

static struct channel *
find(struct net *n, uint32_t id)
{
	for (size_t i = 0; i < CHANNEL_MAX; i++)
		if (n->channel[i].state != CHANNEL_FREE &&
		    n->channel[i].id == id)
			return &n->channel[i];
	return NULL;
}

static struct channel *
find_free(struct net *n)
{
	for (size_t i = 0; i < CHANNEL_MAX; i++)
		if (n->channel[i].state == CHANNEL_FREE)
			return &n->channel[i];
	return NULL;
}

static void
close_in(struct channel *c)
{
	ev_io_stop(c->net->loop, &c->on_in);
	/* a terminal goes with its output */
	if (c->in >= 0 && c->in != c->out[CONN_DATA])
		(void)close(c->in);
	c->in = -1;
}

static void
close_out(struct channel *c, enum conn_stream stream)
{
	ev_io_stop(c->net->loop, &c->on_out[stream]);
	if (stream == CONN_DATA && c->in == c->out[CONN_DATA])
		close_in(c);
	if (c->out[stream] >= 0)
		(void)close(c->out[stream]);
	c->out[stream] = -1;
}

static void
close_all(struct channel *c)
{
	close_in(c);
	close_out(c, CONN_DATA);
	close_out(c, CONN_STDERR);
	buf_free(&c->requests);
}

static void
release(struct channel *c)
{
	close_all(c);
	c->state = CHANNEL_FREE;
}

void
channel_drop_all(struct net *n)
{
	for (size_t i = 0; i < CHANNEL_MAX; i++)
		if (n->channel[i].state != CHANNEL_FREE)
			release(&n->channel[i]);
}

/* The session cannot be reached, or our side of the connection is full:
 * neither happens while all is well. */
static void
broken(struct channel *c)
{
	(void)conn_disconnect(c->net->conn, MSG_CONNECTION_LOST,
	    "the server's process for this session ended");
	wire_end(c->net);
}

/* ---- the process's output ---------------------------------------------- */

static void
put_exit(struct buf *b, const struct ipc_exited *e)
{
	struct msg_exit_signal m = { .core = e->core };
	const char *name;

	if (!e->by_signal) {
		buf_put_u32(b, e->status);
		return;
	}
	name = ipc_signals[e->status].name;
	memcpy(m.name, name, strlen(name) + 1);
	msg_exit_signal_put(b, &m);
}

static int
send_exit(struct channel *c)
{
	struct buf b;
	int r;

	buf_init(&b, FRAME_LOGIN_MAX);
	put_exit(&b, &c->exit);
	r = buf_err(&b) != 0 ? buf_err(&b) : conn_request(c->net->conn, c->id,
	    c->exit.by_signal ? MSG_REQ_EXIT_SIGNAL : MSG_REQ_EXIT_STATUS,
	    false, (struct span){ b.data, b.len });
	buf_free(&b);
	return r;
}

/* All output came: say so.  And the process ended: that is all. */
static void
check_done(struct channel *c)
{
	struct conn *conn = c->net->conn;
	uint32_t id = c->id;

	if (c->out[CONN_DATA] >= 0 || c->out[CONN_STDERR] >= 0)
		return;
	/* refused when it was said before */
	(void)conn_eof(conn, id);
	if (!c->exited)
		return;
	if (send_exit(c) != 0) {
		broken(c);
		return;
	}
	release(c);
	(void)conn_close(conn, id);
}

/* Has the process said all it had to say?  A pipe ends when its last writer
 * is gone; a terminal when its leader is, whoever else holds it, and the
 * kernel hands over what was written before it says EAGAIN. */
static bool
is_end(const struct channel *c, ssize_t n, int error)
{
	if (n != -1)
		return n == 0;
	if (error == EINTR)
		return false;
	return error != EAGAIN || (c->pty && c->exited);
}

/* One read, straight behind the header of the frame that it becomes.  True if
 * there may be more at once. */
static bool
read_once(struct channel *c, enum conn_stream stream)
{
	struct conn *conn = c->net->conn;
	uint8_t *p;
	size_t room;
	ssize_t n;
	bool end;

	if (c->out[stream] < 0)
		return false;
	if ((p = conn_reserve(conn, c->id, stream, &room)) == NULL) {
		if (conn_sendable(conn, c->id, stream))
			ev_io_stop(c->net->loop, &c->on_out[stream]);
		else
			close_out(c, stream);
		return false;
	}
	n = read(c->out[stream], p, room);
	end = is_end(c, n, errno);
	conn_commit(conn, c->id, stream, n > 0 ? (size_t)n : 0);
	if (end)
		close_out(c, stream);
	else
		ev_io_start(c->net->loop, &c->on_out[stream]);
	return !end;
}

static void
pump_out(struct channel *c, enum conn_stream stream)
{
	/* a terminal without its leader may never wake us again */
	while (read_once(c, stream) && c->pty && c->exited)
		;
}

static void
on_out(struct ev_loop *loop, ev_io *w, int revents)
{
	struct channel *c = w->data;
	struct net *n = c->net;

	(void)loop;
	(void)revents;
	pump_out(c, w == &c->on_out[CONN_DATA] ? CONN_DATA : CONN_STDERR);
	check_done(c);
	wire_update(n);
}

void
channel_can_send(void *ctx, uint32_t id)
{
	struct channel *c = find(ctx, id);

	if (c == NULL || c->state != CHANNEL_RUNNING)
		return;
	pump_out(c, CONN_DATA);
	pump_out(c, CONN_STDERR);
	check_done(c);
}

void
channel_eow(void *ctx, uint32_t id)
{
	struct channel *c = find(ctx, id);

	if (c == NULL || c->state != CHANNEL_RUNNING)
		return;
	close_out(c, CONN_DATA);
	/* a pipe's writer learns by SIGPIPE, a terminal is hung up */
	if (c->pty && !c->exited && mon_closed(c->net, id) != 0)
		broken(c);
	else
		check_done(c);
}

/* ---- the process's input ----------------------------------------------- */

/* The process reads no more: what the client still sends is thrown away. */
static void
refuse_input(struct channel *c)
{
	close_in(c);
	(void)conn_discard(c->net->conn, c->id, CONN_DATA);
}

/* How much the process took; ERR_EOF when it reads no more. */
static ssize_t
feed(const struct channel *c, struct span s)
{
	ssize_t n = write(c->in, s.p, s.n);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : ERR_EOF;
}

size_t
channel_data(void *ctx, uint32_t id, enum conn_stream stream, struct span s)
{
	struct channel *c = find(ctx, id);
	ssize_t n;

	if (c == NULL)
		return s.n;
	if (stream != CONN_DATA) {
		(void)conn_discard(c->net->conn, id, stream);
		return s.n;
	}
	/* waits until there is a process */
	if (c->state != CHANNEL_RUNNING)
		return 0;
	if (c->in < 0 || (n = feed(c, s)) < 0) {
		refuse_input(c);
		return s.n;
	}
	if ((size_t)n < s.n)
		ev_io_start(c->net->loop, &c->on_in);
	return (size_t)n;
}

static void
pump_in(struct channel *c)
{
	struct conn *conn = c->net->conn;
	uint32_t id = c->id;
	struct span s;

	while (c->in >= 0 && (s = conn_pending(conn, id, CONN_DATA)).n > 0) {
		ssize_t n = feed(c, s);

		if (n < 0) {
			refuse_input(c);
			return;
		}
		/* may close our end: what came was all */
		conn_consumed(conn, id, CONN_DATA, (size_t)n);
		if ((size_t)n < s.n) {
			ev_io_start(c->net->loop, &c->on_in);
			return;
		}
	}
	ev_io_stop(c->net->loop, &c->on_in);
}

static void
on_in(struct ev_loop *loop, ev_io *w, int revents)
{
	struct channel *c = w->data;
	struct net *n = c->net;

	(void)loop;
	(void)revents;
	pump_in(c);
	wire_update(n);
}

void
channel_eof(void *ctx, uint32_t id)
{
	struct channel *c = find(ctx, id);

	if (c == NULL)
		return;
	c->eof = true;
	/* a terminal has no end that could be told apart from a hang-up */
	if (!c->pty)
		close_in(c);
}

/* ---- opening and requests ---------------------------------------------- */

uint32_t
channel_open(void *ctx, const struct msg_open *m)
{
	struct net *n = ctx;
	struct channel *c = find_free(n);

	if (m->kind != MSG_OPEN_SESSION)
		return MSG_OPEN_PROHIBITED;
	if (c == NULL)
		return MSG_OPEN_SHORTAGE;
	*c = (struct channel){ .net = n, .id = m->channel,
	    .state = CHANNEL_ASKED, .in = -1, .out = { -1, -1 } };
	buf_init(&c->requests, IPC_START_MAX);
	ev_io_init(&c->on_in, on_in, -1, EV_WRITE);
	c->on_in.data = c;
	for (int i = 0; i < CONN_STREAMS; i++) {
		ev_io_init(&c->on_out[i], on_out, -1, EV_READ);
		c->on_out[i].data = c;
	}
	return 0;
}

/* Put a request with those before it: string name; string body. */
static enum conn_answer
collect(struct channel *c, const struct msg_request *m)
{
	size_t before = c->requests.len;

	buf_put_cstring(&c->requests, m->name);
	buf_put_string(&c->requests, m->body.p, m->body.n);
	if (buf_err(&c->requests) == 0)
		return CONN_ACCEPT;
	c->requests.len = before;
	c->requests.err = 0;
	return CONN_REFUSE;
}

static struct ipc_window
window_of(const struct msg_window *w)
{
	return (struct ipc_window){ .columns = w->columns, .rows = w->rows,
	    .width = w->width, .height = w->height };
}

static enum conn_answer
take_pty(struct channel *c, const struct msg_request *m)
{
	struct msg_pty p;

	if (msg_pty_get(m->body, &p) != 0 || collect(c, m) != CONN_ACCEPT)
		return CONN_REFUSE;
	c->pty = true;
	c->window = window_of(&p.window);
	return CONN_ACCEPT;
}

static enum conn_answer
take_start(struct channel *c, const struct msg_request *m, uint8_t kind)
{
	struct ipc_start s = { .channel = c->id, .kind = kind,
	    .pty = c->pty, .window = c->window };

	if (collect(c, m) != CONN_ACCEPT)
		return CONN_REFUSE;
	s.opaque = (struct span){ c->requests.data, c->requests.len };
	c->state = CHANNEL_STARTING;
	if (mon_start(c->net, &s) != 0)
		broken(c);
	buf_free(&c->requests);
	return CONN_LATER;
}

static enum conn_answer
take_window(struct channel *c, const struct msg_request *m)
{
	struct msg_window w;

	if (!c->pty || msg_window_get(m->body, &w) != 0)
		return CONN_REFUSE;
	c->window = window_of(&w);
	if (c->state != CHANNEL_ASKED && !c->exited &&
	    mon_winch(c->net, c->id, &c->window) != 0)
		broken(c);
	return CONN_ACCEPT;
}

static enum conn_answer
take_signal(struct channel *c, const struct msg_request *m)
{
	char name[MSG_NAME_MAX];
	int index;

	if (c->state == CHANNEL_ASKED || c->exited ||
	    msg_signal_get(m->body, name) != 0 ||
	    (index = ipc_signal_by_name(name)) < 0)
		return CONN_REFUSE;
	if (mon_signal(c->net, c->id, (uint8_t)index) != 0)
		broken(c);
	return CONN_ACCEPT;
}

enum conn_answer
channel_request(void *ctx, const struct msg_request *m)
{
	struct channel *c = find(ctx, m->channel);

	if (c == NULL)
		return CONN_REFUSE;
	switch (m->kind) {
	case MSG_REQ_PTY:
		return take_pty(c, m);
	case MSG_REQ_ENV:
		return collect(c, m);
	case MSG_REQ_SHELL:
		return take_start(c, m, IPC_START_SHELL);
	case MSG_REQ_EXEC:
		return take_start(c, m, IPC_START_EXEC);
	case MSG_REQ_SUBSYSTEM:
		return take_start(c, m, IPC_START_SUBSYSTEM);
	case MSG_REQ_WINDOW_CHANGE:
		return take_window(c, m);
	case MSG_REQ_SIGNAL:
		return take_signal(c, m);
	case MSG_REQ_OTHER:
	case MSG_REQ_EXIT_STATUS:
	case MSG_REQ_EXIT_SIGNAL:
	case MSG_REQ_EOW:
		break;
	}
	return CONN_REFUSE;
}

void
channel_closed(void *ctx, uint32_t id)
{
	struct net *n = ctx;
	struct channel *c = find(n, id);

	if (c == NULL || c->state == CHANNEL_ASKED || c->exited) {
		if (c != NULL)
			release(c);
		(void)conn_close(n->conn, id);
		return;
	}
	close_all(c);
	c->state = CHANNEL_LEFT;
	(void)conn_close(n->conn, id);
	if (mon_closed(n, id) != 0)
		broken(c);
}

/* ---- the session's words ----------------------------------------------- */

static int
set_nonblocking(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fcntl(fds[i], F_SETFL, O_NONBLOCK) != 0)
			return ERR_SYS;
	return 0;
}

/* Our ends of its pipes, or of its terminal. */
static void
attach(struct channel *c, const int *fds)
{
	c->in = fds[0];
	c->out[CONN_DATA] = c->pty ? fds[0] : fds[1];
	c->out[CONN_STDERR] = c->pty ? -1 : fds[2];
	ev_io_set(&c->on_in, c->in, EV_WRITE);
	for (int i = 0; i < CONN_STREAMS; i++)
		if (c->out[i] >= 0) {
			ev_io_set(&c->on_out[i], c->out[i], EV_READ);
			ev_io_start(c->net->loop, &c->on_out[i]);
		}
}

int
channel_started(struct net *n, uint32_t id, const int *fds, size_t n_fds)
{
	struct channel *c = find(n, id);

	if (c == NULL || n_fds != (c->pty ? 1 : 3) ||
	    set_nonblocking(fds, n_fds) != 0)
		return ERR_STATE;
	if (c->state == CHANNEL_LEFT) {
		for (size_t i = 0; i < n_fds; i++)
			(void)close(fds[i]);
		return 0;
	}
	if (c->state != CHANNEL_STARTING)
		return ERR_STATE;
	c->state = CHANNEL_RUNNING;
	attach(c, fds);
	if (conn_reply(n->conn, id, true) != 0)
		return ERR_STATE;
	pump_in(c);
	if (c->eof)
		channel_eof(n, id);
	return 0;
}

/* The reason, where a command's own complaints would be. */
static void
say_reason(struct channel *c, const char *reason)
{
	static const char head[] = "certlogin: ", tail[] = "\r\n";
	size_t room, len = strlen(reason);
	uint8_t *p = conn_reserve(c->net->conn, c->id, CONN_STDERR, &room);

	if (p == NULL)
		return;
	if (len + sizeof(head) + sizeof(tail) > room)
		len = 0;
	memcpy(p, head, sizeof(head) - 1);
	memcpy(p + sizeof(head) - 1, reason, len);
	memcpy(p + sizeof(head) - 1 + len, tail, sizeof(tail) - 1);
	conn_commit(c->net->conn, c->id, CONN_STDERR,
	    sizeof(head) - 1 + len + sizeof(tail) - 1);
}

int
channel_not_started(struct net *n, uint32_t id, const char *reason)
{
	struct channel *c = find(n, id);

	if (c == NULL || (c->state != CHANNEL_STARTING &&
	    c->state != CHANNEL_LEFT))
		return ERR_STATE;
	if (c->state == CHANNEL_STARTING) {
		say_reason(c, reason);
		(void)conn_reply(n->conn, id, false);
		(void)conn_eof(n->conn, id);
		(void)conn_close(n->conn, id);
	}
	release(c);
	return 0;
}

int
channel_exited(struct net *n, const struct ipc_exited *e)
{
	struct channel *c = find(n, e->channel);

	if (c == NULL || c->exited || (c->state != CHANNEL_RUNNING &&
	    c->state != CHANNEL_LEFT))
		return ERR_STATE;
	if (c->state == CHANNEL_LEFT) {
		release(c);
		return 0;
	}
	c->exited = true;
	c->exit = *e;
	if (c->pty)
		pump_out(c, CONN_DATA);
	check_done(c);
	return 0;
}
