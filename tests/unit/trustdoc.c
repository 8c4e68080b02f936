/* trust.conf(5): its example is a good file, its keys are the parser's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "x509/trust.h"

#define TEXT_MAX 65536

static char page[TEXT_MAX], source[TEXT_MAX];

static void
load(const char *name, char text[TEXT_MAX])
{
	const char *src = getenv("srcdir");
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", src != NULL ? src : ".",
	    name);
	ck_assert_ptr_nonnull(f = fopen(path, "r"));
	text[fread(text, 1, TEXT_MAX - 1, f)] = '\0';
	(void)fclose(f);
}

static void
setup(void)
{
	load("man/trust.conf.5", page);
	load("src/x509/trust_conf.c", source);
}

START_TEST(example)
{
	const char *begin = strstr(page, "\n[authority"), *end;
	char first[1024] = "";
	struct trust_conf c;
	struct diag diag;

	ck_assert_ptr_nonnull(begin);
	ck_assert_ptr_nonnull(end = strstr(begin, "\n.Ed"));
	diag_init(&diag);
	ck_assert_int_eq(trust_conf_parse(&c, "trust.conf.5", begin,
	    (size_t)(end - begin), &diag), 0);
	if (diag.n > 0)
		diag_format(&diag.items[0], first, sizeof(first));
	ck_assert_str_eq(first, "");
	ck_assert_uint_eq(c.n, 2);
	ck_assert_str_eq(c.authority[0].url[0],
	    "https://pki.example.org/staff.crl");
	ck_assert_uint_eq(c.authority[1].rules.fold,
	    1u << FACTS_UPN | 1u << FACTS_EMAIL);
	trust_conf_free(&c);
	diag_free(&diag);
}
END_TEST

/* Does the parser know this key, whatever it says of the value? */
static bool
known(const char *key)
{
	char text[256], first[1024] = "";
	struct trust_conf c;
	struct diag diag;

	(void)snprintf(text, sizeof(text), "[authority a]\n%s = ?\n", key);
	diag_init(&diag);
	(void)trust_conf_parse(&c, "t", text, strlen(text), &diag);
	if (diag.n > 0)
		diag_format(&diag.items[0], first, sizeof(first));
	trust_conf_free(&c);
	diag_free(&diag);
	return strstr(first, "unknown") == NULL;
}

START_TEST(items_are_keys)
{
	size_t n = 0;

	ck_assert(!known("no-such-key"));
	for (const char *p = page; (p = strstr(p, ".It Cm ")) != NULL; n++) {
		char key[64];

		p += strlen(".It Cm ");
		(void)snprintf(key, sizeof(key), "%.*s",
		    (int)strcspn(p, " \n"), p);
		ck_assert_msg(known(key), "trust.conf(5): %s is no key", key);
	}
	ck_assert_uint_eq(n, 10);
}
END_TEST

START_TEST(keys_are_items)
{
	size_t n = 0;

	for (const char *p = source; (p = strstr(p, "{ .name = \"")) != NULL;
	    n++) {
		char item[128];

		p += strlen("{ .name = \"");
		(void)snprintf(item, sizeof(item), ".It Cm %.*s No = ",
		    (int)strcspn(p, "\""), p);
		if (strncmp(p, "authority\"", 10) == 0)
			continue;
		ck_assert_msg(strstr(page, item) != NULL,
		    "trust.conf(5): expected `%s'", item);
	}
	ck_assert_uint_ge(n, 9);
}
END_TEST

START_TEST(limits)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "There can be %d.",
	    TRUST_AUTHORITIES_MAX);
	ck_assert_ptr_nonnull(strstr(page, text));
	(void)snprintf(text, sizeof(text), "at most %d files",
	    IPC_LOAD_FILES_MAX);
	ck_assert_ptr_nonnull(strstr(page, text));
	(void)snprintf(text, sizeof(text), "up to %d\nlines, and %d "
	    "certificates", TRUST_PATHS_MAX, TRUST_ANCHORS_MAX);
	ck_assert_ptr_nonnull(strstr(page, text));
	(void)snprintf(text, sizeof(text), "at most %d characters",
	    TRUST_URL_MAX - 1);
	ck_assert_ptr_nonnull(strstr(page, text));
	(void)snprintf(text, sizeof(text), "to %d patterns", TRUST_NAMES_MAX);
	ck_assert_ptr_nonnull(strstr(page, text));
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("trustdoc");
	TCase *t = tcase_create("manual");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, example);
	tcase_add_test(t, items_are_keys);
	tcase_add_test(t, keys_are_items);
	tcase_add_test(t, limits);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
