/*
 * A captured certlogin-net.  It stands between certlogin-session and the
 * honest one, which it starts, and tells the session something else than that
 * said; its lie (liar.h) is one of the table below or
 *
 *	account NAME	LOGIN for another account
 *	foreign NAME	answers the client itself as another host, whose
 *			certificate and key are foreign.crt and foreign.key
 *			in the folder of spoils (lyingnet.h), and relays who
 *			came as somebody for account NAME
 *	repaired NAME	the same, with the right certificate put back
 *
 * What "keep" saw is kept in the spoils for the others.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/path.h"
#include "liar.h"
#include "lyingnet.h"
#include "x509/handshake.h"

/* ---- spoils ------------------------------------------------------------- */

static const char *
spoil_path(char dst[LIAR_PATH_MAX], const char *name)
{
	char rel[80];

	(void)snprintf(rel, sizeof(rel), "spoils/%s", name);
	return liar_path(dst, rel);
}

int
spoil_open(const char *name, int flags)
{
	char path[LIAR_PATH_MAX];

	return open(spoil_path(path, name), flags | O_CLOEXEC, 0600);
}

static void
keep(const char *name, struct span what)
{
	int fd = spoil_open(name, O_WRONLY | O_CREAT | O_TRUNC);

	if (fd >= 0)
		(void)path_write_all(fd, what.p, what.n);
	(void)close(fd);
}

/* What was kept, in b. */
static struct span
kept(struct buf *b, const char *name)
{
	int fd = spoil_open(name, O_RDONLY);

	buf_init(b, CHAN_MSG_MAX);
	if (fd >= 0)
		(void)path_read(fd, IPC_TRANSCRIPT_MAX, b, NULL);
	(void)close(fd);
	return (struct span){ b->data, b->len };
}

/* ---- pieces of a transcript --------------------------------------------- */

/* The nth message (from 0) of this type; whole.n is 0 if there is none. */
static struct handshake_msg
message(struct span transcript, uint8_t type, int nth)
{
	struct rd r = rd_of_span(transcript);

	while (r.err == 0 && r.n > 0) {
		struct handshake_msg m = handshake_next(&r);

		if (r.err == 0 && m.type == type && nth-- == 0)
			return m;
	}
	return (struct handshake_msg){ .type = type };
}

static struct span
client_certificate(struct span transcript)
{
	return message(transcript, HANDSHAKE_CERTIFICATE, 1).whole;
}

/* transcript with `with` in the place of `what`, which lies in it */
static void
put_replaced(struct buf *b, struct span transcript, struct span what,
    struct span with)
{
	size_t before = (size_t)(what.p - transcript.p);

	if (what.n == 0)
		return;
	buf_put_raw(b, transcript.p, before);
	buf_put_raw(b, with.p, with.n);
	buf_put_raw(b, what.p + what.n, transcript.n - before - what.n);
}

/* One byte of a copy turned over, as far from the end as given. */
static void
put_flipped(struct buf *b, struct span transcript, size_t from_end)
{
	buf_put_raw(b, transcript.p, transcript.n);
	if (from_end > 0 && from_end <= b->len)
		b->data[b->len - from_end] ^= 1;
}

/* ---- what is told to the session ---------------------------------------- */

int
tell_login(struct net *n, struct span transcript, const char *account)
{
	static struct ipc_login l;

	l = (struct ipc_login){ .transcript = transcript };
	(void)snprintf(l.account, sizeof(l.account), "%s", account);
	(void)ipc_net_login_encode(&n->out, &l);
	return chan_send(HELPER_CHANNEL, &n->out, NULL, 0);
}

int
tell_sign(struct net *n, struct span transcript)
{
	(void)ipc_net_sign_encode(&n->out, transcript);
	return chan_send(HELPER_CHANNEL, &n->out, NULL, 0);
}

static int
keep_sign(struct net *n, struct chan_msg *m)
{
	struct span t;

	(void)n;
	if (ipc_net_sign_decode(m->body, &t) == 0)
		keep("sign", t);
	return liar_forward(HELPER_CHANNEL, m);
}

static int
keep_login(struct net *n, struct chan_msg *m)
{
	keep("login", n->login.transcript);
	return liar_forward(HELPER_CHANNEL, m);
}

static int
replay(struct net *n, struct chan_msg *m)
{
	struct buf b;
	int r;

	(void)m;
	r = tell_login(n, kept(&b, "login"), n->login.account);
	buf_free(&b);
	return r;
}

/* Somebody else's certificate, with one's own signature. */
static int
swap_certificate(struct net *n, struct chan_msg *m)
{
	struct span t = n->login.transcript;
	struct buf b, other;
	int r;

	(void)m;
	buf_init(&b, CHAN_MSG_MAX);
	put_replaced(&b, t, client_certificate(t),
	    client_certificate(kept(&other, "login")));
	r = tell_login(n, (struct span){ b.data, b.len }, n->login.account);
	buf_free(&b);
	buf_free(&other);
	return r;
}

