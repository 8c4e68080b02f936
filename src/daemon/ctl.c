#include "daemon/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/conn.h"
#include "daemon/hostkey.h"
#include "daemon/live.h"
#include "daemon/setup.h"
#include "proto/chan.h"
#include "proto/ctlmsg.h"

#define SESSION_ROOM 4096	/* bytes that one session's record may take */
#define CLIENT_MS 1000		/* a local tool that says nothing */

static void
answer_why(struct daemon *d, struct rd body, struct buf *b)
{
	const struct why_entry *e;
	uint64_t number;

	if (ctlmsg_why_decode(body, &number) != 0) {
		ctlmsg_begin(b, 3, "malformed request");
		return;
	}
	if ((e = why_log_find(d->why, number)) == NULL) {
		ctlmsg_begin(b, 1, "no refusal of that number is kept (the "
		    "last 4096 since certlogind was started are, and 1024 of "
		    "strangers); search the log for reference=NUMBER");
		return;
	}
	ctlmsg_begin(b, 0, "");
	ctlmsg_record(b, "refusal");
	ctlmsg_number(b, "reference", number);
	ctlmsg_time(b, "when", e->when);
	ctlmsg_text(b, "address", "%s", e->address);
	ctlmsg_text(b, "account", "%s", e->account);
	ctlmsg_text(b, "why", "%s", e->detail);
}

void
ctl_reload_ended(int fd, const char *error)
{
	char text[CTLMSG_TEXT_MAX];
	struct buf b;

	text[0] = '\0';
	if (error[0] != '\0')
		(void)snprintf(text, sizeof(text), "not reloaded: %s; what "
		    "was loaded before stays in force", error);
	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_begin(&b, text[0] != '\0' ? 1 : 0, text);
	if (text[0] == '\0') {
		ctlmsg_record(&b, "reload");
		ctlmsg_text(&b, "reload", "done");
	}
	(void)chan_send(fd, &b, NULL, 0);
	buf_free(&b);
	(void)close(fd);
}

static void
put_authority(struct buf *b, const struct ipc_authority *a)
{
	static const char *const classes[] = { "user", "device", "host" };

	ctlmsg_record(b, "authority");
	ctlmsg_text(b, "name", "%s", a->name);
	ctlmsg_text(b, "class", "%s", a->class < 3 ? classes[a->class] : "");
	ctlmsg_number(b, "anchors", a->anchors);
	ctlmsg_time(b, "anchors-expire", a->anchors_expire);
	if (a->has_crl) {
		ctlmsg_time(b, "crl-this-update", a->crl.this_update);
		ctlmsg_time(b, "crl-next-update", a->next_update);
		ctlmsg_number(b, "revoked", a->revoked);
	}
	if (a->crl_problem[0] != '\0')
		ctlmsg_text(b, "crl-problem", "%s", a->crl_problem);
}

static void
put_sessions(const struct daemon *d, struct buf *b)
{
	const struct live *l = NULL;

	/* an answer holds one message; the count above is complete */
	while (b->len < CHAN_MSG_MAX - SESSION_ROOM &&
	    (l = live_next(d, l)) != NULL) {
		const struct ipc_register *g = &l->reg;

		ctlmsg_record(b, "session");
		ctlmsg_number(b, "reference", g->reference);
		ctlmsg_text(b, "account", "%s", g->account);
		ctlmsg_text(b, "identity", "%s", g->identity);
		ctlmsg_text(b, "address", "%s", g->address);
		ctlmsg_time(b, "since", g->since);
	}
}

