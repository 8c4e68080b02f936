#include "judge/login.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idmap/decide.h"
#include "judge/clock.h"
#include "judge/transcript.h"
#include "judge/words.h"
#include "proto/chan.h"
#include "x509/slice.h"
#include "x509/verify.h"

struct login {
	const struct policy *policy;
	struct span own;
	const struct ipc_judge_login *ask;
	int64_t now;
	struct transcript transcript;
	struct verify verify;
	struct decide_verdict decision;
	struct ipc_verdict *out;
};

/* ---- refusing ---------------------------------------------------------------- */

__attribute__((format(printf, 4, 5)))
static int
refuse(struct login *l, enum tls_alert alert, const char *reason,
    const char *fmt, ...)
{
	struct ipc_verdict *v = l->out;
	va_list ap;

	v->alert = (uint8_t)alert;
	(void)snprintf(v->reason, sizeof(v->reason), "%s", reason);
	va_start(ap, fmt);
	(void)vsnprintf(v->detail, sizeof(v->detail), fmt, ap);
	va_end(ap);
	return ERR_REFUSED;
}

static int
refuse_by_checks(struct login *l)
{
	const struct verify *v = &l->verify;
	enum tls_alert alert = v->alert != TLS_ALERT_NONE ? v->alert :
	    TLS_ALERT_BAD_CERTIFICATE;
	char whose[IPC_TEXT_MAX / 2];

	words_certificate(v, whose, sizeof(whose));
	return refuse(l, alert, v->reason, "%s%s", v->detail, whose);
}

/* ---- the steps, in order -------------------------------------------------------- */

static int
read_transcript(struct login *l)
{
	struct why why;

	if (transcript_read(l->ask->transcript, l->ask->random, l->own,
	    &l->transcript, &why) == 0)
		return 0;
	return refuse(l, TLS_ALERT_DECRYPT_ERROR, "the handshake does not "
	    "prove who you are", "transcript: %s", why.text);
}

/* All checks are run here, and only whether the leaf was signed below an
 * anchor is asked: else its key is nobody's, and it was not parsed.  The
 * signature of such a leaf was checked by net's GnuTLS; the alert needs no
 * more than that. */
static int
find_anchor(struct login *l)
{
	const struct verify_ask ask = {
		.trust = &l->policy->trust, .chain = l->transcript.chain,
		.n = l->transcript.n, .now = l->now,
		.signatures = VERIFY_SIGNATURES_LOGIN,
	};

	verify(&ask, &l->verify);
	if (l->verify.check[VERIFY_PATH].result == VERIFY_PASSED &&
	    l->verify.authority != NULL)
		return 0;
	return refuse_by_checks(l);
}

static int
check_signature(struct login *l)
{
	struct slice_cert leaf;
	struct why why;

	if (slice_cert(l->transcript.chain[0], &leaf, &why) == 0 &&
	    transcript_verify(&l->transcript, leaf.spki, &why) == 0)
		return 0;
	return refuse(l, TLS_ALERT_DECRYPT_ERROR, "the handshake does not "
	    "prove who you are", "%s", why.text);
}

/* From here on the client is who holds the key. */
static int
check_trust(struct login *l)
{
	const struct verify *v = &l->verify;
	struct ipc_verdict *out = l->out;

	(void)snprintf(out->authority, sizeof(out->authority), "%s",
	    v->authority->rules.name);
	if (v->have_facts) {
		(void)snprintf(out->issuer, sizeof(out->issuer), "%s",
		    v->facts.issuer);
		words_hex(out->serial, sizeof(out->serial), v->facts.serial,
		    v->facts.serial_len);
	}
	if (v->outcome != VERIFY_ACCEPTED || !v->have_facts)
		return refuse_by_checks(l);
	out->expires = v->expires;
	return 0;
}

static int
ask_map(struct login *l)
{
	const struct trust *t = &l->policy->trust;
	struct decide_verdict *d = &l->decision;
	struct decide_ask ask = {
		.facts = &l->verify.facts,
		.authority = &l->policy->authority[l->verify.authority -
		    t->authority],
		.account = l->ask->account, .preferred = l->ask->preferred,
		.service = DECIDE_NETWORK_SERVICE,
		.address_len = l->ask->address.n,
		/* a clock set back revives no rule */
		.now = trust_time(l->verify.authority, l->now),
	};
	char whose[IPC_TEXT_MAX / 2];

	memcpy(ask.address, l->ask->address.p, l->ask->address.n);
	decide(&l->policy->locks, &l->policy->map, &ask, d);
	l->out->rule_line = d->rule_line;
	if (d->outcome == DECIDE_ALLOW)
		return 0;
	words_certificate(&l->verify, whose, sizeof(whose));
	return refuse(l, TLS_ALERT_NONE, d->advice, "%s (%s): %s%s",
	    decide_refusal(d), decide_reason_name(d->reason), d->text, whose);
}

