/*
 * A clock that is set, for one test alone: preloaded into every program of the
 * test's namespace by /etc/ld.so.preload, for our helpers get no environment.
 * It shows another time to certlogind, certlogin-judge and their like, and to
 * nobody else.  The offset in seconds is the int64_t in /etc/shiftclock, which
 * stays mapped: what changes there counts for whoever runs already.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;
static int (*real)(clockid_t, struct timespec *);

static void
map_offset(int fd)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) != 0 || st.st_size != (off_t)sizeof(*offset))
		return;
	p = mmap(NULL, sizeof(*offset), PROT_READ, MAP_SHARED, fd, 0);
	if (p != MAP_FAILED)
		offset = p;
}

/* Before main(), and so before a helper locks itself in. */
__attribute__((constructor))
static void
begin(void)
{
	static const char ours[] = "certlogin";
	int fd;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (real == NULL)
		abort();
	/* the client is somebody else's */
	if (strncmp(program_invocation_short_name, ours,
	    strlen(ours)) != 0 || program_invocation_short_name[
	    strlen(ours)] == '\0' || offset != NULL ||
	    (fd = open("/etc/shiftclock", O_RDONLY | O_CLOEXEC)) < 0)
		return;
	map_offset(fd);
	(void)close(fd);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r;

	if (real == NULL)
		begin();
	r = real(id, ts);
	if (r == 0 && offset != NULL &&
	    (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += *offset;
	return r;
}

time_t
time(time_t *t)
{
	struct timespec ts;

	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return (time_t)-1;
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

int
gettimeofday(struct timeval *tv, void *tz)
{
	struct timespec ts;

	(void)tz;
	if (clock_gettime(CLOCK_REALTIME, &ts) != 0)
		return -1;
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}
