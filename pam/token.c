#include "pam/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/mono.h"

#define CARD "Smart card"
#define POLL_NS 300000000L	/* between two looks for a card */

/* The certificates of all cards, and what the judge says of each. */
struct cards {
	struct p11_cert *cert;
	struct offered *o;
	size_t n, fitting;
};

/* ---- finding -------------------------------------------------------------------- */

int
token_ask(struct attempt *a)
{
	const struct doorconf *o = &a->v->o;
	const struct p11_conf conf = { .module = o->module,
	    .env = (const char *const *)o->env, .n_env = o->n_env };
	struct why why;
	int r;

	if ((r = p11_ask_load(a->card.p11, &conf, &why)) != 0 ||
	    (r = p11_ask_list(a->card.p11, o->uri, &why)) != 0)
		return attempt_failed(a, r, CARD, &why);
	a->asked = true;
	return PAM_SUCCESS;
}

static int
loaded(struct attempt *a)
{
	struct why why;
	int r = p11_answer(a->card.p11, NULL, &why);

	if (r == 0)
		return PAM_SUCCESS;
	if (r == ERR_TIMEOUT || r == ERR_EOF)
		return attempt_failed(a, r, CARD, &why);
	visit_not_set_up(a->v, why.text);
	return PAM_SERVICE_ERR;
}

/* The list that was asked for; with wait= until a card comes, where there is
 * a reader. */
static int
find(struct attempt *a, struct cards *c, struct why *why)
{
	const struct timespec pause = { .tv_nsec = POLL_NS };
	int64_t end = mono_ms() + (int64_t)a->v->o.wait * 1000;
	bool told = false;
	int r;

	while ((r = p11_answer_list(a->card.p11, &c->cert, &c->n,
	    why)) == 0 && c->n == 0) {
		free(c->cert);
		c->cert = NULL;
		if (mono_ms() >= end || (p11_flags(a->card.p11) &
		    P11_F_NO_READER) != 0)
			break;
		if (!told)
			visit_tell(a->v, false, "Insert your smart card.");
		told = true;
		(void)nanosleep(&pause, NULL);
		if ((r = p11_ask_list(a->card.p11, a->v->o.uri, why)) != 0)
			break;
	}
	return r;
}

/* The only one is opened while the judge looks at it. */
static int
open_only(struct attempt *a, const struct cards *c)
{
	struct why why;
	int r = c->n == 1 ? p11_ask_open(a->card.p11, 0, &why) : 0;

	return r == 0 ? PAM_SUCCESS : attempt_failed(a, r, CARD, &why);
}

static int
offer_all(struct attempt *a, struct cards *c)
{
	int r;

	if ((c->o = calloc(c->n, sizeof(*c->o))) == NULL)
		return PAM_BUF_ERR;
	r = open_only(a, c);
	for (size_t i = 0; i < c->n && r == PAM_SUCCESS; i++) {
		struct offered *o = &c->o[i];

		o->der[0] = (struct span){ c->cert[i].der,
		    c->cert[i].der_len };
		o->n = 1;
		if ((r = attempt_offer(a, o)) == PAM_SUCCESS)
			c->fitting += o->facts.state == PAMMSG_FITS;
	}
	return r;
}

/* ---- telling -------------------------------------------------------------------- */

static const char *
name_of(const struct cards *c, size_t i)
{
	return c->o[i].facts.subject[0] != '\0' ? c->o[i].facts.subject :
	    c->cert[i].label;
}

/* Those whose time is not now are shown whatever else there is; others only
 * where none fits. */
static void
tell_others(const struct attempt *a, const struct cards *c)
{
	char date[16];

	for (size_t i = 0; i < c->n; i++) {
		const struct pammsg_facts *f = &c->o[i].facts;

		if (f->state == PAMMSG_EXPIRED)
			visit_tell(a->v, true, "Certificate %s has expired "
			    "on %s.", name_of(c, i),
			    attempt_date(f->not_after, date));
		else if (f->state == PAMMSG_EARLY)
			visit_tell(a->v, true, "Certificate %s is not valid "
			    "before %s.", name_of(c, i),
			    attempt_date(f->not_before, date));
		else if (f->state == PAMMSG_REFUSED && c->fitting == 0)
			visit_tell(a->v, true, "Certificate %s: %s",
			    name_of(c, i), f->reason);
	}
}

/* The n-th (from 1) fitting one, or c->n. */
static size_t
fitting(const struct cards *c, size_t n)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->o[i].facts.state == PAMMSG_FITS && --n == 0)
			break;
	return i;
}

