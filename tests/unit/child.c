/* src/door/child: what was started can be ended, or was not started. */
#include "door/child.h"

#include <check.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* hears nothing and does not end by itself within any limit of ours */
static const char *const hangs[] = { "sleep", "600", NULL };

static void
no_pidfd(int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = 4, .filter = code };

	ck_assert_int_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	ck_assert_int_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program),
	    0);
}

static void
no_child_left(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static int
next_descriptor(void)
{
	int fd = dup(STDIN_FILENO);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	return fd;
}

/* valgrind has no pidfds of its own, asks no filter, and its posix_spawn does not
 * tell what execve said. */
static bool
emulated(void)
{
	return getenv("UNDER_VALGRIND") != NULL;
}

START_TEST(ended)
{
	struct child c = CHILD_NONE;
	int before = next_descriptor();
	struct why why;

	ck_assert_int_eq(child_start(&c, hangs, &why), 0);
	ck_assert_int_gt(c.pid, 0);
	ck_assert(c.pidfd >= 0 || emulated());
	ck_assert_int_ge(c.fd, 0);
	ck_assert_int_eq(waitpid(c.pid, NULL, WNOHANG), 0);
	child_end(&c);
	no_child_left();
	ck_assert_int_eq(next_descriptor(), before);
}
END_TEST

/* A system without pidfds: the pid is all there is. */
static void
ended_by_pid(void (*on_end)(int))
{
	struct child c = CHILD_NONE;
	int before = next_descriptor();
	struct why why;

	(void)signal(SIGCHLD, on_end);
	no_pidfd(ENOSYS);
	ck_assert_int_eq(child_start(&c, hangs, &why), 0);
	ck_assert_int_eq(c.pidfd, -1);
	ck_assert_int_eq(waitpid(c.pid, NULL, WNOHANG), 0);
	child_end(&c);
	no_child_left();
	ck_assert_int_eq(next_descriptor(), before);
}

START_TEST(no_pidfds)
{
	ended_by_pid(_i == 0 ? SIG_DFL : SIG_IGN);
}
END_TEST

static const int errors[] = { EPERM, EMFILE };

/* By default, and in a caller that lets the kernel wait for its children. */
static void
not_started(int error, void (*on_end)(int))
{
	struct child c = CHILD_NONE;
	int before = next_descriptor();
	struct why why;

	(void)signal(SIGCHLD, on_end);
	no_pidfd(error);
	ck_assert_int_eq(child_start(&c, hangs, &why), ERR_SYS);
	ck_assert_ptr_nonnull(strstr(why.text, "pidfd_open"));
	ck_assert_ptr_nonnull(strstr(why.text, strerror(error)));
	no_child_left();
	ck_assert_int_eq(next_descriptor(), before);
	ck_assert_int_eq(c.pid, 0);
	ck_assert_int_eq(c.pidfd, -1);
	ck_assert_int_eq(c.fd, -1);
	child_end(&c);
}

START_TEST(no_pidfd_no_helper)
{
	not_started(errors[_i], SIG_DFL);
}
END_TEST

START_TEST(nobody_waits)
{
	not_started(errors[_i], SIG_IGN);
}
END_TEST

START_TEST(no_program)
{
	static const char *const argv[] = { "certlogin-is-not-here", NULL };
	struct child c = CHILD_NONE;
	struct why why;

	ck_assert_int_eq(child_start(&c, argv, &why), ERR_SYS);
	ck_assert_ptr_nonnull(strstr(why.text, argv[0]));
	ck_assert_int_eq(c.pid, 0);
	child_end(&c);
	no_child_left();
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("child");
	Suite *s = suite_create("child");
	SRunner *sr = srunner_create(s);
	int failed;

	/* the filter stays with the process */
	srunner_set_fork_status(sr, CK_FORK);
	tcase_add_test(tc, ended);
	tcase_add_loop_test(tc, no_pidfds, 0, 2);
	if (!emulated()) {
		tcase_add_loop_test(tc, no_pidfd_no_helper, 0, 2);
		tcase_add_loop_test(tc, nobody_waits, 0, 2);
		tcase_add_test(tc, no_program);
	}
	suite_add_tcase(s, tc);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
