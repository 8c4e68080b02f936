/*
 * What the person asked for: each session channel collects requests as
 * opaque bytes, has one process started by the session and relays its input
 * and output.
 *
 * A channel's place stays taken until the session said that nothing runs
 * there any more; so what the session has to say to us is bounded, and
 * neither of us can wait for the other for ever.
 */
#ifndef NET_CHANNEL_H
#define NET_CHANNEL_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/conn.h"
#include "proto/ipc.h"

#define CHANNEL_MAX CONN_CHANNELS

struct net;

enum channel_state {
	CHANNEL_FREE,
	CHANNEL_ASKED,		/* open; nothing started yet */
	CHANNEL_STARTING,	/* the session is at it */
	CHANNEL_RUNNING,
	CHANNEL_LEFT,		/* closed by the client; still runs */
};

struct channel {
	struct net *net;
	enum channel_state state;
	uint32_t id;
	bool pty;
	bool eof;			/* the client sends no more */
	bool exited;
	struct ipc_exited exit;
	struct ipc_window window;
	struct buf requests;		/* for certlogin-start */
	/* -1 when closed; a terminal is in and out[0] at once */
	int in, out[CONN_STREAMS];
	ev_io on_in, on_out[CONN_STREAMS];
};

/* Ops of the connection (conn.h). */
uint32_t channel_open(void *ctx, const struct msg_open *m);
enum conn_answer channel_request(void *ctx, const struct msg_request *m);
size_t channel_data(void *ctx, uint32_t id, enum conn_stream stream,
    struct span s);
void channel_eof(void *ctx, uint32_t id);
void channel_eow(void *ctx, uint32_t id);
void channel_closed(void *ctx, uint32_t id);
void channel_can_send(void *ctx, uint32_t id);

/* The session's words; 0, or ERR_STATE: there is no such channel, or not in
 * that state.  channel_started takes fds over. */
int channel_started(struct net *n, uint32_t id, const int *fds, size_t n_fds);
int channel_not_started(struct net *n, uint32_t id, const char *reason);
int channel_exited(struct net *n, const struct ipc_exited *e);

/* Close everything. */
void channel_drop_all(struct net *n);

#endif
