#include "base/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"

#define NEW_MODE 0644
#define LOCK_MS 10000

/* The folder of path, if it is to be trusted. */
static int
open_folder(const char *path, struct why *why)
{
	const char *base = strrchr(path, '/');
	char dir[PATH_MAX];

	if (base == NULL || base == path)
		return why_set(why, ERR_UNSAFE, "%s: expected an absolute "
		    "path in a folder of its own", path);
	(void)snprintf(dir, sizeof(dir), "%.*s", (int)(base - path), path);
	return path_open(dir, PATH_DIR, why);
}

/* A file that is not there yet, in a folder that is safe. */
static int
make_file(const char *path, struct why *why)
{
	int d = open_folder(path, why), fd;

	if (d < 0)
		return d;
	fd = openat(d, strrchr(path, '/') + 1, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, NEW_MODE);
	if (fd < 0 && errno != EEXIST)
		(void)why_errno(why, "%s cannot be made", path);
	(void)close(d);
	if (fd < 0)
		return errno == EEXIST ? 0 : ERR_SYS;
	(void)close(fd);
	return 0;
}

/* Is what we opened still what the name stands for?  Who held the lock before
 * us has renamed a new file into place. */
static bool
is_current(int fd, const char *path)
{
	struct path_mark ours, now;
	struct why why;
	int other = path_open(path, 0, &why);
	bool same = other >= 0 && path_mark_fd(fd, &ours) == 0 &&
	    path_mark_fd(other, &now) == 0 && ours.dev == now.dev &&
	    ours.ino == now.ino;

	if (other >= 0)
		(void)close(other);
	return same;
}

static int
open_or_make(const char *path, int flags, struct why *why)
{
	int fd = path_open(path, 0, why), r;

	if (fd != ERR_NOTFOUND || (flags & REWRITE_MAKE) == 0)
		return fd;
	if ((r = make_file(path, why)) != 0)
		return r;
	return path_open(path, 0, why);
}

static int
lock_itself(struct rewrite *w, int flags, struct why *why)
{
	int r;

	for (;;) {
		if ((w->fd = open_or_make(w->path, flags, why)) < 0)
			return w->fd;
		w->lock = w->fd;
		if ((r = lock_wait(w->fd, w->path, LOCK_MS, why)) != 0 ||
		    is_current(w->fd, w->path))
			return r;
		(void)close(w->fd);
	}
}

static int
lock_beside(struct rewrite *w, int flags, struct why *why)
{
	char name[PATH_MAX + 8];
	int d, r;

	(void)snprintf(name, sizeof(name), "%s.lock", w->path);
	if ((d = open_folder(name, why)) < 0)
		return d;
	w->lock = openat(d, strrchr(name, '/') + 1, O_RDWR | O_CREAT |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (w->lock < 0)
		(void)why_errno(why, "%s", name);
	(void)close(d);
	if (w->lock < 0)
		return ERR_SYS;
	if ((r = lock_wait(w->lock, name, LOCK_MS, why)) != 0)
		return r;
	w->fd = open_or_make(w->path, flags, why);
	return w->fd < 0 ? w->fd : 0;
}

int
rewrite_begin(struct rewrite *w, const char *path, int flags, size_t max,
    struct buf *text, struct why *why)
{
	struct why inner;
	int r;

	*w = (struct rewrite)REWRITE_NONE;
	if (snprintf(w->path, sizeof(w->path), "%s", path) >=
	    (int)sizeof(w->path))
		return why_set(why, ERR_TOOBIG, "%.200s: path too long", path);
	r = (flags & REWRITE_LOCKFILE) != 0 ? lock_beside(w, flags, why) :
	    lock_itself(w, flags, why);
	if (r != 0)
		return r;
	if (path_mark_fd(w->fd, &w->mark) != 0)
		return why_errno(why, "%s", path);
	buf_reset(text);
	if ((r = path_read(w->fd, max, text, &inner)) != 0)
		(void)why_set(why, r, "%.200s: %.250s", path, inner.text);
	return r;
}

/* An editor takes no lock; what it wrote meanwhile is not lost. */
static int
check_unchanged(const struct rewrite *w, struct stat *st, struct why *why)
{
	struct path_mark now;

	if (fstat(w->fd, st) != 0 || path_mark_fd(w->fd, &now) != 0)
		return why_errno(why, "%s", w->path);
	if (!is_current(w->fd, w->path) || !path_mark_eq(&w->mark, &now))
		return why_set(why, ERR_STATE, "%s was changed by another "
		    "program meanwhile; try again", w->path);
	return 0;
}

int
rewrite_commit(struct rewrite *w, const struct buf *text, struct why *why)
{
	struct stat st;
	int r = buf_err(text);

	if (r != 0)
		return why_set(why, r, "%s: %s", w->path, err_text(r));
	if ((r = check_unchanged(w, &st, why)) != 0)
		return r;
	return path_replace_like(w->path, &st, text->data, text->len, why);
}

void
rewrite_end(struct rewrite *w)
{
	if (w->fd >= 0 && w->fd != w->lock)
		(void)close(w->fd);
	if (w->lock >= 0)
		(void)close(w->lock);
	w->lock = w->fd = -1;
}
