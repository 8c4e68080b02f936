/* proto/frame.h: who may send what, and framing. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "proto/frame.h"

START_TEST(framing)
{
	static const uint8_t want[] = { 0, 0, 0, 5, 96, 0, 0, 0, 7 };
	struct buf b;
	size_t start;

	buf_init(&b, 64);
	start = frame_begin(&b, FRAME_EOF);
	buf_put_u32(&b, 7);
	frame_end(&b, start);
	ck_assert_uint_eq(b.len, sizeof(want));
	ck_assert_mem_eq(b.data, want, sizeof(want));
	ck_assert_uint_eq(frame_get_u32(b.data), 5);
	buf_free(&b);
}
END_TEST

START_TEST(turns)
{
	ck_assert_int_eq(frame_allowed(FRAME_LOGIN, FRAME_CLIENT,
	    FRAME_ST_LOGIN), 0);
	ck_assert_int_eq(frame_allowed(FRAME_LOGIN, FRAME_CLIENT,
	    FRAME_ST_PENDING), ERR_STATE);
	ck_assert_int_eq(frame_allowed(FRAME_LOGIN, FRAME_CLIENT,
	    FRAME_ST_OPEN), ERR_STATE);
	ck_assert_int_eq(frame_allowed(FRAME_LOGIN, FRAME_SERVER,
	    FRAME_ST_LOGIN), ERR_REFUSED);
	ck_assert_int_eq(frame_allowed(FRAME_LOGIN_SUCCESS, FRAME_SERVER,
	    FRAME_ST_LOGIN), ERR_STATE);
	ck_assert_int_eq(frame_allowed(FRAME_LOGIN_SUCCESS, FRAME_SERVER,
	    FRAME_ST_PENDING), 0);
	ck_assert_int_eq(frame_allowed(FRAME_LOGIN_SUCCESS, FRAME_SERVER,
	    FRAME_ST_OPEN), ERR_STATE);
	ck_assert_int_eq(frame_allowed(FRAME_EXTENDED_DATA, FRAME_CLIENT,
	    FRAME_ST_OPEN), ERR_REFUSED);
	ck_assert_str_eq(frame_name(FRAME_DATA), "CHANNEL_DATA");
	ck_assert_str_eq(frame_name(0), "unknown");
}
END_TEST

/* Before LOGIN_SUCCESS nothing but the login is ever allowed. */
START_TEST(before_login)
{
	for (unsigned t = 0; t < 256; t++) {
		bool login = t == FRAME_LOGIN || t == FRAME_DISCONNECT;

		ck_assert_int_eq(frame_allowed((uint8_t)t, FRAME_CLIENT,
		    FRAME_ST_LOGIN) == 0, login);
		if (t < FRAME_GLOBAL_REQUEST)
			continue;
		ck_assert_int_ne(frame_allowed((uint8_t)t, FRAME_SERVER,
		    FRAME_ST_PENDING), 0);
		ck_assert_int_ne(frame_allowed((uint8_t)t, FRAME_CLIENT,
		    FRAME_ST_PENDING), 0);
	}
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("frame");
	TCase *tc = tcase_create("frame");
	SRunner *sr;
	int failed;

	tcase_add_test(tc, framing);
	tcase_add_test(tc, turns);
	tcase_add_test(tc, before_login);
	suite_add_tcase(s, tc);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
