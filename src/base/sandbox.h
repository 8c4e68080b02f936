/*
 * How a helper confines itself, before it reads a byte: chroot to the empty
 * folder that it was started in (when the starter gave CAP_SYS_CHROOT), all
 * capabilities dropped, no-new-privs, not dumpable, and an allow list of
 * system calls; anything else kills the process.
 *
 * Own library (libsandbox.a), linked by helpers only.
 */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/filter.h"

/* A system call of the list; rows with arg >= 0 allow it only when that
 * argument (0-based) equals value.  Give several rows for several values. */
struct sandbox_call {
	int nr;			/* SCMP_SYS(name) */
	int arg;		/* -1: any arguments; of openat also
				 * SANDBOX_READING */
	uint64_t value;
};

#define SANDBOX_READING (-2)	/* flags that open for reading only */

/*
 * Enter the sandbox.  Always allowed: exit, exit_group, memory calls without
 * PROT_EXEC, futex, rt_sigreturn, rt_sigprocmask, clock_gettime, getrandom,
 * getpid, gettid, sched_yield, restart_syscall, close, and tgkill to
 * oneself.  Returns 0, or a negative code with why: the caller then exits;
 * there is no running on without it.  With --disable-sandbox it does
 * nothing; under sanitizers the filter alone is left out.
 */
int sandbox_enter(const struct sandbox_call *calls, size_t n,
    struct why *why);

/* The same without the file system and capability part, for a process that
 * must go on opening files (a PKCS#11 driver). */
int sandbox_filter(const struct sandbox_call *calls, size_t n,
    struct why *why);

/*
 * The other way round, for a process whose calls nobody can list beforehand
 * (a PKCS#11 driver): no-new-privs, not dumpable, and these n system calls
 * fail with EPERM from now on.
 */
int sandbox_forbid(const int *calls, size_t n, struct why *why);

/*
 * Before one of them, for a process that must go on reading some files: where
 * the kernel has Landlock, it can open nothing any more but these paths (NULL-
 * terminated; what is not there is passed over) and what lies below them, and
 * these for reading only.
 */
int sandbox_reading(const char *const *paths, struct why *why);

/* The programs of both, for the test that compares them with libseccomp's:
 * 0 or ERR_TOOBIG. */
int sandbox_allowing(struct filter *f, const struct sandbox_call *calls,
    size_t n);
int sandbox_forbidding(struct filter *f, const int *calls, size_t n);

/* "sandbox" or "no sandbox (built with --disable-sandbox)", for --version. */
const char *sandbox_text(void);

#endif
