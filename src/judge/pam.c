#include "judge/pam.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "idmap/decide.h"
#include "judge/load.h"
#include "judge/words.h"
#include "proto/chan.h"
#include "x509/sig.h"
#include "x509/slice.h"
#include "x509/verify.h"

/* Everything known about one offer. */
struct judging {
	const struct policy *policy;
	const struct pammsg_offer *offer;
	struct verify_memo *memo;
	int64_t now;
	struct verify verify;
	struct decide_verdict decision;
	enum sig_key key;		/* of the leaf */
	struct span spki;
	struct pammsg_facts *out;
};

/* How a key of each kind signs: RFC 8446's number and the whole
 * AlgorithmIdentifier (RFC 4055 5, RFC 5758 3.2, RFC 8410 3). */
static const struct {
	uint16_t scheme;
	uint8_t algorithm[16];
	size_t n;
} schemes[] = {
	[SIG_RSA] = { 0x0401, { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48,
	    0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b, 0x05, 0x00 }, 15 },
	[SIG_P256] = { 0x0403, { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48,
	    0xce, 0x3d, 0x04, 0x03, 0x02 }, 12 },
	[SIG_P384] = { 0x0503, { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48,
	    0xce, 0x3d, 0x04, 0x03, 0x03 }, 12 },
	[SIG_ED25519] = { 0x0807, { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
	    0x70 }, 7 },
};

/* ---- refusing ---------------------------------------------------------------- */

__attribute__((format(printf, 3, 4)))
static int
refuse(struct judging *j, const char *reason, const char *fmt, ...)
{
	struct pammsg_facts *f = j->out;
	va_list ap;

	(void)snprintf(f->reason, sizeof(f->reason), "%s", reason);
	va_start(ap, fmt);
	(void)vsnprintf(f->detail, sizeof(f->detail), fmt, ap);
	va_end(ap);
	return ERR_REFUSED;
}

/* ---- the steps, in order -------------------------------------------------------- */

static int
check_chain(struct judging *j)
{
	const struct verify_ask ask = {
		.trust = &j->policy->trust, .chain = j->offer->der,
		.n = j->offer->n, .now = j->now,
		.signatures = VERIFY_SIGNATURES_LOGIN, .memo = j->memo,
	};

	verify(&ask, &j->verify);
	return 0;
}

/* What a person needs to tell certificates apart: only of one that a CA of
 * ours signed. */
static int
tell_apart(struct judging *j)
{
	const struct facts *f = &j->verify.facts;
	struct pammsg_facts *out = j->out;

	if (!j->verify.have_facts || j->verify.authority == NULL)
		return refuse(j, j->verify.reason, "%s", j->verify.detail);
	(void)snprintf(out->authority, sizeof(out->authority), "%s",
	    j->verify.authority->rules.name);
	(void)snprintf(out->subject, sizeof(out->subject), "%s", f->subject);
	(void)snprintf(out->issuer, sizeof(out->issuer), "%s", f->issuer);
	words_hex(out->serial, sizeof(out->serial), f->serial, f->serial_len);
	memcpy(out->sha256, f->cert_sha256, sizeof(out->sha256));
	out->not_before = f->not_before;
	out->not_after = f->not_after;
	return 0;
}

static int
check_trust(struct judging *j)
{
	const struct verify *v = &j->verify;
	char whose[IPC_TEXT_MAX / 2];

	if (v->outcome == VERIFY_ACCEPTED)
		return 0;
	if (v->failed == VERIFY_VALIDITY)
		j->out->state = j->out->not_before >
		    trust_time(v->authority, j->now) ? PAMMSG_EARLY :
		    PAMMSG_EXPIRED;
	words_certificate(v, whose, sizeof(whose));
	return refuse(j, v->reason, "%s%s", v->detail, whose);
}

static int
check_key(struct judging *j)
{
	struct slice_cert leaf;
	struct why why;

	if (slice_cert(j->offer->der[0], &leaf, &why) != 0 ||
	    sig_key_check(leaf.spki, &j->key, &why) != 0)
		return refuse(j, "the certificate's key cannot be used",
		    "%s", why.text);
	j->spki = leaf.spki;
	j->out->scheme = schemes[j->key].scheme;
	return 0;
}

static int
ask_map(struct judging *j)
{
	struct decide_verdict *d = &j->decision;
	const struct decide_ask ask = {
		.facts = &j->verify.facts,
		.authority = &j->policy->authority[j->verify.authority -
		    j->policy->trust.authority],
		.account = j->offer->account, .preferred = "",
		.service = j->offer->service, .local = true,
		.now = trust_time(j->verify.authority, j->now),
	};
	char whose[IPC_TEXT_MAX / 2];

	decide(&j->policy->locks, &j->policy->map, &ask, d);
	j->out->rule_line = d->rule_line;
	if (d->outcome == DECIDE_ALLOW)
		return 0;
	words_certificate(&j->verify, whose, sizeof(whose));
	return refuse(j, d->advice, "%s (%s): %s%s", decide_refusal(d),
	    decide_reason_name(d->reason), d->text, whose);
}

