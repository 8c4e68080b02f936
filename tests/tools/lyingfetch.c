/*
 * A captured certlogin-fetch, or a captured certlogin-judge with the job `crl`,
 * by the name that it was started under.  The lie is liar.h's.  As fetch:
 *
 *	garbage		bytes of no CRL, and success
 *	much		bytes without end
 *	trickle		a byte now and then, without end
 *	older		the file `older` beside this program, and success
 *	denies		what the honest one would hand on, but no success
 *	both		success with a problem
 *	escape		a problem that would reach the terminal
 *	type		an answer that is none
 *	descriptor	success, with a descriptor
 *	nothing		the end of the bytes, and no answer
 *	silence crash	no answer
 *
 * As judge of what was fetched:
 *
 *	replace		it is to be put in place, whatever it is
 *	outcome N	an answer with this byte as its outcome
 *	no-times	it is to be put in place, and no CRL is there
 *	crash-judge	no answer
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/path.h"
#include "liar.h"
#include "proto/crlmsg.h"

#define PIPE HELPER_FD

static char lie[LIAR_LIE_MAX];
static struct buf b;

static bool
lies(const char *what)
{
	return strncmp(lie, what, strlen(what)) == 0;
}

/* ---- fetch --------------------------------------------------------------------- */

static void
put(const void *p, size_t n)
{
	if (path_write_all(PIPE, p, n) != 0)
		exit(1);
}

static void
put_forever(size_t n, long pause_ns)
{
	const struct timespec pause = { .tv_nsec = pause_ns };
	static char bytes[65536];

	for (;;) {
		put(bytes, n);
		(void)nanosleep(&pause, NULL);
	}
}

static void
put_file(const char *name)
{
	char path[LIAR_PATH_MAX];
	struct buf file;
	struct why why;
	int fd = open(liar_path(path, name), O_RDONLY | O_CLOEXEC);

	buf_init(&file, 1u << 20);
	if (fd < 0 || path_read(fd, (1u << 20) - 1, &file, &why) != 0)
		exit(1);
	put(file.data, file.len);
	buf_free(&file);
	(void)close(fd);
}

static void
put_bytes(void)
{
	if (lies("much"))
		put_forever(65536, 0);
	if (lies("trickle"))
		put_forever(1, 100000000);
	if (lies("older"))
		put_file("older");
	else if (!lies("nothing"))
		put("garbage", 7);
}

static void
answer_fetch(void)
{
	struct chan_msg m;
	int fd = HELPER_CHANNEL;

	if (chan_recv(HELPER_CHANNEL, &b, &m, 0) != 0 || lies("crash"))
		exit(1);
	if (lies("silence"))
		liar_wait(HELPER_CHANNEL);
	put_bytes();
	if (lies("nothing"))
		exit(0);
	(void)crlmsg_done_encode(&b, true, lies("both") ? "but" : "");
	if (lies("escape"))
		(void)crlmsg_done_encode(&b, false, "\033[2J");
	if (lies("type"))
		chan_begin(&b, IPC_CRL_JUDGED);
	(void)chan_send(HELPER_CHANNEL, &b, &fd, lies("descriptor") ? 1 : 0);
	(void)close(PIPE);
}

/* The honest one's bytes, which it hands on by itself, and another answer. */
static void
deny(char **argv)
{
	struct chan_msg m;
	int honest = liar_start_honest(argv);

	(void)close(PIPE);
	if (honest < 0 || liar_pass(HELPER_CHANNEL, honest, &b) != 0 ||
	    chan_recv(honest, &b, &m, 0) != 0)
		exit(1);
	(void)crlmsg_done_encode(&b, false, "no");
	(void)chan_send(HELPER_CHANNEL, &b, NULL, 0);
}

/* ---- judge --------------------------------------------------------------------- */

static void
send_judged(void)
{
	int64_t now = (int64_t)time(NULL);
	struct crlmsg_judged j = { .outcome = CRLMSG_REPLACE,
	    .usable = !lies("no-times") };
	unsigned number;

	if (j.usable) {
		j.this_update = now;
		j.half = now + 3600;
		j.next_update = now + 7200;
	}
	if (sscanf(lie, "outcome %u", &number) == 1)
		j.outcome = (uint8_t)number;
	(void)crlmsg_judged_encode(&b, &j);
	(void)chan_send(HELPER_CHANNEL, &b, NULL, 0);
}

/* The list is the honest one's, and what the honest one wants is given. */
static void
answer_judge(char **argv)
{
	int honest = liar_start_honest(argv);
	struct chan_msg m;

	if (honest < 0 || chan_recv(HELPER_CHANNEL, &b, &m, 2) != 0)
		exit(1);
	if (m.type == IPC_CRL_LIST) {
		if (liar_forward(honest, &m) != 0 ||
		    liar_pass(honest, HELPER_CHANNEL, &b) != 0)
			exit(1);
		return;
	}
	if (lies("crash-judge"))
		exit(1);
	if (liar_forward(honest, &m) != 0 ||
	    liar_pass(honest, HELPER_CHANNEL, &b) != 0 ||
	    chan_recv(HELPER_CHANNEL, &b, &m, CHAN_FDS_MAX) != 0)
		exit(1);
	chan_close_fds(&m);
	send_judged();
}

/* ---- main ---------------------------------------------------------------------- */

int
main(int argc, char **argv)
{
	bool judge = argc == 2 && strcmp(argv[1], "crl") == 0;

	(void)signal(SIGPIPE, SIG_DFL);
	buf_init(&b, CHAN_MSG_MAX);
	(void)liar_lie(lie);
	if (lies("honest") || (argc == 2 && !judge) ||
	    judge != (lies("replace") || lies("outcome") ||
	    lies("no-times") || lies("crash-judge")))
		liar_honest(argv);
	if (judge)
		answer_judge(argv);
	else if (lies("denies"))
		deny(argv);
	else
		answer_fetch();
	return 0;
}
