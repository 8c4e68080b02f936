#include "base/path.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

/* Owner root or us, and not writable by others. */
static int
check_owner(const struct stat *st, const char *path, struct why *why)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return why_set(why, ERR_UNSAFE,
		    "%s belongs to uid %lu; expected root or uid %lu", path,
		    (unsigned long)st->st_uid, (unsigned long)geteuid());
	return 0;
}

static int
check_folder(const struct stat *st, const char *path, struct why *why)
{
	int r = check_owner(st, path, why);

	if (r != 0)
		return r;
	/* What is in a sticky folder can be replaced by its owner only, and
	 * the owner of the next component is checked in its turn. */
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
	    (st->st_mode & S_ISVTX) == 0)
		return why_set(why, ERR_UNSAFE,
		    "%s can be written by others; try: chmod go-w %s", path,
		    path);
	return 0;
}

static int
check_final(const struct stat *st, const char *path, int flags,
    struct why *why)
{
	int r = check_owner(st, path, why);

	if (r != 0)
		return r;
	if ((flags & PATH_DIR) != 0)
		return S_ISDIR(st->st_mode) ? check_folder(st, path, why) :
		    why_set(why, ERR_UNSAFE, "%s is not a folder", path);
	if (!S_ISREG(st->st_mode))
		return why_set(why, ERR_UNSAFE, "%s is not a regular file",
		    path);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return why_set(why, ERR_UNSAFE,
		    "%s can be written by others; try: chmod go-w %s", path,
		    path);
	if ((flags & PATH_SECRET) != 0 &&
	    (st->st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return why_set(why, ERR_UNSAFE,
		    "%s can be read by others; try: chmod 600 %s", path, path);
	if ((flags & PATH_PUBLIC) != 0 &&
	    (st->st_mode & (S_IRGRP | S_IROTH)) == 0)
		return why_set(why, ERR_UNSAFE, "%s can be read by its owner "
		    "only, like a key; certificates and CRLs are public; try: "
		    "chmod 644 %s", path, path);
	return 0;
}

static int
open_failed(const char *shown, struct why *why)
{
	if (errno == ELOOP)
		return why_set(why, ERR_UNSAFE, "%s is a symbolic link", shown);
	if (errno == ENOTDIR)
		return why_set(why, ERR_UNSAFE,
		    "%s is a symbolic link or below something that is not a "
		    "folder", shown);
	if (errno == ENOENT)
		return why_set(why, ERR_NOTFOUND, "%s does not exist", shown);
	return why_errno(why, "%s cannot be opened", shown);
}

/* One step: component of length n below dir; shown is the path so far. */
static int
open_step(int dir, const char *name, bool last, const char *shown, int flags,
    struct why *why)
{
	int want_dir = !last || (flags & PATH_DIR) != 0;
	int oflags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
	struct stat st;
	int fd, r;

	if (want_dir)
		oflags |= O_DIRECTORY;
	/* a folder on the way need not be readable, only searchable */
	if (!last)
		oflags = O_PATH | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY;
	if ((fd = openat(dir, name, oflags)) < 0)
		return open_failed(shown, why);
	if (fstat(fd, &st) != 0)
		r = why_errno(why, "%s", shown);
	else
		r = last ? check_final(&st, shown, flags, why) :
		    check_folder(&st, shown, why);
	if (r != 0) {
		(void)close(fd);
		return r;
	}
	return fd;
}

/* Walk rel from dir, whose name for messages is prefix; takes over dir. */
static int
walk(int dir, const char *prefix, const char *rel, int flags, struct why *why)
{
	char shown[PATH_MAX], name[NAME_MAX + 1];
	const char *p = rel;

	for (;;) {
		size_t n = strcspn(p, "/");
		bool last = p[n] == '\0';
		int fd;

		if (n == 0 || n > NAME_MAX || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.')) {
			(void)close(dir);
			return why_set(why, ERR_UNSAFE, "%s%s: empty, '.', "
			    "'..' and overlong components are not allowed",
			    prefix, rel);
		}
		memcpy(name, p, n);
		name[n] = '\0';
		(void)snprintf(shown, sizeof(shown), "%s%.*s", prefix,
		    (int)(p - rel) + (int)n, rel);
		fd = open_step(dir, name, last, shown, flags, why);
		(void)close(dir);
		if (fd < 0 || last)
			return fd;
		dir = fd;
		p += n + 1;
	}
}

int
path_open(const char *path, int flags, struct why *why)
{
	struct stat st;
	int dir, r;

	if (path[0] != '/' || strlen(path) >= PATH_MAX)
		return why_set(why, ERR_UNSAFE,
		    "'%s' is not an absolute path", path);
	dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || fstat(dir, &st) != 0) {
		r = why_errno(why, "/");
		if (dir >= 0)
			(void)close(dir);
		return r;
	}
	if ((r = check_folder(&st, "/", why)) != 0) {
		(void)close(dir);
		return r;
	}
	while (path[0] == '/' && path[1] == '/')
		path++;
	return walk(dir, "/", path + 1, flags, why);
}

int
path_open_below(int dirfd, const char *dirname, const char *rel, int flags,
    struct why *why)
{
	char prefix[PATH_MAX];
	int dir;

