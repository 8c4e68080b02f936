#include "net/login.h"

#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "net/mon.h"
#include "net/wire.h"

/* ---- failures before LOGIN --------------------------------------------- */

static uint8_t
what_failed(enum tls_failure f)
{
	switch (f) {
	case TLS_FAIL_EOF:
		return IPC_FAILED_EOF;
	case TLS_FAIL_ALERT:
		return IPC_FAILED_ALERT;
	case TLS_FAIL_NO_CERT:
		return IPC_FAILED_NO_CERT;
	case TLS_FAIL_NO_ALPN:
		return IPC_FAILED_NO_ALPN;
	case TLS_FAIL_SIZE:
		return IPC_FAILED_SIZE;
	case TLS_FAIL_USAGE:
		return IPC_FAILED_USAGE;
	case TLS_FAIL_NONE:
		/* the client ended TLS properly */
		return IPC_FAILED_EOF;
	case TLS_FAIL_SIGN:
	case TLS_FAIL_VERIFY:
	case TLS_FAIL_OTHER:
		break;
	}
	return IPC_FAILED_TLS;
}

static void
report(struct net *n, uint8_t what)
{
	struct ipc_net_failed f = { .what = what,
	    .gnutls = (int32_t)tls_code(n->tls),
	    .alert = (uint8_t)tls_alert_got(n->tls) };

	/* a session that refused the signature has told the story */
	if (!n->refused)
		(void)mon_failed(n, &f);
	n->refused = true;
}

void
login_lost(struct net *n)
{
	report(n, what_failed(tls_failure(n->tls)));
	wire_end(n);
}

void
login_violation(struct net *n, int code)
{
	report(n, code == ERR_TYPE || code == ERR_REFUSED ||
	    code == ERR_STATE ? IPC_FAILED_ORDER : IPC_FAILED_FRAME);
	wire_end(n);
}

/* ---- the client's LOGIN ------------------------------------------------ */

static void
on_login(void *ctx, const struct msg_login *m)
{
	struct net *n = ctx;
	int r = mon_login(n, m);

	n->phase = NET_WAIT;
	/* while the judge is at it */
	tls_settle(n->tls);
	(void)malloc_trim(0);
	if (r != 0)
		login_abandoned(n);
}

static void
on_disconnect(void *ctx, const struct msg_disconnect *m)
{
	(void)m;
	wire_end(ctx);
}

static const struct conn_ops ops = {
	.login = on_login,
	.disconnect = on_disconnect,
	.open = channel_open,
	.request = channel_request,
	.data = channel_data,
	.eof = channel_eof,
	.eow = channel_eow,
	.closed = channel_closed,
	.can_send = channel_can_send,
};

void
login_handshake(struct net *n)
{
	int r = tls_handshake(n->tls);

	if (r == ERR_AGAIN)
		return;
	if (r != 0) {
		login_lost(n);
		return;
	}
	n->phase = NET_LOGIN;
	n->conn = conn_new(FRAME_SERVER, &ops, n);
	if (n->conn == NULL) {
		wire_alert(n, TLS_ALERT_INTERNAL_ERROR);
		return;
	}
	/* LOGIN comes with the end of the handshake */
	wire_read(n);
}

/* ---- the session's verdict --------------------------------------------- */

static void
fail(struct net *n, const char *reason, uint64_t reference)
{
	struct msg_failure m = { .reference = reference };

	(void)snprintf(m.reason, sizeof(m.reason), "%s", reason);
	(void)conn_failure(n->conn, &m);
	wire_end(n);
}

void
login_refuse(struct net *n, const struct ipc_refuse *f)
{
	if (f->alert != 0)
		wire_alert(n, (enum tls_alert)f->alert);
	else
		fail(n, f->reason, f->reference);
}

void
login_success(struct net *n, const struct ipc_success *s)
{
	struct msg_success m;
	int r = 0;

	_Static_assert(sizeof(m.account) == sizeof(s->account) &&
	    sizeof(m.identity) == sizeof(s->identity), "same limits");
	memcpy(m.account, s->account, sizeof(m.account));
	memcpy(m.identity, s->identity, sizeof(m.identity));
	if (s->banner[0] != '\0')
		r = conn_banner(n->conn, s->banner);
	n->phase = NET_SERVE;
	/* also takes what the client sent behind LOGIN */
	if (r == 0)
		r = conn_success(n->conn, &m);
	if (r != 0)
		login_violation(n, r);
}

void
login_abandoned(struct net *n)
{
	switch (n->phase) {
	case NET_HANDSHAKE:
	case NET_LOGIN:
		wire_alert(n, TLS_ALERT_INTERNAL_ERROR);
		break;
	case NET_WAIT:
		fail(n, "login is not possible now; tell the administrator",
		    0);
		break;
	case NET_SERVE:
		(void)conn_disconnect(n->conn, MSG_CONNECTION_LOST,
		    "the server's process for this session ended");
		wire_end(n);
		break;
	case NET_ENDING:
		break;
	}
}
