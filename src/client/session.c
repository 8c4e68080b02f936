/* The event loop, and the way of bytes between TLS and the protocol. */
#include "client/session.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "client/explain.h"

#define ROUNDS 8		/* of decrypting before others have a turn */
#define LINGER 3.0		/* seconds for the last bytes */
/* In bulk the kernel collects this much before it wakes us, at most for this
 * long: fewer, larger turns. */
#define BULK_BYTES (1 << 20)
#define BULK_WAIT 0.001
#define BULK_BEGIN (256 * 1024)	/* bytes of one turn that are bulk */

/* ---- ending ------------------------------------------------------------------ */

void
session_end(struct session *s)
{
	if (s->phase >= SESSION_ENDING)
		return;
	s->phase = SESSION_ENDING;
	ev_io_stop(s->loop, &s->on_in);
	ev_timer_stop(s->loop, &s->alive);
	ev_timer_start(s->loop, &s->linger);
}

void
session_fail(struct session *s, const char *fmt, ...)
{
	bool raw = s->term.raw;
	char text[1800];
	va_list ap;

	if (s->phase >= SESSION_ENDING)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	term_leave(&s->term);
	s->say->raw = false;
	/* the cursor stands wherever the other side has left it */
	if (raw)
		say_line(s->say);
	say_error(s->say, "%s", text);
	s->status = SESSION_FAILED;
	s->have_status = true;
	session_end(s);
}

static void
over(struct session *s)
{
	s->phase = SESSION_OVER;
	ev_break(s->loop, EVBREAK_ALL);
}

/* The connection is at its end; rc is what reading said. */
static void
cut_off(struct session *s, ssize_t rc)
{
	const char *host = s->opts->host;
	char text[1800];

	s->dead = true;
	if (s->phase >= SESSION_ENDING)
		return;
	if (s->phase == SESSION_OPEN && (rc == 0 || rc == ERR_EOF))
		session_fail(s, "the connection to %s broke off before the "
		    "command had ended", host);
	else if (rc == 0)
		session_fail(s, "%s closed the connection before the login "
		    "was decided", host);
	else
		session_fail(s, "%s", explain_tls(s->tls, host,
		    s->peer->server, s->peer->leaf, text, sizeof(text)));
}

/* ---- receiving ------------------------------------------------------------------ */

/* Decrypt as much as fits, hand it over at once: bytes that came. */
static size_t
receive_some(struct session *s, ssize_t *rc)
{
	size_t n = 0;

	while (sizeof(s->plain) - n >= TLS_RECORD) {
		*rc = tls_read(s->tls, s->plain + n, sizeof(s->plain) - n);
		if (*rc <= 0)
			break;
		n += (size_t)*rc;
	}
	if (n > 0 && conn_input(s->conn, s->plain, n) != 0)
		session_fail(s, "%s does not keep to the protocol: %s",
		    s->opts->host, conn_problem(s->conn));
	return n;
}

static size_t
receive(struct session *s)
{
	size_t total = 0;
	ssize_t rc = 1;

	for (int i = 0; rc > 0 && i < ROUNDS; i++) {
		if (!conn_wants_input(s->conn) || s->phase == SESSION_OVER)
			return total;
		total += receive_some(s, &rc);
	}
	if (rc <= 0 && rc != ERR_AGAIN)
		cut_off(s, rc);
	return total;
}

static void
set_low_water(struct session *s, int bytes)
{
	(void)setsockopt(s->socket, SOL_SOCKET, SO_RCVLOWAT, &bytes,
	    sizeof(bytes));
}

static void
set_bulk(struct session *s, bool on)
{
	if (on == s->is_bulk)
		return;
	s->is_bulk = on;
	set_low_water(s, on ? BULK_BYTES : 1);
	if (on)
		ev_timer_again(s->loop, &s->bulk);
	else
		ev_timer_stop(s->loop, &s->bulk);
}