static int
choose(const struct attempt *a, const struct cards *c, size_t *chosen)
{
	char *answer, *end, date[16];
	unsigned long v;
	int r;

	*chosen = fitting(c, 1);
	if (c->fitting == 1)
		return PAM_SUCCESS;
	for (size_t n = 1; n <= c->fitting; n++) {
		size_t i = fitting(c, n);
		const struct pammsg_facts *f = &c->o[i].facts;

		visit_tell(a->v, false, "%zu: %s, issued by %s, until %s%s%s",
		    n, f->subject, f->issuer,
		    attempt_date(f->not_after, date),
		    a->v->user[0] == '\0' ? ", as " : "",
		    a->v->user[0] == '\0' ? f->account : "");
	}
	r = visit_ask(a->v, false, &answer, "Certificate (1-%zu): ",
	    c->fitting);
	if (r != PAM_SUCCESS)
		return r;
	v = strtoul(answer, &end, 10);
	r = answer[0] >= '0' && answer[0] <= '9' && *end == '\0' && v >= 1 &&
	    v <= c->fitting ? PAM_SUCCESS : PAM_AUTH_ERR;
	visit_forget(answer);
	if (r == PAM_SUCCESS)
		*chosen = fitting(c, v);
	else
		visit_tell(a->v, true, "There is no such number.");
	return r;
}

/* ---- the PIN -------------------------------------------------------------------- */

/* May a PIN be asked for now?  A stranger with su must not lock the card of
 * whom he claims to be. */
static int
before_pin(const struct attempt *a, const char *account, uint32_t flags)
{
	struct why why;
	uid_t uid;

	if ((flags & P11_F_LOCKED) != 0) {
		visit_log(a->v, LOG_NOTICE, "the card is locked");
		visit_tell(a->v, true, "The card is locked: too many wrong "
		    "PINs. Its administrator can unlock it.");
		return PAM_AUTH_ERR;
	}
	if ((flags & P11_F_FINAL) != 0 && a->v->caller != 0 &&
	    (visit_account(a->v, account, false, &uid, &why) != 0 ||
	    uid != a->v->caller)) {
		visit_log(a->v, LOG_NOTICE, "refused: uid %lu would spend the "
		    "last try of the card of %s",
		    (unsigned long)a->v->caller, account);
		visit_tell(a->v, true, "One try is left before the card "
		    "locks; only its owner may spend it.");
		return PAM_AUTH_ERR;
	}
	if ((flags & P11_F_FINAL) != 0)
		visit_tell(a->v, true, "Last try: another wrong PIN locks "
		    "the card.");
	else if ((flags & P11_F_LOW) != 0)
		visit_tell(a->v, true, "A wrong PIN was given before; few "
		    "tries are left.");
	return PAM_SUCCESS;
}

/* Its answer comes with the signature. */
static int
ask_pin(struct attempt *a, const struct p11_cert *cert, uint32_t flags)
{
	struct why why;
	char *pin;
	int r;

	if ((flags & P11_F_PINPAD) != 0) {
		visit_tell(a->v, false, "Look at the reader: it wants the "
		    "PIN (card %s).", cert->token);
		r = p11_ask_login(a->card.p11, NULL, 0, &why);
		return r == 0 ? PAM_SUCCESS : attempt_failed(a, r, CARD,
		    &why);
	}
	if ((r = visit_ask(a->v, true, &pin, "PIN of %s: ",
	    cert->token)) != PAM_SUCCESS)
		return r;
	if (pin[0] == '\0')
		r = why_set(&why, ERR_REFUSED, "the PIN is empty");
	else if (strlen(pin) > P11_PIN_MAX)
		r = why_set(&why, ERR_REFUSED, "wrong PIN");
	else
		r = p11_ask_login(a->card.p11, pin, strlen(pin), &why);
	visit_forget(pin);
	return r == 0 ? PAM_SUCCESS : attempt_failed(a, r, CARD, &why);
}

static int
use(struct attempt *a, const struct cards *c, size_t i)
{
	const char *account = c->o[i].facts.account;
	const char *unlocking = NULL;
	struct why why;
	uint32_t flags;
	int r;

	r = c->n == 1 ? p11_answer(a->card.p11, &flags, &why) :
	    p11_open(a->card.p11, i, &flags, &why);
	if (r != 0)
		return attempt_failed(a, r, CARD, &why);
	if ((r = before_pin(a, account, flags)) != PAM_SUCCESS)
		return r;
	if ((flags & P11_F_PIN) != 0) {
		unlocking = CARD;
		if ((r = ask_pin(a, &c->cert[i], flags)) != PAM_SUCCESS)
			return r;
	}
	return attempt_prove(a, a->card.p11, unlocking, &c->o[i]);
}

int
token_run(struct attempt *a)
{
	struct cards c = { .n = 0 };
	struct why why;
	size_t chosen;
	int r;

	if (!a->asked && (r = token_ask(a)) != PAM_SUCCESS)
		return r;
	if ((r = loaded(a)) != PAM_SUCCESS)
		return r;
	if ((r = find(a, &c, &why)) != 0)
		return attempt_failed(a, r, CARD, &why);
	if (c.n == 0) {
		visit_log(a->v, LOG_DEBUG, "no card with a certificate that "
		    "fits uri='%s'", a->v->o.uri);
		return PAM_AUTHINFO_UNAVAIL;
	}
	if ((r = offer_all(a, &c)) == PAM_SUCCESS) {
		tell_others(a, &c);
		r = c.fitting == 0 ? PAM_AUTH_ERR : choose(a, &c, &chosen);
	}
	if (r == PAM_SUCCESS)
		r = use(a, &c, chosen);
	free(c.o);
	free(c.cert);
	return r;
}
