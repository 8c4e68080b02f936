#include "daemon/ctl.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/answer.h"
#include "daemon/conn.h"
#include "daemon/live.h"
#include "daemon/places.h"
#include "daemon/trial.h"

#define TOOLS_MAX 32
#define LOOKERS_MAX 16		/* of them: who is not root */
#define ASK_SECONDS 5.		/* for the question */
#define READ_SECONDS 30.	/* for each message of the answer */
#define PAUSE_SECONDS 1.	/* without descriptors */
#define BACKLOG 128

struct ctl {
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	ev_io control, reg;
	ev_timer pause;
	struct ctl_tool tool[TOOLS_MAX];	/* fd -1: free */
};

/* ---- one tool ----------------------------------------------------------------- */

static void
tool_end(struct ctl_tool *t)
{
	ev_io_stop(t->d->loop, &t->io);
	ev_timer_stop(t->d->loop, &t->limit);
	if (t->fd >= 0)
		(void)close(t->fd);
	t->fd = -1;
	buf_free(&t->out);
}

int
ctl_take(struct ctl_tool *t)
{
	int fd = t->fd;

	t->fd = -1;
	return fd;
}

static void
on_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	tool_end(w->data);
}

static void
again(struct ctl_tool *t, double seconds)
{
	t->limit.repeat = seconds;
	ev_timer_again(t->d->loop, &t->limit);
}

/* One message a round, so that others get their turn. */
static void
on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct ctl_tool *t = w->data;
	void (*more)(struct ctl_tool *) = t->more;
	int r = chan_send(t->fd, &t->out, NULL, 0);

	(void)loop;
	(void)revents;
	if (r == ERR_AGAIN)
		return;
	if (r != 0 || more == NULL) {
		tool_end(t);
		return;
	}
	t->more = NULL;
	more(t);
	again(t, READ_SECONDS);
}

static void
answer_begins(struct ctl_tool *t)
{
	ev_io_stop(t->d->loop, &t->io);
	ev_io_init(&t->io, on_writable, t->fd, EV_WRITE);
	ev_io_start(t->d->loop, &t->io);
	again(t, READ_SECONDS);
}

static const struct row {
	uint8_t type;
	bool admin;		/* for uid 0 alone */
	size_t fds;
	void (*answer)(struct ctl_tool *, struct chan_msg *);
} rows[] = {
	{ CTLMSG_WHY, false, 0, answer_why },
	{ CTLMSG_STATUS, false, 0, answer_status },
	{ CTLMSG_SESSIONS, false, 0, answer_sessions },
	{ CTLMSG_METRICS, false, 0, answer_metrics },
	{ CTLMSG_RELOAD, true, 0, answer_reload },
	{ CTLMSG_TRY, true, 1, answer_try },
	{ CTLMSG_END, true, 0, answer_end },
};

static const struct row *
find_row(uint8_t type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

/* The type and who asks are looked at before a byte of the body is. */
static void
dispatch(struct ctl_tool *t, struct chan_msg *m)
{
	const struct row *row = find_row(m->type);
	char who[PEER_TEXT_MAX];

	if (row == NULL)
		ctlmsg_begin(&t->out, 2, "certlogind does not know this "
		    "request; is it older than this tool? restart it");
	else if (m->n_fds != row->fds)
		ctlmsg_begin(&t->out, 3, "malformed request");
	else if (row->admin && t->peer.uid != 0) {
		log_warn("control: refused to %s: it asked for what is "
		    "root's", peer_text(&t->peer, who));
		ctlmsg_begin(&t->out, 1, "refused: this is for uid 0 alone; "
		    "control-group may look only");
	} else
		row->answer(t, m);
	chan_close_fds(m);
}

/* What a tool of any version may ask. */
static int
greet(struct ctl_tool *t, struct chan_msg *m)
{
	size_t others;
	int64_t ends;
	int r;

	if (m->n_fds != 0 || m->type != HELLO_ASK) {
		chan_close_fds(m);
		return ERR_TYPE;
	}
	if ((r = hello_ask_decode(m->body)) != 0)
		return r;
	others = live_others(t->d, &ends);
	return hello_runs_encode(&t->out, IPC_VERSION,
	    (uint32_t)(t->d->live - others));
}

static void
on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct ctl_tool *t = w->data;
	struct chan_msg m;
	struct buf in;
	int r;

	(void)loop;
	(void)revents;
	buf_init(&in, CHAN_MSG_MAX);
	r = chan_recv_hello(t->fd, &in, &m, 1);
	if (r == 0 && m.hello)
		r = greet(t, &m);
	else if (r == 0)
		dispatch(t, &m);
	else if (r == ERR_VERSION)
		ctlmsg_begin(&t->out, 3, "certlogind is of another version "
		    "than this tool; restart it");
	buf_free(&in);
	if (r == ERR_AGAIN)
		return;
	if ((r != 0 && r != ERR_VERSION) || t->fd < 0)
		tool_end(t);
	else
		answer_begins(t);
}

