#include "pam/attempt.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <syslog.h>
#include <time.h>

#include "base/path.h"

#define MACHINE_ID "/etc/machine-id"
#define BOOT_ID "/proc/sys/kernel/random/boot_id"

/* ---- holders -------------------------------------------------------------------- */

int
holder_start(struct holder *h, const struct visit *v,
    const char *const *argv, const char *name, struct why *why)
{
	int r;

	*h = (struct holder){ .child = CHILD_NONE };
	if ((r = child_start(&h->child, argv, why)) != 0)
		return r;
	r = p11_adopt(&h->p11, name, h->child.fd, (int)v->o.timeout * 1000,
	    why);
	h->child.fd = -1;
	if (r != 0)
		child_end(&h->child);
	return r;
}

void
holder_end(struct holder *h)
{
	p11_stop(h->p11);
	child_end(&h->child);
	h->p11 = NULL;
}

int
attempt_failed(const struct attempt *a, int code, const char *what,
    const struct why *why)
{
	visit_log(a->v, code == ERR_REFUSED ? LOG_NOTICE : LOG_ERR, "%s: %s",
	    what, why->text);
	visit_tell(a->v, true, "%s: %s", what, why->text);
	return code == ERR_REFUSED ? PAM_AUTH_ERR : PAM_AUTHINFO_UNAVAIL;
}

