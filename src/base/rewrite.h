/*
 * Changing a trusted text file: one at a time, always from one whole file to
 * another, and never over what somebody else wrote meanwhile.
 *
 * What is locked is PATH.lock, which only its owner can open: whoever may
 * read a file could hold every change of it up.  It stays, and holds the
 * number of the process that locked it last.
 */
#ifndef BASE_REWRITE_H
#define BASE_REWRITE_H

#include <limits.h>

#include "base/path.h"

enum rewrite_flags {
	REWRITE_MAKE = 1,	/* a file that is missing is an empty one; it
				 * is made by the commit */
	REWRITE_NO_WAIT = 2,	/* for whoever holds the lock */
};

struct rewrite {
	char path[PATH_MAX];
	int lock;		/* what is locked; -1: nothing */
	int fd;			/* the file that was read; -1: missing */
	struct path_mark mark;	/* as it was read */
	long holder;		/* who has the lock, behind ERR_TIMEOUT; 0 =
				 * not known */
};

#define REWRITE_NONE { .lock = -1, .fd = -1 }

/* Lock the absolute path, waiting at most ten seconds (ERR_TIMEOUT), and read
 * it (at most max bytes) into text.  0, or negative with why; to be ended
 * either way. */
int rewrite_begin(struct rewrite *w, const char *path, int flags, size_t max,
    struct buf *text, struct why *why);

/* Put text in its place atomically; mode, owner and group stay.  ERR_STATE if
 * somebody without the lock changed it.  On any failure the file is as it
 * was, but for one: it was replaced, and the disk did not confirm it. */
int rewrite_commit(struct rewrite *w, const struct buf *text,
    struct why *why);

void rewrite_end(struct rewrite *w);

#endif
