#include "daemon/reviewer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/log.h"
#include "proto/chan.h"

#define ASK_SECONDS 10.		/* for one session, with the process's start */
#define TRY_SECONDS 30.		/* for a map */

static void on_answer(struct ev_loop *, ev_io *, int);
static void on_limit(struct ev_loop *, ev_timer *, int);

void
reviewer_init(struct reviewer *r, struct daemon *d, void *owner)
{
	*r = (struct reviewer){ .d = d, .owner = owner, .channel = -1 };
	ev_io_init(&r->io, on_answer, -1, EV_READ);
	ev_init(&r->limit, on_limit);
	r->io.data = r->limit.data = r;
}

int
reviewer_start(struct reviewer *r, struct why *why)
{
	static const char *const argv[] = { "certlogin-judge", "review",
	    NULL };
	const struct setup *u = r->d->setup;
	struct helper_spec h = { .exe = r->d->programs.judge, .argv = argv,
	    .fds = { u->policy }, .n_fds = 1, .uid = u->judge.uid,
	    .gid = u->judge.gid, .chroot_dir = r->d->empty_dir };
	int pair[2], rc;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return why_errno(why, "socketpair");
	h.channel = pair[1];
	rc = helper_spawn(&h, why);
	(void)close(pair[1]);
	/* one that hangs must not hang us */
	if (rc > 0 && fcntl(pair[0], F_SETFL, O_NONBLOCK) != 0)
		rc = why_errno(why, "fcntl");
	if (rc < 0) {
		(void)close(pair[0]);
		return rc;
	}
	r->pid = rc;
	r->channel = pair[0];
	ev_io_set(&r->io, r->channel, EV_READ);
	ev_io_start(r->d->loop, &r->io);
	return 0;
}

void
reviewer_stop(struct reviewer *r)
{
	ev_io_stop(r->d->loop, &r->io);
	ev_timer_stop(r->d->loop, &r->limit);
	if (r->pid > 0)
		(void)kill(r->pid, SIGKILL);
	if (r->channel >= 0)
		(void)close(r->channel);
	r->channel = -1;
	r->expects = 0;
}

/* ---- asking ------------------------------------------------------------- */

static int
ask(struct reviewer *r, const struct buf *b, int fd, uint8_t expects,
    double seconds)
{
	int rc = chan_send(r->channel, b, &fd, 1);

	if (rc != 0)
		return rc;
	r->expects = expects;
	ev_timer_set(&r->limit, seconds, 0.);
	ev_timer_start(r->d->loop, &r->limit);
	return 0;
}

int
reviewer_ask(struct reviewer *r, const struct live *l)
{
	struct buf b;
	int rc;

	buf_init(&b, CHAN_MSG_MAX);
	if ((rc = ipc_review_encode(&b, l->order)) == 0)
		rc = ask(r, &b, l->proof, IPC_JUDGE_REVIEWED, ASK_SECONDS);
	buf_free(&b);
	r->session = l->order;
	return rc;
}

int
reviewer_try(struct reviewer *r, int map, const char *name)
{
	struct ipc_load_begin *begin = calloc(1, sizeof(*begin));
	struct buf b;
	int rc;

	if (begin == NULL)
		return ERR_NOMEM;
	begin->policy = r->d->setup->number;
	(void)snprintf(begin->map, sizeof(begin->map), "%s", name);
	buf_init(&b, CHAN_MSG_MAX);
	if ((rc = ipc_load_begin_encode(&b, begin)) == 0)
		rc = ask(r, &b, map, IPC_LOAD_DONE, TRY_SECONDS);
	buf_free(&b);
	free(begin);
	return rc;
}

/* ---- the answer --------------------------------------------------------- */

/* It is of no more use.  The owner may start it again at once. */
static void
fail(struct reviewer *r, const char *why)
{
	uint8_t expected = r->expects;

	reviewer_stop(r);
	if (expected == IPC_JUDGE_REVIEWED)
		r->answered(r, NULL, why);
	else if (expected == IPC_LOAD_DONE)
		r->tried(r, NULL, NULL, why);
}

static void
on_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	fail(w->data, "no answer within its time");
}

static void
asked_no_more(struct reviewer *r)
{
	r->expects = 0;
	ev_timer_stop(r->d->loop, &r->limit);
}

static int
take_reviewed(struct reviewer *r, struct rd body)
{
	static struct ipc_reviewed v;
	int rc = ipc_reviewed_decode(body, &v);

	if (rc == 0 && v.session != r->session)
		rc = ERR_MALFORMED;
	if (rc != 0)
		return rc;
	asked_no_more(r);
	r->answered(r, &v, NULL);
	return 0;
}

static int
take_tried(struct reviewer *r, struct rd body)
{
	static struct ipc_load_done done;
	struct diag diag;
	int rc;

	diag_init(&diag);
	if ((rc = ipc_load_done_decode(body, &done, &diag)) == 0) {
		asked_no_more(r);
		r->tried(r, &done, &diag, NULL);
	}
	diag_free(&diag);
	return rc;
}

/* Nothing but the one answer to what was asked. */
static int
take(struct reviewer *r, const struct chan_msg *m)
{
	if (r->expects == 0)
		return ERR_STATE;
	if (m->type != r->expects)
		return ERR_TYPE;
	return m->type == IPC_JUDGE_REVIEWED ? take_reviewed(r, m->body) :
	    take_tried(r, m->body);
}

static void
on_answer(struct ev_loop *loop, ev_io *w, int revents)
{
	struct reviewer *r = w->data;
	struct chan_msg m;
	struct buf in;
	int rc;

	(void)loop;
	(void)revents;
	buf_init(&in, CHAN_MSG_MAX);
	if ((rc = chan_recv(r->channel, &in, &m, 0)) == 0)
		rc = take(r, &m);
	buf_free(&in);
	if (rc != 0 && rc != ERR_AGAIN)
		fail(r, err_text(rc));
}

bool
reviewer_ended(struct reviewer *r, pid_t pid, int status)
{
	if (pid != r->pid)
		return false;
	r->pid = 0;
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		log_error("certlogin-judge ended by signal %d in a review",
		    WTERMSIG(status));
	return true;
}
