/* certlogin-net as client and session see it: the program itself, in its
 * sandbox, between a TCP socket and its channel.  The processes are pipes
 * whose far ends are here. */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/memfile.h"
#include "hostkey/key.h"
#include "pki.h"
#include "proto/chan.h"
#include "proto/conn.h"
#include "proto/ipc.h"
#include "x509/tls.h"

#define PROGRAM "./certlogin-net"
#define LIMIT_MS 20000
#define NOBODY 65534
#define MIB (1u << 20)
/* What net may need beyond what it holds, in KiB; a sanitizer keeps what was
 * freed. */
#ifdef WITH_SANITIZERS
#define SLACK 65536
#else
#define SLACK 3072
#endif

/* What the client learnt. */
struct seen {
	unsigned success, failure, disconnect, opened, ok, failed, eof, eow;
	unsigned closed, open_failed;
	struct msg_success account;
	struct msg_failure reason;
	struct msg_disconnect goodbye;
	struct msg_exit_signal died;
	uint32_t status;		/* of exit-status; UINT32_MAX: none */
	uint32_t open_code;
	char banner[MSG_BANNER_MAX];
	char text[CONN_STREAMS][4096];	/* the first bytes */
	size_t got[CONN_STREAMS];
	uint32_t sum;			/* over stdout */
};

static struct {
	struct pki host, user;
	struct span host_chain, user_chain;
	struct key *key;
	uint8_t random[IPC_RANDOM_LEN];
	pid_t pid;
	int session;			/* the session's end */
	int client;			/* the client's socket */
	struct tls *tls;
	struct conn *conn;
	int shaken, ended;		/* results of the client's TLS */
	bool stalled, raw;		/* the client reads nothing; speaks
					 * for itself */
	uint32_t channel;
	struct seen seen;
	struct buf in, out, plain;
} w;

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 11 + (i >> 13));
}

static uint32_t
sum_on(uint32_t sum, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum = sum * 31 + p[i];
	return sum;
}

/* ---- the client -------------------------------------------------------- */

static void
on_success(void *ctx, const struct msg_success *m)
{
	(void)ctx;
	w.seen.success++;
	w.seen.account = *m;
}

static void
on_failure(void *ctx, const struct msg_failure *m)
{
	(void)ctx;
	w.seen.failure++;
	w.seen.reason = *m;
}

static void
on_banner(void *ctx, const char *text)
{
	(void)ctx;
	(void)snprintf(w.seen.banner, sizeof(w.seen.banner), "%s", text);
}

static void
on_disconnect(void *ctx, const struct msg_disconnect *m)
{
	(void)ctx;
	w.seen.disconnect++;
	w.seen.goodbye = *m;
}

static void
on_opened(void *ctx, uint32_t channel)
{
	(void)ctx;
	(void)channel;
	w.seen.opened++;
}

static void
on_open_failed(void *ctx, const struct msg_open_failure *m)
{
	(void)ctx;
	w.seen.open_failed++;
	w.seen.open_code = m->code;
}

static enum conn_answer
on_request(void *ctx, const struct msg_request *m)
{
	(void)ctx;
	if (m->kind == MSG_REQ_EXIT_STATUS)
		(void)msg_exit_status_get(m->body, &w.seen.status);
	if (m->kind == MSG_REQ_EXIT_SIGNAL)
		(void)msg_exit_signal_get(m->body, &w.seen.died);
	return CONN_ACCEPT;
}

static void
on_reply(void *ctx, uint32_t channel, bool ok)
{
	(void)ctx;
	(void)channel;
	w.seen.ok += ok;
	w.seen.failed += !ok;
}

static size_t
on_data(void *ctx, uint32_t channel, enum conn_stream stream, struct span s)
{
	size_t at = w.seen.got[stream];

	(void)ctx;
	(void)channel;
	for (size_t i = 0; i < s.n && at + i + 1 <
	    sizeof(w.seen.text[stream]); i++)
		w.seen.text[stream][at + i] = (char)s.p[i];
	if (stream == CONN_DATA)
		w.seen.sum = sum_on(w.seen.sum, s.p, s.n);
	w.seen.got[stream] += s.n;
	return s.n;
}

static void
on_eof(void *ctx, uint32_t channel)
{
	(void)ctx;
	(void)channel;
	w.seen.eof++;
}

static void
on_eow(void *ctx, uint32_t channel)
{
	(void)ctx;
	(void)channel;
	w.seen.eow++;
}

static void
on_closed(void *ctx, uint32_t channel)
{
	(void)ctx;
	w.seen.closed++;
	(void)conn_close(w.conn, channel);
}

static const struct conn_ops client_ops = {
	.success = on_success, .failure = on_failure, .banner = on_banner,
	.disconnect = on_disconnect, .opened = on_opened,
	.open_failed = on_open_failed, .request = on_request,
	.reply = on_reply, .data = on_data, .eof = on_eof, .eow = on_eow,
	.closed = on_closed,
};

static enum tls_alert
verify(void *ctx, const struct span *chain, size_t n)
{
	(void)ctx;
	ck_assert_uint_eq(n, 1);
	ck_assert(span_eq(chain[0], w.host_chain));
	return TLS_ALERT_NONE;
}

static void
client_write(void)
{
	struct span s;

	while (!w.raw && (s = conn_output(w.conn)).n > 0) {
		ssize_t n = tls_write(w.tls, s.p, s.n);

		if (n < 0)
			return;
		conn_sent(w.conn, (size_t)n);
	}
	(void)tls_flush(w.tls);
}

static void
client_read(void)
{
	static uint8_t b[TLS_RECORD];
	ssize_t n;

	while (!w.stalled && w.ended == ERR_AGAIN) {
		if ((n = tls_read(w.tls, b, sizeof(b))) <= 0) {
			w.ended = (int)n;
			return;
		}
		if (w.raw)
			buf_put_raw(&w.plain, b, (size_t)n);
		else
			ck_assert_msg(conn_input(w.conn, b,
			    (size_t)n) == 0, "%s", conn_problem(w.conn));
	}
}

static void
client_step(void)
{
	if (w.tls == NULL)
		return;
	if (w.shaken == ERR_AGAIN)
		w.shaken = tls_handshake(w.tls);
	if (w.shaken != 0 && w.shaken != ERR_AGAIN)
		w.ended = w.shaken;
	if (w.shaken != 0)
		return;
	client_write();
	client_read();
	client_write();
}

/* ---- waiting ----------------------------------------------------------- */

static bool
client_can_write(void)
{
	return w.tls != NULL && ((w.shaken == ERR_AGAIN &&
	    tls_wants_write(w.tls)) || (w.shaken == 0 &&
	    (tls_unsent(w.tls) || (!w.raw && conn_output(w.conn).n > 0))));
}

