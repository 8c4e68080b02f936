/*
 * certlogin-session: one per connection, root.  Started ahead by certlogind,
 * waits with PAM's modules loaded until a connection is joined.
 *
 * Descriptors: 3 channel to certlogind, 4 channel to certlogin-net, 5 sealed
 * settings, 6 certlogin-start's executable, 7 certlogin-net's process.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/about.h"
#include "base/helper.h"
#include "base/log.h"
#include "base/memfile.h"
#include "proto/chan.h"
#include "session/session.h"

enum { FD_NET = HELPER_FD, FD_SETTINGS, FD_START, FD_NET_PROCESS };

#define SETTINGS_MAX 65536
#define REFUSE_MS 5000		/* for net to tell the client */

void
session_log(struct session *s, const char *fmt, ...)
{
	char text[IPC_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (s->listener < 0 || !s->understood || s->lost != 0) {
		log_open("certlogin-session", 0, LOG_LEVEL_INFO);
		log_info("%s", text);
		return;
	}
	(void)ipc_text_encode(&s->out, IPC_SES_LOG, text);
	(void)chan_send(s->listener, &s->out, NULL, 0);
}

/* What a certificate may make long comes last. */
static void
log_login(struct session *s)
{
	char identity[sizeof(s->verdict.identity)];
	char issuer[sizeof(s->verdict.issuer)];

	session_log(s, "login: account=%s address=%s rule=%u reference=%llu "
	    "serial=%s identity=\"%s\" issuer=\"%s\"", s->account.name,
	    s->host, s->verdict.rule_line, (unsigned long long)s->reference,
	    s->verdict.serial, err_unquote(identity, sizeof(identity),
	    s->verdict.identity), err_unquote(issuer, sizeof(issuer),
	    s->verdict.issuer));
}

/* Wait until net closed its end, so that the person gets the reason. */
static void
wait_for_net(struct session *s)
{
	struct chan_msg m;

	for (int i = 0; i < 8; i++) {
		if (chan_recv_timeout(s->net, &s->in, &m, 0, REFUSE_MS) != 0)
			return;
		chan_close_fds(&m);
	}
}

int
session_refuse(struct session *s, uint8_t alert, enum ipc_refusal kind,
    const char *reason, const char *detail)
{
	static struct ipc_ses_refused f;
	static struct ipc_refuse n;

	f = (struct ipc_ses_refused){ .kind = (uint8_t)kind };
	(void)snprintf(f.account, sizeof(f.account), "%s", s->asked);
	(void)snprintf(f.reason, sizeof(f.reason), "%s", reason);
	(void)snprintf(f.detail, sizeof(f.detail), "%s", detail);
	if (ipc_ses_refused_encode(&s->out, &f) == 0 && s->listener >= 0)
		(void)chan_send(s->listener, &s->out, NULL, 0);
	n = (struct ipc_refuse){ .alert = alert, .reference = s->reference };
	(void)snprintf(n.reason, sizeof(n.reason), "%s", reason);
	if (ipc_net_refuse_encode(&s->out, &n) == 0 &&
	    chan_send(s->net, &s->out, NULL, 0) == 0)
		wait_for_net(s);
	return ERR_REFUSED;
}

int
session_register(struct session *s, int channel)
{
	static struct ipc_register g;
	int r;

	g = (struct ipc_register){ .reference = s->reference,
	    .policy = s->verdict.policy, .since = s->since,
	    .expires = s->verdict.expires, .pid = (uint32_t)getpid(),
	    .rule_line = s->verdict.rule_line, .port = s->port };
	memcpy(g.account, s->account.name, sizeof(g.account));
	memcpy(g.identity, s->verdict.identity, sizeof(g.identity));
	memcpy(g.issuer, s->verdict.issuer, sizeof(g.issuer));
	memcpy(g.serial, s->verdict.serial, sizeof(g.serial));
	memcpy(g.address, s->host, sizeof(g.address));
	memcpy(g.tty, s->tty, sizeof(g.tty));
	if ((r = ipc_register_encode(&s->out, &g)) != 0)
		return r;
	return chan_send(channel, &s->out, &s->proof, 1);
}

/* ---- start ------------------------------------------------------------------------ */

static int
read_settings(struct session *s)
{
	struct span text;
	int r = memfile_map(FD_SETTINGS, SETTINGS_MAX, &text);

	if (r != 0)
		return r;
	r = ipc_settings_get(rd_of_span(text), &s->set);
	memfile_unmap(text);
	(void)close(FD_SETTINGS);
	return r;
}

static int
open_signals(struct session *s)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return ERR_SYS;
	s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signals >= 0 ? 0 : ERR_SYS;
}

