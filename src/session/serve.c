/*
 * After LOGIN_SUCCESS: net asks for processes, certlogind may end us, the
 * processes end.  Runs until net is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mono.h"
#include "proto/chan.h"
#include "proto/hello.h"
#include "session/session.h"

#define COMPLAINTS_MAX 16	/* lines about requests that failed */
#define RETRY_MS 1000		/* looking for a new certlogind */
#define RETRY_MAX_MS 30000	/* one that answers and does not take us */
#define QUESTIONS 4		/* to certlogind in review-grace-time, */
#define QUESTION_MIN_MS 1000	/* but neither more often */
#define QUESTION_MAX_MS 300000	/* nor less */
#define LAST_WORD_MS 1000	/* for net to tell the client why */

static struct child *
find(struct session *s, uint32_t channel)
{
	for (size_t i = 0; i < CHILD_MAX; i++)
		if (s->child[i].used && s->child[i].channel == channel)
			return &s->child[i];
	return NULL;
}

static struct child *
find_free(struct session *s)
{
	for (size_t i = 0; i < CHILD_MAX; i++)
		if (!s->child[i].used)
			return &s->child[i];
	return NULL;
}

/* ---- net's requests ------------------------------------------------------------ */

static int
not_started(struct session *s, uint32_t channel, const char *reason)
{
	/* whoever is logged in must not be able to fill the log */
	if (s->complaints < COMPLAINTS_MAX)
		session_log(s, "not started for %s: %s%s", s->account.name,
		    reason, ++s->complaints < COMPLAINTS_MAX ? "" :
		    " (no more of these are logged for this session)");
	(void)ipc_net_not_started_encode(&s->out, channel, reason);
	return chan_send(s->net, &s->out, NULL, 0);
}

/* For whoever asks certlogind who is where. */
static void
tell_tty(struct session *s, const char *tty)
{
	if (strlen(tty) >= sizeof(s->tty))
		return;
	(void)snprintf(s->tty, sizeof(s->tty), "%s", tty);
	(void)ipc_ses_tty_encode(&s->out, s->tty);
	if (s->listener >= 0 && s->understood)
		(void)chan_send(s->listener, &s->out, NULL, 0);
}

static int
start(struct session *s, struct child *c, const struct ipc_start *q)
{
	struct child_context x = { .start_exe = s->start_exe,
	    .account = &s->account, .verdict = &s->verdict,
	    .env = pam_environment(s->pam), .from = s->from, .host = s->host,
	    .address = { s->address, s->address_len } };
	int fds[3] = { -1, -1, -1 }, r;
	struct why why;
	size_t n = 0;

	if (child_start(c, &x, q, fds, &n, &why) != 0)
		return not_started(s, q->channel, why.text);
	if (q->pty)
		tell_tty(s, c->records.line);
	(void)ipc_net_started_encode(&s->out, q->channel);
	r = chan_send(s->net, &s->out, fds, n);
	for (size_t i = 0; i < n; i++)
		(void)close(fds[i]);
	return r;
}

static int
answer_start(struct session *s, struct rd body)
{
	struct child *c = find_free(s);
	struct ipc_start q;
	int r;

	if ((r = ipc_net_start_decode(body, &q)) != 0)
		return r;
	if (find(s, q.channel) != NULL)
		return ERR_STATE;
	if (c == NULL)
		return not_started(s, q.channel,
		    "too many processes in this connection");
	if (q.pty && (s->verdict.restrictions & IPC_NO_PTY) != 0)
		return not_started(s, q.channel, "a terminal is not permitted "
		    "by the identity map's rule; try -T");
	return start(s, c, &q);
}

static int
answer_winch(struct session *s, struct rd body)
{
	struct ipc_window w;
	const struct child *c;
	uint32_t channel;
	int r = ipc_net_winch_decode(body, &channel, &w);

	if (r == 0 && (c = find(s, channel)) != NULL)
		child_resize(c, &w);
	return r;
}

static int
answer_signal(struct session *s, struct rd body)
{
	const struct child *c;
	uint32_t channel;
	uint8_t index;
	int r = ipc_net_signal_decode(body, &channel, &index);

	if (r == 0 && (c = find(s, channel)) != NULL)
		child_signal(c, &s->account, ipc_signals[index].number);
	return r;
}

static int
answer_closed(struct session *s, struct rd body)
{
	struct child *c;
	uint32_t channel;
	int r = ipc_net_closed_decode(body, &channel);

	if (r == 0 && (c = find(s, channel)) != NULL)
		child_hang_up(c, &s->account);
	return r;
}