/* Let things happen until fd (or -1) can be read. */
static bool
until_readable(int fd)
{
	struct pollfd p[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = w.ended == ERR_AGAIN ? w.client : -1,
		    .events = (short)((w.stalled ? 0 : POLLIN) |
		    (client_can_write() ? POLLOUT : 0)) },
	};

	ck_assert_int_gt(poll(p, 2, LIMIT_MS), 0);
	client_step();
	return p[0].revents != 0;
}

#define UNTIL(condition) \
	do { \
		client_step(); \
		if (condition) \
			break; \
		(void)until_readable(-1); \
	} while (1)

/* ---- the session ------------------------------------------------------- */

static struct chan_msg
expect(uint8_t type)
{
	struct chan_msg m;

	client_step();
	while (!until_readable(w.session))
		;
	ck_assert_int_eq(chan_recv(w.session, &w.in, &m, 0), 0);
	ck_assert_uint_eq(m.type, type);
	return m;
}

static void
tell(const int *fds, size_t n)
{
	ck_assert_int_eq(chan_send(w.session, &w.out, fds, n), 0);
}

static void
expect_end_of_channel(void)
{
	struct chan_msg m;

	while (!until_readable(w.session))
		;
	ck_assert_int_eq(chan_recv(w.session, &w.in, &m, 0), ERR_EOF);
}

static void
expect_failed(uint8_t what)
{
	struct chan_msg m = expect(IPC_NET_FAILED);
	struct ipc_net_failed f;

	ck_assert_int_eq(ipc_net_failed_decode(m.body, &f), 0);
	ck_assert_uint_eq(f.what, what);
}

static void
give_signature(void)
{
	struct chan_msg m = expect(IPC_NET_SIGN);
	struct span transcript;
	struct buf sig;
	struct why why = { "" };

	buf_init(&sig, IPC_SIGNATURE_MAX);
	ck_assert_int_eq(ipc_net_sign_decode(m.body, &transcript), 0);
	ck_assert_msg(key_sign(w.key, (struct span){ w.random,
	    sizeof(w.random) }, transcript, &sig, &why) == 0, "%s",
	    why.text);
	(void)ipc_net_signed_encode(&w.out, (struct span){ sig.data,
	    sig.len });
	tell(NULL, 0);
	buf_free(&sig);
}

/* The transcript ends with a signature, and so does what comes out. */
static void
expect_login(const char *account, const char *preferred)
{
	struct chan_msg m = expect(IPC_NET_LOGIN);
	struct ipc_login l;

	ck_assert_int_eq(ipc_net_login_decode(m.body, &l), 0);
	ck_assert_str_eq(l.account, account);
	ck_assert_str_eq(l.preferred, preferred);
	ck_assert_ptr_nonnull(memmem(l.transcript.p, l.transcript.n,
	    w.random, sizeof(w.random)));
	ck_assert_ptr_nonnull(memmem(l.transcript.p, l.transcript.n,
	    w.user_chain.p, w.user_chain.n));
}

static void
give_success(void)
{
	struct ipc_success s = { "alice", "user uri=spiffe://t/user/alice",
	    "welcome" };

	(void)ipc_net_success_encode(&w.out, &s);
	tell(NULL, 0);
}

/* ---- making ------------------------------------------------------------ */

static void
make_keys(void)
{
	struct key_source src = { .pin_fd = -1 };
	struct why why;

	pki_make(&w.host, PKI_P256, "host", NULL);
	pki_make(&w.user, PKI_P256, "person", NULL);
	w.host_chain = pki_der(&w.host);
	w.user_chain = pki_der(&w.user);
	src.key_fd = pki_file(&w.host.key_pem);
	src.cert_fd = pki_file(&w.host.pem);
	w.key = key_load(&src, &why);
	ck_assert_msg(w.key != NULL, "%s", why.text);
	(void)close(src.key_fd);
	(void)close(src.cert_fd);
	memset(w.random, 0x5a, sizeof(w.random));
}

static int
host_file(void)
{
	struct ipc_host h = { .scheme = w.host.scheme, .n = 1,
	    .der = { w.host_chain } };
	struct buf b;
	int fd;

	buf_init(&b, CHAN_MSG_MAX);
	ipc_host_put(&b, &h);
	fd = memfile_make("host", b.data, b.len);
	ck_assert_int_ge(fd, 0);
	buf_free(&b);
	return fd;
}

/* As certlogind starts it, where we have the right. */
static void
be_someone_else(struct helper_spec *s)
{
	s->keep_ids = true;
	s->chroot_dir = -1;
#ifndef WITH_SANITIZERS
	if (geteuid() == 0) {
		char dir[] = "/tmp/net.XXXXXX";

		s->keep_ids = false;
		s->uid = s->gid = NOBODY;
		ck_assert_ptr_nonnull(mkdtemp(dir));
		s->chroot_dir = open(dir, O_RDONLY | O_DIRECTORY);
		ck_assert_int_ge(s->chroot_dir, 0);
		ck_assert_int_eq(fchmod(s->chroot_dir, 0711), 0);
		(void)rmdir(dir);
	}
#endif
}

static void
start_program(void)
{
	static const char *const argv[] = { "certlogin-net", NULL };
	struct helper_spec s = { .argv = argv, .n_fds = 1 };
	struct why why;
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
	    0, pair), 0);
	be_someone_else(&s);
	s.exe = open(PROGRAM, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(s.exe, 0);
	s.channel = pair[1];
	s.fds[0] = host_file();
	w.pid = helper_spawn(&s, &why);
	ck_assert_int_gt(w.pid, 0);
	w.session = pair[0];
	(void)close(pair[1]);
	(void)close(s.exe);
	(void)close(s.fds[0]);
	if (s.chroot_dir >= 0)
		(void)close(s.chroot_dir);
}

/* Set before running(): the client's kernel takes little at a time. */
static bool narrow;

