#include "daemon/conn.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "daemon/hostkey.h"
#include "daemon/live.h"
#include "daemon/reload.h"
#include "daemon/review.h"
#include "daemon/setup.h"
#include "daemon/spare.h"
#include "proto/chan.h"

#define ASK_SECONDS 0.5		/* between two questions of a session, which
				 * asks each second at most */
#define LEAVING_SECONDS 10.	/* more than net's own limit for last words */

struct conn {
	struct conn *next, **link;
	struct daemon *d;
	int socket;		/* until joined */
	int channel;		/* to the session, from then on */
	pid_t session, net;	/* 0 when ended or not ours */
	pid_t judge;		/* not known to be done yet, or 0 */
	struct hostkey *hostkey;	/* signs for it; NULL until joined */
	uint64_t reference;
	uint8_t address[16];
	uint8_t address_len;
	uint16_t port;
	char host[64];
	struct limits_source source;
	bool waiting;		/* counted by limits */
	bool refused;		/* counted as such */
	int64_t begun;		/* mono_us() at its first byte */
	bool proved;		/* a judge was asked for: net saw a certificate
				 * and its key's signature */
	bool leaving;		/* over, but processes of it are to end */
	bool adopted;		/* a session that came back: */
	pid_t came;		/* its process */
	bool greeted;		/* it said of which version it is */
	ev_io io;
	ev_timer grace;
	struct live *live;	/* registered: logged in */
};

static void on_session(struct ev_loop *, ev_io *, int);

/* No more judges for it. */
static void
drop_hostkey(struct conn *c)
{
	hostkey_drop(c->hostkey);
	c->hostkey = NULL;
}

static void
not_waiting(struct conn *c)
{
	if (c->waiting)
		limits_done(c->d->limits, &c->source);
	c->waiting = false;
	ev_timer_stop(c->d->loop, &c->grace);
}

/* A judge ends with its verdict; one that does not is not waited for. */
static void
end_judge(struct conn *c)
{
	if (c->judge > 0)
		(void)kill(c->judge, SIGKILL);
	c->judge = 0;
}

static void
forget(struct conn *c)
{
	not_waiting(c);
	end_judge(c);
	drop_hostkey(c);
	ev_io_stop(c->d->loop, &c->io);
	live_remove(c->live);
	if (c->socket >= 0)
		(void)close(c->socket);
	if (c->channel >= 0)
		(void)close(c->channel);
	*c->link = c->next;
	if (c->next != NULL)
		c->next->link = c->link;
	free(c);
}

static bool
has_processes(const struct conn *c)
{
	return c->net > 0 || c->judge > 0 || c->session > 0;
}

/* What was captured would stay when it is told to go. */
static void
on_leaving(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct conn *c = w->data;

	(void)loop;
	(void)revents;
	if (c->net > 0)
		(void)kill(c->net, SIGKILL);
	if (c->judge > 0)
		(void)kill(c->judge, SIGKILL);
	forget(c);
}

/* The connection is over; net may still say so to the client, and how each
 * process ended goes to the log. */
static void
conn_free(struct conn *c)
{
	if (!has_processes(c)) {
		forget(c);
		return;
	}
	not_waiting(c);
	ev_io_stop(c->d->loop, &c->io);
	if (c->socket >= 0)
		(void)close(c->socket);
	if (c->channel >= 0)
		(void)close(c->channel);
	live_remove(c->live);
	c->live = NULL;
	c->socket = c->channel = -1;
	c->leaving = true;
	ev_timer_init(&c->grace, on_leaving, LEAVING_SECONDS, 0.);
	ev_timer_start(c->d->loop, &c->grace);
}

static struct conn *
conn_new(struct daemon *d)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->d = d;
	c->socket = c->channel = -1;
	c->next = d->conns;
	c->link = &d->conns;
	if (d->conns != NULL)
		d->conns->link = &c->next;
	d->conns = c;
	return c;
}

static void
refused(struct conn *c, enum metrics_result result,
    const struct ipc_ses_refused *f)
{
	char asked[sizeof(f->account)];

	c->refused = true;
	c->d->metrics.result[result]++;
	why_log_add(c->d->why, c->reference, c->host, !c->proved, f);
	if (!c->proved && !limits_line(c->d->limits))
		return;
	log_info("refused: address=%s port=%u asked=\"%s\" reference=%llu: %s",
	    c->host, c->port, err_unquote(asked, sizeof(asked), f->account),
	    (unsigned long long)c->reference, f->detail);
}

