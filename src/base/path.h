/*
 * Opening trusted files.  A file is trusted when its path is absolute, it is
 * a regular file, owned by root or the caller, not writable by group or
 * others, reached through no symbolic link, and when every folder on the way
 * is as good; a sticky world-writable folder is accepted if what lies in it
 * on our way belongs to root or the caller.
 */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"

enum path_flags {
	PATH_SECRET = 1,	/* also: not readable by group or others */
	PATH_DIR = 2,		/* a folder, not a regular file */
	PATH_PUBLIC = 4,	/* also: readable by group or others; never
				 * a file that PATH_SECRET would take */
};

/* Open an absolute path read-only by the rules above.  Returns a descriptor
 * (close-on-exec) or ERR_UNSAFE, ERR_NOTFOUND, ERR_SYS with why filled. */
int path_open(const char *path, int flags, struct why *why);

/* Open rel below the trusted folder dirfd by the same rules; rel must be
 * relative and without empty, "." or ".." components.  dirname is for the
 * message only. */
int path_open_below(int dirfd, const char *dirname, const char *rel,
    int flags, struct why *why);

/* Read all of fd (from offset 0, without moving it) into out (appended).
 * More than max bytes is ERR_TOOBIG. */
int path_read(int fd, size_t max, struct buf *out, struct why *why);

/* path_open and path_read in one. */
int path_load(const char *path, int flags, size_t max, struct buf *out,
    struct why *why);

/* Replace (or make) the file path atomically: written beside under a
 * temporary name (.NAME. and ten digits) with this mode, fsynced, renamed,
 * folder fsynced.  On any failure the old file is untouched and nothing is left
 * beside it; what a process that was killed left there is taken away by the
 * next one. */
int path_replace(const char *path, mode_t mode, const void *data, size_t n,
    struct why *why);
/* The same, of n parts one behind the other. */
int path_replace_parts(const char *path, mode_t mode, const struct span *part,
    size_t n, struct why *why);

/* The same, with mode, owner and group of an earlier file. */
int path_replace_like(const char *path, const struct stat *like,
    const void *data, size_t n, struct why *why);

/* What tells whether a file was changed: any difference counts. */
struct path_mark {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

int path_mark_fd(int fd, struct path_mark *mark);
/* The same, when any change from now on will show.  Files' times move with
 * the kernel's tick, so of two changes within one the second would not: waits
 * until the last change is past, at most ms milliseconds, then ERR_AGAIN. */
int path_mark_settled(int fd, int ms, struct path_mark *mark);
bool path_mark_eq(const struct path_mark *a, const struct path_mark *b);

/* What a path led to when it was opened, or was not: equal to a later one as
 * long as opening it again would bring the same. */
struct path_state {
	bool opened;
	struct path_mark mark;	/* not opened: of what lies there, or 0 */
};

/* fd is what opening path gave, negative if it failed. */
void path_state_of(int fd, const char *path, struct path_state *state);
bool path_state_eq(const struct path_state *a, const struct path_state *b);

/* Somebody has this file open for writing: what is in it may be half of what
 * is meant.  Where the kernel or the file system cannot tell, false. */
bool path_is_written(int fd);

/* Write all n bytes; 0, or ERR_SYS with errno set. */
int path_write_all(int fd, const void *data, size_t n);

#endif