static int (*const steps[])(struct judging *) = {
	check_chain,
	tell_apart,
	check_trust,
	check_key,
	ask_map,
};

/* ---- facts ---------------------------------------------------------------------- */

/* The one place where a certificate becomes a fitting one. */
static void
fit(struct judging *j)
{
	const struct decide_verdict *d = &j->decision;
	struct pammsg_facts *out = j->out;

	(void)snprintf(out->account, sizeof(out->account), "%s", d->account);
	(void)snprintf(out->identity, sizeof(out->identity), "%s",
	    d->identity);
	out->captured = d->captured;
	out->reason[0] = out->detail[0] = '\0';
	out->state = PAMMSG_FITS;
}

static int
run(struct judging *j)
{
	int r = 0;

	*j->out = (struct pammsg_facts){ .state = PAMMSG_REFUSED };
	for (size_t i = 0; r == 0 && i < sizeof(steps) / sizeof(steps[0]);
	    i++)
		r = steps[i](j);
	if (r == 0)
		fit(j);
	return r;
}

static struct judging *
begin(const struct policy *policy, const struct pammsg_offer *offer,
    struct verify_memo *memo, int64_t now, struct pammsg_facts *out)
{
	struct judging *j = calloc(1, sizeof(*j));

	if (j == NULL)
		return NULL;
	j->policy = policy;
	j->offer = offer;
	j->memo = memo;
	j->now = now;
	j->out = out;
	return j;
}

void
pam_facts(const struct policy *policy, const struct pammsg_offer *offer,
    struct verify_memo *memo, int64_t now, struct pammsg_facts *out)
{
	struct judging *j;

	*out = (struct pammsg_facts){ .state = PAMMSG_REFUSED,
	    .reason = "this machine could not judge the certificate",
	    .detail = "judge: out of memory" };
	if ((j = begin(policy, offer, memo, now, out)) != NULL)
		(void)run(j);
	free(j);
}

/* ---- the verdict ---------------------------------------------------------------- */

static int
check_signature(struct judging *j, const struct pammsg_prove *p)
{
	const struct span algorithm = { schemes[j->key].algorithm,
	    schemes[j->key].n };
	struct why why;
	struct buf b;
	int r;

	buf_init(&b, PAMMSG_SIGNED_MAX);
	r = pammsg_signed(&b, p->host, j->offer->service, j->out->account,
	    j->out->sha256, p->nonce);
	if (r == 0)
		r = sig_verify(j->spki, algorithm, (struct span){ b.data,
		    b.len }, p->signature, &why);
	else
		(void)why_set(&why, r, "%s", err_text(r));
	buf_free(&b);
	return r == 0 ? 0 : refuse(j, "the signature does not prove who you "
	    "are", "signature of %s: %s", j->out->identity, why.text);
}

/* The one place where a verdict becomes a yes. */
static void
admit(const struct judging *j, struct ipc_verdict *out)
{
	const struct decide_verdict *d = &j->decision;

	(void)snprintf(out->account, sizeof(out->account), "%s", d->account);
	(void)snprintf(out->identity, sizeof(out->identity), "%s",
	    d->identity);
	out->captured = d->captured;
	out->restrictions = d->restrictions;
	out->expires = j->verify.expires;
	if (d->until != 0 && d->until < out->expires)
		out->expires = d->until;
	out->reason[0] = out->detail[0] = '\0';
	out->outcome = IPC_OUTCOME_ADMIT;
}

static void
begin_refused(struct ipc_verdict *out, uint64_t policy)
{
	*out = (struct ipc_verdict){ .outcome = IPC_OUTCOME_REFUSED,
	    .policy = policy,
	    .reason = "this machine could not judge the signature",
	    .detail = "judge: out of memory" };
}

void
pam_judge(const struct policy *policy, const struct pammsg_offer *offer,
    struct verify_memo *memo, const struct pammsg_prove *proof, int64_t now,
    struct ipc_verdict *out)
{
	struct pammsg_facts *f = calloc(1, sizeof(*f));
	struct judging *j = f != NULL ? begin(policy, offer, memo, now, f) : NULL;
	int r;

	begin_refused(out, policy->number);
	if (j == NULL)
		goto out;
	if ((r = run(j)) == 0)
		r = check_signature(j, proof);
	(void)snprintf(out->reason, sizeof(out->reason), "%s", f->reason);
	(void)snprintf(out->detail, sizeof(out->detail), "%s", f->detail);
	(void)snprintf(out->authority, sizeof(out->authority), "%s",
	    f->authority);
	(void)snprintf(out->issuer, sizeof(out->issuer), "%s", f->issuer);
	(void)snprintf(out->serial, sizeof(out->serial), "%s", f->serial);
	out->rule_line = f->rule_line;
	if (r == 0)
		admit(j, out);
out:
	free(j);
	free(f);
}

/* ---- serving -------------------------------------------------------------------- */

