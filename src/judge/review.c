#include "judge/review.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "idmap/decide.h"
#include "judge/clock.h"
#include "judge/transcript.h"
#include "judge/words.h"
#include "proto/chan.h"
#include "x509/slice.h"
#include "x509/verify.h"

struct review {
	const struct policy *policy;
	const struct ipc_proof *proof;
	int64_t now;
	struct transcript transcript;
	struct verify verify;
	bool stale;			/* no fresh CRL */
	bool expired;			/* some certificate of the path */
	const struct trust_authority *authority;
	int64_t effective;		/* now, for the authority */
	struct decide_verdict decision;
	struct ipc_reviewed *out;
};

/* The one place where a review becomes an end. */
__attribute__((format(printf, 4, 5)))
static int
end(struct review *r, enum ipc_review_why why, const char *reason,
    const char *fmt, ...)
{
	struct ipc_reviewed *v = r->out;
	char whose[IPC_TEXT_MAX / 2];
	size_t n;
	va_list ap;

	v->why = (uint8_t)why;
	(void)snprintf(v->reason, sizeof(v->reason), "%s", reason);
	va_start(ap, fmt);
	(void)vsnprintf(v->detail, sizeof(v->detail), fmt, ap);
	va_end(ap);
	n = strlen(v->detail);
	words_certificate(&r->verify, whose, sizeof(whose));
	(void)snprintf(v->detail + n, sizeof(v->detail) - n, "%s", whose);
	v->outcome = IPC_REVIEW_END;
	return ERR_REFUSED;
}

/* ---- the steps, in order ------------------------------------------------ */

static int
read_transcript(struct review *r)
{
	const struct span any = { NULL, 0 };
	struct why why;

	if (transcript_read(r->proof->transcript, r->proof->random, any,
	    &r->transcript, &why) == 0)
		return 0;
	return end(r, IPC_REVIEW_UNTRUSTED, "the handshake does not prove "
	    "who you are", "transcript: %s", why.text);
}

static bool
failed_by_time(const struct verify *v)
{
	return v->outcome != VERIFY_ACCEPTED &&
	    v->alert == TLS_ALERT_CERTIFICATE_EXPIRED;
}

static bool
failed_by_crl(const struct verify *v)
{
	return v->outcome != VERIFY_ACCEPTED && v->have_facts &&
	    v->failed == VERIFY_REVOCATION &&
	    v->alert == TLS_ALERT_CERTIFICATE_UNKNOWN;
}

/* A path that is valid now counts before one that was. */
static int
check_trust(struct review *r)
{
	struct verify_ask ask = {
		.trust = &r->policy->trust, .chain = r->transcript.chain,
		.n = r->transcript.n, .now = r->now,
		.signatures = VERIFY_SIGNATURES_LOGIN,
	};
	const struct verify *v = &r->verify;

	verify(&ask, &r->verify);
	if (failed_by_time(v)) {
		ask.any_time = true;
		verify(&ask, &r->verify);
	}
	r->stale = failed_by_crl(v);
	if (v->outcome != VERIFY_ACCEPTED && !r->stale)
		return end(r, v->alert == TLS_ALERT_CERTIFICATE_REVOKED ?
		    IPC_REVIEW_REVOKED : IPC_REVIEW_UNTRUSTED, v->reason,
		    "%s", v->detail);
	r->authority = v->authority;
	r->effective = trust_time(v->authority, r->now);
	/* not valid yet can only be the clock's fault */
	r->expired = r->effective > v->expires;
	return 0;
}

/* Judged once before; a judge that was captured then may have lied. */
static int
check_signature(struct review *r)
{
	struct slice_cert leaf;
	struct why why;

	if (slice_cert(r->transcript.chain[0], &leaf, &why) == 0 &&
	    transcript_verify(&r->transcript, leaf.spki, &why) == 0)
		return 0;
	return end(r, IPC_REVIEW_UNTRUSTED, "the handshake does not prove "
	    "who you are", "%s", why.text);
}

static int
check_expiry(struct review *r)
{
	if (!r->expired || r->authority->rules.on_expiry ==
	    TRUST_EXPIRY_KEEP)
		return 0;
	return end(r, IPC_REVIEW_EXPIRED, "the certificate, or one of a CA "
	    "above it, has expired", "expired, and on-expiry of authority %s "
	    "is end", r->authority->rules.name);
}

static int
check_stale(struct review *r)
{
	if (!r->stale || r->authority->rules.on_stale == TRUST_STALE_KEEP)
		return 0;
	return end(r, IPC_REVIEW_STALE, r->verify.reason, "%s; on-stale of "
	    "authority %s is end", r->verify.detail,
	    r->authority->rules.name);
}