/* ---- accepting ---------------------------------------------------------------- */

static struct ctl_tool *
free_place(struct ctl *c, uid_t uid)
{
	struct ctl_tool *found = NULL;
	size_t lookers = 0;

	for (size_t i = 0; i < TOOLS_MAX; i++)
		if (c->tool[i].fd < 0)
			found = &c->tool[i];
		else
			lookers += c->tool[i].peer.uid != 0;
	return uid != 0 && lookers >= LOOKERS_MAX ? NULL : found;
}

/* What goes wrong before a question can be asked. */
static void
turn_away(int fd, uint8_t status, const char *text)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_begin(&b, status, text);
	(void)chan_send(fd, &b, NULL, 0);
	buf_free(&b);
	(void)close(fd);
}

static void
tool_begin(struct daemon *d, int fd, const struct peer *peer)
{
	struct ctl_tool *t = free_place(d->ctl, peer->uid);

	if (t == NULL) {
		turn_away(fd, 3, "too many ask at once; try again");
		return;
	}
	t->fd = fd;
	t->peer = *peer;
	t->more = NULL;
	buf_init(&t->out, CHAN_MSG_MAX);
	ev_io_init(&t->io, on_readable, fd, EV_READ);
	ev_io_start(d->loop, &t->io);
	again(t, ASK_SECONDS);
}

/* The socket stays readable: without a pause we would spin. */
static void
pause_accepting(struct daemon *d)
{
	ev_io_stop(d->loop, &d->ctl->control);
	ev_io_stop(d->loop, &d->ctl->reg);
	ev_timer_start(d->loop, &d->ctl->pause);
}

static void
on_pause(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)revents;
	ev_timer_stop(loop, w);
	ev_timer_set(w, PAUSE_SECONDS, 0.);
	ev_io_start(loop, &d->ctl->control);
	ev_io_start(loop, &d->ctl->reg);
}

/* A connection and who made it, or -1. */
static int
accept_peer(struct daemon *d, int listener, struct peer *peer)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct why why;

	if (fd < 0 && (errno == EMFILE || errno == ENFILE ||
	    errno == ENOBUFS || errno == ENOMEM))
		pause_accepting(d);
	if (fd < 0)
		return -1;
	if (peer_of(fd, peer, &why) == 0)
		return fd;
	log_error("control: %s", why.text);
	(void)close(fd);
	return -1;
}

/* The socket's mode said so already; this is the second lock. */
static bool
may_look(const struct daemon *d, int fd, const struct peer *peer)
{
	struct why why;
	int r;

	if (peer->uid == 0)
		return true;
	if ((r = peer_has_group(fd, d->setup->control, &why)) < 0)
		log_error("control: %s", why.text);
	return r == 1;
}

static void
on_control(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;
	struct peer peer;
	int fd = accept_peer(d, w->fd, &peer);

	(void)loop;
	(void)revents;
	if (fd < 0)
		return;
	if (may_look(d, fd, &peer))
		tool_begin(d, fd, &peer);
	else
		turn_away(fd, 1, "refused: this is for root and the members "
		    "of control-group");
}

static void
on_register(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;
	struct peer peer;
	int fd = accept_peer(d, w->fd, &peer);

	(void)loop;
	(void)revents;
	if (fd >= 0 && peer.uid == 0)
		conn_adopt(d, fd, peer.pid);
	else if (fd >= 0)
		(void)close(fd);
}