/* A TCP connection: the client's end, and the one for net. */
static int
make_sockets(void)
{
	const int little = 4096;
	struct sockaddr_in a = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

	ck_assert_int_ge(l, 0);
	ck_assert_int_eq(bind(l, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(l, 1), 0);
	ck_assert_int_eq(getsockname(l, (struct sockaddr *)&a, &len), 0);
	w.client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (narrow)
		ck_assert_int_eq(setsockopt(w.client, SOL_SOCKET, SO_RCVBUF,
		    &little, sizeof(little)), 0);
	ck_assert_int_eq(connect(w.client, (struct sockaddr *)&a,
	    sizeof(a)), 0);
	fd = accept(l, NULL, NULL);
	ck_assert_int_ge(fd, 0);
	(void)close(l);
	ck_assert_int_eq(fcntl(w.client, F_SETFL, O_NONBLOCK), 0);
	return fd;
}

static void
make_client(void)
{
	struct tls_client spec = { .host = "localhost",
	    .chain = &w.user_chain, .n = 1, .key = w.user.key,
	    .verify = verify };
	struct why why = { "" };

	ck_assert_msg(tls_client_new(&w.tls, &spec, w.client, &why) == 0,
	    "%s", why.text);
	w.conn = conn_new(FRAME_CLIENT, &client_ops, NULL);
	ck_assert_ptr_nonnull(w.conn);
}

/* Joined to a connection; with a client of ours or without. */
static void
join(bool client)
{
	int fd;

	memset(&w, 0, sizeof(w));
	w.shaken = w.ended = ERR_AGAIN;
	w.seen.status = UINT32_MAX;
	buf_init(&w.in, CHAN_MSG_MAX);
	buf_init(&w.out, CHAN_MSG_MAX);
	buf_init(&w.plain, MIB);
	make_keys();
	start_program();
	fd = make_sockets();
	if (client)
		make_client();
	(void)ipc_net_join_encode(&w.out, w.random);
	tell(&fd, 1);
	(void)close(fd);
}

/* The client asks for a login, and what else it did before goes with it. */
static void
ask_login(void)
{
	struct msg_login m = { .account = "alice", .preferred = "al" };

	ck_assert_int_eq(conn_login(w.conn, &m), 0);
}

static void
log_in(void)
{
	give_signature();
	expect_login("alice", "al");
	give_success();
	UNTIL(w.seen.success > 0);
	ck_assert_str_eq(w.seen.account.account, "alice");
	ck_assert_str_eq(w.seen.banner, "welcome");
}

/* It ends by itself, and well. */
static void
ends(void)
{
	int status = -1;

	for (int i = 0; i < LIMIT_MS / 10; i++) {
		if (waitpid(w.pid, &status, WNOHANG) == w.pid)
			break;
		client_step();
		(void)poll(NULL, 0, 10);
	}
	ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "status %x", (unsigned)status);
}

static void
clean_up(void)
{
	tls_free(w.tls);
	conn_free(w.conn);
	key_free(w.key);
	pki_free(&w.host);
	pki_free(&w.user);
	buf_free(&w.in);
	buf_free(&w.out);
	buf_free(&w.plain);
	if (w.client >= 0)
		(void)close(w.client);
	if (w.session >= 0)
		(void)close(w.session);
}

/* The client says goodbye; net goes, and the session hears of it. */
static void
leave(void)
{
	ck_assert_int_eq(tls_bye(w.tls), 0);
	expect_end_of_channel();
	ends();
	clean_up();
}

/* The client is sent away. */
static void
sent_away(void)
{
	UNTIL(w.ended != ERR_AGAIN);
	(void)close(w.client);
	w.client = -1;
	w.raw = w.stalled = true;
	ends();
	clean_up();
}

/* ---- a process --------------------------------------------------------- */

static struct process {
	int in, out, err;		/* its ends */
	struct ipc_start start;
	uint8_t opaque[IPC_START_MAX];
} proc;

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void
open_channel(const char *command)
{
	struct buf b;

	ck_assert_int_eq(conn_open(w.conn, &w.channel), 0);
	buf_init(&b, 1024);
	buf_put_cstring(&b, command);
	ck_assert_int_eq(conn_request(w.conn, w.channel, MSG_REQ_EXEC, true,
	    (struct span){ b.data, b.len }), 0);
	buf_free(&b);
}

static void
expect_start(void)
{
	struct chan_msg m = expect(IPC_NET_START);

	ck_assert_int_eq(ipc_net_start_decode(m.body, &proc.start), 0);
	memcpy(proc.opaque, proc.start.opaque.p, proc.start.opaque.n);
	proc.start.opaque.p = proc.opaque;
}

static void
give_pipes(void)
{
	int p[3][2], fds[3];

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(pipe2(p[i], O_CLOEXEC), 0);
	proc.in = p[0][0];
	proc.out = p[1][1];
	proc.err = p[2][1];
	fds[0] = p[0][1];
	fds[1] = p[1][0];
	fds[2] = p[2][0];
	(void)ipc_net_started_encode(&w.out, proc.start.channel);
	tell(fds, 3);
	for (int i = 0; i < 3; i++)
		(void)close(fds[i]);
}

static void
give_exit(uint32_t channel, bool by_signal, uint32_t status)
{
	struct ipc_exited e = { .channel = channel, .by_signal = by_signal,
	    .status = status };

	(void)ipc_net_exited_encode(&w.out, &e);
	tell(NULL, 0);
}

static void
exits(uint32_t status)
{
	close_fd(&proc.in);
	close_fd(&proc.out);
	close_fd(&proc.err);
	give_exit(proc.start.channel, false, status);
}

/* Logged in, with a process. */
static void
running(const char *command)
{
	join(true);
	ask_login();
	open_channel(command);
	log_in();
	expect_start();
	give_pipes();
	UNTIL(w.seen.ok == 1);
}

static void
finished(uint32_t status)
{
	UNTIL(w.seen.closed == 1);
	ck_assert_uint_eq(w.seen.status, status);
	ck_assert_uint_eq(w.seen.eof, 1);
	leave();
}

static void
client_sends(const void *p, size_t n)
{
	const uint8_t *at = p;

	while (n > 0) {
		size_t room;
		uint8_t *to;

		client_step();
		to = conn_reserve(w.conn, w.channel, CONN_DATA, &room);
		/* nobody reads any more */
		if (!conn_sendable(w.conn, w.channel, CONN_DATA))
			return;
		if (to == NULL) {
			(void)until_readable(-1);
			continue;
		}
		if (room > n)
			room = n;
		memcpy(to, at, room);
		conn_commit(w.conn, w.channel, CONN_DATA, room);
		at += room;
		n -= room;
	}
	client_step();
}

static size_t
read_all(int fd, char *b, size_t size)
{
	size_t got = 0;

	while (got < size) {
		ssize_t n;

		while (!until_readable(fd))
			;
		if ((n = read(fd, b + got, size - got)) <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

/* A child that writes what sum_of() expects and exits. */
static pid_t
writer(size_t n)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	for (size_t done = 0; done < n; ) {
		static uint8_t b[65536];
		ssize_t part;

		for (size_t i = 0; i < sizeof(b); i++)
			b[i] = byte_at(done + i);
		part = write(proc.out, b, n - done < sizeof(b) ? n - done :
		    sizeof(b));
		if (part <= 0)
			_exit(1);
		done += (size_t)part;
	}
	_exit(0);
}

static uint32_t
sum_of(size_t n)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		uint8_t b = byte_at(i);

		sum = sum_on(sum, &b, 1);
	}
	return sum;
}

