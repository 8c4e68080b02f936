/*
 * Passphrases and PINs: from a file of the person's own, else from the
 * terminal, never where batchmode forbids it.
 */
#ifndef CLIENT_SECRET_H
#define CLIENT_SECRET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

struct secret_ask {
	const char *file;	/* NULL: ask the person */
	const char *setting;	/* that would name the file */
	const char *prompt;
	bool batch;		/* never ask */
	size_t max;		/* bytes */
};

/* No core dump and no ptrace from now on. */
void secret_begin(void);

/* Fill out (secret, limit above max + 1) with the secret and a NUL that does
 * not count. */
int secret_get(const struct secret_ask *ask, struct buf *out,
    struct why *why);
/* A secret buffer of which nothing is swapped out. */
void secret_init(struct buf *b, size_t max);

#endif
