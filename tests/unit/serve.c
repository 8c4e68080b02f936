/*
 * src/session/serve.c: how a session notices that its certlogind hangs, and
 * how often it looks for another.  The session is a process of its own;
 * certlogind and net are played here.
 */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mono.h"
#include "proto/chan.h"
#include "proto/hello.h"
#include "session/session.h"

#define GRACE 3			/* seconds, so a question each second: the first
				 * is unanswered after 2, and that is the end
				 * after 4 */
#define BETWEEN_MS 3000
#define END_MS 4000
#define LIMIT_SECONDS 60
#define RETRY_MS 1500		/* it looks each second */
#define SLACK_MS 200		/* clocks of whole milliseconds, and a start */

static struct {
	pid_t pid;		/* the session */
	int certlogind, net;	/* our ends */
	int its_certlogind;	/* its end, here as well */
	int64_t began;		/* ms */
	char run_dir[32];
	int reg;		/* where a new certlogind listens */
	int speed;		/* so many times ours its time passes */
} f;

/* ---- a session whose time passes faster -------------------------------- */

static int64_t speed = 1;	/* in its process */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t ns;
	int r = (int)syscall(SYS_clock_gettime, id, ts);

	if (r != 0 || id != CLOCK_MONOTONIC)
		return r;
	ns = (ts->tv_sec * INT64_C(1000000000) + ts->tv_nsec) * speed;
	ts->tv_sec = ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return 0;
}

int
poll(struct pollfd *p, nfds_t n, int ms)
{
	int64_t ns = ms * INT64_C(1000000) / speed;
	const struct timespec limit = { ns / 1000000000, ns % 1000000000 };

	return ppoll(p, n, ms < 0 ? NULL : &limit, NULL);
}

/* ---- what is in the program's main.c, and login.c --------------------- */

void
session_log(struct session *s, const char *fmt, ...)
{
	(void)s;
	(void)fmt;
}

int
session_register(struct session *s, int channel)
{
	(void)s;
	(void)channel;
	return 0;
}

const char *
login_failed_text(const struct ipc_net_failed *n, char *dst, size_t size)
{
	(void)n;
	(void)snprintf(dst, size, "failed");
	return dst;
}

/* ---- the session ------------------------------------------------------- */

static void
make_pair(int pair[2])
{
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0,
	    pair), 0);
}

/* Something that is ended with it, as certlogin-net is. */
static int
start_net(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)pause();
		_exit(0);
	}
	return pidfd_open(pid, 0);
}

_Noreturn static void
be_session(int listener, int net)
{
	static struct session s;
	sigset_t set;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)close(f.certlogind);
	(void)close(f.net);
	s.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	s.listener = listener;
	s.net = net;
	s.net_process = start_net();
	s.understood = true;
	s.set.grace = f.speed > 1 ? 3600 : GRACE;
	(void)snprintf(s.set.run_dir, sizeof(s.set.run_dir), "%s", f.run_dir);
	s.reference = 1;
	(void)snprintf(s.account.name, sizeof(s.account.name), "alice");
	buf_init(&s.in, CHAN_MSG_MAX);
	buf_init(&s.out, CHAN_MSG_MAX);
	speed = f.speed;
	serve_run(&s);
	_exit(0);
}

static void
setup(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int up[2];

	(void)snprintf(f.run_dir, sizeof(f.run_dir), "/tmp/serve.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(f.run_dir));
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s/register",
	    f.run_dir);
	f.reg = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(f.reg, (struct sockaddr *)&un, sizeof(un)), 0);
	ck_assert_int_eq(listen(f.reg, 1), 0);
	f.speed = 1;
	make_pair(up);
	f.certlogind = up[0];
	f.its_certlogind = up[1];
}

static void
begin(void)
{
	int across[2];

	make_pair(across);
	f.net = across[0];
	f.began = mono_ms();
	ck_assert_int_ge(f.pid = fork(), 0);
	if (f.pid == 0)
		be_session(f.its_certlogind, across[1]);
	(void)close(across[1]);
}

/* The end of net is the end of a session. */
static void
teardown(void)
{
	char path[64];

	(void)close(f.net);
	(void)close(f.certlogind);
	(void)kill(f.pid, SIGCONT);
	ck_assert_int_eq(waitpid(f.pid, NULL, 0), f.pid);
	(void)close(f.its_certlogind);
	(void)close(f.reg);
	(void)snprintf(path, sizeof(path), "%s/register", f.run_dir);
	(void)unlink(path);
	(void)rmdir(f.run_dir);
}

/* ---- certlogind and net ------------------------------------------------ */