static void
refused_here(struct conn *c, enum metrics_result result, const char *detail)
{
	static struct ipc_ses_refused f;

	(void)snprintf(f.detail, sizeof(f.detail), "%s", detail);
	refused(c, result, &f);
}

/* LoginGraceTime: PAM included, so the session may be anywhere. */
static void
on_grace(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct conn *c = w->data;

	(void)loop;
	(void)revents;
	if (c->socket >= 0)
		limits_silent(c->d->limits);
	else if (c->waiting && !c->refused)
		refused_here(c, METRICS_TIMEOUT,
		    "not logged in within login-grace-time");
	if (c->net > 0)
		(void)kill(c->net, SIGKILL);
	if (c->session > 0)
		(void)kill(c->session, SIGKILL);
	conn_free(c);
}

/* ---- joining --------------------------------------------------------------------- */

static int
send_join(struct conn *c, int hostkey)
{
	struct ipc_ses_join j = { .reference = c->reference,
	    .address = { c->address, c->address_len }, .port = c->port };
	const int fds[2] = { c->socket, hostkey };
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_ses_join_encode(&b, &j);
	r = chan_send(c->channel, &b, fds, 2);
	buf_free(&b);
	return r;
}

static int
join(struct conn *c, struct why *why)
{
	struct spare_pair p;
	int hostkey, r;

	if ((r = spare_take_pair(c->d->spares, &p, why)) != 0)
		return r;
	c->channel = p.channel;
	c->session = p.session;
	c->net = p.net;
	c->hostkey = hostkey_keep(c->d->setup->hostkey);
	hostkey = hostkey_channel(c->hostkey, &c->source);
	if (hostkey < 0) {
		reload_hostkey(c->d);
		return why_set(why, hostkey, "host key process: %s",
		    err_text(hostkey));
	}
	r = send_join(c, hostkey);
	(void)close(hostkey);
	return r == 0 ? 0 : why_set(why, r, "session: %s", err_text(r));
}

/* The peer has said something: now it is worth two processes. */
static void
on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct conn *c = w->data;
	struct why why;
	char byte;

	(void)revents;
	/* gone without a word: no processes, no log line */
	if (recv(c->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0) {
		conn_free(c);
		return;
	}
	ev_io_stop(loop, w);
	c->begun = mono_us();
	if (join(c, &why) != 0) {
		refused_here(c, METRICS_FAULT, why.text);
		conn_free(c);
		return;
	}
	(void)close(c->socket);
	c->socket = -1;
	ev_io_init(&c->io, on_session, c->channel, EV_READ);
	ev_io_start(loop, &c->io);
}

void
conn_accept(struct daemon *d, int fd, struct span address, uint16_t port)
{
	struct limits_source source;
	struct conn *c;

	limits_source_of(&source, address);
	if (limits_ask(d->limits, &d->setup->conf, &source, d->live) !=
	    LIMITS_OK) {
		(void)close(fd);
		return;
	}
	if ((c = conn_new(d)) == NULL) {
		limits_done(d->limits, &source);
		(void)close(fd);
		return;
	}
	c->socket = fd;
	c->source = source;
	c->waiting = true;
	c->port = port;
	c->address_len = (uint8_t)address.n;
	memcpy(c->address, address.p, address.n);
	(void)inet_ntop(address.n == 4 ? AF_INET : AF_INET6, c->address,
	    c->host, sizeof(c->host));
	c->reference = d->next_reference++;
	ev_io_init(&c->io, on_readable, fd, EV_READ);
	ev_timer_init(&c->grace, on_grace,
	    (double)d->setup->conf.login_grace_time, 0.);
	c->io.data = c->grace.data = c;
	ev_io_start(d->loop, &c->io);
	ev_timer_start(d->loop, &c->grace);
}

/* ---- the session's messages -------------------------------------------------------- */

