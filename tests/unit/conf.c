/* src/proto/conf.c: its table and defaults against certlogind.conf(5). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/conf.h"

#define PAGE_MAX 65536

static char page[PAGE_MAX];
static struct conf defaults;

static void
setup(void)
{
	const char *src = getenv("srcdir");
	struct diag diag;
	char path[1024];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/man/certlogind.conf.5",
	    src != NULL ? src : ".");
	ck_assert_ptr_nonnull(f = fopen(path, "r"));
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	(void)fclose(f);
	/* the file is not there: what remains are the defaults */
	diag_init(&diag);
	(void)conf_load(&defaults, "/nonexistent/conf", NULL, 0, &diag);
	diag_free(&diag);
}

static void
teardown(void)
{
	conf_free(&defaults);
}

/* The text of a key's item, lines joined, up to the next item. */
static const char *
item(const char *name)
{
	static char text[8192];
	char head[128], *end;
	const char *at;

	(void)snprintf(head, sizeof(head), ".It Cm %s No = ", name);
	at = strstr(page, head);
	ck_assert_msg(at != NULL, "certlogind.conf(5) has no item `%s'", head);
	(void)snprintf(text, sizeof(text), "%s", at + 1);
	/* keys without text of their own share that of the last of them */
	for (end = text; (end = strstr(end, "\n.It ")) != NULL; end++) {
		const char *before = end;

		while (before > text && before[-1] != '\n')
			before--;
		if (before != text && strncmp(before, ".It ", 4) != 0)
			break;
	}
	if (end != NULL)
		*end = '\0';
	for (char *p = text; *p != '\0'; p++)
		*p = *p == '\n' ? ' ' : *p;
	return text;
}

static void
says(const char *name, const char *text, const char *wanted)
{
	ck_assert_msg(strstr(text, wanted) != NULL,
	    "certlogind.conf(5), %s: expected `%s'", name, wanted);
}

static void
check_range(const struct ini_key *k, const char *text, const char *word,
    const char *unit)
{
	const char *base = (const char *)&defaults;
	char wanted[128];
	uint32_t value;

	memcpy(&value, base + k->offset, sizeof(value));
	(void)snprintf(wanted, sizeof(wanted), "from %u%s to %u%s, default "
	    "%u%s", k->min, unit, k->max, unit, value, unit);
	says(k->name, text, wanted);
	says(k->name, text, word);
}

static void
check_enum(const struct ini_key *k, const char *text)
{
	char wanted[128];
	int value;

	for (size_t i = 0; k->words[i] != NULL; i++)
		says(k->name, text, k->words[i]);
	memcpy(&value, (const char *)&defaults + k->offset, sizeof(value));
	(void)snprintf(wanted, sizeof(wanted), "Default .Cm %s",
	    k->words[value]);
	says(k->name, text, wanted);
}

static void
check_key(const struct ini_key *k)
{
	const char *text = item(k->name);

	switch (k->type) {
	case INI_UINT:
		check_range(k, text, "= Ar number", "");
		break;
	case INI_DURATION:
		check_range(k, text, "= Ar duration", "s");
		break;
	case INI_BOOL:
		says(k->name, text, "= Cm yes | no");
		says(k->name, text, "Default .Cm no");
		break;
	case INI_ENUM:
		check_enum(k, text);
		break;
	case INI_STRING:
	case INI_CALL:
		says(k->name, text, "efault");
		break;
	}
}

START_TEST(every_key_has_its_words)
{
	size_t n = 0;

	for (const struct ini_key *k = conf_keys; k->name != NULL; k++, n++)
		check_key(k);
	ck_assert_uint_ge(n, 24);
}
END_TEST

static bool
is_key(const char *name)
{
	for (const struct ini_key *k = conf_keys; k->name != NULL; k++)
		if (strcmp(k->name, name) == 0)
			return true;
	return false;
}

START_TEST(every_item_is_a_key)
{
	static const char head[] = ".It Cm ";
	size_t n = 0;

	for (const char *p = page; (p = strstr(p, head)) != NULL; n++) {
		char name[64];

		p += strlen(head);
		(void)snprintf(name, sizeof(name), "%.*s",
		    (int)strcspn(p, " \n"), p);
		ck_assert_msg(is_key(name), "certlogind.conf(5): %s is no key",
		    name);
	}
	ck_assert_uint_ge(n, 24);
}
END_TEST

START_TEST(defaults_that_are_lists)
{
	char startups[64];

	(void)snprintf(startups, sizeof(startups), "%u:%u:%u",
	    defaults.startups_start, defaults.startups_rate,
	    defaults.startups_full);
	says("max-startups", item("max-startups"), startups);
	ck_assert_uint_eq(defaults.n_listen, 1);
	says("listen", item("listen"), defaults.listen[0].text);
	says("pam-service", item("pam-service"), defaults.pam_service);
	says("privileged-accounts", item("privileged-accounts"),
	    "Default none");
	ck_assert_uint_eq(defaults.n_privileged, 0);
	ck_assert(!defaults.hostkey_network);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("conf");
	TCase *t = tcase_create("manual");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, every_key_has_its_words);
	tcase_add_test(t, every_item_is_a_key);
	tcase_add_test(t, defaults_that_are_lists);
	suite_add_tcase(s, t);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