	if (rel[0] == '/')
		return why_set(why, ERR_UNSAFE, "%s: expected a path relative "
		    "to %s", rel, dirname);
	if (strlen(rel) + strlen(dirname) + 2 > sizeof(prefix))
		return why_set(why, ERR_UNSAFE, "path too long");
	(void)snprintf(prefix, sizeof(prefix), "%s/", dirname);
	if ((dir = fcntl(dirfd, F_DUPFD_CLOEXEC, 3)) < 0)
		return why_errno(why, "%s", dirname);
	return walk(dir, prefix, rel, flags, why);
}

int
path_read(int fd, size_t max, struct buf *out, struct why *why)
{
	size_t total = 0;
	off_t off = 0;

	for (;;) {
		/* one byte over the limit is enough to know */
		size_t want = max - total < 65536 ? max - total + 1 : 65536;
		uint8_t *p = buf_reserve(out, want);
		ssize_t n;

		if (p == NULL)
			return why_set(why, buf_err(out),
			    "too big; at most %zu bytes are read", max);
		if ((n = pread(fd, p, want, off)) < 0) {
			if (errno == EINTR)
				continue;
			return why_errno(why, "read");
		}
		if (n == 0)
			return 0;
		if ((size_t)n > max - total)
			return why_set(why, ERR_TOOBIG,
			    "too big; at most %zu bytes are read", max);
		buf_commit(out, (size_t)n);
		total += (size_t)n;
		off += n;
	}
}

int
path_load(const char *path, int flags, size_t max, struct buf *out,
    struct why *why)
{
	struct why inner;
	int fd, r;

	if ((fd = path_open(path, flags, why)) < 0)
		return fd;
	if ((r = path_read(fd, max, out, &inner)) != 0)
		(void)why_set(why, r, "%.200s: %.250s", path, inner.text);
	(void)close(fd);
	return r;
}

int
path_write_all(int fd, const void *data, size_t n)
{
	const char *p = data;

	while (n > 0) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return ERR_SYS;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

/* Split path into folder (opened) and last component. */
static int
open_parent(const char *path, const char **base, struct why *why)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;
	int fd;

	*base = slash != NULL ? slash + 1 : path;
	if (n >= sizeof(dir) || **base == '\0')
		return why_set(why, ERR_MALFORMED, "%s: not a file name", path);
	if (slash == NULL)
		(void)snprintf(dir, sizeof(dir), ".");
	else if (n == 0)
		(void)snprintf(dir, sizeof(dir), "/");
	else
		(void)snprintf(dir, sizeof(dir), "%.*s", (int)n, path);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : why_errno(why, "%s", dir);
}

/* Mode and, unless they are ours already, owner and group. */
static int
set_owner(int fd, const struct stat *like)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || ((st.st_uid != like->st_uid ||
	    st.st_gid != like->st_gid) &&
	    fchown(fd, like->st_uid, like->st_gid) != 0))
		return ERR_SYS;
	return fchmod(fd, like->st_mode & 07777) == 0 ? 0 : ERR_SYS;
}

/* ---- replacing ---------------------------------------------------------- */

#define BESIDE_DIGITS 10
#define BESIDE_TRIES 16

