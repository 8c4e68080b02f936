#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_MS 10u

int
lock_wait(int fd, const char *path, unsigned ms, struct why *why)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };

	for (unsigned waited = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;
	    waited += PAUSE_MS) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return why_errno(why, "%s: lock", path);
		if (waited >= ms)
			return why_set(why, ERR_TIMEOUT, "%s is held by "
			    "another program, which does not end; `fuser` "
			    "names it", path);
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

int
lock_file(const char *path, unsigned ms, struct why *why)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return why_errno(why, "%s", path);
	if ((r = lock_wait(fd, path, ms, why)) != 0) {
		(void)close(fd);
		return r;
	}
	return fd;
}
