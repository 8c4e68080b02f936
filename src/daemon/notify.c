#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Nobody who asked for it: then there is nothing to lose. */
static bool
send_state(const char *state, int flags)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	bool sent;
	size_t n;
	int fd;

	if (path == NULL || (path[0] != '/' && path[0] != '@') ||
	    (n = strlen(path)) >= sizeof(un.sun_path))
		return true;
	memcpy(un.sun_path, path, n);
	if (un.sun_path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	/* whoever asked for it sees the missing message, we go on */
	sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL | flags,
	    (struct sockaddr *)&un, (socklen_t)(offsetof(struct sockaddr_un,
	    sun_path) + n)) >= 0;
	(void)close(fd);
	return sent;
}

void
notify_ready(void)
{
	(void)send_state("READY=1", 0);
}

bool
notify_send(const char *state)
{
	return send_state(state, MSG_DONTWAIT);
}

static bool
parse_number(const char *text, unsigned long long *v)
{
	char *end;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;
	*v = strtoull(text, &end, 10);
	return errno == 0 && *end == '\0';
}

double
notify_watchdog(void)
{
	const char *pid = getenv("WATCHDOG_PID");
	unsigned long long v;

	if (pid != NULL && (!parse_number(pid, &v) ||
	    v != (unsigned long long)getpid()))
		return 0.;
	if (!parse_number(getenv("WATCHDOG_USEC"), &v) || v == 0)
		return 0.;
	return (double)v / 1e6 / 2.;
}