/* What a file is written to before it takes the place of another: .NAME. and
 * ten digits (a copy that a person named by a date has others), by whoever has
 * it locked.  A lock ends with its process, however that does. */
struct beside {
	int fd;			/* to write; closed before it is renamed, so
				 * that nobody finds it open for writing */
	int lock;		/* to read */
	char name[NAME_MAX + 1];
};

static bool
is_beside(const char *name, const char *base)
{
	size_t n = strlen(base);

	return name[0] == '.' && strncmp(name + 1, base, n) == 0 &&
	    name[n + 1] == '.' && strlen(name + n + 2) == BESIDE_DIGITS &&
	    strspn(name + n + 2, "0123456789") == BESIDE_DIGITS;
}

/* Take it away if nobody writes to it any more. */
static void
sweep_one(int dir, const char *name, const struct stat *like, bool owner)
{
	struct stat st, now;
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
	    O_CLOEXEC);

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	    (st.st_uid == geteuid() || (owner && st.st_uid == like->st_uid)) &&
	    flock(fd, LOCK_EX | LOCK_NB) == 0 &&
	    fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == now.st_dev && st.st_ino == now.st_ino)
		(void)unlinkat(dir, name, 0);
	(void)close(fd);
}

/* What processes that were killed left of this file. */
static void
sweep(int dir, const char *base, const struct stat *like, bool owner)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL)
		if (is_beside(e->d_name, base))
			sweep_one(dir, e->d_name, like, owner);
	if (d != NULL)
		(void)closedir(d);
	else if (fd >= 0)
		(void)close(fd);
}

/* ERR_AGAIN: whoever sweeps came first.  Where there are no locks, nobody
 * sweeps either. */
static int
lock_beside(int dir, struct beside *b)
{
	struct stat st;

	b->lock = openat(dir, b->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (b->lock < 0)
		return errno == ENOENT ? ERR_AGAIN : ERR_SYS;
	if ((flock(b->lock, LOCK_EX | LOCK_NB) == 0 ||
	    errno != EWOULDBLOCK) && fstat(b->fd, &st) == 0 &&
	    st.st_nlink > 0)
		return 0;
	(void)close(b->lock);
	return ERR_AGAIN;
}

static int
make_beside(int dir, const char *base, struct beside *b)
{
	uint32_t digits;
	int r, error;

	for (int i = 0; i < BESIDE_TRIES; i++) {
		if (getrandom(&digits, sizeof(digits), 0) !=
		    (ssize_t)sizeof(digits))
			return ERR_SYS;
		(void)snprintf(b->name, sizeof(b->name), ".%.*s.%010lu",
		    NAME_MAX - BESIDE_DIGITS - 2, base, (unsigned long)digits);
		/* never readable by others for an instant: 0600 until
		 * complete */
		b->fd = openat(dir, b->name, O_WRONLY | O_CREAT | O_EXCL |
		    O_CLOEXEC | O_NOFOLLOW, 0600);
		if (b->fd < 0 && errno != EEXIST)
			return ERR_SYS;
		if (b->fd < 0)
			continue;
		if ((r = lock_beside(dir, b)) == 0)
			return 0;
		error = errno;
		(void)close(b->fd);
		if (r == ERR_AGAIN)
			continue;
		(void)unlinkat(dir, b->name, 0);
		errno = error;
		return r;
	}
	errno = EEXIST;
	return ERR_SYS;
}

/* Takes fd. */
static int
fill(int fd, const struct stat *like, bool owner, const struct span *part,
    size_t n, const char *path, struct why *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = path_write_all(fd, part[i].p, part[i].n);
	if (r != 0 || (owner ? set_owner(fd, like) :
	    fchmod(fd, like->st_mode)) != 0 || fsync(fd) != 0)
		r = why_errno(why, "%s: cannot write", path);
	if (close(fd) != 0 && r == 0)
		r = why_errno(why, "%s: cannot write", path);
	return r;
}

static int
replace_in(int dir, const char *base, const struct stat *like, bool owner,
    const struct span *part, size_t n, const char *path, struct why *why)
{
	struct beside b;
	int r;

	sweep(dir, base, like, owner);
	if (make_beside(dir, base, &b) != 0)
		return why_errno(why, "%s: cannot write beside it", path);
	if ((r = fill(b.fd, like, owner, part, n, path, why)) == 0 &&
	    renameat(dir, b.name, dir, base) != 0)
		r = why_errno(why, "%s: cannot rename into place", path);
	if (r != 0)
		(void)unlinkat(dir, b.name, 0);
	(void)close(b.lock);
	if (r == 0 && fsync(dir) != 0)
		r = why_errno(why, "%s: cannot sync the folder", path);
	return r;
}

static int
replace(const char *path, const struct stat *like, bool owner,
    const struct span *part, size_t n, struct why *why)
{
	const char *base;
	int dir, r;

	if ((dir = open_parent(path, &base, why)) < 0)
		return dir;
	r = strlen(base) > NAME_MAX - BESIDE_DIGITS - 2 ?
	    why_set(why, ERR_TOOBIG, "%s: name too long", path) :
	    replace_in(dir, base, like, owner, part, n, path, why);
	(void)close(dir);
	return r;
}

int
path_replace(const char *path, mode_t mode, const void *data, size_t n,
    struct why *why)
{
	return path_replace_parts(path, mode, &(struct span){ data, n }, 1,
	    why);
}

int
path_replace_parts(const char *path, mode_t mode, const struct span *part,
    size_t n, struct why *why)
{
	const struct stat like = { .st_mode = mode };

	return replace(path, &like, false, part, n, why);
}

int
path_replace_like(const char *path, const struct stat *like,
    const void *data, size_t n, struct why *why)
{
	return replace(path, like, true, &(struct span){ data, n }, 1, why);
}

static struct path_mark
mark_of(const struct stat *st)
{
	return (struct path_mark){ .dev = st->st_dev, .ino = st->st_ino,
	    .size = st->st_size, .mtime = st->st_mtim,
	    .ctime = st->st_ctim };
}

int
path_mark_fd(int fd, struct path_mark *mark)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return ERR_SYS;
	*mark = mark_of(&st);
	return 0;
}

