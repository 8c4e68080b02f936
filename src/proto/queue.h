/*
 * A first-in first-out queue of bytes in chunks, for data whose consumer is
 * slower than the network.  Its owner bounds it (conn.c: by the window).
 */
#ifndef PROTO_QUEUE_H
#define PROTO_QUEUE_H

#include <stddef.h>

#include "base/buf.h"

struct queue_chunk;

struct queue {
	struct queue_chunk *head, *tail;	/* owned */
	size_t len;				/* bytes inside */
	struct queue_chunk *spare;		/* kept for what comes next */
	unsigned n_spare;
};

/* All zeros is an empty queue.  0 or ERR_NOMEM (then nothing was added). */
int queue_put(struct queue *q, struct span s);
/* The first bytes that lie together; n == 0: empty. */
struct span queue_front(const struct queue *q);
/* Take off n bytes, at most len. */
void queue_take(struct queue *q, size_t n);
/* Empty it and give back all memory. */
void queue_clear(struct queue *q);

#endif
