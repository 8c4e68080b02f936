/* proto/msg.h: each body there and back, cut, with a byte too many. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/msg.h"

static struct buf b;

static void
setup(void)
{
	buf_init(&b, 1 << 17);
}

static void
teardown(void)
{
	buf_free(&b);
}

static struct span
body(void)
{
	return (struct span){ b.data, b.len };
}

/* Every shorter body is refused, and one with a byte too many. */
#define ONLY_WHOLE(get) do { \
	size_t len_ = b.len; \
	for (size_t n_ = 0; n_ < len_; n_++) { \
		struct rd r = rd_of(b.data, n_); \
		ck_assert_int_ne((get), 0); \
	} \
	buf_put_u8(&b, 0); \
	{ struct rd r = rd_of_buf(&b); ck_assert_int_lt((get), 0); } \
	b.len = len_; \
	{ struct rd r = rd_of_buf(&b); ck_assert_int_eq((get), 0); } \
} while (0)

START_TEST(login)
{
	struct msg_login in = { "alice", "bob" }, out;
	struct msg_failure fin = { "not mapped", 1ull << 40 }, fout;
	struct msg_success sin = { "alice", "staff uri=x" }, sout;

	msg_login_put(&b, &in);
	ONLY_WHOLE(msg_login_get(r, &out));
	ck_assert_str_eq(out.account, "alice");
	ck_assert_str_eq(out.preferred, "bob");
	buf_reset(&b);
	msg_failure_put(&b, &fin);
	ONLY_WHOLE(msg_failure_get(r, &fout));
	ck_assert_str_eq(fout.reason, "not mapped");
	ck_assert_uint_eq(fout.reference, 1ull << 40);
	buf_reset(&b);
	msg_success_put(&b, &sin);
	ONLY_WHOLE(msg_success_get(r, &sout));
	ck_assert_str_eq(sout.account, "alice");
	ck_assert_str_eq(sout.identity, "staff uri=x");
}
END_TEST

START_TEST(texts)
{
	struct msg_disconnect din = { 11, "bye" }, dout;
	static char big[2 * MSG_BANNER_MAX];
	char text[MSG_BANNER_MAX];

	msg_disconnect_put(&b, &din);
	ONLY_WHOLE(msg_disconnect_get(r, &dout));
	ck_assert_uint_eq(dout.code, 11);
	ck_assert_str_eq(dout.text, "bye");
	memset(big, 'x', sizeof(big) - 1);
	buf_reset(&b);
	msg_banner_put(&b, big);
	ONLY_WHOLE(msg_banner_get(r, text));
	ck_assert_uint_eq(strlen(text), MSG_BANNER_MAX - 1);
	buf_reset(&b);
	buf_put_string(&b, "a\0b", 3);
	ck_assert_int_eq(msg_banner_get(rd_of_buf(&b), text), ERR_MALFORMED);
}
END_TEST

START_TEST(opens)
{
	struct msg_open in = { .kind = MSG_OPEN_SESSION, .channel = 3 }, out;
	struct msg_open_failure fin = { 3, 1, "no" }, fout;

	msg_open_put(&b, &in);
	ONLY_WHOLE(msg_open_get(r, &out));
	ck_assert_int_eq(out.kind, MSG_OPEN_SESSION);
	ck_assert_str_eq(out.name, "session");
	ck_assert_uint_eq(out.channel, 3);
	buf_reset(&b);
	in = (struct msg_open){ .kind = MSG_OPEN_DIRECT_STREAMLOCAL,
	    .channel = 5, .path = "/run/x" };
	msg_open_put(&b, &in);
	ONLY_WHOLE(msg_open_get(r, &out));
	ck_assert_int_eq(out.kind, MSG_OPEN_DIRECT_STREAMLOCAL);
	ck_assert_str_eq(out.path, "/run/x");
	buf_reset(&b);
	in.kind = MSG_OPEN_FORWARDED_STREAMLOCAL;
	msg_open_put(&b, &in);
	ONLY_WHOLE(msg_open_get(r, &out));
	ck_assert_int_eq(out.kind, MSG_OPEN_FORWARDED_STREAMLOCAL);
	buf_reset(&b);
	msg_open_failure_put(&b, &fin);
	ONLY_WHOLE(msg_open_failure_get(r, &fout));
	ck_assert_str_eq(fout.text, "no");
}
END_TEST

