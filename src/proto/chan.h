/*
 * Channels between our own processes: AF_UNIX SOCK_SEQPACKET, one message a
 * datagram: byte IPC_VERSION, byte type, body in RFC 4251 types.  Descriptors
 * travel only where the receiver says how many it takes; any other is closed
 * and is an error.  What versions say to each other is in hello.h.
 */
#ifndef PROTO_CHAN_H
#define PROTO_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define IPC_VERSION 2		/* 1 to 255 */
#define CHAN_MSG_MAX 65536	/* bytes of one message with its header */
#define CHAN_FDS_MAX 64

/* Begin a message: reset b (limit CHAN_MSG_MAX) and put version and type. */
void chan_begin(struct buf *b, uint8_t type);

/* Send b with n descriptors (they stay open here).  Blocks unless the socket
 * is non-blocking; 0, ERR_AGAIN, ERR_EOF (peer gone), ERR_SYS, or the
 * buffer's own error. */
int chan_send(int fd, const struct buf *b, const int *fds, size_t n);

/* A received message: body is what follows the header. */
struct chan_msg {
	uint8_t type;
	bool hello;			/* one of hello.h, not of IPC_VERSION */
	struct rd body;			/* view into the receive buffer */
	int fds[CHAN_FDS_MAX];		/* owned by the receiver now */
	size_t n_fds;
};

/* Receive one message into b (at most CHAN_MSG_MAX bytes) with at most
 * max_fds descriptors (close-on-exec).  ERR_EOF, ERR_AGAIN, ERR_VERSION,
 * ERR_MALFORMED (truncated, or more descriptors than allowed: all closed). */
int chan_recv(int fd, struct buf *b, struct chan_msg *m, size_t max_fds);

/* The same where a message of hello.h may come, too: look at m->hello first. */
int chan_recv_hello(int fd, struct buf *b, struct chan_msg *m,
    size_t max_fds);

/* Until there is something to receive, the end included, or for ms milliseconds
 * (-1: without a limit): 0, ERR_TIMEOUT, ERR_SYS. */
int chan_wait(int fd, int ms);

/* chan_recv with a time limit in milliseconds (-1: none): ERR_TIMEOUT. */
int chan_recv_timeout(int fd, struct buf *b, struct chan_msg *m,
    size_t max_fds, int ms);

/* Close the descriptors of m that were not taken (set to -1 when taken). */
void chan_close_fds(struct chan_msg *m);

#endif
