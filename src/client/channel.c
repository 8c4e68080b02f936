/* The client's side of the connection protocol. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/session.h"
#include "proto/ipc.h"

extern char **environ;

/* ---- requests ---------------------------------------------------------------- */

static bool
env_wanted(const struct conf *c, const char *name, size_t n, bool pty)
{
	if (pty && ((n == 4 && memcmp(name, "LANG", 4) == 0) ||
	    (n > 3 && memcmp(name, "LC_", 3) == 0)))
		return true;
	for (size_t i = 0; i < c->n_send_env; i++) {
		size_t len = strlen(c->send_env[i]);

		if (len > 0 && c->send_env[i][len - 1] == '*') {
			if (n >= len - 1 && memcmp(name, c->send_env[i],
			    len - 1) == 0)
				return true;
		} else if (n == len && memcmp(name, c->send_env[i], n) == 0)
			return true;
	}
	return false;
}

static int
request(struct session *s, enum msg_request_kind kind, bool reply,
    struct buf *body)
{
	int r = buf_err(body);

	if (r == 0)
		r = conn_request(s->conn, s->channel, kind, reply,
		    (struct span){ body->data, body->len });
	buf_reset(body);
	return r;
}

/* The settings that are wanted; the server takes those it knows. */
static int
send_env(struct session *s, struct buf *b)
{
	int r = 0;

	for (char **e = environ; r == 0 && *e != NULL; e++) {
		size_t n = strcspn(*e, "=");
		char name[MSG_ENV_NAME_MAX];

		if ((*e)[n] != '=' || n >= sizeof(name) ||
		    strlen(*e + n) > 1024 ||
		    !env_wanted(&s->opts->conf, *e, n, s->want_pty))
			continue;
		memcpy(name, *e, n);
		name[n] = '\0';
		msg_env_put(b, name, *e + n + 1);
		r = request(s, MSG_REQ_ENV, false, b);
	}
	return r;
}

static int
send_start(struct session *s, struct buf *b)
{
	const struct opts *o = s->opts;

	if (o->command == NULL)
		return request(s, MSG_REQ_SHELL, true, b);
	buf_put_cstring(b, o->command);
	return request(s, o->subsystem ? MSG_REQ_SUBSYSTEM : MSG_REQ_EXEC,
	    true, b);
}

static bool
pty_wanted(const struct session *s)
{
	const struct opts *o = s->opts;
	bool have = s->have_tty && !o->conf.no_input;

	switch (o->conf.terminal) {
	case CONF_TTY_NO:
		return false;
	case CONF_TTY_FORCE:
		return true;
	case CONF_TTY_YES:
		if (!have)
			say_warning(s->say, "no terminal there, for standard "
			    "input is none here; -tt asks for one all the "
			    "same");
		return have;
	default:
		return have && o->command == NULL;
	}
}

static void
fill_login(const struct session *s, struct msg_login *m)
{
	const char *account = s->opts->conf.account;
	const struct passwd *pw;

	*m = (struct msg_login){ .account = "" };
	if (account != NULL)
		(void)snprintf(m->account, sizeof(m->account), "%s", account);
	else if ((pw = getpwuid(getuid())) != NULL)
		(void)snprintf(m->preferred, sizeof(m->preferred), "%s",
		    pw->pw_name);
}

int
channel_begin(struct session *s)
{
	struct msg_login login;
	struct buf b;
	int r;

	fill_login(s, &login);
	s->want_pty = pty_wanted(s);
	if ((r = conn_login(s->conn, &login)) != 0 ||
	    (r = conn_open(s->conn, &s->channel)) != 0)
		return r;
	s->opened = true;
	buf_init(&b, FRAME_MAX);
	if (s->want_pty) {
		term_put_request(&b, s->have_tty ? &s->term : NULL);
		r = request(s, MSG_REQ_PTY, false, &b);
	}
	if (r == 0)
		r = send_env(s, &b);
	if (r == 0)
		r = send_start(s, &b);
	buf_free(&b);
	return r;
}

/* ---- the end ------------------------------------------------------------------- */

static bool
all_written(const struct session *s)
{
	return conn_pending(s->conn, s->channel, CONN_DATA).n == 0 &&
	    conn_pending(s->conn, s->channel, CONN_STDERR).n == 0;
}

void
channel_check_end(struct session *s)
{
	if (!s->opened || !s->closed || !all_written(s))
		return;
	s->opened = false;
	(void)conn_close(s->conn, s->channel);
	if (!s->have_status && s->phase < SESSION_ENDING)
		session_fail(s, "%s closed the session without saying how the "
		    "command ended", s->opts->host);
	session_end(s);
}

