/* What certloginctl and certlogind say to each other, and how it is printed. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "ctl/print.h"
#include "ctl/prom.h"
#include "proto/chan.h"
#include "proto/ctlmsg.h"

#define HEADER 2		/* version and type */

static struct rd
body_of(const struct buf *b)
{
	ck_assert_int_eq(buf_err(b), 0);
	return rd_of(b->data + HEADER, b->len - HEADER);
}

/* ---- messages ----------------------------------------------------------- */

START_TEST(requests)
{
	uint64_t n = 0;
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ctlmsg_why_encode(&b, 417223004), 0);
	ck_assert_uint_eq(b.data[1], CTLMSG_WHY);
	ck_assert_int_eq(ctlmsg_why_decode(body_of(&b), &n), 0);
	ck_assert_uint_eq(n, 417223004);
	buf_put_u8(&b, 0);
	ck_assert_int_ne(ctlmsg_why_decode(body_of(&b), &n), 0);
	ck_assert_int_eq(ctlmsg_empty_encode(&b, CTLMSG_STATUS), 0);
	ck_assert_uint_eq(b.data[1], CTLMSG_STATUS);
	ck_assert_int_eq(ctlmsg_empty_decode(body_of(&b)), 0);
	ck_assert_int_ne(ctlmsg_why_decode(body_of(&b), &n), 0);
	buf_put_u8(&b, 0);
	ck_assert_int_ne(ctlmsg_empty_decode(body_of(&b)), 0);
	buf_free(&b);
}
END_TEST

static void
put_items(struct buf *b)
{
	ctlmsg_record(b, "session");
	ctlmsg_number(b, "reference", UINT64_MAX);
	ctlmsg_text(b, "identity", "%s", "user a=\"\x1b\\\xc3\xa9");
	ctlmsg_time(b, "since", 1700000000);
	ctlmsg_time(b, "until", 0);
	ctlmsg_text(b, "tty", "%s", "");
	ctlmsg_record(b, "session");
	ctlmsg_number(b, "reference", 0);
}

START_TEST(answers)
{
	static const enum ctlmsg_kind kinds[] = { CTLMSG_RECORD,
	    CTLMSG_NUMBER, CTLMSG_TEXT, CTLMSG_TIME, CTLMSG_TIME, CTLMSG_TEXT,
	    CTLMSG_RECORD, CTLMSG_NUMBER };
	char error[CTLMSG_TEXT_MAX];
	struct ctlmsg_item item;
	uint8_t status;
	struct buf b;
	struct rd r;

	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_begin(&b, 1, "why not");
	put_items(&b);
	r = body_of(&b);
	ck_assert_int_eq(ctlmsg_head(&r, &status, error), 0);
	ck_assert_uint_eq(status, 1);
	ck_assert_str_eq(error, "why not");
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		ck_assert_int_eq(ctlmsg_next(&r, &item), 1);
		ck_assert_int_eq(item.kind, kinds[i]);
	}
	ck_assert_str_eq(item.name, "reference");
	ck_assert_int_eq(ctlmsg_next(&r, &item), 0);
	buf_free(&b);
}
END_TEST

/* kind, name and what is behind it */
static const struct {
	const char *bytes;
	size_t n;
	int code;
} bad_items[] = {
	{ "\1\0\0\0\1a", 6, 1 },
	{ "\1\0\0\0\0", 5, ERR_MALFORMED },		/* no name */
	{ "\1\0\0\0\1A", 6, ERR_MALFORMED },
	{ "\1\0\0\0\1\"", 6, ERR_MALFORMED },
	{ "\1\0\0\0\1\0", 6, ERR_MALFORMED },
	{ "\0\0\0\0\1a", 6, ERR_MALFORMED },		/* no kind */
	{ "\5\0\0\0\1a", 6, ERR_MALFORMED },
	{ "\1\0\0\0\2a", 6, ERR_SHORT },
	{ "\2\0\0\0\1a", 6, ERR_SHORT },
	{ "\3\0\0\0\1a\0\0\0\0\0\0\0", 13, ERR_SHORT },
	{ "\4\0\0\0\1a\0\0\0\0\0\0\0", 13, ERR_SHORT },
	{ "\2\0\0\0\1a\0\0\10\0", 10, ERR_TOOBIG },
};

START_TEST(bad_item)
{
	struct ctlmsg_item item;
	struct rd r = rd_of(bad_items[_i].bytes, bad_items[_i].n);
	int e = ctlmsg_next(&r, &item);

	ck_assert_msg(e == bad_items[_i].code, "%s", err_text(e));
}
END_TEST

/* ---- printing ----------------------------------------------------------- */

static char *text;
static size_t text_len;
static FILE *kept;

static void
catch(void)
{
	kept = stdout;
	stdout = open_memstream(&text, &text_len);
	ck_assert_ptr_nonnull(stdout);
}

/* what was printed since catch() is in text */
static void
release(void)
{
	FILE *f = stdout;

	stdout = kept;
	ck_assert_int_eq(fclose(f), 0);
}

static int
print(struct print *p, struct buf *b)
{
	struct ctlmsg_item item;
	struct rd r = body_of(b);
	int e;

	while ((e = ctlmsg_next(&r, &item)) > 0)
		if ((e = print_item(p, &item)) != 0)
			return e;
	return e;
}

