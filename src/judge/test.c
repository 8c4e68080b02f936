#include "judge/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/path.h"
#include "idmap/decide.h"
#include "judge/words.h"
#include "proto/chan.h"
#include "x509/pem.h"
#include "x509/points.h"
#include "x509/verify.h"

/* A file holds PEM of as many certificates as are taken, with some text. */
#define FILE_MAX ((size_t)VERIFY_CHAIN_MAX * SLICE_CERT_MAX * 2)

struct testing {
	const struct policy *policy;
	const struct ipc_test *ask;
	struct ipc_tested *out;
	struct buf der;
	struct span chain[VERIFY_CHAIN_MAX];
	size_t n;
	struct why unreadable;		/* why there are none, or "" */
	unsigned skip;
	struct verify verify;
	struct decide_verdict decision;
};

/* ---- what is asked ------------------------------------------------------------- */

/* What is no certificate at all fails the first check, like one that is
 * malformed inside. */
static void
read_chain(struct testing *t, struct span text)
{
	if (pem_all(text, "CERTIFICATE", &t->der, t->chain, VERIFY_CHAIN_MAX,
	    &t->n, &t->unreadable) != 0)
		t->n = 0;
	else
		t->unreadable.text[0] = '\0';
}

static int
unknown_check(struct testing *t, const char *name)
{
	char *p = t->out->problem;
	size_t size = sizeof(t->out->problem), at;

	at = (size_t)snprintf(p, size, "no check '%s' that can be skipped; "
	    "expected of:", name);
	for (int i = 0; i < VERIFY_CHECKS && at < size; i++)
		if (i != VERIFY_FORM && i != VERIFY_PATH)
			at += (size_t)snprintf(p + at, size - at, " %s",
			    verify_name((enum verify_check)i));
	return ERR_MALFORMED;
}

static int
read_skip(struct testing *t)
{
	char list[IPC_TEXT_MAX], *save = NULL;

	(void)snprintf(list, sizeof(list), "%s", t->ask->skip);
	for (char *name = strtok_r(list, ",", &save); name != NULL;
	    name = strtok_r(NULL, ",", &save)) {
		int check = verify_by_name(name);

		if (check < 0 || check == VERIFY_FORM || check == VERIFY_PATH)
			return unknown_check(t, name);
		t->skip |= VERIFY_BIT(check);
	}
	return 0;
}

/* ---- answering ------------------------------------------------------------------- */

static uint8_t
result_of(enum verify_result r)
{
	switch (r) {
	case VERIFY_PASSED:
		return IPC_CHECK_PASSED;
	case VERIFY_SKIPPED:
		return IPC_CHECK_SKIPPED;
	case VERIFY_FAILED:
		return IPC_CHECK_FAILED;
	case VERIFY_NOT_RUN:
	default:
		return IPC_CHECK_NOT_RUN;
	}
}

/* As the map writes it. */
static void
put_hash(char dst[IPC_HASH_MAX], const uint8_t hash[32])
{
	int n = snprintf(dst, IPC_HASH_MAX, "sha256:");

	words_hex(dst + n, IPC_HASH_MAX - (size_t)n, hash, 32);
}

static void
report_facts(const struct facts *f, struct ipc_tested *out)
{
	(void)snprintf(out->subject, sizeof(out->subject), "%s", f->subject);
	(void)snprintf(out->issuer, sizeof(out->issuer), "%s", f->issuer);
	words_hex(out->serial, sizeof(out->serial), f->serial, f->serial_len);
	put_hash(out->spki, f->spki_sha256);
	put_hash(out->cert, f->cert_sha256);
	out->not_before = f->not_before;
	out->not_after = f->not_after;
	for (size_t i = 0; i < f->n_names && i < IPC_NAMES_MAX; i++)
		(void)snprintf(out->name[out->n_names++],
		    sizeof(out->name[0]), "%s=%s",
		    facts_field_name(f->names[i].field), f->names[i].value);
}

