#include "testd.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hostkey/key.h"
#include "proto/conn.h"
#include "proto/ipc.h"

#define LIMIT_S 60		/* a test's server lives no longer */

/* The server's process. */
struct srv {
	const struct testd *spec;
	FILE *log;
	int fd;
	struct tls *tls;
	struct conn *conn;
	struct key *key;
	uint8_t random[TLS_RANDOM_LEN];
	uint32_t channel;
	bool pty, over;
	pid_t child;
	int status;
	int in, out[CONN_STREAMS];	/* of the child; -1 closed */
	bool full[CONN_STREAMS];	/* no window or room */
	bool input_ended, closed;
};

static void
die(struct srv *s, const char *what)
{
	(void)fprintf(s->log, "died: %s\n", what);
	_exit(3);
}

/* ---- the child ---------------------------------------------------------------- */

static void
run(struct srv *s, const char *command)
{
	int in[2], out[2], err[2];

	if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 ||
	    pipe2(err, O_CLOEXEC) != 0 || (s->child = fork()) < 0)
		die(s, "fork");
	if (s->child == 0) {
		(void)setpgid(0, 0);
		(void)dup2(in[0], 0);
		(void)dup2(out[1], 1);
		(void)dup2(err[1], 2);
		(void)signal(SIGPIPE, SIG_DFL);
		(void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(out[1]);
	(void)close(err[1]);
	s->in = in[1];
	s->out[0] = out[0];
	s->out[1] = err[0];
	(void)fcntl(s->in, F_SETFL, O_NONBLOCK);
	(void)fcntl(s->out[0], F_SETFL, O_NONBLOCK);
	(void)fcntl(s->out[1], F_SETFL, O_NONBLOCK);
}

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void
feed(struct srv *s)
{
	struct span d;

	while (s->in >= 0 && (d = conn_pending(s->conn, s->channel,
	    CONN_DATA)).n > 0) {
		ssize_t n = write(s->in, d.p, d.n);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			close_fd(&s->in);
			(void)conn_discard(s->conn, s->channel, CONN_DATA);
			return;
		}
		conn_consumed(s->conn, s->channel, CONN_DATA, (size_t)n);
	}
	if (s->input_ended)
		close_fd(&s->in);
}

static void
collect(struct srv *s, enum conn_stream stream)
{
	while (s->out[stream] >= 0) {
		size_t room;
		uint8_t *p = conn_reserve(s->conn, s->channel, stream, &room);
		ssize_t n;

		s->full[stream] = p == NULL;
		if (p == NULL && conn_sendable(s->conn, s->channel, stream))
			return;
		if (p == NULL) {
			close_fd(&s->out[stream]);
			return;
		}
		n = read(s->out[stream], p, room);
		conn_commit(s->conn, s->channel, stream, n > 0 ? (size_t)n :
		    0);
		if (n == 0)
			close_fd(&s->out[stream]);
		if (n <= 0)
			return;
	}
}

/* Its pipes are closed: how did it end? */
static void
finish(struct srv *s)
{
	struct buf b;

	if (s->child <= 0 || s->out[0] >= 0 || s->out[1] >= 0 || s->closed)
		return;
	(void)waitpid(s->child, &s->status, 0);
	buf_init(&b, 2048);
	(void)conn_eof(s->conn, s->channel);
	if (WIFEXITED(s->status)) {
		buf_put_u32(&b, (uint32_t)WEXITSTATUS(s->status));
		(void)conn_request(s->conn, s->channel, MSG_REQ_EXIT_STATUS,
		    false, (struct span){ b.data, b.len });
	} else {
		struct msg_exit_signal m = { .core = false };

		(void)snprintf(m.name, sizeof(m.name), "%s", ipc_signals[
		    ipc_signal_by_number(WTERMSIG(s->status))].name);
		msg_exit_signal_put(&b, &m);
		(void)conn_request(s->conn, s->channel, MSG_REQ_EXIT_SIGNAL,
		    false, (struct span){ b.data, b.len });
	}
	buf_free(&b);
	(void)conn_close(s->conn, s->channel);
	s->closed = true;
}