static const struct {
	bool json;
	const char *printed;
} printed[] = {
	{ false, "session\n"
	    "  reference                18446744073709551615\n"
	    "  identity                 user a=\"\\x1b\\x5c\\xc3\\xa9\n"
	    "  since                    2023-11-14T22:13:20Z\n"
	    "  until                    -\n"
	    "  tty                      -\n"
	    "\n"
	    "session\n"
	    "  reference                0\n" },
	{ true, "[{\"kind\":\"session\",\"reference\":18446744073709551615,"
	    "\"identity\":\"user a=\\\"\\u001b\\\\\\u00c3\\u00a9\","
	    "\"since\":\"2023-11-14T22:13:20Z\",\"until\":null,\"tty\":\"\"},"
	    "\n{\"kind\":\"session\",\"reference\":0}]\n" },
};

START_TEST(prints)
{
	struct print p = { .json = printed[_i].json };
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_part(&b);
	put_items(&b);
	catch();
	ck_assert_int_eq(print(&p, &b), 0);
	print_end(&p);
	release();
	ck_assert_str_eq(text, printed[_i].printed);
	free(text);
	buf_free(&b);
}
END_TEST

START_TEST(prints_nothing)
{
	struct print p = { .json = true };
	struct buf b;

	catch();
	print_end(&p);
	release();
	ck_assert_str_eq(text, "[]\n");
	free(text);
	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_part(&b);
	ctlmsg_number(&b, "astray", 1);
	catch();
	ck_assert_int_eq(print(&p, &b), ERR_MALFORMED);
	release();
	ck_assert_str_eq(text, "");
	free(text);
	buf_free(&b);
}
END_TEST

/* ---- metrics ------------------------------------------------------------ */

static char *
print_prom(struct buf *b, int code)
{
	struct ctlmsg_item item;
	struct rd r = body_of(b);
	struct prom p;

	buf_init(&p.items, PROM_MAX);
	while (ctlmsg_next(&r, &item) > 0)
		ck_assert_int_eq(prom_item(&p, &item), 0);
	catch();
	ck_assert_int_eq(prom_print(&p), code);
	release();
	buf_free(&p.items);
	return text;
}

START_TEST(metrics)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_part(&b);
	ctlmsg_record(&b, "daemon");
	ctlmsg_time(&b, "loaded", 0);
	ctlmsg_number(&b, "sessions", 3);
	ctlmsg_record(&b, "logins");
	ctlmsg_text(&b, "result", "admitted");
	ctlmsg_number(&b, "count", 5);
	ctlmsg_text(&b, "reason", "%s", "");
	ctlmsg_record(&b, "authority");
	ctlmsg_text(&b, "name", "%s", "a\"b\\c\nd\xc3");
	ctlmsg_time(&b, "anchors-expire", 1700000000);
	ctlmsg_record(&b, "logins");
	ctlmsg_text(&b, "result", "refused");
	ctlmsg_text(&b, "reason", "map");
	ctlmsg_number(&b, "count", 6);
	ctlmsg_record(&b, "login-time");
	ctlmsg_text(&b, "le", "0.5");
	ctlmsg_number(&b, "count", 1);
	ctlmsg_record(&b, "login-time");
	ctlmsg_text(&b, "le", "+Inf");
	ctlmsg_number(&b, "count", 2);
	ctlmsg_record(&b, "login-time-all");
	ctlmsg_text(&b, "seconds", "12.000500");
	ctlmsg_number(&b, "count", 2);
	ck_assert_ptr_nonnull(print_prom(&b, 0));
	ck_assert_ptr_nonnull(strstr(text, "# TYPE certlogin_sessions gauge\n"
	    "certlogin_sessions 3\n"));
	ck_assert_ptr_nonnull(strstr(text, "# TYPE certlogin_logins_total "
	    "counter\ncertlogin_logins_total{result=\"admitted\"} 5\n"
	    "certlogin_logins_total{result=\"refused\",reason=\"map\"} 6\n"));
	ck_assert_ptr_nonnull(strstr(text, "certlogin_anchor_expiry_timestamp"
	    "_seconds{authority=\"a\\\"b\\\\c\\nd\\\\xc3\"} 1700000000\n"));
	ck_assert_ptr_nonnull(strstr(text, "histogram\n"
	    "certlogin_login_duration_seconds_bucket{le=\"0.5\"} 1\n"
	    "certlogin_login_duration_seconds_bucket{le=\"+Inf\"} 2\n"
	    "certlogin_login_duration_seconds_sum 12.000500\n"
	    "certlogin_login_duration_seconds_count 2\n"));
	/* no number, no family */
	ck_assert_ptr_null(strstr(text, "policy_loaded"));
	ck_assert_ptr_null(strstr(text, "handshake_duration"));
	free(text);
	buf_free(&b);
}
END_TEST

/* What is no number is none; what is no record is an error. */
START_TEST(metrics_bad)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_part(&b);
	ctlmsg_record(&b, "daemon");
	ctlmsg_text(&b, "sessions", "1 2\nforged 3");
	ck_assert_ptr_null(strstr(print_prom(&b, 0), "certlogin_sessions"));
	free(text);
	ctlmsg_part(&b);
	ctlmsg_number(&b, "astray", 1);
	ck_assert_str_eq(print_prom(&b, ERR_MALFORMED), "");
	free(text);
	ctlmsg_part(&b);
	ck_assert_str_eq(print_prom(&b, 0), "");
	free(text);
	buf_free(&b);
}
END_TEST

static Suite *
ctl_suite(void)
{
	Suite *s = suite_create("ctl");
	TCase *t = tcase_create("messages");

	tcase_add_test(t, requests);
	tcase_add_test(t, answers);
	tcase_add_loop_test(t, bad_item, 0,
	    (int)(sizeof(bad_items) / sizeof(bad_items[0])));
	suite_add_tcase(s, t);
	t = tcase_create("printing");
	tcase_add_loop_test(t, prints, 0, 2);
	tcase_add_test(t, prints_nothing);
	tcase_add_test(t, metrics);
	tcase_add_test(t, metrics_bad);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(ctl_suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
