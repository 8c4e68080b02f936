#include "ca/out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

/* Give a folder that we have just made its mode, whatever the umask is; and
 * only it, should somebody have put another in its place meanwhile. */
static int
set_mode(const char *dir, unsigned mode, struct why *why)
{
	struct stat st;
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return why_errno(why, "%.300s", dir);
	if (fstat(fd, &st) != 0 || st.st_uid != geteuid() ||
	    (st.st_mode & 0777 & ~0700U) != 0)
		r = why_set(why, ERR_UNSAFE, "%.300s was changed by somebody "
		    "else while it was made", dir);
	else if (fchmod(fd, mode) != 0)
		r = why_errno(why, "%.300s", dir);
	(void)close(fd);
	return r;
}

static int
make_one(const char *dir, unsigned mode, struct why *why)
{
	if (mkdir(dir, 0700) == 0)
		return set_mode(dir, mode, why);
	return errno == EEXIST ? 0 : why_errno(why, "%.300s: cannot make this "
	    "folder", dir);
}

int
out_mkdir(const char *dir, unsigned mode, struct why *why)
{
	char path[PATH_MAX];
	int r = 0;

	if (dir[0] == '\0' || strlen(dir) >= sizeof(path))
		return why_set(why, ERR_SYS, "folder: empty or too long name");
	(void)snprintf(path, sizeof(path), "%s", dir);
	for (char *p = strchr(path + 1, '/'); r == 0 && p != NULL;
	    p = strchr(p + 1, '/')) {
		*p = '\0';
		r = make_one(path, mode, why);
		*p = '/';
	}
	return r == 0 ? make_one(path, mode, why) : r;
}

int
out_real(const char *dir, char real[PATH_MAX], struct why *why)
{
	if (realpath(dir, real) == NULL)
		return why_errno(why, "%.300s", dir);
	return strlen(real) < PATH_MAX - NAME_MAX ? 0 :
	    why_set(why, ERR_SYS, "folder: path too long");
}

int
out_open(struct out *o, const char *dir, const char *name, struct why *why)
{
	int r;

	if ((r = out_mkdir(dir, 0700, why)) != 0)
		return r;
	if (realpath(dir, o->dir) == NULL ||
	    (o->fd = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		return why_errno(why, "%.300s", dir);
	(void)snprintf(o->name, sizeof(o->name), "%s", name);
	o->hex[0] = '\0';
	return 0;
}

int
out_find(struct out *o, const char *dir, const char *name,
    const uint8_t serial[WORDS_SERIAL], struct why *why)
{
	(void)snprintf(o->dir, sizeof(o->dir), "%s", dir);
	if ((o->fd = open(o->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW)) < 0)
		return why_errno(why, "%.300s", dir);
	(void)snprintf(o->name, sizeof(o->name), "%s", name);
	out_serial(o, serial);
	return 0;
}

void
out_serial(struct out *o, const uint8_t serial[WORDS_SERIAL])
{
	words_hex(serial, o->hex);
}

void
out_close(struct out *o)
{
	(void)close(o->fd);
}

static void
final_name(const struct out *o, enum out_kind kind, char dst[NAME_MAX + 1])
{
	static const char *const suffix[] = { [OUT_KEY] = ".key",
	    [OUT_P12] = ".p12", [OUT_CA] = "ca.crt", [OUT_CRT] = ".crt" };

	(void)snprintf(dst, NAME_MAX + 1, "%s%s",
	    kind == OUT_CA ? "" : o->name, suffix[kind]);
}

static void
staged_name(const struct out *o, enum out_kind kind, char dst[NAME_MAX + 1])
{
	char name[NAME_MAX + 1];

	final_name(o, kind, name);
	(void)snprintf(dst, NAME_MAX + 1, ".%.120s.%s", name, o->hex);
}

int
out_stage(struct out *o, enum out_kind kind, struct span data,
    struct why *why)
{
	mode_t mode = kind == OUT_KEY || kind == OUT_P12 ? 0600 : 0644;
	char name[NAME_MAX + 1];
	int fd, r = 0;

	staged_name(o, kind, name);
	fd = openat(o->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC |
	    O_NOFOLLOW, 0600);
	if (fd < 0)
		return why_errno(why, "%.300s: cannot write there", o->dir);
	if (path_write_all(fd, data.p, data.n) != 0 ||
	    fchmod(fd, mode) != 0 || fsync(fd) != 0)
		r = why_errno(why, "%.300s: cannot write there", o->dir);
	if (close(fd) != 0 && r == 0)
		r = why_errno(why, "%.300s: cannot write there", o->dir);
	return r;
}

int
out_release(struct out *o, size_t *n, struct why *why)
{
	char from[NAME_MAX + 1], to[NAME_MAX + 1];
	size_t count = 0;

	for (int kind = 0; kind < OUT_KINDS; kind++) {
		staged_name(o, (enum out_kind)kind, from);
		final_name(o, (enum out_kind)kind, to);
		if (renameat(o->fd, from, o->fd, to) == 0)
			count++;
		else if (errno != ENOENT)
			return why_errno(why, "%.200s/%.80s: cannot rename %s "
			    "to this", o->dir, to, from);
	}
	if (fsync(o->fd) != 0)
		return why_errno(why, "%.300s: cannot sync", o->dir);
	if (n != NULL)
		*n = count;
	return 0;
}

void
out_discard(struct out *o)
{
	char name[NAME_MAX + 1];

	for (int kind = 0; kind < OUT_KINDS; kind++) {
		staged_name(o, (enum out_kind)kind, name);
		(void)unlinkat(o->fd, name, 0);
	}
}
