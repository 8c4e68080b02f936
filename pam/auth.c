#include "pam/auth.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "pam/source.h"

/* ---- is somebody here ------------------------------------------------------------ */

static bool
has_token(const struct doorconf *o)
{
	for (size_t i = 0; i < o->n_sources; i++)
		if (o->source[i] == DOORCONF_TOKEN)
			return true;
	return false;
}

static int
check_local(struct attempt *a)
{
	struct why why;
	int r;

	if (a->v->o.remote != 0)
		return PAM_SUCCESS;
	r = p11_answer(a->card.p11, NULL, &why);
	if (r == 0)
		return PAM_SUCCESS;
	if (r != ERR_REFUSED) {
		visit_not_set_up(a->v, why.text);
		return PAM_SERVICE_ERR;
	}
	visit_log(a->v, LOG_INFO, "not asked: %s", why.text);
	return PAM_AUTHINFO_UNAVAIL;
}

/* certlogin-p11 is needed for a card, and to ask it whether we are local.
 * Its driver takes longest: it goes first, and is told all it needs. */
static int
start_card(struct attempt *a)
{
	const struct doorconf *o = &a->v->o;
	const char *const argv[] = { "certlogin-p11", o->p11_user,
	    NULL };
	struct why why;

	if (!has_token(o) && o->remote != 0)
		return PAM_SUCCESS;
	if (holder_start(&a->card, a->v, argv, "certlogin-p11", &why) != 0 ||
	    (o->remote == 0 && p11_ask_local(a->card.p11,
	    (uint32_t)a->v->caller, &why) != 0)) {
		visit_not_set_up(a->v, why.text);
		return PAM_SERVICE_ERR;
	}
	/* it does not load a driver for a caller who is not local */
	return o->source[0] == DOORCONF_TOKEN ? token_ask(a) : PAM_SUCCESS;
}

static int
start(struct attempt *a)
{
	struct why why;
	int r = start_card(a);

	if (r != PAM_SUCCESS)
		return r;
	if (judging_start(&a->judge, &a->v->o, &why) != 0) {
		visit_not_set_up(a->v, why.text);
		return PAM_SERVICE_ERR;
	}
	/* while they start */
	if ((r = attempt_prepare(a)) != PAM_SUCCESS)
		return r;
	return check_local(a);
}

/* ---- authenticate ---------------------------------------------------------------- */

static int
run_sources(struct attempt *a)
{
	const struct doorconf *o = &a->v->o;
	int r = PAM_AUTHINFO_UNAVAIL;

	for (size_t i = 0; i < o->n_sources && r == PAM_AUTHINFO_UNAVAIL; i++)
		r = o->source[i] == DOORCONF_TOKEN ? token_run(a) :
		    file_run(a);
	return r;
}

int
auth_run(struct visit *v, struct known **known)
{
	struct attempt a = { .v = v, .judge = { .child = CHILD_NONE },
	    .card = { .child = CHILD_NONE } };
	int r;

	if (v->remote && v->o.remote == 0) {
		visit_log(v, LOG_INFO, "not asked: the caller comes from "
		    "another host; see remote=");
		return PAM_AUTHINFO_UNAVAIL;
	}
	if ((a.known = calloc(1, sizeof(*a.known))) == NULL)
		return PAM_BUF_ERR;
	if ((r = start(&a)) == PAM_SUCCESS)
		r = run_sources(&a);
	/* it dies while the card logs out */
	child_kill(&a.judge.child);
	holder_end(&a.card);
	judging_end(&a.judge);
	if (r == PAM_SUCCESS)
		*known = a.known;
	else
		known_free(a.known);
	return r;
}

/* ---- account --------------------------------------------------------------------- */

static void
fill(struct offered *o, const struct known *k)
{
	size_t at = 0;

	for (o->n = 0; o->n < k->n; o->n++) {
		o->der[o->n] = (struct span){ k->der.data + at,
		    k->len[o->n] };
		at += k->len[o->n];
	}
}

int
auth_recheck(struct visit *v, const struct known *known)
{
	struct attempt a = { .v = v };
	struct offered o = { .n = 0 };
	struct why why;
	int r;

	fill(&o, known);
	if (judging_start(&a.judge, &v->o, &why) != 0) {
		visit_not_set_up(v, why.text);
		r = PAM_SERVICE_ERR;
	} else
		r = attempt_offer(&a, &o);
	judging_end(&a.judge);
	if (r != PAM_SUCCESS)
		return r;
	if (o.facts.state == PAMMSG_FITS &&
	    strcmp(o.facts.account, known->account) == 0)
		return PAM_SUCCESS;
	visit_tell(v, true, "Refused: %s", o.facts.reason);
	return o.facts.state == PAMMSG_EXPIRED ? PAM_ACCT_EXPIRED :
	    PAM_PERM_DENIED;
}
