/*
 * Changing a trusted text file: one at a time, always from one whole file to
 * another, and never over what somebody else wrote meanwhile.
 */
#ifndef BASE_REWRITE_H
#define BASE_REWRITE_H

#include <limits.h>

#include "base/path.h"

enum rewrite_flags {
	REWRITE_MAKE = 1,	/* make a file that is missing, empty */
	/* lock PATH.lock, which only its owner can open, not the file: whoever
	 * may read a file could hold every change of it up */
	REWRITE_LOCKFILE = 2,
};

struct rewrite {
	char path[PATH_MAX];
	int lock;		/* what is locked; -1: nothing */
	int fd;			/* the file that was read */
	struct path_mark mark;	/* as it was read */
};

#define REWRITE_NONE { .lock = -1, .fd = -1 }

/* Lock the absolute path, waiting at most ten seconds, and read it (at most
 * max bytes) into text.  0, or negative with why; to be ended either way. */
int rewrite_begin(struct rewrite *w, const char *path, int flags, size_t max,
    struct buf *text, struct why *why);

/* Put text in its place atomically; mode, owner and group stay.  ERR_STATE if
 * somebody without the lock changed it.  On any failure the file is as it
 * was. */
int rewrite_commit(struct rewrite *w, const struct buf *text,
    struct why *why);

void rewrite_end(struct rewrite *w);

#endif