/* Is a question there within so many ms? */
static bool
is_asked(int64_t limit)
{
	struct chan_msg m;
	struct buf in;
	bool asked;

	if (chan_wait(f.certlogind, limit > 0 ? (int)limit : 0) != 0)
		return false;
	buf_init(&in, CHAN_MSG_MAX);
	ck_assert_int_eq(chan_recv(f.certlogind, &in, &m, 0), 0);
	asked = m.type == IPC_SES_ASK;
	if (asked)
		ck_assert_int_eq(ipc_empty_decode(m.body), 0);
	buf_free(&in);
	return asked;
}

static void
say_registered(int channel)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_empty_encode(&b, IPC_SES_REGISTERED);
	ck_assert_int_eq(chan_send(channel, &b, NULL, 0), 0);
	buf_free(&b);
}

static void
answer(void)
{
	say_registered(f.certlogind);
}

/* Until that many ms behind the begin. */
static int64_t
until(int64_t at)
{
	int64_t left = f.began + at - mono_ms();

	return left > 0 ? left : 0;
}

static bool
is_ending(int64_t limit)
{
	return chan_wait(f.net, (int)limit) == 0;
}

/* Not before that many ms, and soon then; the person is told why. */
static void
ends(int64_t at)
{
	char text[IPC_TEXT_MAX];
	struct chan_msg m;
	struct buf in;

	ck_assert(!is_ending(until(at - SLACK_MS)));
	ck_assert(is_ending(10000));
	buf_init(&in, CHAN_MSG_MAX);
	ck_assert_int_eq(chan_recv(f.net, &in, &m, 0), 0);
	ck_assert_uint_eq(m.type, IPC_NET_END);
	ck_assert_int_eq(ipc_text_decode(m.body, text), 0);
	ck_assert_msg(strstr(text, "certlogind does not answer") != NULL,
	    "%s", text);
	buf_free(&in);
}

/* Asked and answered for longer than it would live alone. */
static void
lives(void)
{
	int64_t end = mono_ms() + END_MS, asked = 0;

	while (mono_ms() < end) {
		ck_assert(is_asked(5000));
		ck_assert(asked == 0 || mono_ms() - asked >= 1000 - SLACK_MS);
		asked = mono_ms();
		answer();
		ck_assert(!is_ending(0));
	}
}

START_TEST(never_answered)
{
	begin();
	ck_assert(is_asked(5000));
	/* once is enough */
	ck_assert(!is_asked(until(END_MS - SLACK_MS)));
	ends(END_MS);
}
END_TEST

START_TEST(answered_late)
{
	begin();
	ck_assert(is_asked(5000));
	ck_assert(!is_asked(until(BETWEEN_MS)));
	answer();
	lives();
}
END_TEST

/* It takes nothing: the question waits, and the session does not. */
static void
fill(void)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_text_encode(&b, IPC_SES_LOG, "a line");
	ck_assert_int_eq(fcntl(f.its_certlogind, F_SETFL, O_NONBLOCK), 0);
	while (chan_send(f.its_certlogind, &b, NULL, 0) == 0)
		;
	buf_free(&b);
	ck_assert_int_eq(fcntl(f.its_certlogind, F_SETFL, 0), 0);
}

START_TEST(full)
{
	fill();
	begin();
	ends(END_MS);
}
END_TEST

/* Until it asks, which could not be sent before. */
START_TEST(full_for_a_while)
{
	fill();
	begin();
	ck_assert(!is_ending(until(BETWEEN_MS)));
	while (!is_asked(5000))
		;
	answer();
	lives();
}
END_TEST

/* What it was told while it was stopped itself. */
START_TEST(stopped_itself)
{
	begin();
	ck_assert(is_asked(5000));
	ck_assert_int_eq(kill(f.pid, SIGSTOP), 0);
	answer();
	ck_assert(!is_ending(END_MS));
	ck_assert_int_eq(kill(f.pid, SIGCONT), 0);
	lives();
}
END_TEST

/* With certlogind, as all of a machine may be: that time does not count, and 2 s
 * are left for an answer. */
START_TEST(both_stopped)
{
	begin();
	ck_assert(is_asked(5000));
	ck_assert_int_eq(kill(f.pid, SIGSTOP), 0);
	ck_assert(!is_ending(END_MS));
	ck_assert_int_eq(kill(f.pid, SIGCONT), 0);
	ck_assert(!is_ending(1250));
	answer();
	lives();
}
END_TEST

