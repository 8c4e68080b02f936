#include "base/sandbox.h"

#include <unistd.h>

#ifdef WITH_SANDBOX
#include <errno.h>
#include <linux/capability.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

const char *
sandbox_text(void)
{
	return "sandbox";
}

static int
capabilities(struct __user_cap_data_struct d[2], bool set)
{
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(set ? SYS_capset : SYS_capget, &h, d) == 0 ? 0 :
	    ERR_SYS;
}

/* The starter put us into an empty folder and gave us the one capability to
 * lock ourselves in there. */
static int
lock_in(struct why *why)
{
	struct __user_cap_data_struct d[2] = { { 0 } };
	static const struct __user_cap_data_struct none[2];

	if (capabilities(d, false) != 0)
		return why_errno(why, "capget");
	if (geteuid() != 0 &&
	    (d[0].effective & (1U << CAP_SYS_CHROOT)) != 0 &&
	    (chroot(".") != 0 || chdir("/") != 0))
		return why_errno(why, "chroot");
	d[0] = none[0];
	d[1] = none[1];
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (capabilities(d, true) != 0)
		return why_errno(why, "capset");
	return 0;
}

#ifndef WITH_SANITIZERS
static int
allow(scmp_filter_ctx f, int nr)
{
	return seccomp_rule_add(f, SCMP_ACT_ALLOW, nr, 0);
}

/* mmap, mprotect: never executable. */
static int
allow_memory(scmp_filter_ctx f)
{
	static const int plain[] = { SCMP_SYS(munmap), SCMP_SYS(mremap),
	    SCMP_SYS(madvise), SCMP_SYS(brk) };
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(plain) / sizeof(plain[0]);
	    i++)
		r = allow(f, plain[i]);
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return r;
}

static int
allow_common(scmp_filter_ctx f)
{
	static const int calls[] = { SCMP_SYS(exit), SCMP_SYS(exit_group),
	    SCMP_SYS(futex), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask),
	    SCMP_SYS(clock_gettime), SCMP_SYS(getrandom), SCMP_SYS(getpid),
	    SCMP_SYS(gettid), SCMP_SYS(sched_yield),
	    SCMP_SYS(restart_syscall), SCMP_SYS(close) };
	int r = allow_memory(f);

	for (size_t i = 0; r == 0 && i < sizeof(calls) / sizeof(calls[0]);
	    i++)
		r = allow(f, calls[i]);
	/* abort() of ourselves; helpers of one kind share a uid */
	if (r == 0)
		r = seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
		    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	return r;
}

static int
allow_rows(scmp_filter_ctx f, const struct sandbox_call *c, size_t n)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		struct scmp_arg_cmp cmp = { .arg = (unsigned)c[i].arg,
		    .op = SCMP_CMP_EQ, .datum_a = c[i].value };

		r = c[i].arg < 0 ? allow(f, c[i].nr) :
		    seccomp_rule_add_array(f, SCMP_ACT_ALLOW, c[i].nr, 1,
		    &cmp);
	}
	return r;
}

/* Load what was built without error r, and let it go. */
static int
finish(scmp_filter_ctx f, int r, struct why *why)
{
	if (r == 0)
		r = seccomp_load(f);
	seccomp_release(f);
	if (r == 0)
		return 0;
	errno = -r;
	return why_errno(why, "seccomp filter");
}

static int
load_filter(const struct sandbox_call *calls, size_t n, struct why *why)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r;

	if (f == NULL)
		return why_set(why, ERR_NOMEM, "seccomp: out of memory");
	r = allow_common(f);
	if (r == 0)
		r = allow_rows(f, calls, n);
	return finish(f, r, why);
}

static int
load_forbidden(const int *calls, size_t n, struct why *why)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (f == NULL)
		return why_set(why, ERR_NOMEM, "seccomp: out of memory");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
	return finish(f, r, why);
}
#else
static int
load_filter(const struct sandbox_call *calls, size_t n, struct why *why)
{
	(void)calls;
	(void)n;
	(void)why;
	return 0;
}

static int
load_forbidden(const int *calls, size_t n, struct why *why)
{
	(void)calls;
	(void)n;
	(void)why;
	return 0;
}
#endif

static int
renounce(struct why *why)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return why_errno(why, "prctl");
	return 0;
}

int
sandbox_forbid(const int *calls, size_t n, struct why *why)
{
	int r = renounce(why);

	return r != 0 ? r : load_forbidden(calls, n, why);
}

int
sandbox_filter(const struct sandbox_call *calls, size_t n, struct why *why)
{
	int r = renounce(why);

	return r != 0 ? r : load_filter(calls, n, why);
}

int
sandbox_enter(const struct sandbox_call *calls, size_t n, struct why *why)
{
	int r = lock_in(why);

	return r != 0 ? r : sandbox_filter(calls, n, why);
}

#else /* !WITH_SANDBOX */

const char *
sandbox_text(void)
{
	return "no sandbox (built with --disable-sandbox)";
}

int
sandbox_filter(const struct sandbox_call *calls, size_t n, struct why *why)
{
	(void)calls;
	(void)n;
	(void)why;
	return 0;
}

int
sandbox_forbid(const int *calls, size_t n, struct why *why)
{
	(void)calls;
	(void)n;
	(void)why;
	return 0;
}

int
sandbox_enter(const struct sandbox_call *calls, size_t n, struct why *why)
{
	return sandbox_filter(calls, n, why);
}
#endif
