#include "door/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"

/* Above 0-2: a caller that closed them may still write there. */
static int
lift(int fd)
{
	int up = fcntl(fd, F_DUPFD_CLOEXEC, HELPER_FD);

	(void)close(fd);
	return up;
}

static int
make_pair(int pair[2], struct why *why)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return why_errno(why, "socketpair");
	pair[0] = lift(pair[0]);
	pair[1] = lift(pair[1]);
	if (pair[0] >= 0 && pair[1] >= 0)
		return 0;
	for (int i = 0; i < 2; i++)
		if (pair[i] >= 0)
			(void)close(pair[i]);
	return why_errno(why, "descriptors for a helper");
}

static int
prepare(posix_spawn_file_actions_t *fa, posix_spawnattr_t *attr, int channel)
{
	sigset_t all, none;

	(void)sigfillset(&all);
	(void)sigemptyset(&none);
	if (posix_spawn_file_actions_adddup2(fa, channel,
	    HELPER_CHANNEL) != 0 ||
	    posix_spawn_file_actions_addclosefrom_np(fa, HELPER_FD) != 0 ||
	    posix_spawnattr_setsigdefault(attr, &all) != 0 ||
	    posix_spawnattr_setsigmask(attr, &none) != 0 ||
	    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF |
	    POSIX_SPAWN_SETSIGMASK) != 0)
		return ERR_SYS;
	return 0;
}

static int
run(pid_t *pid, int channel, const char *const *argv, struct why *why)
{
	static char *const no_env[] = { NULL };
	posix_spawn_file_actions_t fa;
	char program[PATH_MAX];
	posix_spawnattr_t attr;
	int e;

	(void)snprintf(program, sizeof(program), HELPER_DIR "/%s", argv[0]);
	if (posix_spawn_file_actions_init(&fa) != 0)
		return why_set(why, ERR_NOMEM, "out of memory");
	if (posix_spawnattr_init(&attr) != 0) {
		(void)posix_spawn_file_actions_destroy(&fa);
		return why_set(why, ERR_NOMEM, "out of memory");
	}
	if ((e = prepare(&fa, &attr, channel)) == 0)
		e = posix_spawn(pid, program, &fa, &attr,
		    (char *const *)(uintptr_t)argv, no_env);
	(void)posix_spawn_file_actions_destroy(&fa);
	(void)posix_spawnattr_destroy(&attr);
	if (e == 0)
		return 0;
	errno = e > 0 ? e : errno;
	return why_errno(why, "%s", program);
}

static void
wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}

/* By its pid, which is certain only while it is our child, and nobody has waited
 * for it. */
static void
kill_pid(pid_t pid)
{
	siginfo_t info;

	if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0)
		(void)kill(pid, SIGKILL);
}

/* What hangs could not be ended later for certain. */
static int
give_up(pid_t pid, int channel, struct why *why)
{
	int r = why_errno(why, "pidfd_open");

	(void)close(channel);
	kill_pid(pid);
	wait_for(pid);
	return r;
}

int
child_start(struct child *c, const char *const *argv, struct why *why)
{
	int pair[2], pidfd, r;
	pid_t pid;

	if ((r = make_pair(pair, why)) != 0)
		return r;
	r = run(&pid, pair[1], argv, why);
	(void)close(pair[1]);
	if (r != 0) {
		(void)close(pair[0]);
		return r;
	}
	/* the pid may be taken from us; a pidfd names the process for good, where
	 * there is such a thing (an emulator may have none) */
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0 && errno != ENOSYS)
		return give_up(pid, pair[0], why);
	*c = (struct child){ .pid = pid, .pidfd = pidfd, .fd = pair[0] };
	return 0;
}

void
child_kill(struct child *c)
{
	if (c->fd >= 0)
		(void)close(c->fd);
	c->fd = -1;
	if (c->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL,
		    0);
	else if (c->pid > 0)
		kill_pid(c->pid);
}

void
child_end(struct child *c)
{
	child_kill(c);
	if (c->pid > 0)
		wait_for(c->pid);
	if (c->pidfd >= 0)
		(void)close(c->pidfd);
	*c = (struct child)CHILD_NONE;
}