/* ---- what the client says ------------------------------------------------------ */

static void
on_login(void *ctx, const struct msg_login *m)
{
	struct srv *s = ctx;
	struct msg_success ok = { "", "user uri=spiffe://test/user/alice" };
	struct msg_failure no = { .reference = s->spec->reference };

	(void)fprintf(s->log, "login '%s' preferred '%s'\n", m->account,
	    m->preferred);
	(void)snprintf(ok.account, sizeof(ok.account), "%s",
	    m->account[0] != '\0' ? m->account : "alice");
	if (s->spec->banner != NULL)
		(void)conn_banner(s->conn, s->spec->banner);
	if (s->spec->kind != TESTD_REFUSE) {
		(void)conn_success(s->conn, &ok);
		s->over = s->spec->kind == TESTD_VANISH;
		return;
	}
	(void)snprintf(no.reason, sizeof(no.reason), "%s", s->spec->reason);
	(void)conn_failure(s->conn, &no);
}

static uint32_t
on_open(void *ctx, const struct msg_open *m)
{
	((struct srv *)ctx)->channel = m->channel;
	return 0;
}

static void
note(struct srv *s, const struct msg_request *m)
{
	struct msg_window w;
	struct msg_pty p;
	struct msg_env e;

	(void)fprintf(s->log, "request %s", m->name);
	if (m->kind == MSG_REQ_PTY && msg_pty_get(m->body, &p) == 0)
		(void)fprintf(s->log, " %s %ux%u", p.term, p.window.columns,
		    p.window.rows);
	if (m->kind == MSG_REQ_WINDOW_CHANGE &&
	    msg_window_get(m->body, &w) == 0)
		(void)fprintf(s->log, " %ux%u", w.columns, w.rows);
	if (m->kind == MSG_REQ_ENV && msg_env_get(m->body, &e) == 0)
		(void)fprintf(s->log, " %s=%.*s", e.name, (int)e.value.n,
		    (const char *)e.value.p);
	(void)fprintf(s->log, "\n");
}

static enum conn_answer
on_request(void *ctx, const struct msg_request *m)
{
	struct srv *s = ctx;
	struct span text;
	char *command;

	note(s, m);
	if (m->kind == MSG_REQ_PTY)
		s->pty = true;
	if (m->kind != MSG_REQ_SHELL && m->kind != MSG_REQ_EXEC &&
	    m->kind != MSG_REQ_SUBSYSTEM)
		return CONN_ACCEPT;
	if (s->spec->kind == TESTD_NO_START)
		return CONN_REFUSE;
	if (m->kind == MSG_REQ_SHELL) {
		run(s, "sh");
		return CONN_ACCEPT;
	}
	if (msg_text_get(m->body, &text) != 0 ||
	    (command = strndup((const char *)text.p, text.n)) == NULL)
		die(s, "command");
	run(s, command);
	free(command);
	return CONN_ACCEPT;
}

static size_t
on_data(void *ctx, uint32_t channel, enum conn_stream stream, struct span d)
{
	(void)ctx;
	(void)channel;
	(void)stream;
	(void)d;
	return 0;
}

static void
on_eof(void *ctx, uint32_t channel)
{
	(void)channel;
	((struct srv *)ctx)->input_ended = true;
}

static void
on_eow(void *ctx, uint32_t channel)
{
	(void)channel;
	close_fd(&((struct srv *)ctx)->out[0]);
}

static void
on_closed(void *ctx, uint32_t channel)
{
	struct srv *s = ctx;

	if (!s->closed)
		(void)conn_close(s->conn, channel);
	s->closed = true;
}

static void
on_can_send(void *ctx, uint32_t channel)
{
	struct srv *s = ctx;

	(void)channel;
	s->full[0] = s->full[1] = false;
}

static void
on_disconnect(void *ctx, const struct msg_disconnect *m)
{
	struct srv *s = ctx;

	(void)fprintf(s->log, "disconnect %s\n", m->text);
	s->over = true;
}

