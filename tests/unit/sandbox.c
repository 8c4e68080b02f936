/* src/base/filter.c, sandbox.c: our seccomp programs answer every system call
 * as those of libseccomp do; Landlock leaves what it is told to.
 * src/fetch/calls.c: no local service can be spoken to. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "fetch/calls.h"

#define NUMBERS 600		/* calls looked at, from 0 */
#define CODE_MAX 4096

static const struct sandbox_call rows[] = {
	{ SCMP_SYS(recvmsg), -1, 0 }, { SCMP_SYS(sendmsg), -1, 0 },
	{ SCMP_SYS(fcntl), 1, F_ADD_SEALS }, { SCMP_SYS(fcntl), 1, F_SETFL },
	{ SCMP_SYS(prctl), 5, 0x1234567800000001 },
	{ SCMP_SYS(write), 0, 3 }, { SCMP_SYS(ioctl), 2, UINT64_MAX },
	{ SCMP_SYS(openat), SANDBOX_READING, 0 },
	{ SCMP_SYS(socketcall), -1, 0 },	/* on few machines */
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

static const int forbidden[] = { SCMP_SYS(execve), SCMP_SYS(kill),
    SCMP_SYS(ptrace), SCMP_SYS(socketcall) };
#define N_FORBIDDEN (sizeof(forbidden) / sizeof(forbidden[0]))

/* ---- libseccomp's ------------------------------------------------------------- */

static void
add(scmp_filter_ctx c, uint32_t action, int nr, unsigned n,
    struct scmp_arg_cmp cmp)
{
	ck_assert_int_eq(seccomp_rule_add_array(c, action, nr, n, &cmp), 0);
}

/* What it may make is known, not to be asked of the kernel, of which valgrind
 * gives another picture. */
static scmp_filter_ctx
start(uint32_t otherwise)
{
	ck_assert_int_eq(seccomp_api_set(3), 0);
	return seccomp_init(otherwise);
}

static scmp_filter_ctx
allowing(void)
{
	static const int common[] = { SCMP_SYS(munmap), SCMP_SYS(mremap),
	    SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(exit),
	    SCMP_SYS(exit_group), SCMP_SYS(futex), SCMP_SYS(rt_sigreturn),
	    SCMP_SYS(rt_sigprocmask), SCMP_SYS(clock_gettime),
	    SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid),
	    SCMP_SYS(sched_yield), SCMP_SYS(restart_syscall),
	    SCMP_SYS(close), SCMP_SYS(sysinfo) };
	scmp_filter_ctx c = start(SCMP_ACT_KILL_PROCESS);
	struct scmp_arg_cmp none = { 0 };

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		add(c, SCMP_ACT_ALLOW, common[i], 0, none);
	add(c, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	add(c, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	add(c, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
	for (size_t i = 0; i < N_ROWS; i++)
		if (rows[i].arg == SANDBOX_READING)
			add(c, SCMP_ACT_ALLOW, rows[i].nr, 1,
			    SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT |
			    O_TRUNC | O_APPEND, O_RDONLY));
		else
			add(c, SCMP_ACT_ALLOW, rows[i].nr, rows[i].arg >= 0,
			    SCMP_CMP((unsigned)(rows[i].arg < 0 ? 0 :
			    rows[i].arg), SCMP_CMP_EQ, rows[i].value));
	return c;
}

static scmp_filter_ctx
forbidding(void)
{
	scmp_filter_ctx c = start(SCMP_ACT_ALLOW);
	struct scmp_arg_cmp none = { 0 };

	for (size_t i = 0; i < N_FORBIDDEN; i++)
		add(c, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0, none);
	return c;
}

static size_t
export(scmp_filter_ctx c, struct sock_filter code[CODE_MAX])
{
	int fd = memfd_create("filter", MFD_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS), 0);
	ck_assert_int_eq(seccomp_export_bpf(c, fd), 0);
	seccomp_release(c);
	n = pread(fd, code, CODE_MAX * sizeof(*code), 0);
	(void)close(fd);
	ck_assert_int_gt(n, 0);
	return (size_t)n / sizeof(*code);
}

/* ---- what a program answers ----------------------------------------------------- */

static uint32_t
run(const struct sock_filter *code, size_t n, const struct seccomp_data *d)
{
	uint32_t a = 0;
	bool yes;

	for (size_t i = 0; i < n; i++) {
		const struct sock_filter *c = &code[i];

		switch (c->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			ck_assert_uint_le(c->k, sizeof(*d) - 4);
			memcpy(&a, (const uint8_t *)d + c->k, 4);
			continue;
		case BPF_ALU | BPF_AND | BPF_K: a &= c->k; continue;
		case BPF_RET | BPF_K: return c->k;
		case BPF_JMP | BPF_JA: i += c->k; continue;
		case BPF_JMP | BPF_JEQ | BPF_K: yes = a == c->k; break;
		case BPF_JMP | BPF_JGE | BPF_K: yes = a >= c->k; break;
		case BPF_JMP | BPF_JGT | BPF_K: yes = a > c->k; break;
		case BPF_JMP | BPF_JSET | BPF_K: yes = (a & c->k) != 0; break;
		default: ck_abort_msg("instruction 0x%x", c->code);
		}
		i += yes ? c->jt : c->jf;
	}
	ck_abort_msg("behind the end");
	return 0;
}

struct both {
	struct sock_filter theirs[CODE_MAX];
	size_t n;
	struct filter ours;
	size_t answers[2];		/* of ours: allowed, not */
};

static void
same(struct both *b, const struct seccomp_data *d)
{
	uint32_t ours = run(b->ours.code, b->ours.n, d);

	ck_assert_msg(ours == run(b->theirs, b->n, d), "call %d of 0x%x: 0x%x",
	    d->nr, d->arch, ours);
	b->answers[ours != SECCOMP_RET_ALLOW]++;
}

/* One argument after another takes each value that a rule could mean, and its
 * neighbours. */
static void
same_arguments(struct both *b, struct seccomp_data d)
{
	static const uint64_t values[] = { 0, 1, 2, 3, 4, PROT_EXEC,
	    PROT_READ | PROT_EXEC, F_SETFL, F_ADD_SEALS, F_ADD_SEALS + 1,
	    0x1234567800000001, 0x1234567800000000, 0x1234567900000001,
	    (uint64_t)PROT_EXEC << 32, ((uint64_t)1 << 32) | F_ADD_SEALS,
	    O_CREAT, O_TRUNC, O_APPEND | O_CLOEXEC, O_CLOEXEC | O_NOFOLLOW,
	    0xffffffff, UINT64_MAX, UINT64_MAX - 1 };
	const uint64_t pid = (uint64_t)getpid();

	for (size_t arg = 0; arg < 6; arg++) {
		for (size_t i = 0; i < sizeof(values) / sizeof(values[0]);
		    i++) {
			d.args[arg] = values[i];
			same(b, &d);
		}
		d.args[arg] = pid;
		same(b, &d);
		d.args[arg] = pid + 1;
		same(b, &d);
		d.args[arg] = 0;
	}
}

static void
same_all(struct both *b)
{
	static const uint32_t others[] = { 0, SCMP_ARCH_X86, SCMP_ARCH_ARM,
	    SCMP_ARCH_AARCH64, SCMP_ARCH_X86_64, 0xffffffff };
	struct seccomp_data d = { .arch = seccomp_arch_native() };
	static const uint32_t far[] = { 0x40000000, 0x40000001, 0x7fffffff,
	    0x80000000, 0xfffffffe };

	for (d.nr = 0; d.nr < NUMBERS; d.nr++)
		same_arguments(b, d);
	for (size_t i = 0; i < sizeof(far) / sizeof(far[0]); i++) {
		d.nr = (int)far[i];
		same(b, &d);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		for (d.nr = 0; d.nr < NUMBERS; d.nr++) {
			d.arch = others[i];
			same(b, &d);
		}
	/* what a tracer makes of a call to be left out: nobody traces us, and
	 * libseccomp lets it pass */
	d.nr = -1;
	d.arch = seccomp_arch_native();
	ck_assert_uint_eq(run(b->ours.code, b->ours.n, &d),
	    SECCOMP_RET_KILL_PROCESS);
	/* both answers were met, or nothing was compared */
	ck_assert_uint_gt(b->answers[0], 100);
	ck_assert_uint_gt(b->answers[1], 100);
}

START_TEST(allow)
{
	struct both *b = calloc(1, sizeof(*b));

	b->n = export(allowing(), b->theirs);
	ck_assert_int_eq(sandbox_allowing(&b->ours, rows, N_ROWS), 0);
	same_all(b);
	free(b);
}
END_TEST

START_TEST(forbid)
{
	struct both *b = calloc(1, sizeof(*b));

	b->n = export(forbidding(), b->theirs);
	ck_assert_int_eq(sandbox_forbidding(&b->ours, forbidden,
	    N_FORBIDDEN), 0);
	same_all(b);
	free(b);
}
END_TEST

/* However many calls: those, twice named or not, and no other. */
START_TEST(tree)
{
	struct seccomp_data d = { .arch = seccomp_arch_native() };
	int calls[FILTER_CALLS_MAX];
	bool in[NUMBERS] = { false };
	struct filter f;

	for (int n = 0; n < FILTER_CALLS_MAX; n++) {
		ck_assert_int_eq(sandbox_forbidding(&f, calls, (size_t)n),
		    0);
		for (d.nr = 0; d.nr < NUMBERS; d.nr++)
			ck_assert_msg((run(f.code, f.n, &d) !=
			    SECCOMP_RET_ALLOW) == in[d.nr], "call %d of %d",
			    d.nr, n);
		calls[n] = n * 211 % NUMBERS / (n % 5 + 1);
		in[calls[n]] = true;
	}
}
END_TEST

START_TEST(too_many)
{
	static struct sandbox_call many[FILTER_MAX];
	static int calls[FILTER_CALLS_MAX + 1];
	struct filter f;

	ck_assert_int_eq(sandbox_allowing(&f, many, FILTER_MAX), ERR_TOOBIG);
	ck_assert_int_eq(sandbox_forbidding(&f, calls, FILTER_CALLS_MAX), 0);
	ck_assert_int_eq(sandbox_forbidding(&f, calls, FILTER_CALLS_MAX + 1),
	    ERR_TOOBIG);
}
END_TEST

/* ---- Landlock --------------------------------------------------------------------- */

static char folder[64];

static const char *
inside(const char *name)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void
touch(const char *name)
{
	int fd = open(inside(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

static bool
opens(const char *name, int flags)
{
	int fd = open(inside(name), flags | O_CLOEXEC, 0644);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

/* In a child: which of these went as it should, one bit each. */
static int
try_landlock(bool on)
{
	char *const argv[] = { (char *)(uintptr_t)"true", NULL };
	char allowed[128], file[128];
	const char *paths[] = { allowed, file, "/no/such/place", NULL };

	(void)strcpy(allowed, inside("a"));
	(void)strcpy(file, inside("file"));
	if (on && sandbox_reading(paths, NULL) != 0)
		return 64;
	if (!opens("a/x", O_RDONLY) || !opens("file", O_RDONLY) ||
	    !opens("a", O_RDONLY | O_DIRECTORY))
		return 65;
	if (opens("b", O_RDONLY) == on || opens(".", O_RDONLY) == on)
		return 66;
	if (opens("a/x", O_WRONLY) == on || opens("a/new", O_WRONLY |
	    O_CREAT) == on || (unlink(inside("a/y")) == 0) == on)
		return 67;
	(void)execv("/bin/true", argv);
	return on && errno == EACCES ? 0 : 68;
}

static int
in_child(bool on)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(try_landlock(on));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* What is named can be read, and nothing else opened, made, removed or
 * executed; the control without it. */
START_TEST(landlock)
{
	static const char *const names[] = { "a/x", "a/y", "a/new", "b",
	    "file" };

	if (syscall(SYS_landlock_create_ruleset, NULL, (size_t)0,
	    LANDLOCK_CREATE_RULESET_VERSION) < 0)
		return;			/* not in this kernel */
	(void)snprintf(folder, sizeof(folder), "/tmp/certlogin-box.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(mkdir(inside("a"), 0755), 0);
	touch("a/x");
	touch("a/y");
	touch("b");
	touch("file");
	ck_assert_int_eq(in_child(true), 0);
	ck_assert_int_eq(in_child(false), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(inside(names[i]));
	ck_assert_int_eq(rmdir(inside("a")), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
END_TEST

/* What certlogin-fetch's list answers to a call with these arguments. */
static bool
fetch_may(int nr, uint64_t a, uint64_t b)
{
	struct seccomp_data d = { .nr = nr, .arch = seccomp_arch_native(),
	    .args = { a, b } };
	struct filter f;

	ck_assert_int_eq(sandbox_allowing(&f, calls_url, CALLS_URL), 0);
	return run(f.code, f.n, &d) == SECCOMP_RET_ALLOW;
}

/* A datagram socket, though born in a pair, sends to whatever listens. */
START_TEST(fetch_is_not_local)
{
	static const int no[] = { SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW };

	ck_assert(fetch_may(SCMP_SYS(socket), AF_INET, SOCK_STREAM));
	ck_assert(fetch_may(SCMP_SYS(socket), AF_INET6, SOCK_DGRAM));
	ck_assert(!fetch_may(SCMP_SYS(socket), AF_UNIX, SOCK_STREAM));
	ck_assert(!fetch_may(SCMP_SYS(socket), AF_UNIX, SOCK_DGRAM));
	ck_assert(fetch_may(SCMP_SYS(socketpair), AF_UNIX, SOCK_STREAM));
	ck_assert(fetch_may(SCMP_SYS(socketpair), AF_UNIX, SOCK_STREAM |
	    SOCK_CLOEXEC | SOCK_NONBLOCK));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		ck_assert(!fetch_may(SCMP_SYS(socketpair), AF_UNIX,
		    (uint64_t)no[i]));
		ck_assert(!fetch_may(SCMP_SYS(socketpair), AF_UNIX,
		    (uint64_t)no[i] | SOCK_CLOEXEC));
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("sandbox");
	TCase *t = tcase_create("filter");
	SRunner *sr;
	int failed;

	tcase_add_test(t, tree);
	tcase_add_test(t, allow);
	tcase_add_test(t, forbid);
	tcase_add_test(t, too_many);
	tcase_add_test(t, landlock);
	tcase_add_test(t, fetch_is_not_local);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
