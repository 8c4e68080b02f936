/* certlogin-map's edits against an editor that takes no lock, and its times. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map/edit.h"
#include "map/say.h"

#define CONF "[authority staff]\nclass = user\nanchor = a\nrevocation = none\n"

static struct options o;
static char folder[64];

static void
write_to(const char *path, const char *text)
{
	struct why why = { "" };

	ck_assert_msg(path_replace(path, 0644, text, strlen(text), &why) == 0,
	    "%s", why.text);
}

static void
make(const char *map)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/certlogin-map.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(o.map, sizeof(o.map), "%s/map", folder);
	(void)snprintf(o.trust, sizeof(o.trust), "%s/trust.conf", folder);
	write_to(o.map, map);
	write_to(o.trust, CONF);
}

static void
is_now(const char *text)
{
	struct buf b;

	buf_init(&b, 8192);
	ck_assert_int_eq(path_load(o.map, 0, 4096, &b, NULL), 0);
	ck_assert(span_eq_str((struct span){ b.data, b.len }, text));
	buf_free(&b);
}

static void
end(void)
{
	(void)unlink(o.map);
	(void)unlink(o.trust);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* How an editor writes: 0 not at all, 1 into the file, 2 another file. */
START_TEST(editor)
{
	static const char new[] = "deny user staff serial=02\n";
	struct context c;
	struct edit e;
	struct buf text;
	FILE *f;

	make("deny user staff serial=01\n");
	ck_assert_int_eq(context_open(&c, &o), EXIT_DONE);
	ck_assert_int_eq(edit_begin(&e, &c, false), EXIT_DONE);
	if (_i == 1) {
		ck_assert_ptr_nonnull(f = fopen(o.map, "a"));
		(void)fputs("# mine\n", f);
		ck_assert_int_eq(fclose(f), 0);
	} else if (_i == 2)
		write_to(o.map, "# mine\n");
	buf_init(&text, 4096);
	buf_put_raw(&text, new, strlen(new));
	ck_assert_int_eq(edit_commit(&e, &text), _i == 0 ? EXIT_DONE :
	    EXIT_COULD_NOT);
	is_now(_i == 0 ? new : _i == 1 ?
	    "deny user staff serial=01\n# mine\n" : "# mine\n");
	buf_free(&text);
	edit_end(&e);
	context_close(&c);
	end();
}
END_TEST

START_TEST(lines)
{
	static const char text[] = "one\n\n  two \t\r\nthree";
	struct span s = { (const uint8_t *)text, sizeof(text) - 1 };

	ck_assert(span_eq_str(context_line(s, 1), "one"));
	ck_assert(span_eq_str(context_line(s, 2), ""));
	ck_assert(span_eq_str(context_line(s, 3), "two"));
	ck_assert(span_eq_str(context_line(s, 4), "three"));
	ck_assert_uint_eq(context_line(s, 5).n, 0);
	ck_assert_uint_eq(context_line((struct span){ s.p, 0 }, 1).n, 0);
}
END_TEST

static const struct {
	const char *text;
	int64_t t;			/* -1: refused */
} times[] = {
	{ "1970-01-01T00:00:00Z", 0 },
	{ "2026-11-24T00:00:00Z", 1795478400 },
	{ "2028-02-29T23:59:59Z", 1835481599 },
	{ "@0", 0 },
	{ "@1795478400", 1795478400 },
	{ "", -1 }, { "@", -1 }, { "@ 1", -1 }, { "@+1", -1 }, { "@1x", -1 },
	{ "@99999999999999999999", -1 },
	{ "2026-02-29T00:00:00Z", -1 },
	{ "2026-11-24T00:00:00", -1 },
	{ "2026-11-24T00:00:00Zx", -1 },
	{ "2026-11-24T00:00:00+00:00", -1 },
	{ "2026-11-24 00:00:00Z", -1 },
	{ "2026-11-24", -1 },
	{ " 2026-11-24T00:00:00Z", -1 },
	{ "2026-13-24T00:00:00Z", -1 },
	{ "2026-11-24T24:00:00Z", -1 },
};

START_TEST(time_texts)
{
	int64_t t = -7;

	if (times[_i].t >= 0) {
		ck_assert_int_eq(say_parse_time(times[_i].text, &t), 0);
		ck_assert_int_eq(t, times[_i].t);
	} else {
		ck_assert_int_eq(say_parse_time(times[_i].text, &t),
		    ERR_MALFORMED);
		ck_assert_int_eq(t, -7);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("mapedit");
	TCase *t = tcase_create("mapedit");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, editor, 0, 3);
	tcase_add_test(t, lines);
	tcase_add_loop_test(t, time_texts, 0,
	    (int)(sizeof(times) / sizeof(times[0])));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