static void
on_bulk(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct session *s = ev_userdata(loop);

	(void)w;
	(void)revents;
	if (receive(s) == 0)
		set_bulk(s, false);
	session_update(s);
}

static void
on_socket(struct ev_loop *loop, ev_io *w, int revents)
{
	struct session *s = ev_userdata(loop);
	size_t n = 0;

	(void)w;
	if ((revents & EV_READ) != 0)
		n = receive(s);
	if (n >= BULK_BEGIN)
		set_bulk(s, true);
	session_update(s);
}

/* ---- sending --------------------------------------------------------------------- */

static ssize_t
send_some(struct session *s)
{
	struct span out = conn_output(s->conn);
	ssize_t n;

	if (out.n == 0)
		return tls_flush(s->tls);
	n = tls_write(s->tls, out.p, out.n);
	if (n > 0)
		conn_sent(s->conn, (size_t)n);
	return n;
}

static void
send_all(struct session *s)
{
	ssize_t n = 1;

	while (n > 0 && !s->dead)
		n = send_some(s);
	if (n == 0 || n == ERR_AGAIN || s->dead)
		return;
	/* what the server said before it closed is worth more */
	(void)receive(s);
	cut_off(s, ERR_EOF);
}

/* All is sent: our last word, then it is over. */
static void
try_to_leave(struct session *s)
{
	if (!s->dead && (conn_output(s->conn).n > 0 || tls_unsent(s->tls)))
		return;
	if (!s->dead && tls_bye(s->tls) == ERR_AGAIN)
		return;
	over(s);
}

void
session_update(struct session *s)
{
	int events = 0;

	if (s->phase == SESSION_OVER)
		return;
	send_all(s);
	if (s->phase == SESSION_ENDING)
		try_to_leave(s);
	if (s->phase == SESSION_OVER)
		return;
	if (conn_wants_input(s->conn))
		events |= EV_READ;
	if (tls_unsent(s->tls) || conn_output(s->conn).n > 0)
		events |= EV_WRITE;
	if (s->on_socket.events == events && ev_is_active(&s->on_socket))
		return;
	ev_io_stop(s->loop, &s->on_socket);
	ev_io_set(&s->on_socket, s->socket, events);
	if (events != 0)
		ev_io_start(s->loop, &s->on_socket);
}

/* ---- timers, signals ----------------------------------------------------------------- */

static void
on_linger(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	over(ev_userdata(loop));
}

static void
on_alive(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct session *s = ev_userdata(loop);
	const struct conf *c = &s->opts->conf;

	(void)w;
	(void)revents;
	if (s->unanswered >= c->alive_count) {
		session_fail(s, "%s has not answered for %u seconds",
		    s->opts->host, c->alive_interval * c->alive_count);
		s->dead = true;
	} else if (conn_keepalive(s->conn) == 0)
		s->unanswered++;
	session_update(s);
}

static const int signals[SESSION_SIGNALS] = { SIGWINCH, SIGCONT, SIGTSTP,
    SIGHUP, SIGINT, SIGQUIT, SIGTERM };

static void
send_window(struct session *s)
{
	struct msg_window w;
	struct buf b;

	if (!s->want_pty || !s->have_tty || !s->opened)
		return;
	term_window(&s->term, &w);
	buf_init(&b, 64);
	msg_window_put(&b, &w);
	if (buf_err(&b) == 0)
		(void)conn_request(s->conn, s->channel,
		    MSG_REQ_WINDOW_CHANGE, false,
		    (struct span){ b.data, b.len });
	buf_free(&b);
}

static void
set_raw(struct session *s, bool on)
{
	if (on && s->want_pty && s->have_tty && s->phase == SESSION_OPEN)
		term_enter(&s->term);
	else if (!on)
		term_leave(&s->term);
	s->say->raw = s->term.raw;
}

/* We are to end: the terminal first, then a word to the server if it can be
 * said at once. */
