#include "daemon/places.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/path.h"

#define LOCK_MS 1000

/* mkdir -p, root's alone from the first instant; but RUN_DIR and folders
 * above, where others of other run-dirs come through. */
static int
make_folders(const char *path, struct why *why)
{
	char part[PATH_MAX];

	for (const char *p = path + 1; ; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		if ((size_t)(p - path) >= sizeof(part))
			return why_set(why, ERR_TOOBIG, "%s: path too long",
			    path);
		(void)snprintf(part, sizeof(part), "%.*s", (int)(p - path),
		    path);
		if (mkdir(part, *p == '\0' && strcmp(part, RUN_DIR) != 0 ?
		    0700 : 0711) != 0 && errno != EEXIST)
			return why_errno(why, "%s", part);
		if (*p == '\0')
			return 0;
	}
}

static bool
is_empty(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *e;
	bool empty = d != NULL;

	if (d == NULL && copy >= 0)
		(void)close(copy);
	while (empty && (e = readdir(d)) != NULL)
		empty = strcmp(e->d_name, ".") == 0 ||
		    strcmp(e->d_name, "..") == 0;
	if (d != NULL)
		(void)closedir(d);
	return empty;
}

static int
open_empty(int dir, const char *run_dir, int *empty, struct why *why)
{
	if (mkdirat(dir, "empty", 0755) != 0 && errno != EEXIST)
		return why_errno(why, "%s/empty", run_dir);
	*empty = path_open_below(dir, run_dir, "empty", PATH_DIR, why);
	if (*empty < 0)
		return *empty;
	return is_empty(*empty) ? 0 : why_set(why, ERR_UNSAFE,
	    "%s/empty is not empty; helpers are locked in there. Remove what "
	    "is in it", run_dir);
}

/* One that just ended may have a child that holds the lock until it executes
 * its program. */
static int
take_lock(int dir, const char *run_dir, int *lock, struct why *why)
{
	int r;

	*lock = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (*lock < 0)
		return why_errno(why, "%s/lock", run_dir);
	if ((r = lock_wait(*lock, run_dir, LOCK_MS, why)) != ERR_TIMEOUT)
		return r;
	return why_set(why, ERR_EXISTS, "another certlogind runs in %s; give "
	    "this one its own configuration file or run-dir", run_dir);
}

int
places_open(const char *run_dir, bool test, int *lock, int *empty,
    struct why *why)
{
	int dir, r;

	if ((r = make_folders(run_dir, why)) != 0)
		return r;
	if ((dir = path_open(run_dir, PATH_DIR, why)) < 0)
		return dir;
	r = test ? 0 : take_lock(dir, run_dir, lock, why);
	if (r == 0)
		r = open_empty(dir, run_dir, empty, why);
	(void)close(dir);
	return r;
}

int
places_permit(const char *run_dir, gid_t group, struct why *why)
{
	bool none = group == (gid_t)-1;
	int dir = path_open(run_dir, PATH_DIR, why), r = 0;
	struct stat st;

	if (dir < 0)
		return dir;
	/* nobody's while the group changes */
	if (fstat(dir, &st) != 0 || ((st.st_mode & S_IXOTH) == 0 &&
	    (fchmod(dir, 0700) != 0 ||
	    fchown(dir, (uid_t)-1, none ? 0 : group) != 0 ||
	    (!none && fchmod(dir, 0710) != 0))))
		r = why_errno(why, "%s", run_dir);
	(void)close(dir);
	return r;
}