/* Where its CRL is, for a person to copy. */
static void
report_points(struct span leaf, struct ipc_tested *out)
{
	struct slice_cert cut;
	struct points p;
	struct why why;

	if (slice_cert(leaf, &cut, &why) != 0 ||
	    points_read(cut.extensions, &p, &why) != 0) {
		(void)snprintf(out->points_problem,
		    sizeof(out->points_problem), "%.255s", why.text);
		return;
	}
	for (size_t i = 0; i < p.n && i < IPC_POINTS_MAX; i++)
		(void)snprintf(out->point[out->n_points++],
		    sizeof(out->point[0]), "%s", p.uri[i]);
	if (p.more > 0)
		(void)snprintf(out->points_problem,
		    sizeof(out->points_problem), "%zu more", p.more);
}

static void
report_checks(const struct verify *v, struct ipc_tested *out)
{
	out->n = VERIFY_CHECKS;
	for (size_t i = 0; i < VERIFY_CHECKS; i++) {
		struct ipc_check *c = &out->check[i];

		(void)snprintf(c->name, sizeof(c->name), "%s",
		    verify_name((enum verify_check)i));
		(void)snprintf(c->section, sizeof(c->section), "%s",
		    verify_section((enum verify_check)i));
		(void)snprintf(c->text, sizeof(c->text), "%s",
		    v->check[i].text);
		c->result = result_of(v->check[i].result);
	}
	/* none did: VERIFY_CHECKS, which is no index */
	out->failed = v->failed < VERIFY_CHECKS ? (uint8_t)v->failed : 0;
	(void)snprintf(out->reason, sizeof(out->reason), "%s", v->reason);
	(void)snprintf(out->detail, sizeof(out->detail), "%s", v->detail);
	if (v->authority != NULL)
		(void)snprintf(out->authority, sizeof(out->authority), "%s",
		    v->authority->rules.name);
	if (v->have_facts)
		report_facts(&v->facts, out);
	out->expires = v->expires;
	out->accepted = v->outcome == VERIFY_ACCEPTED;
}

static void
report_decision(const struct decide_verdict *d, struct ipc_tested *out)
{
	out->decided = true;
	(void)snprintf(out->why, sizeof(out->why), "%s",
	    decide_reason_name(d->reason));
	(void)snprintf(out->text, sizeof(out->text), "%s", d->text);
	(void)snprintf(out->advice, sizeof(out->advice), "%s", d->advice);
	(void)snprintf(out->account, sizeof(out->account), "%s", d->account);
	(void)snprintf(out->identity, sizeof(out->identity), "%s",
	    d->identity);
	(void)snprintf(out->command, sizeof(out->command), "%s",
	    d->command != NULL ? d->command : "");
	out->rule_line = d->rule_line;
	out->captured = d->captured;
	out->restrictions = d->restrictions;
	out->until = d->until;
	out->allowed = d->outcome == DECIDE_ALLOW;
}

