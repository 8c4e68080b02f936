#include "daemon/review.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mono.h"
#include "daemon/reviewer.h"

#define REVIEWERS 2
#define TRIES 5			/* in a row, for one session */
#define FIRST_PAUSE 0.5		/* seconds until the second; then twice */
#define LONG_PAUSE 30.		/* seconds, behind these */
#define NO_JUDGE 1.0		/* seconds until another is started */
#define LOOK_AGAIN 60		/* seconds; behind an expiry that was none */

struct review {
	struct daemon *d;
	struct reviewer judge[REVIEWERS];
	ev_timer retry;
	ev_periodic expiry;
	/* since the last policy came */
	double began;
	bool counting;
	size_t kept, ended, failed;
};

static void run(struct review *v);

/* ---- who is to be judged ------------------------------------------------ */

static bool
waits(const struct review *v, const struct live *l)
{
	return !l->ending && l->version == 0 &&
	    (l->due || l->reviewed != v->d->setup->number);
}

/* The one that was judged longest ago: a policy that comes before all are
 * through finds the others first.  But whatever a judge hangs on or dies of
 * holds nobody else up. */
static bool
is_before(const struct live *a, const struct live *b)
{
	return a->hard != b->hard ? b->hard : a->reviewed < b->reviewed;
}

/* Of those that wait and are not asked about. */
static struct live *
pick(const struct review *v)
{
	struct live *found = NULL;
	double now = mono_seconds();

	for (struct live *l = NULL; (l = live_next(v->d, l)) != NULL;)
		if (waits(v, l) && !l->asked && l->not_before <= now &&
		    (found == NULL || is_before(l, found)))
			found = l;
	return found;
}

/* ---- expiry ------------------------------------------------------------- */

/* The clock may be set: the loop looks at it, not at how long to wait. */
static void
arm(struct review *v, int64_t at)
{
	ev_periodic_stop(v->d->loop, &v->expiry);
	ev_periodic_set(&v->expiry, (ev_tstamp)at + 1., 0., NULL);
	ev_periodic_start(v->d->loop, &v->expiry);
}

static void
arm_for(struct review *v, const struct live *l)
{
	if (l->reg.expires > 0 && (!ev_is_active(&v->expiry) ||
	    (ev_tstamp)l->reg.expires + 1. < ev_periodic_at(&v->expiry)))
		arm(v, l->reg.expires);
}

static void
arm_earliest(struct review *v)
{
	int64_t first = 0;

	for (struct live *l = NULL; (l = live_next(v->d, l)) != NULL;)
		if (!l->ending && !l->due && l->reg.expires > 0 &&
		    (first == 0 || l->reg.expires < first))
			first = l->reg.expires;
	if (first > 0)
		arm(v, first);
	else
		ev_periodic_stop(v->d->loop, &v->expiry);
}

static void
on_expiry(struct ev_loop *loop, ev_periodic *w, int revents)
{
	struct review *v = w->data;
	int64_t now = (int64_t)ev_now(loop);

	(void)revents;
	for (struct live *l = NULL; (l = live_next(v->d, l)) != NULL;)
		if (l->reg.expires > 0 && l->reg.expires < now) {
			l->due = true;
			l->tries = 0;
		}
	arm_earliest(v);
	run(v);
}

/* ---- answers ------------------------------------------------------------ */

static void
done(struct review *v, struct live *l)
{
	int64_t now = (int64_t)ev_now(v->d->loop);

	if (l->unjudged)
		log_info("session reference=%llu of account=%s was judged "
		    "again at last", (unsigned long long)l->reg.reference,
		    l->reg.account);
	l->reviewed = v->d->setup->number;
	l->due = l->hard = l->unjudged = false;
	l->tries = 0;
	/* no circles around an expiry that was none, whatever a judge says */
	if (l->reg.expires > 0 && l->reg.expires < now)
		l->reg.expires = now + LOOK_AGAIN;
}

static void
keep(struct review *v, struct live *l, const struct ipc_reviewed *a)
{
	l->reg.rule_line = a->rule_line;
	l->reg.expires = a->expires;
	done(v, l);
	arm_for(v, l);
	v->kept++;
}

/* In so many seconds, or earlier if somebody else waits. */
static void
run_again(struct review *v, double pause)
{
	if (ev_is_active(&v->retry) &&
	    ev_timer_remaining(v->d->loop, &v->retry) <= pause)
		return;
	ev_timer_stop(v->d->loop, &v->retry);
	ev_timer_set(&v->retry, pause, 0.);
	ev_timer_start(v->d->loop, &v->retry);
}

/* It is not given up, but from now on it is said by status alone. */
static void
try_much_later(struct review *v, struct live *l)
{
	if (!l->unjudged)
		v->failed++;
	l->unjudged = true;
	l->tries = TRIES - 1;
	l->not_before = mono_seconds() + LONG_PAUSE;
	run_again(v, LONG_PAUSE);
}

static void
try_later(struct review *v, struct live *l, const char *why)
{
	double pause = FIRST_PAUSE * (double)(1U << l->tries);
	bool last = ++l->tries >= TRIES;

	if (!l->unjudged)
		log_error("session reference=%llu of account=%s could not be "
		    "judged again: %s; it stays, and is tried again%s",
		    (unsigned long long)l->reg.reference, l->reg.account, why,
		    last ? " now and then; certloginctl can end it" : "");
	l->hard = true;
	if (last) {
		try_much_later(v, l);
		return;
	}
	l->not_before = mono_seconds() + pause;
	run_again(v, pause);
}

