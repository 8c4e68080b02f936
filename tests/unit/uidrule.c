/* src/idmap/uidrule.c: which accounts a verdict may reach at all. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "idmap/uidrule.h"

static const char *const listed[] = { "root", "backup" };

static const struct {
	const char *name;
	uid_t uid;
	bool captured;
	const char *why;		/* "" = ok */
} cases[] = {
	{ "alice", 1000, true, "" },
	{ "alice", 60000, false, "" },
	{ "alice", 999, false, "uid 999" },
	{ "alice", 60001, true, "uid 60001" },
	{ "alice", 0, false, "uid 0" },
	{ "root", 0, false, "" },
	{ "root", 0, true, "literally" },
	{ "backup", 34, false, "" },
	{ "backup", 34, true, "literally" },
	{ "backup2", 34, false, "privileged-accounts" },
	{ "Root", 0, false, "privileged-accounts" },
	{ "nobody", 65534, false, "uid 65534" },
	{ "x", (uid_t)-1, false, "uid 4294967295" },
};

START_TEST(rule)
{
	struct uidrule r = { .uid_min = 1000, .uid_max = 60000,
	    .privileged = listed, .n_privileged = 2 };
	struct why why = { "" };
	int rc = uidrule_check(&r, cases[_i].name, cases[_i].uid,
	    cases[_i].captured, &why);

	ck_assert_int_eq(rc, cases[_i].why[0] == '\0' ? 0 : ERR_REFUSED);
	if (rc != 0)
		ck_assert_ptr_nonnull(strstr(why.text, cases[_i].why));
}
END_TEST

/* Whatever the limits say, uid 0 is never ordinary. */
START_TEST(never_root)
{
	struct uidrule r = { .uid_min = 0, .uid_max = 60000 };

	ck_assert_int_eq(uidrule_check(&r, "root", 0, false, NULL),
	    ERR_REFUSED);
	ck_assert_int_eq(uidrule_check(&r, "alice", 1, false, NULL), 0);
}
END_TEST

START_TEST(limits)
{
	uint32_t min, max;

	uidrule_limits(&min, &max);
	ck_assert_uint_ge(min, 1);
	ck_assert_uint_le(min, max);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("uidrule");
	TCase *t = tcase_create("uidrule");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, rule, 0,
	    (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, never_root);
	tcase_add_test(t, limits);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
