/* Standard input, output and error between here and the channel. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "client/session.h"

#define READS_MAX 16		/* reads of input before others have a turn */

/* ---- output ---------------------------------------------------------------- */

/* Writing failed for good.  Who reads us is gone: that is theirs to know, and
 * the server is told; anything else is lost output. */
static void
lost(struct session *s, enum conn_stream stream, int error)
{
	ev_io_stop(s->loop, &s->on_out[stream]);
	(void)conn_discard(s->conn, s->channel, stream);
	if (error != EPIPE && error != ECONNRESET)
		session_fail(s, "cannot write standard %s: %s",
		    stream == CONN_DATA ? "output" : "error",
		    strerror(error));
	else
		stream_close(&s->out[stream]);
}

/* As much of data as can be written now. */
static size_t
put(struct session *s, enum conn_stream stream, struct span data)
{
	struct stream *out = &s->out[stream];
	size_t done = 0;

	while (done < data.n) {
		ssize_t n = stream_write(out, data.p + done, data.n - done);

		if (n == ERR_AGAIN)
			break;
		if (n < 0) {
			lost(s, stream, errno);
			return data.n;
		}
		done += (size_t)n;
		/* a stream that may block is asked by poll each time */
		if (!out->own && !out->socket && !out->file)
			break;
	}
	return done;
}

size_t
local_data(struct session *s, enum conn_stream stream, struct span data)
{
	struct stream *out = &s->out[stream];
	size_t done;

	if (out->fd < 0)
		return data.n;
	done = out->own || out->socket || out->file ?
	    put(s, stream, data) : 0;
	if (done < data.n)
		ev_io_start(s->loop, &s->on_out[stream]);
	return done;
}

static void
on_out(struct ev_loop *loop, ev_io *w, int revents)
{
	struct session *s = ev_userdata(loop);
	enum conn_stream stream = w == &s->on_out[CONN_DATA] ? CONN_DATA :
	    CONN_STDERR;
	struct span data;
	size_t n;

	(void)revents;
	while ((data = conn_pending(s->conn, s->channel, stream)).n > 0) {
		if ((n = put(s, stream, data)) == 0)
			break;
		conn_consumed(s->conn, s->channel, stream, n);
		if (n < data.n)
			break;
	}
	if (conn_pending(s->conn, s->channel, stream).n == 0)
		ev_io_stop(loop, w);
	channel_check_end(s);
	session_update(s);
}

void
local_eof(struct session *s)
{
	/* a terminal is still needed for what else is said */
	if (!s->out[CONN_DATA].tty)
		stream_close(&s->out[CONN_DATA]);
}

/* ---- input ------------------------------------------------------------------ */

static void
end_of_input(struct session *s)
{
	ev_io_stop(s->loop, &s->on_in);
	(void)conn_eof(s->conn, s->channel);
}

/* One read straight to where it is sent from: false, nothing more now. */
static bool
take(struct session *s)
{
	size_t room;
	uint8_t *p = conn_reserve(s->conn, s->channel, CONN_DATA, &room);
	ssize_t n;

	if (p == NULL) {
		ev_io_stop(s->loop, &s->on_in);
		return false;
	}
	n = stream_read(&s->in, p, room);
	conn_commit(s->conn, s->channel, CONN_DATA, n > 0 ? (size_t)n : 0);
	if (n == 0 || n == ERR_SYS)
		end_of_input(s);
	/* a stream that may block is asked by poll each time */
	return n > 0 && s->in.own;
}

static void
on_in(struct ev_loop *loop, ev_io *w, int revents)
{
	struct session *s = ev_userdata(loop);

	(void)w;
	(void)revents;
	for (int i = 0; i < READS_MAX && take(s); i++)
		continue;
	session_update(s);
}

void
local_start_input(struct session *s)
{
	if (!s->opened || !conn_sendable(s->conn, s->channel, CONN_DATA))
		return;
	if (s->opts->conf.no_input)
		end_of_input(s);
	else
		ev_io_start(s->loop, &s->on_in);
}

void
local_stop_input(struct session *s)
{
	ev_io_stop(s->loop, &s->on_in);
	/* who writes to us learns it; a terminal stays the person's */
	if (!s->in.tty)
		stream_close(&s->in);
}

void
local_can_send(struct session *s)
{
	if (s->in.fd >= 0 && !s->opts->conf.no_input)
		ev_io_start(s->loop, &s->on_in);
}

/* ---- life -------------------------------------------------------------------- */

void
local_open(struct session *s)
{
	stream_open(&s->in, STDIN_FILENO, false);
	stream_open(&s->out[CONN_DATA], STDOUT_FILENO, true);
	stream_open(&s->out[CONN_STDERR], STDERR_FILENO, true);
	s->have_tty = term_init(&s->term, STDIN_FILENO) == 0;
	ev_io_init(&s->on_in, on_in, s->in.fd, EV_READ);
	for (int i = 0; i < CONN_STREAMS; i++)
		ev_io_init(&s->on_out[i], on_out, s->out[i].fd, EV_WRITE);
}

void
local_close(struct session *s)
{
	term_leave(&s->term);
	s->say->raw = false;
	ev_io_stop(s->loop, &s->on_in);
	for (int i = 0; i < CONN_STREAMS; i++) {
		ev_io_stop(s->loop, &s->on_out[i]);
		stream_free(&s->out[i]);
	}
	stream_free(&s->in);
}
