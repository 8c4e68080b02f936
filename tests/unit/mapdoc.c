/* identity.map(5): its rules are rules, and it names every word of them. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "idmap/map.h"

#define PAGE_MAX 65536

static char page[PAGE_MAX];

static void
setup(void)
{
	const char *src = getenv("srcdir");
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/man/identity.map.5",
	    src != NULL ? src : ".");
	ck_assert_ptr_nonnull(f = fopen(path, "r"));
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	(void)fclose(f);
}

static void
try_rule(const char *line, size_t n)
{
	static const struct map_authority auth[] = {
		{ .name = "staff", .class = FACTS_USER },
		{ .name = "piv", .class = FACTS_USER },
		{ .name = "fleet", .class = FACTS_DEVICE },
	};
	char found[1024] = "";
	struct diag diag;
	struct map map;

	diag_init(&diag);
	(void)map_parse(&map, "identity.map.5", line, n, auth, 3, &diag);
	if (diag.n > 0)
		diag_format(&diag.items[0], found, sizeof(found));
	ck_assert_msg(diag.errors == 0, "%.*s\n%s", (int)n, line, found);
	ck_assert_uint_eq(map.n, 1);
	map_free(&map);
	diag_free(&diag);
}

/* The rows of the grammar, `allow    = ...`, are none. */
static bool
is_rule(const char *line)
{
	size_t n = strspn(line, "abcdefghijklmnopqrstuvwxyz");

	if (strncmp(line, "allow ", 6) != 0 && strncmp(line, "deny ", 5) != 0)
		return false;
	return line[n + strspn(line + n, " ")] != '=';
}

START_TEST(rules)
{
	size_t n = 0;

	for (const char *p = page; *p != '\0'; ) {
		size_t len = strcspn(p, "\n");

		if (is_rule(p)) {
			try_rule(p, len);
			n++;
		}
		p += len + (p[len] == '\n');
	}
	ck_assert_uint_ge(n, 9);
}
END_TEST

static void
has(const char *before, const char *word, const char *behind)
{
	char text[128];

	(void)snprintf(text, sizeof(text), "%s%s%s", before, word, behind);
	ck_assert_msg(strstr(page, text) != NULL,
	    "identity.map(5): expected `%s'", text);
}

START_TEST(words)
{
	/* the parser names its own in the message about a wrong one */
	static const char *const options[] = { "from", "until", "service",
	    "command", "no-pty", "no-forwarding" };
	static const char wrong[] = "allow user a uri=x:a as a wrong";
	struct diag diag;
	struct map map;

	for (int i = 0; i < MAP_MATCHERS; i++) {
		const char *name = map_matcher_name((enum map_matcher)i);

		has("\"", name, "\"");
		has("Cm ", name, " Ns =");
	}
	diag_init(&diag);
	ck_assert_int_eq(map_parse(&map, "m", wrong, strlen(wrong), NULL, 0,
	    &diag), ERR_MALFORMED);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		has("\"", options[i], "\"");
		has(".It Cm ", options[i], "");
		ck_assert_ptr_nonnull(strstr(diag.items[0].text, options[i]));
	}
	/* 5 commas or "or" between 6 words: there is no seventh */
	ck_assert_ptr_nonnull(strstr(diag.items[0].text, "from=, until=, "
	    "service=, command=, no-pty or no-forwarding"));
	diag_free(&diag);
}
END_TEST

START_TEST(limits)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%d", MAP_LINE_MAX);
	has("at most ", text, " bytes");
	(void)snprintf(text, sizeof(text), "%d", MAP_RULES_MAX);
	has("\n", text, " rules");
	(void)snprintf(text, sizeof(text), "%d", MAP_FILE_MAX >> 20);
	has("at most ", text, " MiB");
	(void)snprintf(text, sizeof(text), "%d", MAP_ACCOUNTS_MAX);
	has("takes up to ", text, " names");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mapdoc");
	TCase *t = tcase_create("manual");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, rules);
	tcase_add_test(t, words);
	tcase_add_test(t, limits);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
