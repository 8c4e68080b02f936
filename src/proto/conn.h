/*
 * One connection: login, channels, windows, requests.  Pure state: no
 * descriptor, no TLS, no event loop; certlogin and certlogin-net put both
 * around it.
 *
 * In: plaintext goes to conn_input(), which calls the ops.  Out: conn_output()
 * shows the bytes to send, conn_sent() takes them off; look after every call
 * into here.  Every message's type is checked against what is allowed now
 * before a byte of its body is decoded; a violation queues DISCONNECT, fails
 * the connection for good and is named by conn_problem().
 *
 * Memory is bounded: a channel holds at most the window that it granted
 * (first CONN_WINDOW, all together at most CONN_WINDOW_TOTAL), the output
 * CONN_OUT_MAX, a partial message FRAME_MAX.
 *
 * The ops may call anything here but conn_input and conn_free.
 */
#ifndef PROTO_CONN_H
#define PROTO_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/frame.h"
#include "proto/msg.h"

#define CONN_WINDOW (2u << 20)		/* first window, each way */
#define CONN_WINDOW_TOTAL (64u << 20)	/* sum of all windows granted */
#define CONN_CHANNELS 16		/* open at once */
#define CONN_ENTRIES 32			/* with refused ones not yet closed */
#define CONN_OUT_MAX (512u << 10)	/* bytes waiting to be sent */
#define CONN_OUT_PAUSE (256u << 10)	/* above: take no more input */
#define CONN_DATA_ROOM (FRAME_MAX - FRAME_DATA_HEADER)

enum conn_stream { CONN_DATA = 0, CONN_STDERR = 1 };
#define CONN_STREAMS 2

/* What an op for a request answers. */
enum conn_answer {
	CONN_REFUSE,
	CONN_ACCEPT,
	CONN_LATER,	/* shell, exec, subsystem: conn_reply() follows */
};

struct conn;

/* Any op may be NULL: then the event is refused or ignored. */
struct conn_ops {
	/* server: LOGIN came.  Answer with conn_success or conn_failure, now
	 * or later; until then nothing behind LOGIN is decoded. */
	void (*login)(void *ctx, const struct msg_login *m);
	/* client: the answer.  failure ends the connection. */
	void (*success)(void *ctx, const struct msg_success *m);
	void (*failure)(void *ctx, const struct msg_failure *m);
	void (*banner)(void *ctx, const char *text);
	/* The peer ends the connection; nothing more comes. */
	void (*disconnect)(void *ctx, const struct msg_disconnect *m);

	/* The peer opens a channel: 0, or an enum msg_open_code. */
	uint32_t (*open)(void *ctx, const struct msg_open *m);
	/* Our conn_open was confirmed or refused.  A refused channel is gone
	 * when the op returns. */
	void (*opened)(void *ctx, uint32_t channel);
	void (*open_failed)(void *ctx, const struct msg_open_failure *m);

	/* A request, its body well formed.  eow has its own op. */
	enum conn_answer (*request)(void *ctx, const struct msg_request *m);
	/* The reply to our oldest unanswered conn_request of this channel. */
	void (*reply)(void *ctx, uint32_t channel, bool ok);
	/* The reply to our oldest conn_keepalive. */
	void (*alive)(void *ctx);

	/* Data came and nothing of this stream is queued: take what can be
	 * taken at once and return how much that was.  The rest is queued
	 * (conn_pending). */
	size_t (*data)(void *ctx, uint32_t channel, enum conn_stream stream,
	    struct span s);
	/* The peer sends no more data, and all of it was taken. */
	void (*eof)(void *ctx, uint32_t channel);
	/* The peer wants no more CONN_DATA: reserve returns NULL now. */
	void (*eow)(void *ctx, uint32_t channel);
	/* The peer closed.  Queued data stays until conn_close. */
	void (*closed)(void *ctx, uint32_t channel);
	/* conn_reserve returned NULL for want of window or room; try again
	 * now.  Called in turn, so that channels share fairly. */
	void (*can_send)(void *ctx, uint32_t channel);
};

