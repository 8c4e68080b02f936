#include "base/sandbox.h"

#include <unistd.h>

#ifdef WITH_SANDBOX
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

/* Flags of openat that make or change a file. */
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

/* Memory without code, time, chance, the end; abort() of ourselves alone, for
 * helpers of one kind share a uid. */
int
sandbox_allowing(struct filter *f, const struct sandbox_call *c, size_t n)
{
	static const int common[] = { SCMP_SYS(munmap), SCMP_SYS(mremap),
	    SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(exit),
	    SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(rt_sigreturn),
	    SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime),
	    SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
	    SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	    SCMP_SYS(close),
	    /* qsort() of more than a KiB asks how much memory there is */
	    SCMP_SYS(sysinfo) };

	filter_begin(f, SECCOMP_RET_ALLOW, SECCOMP_RET_KILL_PROCESS);
	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		filter_call(f, common[i]);
	filter_without(f, SCMP_SYS(mmap), 2, PROT_EXEC);
	filter_without(f, SCMP_SYS(mprotect), 2, PROT_EXEC);
	filter_equal(f, SCMP_SYS(tgkill), 0, (uint64_t)getpid());
	for (size_t i = 0; i < n; i++) {
		if (c[i].arg == SANDBOX_READING)
			filter_without(f, c[i].nr, 2, WRITING);
		else if (c[i].arg < 0)
			filter_call(f, c[i].nr);
		else
			filter_equal(f, c[i].nr, c[i].arg, c[i].value);
	}
	return filter_end(f);
}

int
sandbox_forbidding(struct filter *f, const int *calls, size_t n)
{
	filter_begin(f, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ALLOW);
	for (size_t i = 0; i < n; i++)
		filter_call(f, calls[i]);
	return filter_end(f);
}

/* Sanitizers need more calls than the lists have. */
static int
load(struct filter *f, int r, struct why *why)
{
	struct sock_fprog prog = { .len = (unsigned short)f->n,
	    .filter = f->code };

	if (r != 0)
		return why_set(why, r, "seccomp filter: %s", err_text(r));
#ifdef WITH_SANITIZERS
	(void)prog;
	return 0;
#else
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) == 0 ?
	    0 : why_errno(why, "seccomp filter");
#endif
}

/* ---- Landlock -------------------------------------------------------------- */

#define ALL_ACCESS (LANDLOCK_ACCESS_FS_EXECUTE | \
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
    LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)

/* A rule for a file may not speak of folders. */
static int
may_read(int ruleset, const char *path)
{
	struct landlock_path_beneath_attr rule = { .allowed_access =
	    LANDLOCK_ACCESS_FS_READ_FILE };
	struct stat st;
	long r;

	if ((rule.parent_fd = open(path, O_PATH | O_CLOEXEC)) < 0)
		return 0;
	if (fstat(rule.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	r = syscall(SYS_landlock_add_rule, ruleset,
	    LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	(void)close(rule.parent_fd);
	return (int)r;
}

int
sandbox_reading(const char *const *paths, struct why *why)
{
	const struct landlock_ruleset_attr attr = { .handled_access_fs =
	    ALL_ACCESS };
	int r = 0, ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr), 0);

	if (ruleset < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return 0;
	if (ruleset < 0)
		return why_errno(why, "Landlock");
	for (; r == 0 && *paths != NULL; paths++)
		r = may_read(ruleset, *paths);
	if (r != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		r = why_errno(why, "Landlock");
	(void)close(ruleset);
	return r;
}

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
	struct filter f;
	int r = renounce(why);

	return r != 0 ? r : load(&f, sandbox_forbidding(&f, calls, n), why);
}

int
sandbox_filter(const struct sandbox_call *calls, size_t n, struct why *why)
{
	struct filter f;
	int r = renounce(why);

	return r != 0 ? r : load(&f, sandbox_allowing(&f, calls, n), why);
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
sandbox_reading(const char *const *paths, struct why *why)
{
	(void)paths;
	(void)why;
	return 0;
}

int
sandbox_enter(const struct sandbox_call *calls, size_t n, struct why *why)
{
	return sandbox_filter(calls, n, why);
}
#endif