void
ctl_reload_ended(const struct daemon *d, int fd, const char *error)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	answer_reloaded(&b, d, error);
	(void)chan_send(fd, &b, NULL, 0);
	buf_free(&b);
	(void)close(fd);
}

/* ---- the sockets ---------------------------------------------------------------- */

static int
path_of(struct sockaddr_un *un, const char *dir, const char *name)
{
	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	return snprintf(un->sun_path, sizeof(un->sun_path), "%s/%s", dir,
	    name) < (int)sizeof(un->sun_path) ? 0 : ERR_TOOBIG;
}

static int
listen_on(const char *dir, const char *name, struct why *why)
{
	struct sockaddr_un un;
	int fd;

	if (path_of(&un, dir, name) != 0)
		return why_set(why, ERR_TOOBIG, "%s: path too long", dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return why_errno(why, "socket");
	/* left by an earlier one; the lock says that it is gone */
	(void)unlink(un.sun_path);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		(void)why_errno(why, "%s", un.sun_path);
		(void)close(fd);
		return ERR_SYS;
	}
	return fd;
}

/* It was made for root alone; wider only when the group is right. */
static int
socket_permit(const char *dir, gid_t group, struct why *why)
{
	gid_t owner = group == PEER_NO_GROUP ? 0 : group;
	struct sockaddr_un un;

	if (path_of(&un, dir, "control") != 0)
		return why_set(why, ERR_TOOBIG, "%s: path too long", dir);
	if (chmod(un.sun_path, 0600) != 0 ||
	    lchown(un.sun_path, 0, owner) != 0 ||
	    (group != PEER_NO_GROUP && chmod(un.sun_path, 0660) != 0))
		return why_errno(why, "%s", un.sun_path);
	return 0;
}

void
ctl_permit(struct daemon *d)
{
	struct why why;

	if (d->ctl == NULL)
		return;
	if (socket_permit(d->ctl->dir, d->setup->control, &why) != 0 ||
	    places_permit(d->ctl->dir, d->setup->control, &why) != 0)
		log_error("control-group: %s; root alone may ask", why.text);
}

static void
watch(struct daemon *d, struct ctl *c, int control, int reg)
{
	ev_io_init(&c->control, on_control, control, EV_READ);
	ev_io_init(&c->reg, on_register, reg, EV_READ);
	ev_timer_init(&c->pause, on_pause, PAUSE_SECONDS, 0.);
	c->control.data = c->reg.data = c->pause.data = d;
	for (size_t i = 0; i < TOOLS_MAX; i++) {
		struct ctl_tool *t = &c->tool[i];

		t->d = d;
		t->fd = -1;
		ev_io_init(&t->io, on_readable, -1, EV_READ);
		ev_init(&t->limit, on_limit);
		t->io.data = t->limit.data = t;
	}
	ev_io_start(d->loop, &c->control);
	ev_io_start(d->loop, &c->reg);
}

int
ctl_open(struct daemon *d, struct why *why)
{
	const char *dir = d->setup->conf.run_dir;
	struct ctl *c = calloc(1, sizeof(*c));
	mode_t old;
	int control, reg;

	if (c == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	old = umask(077);
	control = listen_on(dir, "control", why);
	reg = control >= 0 ? listen_on(dir, "register", why) : control;
	(void)umask(old);
	if (reg < 0) {
		if (control >= 0)
			(void)close(control);
		free(c);
		return reg;
	}
	(void)snprintf(c->dir, sizeof(c->dir), "%s", dir);
	watch(d, c, control, reg);
	d->ctl = c;
	ctl_permit(d);
	return 0;
}

void
ctl_close(struct daemon *d)
{
	static const char *const names[] = { "control", "register" };
	struct sockaddr_un un;
	struct ctl *c = d->ctl;

	for (size_t i = 0; i < TOOLS_MAX; i++)
		tool_end(&c->tool[i]);
	ev_timer_stop(d->loop, &c->pause);
	ev_io_stop(d->loop, &c->control);
	ev_io_stop(d->loop, &c->reg);
	(void)close(c->control.fd);
	(void)close(c->reg.fd);
	for (size_t i = 0; i < 2; i++)
		if (path_of(&un, c->dir, names[i]) == 0)
			(void)unlink(un.sun_path);
	free(c);
	d->ctl = NULL;
}
