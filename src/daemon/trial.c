#include "daemon/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/reviewer.h"
#include "daemon/setup.h"
#include "daemon/watch.h"
#include "proto/ctlmsg.h"

#define TRIALS_MAX 4		/* at once */
#define TRIAL_SECONDS 60.	/* for all of it */
#define LOOK_SECONDS 0.05	/* between looks whether a load is over */
#define RECORDS_MAX (CHAN_MSG_MAX - 4096)	/* bytes; counts go first */

struct trial {
	struct daemon *d;
	int fd;				/* of the tool, -1: free */
	int map;			/* until the judge has it, or -1 */
	char who[PEER_TEXT_MAX];
	struct ctlmsg_try ask;
	struct reviewer judge;
	ev_timer limit, wait;
	uint64_t next;			/* order of the session to be judged */
	size_t sessions, ends, unknown;
	bool yours;
	struct buf records;		/* of those that it would end */
};

struct trials {
	struct trial trial[TRIALS_MAX];
};

/* ---- the answer --------------------------------------------------------- */

/* b is the whole answer; the trial is over. */
static void
finish(struct trial *t, const struct buf *b)
{
	(void)chan_send(t->fd, b, NULL, 0);
	reviewer_stop(&t->judge);
	ev_timer_stop(t->d->loop, &t->limit);
	ev_timer_stop(t->d->loop, &t->wait);
	buf_free(&t->records);
	if (t->map >= 0)
		(void)close(t->map);
	(void)close(t->fd);
	t->fd = t->map = -1;
}

static void
fail(struct trial *t, const char *why)
{
	char text[CTLMSG_TEXT_MAX];
	struct buf b;

	(void)snprintf(text, sizeof(text), "what the map would end is not "
	    "known: the judge: %s", why);
	log_error("trial of a map for %s: judge: %s", t->who, why);
	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_begin(&b, 3, text);
	finish(t, &b);
	buf_free(&b);
}

static void
answer(struct trial *t)
{
	struct buf b;

	log_info("trial of a map for %s: it would end %zu of %zu sessions",
	    t->who, t->ends, t->sessions);
	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_begin(&b, 0, "");
	ctlmsg_record(&b, "trial");
	ctlmsg_number(&b, "sessions", t->sessions);
	ctlmsg_number(&b, "ends", t->ends);
	ctlmsg_number(&b, "unknown", t->unknown);
	ctlmsg_text(&b, "yours", "%s", t->yours ? "yes" : "no");
	buf_put_raw(&b, t->records.data, t->records.len);
	finish(t, &b);
	buf_free(&b);
}

static void
answer_findings(struct trial *t, const struct diag *diag)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ctlmsg_begin(&b, 1, "the map has errors");
	for (size_t i = 0; i < diag->n && b.len < RECORDS_MAX; i++) {
		const struct diag_item *f = &diag->items[i];

		ctlmsg_record(&b, "finding");
		ctlmsg_text(&b, "file", "%s", f->file);
		ctlmsg_number(&b, "line", f->line);
		ctlmsg_number(&b, "column", f->column);
		ctlmsg_text(&b, "level", "%s", f->level == DIAG_ERROR ?
		    "error" : "warning");
		ctlmsg_text(&b, "text", "%s", f->text);
	}
	finish(t, &b);
	buf_free(&b);
}

/* ---- the sessions, oldest first ----------------------------------------- */

static const struct live *
next_session(const struct trial *t)
{
	const struct live *found = NULL;

	for (const struct live *l = NULL; (l = live_next(t->d, l)) != NULL;)
		if (!l->ending && l->order >= t->next &&
		    (found == NULL || l->order < found->order))
			found = l;
	return found;
}

static void
ask_next(struct trial *t)
{
	const struct live *l;
	int r;

	while ((l = next_session(t)) != NULL) {
		t->next = l->order + 1;
		if (l->version == 0)
			break;
		t->sessions++;
		t->unknown++;
	}
	if (l == NULL)
		answer(t);
	else if ((r = reviewer_ask(&t->judge, l)) != 0)
		fail(t, err_text(r));
}

static void
would_end(struct trial *t, const struct live *l, const struct ipc_reviewed *v)
{
	struct buf *b = &t->records;

	t->ends++;
	for (size_t i = 0; i < t->ask.n; i++)
		t->yours |= t->ask.pid[i] == l->reg.pid;
	if (b->len >= RECORDS_MAX - 4096)
		return;
	ctlmsg_record(b, "ends");
	ctlmsg_number(b, "reference", l->reg.reference);
	ctlmsg_number(b, "pid", l->reg.pid);
	ctlmsg_text(b, "account", "%s", l->reg.account);
	ctlmsg_text(b, "identity", "%s", l->reg.identity);
	ctlmsg_text(b, "why", "%s", ipc_review_why_name(v->why));
}

