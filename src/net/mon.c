#include "net/mon.h"

#include <string.h>
#include <unistd.h>

#include "net/login.h"
#include "net/wire.h"
#include "proto/chan.h"

#define STARTED_FDS 3		/* at most */

static int
say(struct net *n)
{
	return chan_send(n->session, &n->out, NULL, 0);
}

int
mon_join(struct net *n)
{
	struct chan_msg m;
	int r = chan_recv(n->session, &n->in, &m, 1);

	if (r != 0)
		return r;
	if (m.type != IPC_NET_JOIN || m.n_fds != 1) {
		chan_close_fds(&m);
		return ERR_TYPE;
	}
	n->socket = m.fds[0];
	return ipc_net_join_decode(m.body, n->random);
}

/* ---- one signature, the session's answer_sign() ------------------------ */

static int
take_signature(struct rd body, struct buf *sig)
{
	struct span s;
	int r = ipc_net_signed_decode(body, &s);

	if (r == 0)
		buf_put_raw(sig, s.p, s.n);
	return r != 0 ? r : buf_err(sig);
}

int
mon_sign(struct net *n, struct span transcript, struct buf *sig)
{
	struct chan_msg m;
	int r;

	if ((r = ipc_net_sign_encode(&n->out, transcript)) != 0 ||
	    (r = say(n)) != 0 ||
	    (r = chan_recv(n->session, &n->in, &m, 0)) != 0)
		return r;
	if (m.type == IPC_NET_SIGNED)
		return take_signature(m.body, sig);
	/* its reason is in the log; there is no way yet to tell the client */
	n->refused = m.type == IPC_NET_REFUSE;
	return ERR_REFUSED;
}

/* ---- what we say, in the order of the session's rows ------------------- */

int
mon_login(struct net *n, const struct msg_login *m)
{
	struct ipc_login l = { .transcript = tls_server_transcript(n->tls) };
	int r;

	_Static_assert(sizeof(l.account) == sizeof(m->account) &&
	    sizeof(l.preferred) == sizeof(m->preferred), "same limits");
	memcpy(l.account, m->account, sizeof(l.account));
	memcpy(l.preferred, m->preferred, sizeof(l.preferred));
	r = ipc_net_login_encode(&n->out, &l);
	return r != 0 ? r : say(n);
}

int
mon_failed(struct net *n, const struct ipc_net_failed *f)
{
	int r = ipc_net_failed_encode(&n->out, f);

	return r != 0 ? r : say(n);
}

int
mon_start(struct net *n, const struct ipc_start *s)
{
	int r = ipc_net_start_encode(&n->out, s);

	return r != 0 ? r : say(n);
}

int
mon_winch(struct net *n, uint32_t channel, const struct ipc_window *w)
{
	int r = ipc_net_winch_encode(&n->out, channel, w);

	return r != 0 ? r : say(n);
}

int
mon_signal(struct net *n, uint32_t channel, uint8_t index)
{
	int r = ipc_net_signal_encode(&n->out, channel, index);

	return r != 0 ? r : say(n);
}

int
mon_closed(struct net *n, uint32_t channel)
{
	int r = ipc_net_closed_encode(&n->out, channel);

	return r != 0 ? r : say(n);
}

/* ---- what the session says --------------------------------------------- */

static int
on_refuse(struct net *n, struct chan_msg *m)
{
	struct ipc_refuse f;
	int r = ipc_net_refuse_decode(m->body, &f);

	if (r == 0)
		login_refuse(n, &f);
	return r;
}

static int
on_success(struct net *n, struct chan_msg *m)
{
	struct ipc_success s;
	int r = ipc_net_success_decode(m->body, &s);

	if (r == 0)
		login_success(n, &s);
	return r;
}

static int
on_started(struct net *n, struct chan_msg *m)
{
	uint32_t channel;
	int r = ipc_net_started_decode(m->body, &channel);

	if (r == 0 && (r = channel_started(n, channel, m->fds,
	    m->n_fds)) == 0)
		m->n_fds = 0;
	return r;
}

static int
on_not_started(struct net *n, struct chan_msg *m)
{
	char reason[IPC_TEXT_MAX];
	uint32_t channel;
	int r = ipc_net_not_started_decode(m->body, &channel, reason);

	return r != 0 ? r : channel_not_started(n, channel, reason);
}

static int
on_exited(struct net *n, struct chan_msg *m)
{
	struct ipc_exited e;
	int r = ipc_net_exited_decode(m->body, &e);

	return r != 0 ? r : channel_exited(n, &e);
}

static int
on_end(struct net *n, struct chan_msg *m)
{
	char text[IPC_TEXT_MAX];
	int r = ipc_text_decode(m->body, text);

	if (r != 0)
		return r;
	(void)conn_disconnect(n->conn, MSG_BY_APPLICATION, text);
	wire_end(n);
	return 0;
}

/* Which message, in which phases, with how many descriptors at most. */
static const struct {
	uint8_t type;
	unsigned phases;
	size_t max_fds;
	int (*answer)(struct net *, struct chan_msg *);
} rows[] = {
	{ IPC_NET_REFUSE, NET_WAIT, 0, on_refuse },
	{ IPC_NET_SUCCESS, NET_WAIT, 0, on_success },
	{ IPC_NET_STARTED, NET_SERVE, STARTED_FDS, on_started },
	{ IPC_NET_NOT_STARTED, NET_SERVE, 0, on_not_started },
	{ IPC_NET_EXITED, NET_SERVE, 0, on_exited },
	{ IPC_NET_END, NET_SERVE, 0, on_end },
};

static int
dispatch(struct net *n, struct chan_msg *m)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == m->type &&
		    (rows[i].phases & n->phase) != 0 &&
		    m->n_fds <= rows[i].max_fds)
			return rows[i].answer(n, m);
	return ERR_TYPE;
}

static void
on_session(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net *n = w->data;
	struct chan_msg m;
	int r;

	(void)loop;
	(void)revents;
	r = chan_recv(n->session, &n->in, &m,
	    n->phase == NET_SERVE ? STARTED_FDS : 0);
	if (r == 0) {
		r = dispatch(n, &m);
		chan_close_fds(&m);
	}
	/* gone, or not what certlogin-session would say */
	if (r != 0)
		login_abandoned(n);
	wire_update(n);
}

void
mon_begin(struct net *n)
{
	ev_io_init(&n->on_session, on_session, n->session, EV_READ);
	n->on_session.data = n;
	ev_io_start(n->loop, &n->on_session);
}

void
mon_ignore(struct net *n)
{
	ev_io_stop(n->loop, &n->on_session);
}

void
mon_end(struct net *n)
{
	mon_ignore(n);
	if (n->session >= 0)
		(void)close(n->session);
	n->session = -1;
}