/* Resident memory in KiB. */
static size_t
memory(void)
{
	char path[64], line[256];
	size_t kib = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)w.pid);
	ck_assert_ptr_nonnull(f = fopen(path, "r"));
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %zu", &kib) == 1)
			break;
	(void)fclose(f);
	ck_assert_uint_gt(kib, 0);
	return kib;
}

/* ---- logging in -------------------------------------------------------- */

START_TEST(test_login)
{
	join(true);
	ask_login();
	log_in();
	ck_assert_str_eq(w.seen.account.identity,
	    "user uri=spiffe://t/user/alice");
	leave();
}
END_TEST

static void
refuse(uint8_t alert)
{
	struct ipc_refuse f = { .alert = alert, .reference = 4711 };

	(void)snprintf(f.reason, sizeof(f.reason), "not you");
	(void)ipc_net_refuse_encode(&w.out, &f);
	tell(NULL, 0);
}

START_TEST(test_refused_by_alert)
{
	join(true);
	ask_login();
	open_channel("never");
	give_signature();
	expect_login("alice", "al");
	refuse(TLS_ALERT_CERTIFICATE_REVOKED);
	UNTIL(w.ended != ERR_AGAIN);
	ck_assert_int_eq(tls_failure(w.tls), TLS_FAIL_ALERT);
	ck_assert_int_eq(tls_alert_got(w.tls),
	    TLS_ALERT_CERTIFICATE_REVOKED);
	ck_assert_uint_eq(w.seen.success + w.seen.failure, 0);
	sent_away();
}
END_TEST

START_TEST(test_refused_with_reason)
{
	join(true);
	ask_login();
	open_channel("never");
	give_signature();
	expect_login("alice", "al");
	refuse(0);
	UNTIL(w.seen.failure == 1);
	ck_assert_str_eq(w.seen.reason.reason, "not you");
	ck_assert_uint_eq(w.seen.reason.reference, 4711);
	ck_assert_uint_eq(w.seen.success, 0);
	sent_away();
}
END_TEST

/* No signature: the client gets an alert, the session needs no report. */
START_TEST(test_no_signature)
{
	join(true);
	ask_login();
	(void)expect(IPC_NET_SIGN);
	refuse(0);
	UNTIL(w.ended != ERR_AGAIN);
	ck_assert_int_eq(tls_alert_got(w.tls), TLS_ALERT_INTERNAL_ERROR);
	(void)shutdown(w.client, SHUT_WR);
	expect_end_of_channel();
	sent_away();
}
END_TEST

/* ---- strangers --------------------------------------------------------- */

START_TEST(test_junk)
{
	char junk[1000];

	join(false);
	memset(junk, 'x', sizeof(junk));
	ck_assert_int_eq(send(w.client, junk, sizeof(junk), 0),
	    sizeof(junk));
	expect_failed(IPC_FAILED_TLS);
	(void)shutdown(w.client, SHUT_WR);
	expect_end_of_channel();
	ends();
	clean_up();
}
END_TEST

START_TEST(test_gone_at_once)
{
	join(false);
	close_fd(&w.client);
	expect_failed(IPC_FAILED_EOF);
	expect_end_of_channel();
	ends();
	clean_up();
}
END_TEST

/* Goes after the handshake, before LOGIN. */
START_TEST(test_gone_before_login)
{
	join(true);
	give_signature();
	UNTIL(w.shaken == 0);
	close_fd(&w.client);
	w.shaken = w.ended = ERR_EOF;
	expect_failed(IPC_FAILED_EOF);
	expect_end_of_channel();
	ends();
	clean_up();
}
END_TEST

/* What a client must not say first. */
static const struct wrong {
	const char *bytes;
	size_t n;
	uint8_t what;
} wrongs[] = {
	{ "\0\0\x0f\xfd\x32", 5, IPC_FAILED_FRAME },	/* too long */
	{ "\xff\xff\xff\xff\x32", 5, IPC_FAILED_FRAME },
	{ "\0\0\0\0\x32", 5, IPC_FAILED_FRAME },
	{ "\0\0\0\1\x32", 5, IPC_FAILED_FRAME },	/* without a body */
	{ "\0\0\0\x0a\x32\0\0\0\0\0\0\0\0x", 14, IPC_FAILED_FRAME },
	{ "\0\0\0\x09\x5a", 5, IPC_FAILED_ORDER },	/* CHANNEL_OPEN */
	{ "\0\0\0\x09\x5e", 5, IPC_FAILED_ORDER },	/* CHANNEL_DATA */
	{ "\0\0\0\x09\x34", 5, IPC_FAILED_ORDER },	/* LOGIN_SUCCESS */
	{ "\0\0\0\x09\xff", 5, IPC_FAILED_ORDER },	/* unknown */
};

START_TEST(test_wrong_first)
{
	const struct wrong *x = &wrongs[_i];

	join(true);
	w.raw = true;
	give_signature();
	UNTIL(w.shaken == 0);
	ck_assert_int_eq(tls_write(w.tls, x->bytes, x->n), (ssize_t)x->n);
	expect_failed(x->what);
	UNTIL(w.ended != ERR_AGAIN);
	/* told why, in a DISCONNECT */
	ck_assert_int_eq(w.ended, 0);
	ck_assert_uint_gt(w.plain.len, FRAME_HEADER);
	ck_assert_uint_eq(w.plain.data[4], FRAME_DISCONNECT);
	sent_away();
}
END_TEST

/* The same behind a login: told too, and the session hears an end. */
START_TEST(test_wrong_later)
{
	running("cat");
	w.raw = true;
	/* a second LOGIN */
	ck_assert_int_eq(tls_write(w.tls, "\0\0\0\x09\x32", 5), 5);
	expect_failed(IPC_FAILED_ORDER);
	expect_end_of_channel();
	UNTIL(w.ended != ERR_AGAIN);
	ck_assert_int_eq(w.ended, 0);
	ck_assert_uint_gt(w.plain.len, FRAME_HEADER);
	ck_assert_uint_eq(w.plain.data[4], FRAME_DISCONNECT);
	sent_away();
}
END_TEST

/* ---- one process ------------------------------------------------------- */