/* A time before the authority's newest CRL is not taken: say so. */
static void
report_time(struct testing *t)
{
	const struct trust_authority *a = t->verify.authority;
	struct tm tm;
	time_t used;
	char when[32];

	if (t->out->detail[0] != '\0' || a == NULL ||
	    trust_time(a, t->ask->now) == t->ask->now)
		return;
	used = (time_t)trust_time(a, t->ask->now);
	if (gmtime_r(&used, &tm) == NULL || strftime(when, sizeof(when),
	    "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		return;
	(void)snprintf(t->out->detail, sizeof(t->out->detail), "judged as of "
	    "%s, the newest CRL of authority %s: no clock is behind that",
	    when, a->rules.name);
}

/* ---- the same two questions as at a login -------------------------------------------- */

static void
ask_checks(struct testing *t)
{
	const struct verify_ask ask = {
		.trust = &t->policy->trust, .chain = t->chain, .n = t->n,
		.server = t->ask->server,
		.host = t->ask->host[0] != '\0' ? t->ask->host : NULL,
		.now = t->ask->now, .signatures = VERIFY_SIGNATURES_TOOL,
		.skip = t->skip,
	};

	verify(&ask, &t->verify);
	if (t->unreadable.text[0] != '\0') {
		t->verify.outcome = VERIFY_REFUSED;
		(void)snprintf(t->verify.detail, sizeof(t->verify.detail),
		    "%s", t->unreadable.text);
		(void)snprintf(t->verify.check[VERIFY_FORM].text,
		    sizeof(t->verify.check[VERIFY_FORM].text), "%.255s",
		    t->unreadable.text);
	}
	report_checks(&t->verify, t->out);
	/* once a CA vouched for it */
	if (t->verify.have_facts)
		report_points(t->chain[0], t->out);
	report_time(t);
}

static void
ask_map(struct testing *t)
{
	struct decide_ask ask = {
		.facts = &t->verify.facts,
		.authority = &t->policy->authority[t->verify.authority -
		    t->policy->trust.authority],
		.account = t->ask->account, .preferred = "",
		.service = t->ask->service,
		.local = strcmp(t->ask->service, DECIDE_NETWORK_SERVICE) != 0,
		.address_len = t->ask->address.n,
		.now = trust_time(t->verify.authority, t->ask->now),
	};

	memcpy(ask.address, t->ask->address.p, t->ask->address.n);
	decide(&t->policy->locks, &t->policy->map, &ask, &t->decision);
	report_decision(&t->decision, t->out);
}

void
test_judge(const struct policy *policy, struct span certificates,
    const struct ipc_test *ask, struct ipc_tested *out)
{
	struct testing *t = calloc(1, sizeof(*t));

	*out = (struct ipc_tested){ .problem = "out of memory" };
	if (t == NULL)
		return;
	t->policy = policy;
	t->ask = ask;
	t->out = out;
	buf_init(&t->der, FILE_MAX);
	read_chain(t, certificates);
	if (read_skip(t) == 0) {
		out->problem[0] = '\0';
		ask_checks(t);
		if (!ask->verify_only && out->accepted)
			ask_map(t);
	}
	buf_free(&t->der);
	free(t);
}

/* ---- serving ------------------------------------------------------------------------- */

static int
answer(int channel, struct span policy, struct chan_msg *m, struct buf *b)
{
	static struct ipc_test ask;
	static struct ipc_tested out;
	struct policy p;
	struct buf file;
	struct why why;
	int r;

	if (m->type != IPC_JUDGE_TEST || m->n_fds != 1)
		return ERR_TYPE;
	if ((r = ipc_test_decode(m->body, &ask)) != 0)
		return r;
	buf_init(&file, FILE_MAX + 1);
	out = (struct ipc_tested){ .n = 0 };
	if (path_read(m->fds[0], FILE_MAX, &file, &why) != 0 ||
	    policy_get(&p, policy, &why) != 0)
		(void)snprintf(out.problem, sizeof(out.problem), "%s",
		    why.text);
	else {
		test_judge(&p, rd_rest(&(struct rd){ .p = file.data,
		    .n = file.len }), &ask, &out);
		policy_free(&p);
	}
	buf_free(&file);
	if ((r = ipc_tested_encode(b, &out)) != 0)
		return r;
	return chan_send(channel, b, NULL, 0);
}

int
test_serve(int channel, struct span policy)
{
	struct chan_msg m;
	struct buf in, out;
	int r;

	buf_init(&in, CHAN_MSG_MAX);
	buf_init(&out, CHAN_MSG_MAX);
	if ((r = chan_recv(channel, &in, &m, 1)) == 0) {
		r = answer(channel, policy, &m, &out);
		chan_close_fds(&m);
	}
	buf_free(&in);
	buf_free(&out);
	return r;
}