/* role is who we are.  ops and ctx must outlive the connection.  NULL when
 * memory is out. */
struct conn *conn_new(enum frame_role role, const struct conn_ops *ops,
    void *ctx);
void conn_free(struct conn *c);			/* accepts NULL */

/* Take n bytes of plaintext.  0, or the negative code of the violation;
 * once failed, always failed. */
int conn_input(struct conn *c, const void *p, size_t n);
/* False while input should stay in the socket: the login is undecided, too
 * much output waits, or the connection is over. */
bool conn_wants_input(const struct conn *c);
/* The bytes to send next; n == 0: none. */
struct span conn_output(struct conn *c);
void conn_sent(struct conn *c, size_t n);
/* The violation in words, e.g. "window-exceeded: CHANNEL_DATA on channel 1",
 * or "" while there is none. */
const char *conn_problem(const struct conn *c);
enum frame_state conn_state(const struct conn *c);
/* Bytes of input and output held in memory now. */
size_t conn_memory(const struct conn *c);

/* Login.  All sending functions below return 0 or negative: ERR_STATE (not
 * allowed now, or connection failed), ERR_NOTFOUND (no such channel),
 * ERR_TOOBIG, ERR_NOMEM. */
int conn_login(struct conn *c, const struct msg_login *m);	/* client */
int conn_success(struct conn *c, const struct msg_success *m);	/* server; may
				 * call ops for what came behind LOGIN */
int conn_failure(struct conn *c, const struct msg_failure *m);	/* server */
int conn_banner(struct conn *c, const char *text);		/* server */
/* Say goodbye; nothing else can be sent behind it. */
int conn_disconnect(struct conn *c, enum msg_disconnect_code code,
    const char *text);
int conn_keepalive(struct conn *c);

/* Open a session channel; a client may do so, send requests and data right
 * behind conn_login (what is too large for the time before login is held
 * back until LOGIN_SUCCESS). */
int conn_open(struct conn *c, uint32_t *channel);
/* A number for the caller's use, e.g. an index; 0 at first. */
void conn_set_user(struct conn *c, uint32_t channel, void *user);
void *conn_user(const struct conn *c, uint32_t channel);
int conn_request(struct conn *c, uint32_t channel, enum msg_request_kind kind,
    bool want_reply, struct span body);
/* Answer a request that the op left for later. */
int conn_reply(struct conn *c, uint32_t channel, bool ok);

/*
 * Send data: a place of *room bytes (1..CONN_DATA_ROOM) to read() into, or
 * NULL: not now (can_send follows) or never (gone, EOF sent, eow came).
 * Then conn_commit with what was read, 0 included; nothing else may be called
 * in between.
 */
uint8_t *conn_reserve(struct conn *c, uint32_t channel,
    enum conn_stream stream, size_t *room);
void conn_commit(struct conn *c, uint32_t channel, enum conn_stream stream,
    size_t n);
/* May data of this stream still be sent, now or later? */
bool conn_sendable(const struct conn *c, uint32_t channel,
    enum conn_stream stream);

/* Queued input: the next bytes (n == 0: none), and taking n of them off. */
struct span conn_pending(const struct conn *c, uint32_t channel,
    enum conn_stream stream);
void conn_consumed(struct conn *c, uint32_t channel, enum conn_stream stream,
    size_t n);
/* From now on drop what comes on this stream, queued data included; for
 * CONN_DATA tells the peer (eow). */
int conn_discard(struct conn *c, uint32_t channel, enum conn_stream stream);

/* No more data from us. */
int conn_eof(struct conn *c, uint32_t channel);
/* Done with the channel: drops its queues; its number is dead for the
 * caller. */
int conn_close(struct conn *c, uint32_t channel);
/* Are there channels that were not closed by both sides yet? */
bool conn_busy(const struct conn *c);

#endif