START_TEST(test_exec)
{
	char b[100] = "";
	struct rd r;
	char name[MSG_NAME_MAX];

	running("the command");
	ck_assert_uint_eq(proc.start.kind, IPC_START_EXEC);
	ck_assert_uint_eq(proc.start.channel, w.channel);
	ck_assert(!proc.start.pty);
	r = rd_of_span(proc.start.opaque);
	rd_cstring(&r, name, sizeof(name));
	ck_assert_str_eq(name, "exec");
	ck_assert(span_eq((struct span){ (const uint8_t *)"\0\0\0\13the "
	    "command", 15 }, rd_string(&r, 100)));
	ck_assert_int_eq(rd_end(&r), 0);

	client_sends("to the process", 14);
	ck_assert_uint_eq(read_all(proc.in, b, 14), 14);
	ck_assert_str_eq(b, "to the process");
	ck_assert_int_eq(dprintf(proc.out, "stdout"), 6);
	ck_assert_int_eq(dprintf(proc.err, "stderr"), 6);
	UNTIL(w.seen.got[0] == 6 && w.seen.got[1] == 6);
	ck_assert_str_eq(w.seen.text[0], "stdout");
	ck_assert_str_eq(w.seen.text[1], "stderr");
	/* our end reaches it, and its last words us */
	ck_assert_int_eq(conn_eof(w.conn, w.channel), 0);
	ck_assert_uint_eq(read_all(proc.in, b, sizeof(b)), 0);
	ck_assert_int_eq(dprintf(proc.out, " after"), 6);
	exits(7);
	finished(7);
	ck_assert_str_eq(w.seen.text[0], "stdout after");
}
END_TEST

/* All input and its end come before there is a process. */
START_TEST(test_input_ahead)
{
	char b[100] = "";

	join(true);
	ask_login();
	open_channel("cat");
	client_sends("early", 5);
	ck_assert_int_eq(conn_eof(w.conn, w.channel), 0);
	log_in();
	expect_start();
	give_pipes();
	ck_assert_uint_eq(read_all(proc.in, b, sizeof(b)), 5);
	ck_assert_str_eq(b, "early");
	exits(0);
	finished(0);
}
END_TEST

START_TEST(test_only_end_ahead)
{
	char b[10];

	join(true);
	ask_login();
	open_channel("cat");
	ck_assert_int_eq(conn_eof(w.conn, w.channel), 0);
	log_in();
	expect_start();
	give_pipes();
	ck_assert_uint_eq(read_all(proc.in, b, sizeof(b)), 0);
	exits(0);
	finished(0);
}
END_TEST

START_TEST(test_killed)
{
	running("loop");
	ck_assert_int_eq(conn_request(w.conn, w.channel, MSG_REQ_SIGNAL,
	    false, (struct span){ (const uint8_t *)"\0\0\0\4TERM", 8 }), 0);
	struct chan_msg m = expect(IPC_NET_SIGNAL);
	uint32_t channel;
	uint8_t index;

	ck_assert_int_eq(ipc_net_signal_decode(m.body, &channel, &index), 0);
	ck_assert_uint_eq(channel, w.channel);
	ck_assert_int_eq(ipc_signals[index].number, SIGTERM);
	close_fd(&proc.in);
	close_fd(&proc.out);
	close_fd(&proc.err);
	give_exit(w.channel, true, index);
	finished(UINT32_MAX);
	ck_assert_str_eq(w.seen.died.name, "TERM");
}
END_TEST

/* The session knows of the exit before the output was read. */
START_TEST(test_exit_before_output)
{
	int status;

	running("echo");
	ck_assert_int_eq(kill(w.pid, SIGSTOP), 0);
	ck_assert_int_eq(waitpid(w.pid, &status, WUNTRACED), w.pid);
	ck_assert_int_eq(dprintf(proc.out, "late"), 4);
	exits(3);
	ck_assert_int_eq(kill(w.pid, SIGCONT), 0);
	finished(3);
	ck_assert_str_eq(w.seen.text[0], "late");
}
END_TEST

/* A child in the background keeps the pipes: its output comes too. */
START_TEST(test_background)
{
	running("sleep &");
	give_exit(w.channel, false, 0);
	ck_assert_int_eq(dprintf(proc.out, "more"), 4);
	UNTIL(w.seen.got[0] == 4);
	ck_assert_uint_eq(w.seen.closed, 0);
	close_fd(&proc.in);
	close_fd(&proc.out);
	close_fd(&proc.err);
	finished(0);
}
END_TEST

/* The process closes its output and works on. */
START_TEST(test_closes_output)
{
	running("daemon");
	close_fd(&proc.out);
	close_fd(&proc.err);
	UNTIL(w.seen.eof == 1);
	ck_assert_uint_eq(w.seen.closed, 0);
	exits(0);
	finished(0);
}
END_TEST

/* yes | head here: the writer hears of it. */
START_TEST(test_reader_gone)
{
	static char b[65536];
	ssize_t n;

	running("yes");
	ck_assert_int_eq(fcntl(proc.out, F_SETFL, O_NONBLOCK), 0);
	ck_assert_int_eq(conn_discard(w.conn, w.channel, CONN_DATA), 0);
	while ((n = write(proc.out, b, sizeof(b))) > 0 || errno == EAGAIN) {
		struct pollfd p = { .fd = proc.out, .events = POLLOUT };

		client_step();
		ck_assert_int_ge(poll(&p, 1, 10), 0);
	}
	ck_assert_int_eq(errno, EPIPE);
	exits(0);
	finished(0);
}
END_TEST

/* The process reads no more: the client is told, and what it still sends
 * goes nowhere and stops nobody. */
START_TEST(test_input_unread)
{
	static uint8_t b[4 * MIB];

	running("head");
	close_fd(&proc.in);
	client_sends(b, MIB);
	UNTIL(w.seen.eow == 1);
	ck_assert_int_eq(dprintf(proc.out, "done"), 4);
	exits(0);
	finished(0);
	ck_assert_str_eq(w.seen.text[0], "done");
}
END_TEST

START_TEST(test_not_started)
{
	join(true);
	ask_login();
	open_channel("x");
	log_in();
	expect_start();
	(void)ipc_net_not_started_encode(&w.out, w.channel, "no more room");
	tell(NULL, 0);
	UNTIL(w.seen.closed == 1);
	ck_assert_uint_eq(w.seen.failed, 1);
	ck_assert_uint_eq(w.seen.ok, 0);
	ck_assert_str_eq(w.seen.text[1], "certlogin: no more room\r\n");
	ck_assert_uint_eq(w.seen.status, UINT32_MAX);
	leave();
}
END_TEST

/* ---- terminals --------------------------------------------------------- */

static struct span
pty_request(struct buf *b)
{
	struct msg_pty p = { .term = "xterm", .window = { 80, 25, 640, 480 },
	    .modes = { (const uint8_t *)"", 1 } };

	buf_init(b, 1024);
	msg_pty_put(b, &p);
	return (struct span){ b->data, b->len };
}