/* Somebody else's certificate with the signature made for another login. */
static int
swap_both(struct net *n, struct chan_msg *m)
{
	struct span t = n->login.transcript, own = client_certificate(t), theirs;
	struct buf b, other;
	int r;

	(void)m;
	buf_init(&b, CHAN_MSG_MAX);
	theirs = kept(&other, "login");
	if (own.n > 0)
		buf_put_raw(&b, t.p, (size_t)(own.p - t.p));
	own = client_certificate(theirs);
	if (own.n > 0)
		buf_put_raw(&b, own.p,
		    theirs.n - (size_t)(own.p - theirs.p));
	r = tell_login(n, (struct span){ b.data, b.len }, n->login.account);
	buf_free(&b);
	buf_free(&other);
	return r;
}

static int
tell_flipped(struct net *n, size_t from_end)
{
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	put_flipped(&b, n->login.transcript, from_end);
	r = tell_login(n, (struct span){ b.data, b.len }, n->login.account);
	buf_free(&b);
	return r;
}

static int
alter_signature(struct net *n, struct chan_msg *m)
{
	(void)m;
	return tell_flipped(n, 1);
}

/* A byte of the client's random. */
static int
alter_hello(struct net *n, struct chan_msg *m)
{
	(void)m;
	return tell_flipped(n, n->login.transcript.n - 10);
}

static int
second_try(struct net *n, struct chan_msg *m)
{
	int r = tell_flipped(n, 1);

	return r != 0 ? r : liar_forward(HELPER_CHANNEL, m);
}

static int
login_twice(struct net *n, struct chan_msg *m)
{
	int r = tell_login(n, n->login.transcript, n->login.account);

	return r != 0 ? r : liar_forward(HELPER_CHANNEL, m);
}

static int
other_account(struct net *n, struct chan_msg *m)
{
	const char *blank = strchr(n->lie, ' ');

	(void)m;
	return tell_login(n, n->login.transcript,
	    blank != NULL ? blank + 1 : "");
}

/* What was asked before a login may be asked for. */
static int
login_first(struct net *n, struct chan_msg *m)
{
	return replay(n, m);
}

static int
start_first(struct net *n, struct chan_msg *m)
{
	const struct ipc_start s = { .channel = 1, .kind = IPC_START_SHELL,
	    .opaque = { (const uint8_t *)"", 0 } };

	(void)m;
	(void)ipc_net_start_encode(&n->out, &s);
	return chan_send(HELPER_CHANNEL, &n->out, NULL, 0);
}

static int
sign_twice(struct net *n, struct chan_msg *m)
{
	struct span t;
	int r = ipc_net_sign_decode(m->body, &t);

	if (r == 0)
		r = tell_sign(n, t);
	return r != 0 ? r : liar_forward(HELPER_CHANNEL, m);
}

static int
sign_empty(struct net *n, struct chan_msg *m)
{
	(void)m;
	chan_begin(&n->out, IPC_NET_SIGN);
	return chan_send(HELPER_CHANNEL, &n->out, NULL, 0);
}

static int
sign_replay(struct net *n, struct chan_msg *m)
{
	struct buf b;
	int r;

	(void)m;
	r = tell_sign(n, kept(&b, "sign"));
	buf_free(&b);
	return r;
}

/* A handshake of another host. */
static int
sign_foreign(struct net *n, struct chan_msg *m)
{
	struct span t, cert;
	struct buf b;
	int r = ipc_net_sign_decode(m->body, &t);

	buf_init(&b, CHAN_MSG_MAX);
	if (r == 0) {
		/* somewhere in the leaf, which comes first */
		cert = message(t, HANDSHAKE_CERTIFICATE, 0).whole;
		put_flipped(&b, t, cert.n - 100);
		r = tell_sign(n, (struct span){ b.data, b.len });
	}
	buf_free(&b);
	return r;
}

/* A terminal, and a shell in the place of the command that was asked for. */
static int
start_pty(struct net *n, struct chan_msg *m)
{
	struct ipc_start s;
	int r = ipc_net_start_decode(m->body, &s);

	if (r != 0)
		return r;
	s.pty = true;
	s.kind = IPC_START_SHELL;
	(void)ipc_net_start_encode(&n->out, &s);
	return chan_send(HELPER_CHANNEL, &n->out, NULL, 0);
}

/* Ask for ever and listen to no answer. */
static int
deaf(struct net *n, struct chan_msg *m)
{
	struct ipc_start s;
	int r = ipc_net_start_decode(m->body, &s);

	s.pty = true;
	for (; r == 0; s.channel += 2)
		if ((r = ipc_net_start_encode(&n->out, &s)) == 0)
			r = chan_send(HELPER_CHANNEL, &n->out, NULL, 0);
	return r;
}