static bool
is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec :
	    a->tv_nsec < b->tv_nsec;
}

int
path_mark_settled(int fd, int ms, struct path_mark *mark)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };

	for (int i = 0; i <= ms; i++) {
		struct timespec tick;
		int r = path_mark_fd(fd, mark);

		/* the clock that file systems take their times from */
		if (r != 0 || clock_gettime(CLOCK_REALTIME_COARSE, &tick) != 0)
			return ERR_SYS;
		if (is_before(&mark->ctime, &tick))
			return 0;
		(void)nanosleep(&pause, NULL);
	}
	return ERR_AGAIN;
}

bool
path_mark_eq(const struct path_mark *a, const struct path_mark *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
	    a->mtime.tv_sec == b->mtime.tv_sec &&
	    a->mtime.tv_nsec == b->mtime.tv_nsec &&
	    a->ctime.tv_sec == b->ctime.tv_sec &&
	    a->ctime.tv_nsec == b->ctime.tv_nsec;
}

void
path_state_of(int fd, const char *path, struct path_state *state)
{
	struct stat st;

	*state = (struct path_state){ .opened = fd >= 0 };
	if ((fd >= 0 ? fstat(fd, &st) : lstat(path, &st)) == 0)
		state->mark = mark_of(&st);
}

bool
path_state_eq(const struct path_state *a, const struct path_state *b)
{
	return a->opened == b->opened && path_mark_eq(&a->mark, &b->mark);
}

/* They refuse a lease for reasons of their own. */
static bool
is_remote(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) != 0)
		return false;
	switch ((uint32_t)fs.f_type) {
	case NFS_SUPER_MAGIC:
	case CIFS_SUPER_MAGIC:
	case SMB2_SUPER_MAGIC:
		return true;
	default:
		return false;
	}
}

/* A lease for reading is given where nobody writes, and to root or the file's
 * owner.  It is let go at once; who opens the file for writing within these
 * microseconds waits for them, and the kernel tells us by a signal that
 * nothing is done about. */
bool
path_is_written(int fd)
{
	bool written;

	if (is_remote(fd))
		return false;
	(void)fcntl(fd, F_SETSIG, SIGURG);
	written = fcntl(fd, F_SETLEASE, F_RDLCK) != 0 && errno == EAGAIN;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return written;
}
