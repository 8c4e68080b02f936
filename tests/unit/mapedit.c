/* certlogin-map's edits against an editor that takes no lock, and its times. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map/change.h"
#include "map/diff.h"
#include "map/hand.h"
#include "map/say.h"

#define CONF "[authority staff]\nclass = user\nanchor = a\nrevocation = none\n"

static struct options o;
static char folder[64], map_file[80], trust_file[80];

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
	(void)snprintf(map_file, sizeof(map_file), "%s/map", folder);
	(void)snprintf(trust_file, sizeof(trust_file), "%s/trust.conf",
	    folder);
	o.map = map_file;
	o.trust = trust_file;
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
	char lock[PATH_MAX + 8];

	(void)unlink(o.map);
	(void)unlink(o.trust);
	(void)snprintf(lock, sizeof(lock), "%s.lock", o.map);
	(void)unlink(lock);
	ck_assert_int_eq(rmdir(folder), 0);
}

/* How an editor writes: 0 not at all, 1 into the file, 2 another file. */
START_TEST(editor)
{
	static const char new[] = "deny user staff serial=02\n";
	struct context c;
	struct change e;
	struct buf text;
	FILE *f;

	make("deny user staff serial=01\n");
	ck_assert_int_eq(context_open(&c, &o), EXIT_DONE);
	ck_assert_int_eq(change_begin(&e, &c, false), EXIT_DONE);
	if (_i == 1) {
		ck_assert_ptr_nonnull(f = fopen(o.map, "a"));
		(void)fputs("# mine\n", f);
		ck_assert_int_eq(fclose(f), 0);
	} else if (_i == 2)
		write_to(o.map, "# mine\n");
	buf_init(&text, 4096);
	buf_put_raw(&text, new, strlen(new));
	ck_assert_int_eq(change_commit(&e, &text, false), _i == 0 ? EXIT_DONE :
	    EXIT_COULD_NOT);
	is_now(_i == 0 ? new : _i == 1 ?
	    "deny user staff serial=01\n# mine\n" : "# mine\n");
	buf_free(&text);
	change_end(&e);
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
	const char *old, *new, *changes;
} diffs[] = {
	{ "", "", "" },
	{ "a\n", "a\n", "" },
	{ "a\n", "a", "" },
	{ "", "a\nb\n", "+1a+2b" },
	{ "a\nb", "", "-1a-2b" },
	{ "a\nb\nc\n", "a\nc\n", "-2b" },
	{ "a\nc\n", "a\nb\nc\n", "+2b" },
	{ "a\nb\nc\n", "a\nx\nc\n", "-2b+2x" },
	{ "a\n\nb\n", "\na\n\nb\n\n", "+1+5" },
	{ "1\n2\n3\n4\n5\n6\n", "1\nx\n3\n4\ny\n6\n",
	    "-22+2x-55+5y" },
	{ "a\nb\n", "b\na\n", "-1a+2a" },
	{ "a\na\na\n", "a\n", "-2a-3a" },
};

START_TEST(differences)
{
	const char *old = diffs[_i].old, *new = diffs[_i].new;
	char got[128] = "";
	struct diff d;
	size_t at = 0;

	ck_assert_int_eq(diff_make(&d, (struct span){ (const uint8_t *)old,
	    strlen(old) }, (struct span){ (const uint8_t *)new,
	    strlen(new) }), 0);
	for (size_t i = 0; i < d.n; i++)
		at += (size_t)snprintf(got + at, sizeof(got) - at, "%c%u%.*s",
		    d.line[i].added ? '+' : '-', (unsigned)d.line[i].line,
		    (int)d.line[i].text.n, (const char *)d.line[i].text.p);
	ck_assert_str_eq(got, diffs[_i].changes);
	diff_free(&d);
}
END_TEST

/* More lines than the table holds: all between the first and the last. */
START_TEST(many_differences)
{
	struct buf old, new;
	struct diff d;
	char line[16];

	buf_init(&old, 1024 * 1024);
	buf_init(&new, 1024 * 1024);
	buf_put_raw(&old, "first\n", 6);
	buf_put_raw(&new, "first\n", 6);
	for (int i = 0; i < 3000; i++) {
		int n = snprintf(line, sizeof(line), "%d\n", i);

		buf_put_raw(&old, line, (size_t)n);
		buf_put_raw(&new, line, (size_t)n - (i % 2999 == 0));
		if (i % 2999 == 0)
			buf_put_raw(&new, "x\n", 2);
	}
	ck_assert_int_eq(diff_make(&d, (struct span){ old.data, old.len },
	    (struct span){ new.data, new.len }), 0);
	ck_assert_uint_eq(d.n, 6000);
	ck_assert(!d.line[0].added && d.line[0].line == 2);
	ck_assert(d.line[5999].added && d.line[5999].line == 3001);
	diff_free(&d);
	buf_free(&old);
	buf_free(&new);
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

/* The judge's word for the certificate is a value of the rule, no more. */
START_TEST(hand)
{
	static const char *const good = "sha256:00", *const bad[] = {
		"sha256:00 as root", "sha256:00\tas root", "\"00", "\\00",
	};
	struct ipc_tested t = { .authority = "staff" };
	char rule[MAP_LINE_MAX + 1];
	const char *why_so;
	struct context c;
	struct why why;

	make("");
	ck_assert_int_eq(context_open(&c, &o), EXIT_DONE);
	(void)strcpy(t.spki, good);
	ck_assert_int_eq(hand_rule(&c.conf, &t, "alice", NULL, rule, &why_so,
	    &why), 0);
	ck_assert_str_eq(rule, "allow user staff spki=sha256:00 as alice");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)strcpy(t.spki, bad[i]);
		ck_assert_int_eq(hand_rule(&c.conf, &t, "alice", NULL, rule,
		    &why_so, &why), ERR_MALFORMED);
	}
	context_close(&c);
	end();
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
	tcase_add_loop_test(t, differences, 0,
	    (int)(sizeof(diffs) / sizeof(diffs[0])));
	tcase_add_test(t, many_differences);
	tcase_add_test(t, hand);
	tcase_add_loop_test(t, time_texts, 0,
	    (int)(sizeof(times) / sizeof(times[0])));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
