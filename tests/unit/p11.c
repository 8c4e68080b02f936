/* How a program talks to a certlogin-p11 that keeps to nothing: here the test
 * is at the other end of the channel. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cred/p11.h"
#include "proto/chan.h"

#define SHORT_MS 50	/* that the other end lets pass */

static struct p11 *p;
static struct why why;
static int peer;
static struct buf b;

static void
begin(int limit_ms)
{
	int sv[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
	    0, sv), 0);
	ck_assert_int_eq(p11_adopt(&p, "certlogin-p11", sv[0], limit_ms,
	    &why), 0);
	peer = sv[1];
	buf_init(&b, CHAN_MSG_MAX);
}

static void
setup(void)
{
	begin(0);
}

static void
hang_up(void)
{
	if (peer >= 0)
		(void)close(peer);
	peer = -1;
}

static void
teardown(void)
{
	hang_up();
	p11_stop(p);
	buf_free(&b);
}

static void
say(void)
{
	ck_assert_int_eq(chan_send(peer, &b, NULL, 0), 0);
}

static void
say_done(int code)
{
	const struct p11_done d = { .code = code,
	    .text = "as it was answered" };

	p11msg_put_done(&b, &d);
	say();
}

/* Type of the next question; 0: there are no more. */
static uint8_t
hear(void)
{
	struct chan_msg m;
	int r = chan_recv(peer, &b, &m, 0);

	ck_assert(r == 0 || r == ERR_EOF);
	return r == 0 ? m.type : 0;
}

static int
ask_sign(void)
{
	return p11_ask_sign(p, 0x0403, (struct span){ (const uint8_t *)"x",
	    1 }, &why);
}

static int
answer_sign(void)
{
	struct buf sig;
	int r;

	buf_init(&sig, P11_SIG_MAX);
	r = p11_answer_sign(p, &sig, &why);
	ck_assert_uint_eq(sig.len, r == 0 ? 4 : 0);
	buf_free(&sig);
	return r;
}

static void
say_signed(void)
{
	p11msg_put_signed(&b, (struct span){ (const uint8_t *)"sign", 4 });
	say();
}

START_TEST(in_one_go)
{
	ck_assert_int_eq(p11_ask_login(p, "1234", 4, &why), 0);
	ck_assert_int_eq(ask_sign(), 0);
	p11_close(p);
	ck_assert_uint_eq(hear(), P11_LOGIN);
	ck_assert_uint_eq(hear(), P11_SIGN);
	ck_assert_uint_eq(hear(), 0);
	say_done(0);
	say_signed();
	hang_up();
	ck_assert_int_eq(p11_answer(p, NULL, &why), 0);
	ck_assert_int_eq(answer_sign(), 0);
}
END_TEST

START_TEST(not_too_many_ahead)
{
	for (int i = 0; i < P11_AHEAD_MAX; i++)
		ck_assert_int_eq(p11_ask_open(p, 0, &why), 0);
	ck_assert_int_eq(p11_ask_open(p, 0, &why), ERR_STATE);
	ck_assert_int_eq(p11_ask_login(p, "1234", 4, &why), ERR_STATE);
	say_done(0);
	ck_assert_int_eq(p11_answer(p, NULL, &why), 0);
	ck_assert_int_eq(p11_ask_login(p, "1234", 4, &why), 0);
	for (int i = 0; i < P11_AHEAD_MAX; i++)
		ck_assert_uint_eq(hear(), P11_OPEN);
	ck_assert_uint_eq(hear(), P11_LOGIN);
}
END_TEST

/* One that fails and ends: what it said is heard, whenever that was. */
START_TEST(ended_behind_an_answer)
{
	ck_assert_int_eq(p11_ask_list(p, "", &why), 0);
	say_done(ERR_REFUSED);
	hang_up();
	ck_assert_int_eq(p11_ask_open(p, 0, &why), 0);
	ck_assert_int_eq(p11_answer(p, NULL, &why), ERR_REFUSED);
	ck_assert_str_eq(why.text, "as it was answered");
	ck_assert_int_eq(p11_answer(p, NULL, &why), ERR_EOF);
	ck_assert_ptr_nonnull(strstr(why.text, "crashed"));
	ck_assert_int_eq(p11_answer(p, NULL, &why), ERR_STATE);
	ck_assert_int_eq(ask_sign(), ERR_STATE);
}
END_TEST

START_TEST(ended_before_a_question)
{
	hang_up();
	ck_assert_int_eq(p11_ask_login(p, "1234", 4, &why), ERR_EOF);
	ck_assert_int_eq(ask_sign(), ERR_STATE);
}
END_TEST

START_TEST(silent)
{
	p11_stop(p);
	hang_up();
	begin(SHORT_MS);
	ck_assert_int_eq(p11_ask_login(p, "1234", 4, &why), 0);
	ck_assert_int_eq(ask_sign(), 0);
	ck_assert_int_eq(p11_answer(p, NULL, &why), ERR_TIMEOUT);
	/* too late */
	ck_assert_int_eq(answer_sign(), ERR_STATE);
	ck_assert_int_eq(p11_ask_open(p, 0, &why), ERR_STATE);
}
END_TEST

START_TEST(a_signature_for_a_pin)
{
	ck_assert_int_eq(p11_ask_login(p, "1234", 4, &why), 0);
	say_signed();
	ck_assert_int_eq(p11_answer(p, NULL, &why), ERR_TYPE);
	ck_assert_int_eq(ask_sign(), ERR_STATE);
}
END_TEST

START_TEST(done_for_a_signature)
{
	ck_assert_int_eq(ask_sign(), 0);
	say_done(0);
	ck_assert_int_eq(answer_sign(), ERR_TYPE);
	ck_assert_int_eq(answer_sign(), ERR_STATE);
}
END_TEST

/* As many certificates as there may be, and one more. */
START_TEST(a_list)
{
	const int n = P11_CERTS_MAX + _i;
	struct p11_cert c = { .flags = P11_F_PIN, .der_len = 1 };
	struct p11_cert *certs = NULL;
	size_t got = 0;
	int r;

	ck_assert_int_eq(p11_ask_list(p, "", &why), 0);
	for (int i = 0; i < n; i++) {
		p11msg_put_cert(&b, &c);
		say();
	}
	say_done(0);
	r = p11_answer_list(p, &certs, &got, &why);
	ck_assert_int_eq(r, _i == 0 ? 0 : ERR_MALFORMED);
	ck_assert_uint_eq(got, _i == 0 ? P11_CERTS_MAX : 0);
	free(certs);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("p11");
	TCase *t = tcase_create("p11");
	SRunner *r;
	int failed;

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, in_one_go);
	tcase_add_test(t, not_too_many_ahead);
	tcase_add_test(t, ended_behind_an_answer);
	tcase_add_test(t, ended_before_a_question);
	tcase_add_test(t, silent);
	tcase_add_test(t, a_signature_for_a_pin);
	tcase_add_test(t, done_for_a_signature);
	tcase_add_loop_test(t, a_list, 0, 2);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