/* The client broke the protocol behind its login. */
static int
answer_failed(struct session *s, struct rd body)
{
	struct ipc_net_failed f;
	char text[IPC_TEXT_MAX];
	int r = ipc_net_failed_decode(body, &f);

	if (r != 0)
		return r;
	session_log(s, "broken off: account=%s address=%s reference=%llu: %s",
	    s->account.name, s->host, (unsigned long long)s->reference,
	    login_failed_text(&f, text, sizeof(text)));
	/* which ends it like any other end of the connection */
	return ERR_EOF;
}

static const struct {
	uint8_t type;
	int (*answer)(struct session *, struct rd);
} rows[] = {
	{ IPC_NET_START, answer_start },
	{ IPC_NET_WINCH, answer_winch },
	{ IPC_NET_SIGNAL, answer_signal },
	{ IPC_NET_CLOSED, answer_closed },
	{ IPC_NET_FAILED, answer_failed },
};

static int
dispatch(struct session *s, const struct chan_msg *m)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == m->type)
			return rows[i].answer(s, m->body);
	return ERR_TYPE;
}

static int
net_message(struct session *s)
{
	struct chan_msg m;
	int r = chan_recv(s->net, &s->in, &m, 0);

	if (r == ERR_AGAIN)
		return 0;
	if (r == 0)
		r = dispatch(s, &m);
	/* that it is gone is how every connection ends */
	if (r != 0 && r != ERR_EOF && r != ERR_SYS && r != ERR_AGAIN)
		session_log(s, "ended for %s: certlogin-net sent a message "
		    "out of turn: %s", s->account.name, err_text(r));
	return r;
}

/* ---- certlogind ------------------------------------------------------------------ */

/* An honest net goes by itself once the client has heard it. */
static void
end_net(const struct session *s, bool told)
{
	struct pollfd p = { .fd = s->net_process, .events = POLLIN };

	if (told)
		(void)poll(&p, 1, LAST_WORD_MS);
	(void)pidfd_send_signal(s->net_process, SIGKILL, NULL, 0);
}

/* Ended by an admin or by policy: net tells the client and closes what the
 * processes say, they are killed, then net itself. */
static int
end(struct session *s, const char *text)
{
	bool told;

	(void)ipc_text_encode(&s->out, IPC_NET_END, text);
	told = chan_send(s->net, &s->out, NULL, 0) == 0;
	if (!child_kill_all()) {
		session_log(s, "ended: processes of %s may be left, "
		    "reference=%llu", s->account.name,
		    (unsigned long long)s->reference);
		told = false;
	}
	end_net(s, told);
	/* all were waited for: their numbers are nobody's now */
	for (size_t i = 0; i < CHILD_MAX; i++)
		if (s->child[i].used)
			child_done(&s->child[i]);
	return ERR_REFUSED;
}

/* certlogind stopped or crashed, and a new one will be found; or it will not
 * have us, and is not asked too often. */
static void
lose_listener(struct session *s)
{
	const bool had_us = s->registered;
	int64_t now = mono_ms();

	(void)close(s->listener);
	s->listener = -1;
	s->registered = s->waits = false;
	if (s->lost == 0)
		s->lost = now;
	if (!had_us && (s->understood || !s->told)) {
		s->pause = s->pause < RETRY_MAX_MS / 2 ? s->pause * 2 :
		    RETRY_MAX_MS;
		s->next_look = now + s->pause;
	}
}

static int64_t
question_ms(const struct session *s)
{
	int64_t ms = (int64_t)s->set.grace * 1000 / QUESTIONS;

	return ms < QUESTION_MIN_MS ? QUESTION_MIN_MS :
	    ms > QUESTION_MAX_MS ? QUESTION_MAX_MS : ms;
}

/* It has us, and will be asked again. */
static void
answered(struct session *s)
{
	int64_t now = mono_ms();

	s->registered = true;
	s->waits = s->sent = false;
	s->next_question = now + question_ms(s);
	s->lost = 0;
	s->pause = RETRY_MS;
	/* if it goes, what came before it is no reason to wait */
	if (s->next_look > now + RETRY_MS)
		s->next_look = now + RETRY_MS;
}

static void
send_question(struct session *s)
{
	(void)ipc_empty_encode(&s->out, IPC_SES_ASK);
	s->sent = chan_send(s->listener, &s->out, NULL, 0) == 0;
}

/* One that hangs keeps its end of the channel open.  One question is enough:
 * whoever reads what lies in the channel will answer it.  Nothing of its lies
 * unread here. */
static void
ask_listener(struct session *s, int64_t now)
{
	if (!s->registered || now < s->next_question)
		return;
	s->next_question = now + question_ms(s);
	if (!s->waits) {
		s->waits = true;
		send_question(s);
	} else if (s->lost == 0)
		/* from the question on, but not for as long as we may have
		 * been stopped ourselves */
		s->lost = now - question_ms(s);
}