START_TEST(globals)
{
	struct msg_global in = { .kind = MSG_GLOBAL_KEEPALIVE,
	    .want_reply = true }, out;

	msg_global_put(&b, &in);
	ONLY_WHOLE(msg_global_get(r, &out));
	ck_assert_int_eq(out.kind, MSG_GLOBAL_KEEPALIVE);
	ck_assert(out.want_reply);
	buf_reset(&b);
	in = (struct msg_global){ .kind = MSG_GLOBAL_FORWARD,
	    .path = "/run/y" };
	msg_global_put(&b, &in);
	ONLY_WHOLE(msg_global_get(r, &out));
	ck_assert_str_eq(out.path, "/run/y");
}
END_TEST

START_TEST(requests)
{
	struct msg_request in = { .channel = 9, .kind = MSG_REQ_EXEC,
	    .want_reply = true }, out;
	struct span text;

	buf_put_cstring(&b, "ls -l");
	in.body = (struct span){ b.data, b.len };
	{
		struct buf r;

		buf_init(&r, 1000);
		msg_request_put(&r, &in);
		ck_assert_int_eq(msg_request_get(rd_of_buf(&r), &out), 0);
		ck_assert_int_eq(out.kind, MSG_REQ_EXEC);
		ck_assert_str_eq(out.name, "exec");
		ck_assert(out.want_reply);
		ck_assert_int_eq(msg_request_check(out.kind, out.body), 0);
		ck_assert_int_eq(msg_text_get(out.body, &text), 0);
		ck_assert(span_eq_str(text, "ls -l"));
		buf_free(&r);
	}
	buf_reset(&b);
	buf_put_string(&b, "a\0b", 3);
	ck_assert_int_eq(msg_request_check(MSG_REQ_EXEC, body()),
	    ERR_MALFORMED);
	ck_assert_int_eq(msg_request_check(MSG_REQ_SHELL, body()),
	    ERR_TRAILING);
	ck_assert_int_eq(msg_request_check(MSG_REQ_OTHER, body()), 0);
}
END_TEST

START_TEST(bodies)
{
	struct msg_pty pin = { "xterm", { 80, 24, 640, 480 },
	    { (const uint8_t *)"\0", 1 } }, pout;
	struct msg_exit_signal ein = { "KILL", true, "bye" }, eout;
	struct msg_window w = { 70000, 1, 0, 0 };
	struct msg_env env;
	uint32_t status;
	char name[MSG_NAME_MAX];

	msg_pty_put(&b, &pin);
	ONLY_WHOLE(msg_pty_get(rd_rest(&r), &pout));
	ck_assert_str_eq(pout.term, "xterm");
	ck_assert_uint_eq(pout.window.height, 480);
	ck_assert_uint_eq(pout.modes.n, 1);
	buf_reset(&b);
	msg_exit_signal_put(&b, &ein);
	ONLY_WHOLE(msg_exit_signal_get(rd_rest(&r), &eout));
	ck_assert_str_eq(eout.name, "KILL");
	ck_assert(eout.core);
	buf_reset(&b);
	msg_window_put(&b, &w);
	ck_assert_int_eq(msg_window_get(body(), &w), ERR_TOOBIG);
	buf_reset(&b);
	msg_env_put(&b, "LANG", "C");
	ONLY_WHOLE(msg_env_get(rd_rest(&r), &env));
	ck_assert_str_eq(env.name, "LANG");
	ck_assert(span_eq_str(env.value, "C"));
	buf_reset(&b);
	buf_put_u32(&b, 77);
	ONLY_WHOLE(msg_exit_status_get(rd_rest(&r), &status));
	ck_assert_uint_eq(status, 77);
	buf_reset(&b);
	buf_put_cstring(&b, "TERM");
	ONLY_WHOLE(msg_signal_get(rd_rest(&r), name));
	ck_assert_str_eq(name, "TERM");
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("msg");
	TCase *tc = tcase_create("msg");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, login);
	tcase_add_test(tc, texts);
	tcase_add_test(tc, opens);
	tcase_add_test(tc, globals);
	tcase_add_test(tc, requests);
	tcase_add_test(tc, bodies);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
