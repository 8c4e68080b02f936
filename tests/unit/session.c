/* src/session: what a person's processes, or PAM's words, could do to the
 * one process of a connection that is root. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "session/child.h"
#include "session/pam.h"

#define DEPTH "600"		/* generations: more than there are rounds */
#define SIGNALS 40
#define LIMIT_SECONDS 60

/* ---- every descendant is ended -------------------------------------------- */

/* Each begins the next one and holds the pipe's end open, so that its last
 * reader knows; a hangup is not what ends them. */
static const char chain[] = "trap '' HUP; if [ \"$1\" -gt 0 ]; then "
    "sh -c \"$0\" \"$0\" $(($1 - 1)) & else echo; fi; exec sleep 60";

START_TEST(deep_chain)
{
	char byte;
	int p[2];

	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), 0);
	ck_assert_int_eq(pipe(p), 0);
	if (fork() == 0) {
		(void)close(p[0]);
		(void)setsid();
		(void)dup2(p[1], STDOUT_FILENO);
		(void)close(p[1]);
		(void)execl("/bin/sh", "sh", "-c", chain, chain, DEPTH,
		    (char *)NULL);
		_exit(127);
	}
	(void)close(p[1]);
	ck_assert_int_eq(read(p[0], &byte, 1), 1);
	ck_assert(child_kill_all());
	/* nobody is left */
	ck_assert_int_eq(read(p[0], &byte, 1), 0);
	(void)close(p[0]);
}
END_TEST

START_TEST(nobody_to_end)
{
	ck_assert(child_kill_all());
}
END_TEST

/* ---- the process that sends a signal for the person ----------------------- */

/* As a person's process would: stop whatever the session starts. */
_Noreturn static void
stopper(pid_t session)
{
	char path[64], text[256];

	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children",
	    (long)session, (long)session);
	for (;;) {
		int fd = open(path, O_RDONLY);
		ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
		char *p = text, *end;

		if (fd < 0 || n < 0)
			_exit(1);
		(void)close(fd);
		text[n] = '\0';
		for (long pid; (pid = strtol(p, &end, 10)) > 1 && end != p;
		    p = end)
			if (pid != (long)getpid())
				(void)kill((pid_t)pid, SIGSTOP);
	}
}

START_TEST(stopped_signaller)
{
	const struct account a = { .uid = geteuid() };
	struct child c = { .used = true };
	pid_t session = getpid(), s = fork();

	if (s == 0) {
		(void)alarm(LIMIT_SECONDS);
		stopper(session);
	}
	/* a group of nobody else's that is there */
	if ((c.pid = fork()) == 0) {
		(void)setpgid(0, 0);
		_exit(0);
	}
	(void)alarm(LIMIT_SECONDS);
	for (int i = 0; i < SIGNALS; i++)
		child_signal(&c, &a, SIGURG);
	(void)alarm(0);
	ck_assert_int_eq(kill(s, SIGKILL), 0);
	ck_assert_int_eq(waitpid(s, NULL, 0), s);
	(void)kill(c.pid, SIGCONT);
	ck_assert_int_eq(waitpid(c.pid, NULL, 0), c.pid);
}
END_TEST

/* ---- PAM's words ------------------------------------------------------------ */

static void
write_file(const char *dir, const char *name, const char *text)
{
	char path[256];
	struct why why;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_msg(path_replace(path, 0644, text, strlen(text), &why) == 0,
	    "%s", why.text);
}

static void
remove_file(const char *dir, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	(void)unlink(path);
}

/* Lines of these lengths, as an account phase says them. */
static size_t
banner_of(const size_t *line, size_t n)
{
	static struct ipc_settings set;
	struct account a = { .name = "nobody", .uid = geteuid(),
	    .gid = getegid() };
	char dir[] = "/tmp/session.XXXXXX", text[16384], stack[512];
	struct why why = { "" };
	struct pam *p;
	size_t at = 0, len;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	for (size_t i = 0; i < n; i++) {
		memset(text + at, 'a' + (int)i, line[i]);
		at += line[i];
		text[at++] = '\n';
	}
	text[at] = '\0';
	write_file(dir, "words", text);
	(void)snprintf(stack, sizeof(stack), "account required pam_exec.so "
	    "stdout /bin/cat %s/words\naccount requisite pam_deny.so\n", dir);
	write_file(dir, "certlogind", stack);
	(void)snprintf(set.service, sizeof(set.service), "certlogind");
	(void)snprintf(set.confdir, sizeof(set.confdir), "%s", dir);
	ck_assert_ptr_nonnull(p = pam_warm(&set, &why));
	ck_assert_int_ne(pam_begin(p, &a, "192.0.2.1", &why), 0);
	len = strlen(pam_banner(p));
	pam_finish(p);
	remove_file(dir, "words");
	remove_file(dir, "certlogind");
	(void)rmdir(dir);
	return len;
}

START_TEST(banner)
{
	static const size_t some[] = { 10, 20 };
	/* the banner's last byte but the NUL is the second's line end */
	static const size_t full[] = { 2000, 2093, 1000, 1 };
	static const size_t over[] = { 2000, 2094, 1000 };

	ck_assert_uint_eq(banner_of(some, 2), 32);
	ck_assert_uint_eq(banner_of(full, 4), 4095);
	ck_assert_uint_eq(banner_of(over, 3), 3002);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("session");
	TCase *t = tcase_create("session");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, LIMIT_SECONDS);
	tcase_add_test(t, deep_chain);
	tcase_add_test(t, nobody_to_end);
	tcase_add_test(t, stopped_signaller);
	tcase_add_test(t, banner);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