char *
attempt_date(int64_t t, char dst[16])
{
	time_t when = (time_t)t;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL ||
	    strftime(dst, 16, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(dst, 16, "?");
	return dst;
}

/* ---- offering ------------------------------------------------------------------- */

static int
get_ready(struct attempt *a)
{
	struct why why;

	if (a->ready)
		return PAM_SUCCESS;
	if (judging_ready(&a->judge, &why) != 0) {
		visit_not_set_up(a->v, why.text);
		return PAM_SERVICE_ERR;
	}
	a->ready = true;
	return PAM_SUCCESS;
}

/* What the judge cannot see: the user database. */
static void
hold_to_uid_rule(const struct visit *v, struct pammsg_facts *f)
{
	struct why why;
	uid_t uid;

	if (f->state != PAMMSG_FITS || visit_account(v, f->account,
	    f->captured, &uid, &why) == 0)
		return;
	f->state = PAMMSG_REFUSED;
	(void)snprintf(f->reason, sizeof(f->reason), "the certificate does "
	    "not open this account");
	(void)snprintf(f->detail, sizeof(f->detail), "%s; certificate: %s",
	    why.text, f->identity);
}

static void
log_refusal(const struct visit *v, const char *detail)
{
	char user[IPC_ACCOUNT_MAX];

	visit_log(v, LOG_NOTICE, "refused for account \"%s\": %s",
	    err_unquote(user, sizeof(user), v->user), detail);
}

int
attempt_offer(struct attempt *a, struct offered *o)
{
	struct pammsg_offer offer = { .n = o->n };
	struct pammsg_facts *f = &o->facts;
	char identity[IPC_IDENTITY_MAX];
	struct why why;
	int r;

	if ((r = get_ready(a)) != PAM_SUCCESS)
		return r;
	(void)snprintf(offer.service, sizeof(offer.service), "%s",
	    a->v->service);
	(void)snprintf(offer.account, sizeof(offer.account), "%s",
	    a->v->user);
	memcpy(offer.der, o->der, sizeof(offer.der));
	if (judging_offer(&a->judge, &offer, f, &o->place, &why) != 0) {
		visit_not_set_up(a->v, why.text);
		return PAM_SERVICE_ERR;
	}
	hold_to_uid_rule(a->v, f);
	if (f->state == PAMMSG_FITS)
		visit_log(a->v, LOG_DEBUG, "fits: account=%s rule=%u "
		    "identity=\"%s\"", f->account, f->rule_line,
		    err_unquote(identity, sizeof(identity), f->identity));
	else
		log_refusal(a->v, f->detail);
	return PAM_SUCCESS;
}

/* ---- proving -------------------------------------------------------------------- */

static int
read_id(const char *path, char host[PAMMSG_HOST_MAX])
{
	struct buf b;
	size_t n = 0;
	int r;

	buf_init(&b, 256);
	r = path_load(path, 0, 255, &b, NULL);
	while (r == 0 && n < b.len && n < PAMMSG_HOST_MAX - 1 &&
	    (isxdigit(b.data[n]) || b.data[n] == '-'))
		n++;
	if (n >= 32)
		(void)snprintf(host, PAMMSG_HOST_MAX, "%.*s", (int)n,
		    (const char *)b.data);
	buf_free(&b);
	return n >= 32 ? 0 : ERR_NOTFOUND;
}

/* What stops a signature for one machine from counting on another. */
static int
host_id(char host[PAMMSG_HOST_MAX], struct why *why)
{
	if (read_id(MACHINE_ID, host) == 0 || read_id(BOOT_ID, host) == 0)
		return 0;
	return why_set(why, ERR_NOTFOUND, "neither " MACHINE_ID " nor "
	    BOOT_ID " names this machine");
}

int
attempt_prepare(struct attempt *a)
{
	struct why why;

	visit_look_up(a->v);
	if (getrandom(a->nonce, sizeof(a->nonce), 0) !=
	    (ssize_t)sizeof(a->nonce)) {
		visit_log(a->v, LOG_ERR, "no random bytes");
		return PAM_SERVICE_ERR;
	}
	if (host_id(a->host, &why) != 0) {
		visit_not_set_up(a->v, why.text);
		return PAM_SERVICE_ERR;
	}
	return PAM_SUCCESS;
}

static int
ask_signature(const struct attempt *a, struct p11 *key,
    const struct pammsg_facts *f, struct why *why)
{
	const struct span nonce = { a->nonce, sizeof(a->nonce) };
	struct buf b;
	int r;

	buf_init(&b, PAMMSG_SIGNED_MAX);
	if ((r = pammsg_signed(&b, a->host, a->v->service, f->account,
	    f->sha256, nonce)) != 0)
		(void)why_set(why, r, "%s", err_text(r));
	else
		r = p11_ask_sign(key, f->scheme, (struct span){ b.data,
		    b.len }, why);
	buf_free(&b);
	return r;
}

/* The key is asked once, to do all that is left at one go: check the PIN,
 * sign, and log out while the judge judges. */
static int
sign(const struct attempt *a, struct p11 *key, const char *unlocking,
    const struct pammsg_facts *f, struct buf *sig)
{
	const char *what = "No signature";
	struct why why;
	int r;

	if ((r = ask_signature(a, key, f, &why)) == 0) {
		p11_close(key);
		if (unlocking != NULL &&
		    (r = p11_answer(key, NULL, &why)) != 0)
			what = unlocking;
		else
			r = p11_answer_sign(key, sig, &why);
	}
	return r == 0 ? PAM_SUCCESS : attempt_failed(a, r, what, &why);
}

static int
keep(struct known *k, const struct offered *o,
    const struct ipc_verdict *verdict)
{
	(void)snprintf(k->account, sizeof(k->account), "%s",
	    verdict->account);
	(void)snprintf(k->identity, sizeof(k->identity), "%s",
	    verdict->identity);
	(void)snprintf(k->issuer, sizeof(k->issuer), "%s", verdict->issuer);
	(void)snprintf(k->serial, sizeof(k->serial), "%s", verdict->serial);
	buf_init(&k->der, IPC_CHAIN_MAX * IPC_CERT_MAX);
	for (k->n = 0; k->n < o->n; k->n++) {
		k->len[k->n] = o->der[k->n].n;
		buf_put_raw(&k->der, o->der[k->n].p, o->der[k->n].n);
	}
	return buf_err(&k->der);
}

/* The verdict is a request: it is checked again here.  Success is made in
 * this one place. */
static int
accept_verdict(struct attempt *a, const struct offered *o,
    const struct ipc_verdict *verdict)
{
	const struct visit *v = a->v;
	char identity[IPC_IDENTITY_MAX], user[IPC_ACCOUNT_MAX];
	struct why why;
	uid_t uid;

	if (verdict->outcome != IPC_OUTCOME_ADMIT) {
		log_refusal(v, verdict->detail);
		visit_tell(v, true, "Refused: %s", verdict->reason);
		return PAM_AUTH_ERR;
	}
	if (strcmp(verdict->account, o->facts.account) != 0 ||
	    (v->user[0] != '\0' && strcmp(verdict->account, v->user) != 0)) {
		visit_log(v, LOG_ERR, "the verdict names account %s, asked "
		    "for was \"%s\"", verdict->account, err_unquote(user,
		    sizeof(user), v->user));
		return PAM_AUTH_ERR;
	}
	if (visit_account(v, verdict->account, verdict->captured, &uid,
	    &why) != 0) {
		visit_log(v, LOG_NOTICE, "refused: %s", why.text);
		return PAM_AUTH_ERR;
	}
	if (keep(a->known, o, verdict) != 0)
		return PAM_BUF_ERR;
	visit_log(v, LOG_INFO, "authenticated: account=%s serial=%s rule=%u "
	    "identity=\"%s\"", verdict->account, verdict->serial,
	    verdict->rule_line, err_unquote(identity, sizeof(identity),
	    verdict->identity));
	return PAM_SUCCESS;
}

int
attempt_prove(struct attempt *a, struct p11 *key, const char *unlocking,
    const struct offered *o)
{
	struct pammsg_prove p = { .index = o->place,
	    .nonce = { a->nonce, sizeof(a->nonce) } };
	struct ipc_verdict verdict;
	struct why why;
	struct buf sig;
	int r;

	(void)snprintf(p.host, sizeof(p.host), "%s", a->host);
	buf_init(&sig, P11_SIG_MAX);
	if ((r = sign(a, key, unlocking, &o->facts, &sig)) != PAM_SUCCESS)
		goto out;
	p.signature = (struct span){ sig.data, sig.len };
	if (judging_prove(&a->judge, &p, &verdict, &why) != 0) {
		visit_log(a->v, LOG_ERR, "%s", why.text);
		r = PAM_SERVICE_ERR;
		goto out;
	}
	r = accept_verdict(a, o, &verdict);
out:
	buf_free(&sig);
	return r;
}

void
known_free(struct known *k)
{
	if (k != NULL)
		buf_free(&k->der);
	free(k);
}
