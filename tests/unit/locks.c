/* The text of the locks as certloginctl changes it. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/locks.h"

#define H64 "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789abcdef"

static const struct {
	const char *match, *until;
	const char *rule;		/* NULL: refused */
} rules[] = {
	{ "serial=4f:1a", NULL, "deny user staff serial=4f:1a" },
	{ "uri=a:b", "2027-01-01", "deny user staff uri=a:b until=2027-01-01" },
	{ "uri=a b", NULL, "deny user staff uri=\"a b\"" },
	{ "uri=a\"b\\c", NULL, "deny user staff uri=\"a\\\"b\\\\c\"" },
	{ "uri=a=b", NULL, "deny user staff uri=a=b" },
	{ "uri", NULL, NULL }, { "uri=", NULL, NULL }, { "=x", NULL, NULL },
	{ "", NULL, NULL }, { "uri=a\ndeny user staff uri=b", NULL, NULL },
	{ "serial=1", "2027-01-01 from=10.0.0.0/8", NULL },
	{ "serial=1", "2027-01-01\tservice=su", NULL },
	{ "serial=1", "2027-01-01\n", NULL },
};

START_TEST(rule)
{
	char text[LOCKS_RULE_MAX];
	struct why why = { "" };
	int r = locks_rule(text, "user", "staff", rules[_i].match,
	    rules[_i].until, &why);

	ck_assert_int_eq(r == 0, rules[_i].rule != NULL);
	if (r == 0)
		ck_assert_str_eq(text, rules[_i].rule);
	else
		ck_assert_ptr_nonnull(strstr(why.text, rules[_i].until ==
		    NULL ? "expected MATCHER=VALUE" : "expected a date"));
}
END_TEST

START_TEST(long_value)
{
	char match[LOCKS_RULE_MAX + 9], text[LOCKS_RULE_MAX];

	memset(match, '"', sizeof(match));
	memcpy(match, "uri=", 4);
	match[sizeof(match) - 1] = '\0';
	ck_assert_int_eq(locks_rule(text, "user", "staff", match, NULL, NULL),
	    ERR_TOOBIG);
}
END_TEST

static const struct {
	const char *old, *want;		/* want: the rules, a line each */
	const char *new;		/* NULL: as old */
	size_t found;
	unsigned line;
	bool add, same;
} changes[] = {
	/* in */
	{ "", "deny user s serial=1\n", "deny user s serial=1\n", 0, 1, true,
	    false },
	{ "# a\n\n", "deny user s serial=1\n", "# a\n\ndeny user s serial=1\n",
	    0, 3, true, false },
	{ "# no end", "deny user s serial=1\n",
	    "# no end\ndeny user s serial=1\n", 0, 2, true, false },
	{ "deny user s serial=1\n", "deny user s serial=1\n", NULL, 1, 1,
	    true, true },
	{ "deny user s serial=1", "deny user s serial=1\n",
	    "deny user s serial=1\n", 1, 1, true, true },
	/* with another end it takes the place of the first, once */
	{ "#\ndeny user s serial=01 until=2027-01-01\n# b\n"
	    "deny  user s  serial=1\n", "deny user s serial=1\n",
	    "#\ndeny user s serial=1\n# b\n", 2, 2, true, false },
	{ "deny user s serial=1\n", "deny user s serial=1 until=2027-01-01\n",
	    "deny user s serial=1 until=2027-01-01\n", 1, 1, true, false },
	/* another matcher, value, authority, or a condition: another lock */
	{ "deny user s serial=2\ndeny user t serial=1\ndeny user s uri=a:1\n"
	    "deny user s serial=1 from=10.0.0.0/8\n"
	    "deny user s serial=1 service=su\n"
	    "deny user s serial=1 uri=a:b\n", "deny user s serial=1\n",
	    "deny user s serial=2\ndeny user t serial=1\ndeny user s uri=a:1\n"
	    "deny user s serial=1 from=10.0.0.0/8\n"
	    "deny user s serial=1 service=su\n"
	    "deny user s serial=1 uri=a:b\ndeny user s serial=1\n", 0, 7,
	    true, false },
	/* out */
	{ "# a\n\tdeny user s serial=1\r\n# b\n", "deny user s serial=01\n",
	    "# a\n# b\n", 1, 2, false, false },
	{ "deny device s serial=1\n", "deny user s serial=1\n", "", 1, 1,
	    false, false },
	{ "deny user s serial=1", "deny user s serial=1\n", "", 1, 1, false,
	    false },
	{ "deny user s spki=sha256:" H64 "\n#\ndeny user s cert=sha256:" H64
	    " until=2027-01-01\n", "deny user s spki=sha256:" H64 "\n"
	    "deny user s cert=sha256:" H64 "\n", "#\n", 2, 1, false, false },
	{ "deny user s serial=2\n", "deny user s serial=1\n", NULL, 0, 0,
	    false, false },
	{ "", "deny user s serial=1\n", NULL, 0, 0, false, false },
};

static void
parse(struct map *m, const char *text)
{
	struct diag d;

	diag_init(&d);
	ck_assert_msg(map_parse_locks(m, "m", text, strlen(text), NULL, 0,
	    &d) == 0, "%s: %s", text, d.n > 0 ? d.items[0].text : "");
	diag_free(&d);
}

START_TEST(change)
{
	const char *old = changes[_i].old, *new = changes[_i].new;
	struct locks_changed c;
	struct map file, want;
	struct buf a, b;
	char add[200] = "";

	parse(&file, old);
	parse(&want, changes[_i].want);
	strcpy(add, changes[_i].want);
	add[strcspn(add, "\n")] = '\0';
	buf_init(&a, 4096);
	buf_init(&b, 4096);
	buf_put_raw(&a, old, strlen(old));
	ck_assert_int_eq(locks_change(&a, &file, &want, changes[_i].add ?
	    add : NULL, &b, &c), 0);
	new = new != NULL ? new : old;
	ck_assert_msg(b.len == strlen(new) && memcmp(b.data, new,
	    b.len) == 0, "'%.*s'", (int)b.len, (const char *)b.data);
	ck_assert_uint_eq(c.found, changes[_i].found);
	ck_assert_uint_eq(c.line, changes[_i].line);
	ck_assert_int_eq(c.same, changes[_i].same);
	buf_free(&a);
	buf_free(&b);
	map_free(&file);
	map_free(&want);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("locks");
	TCase *t = tcase_create("locks");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, rule, 0, N(rules));
	tcase_add_test(t, long_value);
	tcase_add_loop_test(t, change, 0, N(changes));
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
