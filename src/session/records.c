#include "session/records.h"

#include <fcntl.h>
#include <lastlog.h>
#include <linux/close_range.h>
#include <paths.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <utmpx.h>

#include "base/path.h"

#define WAIT_MS 100		/* so that who(1) knows of us, as a rule */
#define BEHIND_FD 3		/* the writer's: whose end it waits for, */
#define OURS_FD 4		/* and what tells of its own */

/* utmp's fixed fields are padded, not always terminated. */
static void
fill(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size);

	memset(dst, 0, size);
	memcpy(dst, src, n);
}

static void
put_entry(const struct records *r, short type, const char *user,
    const char *host, struct span address)
{
	struct utmpx u = { .ut_type = type, .ut_pid = r->pid };
	struct timeval now;
	size_t n = strlen(r->line);

	(void)gettimeofday(&now, NULL);
	u.ut_tv.tv_sec = (__typeof__(u.ut_tv.tv_sec))now.tv_sec;
	u.ut_tv.tv_usec = (__typeof__(u.ut_tv.tv_usec))now.tv_usec;
	fill(u.ut_line, sizeof(u.ut_line), r->line);
	/* the usual id: the last four characters of the line */
	fill(u.ut_id, sizeof(u.ut_id), r->line + (n > 4 ? n - 4 : 0));
	fill(u.ut_user, sizeof(u.ut_user), user);
	fill(u.ut_host, sizeof(u.ut_host), host);
	if (address.n > 0 && address.n <= sizeof(u.ut_addr_v6))
		memcpy(u.ut_addr_v6, address.p, address.n);
	setutxent();
	(void)pututxline(&u);
	endutxent();
	updwtmpx(_PATH_WTMP, &u);
}

static void
put_lastlog(const struct records *r, const struct account *a,
    const char *host)
{
	struct lastlog l = { 0 };
	int fd = open(_PATH_LASTLOG, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	l.ll_time = (__typeof__(l.ll_time))time(NULL);
	fill(l.ll_line, sizeof(l.ll_line), r->line);
	fill(l.ll_host, sizeof(l.ll_host), host);
	/* a sparse file indexed by uid; what fails here loses a courtesy */
	if (lseek(fd, (off_t)a->uid * (off_t)sizeof(l), SEEK_SET) >= 0)
		(void)path_write_all(fd, &l, sizeof(l));
	(void)close(fd);
}

/* Nothing of ours stays open there: what hangs must not keep a terminal or a
 * connection from being closed. */
static int
let_go(int behind, int ours)
{
	int high[2] = { -1, fcntl(ours, F_DUPFD, 16) };

	if (behind >= 0 && (high[0] = fcntl(behind, F_DUPFD, 16)) < 0)
		return -1;
	(void)close(BEHIND_FD);
	if ((high[0] >= 0 && dup2(high[0], BEHIND_FD) < 0) || high[1] < 0 ||
	    dup2(high[1], OURS_FD) < 0)
		return -1;
	return close_range(OURS_FD + 1, ~0U, 0);
}

/* Start a process that writes, behind the one that `behind` (taken over, or
 * -1) tells of.  0 in it; in ours 1, with *ours to tell of it, or -1. */
static int
begin_writer(int behind, int *ours)
{
	struct pollfd p = { .fd = BEHIND_FD, .events = POLLIN };
	int end[2] = { -1, -1 };
	pid_t pid = pipe2(end, O_CLOEXEC) == 0 ? fork() : -1;

	if (pid == 0) {
		if (let_go(behind, end[1]) != 0)
			_exit(1);
		if (behind >= 0)
			(void)poll(&p, 1, -1);
		return 0;
	}
	if (behind >= 0)
		(void)close(behind);
	if (end[1] >= 0)
		(void)close(end[1]);
	if (pid < 0 && end[0] >= 0)
		(void)close(end[0]);
	*ours = pid < 0 ? -1 : end[0];
	return pid < 0 ? -1 : 1;
}

/* It is reaped with the session's other children. */
static void
wait_a_moment(int *writing)
{
	struct pollfd p = { .fd = *writing, .events = POLLIN };

	if (*writing < 0 || poll(&p, 1, WAIT_MS) == 0)
		return;
	(void)close(*writing);
	*writing = -1;
}

void
records_login(struct records *r, const char *tty, pid_t pid,
    const struct account *a, const char *host, struct span address)
{
	if (strncmp(tty, "/dev/", 5) == 0)
		tty += 5;
	(void)snprintf(r->line, sizeof(r->line), "%s", tty);
	r->pid = pid;
	if (begin_writer(-1, &r->writing) == 0) {
		put_entry(r, USER_PROCESS, a->name, host, address);
		put_lastlog(r, a, host);
		_exit(0);
	}
	wait_a_moment(&r->writing);
}

void
records_logout(struct records *r)
{
	if (r->line[0] == '\0')
		return;
	if (begin_writer(r->writing, &r->writing) == 0) {
		put_entry(r, DEAD_PROCESS, "", "", (struct span){ NULL, 0 });
		_exit(0);
	}
	wait_a_moment(&r->writing);
	if (r->writing >= 0)
		(void)close(r->writing);
	r->line[0] = '\0';
}