/* certlogind raised its own limit; the user gets what it started with. */
static void
restore_limit(const struct session *s)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	if (s->set.open_files < l.rlim_max)
		l.rlim_cur = s->set.open_files;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

/* Everything that can be done before there is a connection. */
static int
warm_up(struct session *s)
{
	struct why why;
	int r;

	for (int fd = HELPER_CHANNEL; fd <= FD_NET_PROCESS; fd++)
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0)
			return ERR_SYS;
	s->listener = HELPER_CHANNEL;
	s->understood = true;
	s->net = FD_NET;
	s->start_exe = FD_START;
	s->net_process = FD_NET_PROCESS;
	s->hostkey = s->judge = s->proof = -1;
	buf_init(&s->in, CHAN_MSG_MAX);
	buf_init(&s->out, CHAN_MSG_MAX);
	if ((r = read_settings(s)) != 0 || (r = open_signals(s)) != 0)
		return r;
	restore_limit(s);
	if (getrandom(s->random, sizeof(s->random), 0) !=
	    (ssize_t)sizeof(s->random) ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
		return ERR_SYS;
	if ((s->pam = pam_warm(&s->set, &why)) == NULL) {
		session_log(s, "session: %s", why.text);
		return ERR_SYS;
	}
	return 0;
}

static int
set_address(struct session *s, const struct ipc_ses_join *j)
{
	memcpy(s->address, j->address.p, j->address.n);
	s->address_len = j->address.n;
	if (inet_ntop(j->address.n == 4 ? AF_INET : AF_INET6, s->address,
	    s->host, sizeof(s->host)) == NULL)
		return ERR_SYS;
	s->port = j->port;
	(void)snprintf(s->from, sizeof(s->from), "%s %u", s->host, j->port);
	return 0;
}

/* Wait for a connection and hand its socket to net. */
static int
join(struct session *s)
{
	struct ipc_ses_join j;
	struct chan_msg m;
	int r = chan_recv(s->listener, &s->in, &m, 2);

	if (r != 0)
		return r;
	if (m.type != IPC_SES_JOIN || m.n_fds != 2) {
		chan_close_fds(&m);
		return ERR_TYPE;
	}
	s->hostkey = m.fds[1];
	if ((r = ipc_ses_join_decode(m.body, &j)) == 0 &&
	    (r = set_address(s, &j)) == 0) {
		s->reference = j.reference;
		(void)ipc_net_join_encode(&s->out, s->random);
		r = chan_send(s->net, &s->out, m.fds, 1);
	}
	(void)close(m.fds[0]);
	return r;
}

int
main(int argc, char **argv)
{
	static struct session s;
	int r;

	if (about_asked("certlogin-session", NULL, argc, argv))
		return 0;
	if (helper_begin("certlogin-session") != 0) {
		(void)fprintf(stderr, "certlogin-session: is started by "
		    "certlogind, not by hand\n");
		return 2;
	}
	if (warm_up(&s) != 0 || join(&s) != 0)
		return 1;
	if ((r = login_run(&s)) == 0) {
		log_login(&s);
		serve_run(&s);
	}
	pam_finish(s.pam);
	if (r == 0)
		session_log(&s, "logout: account=%s address=%s reference=%llu",
		    s.account.name, s.host, (unsigned long long)s.reference);
	buf_free(&s.in);
	buf_free(&s.out);
	return 0;
}