static void
end_by(struct session *s, int sig)
{
	set_raw(s, false);
	s->signal = sig;
	s->status = 128 + sig;
	s->have_status = true;
	(void)conn_disconnect(s->conn, MSG_BY_APPLICATION,
	    "ended by a signal");
	send_all(s);
	if (!s->dead)
		(void)tls_bye(s->tls);
	over(s);
}

static void
on_signal(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct session *s = ev_userdata(loop);

	(void)revents;
	switch (w->signum) {
	case SIGWINCH:
		send_window(s);
		break;
	case SIGTSTP:
		set_raw(s, false);
		(void)raise(SIGSTOP);
		set_raw(s, true);
		send_window(s);
		break;
	case SIGCONT:
		/* the shell had the terminal meanwhile */
		s->term.raw = false;
		set_raw(s, true);
		send_window(s);
		break;
	default:
		end_by(s, w->signum);
		return;
	}
	session_update(s);
}

/* Those that our starter had us ignore stay ignored. */
static void
watch_signals(struct session *s)
{
	for (size_t i = 0; i < SESSION_SIGNALS; i++) {
		struct sigaction old;

		if (sigaction(signals[i], NULL, &old) != 0 ||
		    old.sa_handler == SIG_IGN)
			continue;
		ev_signal_init(&s->on_signal[i], on_signal, signals[i]);
		ev_signal_start(s->loop, &s->on_signal[i]);
		s->watching[i] = true;
	}
}

/* ---- life ------------------------------------------------------------------------------- */

static void
start(struct session *s)
{
	const struct conf *c = &s->opts->conf;

	ev_set_userdata(s->loop, s);
	ev_io_init(&s->on_socket, on_socket, s->socket, EV_READ);
	ev_timer_init(&s->linger, on_linger, LINGER, 0.);
	ev_timer_init(&s->bulk, on_bulk, 0., BULK_WAIT);
	ev_timer_init(&s->alive, on_alive, c->alive_interval,
	    c->alive_interval);
	if (c->alive_interval > 0)
		ev_timer_start(s->loop, &s->alive);
	watch_signals(s);
	local_open(s);
	if (channel_begin(s) != 0) {
		session_fail(s, "the command is too long");
		return;
	}
	say_step(s->say, "-> asking for %s%s; waiting for approval",
	    c->account != NULL ? "account " : "the account of the "
	    "certificate", c->account != NULL ? c->account : "");
	if (!s->have_tty)
		local_start_input(s);
}

static void
finish(struct session *s)
{
	set_raw(s, false);
	local_close(s);
	for (size_t i = 0; i < SESSION_SIGNALS; i++)
		if (s->watching[i])
			ev_signal_stop(s->loop, &s->on_signal[i]);
	/* what is unread would turn our last bytes into a reset */
	if (!s->dead)
		(void)tls_drain(s->tls);
}

/* The same end as if we had never caught it. */
static void
die_by(int sig)
{
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

int
session_run(const struct opts *opts, struct say *say,
    const struct session_peer *peer)
{
	struct session *s = calloc(1, sizeof(*s));
	int status = SESSION_FAILED, sig = 0;

	if (s == NULL || (s->loop = ev_loop_new(EVBACKEND_POLL |
	    EVFLAG_NOENV)) == NULL ||
	    (s->conn = conn_new(FRAME_CLIENT, &channel_ops, s)) == NULL)
		say_error(say, "out of memory");
	else {
		s->opts = opts;
		s->peer = peer;
		s->say = say;
		s->tls = peer->tls;
		s->socket = peer->socket;
		s->status = SESSION_FAILED;
		start(s);
		session_update(s);
		if (s->phase != SESSION_OVER)
			ev_run(s->loop, 0);
		finish(s);
		status = s->status;
		sig = s->signal;
	}
	if (s != NULL) {
		conn_free(s->conn);
		if (s->loop != NULL)
			ev_loop_destroy(s->loop);
		free(s);
	}
	if (sig != 0)
		die_by(sig);
	return status;
}