static int (*const steps[])(struct login *) = {
	read_transcript,
	find_anchor,
	check_signature,
	check_trust,
	ask_map,
};

/* ---- the verdict ---------------------------------------------------------------- */

/* The one place where a verdict becomes a yes. */
static void
admit(struct login *l)
{
	const struct decide_verdict *d = &l->decision;
	const struct trust_authority *a = l->verify.authority;
	struct ipc_verdict *out = l->out;
	int64_t fresh = a->rules.on_stale == TRUST_STALE_END ?
	    trust_fresh_until(a, trust_time(a, l->now)) : 0;

	(void)snprintf(out->account, sizeof(out->account), "%s", d->account);
	(void)snprintf(out->identity, sizeof(out->identity), "%s",
	    d->identity);
	(void)snprintf(out->command, sizeof(out->command), "%s",
	    d->command != NULL ? d->command : "");
	out->captured = d->captured;
	out->restrictions = d->restrictions;
	if (d->until != 0 && d->until < out->expires)
		out->expires = d->until;
	if (fresh != 0 && fresh < out->expires)
		out->expires = fresh;
	out->alert = TLS_ALERT_NONE;
	out->reason[0] = out->detail[0] = '\0';
	out->outcome = IPC_OUTCOME_ADMIT;
}

static void
begin_refused(struct ipc_verdict *out, uint64_t policy)
{
	*out = (struct ipc_verdict){ .outcome = IPC_OUTCOME_REFUSED,
	    .alert = TLS_ALERT_INTERNAL_ERROR, .policy = policy };
	(void)snprintf(out->reason, sizeof(out->reason), "this host could "
	    "not judge the login");
	(void)snprintf(out->detail, sizeof(out->detail), "judge: out of "
	    "memory");
}

void
login_judge(const struct policy *policy, struct span own,
    const struct ipc_judge_login *ask, int64_t now, struct ipc_verdict *out)
{
	struct login *l = calloc(1, sizeof(*l));
	int r = 0;

	begin_refused(out, policy->number);
	if (l == NULL)
		return;
	l->policy = policy;
	l->own = own;
	l->ask = ask;
	l->now = now;
	l->out = out;
	for (size_t i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]);
	    i++)
		r = steps[i](l);
	if (r == 0)
		admit(l);
	free(l);
}

/* ---- serving -------------------------------------------------------------------- */

/* What is loaded ahead of the login. */
struct ready {
	struct policy policy;
	struct ipc_host host;
	struct why why;
	int err;		/* not 0: every login is refused with why */
};

static void
make_ready(struct ready *y, struct span policy, struct span host)
{
	struct rd r = rd_of_span(host);

	if ((y->err = policy_get(&y->policy, policy, &y->why)) != 0)
		return;
	ipc_host_get(&r, &y->host);
	if ((y->err = rd_end(&r)) != 0)
		(void)why_set(&y->why, y->err, "host certificate: %s",
		    err_text(y->err));
}

static int
answer(int channel, const struct ready *y, struct rd body, struct buf *b)
{
	static struct ipc_judge_login ask;
	static struct ipc_verdict v;
	int r = ipc_judge_login_decode(body, &ask);

	if (r != 0)
		return r;
	begin_refused(&v, y->policy.number);
	if (y->err == 0)
		login_judge(&y->policy, y->host.der[0], &ask,
		    clock_now(), &v);
	else
		(void)snprintf(v.detail, sizeof(v.detail), "judge: %s",
		    y->why.text);
	if ((r = ipc_verdict_encode(b, &v)) != 0)
		return r;
	return chan_send(channel, b, NULL, 0);
}

int
login_serve(int channel, struct span policy, struct span host)
{
	struct ready *y = calloc(1, sizeof(*y));
	struct chan_msg m;
	struct buf in, out;
	int r;

	if (y == NULL)
		return ERR_NOMEM;
	buf_init(&in, CHAN_MSG_MAX);
	buf_init(&out, CHAN_MSG_MAX);
	make_ready(y, policy, host);
	if ((r = chan_recv(channel, &in, &m, 0)) == 0)
		r = m.type == IPC_JUDGE_LOGIN ?
		    answer(channel, y, m.body, &out) : ERR_TYPE;
	buf_free(&in);
	buf_free(&out);
	policy_free(&y->policy);
	free(y);
	return r;
}
