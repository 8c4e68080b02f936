/*
 * Standard input, output and error without blocking, and without changing
 * the descriptors that other programs share with us: O_NONBLOCK would be
 * theirs too.
 */
#ifndef CLIENT_STREAM_H
#define CLIENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct stream {
	int fd;			/* to poll, read, write; -1 when closed */
	int standard;		/* 0, 1 or 2 */
	bool own;		/* fd was opened afresh, without blocking */
	bool socket;
	bool file;		/* never blocks for long */
	bool tty;
};

/* Make s of a standard descriptor; out: for writing. */
void stream_open(struct stream *s, int standard, bool out);
/* Give it up: its standard descriptor is /dev/null from now on, so that who
 * is at the other end sees it. */
void stream_close(struct stream *s);
/* Give up what stream_open made; the standard descriptor stays. */
void stream_free(struct stream *s);

/* After poll said so: > 0, 0 at the end, ERR_AGAIN, or ERR_SYS with errno. */
ssize_t stream_read(struct stream *s, void *p, size_t n);
/* How much was taken, at least 1; ERR_AGAIN; or ERR_SYS with errno. */
ssize_t stream_write(struct stream *s, const void *p, size_t n);

#endif