/* The answer to our first word. */
static int
welcome(struct session *s, struct rd body)
{
	uint8_t version;
	int r = hello_welcome_decode(body, &version);

	if (r != 0 || s->told)
		return r != 0 ? r : ERR_STATE;
	s->told = true;
	s->understood = version == IPC_VERSION;
	return s->understood ? session_register(s, s->listener) : 0;
}

/* ERR_REFUSED: the session ends; any other code: certlogind is lost. */
static int
answer_listener(struct session *s, const struct chan_msg *m)
{
	char text[IPC_TEXT_MAX];
	int r = ERR_TYPE;

	if (m->hello && m->type == HELLO_WELCOME)
		return welcome(s, m->body);
	if (m->hello && m->type == HELLO_END && !s->understood)
		r = hello_end_decode(m->body, text);
	if (!m->hello && m->type == IPC_SES_END && s->understood)
		r = ipc_text_decode(m->body, text);
	if (r == 0)
		return end(s, text);
	if (m->hello || m->type != IPC_SES_REGISTERED || !s->understood)
		return r;
	if ((r = ipc_empty_decode(m->body)) == 0)
		answered(s);
	return r;
}

static int
listener_message(struct session *s)
{
	struct chan_msg m;
	int r = chan_recv_hello(s->listener, &s->in, &m, 0);

	if (r == ERR_AGAIN)
		return 0;
	if (r == 0)
		r = answer_listener(s, &m);
	if (r == 0 || r == ERR_REFUSED)
		return r;
	lose_listener(s);
	return 0;
}

/* When the session ends by itself, seconds since 1970. */
static int64_t
ends_at(const struct session *s)
{
	return (int64_t)time(NULL) + (int64_t)s->set.grace -
	    (mono_ms() - s->lost) / 1000;
}

static int
greet(struct session *s, int fd)
{
	static struct hello_session h;
	int r;

	h = (struct hello_session){ .version = IPC_VERSION,
	    .reference = s->reference, .since = s->since,
	    .ends = ends_at(s) };
	(void)snprintf(h.account, sizeof(h.account), "%s", s->account.name);
	(void)snprintf(h.identity, sizeof(h.identity), "%s",
	    s->verdict.identity);
	(void)snprintf(h.address, sizeof(h.address), "%s", s->host);
	(void)snprintf(h.tty, sizeof(h.tty), "%s", s->tty);
	if ((r = hello_session_encode(&s->out, &h)) != 0)
		return r;
	return chan_send(fd, &s->out, NULL, 0);
}

/* A new certlogind listens on its register socket, in a folder that only
 * root can write. */
static void
look_for_listener(struct session *s)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (snprintf(un.sun_path, sizeof(un.sun_path), "%s/register",
	    s->set.run_dir) >= (int)sizeof(un.sun_path))
		return;
	/* one that is stopped or swamped must not hold us up: later then */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
		s->pause = RETRY_MS;
		(void)close(fd);
		return;
	}
	if (greet(s, fd) != 0) {
		(void)close(fd);
		return;
	}
	s->listener = fd;
	s->understood = s->told = false;
}

/* ---- the processes ------------------------------------------------------------------ */

static int
report_exit(struct session *s, struct child *c, int status)
{
	struct ipc_exited e = { .channel = c->channel };
	int index;

	if (WIFSIGNALED(status)) {
		index = ipc_signal_by_number(WTERMSIG(status));
		e.by_signal = index >= 0;
		e.status = index >= 0 ? (uint32_t)index :
		    128U + (uint32_t)WTERMSIG(status);
		e.core = WCOREDUMP(status);
	} else
		e.status = (uint32_t)WEXITSTATUS(status);
	child_done(c);
	(void)ipc_net_exited_encode(&s->out, &e);
	return chan_send(s->net, &s->out, NULL, 0);
}

static int
reap(struct session *s)
{
	struct signalfd_siginfo info;
	int status, r = 0;
	pid_t pid;

	if (read(s->signals, &info, sizeof(info)) < 0 && errno != EAGAIN)
		return ERR_SYS;
	/* as subreaper we also wait for what our children left behind */
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < CHILD_MAX; i++)
			if (s->child[i].used && s->child[i].pid == pid)
				r = report_exit(s, &s->child[i], status);
	return r;
}

/* In so many ms a new certlogind is looked for, -1 = there is one.  Net and the
 * processes choose when we wake up, so quiet is not waited for: whoever is
 * not known there cannot be ended. */
static int
until_look(struct session *s)
{
	int64_t now = mono_ms();

	if (s->listener >= 0)
		return -1;
	if (now >= s->next_look) {
		s->next_look = now + s->pause;
		look_for_listener(s);
	}
	return s->listener >= 0 ? -1 : (int)(s->next_look - now);
}