struct serving {
	int channel;
	struct policy policy;
	bool have_policy;
	struct buf in[PAMMSG_OFFERS_MAX];	/* what the offers point into */
	struct pammsg_offer offer[PAMMSG_OFFERS_MAX];
	struct verify_memo memo[PAMMSG_OFFERS_MAX];
	size_t n;
	struct buf last, out;
	bool done;
};

/* Keep the message: its views are needed for the proof. */
static int
answer_offer(struct serving *s, struct rd body)
{
	static struct pammsg_facts f;
	struct buf *b = &s->in[s->n];
	int r;

	if (s->n == PAMMSG_OFFERS_MAX)
		return ERR_TOOBIG;
	buf_init(b, CHAN_MSG_MAX);
	buf_put_raw(b, body.p, body.n);
	if ((r = buf_err(b)) != 0 ||
	    (r = pammsg_offer_decode(rd_of_buf(b), &s->offer[s->n])) != 0)
		return r;
	f = (struct pammsg_facts){ .state = PAMMSG_REFUSED,
	    .reason = "this machine is not set up for certificates",
	    .detail = "judge: no policy" };
	if (s->have_policy)
		pam_facts(&s->policy, &s->offer[s->n], &s->memo[s->n],
		    (int64_t)time(NULL), &f);
	s->n++;
	return pammsg_facts_encode(&s->out, &f);
}

static int
answer_prove(struct serving *s, struct rd body)
{
	static struct ipc_verdict v;
	struct pammsg_prove p;
	int r = pammsg_prove_decode(body, &p);

	if (r != 0)
		return r;
	if (p.index >= s->n || !s->have_policy)
		return ERR_STATE;
	pam_judge(&s->policy, &s->offer[p.index], &s->memo[p.index], &p,
	    (int64_t)time(NULL), &v);
	s->done = true;
	return ipc_verdict_encode(&s->out, &v);
}

static int
answer(struct serving *s)
{
	struct chan_msg m;
	int r;

	if ((r = chan_recv(s->channel, &s->last, &m, 0)) != 0)
		return r;
	if (m.type == IPC_PAM_OFFER)
		r = answer_offer(s, m.body);
	else if (m.type == IPC_PAM_PROVE)
		r = answer_prove(s, m.body);
	else
		r = ERR_TYPE;
	return r == 0 ? chan_send(s->channel, &s->out, NULL, 0) : r;
}

static int
serve(struct serving *s)
{
	int r = 0;

	while (r == 0 && !s->done)
		r = answer(s);
	return r == ERR_EOF ? 0 : r;
}

static bool
somebody_waits(int channel)
{
	struct msghdr m = { .msg_iovlen = 0 };

	return recvmsg(channel, &m, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* While nobody asks yet: the first signature takes twice the time of the
 * second, so one is checked for practice.  What comes of it says nothing. */
static void
warm_up(int channel, const struct policy *p)
{
	const struct slice_cert *c;
	struct why why;

	if (somebody_waits(channel) || p->trust.n == 0 ||
	    p->trust.authority[0].n_anchors == 0)
		return;
	c = &p->trust.authority[0].anchor[0].cert;
	(void)sig_verify(c->spki, c->algorithm, c->tbs, c->signature, &why);
}

static struct serving *
serving_new(int channel)
{
	struct serving *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->channel = channel;
	buf_init(&s->last, CHAN_MSG_MAX);
	buf_init(&s->out, CHAN_MSG_MAX);
	return s;
}

static void
serving_free(struct serving *s)
{
	for (size_t i = 0; i < PAMMSG_OFFERS_MAX; i++)
		buf_free(&s->in[i]);
	if (s->have_policy)
		policy_free(&s->policy);
	buf_free(&s->last);
	buf_free(&s->out);
	free(s);
}

int
pam_serve(int channel, int load)
{
	struct serving *s = serving_new(channel);
	struct span bytes = { NULL, 0 };
	struct why why;
	int r, policy = -1;

	if (s == NULL)
		return ERR_NOMEM;
	r = load_serve(load, &policy);
	(void)close(load);
	if (r == 0 && policy >= 0) {
		s->have_policy = policy_map(policy, &bytes, &why) == 0 &&
		    policy_get(&s->policy, bytes, &why) == 0;
		(void)close(policy);
	}
	if (r == 0)
		r = serve(s);
	serving_free(s);
	memfile_unmap(bytes);
	return r == ERR_EOF ? 0 : r;
}

int
pam_serve_kept(int channel, struct span policy)
{
	struct serving *s = serving_new(channel);
	struct why why = { "" };
	int r;

	if (s == NULL)
		return ERR_NOMEM;
	s->have_policy = policy_get(&s->policy, policy, &why) == 0;
	r = pammsg_loaded_encode(&s->out, s->have_policy ? PAMMSG_POLICY :
	    PAMMSG_NOT_KEPT, why.text);
	if (r == 0)
		r = chan_send(channel, &s->out, NULL, 0);
	if (r == 0 && s->have_policy) {
		warm_up(channel, &s->policy);
		r = serve(s);
	}
	serving_free(s);
	return r == ERR_EOF ? 0 : r;
}
