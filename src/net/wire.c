#include "net/wire.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "net/login.h"
#include "net/mon.h"

#define READ_ROUNDS 4		/* times n->plain before the others' turn */
#define LINGER 4.0		/* seconds for the last bytes; less than the
				 * session waits for us */

/* ---- in ---------------------------------------------------------------- */

/* The client closed or broke off. */
static void
lost(struct net *n)
{
	if (n->phase == NET_LOGIN)
		login_lost(n);
	else
		wire_end(n);
}

static void
take(struct net *n, size_t len)
{
	int r = conn_input(n->conn, n->plain, len);

	if (r != 0)
		login_violation(n, r);
}

/* Fill n->plain with full records, so that a process gets them in one piece.
 * How much came; less than there is room for: nothing more is there now, and
 * *end is why when that is for good. */
static size_t
gather(struct net *n, ssize_t *end)
{
	size_t len = 0;

	*end = ERR_AGAIN;
	while (sizeof(n->plain) - len >= TLS_RECORD) {
		ssize_t r = tls_read(n->tls, n->plain + len,
		    sizeof(n->plain) - len);

		if (r <= 0) {
			*end = r;
			break;
		}
		len += (size_t)r;
	}
	return len;
}

void
wire_read(struct net *n)
{
	ssize_t end = ERR_AGAIN;

	for (int i = 0; i < READ_ROUNDS; i++) {
		size_t len;

		if (n->phase == NET_ENDING || !conn_wants_input(n->conn))
			return;
		len = gather(n, &end);
		if (len > 0)
			take(n, len);
		if (end != ERR_AGAIN || len < sizeof(n->plain) - TLS_RECORD)
			break;
	}
	if (end != ERR_AGAIN && n->phase != NET_ENDING)
		lost(n);
}

/* ---- out --------------------------------------------------------------- */

/* 0: nothing waits; ERR_AGAIN; another code: the client is gone. */
static int
flush(struct net *n)
{
	struct span s;

	if (n->conn == NULL)
		return 0;
	while ((s = conn_output(n->conn)).n > 0) {
		ssize_t done = tls_write(n->tls, s.p, s.n);

		if (done < 0)
			return (int)done;
		conn_sent(n->conn, (size_t)done);
	}
	return tls_flush(n->tls);
}

/* The last bytes: true when there is nothing left to do. */
static bool
finish(struct net *n)
{
	int r = 0;

	if (n->alert == TLS_ALERT_NONE)
		r = flush(n);
	if (r != ERR_AGAIN)
		r = n->alert != TLS_ALERT_NONE ? tls_alert(n->tls, n->alert) :
		    tls_bye(n->tls);
	n->said = r != ERR_AGAIN;
	/* an unread byte would become a reset and take our last ones along */
	return n->said && tls_drain(n->tls) == 0;
}

/* ---- what to wait for -------------------------------------------------- */

static int
wanted(const struct net *n)
{
	bool unsent = tls_unsent(n->tls) || (n->conn != NULL &&
	    conn_output(n->conn).n > 0);

	switch (n->phase) {
	case NET_HANDSHAKE:
		return tls_wants_write(n->tls) ? EV_WRITE : EV_READ;
	case NET_ENDING:
		return n->said ? EV_READ : EV_READ | EV_WRITE;
	case NET_LOGIN:
	case NET_WAIT:
	case NET_SERVE:
		break;
	}
	return (conn_wants_input(n->conn) ? EV_READ : 0) |
	    (unsent ? EV_WRITE : 0);
}

static void
watch(struct net *n, int events)
{
	bool active = ev_is_active(&n->on_socket);

	if (active && (n->on_socket.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(n->loop, &n->on_socket);
	ev_io_set(&n->on_socket, n->socket, events);
	if (events != 0)
		ev_io_start(n->loop, &n->on_socket);
}

void
wire_update(struct net *n)
{
	if (n->phase != NET_ENDING && n->phase != NET_HANDSHAKE) {
		int r = flush(n);

		if (r != 0 && r != ERR_AGAIN)
			lost(n);
	}
	if (n->phase == NET_ENDING && finish(n)) {
		ev_break(n->loop, EVBREAK_ALL);
		return;
	}
	watch(n, wanted(n));
}

static void
on_socket(struct ev_loop *loop, ev_io *w, int revents)
{
	struct net *n = w->data;

	(void)loop;
	if (n->phase == NET_HANDSHAKE)
		login_handshake(n);
	else if (n->phase != NET_ENDING && (revents & EV_READ) != 0)
		wire_read(n);
	wire_update(n);
}

static void
on_linger(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ALL);
}

int
wire_begin(struct net *n)
{
	int r;

	if (fcntl(n->socket, F_SETFL, O_NONBLOCK) != 0)
		return ERR_SYS;
	if ((r = tls_server_begin(n->tls, n->socket, n->random)) != 0)
		return r;
	ev_io_init(&n->on_socket, on_socket, n->socket, EV_READ);
	ev_timer_init(&n->linger, on_linger, LINGER, 0.);
	n->on_socket.data = n->linger.data = n;
	ev_io_start(n->loop, &n->on_socket);
	return 0;
}

/* ---- ending ------------------------------------------------------------ */

void
wire_end(struct net *n)
{
	if (n->phase == NET_ENDING)
		return;
	/* Behind a login the session is needed no more: it hangs up what
	 * runs.  Before, it stays, and the connection counts as one of those
	 * that are not logged in. */
	channel_drop_all(n);
	if (n->phase == NET_SERVE)
		mon_end(n);
	else
		mon_ignore(n);
	n->phase = NET_ENDING;
	ev_now_update(n->loop);
	ev_timer_start(n->loop, &n->linger);
}

void
wire_alert(struct net *n, enum tls_alert alert)
{
	if (n->phase != NET_ENDING)
		n->alert = alert;
	wire_end(n);
}