/* Logged in, with a terminal whose other side is proc.in. */
static void
terminal(void)
{
	struct buf b;
	char name[100];
	int master;

	join(true);
	ask_login();
	ck_assert_int_eq(conn_open(w.conn, &w.channel), 0);
	ck_assert_int_eq(conn_request(w.conn, w.channel, MSG_REQ_PTY, true,
	    pty_request(&b)), 0);
	ck_assert_int_eq(conn_request(w.conn, w.channel, MSG_REQ_SHELL, true,
	    (struct span){ NULL, 0 }), 0);
	buf_free(&b);
	log_in();
	expect_start();
	master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(master, 0);
	ck_assert_int_eq(grantpt(master), 0);
	ck_assert_int_eq(unlockpt(master), 0);
	ck_assert_int_eq(ptsname_r(master, name, sizeof(name)), 0);
	proc.in = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(proc.in, 0);
	proc.out = proc.err = -1;
	(void)ipc_net_started_encode(&w.out, w.channel);
	tell(&master, 1);
	(void)close(master);
	UNTIL(w.seen.ok == 2);
}

START_TEST(test_terminal)
{
	uint8_t window[16] = { 0, 0, 0, 100, 0, 0, 0, 50 };
	struct ipc_window size;
	struct chan_msg m;
	uint32_t channel;
	char b[10] = "";

	terminal();
	ck_assert_uint_eq(proc.start.kind, IPC_START_SHELL);
	ck_assert(proc.start.pty);
	ck_assert_uint_eq(proc.start.window.columns, 80);
	ck_assert_uint_eq(proc.start.window.rows, 25);
	ck_assert_uint_eq(proc.start.window.height, 480);
	ck_assert_ptr_nonnull(memmem(proc.opaque, proc.start.opaque.n,
	    "xterm", 5));
	ck_assert_int_eq(conn_request(w.conn, w.channel,
	    MSG_REQ_WINDOW_CHANGE, false, (struct span){ window, 16 }), 0);
	m = expect(IPC_NET_WINCH);
	ck_assert_int_eq(ipc_net_winch_decode(m.body, &channel, &size), 0);
	ck_assert_uint_eq(size.columns, 100);
	ck_assert_uint_eq(size.rows, 50);
	client_sends("line\n", 5);
	ck_assert_uint_eq(read_all(proc.in, b, 5), 5);
	ck_assert_str_eq(b, "line\n");
	ck_assert_int_eq(dprintf(proc.in, "output"), 6);
	UNTIL(strstr(w.seen.text[0], "output") != NULL);
	exits(0);
	finished(0);
}
END_TEST

/* Somebody else holds the terminal when its leader ends: nothing that was
 * written is lost, and nobody waits. */
START_TEST(test_terminal_held)
{
	static char b[3000];

	terminal();
	memset(b, 'x', sizeof(b));
	ck_assert_int_eq(write(proc.in, b, sizeof(b)), sizeof(b));
	give_exit(w.channel, false, 1);
	finished(1);
	ck_assert_uint_eq(w.seen.got[0], sizeof(b));
	close_fd(&proc.in);
}
END_TEST

/* Its reader is gone: it is hung up. */
START_TEST(test_terminal_reader_gone)
{
	struct chan_msg m;
	uint32_t channel;

	terminal();
	ck_assert_int_eq(conn_discard(w.conn, w.channel, CONN_DATA), 0);
	m = expect(IPC_NET_CLOSED);
	ck_assert_int_eq(ipc_net_closed_decode(m.body, &channel), 0);
	ck_assert_uint_eq(channel, w.channel);
	close_fd(&proc.in);
	give_exit(w.channel, true, (uint32_t)ipc_signal_by_name("HUP"));
	finished(UINT32_MAX);
	ck_assert_str_eq(w.seen.died.name, "HUP");
}
END_TEST

/* ---- much data --------------------------------------------------------- */

