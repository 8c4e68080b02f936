/*
 * A clock that is set, for one test alone: preloaded into every program of the
 * test's namespace by /etc/ld.so.preload, for our helpers get no environment.
 * It shows another time to certlogind, certlogin-judge and their like, and to
 * nobody else; the offset in seconds is in /etc/shiftclock when they start.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

static long offset;
static int (*real)(clockid_t, struct timespec *);

/* Before main(), and so before a helper locks itself in. */
__attribute__((constructor))
static void
begin(void)
{
	static const char ours[] = "certlogin";
	char line[32];
	FILE *f;

	*(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
	if (real == NULL)
		abort();
	/* the client is somebody else's */
	if (strncmp(program_invocation_short_name, ours,
	    strlen(ours)) != 0 || program_invocation_short_name[
	    strlen(ours)] == '\0' ||
	    (f = fopen("/etc/shiftclock", "re")) == NULL)
		return;
	if (fgets(line, sizeof(line), f) != NULL)
		offset = strtol(line, NULL, 10);
	(void)fclose(f);
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int r;

	if (real == NULL)
		begin();
	r = real(id, ts);
	if (r == 0 && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += offset;
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