static void
answer_status(struct daemon *d, struct rd body, struct buf *b)
{
	const struct setup *u = d->setup;

	if (ctlmsg_empty_decode(body) != 0) {
		ctlmsg_begin(b, 3, "malformed request");
		return;
	}
	ctlmsg_begin(b, 0, "");
	ctlmsg_record(b, "daemon");
	ctlmsg_number(b, "pid", (uint64_t)getpid());
	ctlmsg_time(b, "loaded", u->loaded);
	ctlmsg_text(b, "last-error", "%s", d->last_error);
	ctlmsg_time(b, "host-certificate-expires", u->hostkey->not_after);
	ctlmsg_number(b, "rules", u->done.rules);
	ctlmsg_number(b, "waiting", limits_waiting(d->limits));
	ctlmsg_number(b, "sessions", d->live);
	ctlmsg_number(b, "logins", d->logins);
	ctlmsg_number(b, "refusals", d->refusals);
	for (size_t i = 0; i < u->done.n; i++)
		put_authority(b, &u->done.authority[i]);
	put_sessions(d, b);
}

static const struct {
	uint8_t type;
	void (*answer)(struct daemon *, struct rd, struct buf *);
} rows[] = {
	{ CTLMSG_WHY, answer_why },
	{ CTLMSG_STATUS, answer_status },
};

/* Answer one request and close fd; of a reload, when it has ended. */
static void
serve(struct daemon *d, int fd)
{
	struct chan_msg m;
	struct buf in, out;
	int r;

	buf_init(&in, CHAN_MSG_MAX);
	buf_init(&out, CHAN_MSG_MAX);
	r = chan_recv_timeout(fd, &in, &m, 0, CLIENT_MS);
	if (r == 0 && m.type == CTLMSG_RELOAD && rd_end(&m.body) == 0) {
		setup_reload(d, fd);
		fd = -1;
	} else if (r == 0) {
		ctlmsg_begin(&out, 2, "unknown request");
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			if (rows[i].type == m.type)
				rows[i].answer(d, m.body, &out);
		(void)chan_send(fd, &out, NULL, 0);
	}
	if (fd >= 0)
		(void)close(fd);
	buf_free(&in);
	buf_free(&out);
}

/* The folder is root's alone already; this is the second lock. */
static bool
peer_is_root(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    cred.uid == 0;
}

static int
accept_root(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0 && !peer_is_root(fd)) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

static void
on_ctl(struct ev_loop *loop, ev_io *w, int revents)
{
	int fd = accept_root(w->fd);

	(void)loop;
	(void)revents;
	if (fd >= 0)
		serve(w->data, fd);
}

static void
on_register(struct ev_loop *loop, ev_io *w, int revents)
{
	int fd = accept_root(w->fd);

	(void)loop;
	(void)revents;
	if (fd >= 0)
		conn_adopt(w->data, fd);
}

static int
listen_on(const char *dir, const char *name, struct why *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd;

	if (snprintf(un.sun_path, sizeof(un.sun_path), "%s/%s", dir, name) >=
	    (int)sizeof(un.sun_path))
		return why_set(why, ERR_TOOBIG, "%s: path too long", dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_errno(why, "socket");
	/* left by an earlier one; the lock says that it is gone */
	(void)unlink(un.sun_path);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) != 0 ||
	    listen(fd, 128) != 0) {
		(void)why_errno(why, "%s", un.sun_path);
		(void)close(fd);
		return ERR_SYS;
	}
	return fd;
}

int
ctl_open(struct daemon *d, struct why *why)
{
	const char *dir = d->setup->conf.run_dir;
	mode_t old = umask(077);
	int c = listen_on(dir, "control", why), r;

	r = c >= 0 ? listen_on(dir, "register", why) : c;
	(void)umask(old);
	if (r < 0)
		return r;
	ev_io_init(&d->ctl, on_ctl, c, EV_READ);
	ev_io_init(&d->reg, on_register, r, EV_READ);
	d->ctl.data = d->reg.data = d;
	ev_io_start(d->loop, &d->ctl);
	ev_io_start(d->loop, &d->reg);
	return 0;
}

void
ctl_close(struct daemon *d)
{
	char path[512];
	static const char *const names[] = { "control", "register" };

	ev_io_stop(d->loop, &d->ctl);
	ev_io_stop(d->loop, &d->reg);
	(void)close(d->ctl.fd);
	(void)close(d->reg.fd);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s",
		    d->setup->conf.run_dir, names[i]);
		(void)unlink(path);
	}
}
