/*
 * certlogin-net: talks to one client.  It may: read and write that client's
 * socket, speak TLS and the connection protocol, relay bytes of processes
 * that the session started.  It never sees: the host's key, trust, map,
 * accounts, passwords of the system, files, other connections; and it decides
 * nothing: what it says about a client is looked at again by certlogin-judge,
 * what it asks for is done by certlogin-session or not.
 *
 * Started ahead by certlogind, confined before it reads a byte, joined to a
 * connection later.
 *
 * Descriptors: 3 channel to certlogin-session, 4 the host's certificate.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/about.h"
#include "base/helper.h"
#include "base/memfile.h"
#include "base/sandbox.h"
#include "net/confine.h"
#include "net/mon.h"
#include "net/wire.h"
#include "proto/chan.h"

enum { FD_HOST = HELPER_FD };

#define HOST_MAX 131072		/* bytes of the host's certificates */

static int
sign(void *ctx, struct span transcript, struct buf *sig)
{
	return mon_sign(ctx, transcript, sig);
}

static int
make_tls(struct net *n, struct span text, struct why *why)
{
	struct tls_server spec = { .sign = sign, .ctx = n };
	struct rd r = rd_of_span(text);
	struct ipc_host host;

	ipc_host_get(&r, &host);
	if (rd_end(&r) != 0)
		return rd_end(&r);
	spec.scheme = host.scheme;
	spec.chain = host.der;
	spec.n = host.n;
	return tls_server_new(&n->tls, &spec, why);
}

/* Everything that can be done before there is a connection. */
static int
warm_up(struct net *n, struct why *why)
{
	struct span text;
	int r;

	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return ERR_SYS;
	n->session = HELPER_CHANNEL;
	n->socket = -1;
	n->phase = NET_HANDSHAKE;
	buf_init(&n->in, CHAN_MSG_MAX);
	buf_init(&n->out, CHAN_MSG_MAX);
	if ((r = memfile_map(FD_HOST, HOST_MAX, &text)) != 0)
		return r;
	r = make_tls(n, text, why);
	memfile_unmap(text);
	(void)close(FD_HOST);
	/* poll: a handful of descriptors, often switched on and off */
	if (r == 0 && (n->loop = ev_loop_new(EVBACKEND_POLL |
	    EVFLAG_NOENV)) == NULL)
		r = ERR_NOMEM;
	return r != 0 ? r : confine_enter(why);
}

int
main(int argc, char **argv)
{
	static struct net n;
	struct why why;

	if (about_asked("certlogin-net", sandbox_text(), argc, argv))
		return 0;
	if (helper_begin("certlogin-net") != 0) {
		(void)fprintf(stderr, "certlogin-net: is started by "
		    "certlogind, not by hand\n");
		return 2;
	}
	if (warm_up(&n, &why) != 0 || mon_join(&n) != 0 ||
	    wire_begin(&n) != 0)
		return 3;
	mon_begin(&n);
	ev_run(n.loop, 0);
	channel_drop_all(&n);
	tls_free(n.tls);
	conn_free(n.conn);
	buf_free(&n.in);
	buf_free(&n.out);
	ev_loop_destroy(n.loop);
	return 0;
}
