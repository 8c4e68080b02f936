/*
 * What runs over an authenticated TLS session: login, the one channel, the
 * local streams and terminal.
 *
 * session.c is the event loop and the way of bytes between TLS and the
 * connection protocol, channel.c what the protocol says, local.c the
 * streams here.  Every callback of the loop ends with session_update().
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/opts.h"
#include "client/say.h"
#include "client/server.h"
#include "client/stream.h"
#include "client/term.h"
#include "proto/conn.h"
#include "x509/tls.h"

#define SESSION_FAILED 255	/* exit status of a failure of our own */
#define SESSION_PLAIN (8 * TLS_RECORD)	/* bytes decrypted at once */
#define SESSION_SIGNALS 7

enum session_phase {
	SESSION_LOGIN,		/* LOGIN is out, no answer yet */
	SESSION_OPEN,
	SESSION_ENDING,		/* the last bytes go out */
	SESSION_OVER,
};

/* A connection whose handshake is through, and what explains its end. */
struct session_peer {
	struct tls *tls;
	int socket;
	const struct server *server;
	struct span leaf;	/* own certificate */
};

struct session {
	const struct opts *opts;
	const struct session_peer *peer;
	struct say *say;
	struct tls *tls;
	struct conn *conn;
	int socket;
	enum session_phase phase;
	int status;		/* exit status */
	int signal;		/* to end by */

	struct ev_loop *loop;
	ev_io on_socket;
	ev_timer alive, linger, bulk;
	unsigned unanswered;	/* keepalives */
	bool is_bulk;
	bool dead;		/* nothing more can be sent */
	ev_signal on_signal[SESSION_SIGNALS];
	bool watching[SESSION_SIGNALS];

	uint32_t channel;
	bool opened;		/* the channel is there, and not closed */
	bool have_status;	/* how the command ended is known */
	bool closed;		/* the server closed the channel */

	struct term term;
	bool want_pty;		/* a terminal there is asked for */
	bool have_tty;		/* standard input is a terminal */
	struct stream in, out[CONN_STREAMS];
	ev_io on_in, on_out[CONN_STREAMS];
	bool in_waits;		/* for window or room */

	uint8_t plain[SESSION_PLAIN];
};

/* ---- session.c ------------------------------------------------------------ */

/* Run until it is over: the exit status. */
int session_run(const struct opts *opts, struct say *say,
    const struct session_peer *peer);
/* Send what waits, and see what is to be waited for. */
void session_update(struct session *s);
/* A failure of our own: says so, once, and ends. */
void session_fail(struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Nothing more to do but to say goodbye. */
void session_end(struct session *s);

/* ---- channel.c ------------------------------------------------------------- */

extern const struct conn_ops channel_ops;
/* Queue LOGIN, the channel and its requests. */
int channel_begin(struct session *s);
/* Has everything arrived?  Then end. */
void channel_check_end(struct session *s);

/* ---- local.c ---------------------------------------------------------------- */

void local_open(struct session *s);
void local_close(struct session *s);
/* Begin to read standard input. */
void local_start_input(struct session *s);
/* The server reads no more of it. */
void local_stop_input(struct session *s);
/* There is room for input again. */
void local_can_send(struct session *s);
/* Data came: how much of it was written at once. */
size_t local_data(struct session *s, enum conn_stream stream,
    struct span data);
/* All of the output came and was written. */
void local_eof(struct session *s);

#endif