/* Its next look: it says who it is. */
static int
look(void)
{
	struct chan_msg m;
	struct buf in;
	int fd;

	ck_assert_int_eq(chan_wait(f.reg, 10000), 0);
	ck_assert_int_ge(fd = accept4(f.reg, NULL, NULL,
	    SOCK_CLOEXEC), 0);
	ck_assert_int_eq(chan_wait(fd, 10000), 0);
	buf_init(&in, CHAN_MSG_MAX);
	ck_assert_int_eq(chan_recv_hello(fd, &in, &m, 0), 0);
	ck_assert(m.hello && m.type == HELLO_SESSION);
	buf_free(&in);
	return fd;
}

/* One that hung and is killed has had us: no reason to hesitate. */
START_TEST(killed)
{
	begin();
	ck_assert(is_asked(5000));
	ck_assert(!is_ending(until(BETWEEN_MS)));
	(void)close(f.certlogind);
	(void)close(f.its_certlogind);
	f.certlogind = f.its_certlogind = -1;
	ck_assert_int_eq(chan_wait(f.reg, RETRY_MS), 0);
	(void)close(look());
}
END_TEST

/* ---- certlogind is gone, and another answers --------------------------- */

#define SPEED 20
#define FIRST_MS 1000		/* between looks, */
#define MOST_MS 30000		/* or so long */
#define LATE_MS 1000		/* of ours: a look may be */

static void
setup_looks(void)
{
	setup();
	f.speed = SPEED;
	begin();
}

/* Its certlogind stops. */
static void
lose(void)
{
	(void)close(f.certlogind);
	f.certlogind = -1;
}

static void
say_welcome(int fd, uint8_t version)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	(void)hello_welcome_encode(&b, version);
	ck_assert_int_eq(chan_send(fd, &b, NULL, 0), 0);
	buf_free(&b);
}

/* So long ago, in its time. */
static int64_t
passed(int64_t since)
{
	/* whole milliseconds of ours */
	return (mono_ms() - since + 1) * SPEED;
}

/* One that closes, with a welcome or without, is asked less and less often,
 * down to each 30 s; one that takes it ends that. */
START_TEST(not_taken)
{
	int64_t pause = FIRST_MS, since;
	int fd;

	lose();
	for (int i = 0; i < 7; i++) {
		fd = look();
		if (_i == 1)
			say_welcome(fd, IPC_VERSION);
		since = mono_ms();
		(void)close(fd);
		pause = pause < MOST_MS / 2 ? pause * 2 : MOST_MS;
		ck_assert_int_eq(chan_wait(f.reg, 10000), 0);
		ck_assert_int_ge(passed(since), pause);
		ck_assert_int_le(passed(since), pause + LATE_MS * SPEED);
	}
	fd = look();
	say_welcome(fd, IPC_VERSION);
	say_registered(fd);
	since = mono_ms();
	(void)close(fd);
	ck_assert_int_eq(chan_wait(f.reg, 10000), 0);
	ck_assert_int_le(passed(since), FIRST_MS + LATE_MS * SPEED);
	ck_assert(!is_ending(0));
}
END_TEST

/* One of another version that stops is no reason to look less often: the next
 * one may be of ours. */
START_TEST(other_version)
{
	int64_t since = mono_ms();
	int fd;

	lose();
	for (int i = 0; i < 8; i++) {
		fd = look();
		say_welcome(fd, IPC_VERSION + 1);
		(void)close(fd);
	}
	ck_assert_int_ge(passed(since), 7 * FIRST_MS);
	ck_assert_int_le(passed(since), 8 * FIRST_MS + LATE_MS * SPEED);
	ck_assert(!is_ending(0));
}
END_TEST

static void
add_looks(Suite *s)
{
	TCase *t = tcase_create("another certlogind");

	tcase_set_timeout(t, LIMIT_SECONDS);
	tcase_add_checked_fixture(t, setup_looks, teardown);
	tcase_add_loop_test(t, not_taken, 0, 2);
	tcase_add_test(t, other_version);
	suite_add_tcase(s, t);
}

int
main(void)
{
	Suite *s = suite_create("serve");
	TCase *t = tcase_create("certlogind hangs");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_set_timeout(t, LIMIT_SECONDS);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, never_answered);
	tcase_add_test(t, full);
	tcase_add_test(t, killed);
	/* the same code at other times, which takes half a minute */
	if (getenv("UNDER_VALGRIND") == NULL) {
		tcase_add_test(t, answered_late);
		tcase_add_test(t, full_for_a_while);
		tcase_add_test(t, stopped_itself);
		tcase_add_test(t, both_stopped);
	}
	suite_add_tcase(s, t);
	add_looks(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
