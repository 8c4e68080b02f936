/*
 * One connection between its client's socket and certlogin-session.
 *
 * main.c starts and joins, login.c is the handshake and the login, channel.c
 * what runs afterwards, wire.c carries bytes between TLS and the connection
 * protocol, mon.c talks to the session.
 *
 * Every callback of the event loop ends with wire_update().
 */
#ifndef NET_NET_H
#define NET_NET_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/channel.h"
#include "proto/conn.h"
#include "proto/ipc.h"
#include "x509/tls.h"

enum net_phase {
	NET_HANDSHAKE = 1,
	NET_LOGIN = 2,		/* the client's LOGIN is to come */
	NET_WAIT = 4,		/* the session's verdict is to come */
	NET_SERVE = 8,
	NET_ENDING = 16,	/* the last bytes go out */
};

struct net {
	enum net_phase phase;
	struct ev_loop *loop;
	int session;			/* channel to certlogin-session, or
					 * -1 */
	int socket;			/* of the client */
	struct tls *tls;
	struct conn *conn;		/* from the handshake's end */
	bool refused;			/* the session gave its reason */
	bool said;			/* our last word is out */
	enum tls_alert alert;		/* our last word, unless goodbye */
	ev_io on_session, on_socket;
	ev_timer linger;
	struct buf in, out;		/* one message each */
	uint8_t random[IPC_RANDOM_LEN];
	struct channel channel[CHANNEL_MAX];
	uint8_t plain[4 * TLS_RECORD];	/* records that came */
};

#endif
