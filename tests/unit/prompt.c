/* src/base/prompt: asking at a terminal, here a pseudo-terminal. */
#include <check.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "base/prompt.h"

#define MAX 16
#define LIMIT_MS 10000

/* the terminal's other side and who sits there; exit status 100 - code */
struct seat {
	int master, slave;
	pid_t pid;
};

static int
secret_child(void)
{
	struct buf b;
	int r;

	buf_init_secret(&b, 64);
	r = prompt_secret("Secret: ", &b, MAX, NULL);
	if (r == 0 && (b.len != 5 || strcmp((char *)b.data, "sesam") != 0))
		r = ERR_INTERNAL;
	buf_free(&b);
	return r;
}

static int
line_child(void)
{
	char line[MAX];
	int r = prompt_line("Which? ", line, sizeof(line), NULL);

	return r == 0 && strcmp(line, "2") != 0 ? ERR_INTERNAL : r;
}

static void
sit(struct seat *s, int (*child)(void))
{
	ck_assert_int_eq(openpty(&s->master, &s->slave, NULL, NULL, NULL), 0);
	ck_assert_int_ge(s->pid = fork(), 0);
	if (s->pid == 0) {
		(void)close(s->master);
		/* Check catches some */
		for (int sig = 1; sig < SIGSYS; sig++)
			(void)signal(sig, SIG_DFL);
		(void)signal(SIGTTOU, SIG_IGN);
		if (login_tty(dup(s->slave)) != 0)
			_exit(1);
		_exit(100 + child());
	}
}

/* Read what the terminal shows until it has shown text. */
static void
shows(const struct seat *s, const char *text, char *seen, size_t size)
{
	struct pollfd p = { .fd = s->master, .events = POLLIN };
	size_t n = 0;

	seen[0] = '\0';
	while (strstr(seen, text) == NULL) {
		ssize_t r;

		ck_assert_int_eq(poll(&p, 1, LIMIT_MS), 1);
		ck_assert_int_gt(r = read(s->master, seen + n, size - 1 - n),
		    0);
		n += (size_t)r;
		seen[n] = '\0';
		ck_assert_uint_lt(n, size - 1);
	}
}

static void
type(const struct seat *s, const char *text)
{
	ck_assert_int_eq(write(s->master, text, strlen(text)),
	    (ssize_t)strlen(text));
}

static bool
echoes(const struct seat *s)
{
	struct termios t;

	ck_assert_int_eq(tcgetattr(s->slave, &t), 0);
	return (t.c_lflag & ECHO) != 0;
}

static int
leave(struct seat *s)
{
	int status;

	ck_assert_int_eq(waitpid(s->pid, &status, 0), s->pid);
	ck_assert(echoes(s));
	(void)close(s->master);
	(void)close(s->slave);
	return status;
}

static void
ends_with(struct seat *s, int code)
{
	int status = leave(s);

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status) - 100, code);
}

START_TEST(secret)
{
	char seen[256];
	struct seat s;

	sit(&s, secret_child);
	shows(&s, "Secret: ", seen, sizeof(seen));
	ck_assert(!echoes(&s));
	type(&s, "sesam\n");
	shows(&s, "\n", seen, sizeof(seen));
	ck_assert_ptr_null(strstr(seen, "sesam"));
	ends_with(&s, 0);
}
END_TEST

START_TEST(line)
{
	char seen[256];
	struct seat s;

	sit(&s, line_child);
	shows(&s, "Which? ", seen, sizeof(seen));
	ck_assert(echoes(&s));
	type(&s, "2\n");
	ends_with(&s, 0);
}
END_TEST

START_TEST(bounded)
{
	char seen[256];
	struct seat s;

	sit(&s, secret_child);
	shows(&s, "Secret: ", seen, sizeof(seen));
	type(&s, "0123456789abcdefg\n");
	ends_with(&s, ERR_TOOBIG);
}
END_TEST

START_TEST(end_of_input)
{
	char seen[256];
	struct seat s;

	sit(&s, secret_child);
	shows(&s, "Secret: ", seen, sizeof(seen));
	type(&s, "\004");
	ends_with(&s, ERR_EOF);
}
END_TEST

START_TEST(signals)
{
	char seen[256];
	struct seat s;
	int status;

	sit(&s, secret_child);
	shows(&s, "Secret: ", seen, sizeof(seen));
	ck_assert(!echoes(&s));
	ck_assert_int_eq(kill(s.pid, _i == 0 ? SIGTERM : SIGINT), 0);
	status = leave(&s);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), _i == 0 ? SIGTERM : SIGINT);
}
END_TEST

/* A shell and its job, which asks: the shell sees the job stop with the
 * terminal as it was, and continues it. */
static int
shell_child(void)
{
	struct termios t;
	pid_t job = fork();
	int status;

	if (job == 0) {
		(void)setpgid(0, 0);
		(void)tcsetpgrp(0, getpid());
		(void)signal(SIGTTOU, SIG_DFL);
		_exit(100 + secret_child());
	}
	if (waitpid(job, &status, WUNTRACED) != job || !WIFSTOPPED(status))
		return 1;
	if (tcgetattr(0, &t) != 0 || (t.c_lflag & ECHO) == 0)
		return 2;
	if (kill(job, SIGCONT) != 0 || waitpid(job, &status, 0) != job ||
	    !WIFEXITED(status))
		return 3;
	return WEXITSTATUS(status) - 100;
}

START_TEST(stop)
{
	char seen[256];
	struct seat s;

	sit(&s, shell_child);
	shows(&s, "Secret: ", seen, sizeof(seen));
	type(&s, "\032");
	shows(&s, "Secret: ", seen, sizeof(seen));
	ck_assert(!echoes(&s));
	type(&s, "sesam\n");
	ends_with(&s, 0);
}
END_TEST

static int
alone_child(void)
{
	return setsid() < 0 ? 1 : secret_child();
}

START_TEST(no_terminal)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(100 + alone_child());
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status) - 100, ERR_STATE);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("prompt");
	TCase *t = tcase_create("prompt");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 30);
	tcase_add_test(t, secret);
	tcase_add_test(t, line);
	tcase_add_test(t, bounded);
	tcase_add_test(t, end_of_input);
	tcase_add_loop_test(t, signals, 0, 2);
	/* valgrind does not stop a process at SIGTSTP */
	if (getenv("UNDER_VALGRIND") == NULL)
		tcase_add_test(t, stop);
	tcase_add_test(t, no_terminal);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
