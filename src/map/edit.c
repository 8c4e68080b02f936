#include "map/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "map/say.h"

#define NEW_MODE 0644

/* A map that is not there yet, in a folder that is safe. */
static int
make_map(const char *path, struct why *why)
{
	const char *base = strrchr(path, '/') + 1;
	char dir[PATH_MAX];
	int d, fd;

	(void)snprintf(dir, sizeof(dir), "%.*s",
	    base - path > 1 ? (int)(base - path) - 1 : 1, path);
	if (strcmp(dir, "/") == 0)
		return why_set(why, ERR_UNSAFE, "%s: expected in a folder of "
		    "its own", path);
	if ((d = path_open(dir, PATH_DIR, why)) < 0)
		return d;
	fd = openat(d, base, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, NEW_MODE);
	if (fd < 0 && errno != EEXIST)
		(void)why_errno(why, "%s cannot be made", path);
	(void)close(d);
	if (fd < 0)
		return errno == EEXIST ? 0 : ERR_SYS;
	(void)close(fd);
	return 0;
}

/* Is what we locked still what the name stands for?  Who held the lock
 * before us has renamed a new file into place. */
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
lock_map(const char *path, bool make, struct why *why)
{
	for (;;) {
		int fd = path_open(path, 0, why), r;

		if (fd == ERR_NOTFOUND && make) {
			if ((r = make_map(path, why)) != 0)
				return r;
			continue;
		}
		if (fd < 0)
			return fd;
		while ((r = flock(fd, LOCK_EX)) != 0 && errno == EINTR)
			;
		if (r == 0 && is_current(fd, path))
			return fd;
		if (r != 0)
			r = why_errno(why, "%s: lock", path);
		(void)close(fd);
		if (r != 0)
			return r;
	}
}

int
edit_begin(struct edit *e, struct context *c, bool make)
{
	struct why why;

	*e = (struct edit){ .c = c, .lock = -1 };
	if ((e->lock = lock_map(c->o->map, make, &why)) < 0)
		return say_error(EXIT_COULD_NOT, "%s (--map names another)",
		    why.text);
	buf_reset(&c->text);
	(void)path_mark_fd(e->lock, &e->mark);
	if (path_read(e->lock, MAP_FILE_MAX, &c->text, &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s: %s", c->o->map,
		    why.text);
	return EXIT_DONE;
}

/* An editor takes no lock; what it wrote meanwhile is not lost. */
static int
check_unchanged(const struct edit *e, struct stat *st, struct why *why)
{
	const char *path = e->c->o->map;
	struct path_mark now;

	if (fstat(e->lock, st) != 0 || path_mark_fd(e->lock, &now) != 0)
		return why_errno(why, "%s", path);
	if (!is_current(e->lock, path) || !path_mark_eq(&e->mark, &now))
		return why_set(why, ERR_STATE, "%s was changed by another "
		    "program meanwhile; try again", path);
	return 0;
}

int
edit_commit(struct edit *e, const struct buf *text)
{
	struct context *c = e->c;
	struct stat st;
	struct why why;
	struct map map;
	int r;

	if (buf_err(text) != 0)
		return say_error(EXIT_COULD_NOT, "%s: %s", c->o->map,
		    err_text(buf_err(text)));
	if (context_parse(c, c->o->map, (const char *)text->data, text->len,
	    &map) != 0) {
		say_findings(stderr, &c->diag);
		return say_error(EXIT_PROBLEM, "%s was not changed: the new "
		    "map would not be valid; mend these lines first",
		    c->o->map);
	}
	map_free(&map);
	if ((r = check_unchanged(e, &st, &why)) == 0)
		r = path_replace_like(c->o->map, &st, text->data, text->len,
		    &why);
	return r == 0 ? EXIT_DONE : say_error(EXIT_COULD_NOT, "%s; the map "
	    "was not changed", why.text);
}

void
edit_end(struct edit *e)
{
	if (e->lock >= 0)
		(void)close(e->lock);
	e->lock = -1;
}