static enum ipc_review_why
why_decided(const struct decide_verdict *d)
{
	if (d->reason == DECIDE_LOCKED)
		return IPC_REVIEW_LOCKED;
	if (d->reason == DECIDE_ENDED)
		return IPC_REVIEW_EXPIRED;
	return d->outcome == DECIDE_DENY ? IPC_REVIEW_DENIED :
	    IPC_REVIEW_NO_RULE;
}

static int
ask_map(struct review *r)
{
	const struct policy *p = r->policy;
	struct decide_verdict *d = &r->decision;
	struct decide_ask ask = {
		.facts = &r->verify.facts,
		.authority = &p->authority[r->authority - p->trust.authority],
		.account = r->proof->account, .preferred = "",
		.service = DECIDE_NETWORK_SERVICE,
		.address_len = r->proof->address.n,
		.now = r->effective,
		.ended_too = r->authority->rules.on_expiry ==
		    TRUST_EXPIRY_KEEP,
	};

	memcpy(ask.address, r->proof->address.p, r->proof->address.n);
	decide(&p->locks, &p->map, &ask, d);
	r->out->rule_line = d->rule_line;
	/* what could not be judged ends nobody */
	if (d->reason == DECIDE_DAMAGED) {
		(void)snprintf(r->out->detail, sizeof(r->out->detail), "%s",
		    d->text);
		return ERR_MALFORMED;
	}
	if (d->outcome != DECIDE_ALLOW)
		return end(r, why_decided(d), d->advice, "%s (%s): %s",
		    decide_refusal(d), decide_reason_name(d->reason),
		    d->text);
	if (d->captured && r->proof->literal)
		return end(r, IPC_REVIEW_NO_RULE, "your certificate is "
		    "trusted, but mapped to no account here", "account %s is "
		    "privileged, and the rule of line %u does not name it "
		    "literally", d->account, d->rule_line);
	return 0;
}

/* What the rule forbids now cannot be taken from a shell that runs. */
static int
check_restrictions(struct review *r)
{
	const struct decide_verdict *d = &r->decision;
	const struct ipc_proof *p = r->proof;
	const char *command = d->command != NULL ? d->command : "";
	const char *what = NULL;

	if ((d->restrictions & IPC_FORCED_COMMAND) != 0 &&
	    ((p->restrictions & IPC_FORCED_COMMAND) == 0 ||
	    strcmp(command, p->command) != 0))
		what = "another command=";
	else if ((d->restrictions & ~p->restrictions) != 0)
		what = "a restriction";
	if (what == NULL)
		return 0;
	return end(r, IPC_REVIEW_RESTRICTED, "what your certificate may do "
	    "here has changed; log in again", "the rule of line %u now has %s "
	    "that this session was begun without", d->rule_line, what);
}

static int (*const steps[])(struct review *) = {
	read_transcript,
	check_trust,
	check_signature,
	check_expiry,
	check_stale,
	ask_map,
	check_restrictions,
};

/* ---- the answer --------------------------------------------------------- */

/* The earlier of two moments, of which 0 is none. */
static int64_t
earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* When the certificate's last second, the rule's end or, where that matters,
 * the CRL's last second is next; 0 when none of them is ahead. */
static int64_t
next_expiry(const struct review *r)
{
	int64_t last = r->verify.expires, end = r->decision.until, fresh = 0;

	if (last < r->effective)
		last = 0;
	if (end <= r->effective)
		end = 0;
	if (r->authority->rules.on_stale == TRUST_STALE_END)
		fresh = trust_fresh_until(r->authority, r->effective);
	return earlier(earlier(last, end), fresh);
}

/* The one place where it stands. */
static void
keep(struct review *r)
{
	r->out->expires = next_expiry(r);
	r->out->detail[0] = '\0';
	r->out->outcome = IPC_REVIEW_KEEP;
}

static void
begin_undecided(struct ipc_reviewed *out, const char *detail)
{
	*out = (struct ipc_reviewed){ .outcome = IPC_REVIEW_NONE };
	(void)snprintf(out->detail, sizeof(out->detail), "%s", detail);
}

void
review_judge(const struct policy *policy, const struct ipc_proof *p,
    int64_t now, struct ipc_reviewed *out)
{
	struct review *r = calloc(1, sizeof(*r));
	int rc = 0;

	begin_undecided(out, "out of memory");
	if (r == NULL)
		return;
	r->policy = policy;
	r->proof = p;
	r->now = now;
	r->out = out;
	for (size_t i = 0; rc == 0 && i < sizeof(steps) / sizeof(steps[0]);
	    i++)
		rc = steps[i](r);
	if (rc == 0)
		keep(r);
	free(r);
}

