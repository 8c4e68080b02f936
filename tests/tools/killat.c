/*
 * killat N PROGRAM [ARG...]: run PROGRAM and kill it (SIGKILL) before its
 * Nth system call that could change a file.  Exit status 137 if it was killed,
 * its own if it ended before that, 125 if it cannot be run like this.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define COULD_NOT 125
#define KILLED 137

static const long changing[] = {
	SYS_write, SYS_pwrite64, SYS_writev, SYS_ftruncate, SYS_fallocate,
	SYS_fsync, SYS_fdatasync, SYS_fchmod, SYS_fchmodat, SYS_openat,
	SYS_mkdirat, SYS_renameat, SYS_renameat2, SYS_unlinkat, SYS_flock,
#ifdef SYS_open			/* not on every machine */
	SYS_open, SYS_chmod, SYS_mkdir, SYS_rename, SYS_unlink,
#endif
};

static bool
changes(const struct __ptrace_syscall_info *info)
{
	if (info->op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	for (size_t i = 0; i < sizeof(changing) / sizeof(changing[0]); i++)
		if ((long)info->entry.nr == changing[i])
			return true;
	return false;
}

static int
status_of(int status)
{
	return WIFEXITED(status) ? WEXITSTATUS(status) :
	    128 + WTERMSIG(status);
}

/* Let it run to its next system call, its end, or a signal. */
static int
follow(pid_t pid, long n)
{
	struct __ptrace_syscall_info info;
	int status, sig = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, sig) != 0 ||
		    waitpid(pid, &status, 0) != pid)
			return COULD_NOT;
		if (!WIFSTOPPED(status))
			return status_of(status);
		sig = 0;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
			sig = WSTOPSIG(status) == SIGTRAP ? 0 :
			    WSTOPSIG(status);
			continue;
		}
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
		    &info) < 0)
			return COULD_NOT;
		if (!changes(&info) || --n > 0)
			continue;
		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, &status, 0);
		return KILLED;
	}
}

int
main(int argc, char **argv)
{
	long n = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	int status;
	pid_t pid;

	if (n < 1) {
		(void)fprintf(stderr, "usage: killat N PROGRAM [ARG...]\n");
		return COULD_NOT;
	}
	if ((pid = fork()) == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) == 0)
			(void)execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(COULD_NOT);
	}
	/* it stops at exec */
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return COULD_NOT;
	if (!WIFSTOPPED(status))
		return status_of(status);
	if (ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD |
	    PTRACE_O_EXITKILL) != 0) {
		(void)kill(pid, SIGKILL);
		return COULD_NOT;
	}
	return follow(pid, n);
}
