/* pam.conf and the module's arguments: one table. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "door/doorconf.h"

static char path[] = "/tmp/certlogin-doorconf.XXXXXX/pam.conf";
static char conf_arg[sizeof(path) + 8];
static struct doorconf c;
static struct diag d;

static void
setup(void)
{
	char *slash = strrchr(path, '/');

	*slash = '\0';
	(void)snprintf(strchr(path, '.') + 1, 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(path));
	*slash = '/';
	(void)snprintf(conf_arg, sizeof(conf_arg), "conf=%s", path);
	diag_init(&d);
}

static void
teardown(void)
{
	char *slash = strrchr(path, '/');

	doorconf_free(&c);
	diag_free(&d);
	(void)unlink(path);
	*slash = '\0';
	(void)rmdir(path);
	*slash = '/';
}

static int
load(const char *text, int argc, const char **argv)
{
	const char *args[32] = { conf_arg };
	struct why why = { "" };

	if (text != NULL)
		ck_assert_msg(path_replace(path, 0600, text, strlen(text),
		    &why) == 0, "%s", why.text);
	for (int i = 0; i < argc; i++)
		args[i + 1] = argv[i];
	return doorconf_load(&c, argc + 1, args, &d);
}

START_TEST(defaults)
{
	ck_assert_int_eq(load("[pam]\nmodule = /m.so\n", 0, NULL), 0);
	ck_assert_uint_eq(c.n_sources, 1);
	ck_assert_int_eq(c.source[0], DOORCONF_TOKEN);
	ck_assert_str_eq(c.module, "/m.so");
	ck_assert_str_eq(c.uri, "");
	ck_assert_ptr_null(c.file);
	ck_assert_uint_eq(c.wait, 0);
	ck_assert_uint_eq(c.timeout, 30);
	ck_assert_int_eq(c.remote, 0);
	ck_assert(!c.debug);
	ck_assert_str_eq(c.p11_user, P11_USER);
	ck_assert_str_eq(c.judge_user, JUDGE_USER);
	ck_assert_str_eq(c.map, SYSCONF_DIR "/identity.map");
	ck_assert_str_eq(c.trust, SYSCONF_DIR "/trust.conf");
	ck_assert_str_eq(c.state_dir, STATE_DIR);
	ck_assert_uint_eq(c.n_privileged, 0);
}
END_TEST

START_TEST(arguments_win)
{
	const char *args[] = { "source=file,token", "file=%h/id.pem",
	    "wait=10s", "remote=allow", "debug", "module-env=B=2 3",
	    "privileged_accounts=root,admin" };

	ck_assert_msg(load("[pam]\nmodule = /m.so\nmodule-env = A=1\n"
	    "wait = 5s\nremote = deny\nprivileged-accounts = old\n", 7,
	    args) == 0, "%s", d.n > 0 ? d.items[0].text : "");
	ck_assert_uint_eq(c.n_sources, 2);
	ck_assert_int_eq(c.source[0], DOORCONF_KEYFILE);
	ck_assert_int_eq(c.source[1], DOORCONF_TOKEN);
	ck_assert_str_eq(c.file, "%h/id.pem");
	ck_assert_uint_eq(c.wait, 10);
	ck_assert_int_eq(c.remote, 1);
	ck_assert(c.debug);
	ck_assert_uint_eq(c.n_env, 2);
	ck_assert_str_eq(c.env[0], "A=1");
	ck_assert_str_eq(c.env[1], "B=2 3");
	ck_assert_uint_eq(c.n_privileged, 2);
	ck_assert_str_eq(c.privileged[0], "root");
	ck_assert_str_eq(c.privileged[1], "admin");
}
END_TEST

#define GOOD "[pam]\nmodule = /m.so\n"

static const struct {
	const char *text;	/* NULL: no file */
	const char *arg;	/* NULL: none */
	unsigned line;		/* of the file; 0: an argument, or all */
	const char *expected;
} bads[] = {
	{ GOOD "colour = blue\n", NULL, 3, "colour" },
	{ "[door]\n", NULL, 1, "door" },
	{ GOOD "source = tokn\n", NULL, 3, "token, file, or both" },
	{ GOOD "source = token,token\n", NULL, 3, "token, file, or both" },
	{ GOOD "source = ,\n", NULL, 3, "token, file, or both" },
	{ GOOD "module-env = A\n", NULL, 3, "NAME=VALUE" },
	{ GOOD "module-env = =1\n", NULL, 3, "NAME=VALUE" },
	{ GOOD "wait = 301s\n", NULL, 3, "wait" },
	{ GOOD "timeout = 0\n", NULL, 3, "timeout" },
	{ GOOD "remote = perhaps\n", NULL, 3, "remote" },
	{ GOOD "debug = perhaps\n", NULL, 3, "debug" },
	{ GOOD "module = /n.so\n", NULL, 3, "module" },
	{ GOOD, "module=m.so", 0, "absolute path" },
	{ GOOD, "map=identity.map", 0, "absolute path" },
	{ GOOD, "trust=./trust.conf", 0, "absolute path" },
	{ GOOD, "state-dir=state", 0, "absolute path" },
	{ GOOD, "source=file", 0, "needs file=" },
	{ GOOD, "file=id.pem", 0, "absolute path or %h" },
	{ GOOD, "nonsense", 0, "nonsense" },
	{ GOOD, "colour=blue", 0, "colour" },
	{ GOOD, "use_first_pass", 0, "use_first_pass" },
	{ "[pam]\n", NULL, 0, "needs module=" },
	{ NULL, NULL, 0, "does not exist" },
};

START_TEST(bad)
{
	const char *args[] = { bads[_i].arg };
	bool found = false;

	ck_assert_int_ne(load(bads[_i].text, args[0] != NULL ? 1 : 0, args),
	    0);
	ck_assert_uint_ge(d.errors, 1);
	for (size_t i = 0; i < d.n; i++)
		found |= strstr(d.items[i].text, bads[_i].expected) != NULL &&
		    (bads[_i].line == 0 || (d.items[i].line ==
		    bads[_i].line && strcmp(d.items[i].file, path) == 0));
	ck_assert_msg(found, "%s:%u %s", d.items[0].file, d.items[0].line,
	    d.items[0].text);
}
END_TEST

START_TEST(too_many)
{
	const char *args[P11_ENV_MAX + 1];

	for (int i = 0; i <= P11_ENV_MAX; i++)
		args[i] = "module-env=A=1";
	ck_assert_int_ne(load(GOOD, P11_ENV_MAX + 1, args), 0);
	ck_assert_uint_eq(c.n_env, P11_ENV_MAX);
	ck_assert_uint_eq(d.errors, 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("doorconf");
	TCase *t = tcase_create("doorconf");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, defaults);
	tcase_add_test(t, arguments_win);
	tcase_add_loop_test(t, bad, 0, sizeof(bads) / sizeof(bads[0]));
	tcase_add_test(t, too_many);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