/* ---- serving ------------------------------------------------------------ */

struct server {
	int channel;
	struct policy policy;
	struct map trial;		/* in place of its map, or empty */
	struct buf in, out;
	bool asked;			/* no other map from now on */
};

/* Of the policy's map, with that of fd in its place. */
static int
try_map(struct server *s, int fd, const char *name, struct diag *diag)
{
	struct map map;
	struct buf text;
	struct why why;
	int r;

	buf_init(&text, MAP_FILE_MAX + 1);
	if ((r = path_read(fd, MAP_FILE_MAX, &text, &why)) != 0)
		diag_add(diag, DIAG_ERROR, name, 0, 0, "%s", why.text);
	else
		r = map_parse(&map, name, text.data != NULL ?
		    (const char *)text.data : "", text.len,
		    s->policy.authority, s->policy.trust.n, diag);
	buf_free(&text);
	if (r != 0)
		return r;
	map_free(&s->trial);
	s->trial = map;
	s->policy.map = ruleset_of_map(&s->trial);
	return 0;
}

static int
answer_begin(struct server *s, struct chan_msg *m)
{
	struct ipc_load_begin *begin = calloc(1, sizeof(*begin));
	struct ipc_load_done *done = calloc(1, sizeof(*done));
	struct diag diag;
	int r = ERR_NOMEM;

	diag_init(&diag);
	if (begin == NULL || done == NULL)
		goto out;
	if (s->asked || m->n_fds != 1) {
		r = ERR_STATE;
		goto out;
	}
	if ((r = ipc_load_begin_decode(m->body, begin)) != 0)
		goto out;
	done->ok = try_map(s, m->fds[0], begin->map, &diag) == 0;
	done->rules = (uint32_t)s->trial.n;
	if ((r = ipc_load_done_encode(&s->out, done, &diag)) == 0)
		r = chan_send(s->channel, &s->out, NULL, 0);
out:
	diag_free(&diag);
	free(begin);
	free(done);
	return r;
}

/* What cannot be read was not judged. */
static void
judge_file(const struct server *s, int fd, struct ipc_reviewed *out)
{
	static struct ipc_proof p;
	struct buf bytes;
	struct why why;

	buf_init(&bytes, IPC_PROOF_MAX + 1);
	if (path_read(fd, IPC_PROOF_MAX, &bytes, &why) != 0)
		begin_undecided(out, why.text);
	else if (ipc_proof_get(rd_of_buf(&bytes), &p) != 0)
		begin_undecided(out, "the session has registered no proof of "
		    "its login");
	else
		review_judge(&s->policy, &p, clock_now(), out);
	buf_free(&bytes);
}

static int
answer_review(struct server *s, struct chan_msg *m)
{
	static struct ipc_reviewed v;
	uint64_t session;
	int r = ipc_review_decode(m->body, &session);

	if (r != 0 || m->n_fds != 1)
		return r != 0 ? r : ERR_MALFORMED;
	judge_file(s, m->fds[0], &v);
	v.session = session;
	if ((r = ipc_reviewed_encode(&s->out, &v)) != 0)
		return r;
	return chan_send(s->channel, &s->out, NULL, 0);
}

static int
one_message(struct server *s)
{
	struct chan_msg m;
	int r = chan_recv(s->channel, &s->in, &m, 1);

	if (r != 0)
		return r;
	if (m.type == IPC_JUDGE_REVIEW)
		r = answer_review(s, &m);
	else if (m.type == IPC_LOAD_BEGIN)
		r = answer_begin(s, &m);
	else
		r = ERR_TYPE;
	s->asked = true;
	chan_close_fds(&m);
	return r;
}

int
review_serve(int channel, struct span policy)
{
	struct server *s = calloc(1, sizeof(*s));
	struct why why;
	int r;

	if (s == NULL)
		return ERR_NOMEM;
	s->channel = channel;
	buf_init(&s->in, CHAN_MSG_MAX);
	buf_init(&s->out, CHAN_MSG_MAX);
	if ((r = policy_get(&s->policy, policy, &why)) == 0)
		while ((r = one_message(s)) == 0)
			;
	buf_free(&s->in);
	buf_free(&s->out);
	map_free(&s->trial);
	policy_free(&s->policy);
	free(s);
	return r == ERR_EOF ? 0 : r;
}