static void
answered(struct reviewer *r, const struct ipc_reviewed *v, const char *why)
{
	struct trial *t = r->owner;
	const struct live *l = live_find(t->d, r->session);

	if (v == NULL) {
		fail(t, why);
		return;
	}
	/* it may have ended meanwhile */
	if (l != NULL) {
		t->sessions++;
		t->unknown += v->outcome == IPC_REVIEW_NONE;
		if (v->outcome == IPC_REVIEW_END)
			would_end(t, l, v);
	}
	ask_next(t);
}

static void
tried(struct reviewer *r, const struct ipc_load_done *done,
    const struct diag *diag, const char *why)
{
	struct trial *t = r->owner;

	if (done == NULL)
		fail(t, why);
	else if (!done->ok)
		answer_findings(t, diag);
	else
		ask_next(t);
}

/* ---- the question ------------------------------------------------------- */

static void
on_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct trial *t = w->data;

	(void)loop;
	(void)revents;
	fail(t, ev_is_active(&t->wait) ? "waits for a load of the files of "
	    "trust.conf, which does not end" : "it took too long");
}

static void
begin(struct trial *t)
{
	struct why why;
	int r;

	if (reviewer_start(&t->judge, &why) != 0)
		fail(t, why.text);
	else if ((r = reviewer_try(&t->judge, t->map, t->ask.map)) != 0)
		fail(t, err_text(r));
}

/* Trust, CRLs and locks that were changed a moment ago count for the map as
 * they will when it does; whether the map itself changed is nothing to it. */
static void
on_wait(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct trial *t = w->data;

	(void)revents;
	if (watch_due(t->d->watch, WATCH_POLICY, t->d->setup->conf.map))
		return;
	ev_timer_stop(loop, w);
	begin(t);
}

static int
open_trials(struct daemon *d)
{
	if (d->trials != NULL)
		return 0;
	if ((d->trials = calloc(1, sizeof(*d->trials))) == NULL)
		return ERR_NOMEM;
	for (size_t i = 0; i < TRIALS_MAX; i++) {
		struct trial *t = &d->trials->trial[i];

		t->d = d;
		t->fd = t->map = -1;
		reviewer_init(&t->judge, d, t);
		t->judge.answered = answered;
		t->judge.tried = tried;
		ev_init(&t->limit, on_limit);
		ev_init(&t->wait, on_wait);
		t->limit.data = t->wait.data = t;
	}
	return 0;
}

static struct trial *
free_trial(struct daemon *d)
{
	for (size_t i = 0; open_trials(d) == 0 && i < TRIALS_MAX; i++)
		if (d->trials->trial[i].fd < 0)
			return &d->trials->trial[i];
	return NULL;
}

void
answer_try(struct ctl_tool *tool, struct chan_msg *m)
{
	struct trial *t = free_trial(tool->d);

	if (t == NULL) {
		ctlmsg_begin(&tool->out, 3, "too many maps are tried at once; "
		    "try again");
		return;
	}
	if (ctlmsg_try_decode(m->body, &t->ask) != 0) {
		ctlmsg_begin(&tool->out, 3, "malformed request");
		return;
	}
	t->next = 0;
	t->sessions = t->ends = t->unknown = 0;
	t->yours = false;
	buf_init(&t->records, CHAN_MSG_MAX);
	(void)peer_text(&tool->peer, t->who);
	t->fd = ctl_take(tool);
	t->map = m->fds[0];
	m->n_fds = 0;
	ev_timer_set(&t->limit, TRIAL_SECONDS, 0.);
	ev_timer_start(t->d->loop, &t->limit);
	ev_timer_set(&t->wait, 0., LOOK_SECONDS);
	ev_timer_start(t->d->loop, &t->wait);
}

bool
trial_ended(struct daemon *d, pid_t pid, int status)
{
	for (size_t i = 0; d->trials != NULL && i < TRIALS_MAX; i++)
		if (reviewer_ended(&d->trials->trial[i].judge, pid, status))
			return true;
	return false;
}

void
trial_close(struct daemon *d)
{
	for (size_t i = 0; d->trials != NULL && i < TRIALS_MAX; i++) {
		struct trial *t = &d->trials->trial[i];

		if (t->fd >= 0)
			fail(t, "certlogind stops");
	}
	free(d->trials);
	d->trials = NULL;
}
