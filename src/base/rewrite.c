#include "base/rewrite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"

#define NEW_MODE 0644
#define LOCK_MS 10000

/* ---- the lock ----------------------------------------------------------------------- */

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

static long
read_holder(int fd)
{
	char text[24];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	return strtol(text, NULL, 10);
}

/* For those who wait; a full disk does not matter. */
static ssize_t
write_holder(int fd)
{
	char text[24];
	int n = snprintf(text, sizeof(text), "%-20ld\n", (long)getpid());

	return pwrite(fd, text, (size_t)n, 0);
}

static int
take_lock(struct rewrite *w, unsigned ms, struct why *why)
{
	int r = lock_wait(w->lock, w->path, ms, why);

	if (r == 0)
		(void)write_holder(w->lock);
	if (r != ERR_TIMEOUT)
		return r;
	w->holder = read_holder(w->lock);
	return why_set(why, r, "%s is being changed by process %ld; try again "
	    "when that has ended", w->path, w->holder);
}

static int
lock_path(struct rewrite *w, int flags, struct why *why)
{
	const char *base = strrchr(w->path, '/');
	char name[NAME_MAX + 8];
	int folder = open_folder(w->path, why), r = 0;

	if (folder < 0)
		return folder;
	(void)snprintf(name, sizeof(name), "%.*s.lock", NAME_MAX, base + 1);
	w->lock = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (w->lock < 0)
		r = why_errno(why, "%s.lock", w->path);
	else
		r = take_lock(w, (flags & REWRITE_NO_WAIT) != 0 ? 0 : LOCK_MS,
		    why);
	(void)close(folder);
	return r;
}

/* ---- the file ----------------------------------------------------------------------- */

static int
read_file(struct rewrite *w, int flags, size_t max, struct buf *text,
    struct why *why)
{
	struct why inner;
	int r;

	buf_reset(text);
	w->fd = path_open(w->path, 0, why);
	if (w->fd == ERR_NOTFOUND && (flags & REWRITE_MAKE) != 0) {
		w->fd = -1;
		return 0;
	}
	if (w->fd < 0)
		return w->fd;
	if (path_mark_fd(w->fd, &w->mark) != 0)
		return why_errno(why, "%s", w->path);
	if ((r = path_read(w->fd, max, text, &inner)) != 0)
		(void)why_set(why, r, "%.200s: %.250s", w->path, inner.text);
	return r;
}

int
rewrite_begin(struct rewrite *w, const char *path, int flags, size_t max,
    struct buf *text, struct why *why)
{
	int r;

	*w = (struct rewrite)REWRITE_NONE;
	/* no lock beside what cannot be changed anyway */
	r = path_open(path, 0, why);
	if (r < 0 && (r != ERR_NOTFOUND || (flags & REWRITE_MAKE) == 0))
		return r;
	if (r >= 0)
		(void)close(r);
	if (snprintf(w->path, sizeof(w->path), "%s", path) >=
	    (int)sizeof(w->path))
		return why_set(why, ERR_TOOBIG, "%.200s: path too long", path);
	if ((r = lock_path(w, flags, why)) != 0)
		return r;
	return read_file(w, flags, max, text, why);
}

/* An editor takes no lock; what it wrote meanwhile is not lost. */
static int
check_unchanged(const struct rewrite *w, struct why *why)
{
	int now = path_open(w->path, 0, why);
	struct path_mark mark;
	bool same;

	if (w->fd < 0)
		same = now == ERR_NOTFOUND;
	else
		same = now >= 0 && path_mark_fd(now, &mark) == 0 &&
		    path_mark_eq(&w->mark, &mark);
	if (now >= 0)
		(void)close(now);
	return same ? 0 : why_set(why, ERR_STATE, "%s was changed by another "
	    "program meanwhile; try again", w->path);
}

int
rewrite_commit(struct rewrite *w, const struct buf *text, struct why *why)
{
	struct stat st;
	int r = buf_err(text);

	if (r != 0)
		return why_set(why, r, "%s: %s", w->path, err_text(r));
	if ((r = check_unchanged(w, why)) != 0)
		return r;
	if (w->fd < 0)
		return path_replace(w->path, NEW_MODE, text->data, text->len,
		    why);
	if (fstat(w->fd, &st) != 0)
		return why_errno(why, "%s", w->path);
	return path_replace_like(w->path, &st, text->data, text->len, why);
}

void
rewrite_end(struct rewrite *w)
{
	if (w->fd >= 0)
		(void)close(w->fd);
	if (w->lock >= 0)
		(void)close(w->lock);
	w->lock = w->fd = -1;
}