/* Why nobody has judged it: for the log, and for the person. */
static const char *
left_alone(const struct session *s, const char **person)
{
	if (s->listener < 0) {
		*person = "nothing there has looked after this session for "
		    "too long (certlogind was stopped, or its run-dir "
		    "changed); tell the administrator";
		return "no certlogind answered in its run-dir";
	}
	if (s->told && !s->understood) {
		*person = "certlogin was upgraded on that host, and this "
		    "session is of the version before; log in again";
		return "no certlogind of its version was there";
	}
	*person = "nothing there has looked after this session for too long "
	    "(certlogind does not answer); tell the administrator";
	return "certlogind did not answer, though it is there: it hangs, or "
	    "is stopped";
}

/* Nobody has judged it for too long, so that a revocation may have passed it
 * by: who was let in then is asked to come again. */
static int
give_up(struct session *s)
{
	char identity[sizeof(s->verdict.identity)];
	const char *person, *why = left_alone(s, &person);

	session_log(s, "ended: account=%s address=%s reference=%llu "
	    "identity=\"%s\": for review-grace-time, %u s, %s",
	    s->account.name, s->host, (unsigned long long)s->reference,
	    err_unquote(identity, sizeof(identity), s->verdict.identity),
	    s->set.grace, why);
	return end(s, person);
}

static int64_t
gives_up_at(const struct session *s)
{
	return s->lost + (int64_t)s->set.grace * 1000;
}

/* The earlier of the two, a -1 being never. */
static int
earlier(int a, int64_t b)
{
	if (b < 0)
		b = 0;
	if (b > INT_MAX)
		b = INT_MAX;
	return a < 0 || b < a ? (int)b : a;
}

/* Nothing has come from certlogind until now, a time before this was seen: what
 * it said while we were stopped counts first. */
static int
nothing_heard(struct session *s, int64_t now)
{
	ask_listener(s, now);
	return s->lost != 0 && gives_up_at(s) <= now ? give_up(s) : 0;
}

static int
one_round(struct session *s)
{
	int ms = until_look(s);
	int64_t now = mono_ms();
	struct pollfd p[] = {
		{ .fd = s->net, .events = POLLIN },
		{ .fd = s->signals, .events = POLLIN },
		{ .fd = s->listener, .events = POLLIN },
	};
	int r;

	/* it was full: a question without an answer, until it can be sent */
	if (s->waits && !s->sent)
		p[2].events |= POLLOUT;
	if (s->lost != 0)
		ms = earlier(ms, gives_up_at(s) - now);
	if (s->registered)
		ms = earlier(ms, s->next_question - now);
	if ((r = poll(p, 3, ms)) < 0)
		return errno == EINTR ? 0 : ERR_SYS;
	/* exits first: net must not miss one behind its own end */
	if (p[1].revents != 0 && (r = reap(s)) != 0)
		return r;
	if ((p[2].revents & POLLOUT) != 0)
		send_question(s);
	r = (p[2].revents & ~POLLOUT) != 0 ? listener_message(s) :
	    nothing_heard(s, now);
	if (r != 0)
		return r;
	return p[0].revents != 0 ? net_message(s) : 0;
}

/* It ends by itself.  If it was told to end in that moment, what an ordinary
 * end lets stay must go. */
static void
hear_end(struct session *s)
{
	struct pollfd p = { .fd = s->listener, .events = POLLIN };

	while (s->listener >= 0 && poll(&p, 1, 0) > 0)
		if (listener_message(s) != 0)
			return;
}

void
serve_run(struct session *s)
{
	int r = 0;

	s->told = true;
	answered(s);
	/* A net that does not listen must not keep us from hearing that this
	 * session is to be ended; an honest one never has so much to hear
	 * that a send would have to wait.  Nor may a certlogind that does
	 * not read its log lines. */
	if (fcntl(s->net, F_SETFL, O_NONBLOCK) != 0 ||
	    fcntl(s->listener, F_SETFL, O_NONBLOCK) != 0)
		r = ERR_SYS;
	while (r == 0)
		r = one_round(s);
	if (r != ERR_REFUSED)
		hear_end(s);
	if (r == ERR_AGAIN)
		session_log(s, "ended for %s: certlogin-net does not listen",
		    s->account.name);
	/* closing the channel ends net, if it is still there */
	(void)close(s->net);
	s->net = -1;
	for (size_t i = 0; i < CHILD_MAX; i++)
		if (s->child[i].used) {
			child_hang_up(&s->child[i], &s->account);
			child_done(&s->child[i]);
		}
}
