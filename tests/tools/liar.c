#include "liar.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/helper.h"

#define PARK 32
#define FDS_MAX 3		/* descriptors of any message here */

char *
liar_path(char dst[LIAR_PATH_MAX], const char *name)
{
	char self[LIAR_PATH_MAX - NAME_MAX - 1] = "";
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[n > 0 ? n : 0] = '\0';
	if ((slash = strrchr(self, '/')) != NULL)
		*slash = '\0';
	(void)snprintf(dst, LIAR_PATH_MAX, "%s/%.*s", self, NAME_MAX, name);
	return dst;
}

char *
liar_lie(char dst[LIAR_LIE_MAX])
{
	char path[LIAR_PATH_MAX];
	FILE *f = fopen(liar_path(path, "lie"), "re");

	(void)snprintf(dst, LIAR_LIE_MAX, "honest");
	if (f == NULL)
		return dst;
	if (fgets(dst, LIAR_LIE_MAX, f) != NULL)
		dst[strcspn(dst, "\n")] = '\0';
	(void)fclose(f);
	return dst;
}

_Noreturn void
liar_honest(char **argv)
{
	static char *const no_env[] = { NULL };
	char name[NAME_MAX], path[LIAR_PATH_MAX];

	(void)snprintf(name, sizeof(name), "%.64s.real", argv[0]);
	(void)execve(liar_path(path, name), argv, no_env);
	_exit(127);
}

int
liar_start_honest(char **argv)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 ||
	    (pid = fork()) < 0)
		return ERR_SYS;
	if (pid == 0) {
		if (dup2(pair[1], HELPER_CHANNEL) < 0)
			_exit(127);
		liar_honest(argv);
	}
	(void)close(pair[1]);
	/* away from the places of what we were given */
	return fcntl(pair[0], F_DUPFD_CLOEXEC, PARK);
}

int
liar_forward(int to, struct chan_msg *m)
{
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	chan_begin(&b, m->type);
	buf_put_raw(&b, m->body.p, m->body.n);
	r = chan_send(to, &b, m->fds, m->n_fds);
	buf_free(&b);
	chan_close_fds(m);
	return r;
}

int
liar_pass(int from, int to, struct buf *b)
{
	struct chan_msg m;
	int r = chan_recv(from, b, &m, FDS_MAX);

	return r != 0 ? r : liar_forward(to, &m);
}

void
liar_wait(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}