static const struct conn_ops ops = { .login = on_login, .open = on_open,
    .request = on_request, .data = on_data, .eof = on_eof, .eow = on_eow,
    .closed = on_closed, .can_send = on_can_send,
    .disconnect = on_disconnect };

/* ---- bytes ------------------------------------------------------------------------ */

static int
sign(void *ctx, struct span transcript, struct buf *sig)
{
	struct srv *s = ctx;
	struct why why;

	return key_sign(s->key, (struct span){ s->random, TLS_RANDOM_LEN },
	    transcript, sig, &why);
}

static void
wait_fd(int fd, short events)
{
	struct pollfd p = { .fd = fd, .events = events };

	(void)poll(&p, 1, 1000);
}

static void
push(struct srv *s)
{
	for (;;) {
		struct span o = conn_output(s->conn);
		ssize_t n;

		if (o.n == 0) {
			(void)tls_flush(s->tls);
			return;
		}
		if ((n = tls_write(s->tls, o.p, o.n)) <= 0)
			return;
		conn_sent(s->conn, (size_t)n);
	}
}

/* False: the client has gone. */
static bool
pull(struct srv *s)
{
	static uint8_t b[TLS_RECORD];

	for (int i = 0; i < 16 && conn_wants_input(s->conn); i++) {
		ssize_t n = tls_read(s->tls, b, sizeof(b));

		if (n == ERR_AGAIN)
			return true;
		if (n <= 0)
			return false;
		if (conn_input(s->conn, b, (size_t)n) != 0)
			die(s, conn_problem(s->conn));
	}
	return true;
}

static void
poll_all(struct srv *s)
{
	struct pollfd p[4] = {
		{ s->fd, (short)((conn_wants_input(s->conn) ? POLLIN : 0) |
		    (conn_output(s->conn).n > 0 || tls_unsent(s->tls) ?
		    POLLOUT : 0)), 0 },
		{ s->full[0] ? -1 : s->out[0], POLLIN, 0 },
		{ s->full[1] ? -1 : s->out[1], POLLIN, 0 },
		{ conn_pending(s->conn, s->channel, CONN_DATA).n > 0 ?
		    s->in : -1, POLLOUT, 0 },
	};

	(void)poll(p, 4, 1000);
}

static void
serve(struct srv *s)
{
	while (pull(s) && !s->over) {
		feed(s);
		for (int i = 0; i < CONN_STREAMS; i++)
			if (!s->full[i])
				collect(s, (enum conn_stream)i);
		finish(s);
		push(s);
		if (s->spec->kind == TESTD_REFUSE &&
		    conn_output(s->conn).n == 0 &&
		    !conn_wants_input(s->conn))
			break;
		poll_all(s);
	}
	push(s);
	if (s->child > 0 && !s->closed)
		(void)kill(-s->child, SIGKILL);
}

static void
leave(struct srv *s)
{
	if (s->spec->kind == TESTD_VANISH)
		return;
	while (tls_bye(s->tls) == ERR_AGAIN)
		wait_fd(s->fd, POLLOUT);
	while (tls_drain(s->tls) == ERR_AGAIN)
		wait_fd(s->fd, POLLIN);
}

/* ---- the process ------------------------------------------------------------------- */

static void
load_key(struct srv *s)
{
	struct key_source src = { .pin_fd = -1 };
	char path[] = "/tmp/testd.XXXXXX";
	struct why why;

	(void)close(mkstemp(path));
	certs_write_key(path, s->spec->host, NULL);
	src.key_fd = open(path, O_RDONLY | O_CLOEXEC);
	(void)unlink(path);
	(void)memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	(void)close(mkstemp(path));
	certs_write(path, s->spec->host, NULL);
	src.cert_fd = open(path, O_RDONLY | O_CLOEXEC);
	(void)unlink(path);
	if ((s->key = key_load(&src, &why)) == NULL)
		die(s, why.text);
	(void)close(src.key_fd);
	(void)close(src.cert_fd);
}