/* ---- what the server says ------------------------------------------------------- */

static void
on_success(void *ctx, const struct msg_success *m)
{
	struct session *s = ctx;

	say_step(s->say, "<- approved: account %s, identity %s", m->account,
	    m->identity);
	s->phase = SESSION_OPEN;
	if (s->want_pty && s->have_tty) {
		term_enter(&s->term);
		s->say->raw = s->term.raw;
	}
	/* from a terminal nothing is taken before */
	if (s->have_tty)
		local_start_input(s);
}

static void
on_failure(void *ctx, const struct msg_failure *m)
{
	struct session *s = ctx;

	/* net speaks without a number when the session is gone */
	if (m->reference == 0)
		session_fail(s, "%s refused the login: %s", s->opts->host,
		    m->reason);
	else
		session_fail(s, "%s refused the login: %s (reference %llu, by "
		    "which its administrator can look up the whole story)",
		    s->opts->host, m->reason,
		    (unsigned long long)m->reference);
}

static void
on_banner(void *ctx, const char *text)
{
	struct session *s = ctx;

	/* a command's output is for programs as often as for people */
	if (s->want_pty || s->say->verbose)
		say_text(s->say, text);
}

static void
on_disconnect(void *ctx, const struct msg_disconnect *m)
{
	struct session *s = ctx;

	session_fail(s, "%s ended the connection: %s", s->opts->host,
	    m->text[0] != '\0' ? m->text : "without a reason");
}

static void
on_open_failed(void *ctx, const struct msg_open_failure *m)
{
	struct session *s = ctx;

	s->opened = false;
	session_fail(s, "%s opens no session: %s", s->opts->host, m->text);
}

static enum conn_answer
on_request(void *ctx, const struct msg_request *m)
{
	struct session *s = ctx;
	struct msg_exit_signal by;
	uint32_t status;
	int i;

	if (m->kind == MSG_REQ_EXIT_STATUS &&
	    msg_exit_status_get(m->body, &status) == 0) {
		s->status = (int)(status & 0xff);
		s->have_status = true;
		return CONN_ACCEPT;
	}
	if (m->kind != MSG_REQ_EXIT_SIGNAL ||
	    msg_exit_signal_get(m->body, &by) != 0)
		return CONN_REFUSE;
	i = ipc_signal_by_name(by.name);
	s->status = i >= 0 ? 128 + ipc_signals[i].number : SESSION_FAILED;
	s->have_status = true;
	say_step(s->say, "the command was ended by signal %s%s", by.name,
	    by.core ? ", with a core dump" : "");
	return CONN_ACCEPT;
}

/* Only the start was asked to be answered. */
static void
on_reply(void *ctx, uint32_t channel, bool ok)
{
	struct session *s = ctx;

	(void)channel;
	if (ok || s->have_status)
		return;
	say_error(s->say, "%s does not start the %s", s->opts->host,
	    s->opts->command == NULL ? "shell" : s->opts->subsystem ?
	    "subsystem" : "command");
	s->status = SESSION_FAILED;
	s->have_status = true;
	/* the reason may stand in what still waits to be shown */
	s->closed = true;
	channel_check_end(s);
}

static void
on_alive(void *ctx)
{
	((struct session *)ctx)->unanswered = 0;
}

static size_t
on_data(void *ctx, uint32_t channel, enum conn_stream stream, struct span data)
{
	(void)channel;
	return local_data(ctx, stream, data);
}

static void
on_eof(void *ctx, uint32_t channel)
{
	(void)channel;
	local_eof(ctx);
}

static void
on_eow(void *ctx, uint32_t channel)
{
	(void)channel;
	local_stop_input(ctx);
}

static void
on_closed(void *ctx, uint32_t channel)
{
	struct session *s = ctx;

	(void)channel;
	s->closed = true;
	ev_io_stop(s->loop, &s->on_in);
	channel_check_end(s);
}

static void
on_can_send(void *ctx, uint32_t channel)
{
	(void)channel;
	local_can_send(ctx);
}

const struct conn_ops channel_ops = {
	.success = on_success,
	.failure = on_failure,
	.banner = on_banner,
	.disconnect = on_disconnect,
	.open_failed = on_open_failed,
	.request = on_request,
	.reply = on_reply,
	.alive = on_alive,
	.data = on_data,
	.eof = on_eof,
	.eow = on_eow,
	.closed = on_closed,
	.can_send = on_can_send,
};