static int
noise(struct net *n, struct chan_msg *m)
{
	(void)m;
	buf_reset(&n->out);
	buf_put_cstring(&n->out, "this is no message");
	return chan_send(HELPER_CHANNEL, &n->out, NULL, 0);
}

/* A transcript over the limit, and no other fault. */
static int
too_long(struct net *n, struct chan_msg *m)
{
	static const uint8_t zeros[IPC_TRANSCRIPT_MAX + 1];

	(void)m;
	chan_begin(&n->out, IPC_NET_LOGIN);
	buf_put_string(&n->out, zeros, sizeof(zeros));
	buf_put_cstring(&n->out, n->login.account);
	buf_put_cstring(&n->out, "");
	return chan_send(HELPER_CHANNEL, &n->out, NULL, 0);
}

static int
say_nothing(struct net *n, struct chan_msg *m)
{
	(void)n;
	(void)m;
	return 0;
}

static int
hang_up(struct net *n, struct chan_msg *m)
{
	(void)n;
	(void)m;
	return ERR_EOF;
}

/* ---- which lie when ----------------------------------------------------- */

/* When the honest one says `at`, act speaks in its place. */
static const struct {
	const char *lie;
	uint8_t at;
	int (*act)(struct net *, struct chan_msg *);
} rows[] = {
	{ "keep", IPC_NET_SIGN, keep_sign },
	{ "keep", IPC_NET_LOGIN, keep_login },
	{ "replay", IPC_NET_LOGIN, replay },
	{ "swap-certificate", IPC_NET_LOGIN, swap_certificate },
	{ "swap-both", IPC_NET_LOGIN, swap_both },
	{ "alter-signature", IPC_NET_LOGIN, alter_signature },
	{ "alter-hello", IPC_NET_LOGIN, alter_hello },
	{ "second-try", IPC_NET_LOGIN, second_try },
	{ "login-twice", IPC_NET_LOGIN, login_twice },
	{ "account", IPC_NET_LOGIN, other_account },
	{ "login-first", IPC_NET_SIGN, login_first },
	{ "start-first", IPC_NET_SIGN, start_first },
	{ "start-before-login", IPC_NET_LOGIN, start_first },
	{ "sign-twice", IPC_NET_SIGN, sign_twice },
	{ "sign-empty", IPC_NET_SIGN, sign_empty },
	{ "sign-replay", IPC_NET_SIGN, sign_replay },
	{ "sign-foreign", IPC_NET_SIGN, sign_foreign },
	{ "start-pty", IPC_NET_START, start_pty },
	{ "deaf", IPC_NET_START, deaf },
	{ "noise", IPC_NET_LOGIN, noise },
	{ "too-long", IPC_NET_LOGIN, too_long },
	{ "silence", IPC_NET_LOGIN, say_nothing },
	{ "hang-up", IPC_NET_LOGIN, hang_up },
};

/* A lie's first word. */
static bool
lie_is(const struct net *n, const char *word)
{
	return strcspn(n->lie, " ") == strlen(word) &&
	    strncmp(n->lie, word, strlen(word)) == 0;
}

static int
from_honest(struct net *n)
{
	struct chan_msg m;
	int r = chan_recv(n->honest, &n->in, &m, 0);

	if (r == 0 && m.type == IPC_NET_LOGIN)
		r = ipc_net_login_decode(m.body, &n->login);
	for (size_t i = 0; r == 0 && i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].at == m.type && lie_is(n, rows[i].lie))
			return rows[i].act(n, &m);
	return r != 0 ? r : liar_forward(HELPER_CHANNEL, &m);
}

/* ---- the session's first word, and then ---------------------------------- */

static int
join(struct net *n, char **argv)
{
	struct chan_msg m;
	int r = chan_recv(HELPER_CHANNEL, &n->in, &m, 1);

	if (r != 0)
		return r;
	(void)liar_lie(n->lie);
	if (lie_is(n, "foreign") || lie_is(n, "repaired")) {
		r = foreign_run(n, &m, lie_is(n, "repaired"));
		chan_close_fds(&m);
		return r != 0 ? r : ERR_EOF;
	}
	if ((n->honest = liar_start_honest(argv)) < 0)
		return n->honest;
	return liar_forward(n->honest, &m);
}

int
main(int argc, char **argv)
{
	static struct net n;
	struct pollfd p[2] = { { .fd = HELPER_CHANNEL, .events = POLLIN },
	    { .events = POLLIN } };
	int r;

	(void)argc;
	if (helper_begin("certlogin-net") != 0)
		return 2;
	buf_init(&n.in, CHAN_MSG_MAX);
	buf_init(&n.out, CHAN_MSG_MAX);
	r = join(&n, argv);
	p[1].fd = n.honest;
	while (r == 0 && poll(p, 2, -1) > 0)
		r = p[0].revents != 0 ?
		    liar_pass(HELPER_CHANNEL, n.honest, &n.in) :
		    from_honest(&n);
	buf_free(&n.in);
	buf_free(&n.out);
	return 0;
}