static int
answer_need_judge(struct conn *c, struct chan_msg *m)
{
	struct why why;
	struct buf b;
	int judge, r = ipc_empty_decode(m->body);

	if (r != 0 || c->live != NULL || c->hostkey == NULL)
		return r != 0 ? r : ERR_STATE;
	if (!c->proved)
		metrics_took(&c->d->metrics.handshake, c->begun);
	c->proved = true;
	end_judge(c);
	if ((judge = spare_take_judge(c->d->spares, c->hostkey, &c->judge,
	    &why)) < 0) {
		log_error("judge: %s", why.text);
		return judge;
	}
	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_empty_encode(&b, IPC_SES_JUDGE);
	r = chan_send(c->channel, &b, &judge, 1);
	buf_free(&b);
	(void)close(judge);
	return r;
}

static int
answer_refused(struct conn *c, struct chan_msg *m)
{
	static struct ipc_ses_refused f;
	int r = ipc_ses_refused_decode(m->body, &f);

	if (r != 0 || c->live != NULL)
		return r != 0 ? r : ERR_STATE;
	refused(c, metrics_refusal(f.kind), &f);
	/* several logins may have waited for the same one */
	if (f.kind == IPC_REFUSAL_HOSTKEY && c->hostkey == c->d->setup->hostkey)
		reload_hostkey(c->d);
	return 0;
}

static int
answer_log(struct conn *c, struct chan_msg *m)
{
	char text[IPC_TEXT_MAX];
	int r = ipc_text_decode(m->body, text);

	(void)c;
	if (r == 0)
		log_info("%s", text);
	return r;
}

static int
say(struct conn *c, uint8_t type)
{
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_empty_encode(&b, type);
	r = chan_send(c->channel, &b, NULL, 0);
	buf_free(&b);
	return r;
}

static int
answer_register(struct conn *c, struct chan_msg *m)
{
	static struct ipc_register g;
	bool adopted = c->adopted;
	int r;

	if (c->live != NULL)
		return ERR_STATE;
	if ((r = ipc_register_decode(m->body, &g)) != 0)
		return r;
	/* without it nobody could judge the session again */
	if (m->n_fds != 1)
		return ERR_MALFORMED;
	/* nobody slips in between a revocation and its reload; a session of
	 * an earlier certlogind is logged in already */
	if (!adopted && g.policy != c->d->setup->number)
		return say(c, IPC_SES_STALE);
	c->live = live_add(c->d, c->channel, &g, m->fds[0]);
	m->n_fds = 0;
	if (c->live == NULL)
		return ERR_NOMEM;
	if (!adopted) {
		c->d->metrics.result[METRICS_ADMITTED]++;
		metrics_took(&c->d->metrics.login, c->begun);
	}
	not_waiting(c);
	end_judge(c);
	drop_hostkey(c);
	if ((r = say(c, IPC_SES_REGISTERED)) == 0)
		review_session(c->live, !adopted);
	return r;
}

static int
answer_tty(struct conn *c, struct chan_msg *m)
{
	return c->live == NULL ? ERR_STATE :
	    ipc_ses_tty_decode(m->body, c->live->reg.tty);
}

static void
on_rested(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct conn *c = w->data;

	(void)revents;
	ev_io_start(loop, &c->io);
}

/* Is anybody there?  One who asks too often waits in its own channel. */
static int
answer_ask(struct conn *c, struct chan_msg *m)
{
	int r = ipc_empty_decode(m->body);

	if (r != 0 || c->live == NULL)
		return r != 0 ? r : ERR_STATE;
	/* its time to log in is over */
	if (ev_is_active(&c->grace))
		ev_io_stop(c->d->loop, &c->io);
	else {
		ev_timer_init(&c->grace, on_rested, ASK_SECONDS, 0.);
		ev_timer_start(c->d->loop, &c->grace);
	}
	return say(c, IPC_SES_REGISTERED);
}

/* ---- a session that comes back ---------------------------------------------------- */

static int
add_other(struct conn *c, const struct hello_session *h)
{
	int64_t now = (int64_t)time(NULL);

	if ((c->live = live_add_other(c->d, c->channel, h, c->came)) == NULL)
		return ERR_NOMEM;
	not_waiting(c);
	log_warn("session reference=%llu of account=%s, process %ld, is of "
	    "version %u of certlogin, this is %u: no judge can look at it; it "
	    "ends by itself in %lld s, or by certloginctl end",
	    (unsigned long long)h->reference, h->account, (long)c->came,
	    h->version, IPC_VERSION, h->ends > now ?
	    (long long)(h->ends - now) : 0);
	return 0;
}

