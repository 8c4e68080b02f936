#include "session/records.h"

#include <fcntl.h>
#include <lastlog.h>
#include <paths.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <utmpx.h>

#include "base/path.h"

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

void
records_login(struct records *r, const char *tty, pid_t pid,
    const struct account *a, const char *host, struct span address)
{
	if (strncmp(tty, "/dev/", 5) == 0)
		tty += 5;
	(void)snprintf(r->line, sizeof(r->line), "%s", tty);
	r->pid = pid;
	put_entry(r, USER_PROCESS, a->name, host, address);
	put_lastlog(r, a, host);
}

void
records_logout(struct records *r)
{
	if (r->line[0] == '\0')
		return;
	put_entry(r, DEAD_PROCESS, "", "", (struct span){ NULL, 0 });
	r->line[0] = '\0';
}