static void
shake(struct srv *s)
{
	struct span chain = certs_der(s->spec->host);
	struct tls_server spec = { .scheme = 0x0403, .chain = &chain, .n = 1,
	    .sign = sign, .ctx = s };
	struct why why;
	int r;

	load_key(s);
	(void)gnutls_rnd(GNUTLS_RND_NONCE, s->random, TLS_RANDOM_LEN);
	if (tls_server_new(&s->tls, &spec, &why) != 0 ||
	    tls_server_begin(s->tls, s->fd, s->random) != 0)
		die(s, "TLS");
	while ((r = tls_handshake(s->tls)) == ERR_AGAIN)
		wait_fd(s->fd, tls_wants_write(s->tls) ? POLLOUT : POLLIN);
	if (r == 0)
		return;
	(void)fprintf(s->log, "handshake failed, alert %d\n",
	    tls_alert_got(s->tls));
	_exit(4);
}

static void
rubbish(struct srv *s)
{
	while (conn_state(s->conn) != FRAME_ST_OPEN && pull(s))
		wait_fd(s->fd, POLLIN);
	push(s);
	(void)tls_write(s->tls, "\x00\x00\x00\x02\xc8\x00", 6);
}

static void
be_server(const struct testd *spec, int listening)
{
	struct srv s = { .spec = spec, .in = -1, .out = { -1, -1 } };
	char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n", b[512];

	(void)alarm(LIMIT_S);
	(void)signal(SIGPIPE, SIG_IGN);
	s.log = fopen(spec->log, "we");
	setvbuf(s.log, NULL, _IOLBF, 0);
	s.fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	(void)close(listening);
	if (spec->kind == TESTD_SILENT) {
		while (read(s.fd, b, sizeof(b)) > 0)
			continue;
		_exit(0);
	}
	if (spec->kind == TESTD_HTTP) {
		(void)!read(s.fd, b, sizeof(b));
		(void)!write(s.fd, http, sizeof(http) - 1);
		_exit(0);
	}
	(void)fcntl(s.fd, F_SETFL, O_NONBLOCK);
	shake(&s);
	s.conn = conn_new(FRAME_SERVER, &ops, &s);
	if (spec->kind == TESTD_ALERT) {
		while (tls_alert(s.tls, spec->alert) == ERR_AGAIN)
			wait_fd(s.fd, POLLOUT);
		while (tls_drain(s.tls) == ERR_AGAIN)
			wait_fd(s.fd, POLLIN);
		_exit(0);
	}
	if (spec->kind == TESTD_RUBBISH)
		rubbish(&s);
	if (spec->kind == TESTD_FREEZE) {
		while (conn_state(s.conn) != FRAME_ST_OPEN && pull(&s))
			wait_fd(s.fd, POLLIN);
		push(&s);
		(void)pause();
	}
	serve(&s);
	leave(&s);
	(void)fprintf(s.log, "memory %zu\n", conn_memory(s.conn));
	_exit(0);
}

/* A socket that listens on the loopback; its port. */
static int
listen_on(bool v6, uint16_t *port)
{
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a = { .in = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(a);
	int fd;

	if (v6)
		a.in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6,
		    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	if (bind(fd, &a.sa, len) != 0) {
		(void)close(fd);
		return -1;
	}
	ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, &a.sa, &len), 0);
	*port = ntohs(v6 ? a.in6.sin6_port : a.in.sin_port);
	return fd;
}

bool
testd_start(struct testd *t)
{
	int fd = listen_on(t->v6, &t->port);

	if (fd < 0)
		return false;
	(void)snprintf(t->log, sizeof(t->log), "%s/testd-log.XXXXXX",
	    getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
	(void)close(mkstemp(t->log));
	t->pid = fork();
	ck_assert_int_ge(t->pid, 0);
	if (t->pid == 0)
		be_server(t, fd);
	(void)close(fd);
	return true;
}

int
testd_wait(struct testd *t)
{
	int status;

	ck_assert_int_eq(waitpid(t->pid, &status, 0), t->pid);
	t->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