/* Writes 64 MiB and is gone. */
START_TEST(test_much_output)
{
	int status;
	pid_t pid;

	running("big");
	pid = writer(64 * MIB);
	close_fd(&proc.in);
	close_fd(&proc.out);
	close_fd(&proc.err);
	UNTIL(w.seen.eof == 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	give_exit(w.channel, false, 3);
	finished(3);
	ck_assert_uint_eq(w.seen.got[0], 64 * MIB);
	ck_assert_uint_eq(w.seen.sum, sum_of(64 * MIB));
}
END_TEST

/* 64 MiB to a process that reads and exits at their end. */
START_TEST(test_much_input)
{
	static uint8_t b[MIB];
	uint32_t sum = 0;
	int report[2], status;
	pid_t pid;

	running("sum");
	ck_assert_int_eq(pipe(report), 0);
	if ((pid = fork()) == 0) {
		ssize_t n;

		while ((n = read(proc.in, b, sizeof(b))) > 0)
			sum = sum_on(sum, b, (size_t)n);
		_exit(write(report[1], &sum, sizeof(sum)) !=
		    sizeof(sum));
	}
	close_fd(&proc.in);
	for (size_t done = 0; done < 64 * MIB; done += sizeof(b)) {
		for (size_t i = 0; i < sizeof(b); i++)
			b[i] = byte_at(done + i);
		client_sends(b, sizeof(b));
	}
	ck_assert_int_eq(conn_eof(w.conn, w.channel), 0);
	ck_assert_uint_eq(read_all(report[0], (char *)&sum, sizeof(sum)),
	    sizeof(sum));
	ck_assert_uint_eq(sum, sum_of(64 * MIB));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	(void)close(report[0]);
	(void)close(report[1]);
	exits(0);
	finished(0);
}
END_TEST

/* The client reads nothing for a while: what net holds is bounded, and then
 * all comes. */
START_TEST(test_client_stalls)
{
	size_t before;
	int status;
	pid_t pid;

	running("big");
	before = memory();
	w.stalled = true;
	pid = writer(64 * MIB);
	close_fd(&proc.in);
	close_fd(&proc.err);
	/* the pipe stays full: net takes no more */
	for (int i = 0; i < 20; i++) {
		struct pollfd p = { .fd = proc.out, .events = POLLOUT };

		if (poll(&p, 1, 50) != 0)
			i = 0;
	}
	ck_assert_uint_lt(memory(), before + CONN_OUT_MAX / 1024 + SLACK);
	w.stalled = false;
	close_fd(&proc.out);
	UNTIL(w.seen.eof == 1);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	give_exit(w.channel, false, 0);
	finished(0);
	ck_assert_uint_eq(w.seen.sum, sum_of(64 * MIB));
}
END_TEST

static size_t
send_until_blocked(void)
{
	static uint8_t b[CONN_DATA_ROOM];
	size_t sent = 0, room;
	int idle = 0;

	while (idle < 20) {
		struct pollfd p = { .fd = w.client, .events = POLLIN };
		uint8_t *to;

		client_step();
		to = conn_reserve(w.conn, w.channel, CONN_DATA, &room);
		if (to == NULL) {
			idle = poll(&p, 1, 50) == 0 &&
			    conn_output(w.conn).n == 0 ? idle + 1 : 0;
			continue;
		}
		memcpy(to, b, room);
		conn_commit(w.conn, w.channel, CONN_DATA, room);
		sent += room;
		idle = 0;
	}
	return sent;
}

/* The process reads nothing: net takes a window and no more. */
START_TEST(test_process_stalls)
{
	size_t before, sent;

	running("sleep");
	before = memory();
	sent = send_until_blocked();
	ck_assert_uint_ge(sent, CONN_WINDOW);
	ck_assert_uint_le(sent, CONN_WINDOW + MIB);
	ck_assert_uint_lt(memory(), before + CONN_WINDOW / 1024 + SLACK);
	exits(0);
	finished(0);
}
END_TEST

/* ---- many channels ----------------------------------------------------- */

/* A client that opens and closes for ever waits for what it has begun. */
START_TEST(test_places)
{
	uint32_t id[CONN_CHANNELS], last;

	join(true);
	ask_login();
	log_in();
	for (size_t i = 0; i < CONN_CHANNELS; i++) {
		open_channel("x");
		id[i] = w.channel;
		expect_start();
		ck_assert_uint_eq(proc.start.channel, id[i]);
		give_pipes();
		close_fd(&proc.in);
		close_fd(&proc.out);
		close_fd(&proc.err);
	}
	UNTIL(w.seen.ok == CONN_CHANNELS);
	for (size_t i = 0; i < CONN_CHANNELS; i++) {
		ck_assert_int_eq(conn_close(w.conn, id[i]), 0);
		(void)expect(IPC_NET_CLOSED);
	}
	UNTIL(!conn_busy(w.conn));
	ck_assert_int_eq(conn_open(w.conn, &last), 0);
	UNTIL(w.seen.open_failed == 1);
	ck_assert_uint_eq(w.seen.open_code, MSG_OPEN_SHORTAGE);
	give_exit(id[3], false, 0);
	/* net has read it when the next one is answered */
	for (w.seen.opened = 0; w.seen.opened == 0; ) {
		unsigned failed = w.seen.open_failed;

		ck_assert_int_eq(conn_open(w.conn, &last), 0);
		UNTIL(w.seen.opened == 1 || w.seen.open_failed > failed);
	}
	leave();
}
END_TEST

/* The client leaves while the session starts it. */
START_TEST(test_left_early)
{
	join(true);
	ask_login();
	log_in();
	for (int i = 0; i < 2; i++) {
		open_channel("x");
		expect_start();
		ck_assert_int_eq(conn_close(w.conn, w.channel), 0);
		(void)expect(IPC_NET_CLOSED);
		if (i == 0) {
			give_pipes();
			exits(0);
			continue;
		}
		(void)ipc_net_not_started_encode(&w.out, w.channel, "no");
		tell(NULL, 0);
	}
	UNTIL(!conn_busy(w.conn));
	ck_assert_uint_eq(w.seen.ok + w.seen.failed, 0);
	leave();
}
END_TEST

/* Forwardings are not served. */
START_TEST(test_other_kinds)
{
	static const char *const kinds[] = { "direct-streamlocal@openssh.com",
	    "direct-tcpip", "x11" };
	struct msg_open m = { .channel = 1, .path = "/x" };
	struct buf b;
	size_t at;

	join(true);
	ask_login();
	log_in();
	w.raw = true;
	m.kind = _i == 0 ? MSG_OPEN_DIRECT_STREAMLOCAL : MSG_OPEN_OTHER;
	(void)snprintf(m.name, sizeof(m.name), "%s", kinds[_i]);
	buf_init(&b, 1024);
	at = frame_begin(&b, FRAME_OPEN);
	msg_open_put(&b, &m);
	frame_end(&b, at);
	ck_assert_int_eq(tls_write(w.tls, b.data, b.len), (ssize_t)b.len);
	buf_free(&b);
	UNTIL(w.plain.len > FRAME_HEADER + 8);
	ck_assert_uint_eq(w.plain.data[4], FRAME_OPEN_FAILURE);
	ck_assert_uint_eq(frame_get_u32(w.plain.data + 9), _i == 0 ?
	    MSG_OPEN_PROHIBITED : MSG_OPEN_UNKNOWN_TYPE);
	leave();
}
END_TEST

/* ---- the other side ends ----------------------------------------------- */

START_TEST(test_client_dies)
{
	struct linger now = { 1, 0 };
	char b[1];

	running("loop");
	if (_i == 1)	/* a reset instead of an end */
		ck_assert_int_eq(setsockopt(w.client, SOL_SOCKET, SO_LINGER,
		    &now, sizeof(now)), 0);
	close_fd(&w.client);
	w.shaken = w.ended = ERR_EOF;
	expect_end_of_channel();
	/* and the process is without input and reader */
	ck_assert_uint_eq(read_all(proc.in, b, 1), 0);
	ck_assert_int_lt(write(proc.out, "x", 1), 0);
	ends();
	clean_up();
}
END_TEST

START_TEST(test_session_dies)
{
	running("loop");
	close_fd(&w.session);
	UNTIL(w.seen.disconnect == 1);
	ck_assert_uint_eq(w.seen.goodbye.code, MSG_CONNECTION_LOST);
	sent_away();
}
END_TEST

START_TEST(test_session_dies_undecided)
{
	join(true);
	ask_login();
	give_signature();
	expect_login("alice", "al");
	close_fd(&w.session);
	UNTIL(w.seen.failure == 1);
	ck_assert_str_ne(w.seen.reason.reason, "");
	sent_away();
}
END_TEST

START_TEST(test_session_dies_early)
{
	join(true);
	ask_login();
	if (_i == 1)
		(void)expect(IPC_NET_SIGN);
	close_fd(&w.session);
	UNTIL(w.ended != ERR_AGAIN);
	ck_assert_int_eq(tls_alert_got(w.tls), TLS_ALERT_INTERNAL_ERROR);
	sent_away();
}
END_TEST

START_TEST(test_ended)
{
	running("loop");
	(void)ipc_text_encode(&w.out, IPC_NET_END, "your certificate was "
	    "revoked");
	tell(NULL, 0);
	UNTIL(w.seen.disconnect == 1);
	ck_assert_str_eq(w.seen.goodbye.text, "your certificate was revoked");
	ck_assert_uint_eq(w.seen.goodbye.code, MSG_BY_APPLICATION);
	expect_end_of_channel();
	sent_away();
}
END_TEST

/* It is ended while much waits for a client that reads slowly and still
 * sends: the reason reaches it behind all that. */
START_TEST(test_ended_behind_output)
{
	pid_t pid;

	narrow = true;
	running("big");
	w.stalled = true;
	pid = writer(64 * MIB);
	close_fd(&proc.in);
	close_fd(&proc.err);
	for (int i = 0; i < 10; i++) {
		struct pollfd p = { .fd = proc.out, .events = POLLOUT };

		if (poll(&p, 1, 50) != 0)
			i = 0;
	}
	(void)ipc_text_encode(&w.out, IPC_NET_END, "time is up");
	tell(NULL, 0);
	expect_end_of_channel();
	client_sends("typed ahead", 11);
	w.stalled = false;
	UNTIL(w.seen.disconnect == 1);
	ck_assert_str_eq(w.seen.goodbye.text, "time is up");
	UNTIL(w.ended != ERR_AGAIN);
	ck_assert_int_eq(w.ended, 0);
	/* the writer was hung up with its pipe */
	close_fd(&proc.out);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
	sent_away();
}
END_TEST

/* ---- words that the session must not say now --------------------------- */

static void
say_signed(void)
{
	(void)ipc_net_signed_encode(&w.out, (struct span){
	    (const uint8_t *)"x", 1 });
	tell(NULL, 0);
}

static void
say_started(uint32_t channel, size_t n)
{
	const int fds[3] = { w.client, w.client, w.client };

	(void)ipc_net_started_encode(&w.out, channel);
	tell(fds, n);
}

static void
say_wrong(int i)
{
	switch (i) {
	case 0:
		give_success();
		break;
	case 1:
		refuse(0);
		break;
	case 2:
		say_signed();
		break;
	case 3:
		say_started(99, 3);
		break;
	case 4:
		say_started(w.channel, 3);
		break;
	case 5:
		give_exit(99, false, 0);
		break;
	case 6:
		(void)ipc_net_join_encode(&w.out, w.random);
		tell(&w.client, 1);
		break;
	case 7:
		(void)ipc_net_started_encode(&w.out, w.channel);
		buf_put_u8(&w.out, 0);
		tell(NULL, 0);
		break;
	case 8:
		(void)ipc_net_not_started_encode(&w.out, w.channel, "x");
		tell(NULL, 0);
		break;
	case 9: {
		struct ipc_exited e = { .channel = w.channel };

		/* right but for the descriptor that comes with it */
		(void)ipc_net_exited_encode(&w.out, &e);
		tell(&w.client, 1);
		break;
	}
	default:
		(void)ipc_empty_encode(&w.out, 200);
		tell(NULL, 0);
		break;
	}
}
#define WRONG_WORDS 11

START_TEST(test_session_out_of_turn)
{
	running("loop");
	say_wrong(_i);
	UNTIL(w.seen.disconnect == 1);
	ck_assert_uint_eq(w.seen.goodbye.code, MSG_CONNECTION_LOST);
	expect_end_of_channel();
	sent_away();
}
END_TEST

/* The wrong number of descriptors for what was asked. */
START_TEST(test_wrong_descriptors)
{
	static const size_t n[] = { 0, 1, 2, 4 };
	const int fds[4] = { 0, 0, 0, 0 };

	join(true);
	ask_login();
	open_channel("x");
	log_in();
	expect_start();
	(void)ipc_net_started_encode(&w.out, w.channel);
	tell(fds, n[_i]);
	UNTIL(w.seen.disconnect == 1);
	ck_assert_uint_eq(w.seen.ok, 0);
	sent_away();
}
END_TEST

/* A verdict that nobody asked for opens nothing. */
START_TEST(test_verdict_too_early)
{
	join(true);
	give_success();
	if (_i == 0)
		ask_login();
	UNTIL(w.ended != ERR_AGAIN);
	ck_assert_int_eq(tls_alert_got(w.tls), TLS_ALERT_INTERNAL_ERROR);
	ck_assert_uint_eq(w.seen.success, 0);
	sent_away();
}
END_TEST

static TCase *
add_case(Suite *s, const char *name)
{
	TCase *t = tcase_create(name);

	tcase_set_timeout(t, 120);
	suite_add_tcase(s, t);
	return t;
}

static void
add_process_tests(Suite *s)
{
	TCase *t = add_case(s, "process");

	tcase_add_test(t, test_exec);
	tcase_add_test(t, test_input_ahead);
	tcase_add_test(t, test_only_end_ahead);
	tcase_add_test(t, test_killed);
	tcase_add_test(t, test_exit_before_output);
	tcase_add_test(t, test_background);
	tcase_add_test(t, test_closes_output);
	tcase_add_test(t, test_reader_gone);
	tcase_add_test(t, test_input_unread);
	tcase_add_test(t, test_not_started);
	t = add_case(s, "terminal");
	tcase_add_test(t, test_terminal);
	tcase_add_test(t, test_terminal_held);
	tcase_add_test(t, test_terminal_reader_gone);
	t = add_case(s, "data");
	tcase_add_test(t, test_much_output);
	tcase_add_test(t, test_much_input);
	tcase_add_test(t, test_client_stalls);
	tcase_add_test(t, test_process_stalls);
	t = add_case(s, "channels");
	tcase_add_test(t, test_places);
	tcase_add_test(t, test_left_early);
	tcase_add_loop_test(t, test_other_kinds, 0, 3);
}

static void
add_ending_tests(Suite *s)
{
	TCase *t = add_case(s, "ending");

	tcase_add_loop_test(t, test_client_dies, 0, 2);
	tcase_add_test(t, test_session_dies);
	tcase_add_test(t, test_session_dies_undecided);
	tcase_add_loop_test(t, test_session_dies_early, 0, 2);
	tcase_add_test(t, test_ended);
	tcase_add_test(t, test_ended_behind_output);
	t = add_case(s, "session");
	tcase_add_loop_test(t, test_session_out_of_turn, 0, WRONG_WORDS);
	tcase_add_loop_test(t, test_wrong_descriptors, 0, 4);
	tcase_add_loop_test(t, test_verdict_too_early, 0, 2);
}

int
main(void)
{
	Suite *s = suite_create("net");
	TCase *t;
	SRunner *r;
	int failed;

	(void)signal(SIGPIPE, SIG_IGN);
	t = add_case(s, "login");
	tcase_add_test(t, test_login);
	tcase_add_test(t, test_refused_by_alert);
	tcase_add_test(t, test_refused_with_reason);
	tcase_add_test(t, test_no_signature);
	t = add_case(s, "strangers");
	tcase_add_test(t, test_junk);
	tcase_add_test(t, test_gone_at_once);
	tcase_add_test(t, test_gone_before_login);
	tcase_add_loop_test(t, test_wrong_first, 0,
	    (int)(sizeof(wrongs) / sizeof(wrongs[0])));
	tcase_add_test(t, test_wrong_later);
	add_process_tests(s);
	add_ending_tests(s);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