static void
end(struct review *v, struct live *l, const struct ipc_reviewed *a)
{
	char detail[IPC_TEXT_MAX + 32];

	(void)snprintf(detail, sizeof(detail), "%s: %s",
	    ipc_review_why_name(a->why), a->detail);
	if (live_end(l, a->reason, detail) != 0) {
		try_later(v, l, "it could not be told to end");
		return;
	}
	done(v, l);
	v->ended++;
}

static void
answered(struct reviewer *r, const struct ipc_reviewed *a, const char *why)
{
	struct review *v = r->owner;
	struct live *l = live_find(v->d, r->session);

	if (l != NULL) {
		l->asked = false;
		if (a == NULL)
			try_later(v, l, why);
		else if (a->outcome == IPC_REVIEW_KEEP)
			keep(v, l, a);
		else if (a->outcome == IPC_REVIEW_END)
			end(v, l, a);
		else
			try_later(v, l, a->detail);
	}
	run(v);
}

/* ---- the work ----------------------------------------------------------- */

static void
on_retry(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct review *v = w->data;
	double now = mono_seconds();

	(void)loop;
	(void)revents;
	run(v);
	for (struct live *l = NULL; (l = live_next(v->d, l)) != NULL;)
		if (waits(v, l) && l->not_before > now)
			run_again(v, l->not_before - now);
}

/* Nobody is asked about; is that all? */
static void
all_done(struct review *v)
{
	arm_earliest(v);
	for (struct live *l = NULL; (l = live_next(v->d, l)) != NULL;)
		if (waits(v, l) && !l->unjudged)
			return;
	if (v->counting && v->kept + v->ended + v->failed > 0)
		log_info("live sessions judged again: %zu stay, %zu end, "
		    "%zu could not be judged; %.2f s", v->kept, v->ended,
		    v->failed, mono_seconds() - v->began);
	v->counting = false;
	v->kept = v->ended = v->failed = 0;
}

/* False when it has work, or can have none now. */
static bool
give_work(struct review *v, struct reviewer *r)
{
	struct live *l = pick(v);
	struct why why;
	int rc;

	if (l == NULL) {
		reviewer_stop(r);
		return false;
	}
	if (r->channel < 0 && reviewer_start(r, &why) != 0) {
		log_error("judge for a review: %s", why.text);
		run_again(v, NO_JUDGE);
		return false;
	}
	if ((rc = reviewer_ask(r, l)) != 0) {
		reviewer_stop(r);
		try_later(v, l, err_text(rc));
		return true;
	}
	l->asked = true;
	return false;
}

static void
run(struct review *v)
{
	bool busy = false;

	for (size_t i = 0; i < REVIEWERS; i++) {
		struct reviewer *r = &v->judge[i];

		while (r->expects == 0 && give_work(v, r))
			;
		busy |= r->expects != 0;
	}
	if (!busy)
		all_done(v);
}

void
review_policy(struct daemon *d)
{
	struct review *v = d->review;

	if (v == NULL)
		return;
	/* they hold the policy of before */
	for (size_t i = 0; i < REVIEWERS; i++)
		reviewer_stop(&v->judge[i]);
	for (struct live *l = NULL; (l = live_next(d, l)) != NULL;) {
		l->asked = l->unjudged = false;
		l->tries = 0;
		l->not_before = 0.;
	}
	v->counting = true;
	v->kept = v->ended = v->failed = 0;
	v->began = mono_seconds();
	run(v);
}

void
review_session(struct live *l, bool judged)
{
	struct review *v = l->d->review;

	l->reviewed = judged ? l->d->setup->number : 0;
	if (v == NULL)
		return;
	if (!judged)
		run(v);
	else
		arm_for(v, l);
}

size_t
review_unjudged(const struct daemon *d)
{
	const struct live *l = NULL;
	size_t n = 0;

	while ((l = live_next(d, l)) != NULL)
		n += l->unjudged;
	return n;
}

bool
review_ended(struct daemon *d, pid_t pid, int status)
{
	for (size_t i = 0; d->review != NULL && i < REVIEWERS; i++)
		if (reviewer_ended(&d->review->judge[i], pid, status))
			return true;
	return false;
}

int
review_open(struct daemon *d, struct why *why)
{
	struct review *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	v->d = d;
	for (size_t i = 0; i < REVIEWERS; i++) {
		reviewer_init(&v->judge[i], d, v);
		v->judge[i].answered = answered;
	}
	ev_init(&v->retry, on_retry);
	ev_periodic_init(&v->expiry, on_expiry, 0., 0., NULL);
	v->retry.data = v->expiry.data = v;
	d->review = v;
	return 0;
}

void
review_close(struct daemon *d)
{
	struct review *v = d->review;

	if (v == NULL)
		return;
	for (size_t i = 0; i < REVIEWERS; i++)
		reviewer_stop(&v->judge[i]);
	ev_timer_stop(d->loop, &v->retry);
	ev_periodic_stop(d->loop, &v->expiry);
	free(v);
	d->review = NULL;
}