/* The first word.  What follows from one of our version is as from any
 * session; from another, nothing may. */
static int
greet(struct conn *c, const struct chan_msg *m)
{
	static struct hello_session h;
	struct buf b;
	int r;

	if (!m->hello || m->type != HELLO_SESSION)
		return ERR_TYPE;
	if ((r = hello_session_decode(m->body, &h)) != 0)
		return r;
	c->greeted = true;
	c->reference = h.reference;
	buf_init(&b, CHAN_MSG_MAX);
	if ((r = hello_welcome_encode(&b, IPC_VERSION)) == 0)
		r = chan_send(c->channel, &b, NULL, 0);
	buf_free(&b);
	return r != 0 || h.version == IPC_VERSION ? r : add_other(c, &h);
}

static const struct {
	uint8_t type;
	size_t max_fds;
	int (*answer)(struct conn *, struct chan_msg *);
} rows[] = {
	{ IPC_SES_NEED_JUDGE, 0, answer_need_judge },
	{ IPC_SES_REFUSED, 0, answer_refused },
	{ IPC_SES_REGISTER, 1, answer_register },
	{ IPC_SES_LOG, 0, answer_log },
	{ IPC_SES_TTY, 0, answer_tty },
	{ IPC_SES_ASK, 0, answer_ask },
};

static int
dispatch(struct conn *c, struct chan_msg *m)
{
	if (c->adopted && !c->greeted)
		return greet(c, m);
	if (c->live != NULL && c->live->version != 0)
		return ERR_STATE;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == m->type && m->n_fds <= rows[i].max_fds)
			return rows[i].answer(c, m);
	return ERR_TYPE;
}

static void
on_session(struct ev_loop *loop, ev_io *w, int revents)
{
	struct conn *c = w->data;
	struct chan_msg m;
	struct buf in;
	int r;

	(void)loop;
	(void)revents;
	buf_init(&in, CHAN_MSG_MAX);
	r = c->adopted && !c->greeted ?
	    chan_recv_hello(c->channel, &in, &m, 0) :
	    chan_recv(c->channel, &in, &m, 1);
	if (r == 0) {
		r = dispatch(c, &m);
		chan_close_fds(&m);
	}
	buf_free(&in);
	if (r == 0 || r == ERR_AGAIN)
		return;
	if (r != ERR_EOF)
		log_error("session reference=%llu: %s",
		    (unsigned long long)c->reference, err_text(r));
	/* it ended in mid-login, without a word */
	if (c->waiting && !c->refused)
		c->d->metrics.result[METRICS_FAULT]++;
	conn_free(c);
}

/* ---- the rest -------------------------------------------------------------------- */

void
conn_adopt(struct daemon *d, int fd, pid_t pid)
{
	struct conn *c = conn_new(d);

	if (c == NULL) {
		(void)close(fd);
		return;
	}
	c->channel = fd;
	c->adopted = true;
	c->came = pid;
	ev_io_init(&c->io, on_session, fd, EV_READ);
	/* it has to register at once */
	ev_timer_init(&c->grace, on_grace, 10., 0.);
	c->io.data = c->grace.data = c;
	ev_io_start(d->loop, &c->io);
	ev_timer_start(d->loop, &c->grace);
}

void
conn_ended(struct daemon *d, pid_t pid, int status)
{
	for (struct conn *c = d->conns; c != NULL; c = c->next) {
		const struct {
			const char *name;
			pid_t *pid;
		} ours[] = { { "certlogin-net", &c->net },
		    { "certlogin-session", &c->session },
		    { "certlogin-judge", &c->judge } };

		for (size_t i = 0; i < 3; i++) {
			if (*ours[i].pid != pid)
				continue;
			if (WIFSIGNALED(status))
				log_error("%s ended by signal %d, "
				    "reference=%llu", ours[i].name,
				    WTERMSIG(status),
				    (unsigned long long)c->reference);
			*ours[i].pid = 0;
			if (c->leaving && !has_processes(c))
				forget(c);
			return;
		}
	}
}

void
conn_free_all(struct daemon *d)
{
	while (d->conns != NULL)
		forget(d->conns);
}
