#include "x509/verify.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "x509/verify_run.h"

#define EMPTY_NAME 2		/* bytes of a Name that says nothing */

static const struct {
	const char *name, *section;
} checks[VERIFY_CHECKS] = {
	[VERIFY_FORM] = { "form", "RFC 5280 4.1" },
	[VERIFY_PATH] = { "path", "RFC 5280 6.1.3 (a)(1)" },
	[VERIFY_PROFILE] = { "profile", "RFC 8446 4.2.3" },
	[VERIFY_ISSUERS] = { "issuers", "RFC 5280 6.1.4" },
	[VERIFY_VALIDITY] = { "validity", "RFC 5280 4.1.2.5" },
	[VERIFY_VERSION] = { "version", "RFC 5280 4.1.2.1" },
	[VERIFY_NOT_CA] = { "not-ca", "RFC 5280 4.2.1.9" },
	[VERIFY_PURPOSE] = { "purpose", "RFC 5280 4.2.1.12" },
	[VERIFY_USAGE] = { "usage", "RFC 5280 4.2.1.3" },
	[VERIFY_CRITICAL] = { "critical", "RFC 5280 4.2" },
	[VERIFY_NAME_FORMS] = { "name-forms", "RFC 5280 4.2.1.6" },
	[VERIFY_NAMES] = { "names", "trust.conf names=" },
	[VERIFY_LIFETIME] = { "lifetime", "trust.conf max-lifetime=" },
	[VERIFY_REVOCATION] = { "revocation", "RFC 5280 6.3" },
	[VERIFY_HOST] = { "host", "RFC 9525 6.3" },
};

const char *
verify_name(enum verify_check check)
{
	return (unsigned)check < VERIFY_CHECKS ? checks[check].name : "";
}

const char *
verify_section(enum verify_check check)
{
	return (unsigned)check < VERIFY_CHECKS ? checks[check].section : "";
}

int
verify_by_name(const char *name)
{
	for (int i = 0; i < VERIFY_CHECKS; i++)
		if (strcmp(checks[i].name, name) == 0)
			return i;
	return -1;
}

/* ---- reports ------------------------------------------------------------ */

static void
start_report(struct verify *v)
{
	memset(v, 0, sizeof(*v));
	v->outcome = VERIFY_REFUSED;
	v->failed = VERIFY_FORM;
	v->alert = TLS_ALERT_BAD_CERTIFICATE;
	(void)snprintf(v->reason, sizeof(v->reason),
	    "the certificate was not checked");
	(void)snprintf(v->detail, sizeof(v->detail), "%s", v->reason);
}

bool
verify_fail(struct verify_run *r, enum verify_check check,
    enum tls_alert alert, const char *reason, const char *text, ...)
{
	bool skip = check != VERIFY_FORM && check != VERIFY_PATH &&
	    (r->skip & VERIFY_BIT(check)) != 0;
	struct verify *v = &r->at;
	char *what = v->check[check].text;
	va_list ap;

	v->check[check].result = skip ? VERIFY_SKIPPED : VERIFY_FAILED;
	va_start(ap, text);
	(void)vsnprintf(what, sizeof(v->check[check].text), text, ap);
	va_end(ap);
	if (skip)
		return true;
	v->outcome = VERIFY_REFUSED;
	v->failed = check;
	v->alert = alert;
	(void)snprintf(v->reason, sizeof(v->reason), "%s", reason);
	(void)snprintf(v->detail, sizeof(v->detail), "%s: %s [%s]", r->where,
	    what, verify_section(check));
	return false;
}

bool
verify_pass(struct verify_run *r, enum verify_check check, const char *text,
    ...)
{
	struct verify *v = &r->at;
	va_list ap;

	if (v->check[check].result == VERIFY_SKIPPED)
		return true;
	v->check[check].result = VERIFY_PASSED;
	va_start(ap, text);
	(void)vsnprintf(v->check[check].text, sizeof(v->check[check].text),
	    text, ap);
	va_end(ap);
	return true;
}

/* Of bytes as they are: nothing of the certificate is decoded. */
void
verify_where(struct verify_run *r, size_t i)
{
	char serial[SLICE_SERIAL_MAX * 2 + 1] = "";
	struct span s = r->cert[i].cut.serial;

	for (size_t k = 0; k < s.n && k < SLICE_SERIAL_MAX; k++)
		(void)snprintf(serial + 2 * k, 3, "%02x", s.p[k]);
	(void)snprintf(r->where, sizeof(r->where),
	    "certificate %zu of %zu (serial %s)", i + 1, r->ask->n, serial);
}

const char *
verify_time_text(char dst[VERIFY_TIME_MAX], int64_t t, bool day)
{
	time_t when = (time_t)t;
	struct tm tm;

	if (gmtime_r(&when, &tm) == NULL || strftime(dst, VERIFY_TIME_MAX,
	    day ? "%Y-%m-%d" : "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		(void)snprintf(dst, VERIFY_TIME_MAX, "%lld", (long long)t);
	return dst;
}

/* ---- the chain given ---------------------------------------------------- */

static bool
class_fits(const struct verify_run *r, const struct trust_authority *a)
{
	return (a->rules.class == FACTS_HOST) == r->ask->server;
}

/* Is there an anchor with this certificate's bytes, or its key?  NULL if
 * not; where it is a path ends, so it is no part of one. */
static const struct trust_authority *
anchor_of(const struct verify_run *r, const struct slice_cert *c, bool key)
{
	const struct trust *t = r->ask->trust;

	for (size_t a = 0; a < t->n; a++)
		for (size_t i = 0; i < t->authority[a].n_anchors; i++) {
			const struct slice_cert *k =
			    &t->authority[a].anchor[i].cert;

			if (key ? span_eq(k->spki, c->spki) :
			    span_eq(k->whole, c->whole))
				return &t->authority[a];
		}
	return NULL;
}

static bool
is_duplicate(const struct verify_run *r, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (span_eq(r->ask->chain[k], r->ask->chain[i]))
			return true;
	return false;
}

/* Cut every certificate.  The leaf must be sound; others that are not are no
 * part of any path. */
static bool
check_form(struct verify_run *r)
{
	const struct verify_ask *ask = r->ask;
	struct why why;

	(void)snprintf(r->where, sizeof(r->where), "chain of %zu "
	    "certificates", ask->n);
	if (ask->n == 0 || ask->n > VERIFY_CHAIN_MAX)
		return verify_fail(r, VERIFY_FORM, TLS_ALERT_BAD_CERTIFICATE,
		    "too many certificates, or none", "expected 1 to %d",
		    VERIFY_CHAIN_MAX);
	r->n = ask->n;
	for (size_t i = 0; i < r->n; i++) {
		struct verify_cert *c = &r->cert[i];

		if (slice_cert(ask->chain[i], &c->cut, &why) == 0)
			c->usable = !is_duplicate(r, i) &&
			    anchor_of(r, &c->cut, false) == NULL;
		else if (i == 0)
			return verify_fail(r, VERIFY_FORM,
			    TLS_ALERT_BAD_CERTIFICATE,
			    "the certificate is damaged", "%.200s", why.text);
	}
	verify_where(r, 0);
	return verify_pass(r, VERIFY_FORM, "%zu certificate%s", r->n,
	    r->n == 1 ? "" : "s");
}

/* Not the anchor itself, nor another certificate for its key. */
static bool
check_not_anchor(struct verify_run *r)
{
	const struct trust_authority *a;

	if ((a = anchor_of(r, &r->cert[0].cut, true)) == NULL)
		return true;
	return verify_fail(r, VERIFY_NOT_CA, TLS_ALERT_BAD_CERTIFICATE,
	    "the certificate is that of a CA",
	    "has the key of an anchor of authority %s: expected a "
	    "certificate that a CA issued", a->rules.name);
}

/* ---- search ------------------------------------------------------------- */

/* Keep the report that came furthest. */
static void
keep(const struct verify_run *r, struct verify *out, bool *have)
{
	bool better = r->at.outcome == VERIFY_ACCEPTED || !*have ||
	    r->at.failed > out->failed ||
	    (r->exhausted && r->at.failed == out->failed);

	if (better)
		*out = r->at;
	*have = true;
}

/* One path with its anchor: every check in order. */
static void
try_path(struct verify_run *r)
{
	struct verify *v = &r->at;
	enum verify_result form = VERIFY_PASSED;
	char text[sizeof(v->check[0].text)];

	(void)snprintf(text, sizeof(text), "%s", v->check[VERIFY_FORM].text);
	start_report(v);
	v->check[VERIFY_FORM].result = form;
	(void)snprintf(v->check[VERIFY_FORM].text, sizeof(text), "%s", text);
	r->now = trust_time(r->authority, r->ask->now);
	if (verify_path(r) && verify_leaf(r)) {
		v->alert = TLS_ALERT_NONE;
		v->reason[0] = v->detail[0] = '\0';
		v->failed = VERIFY_CHECKS;
		v->outcome = VERIFY_ACCEPTED;
	}
}

static bool
names_issuer(struct span subject, struct span issuer)
{
	return issuer.n > EMPTY_NAME && span_eq(subject, issuer);
}

static bool
in_path(const struct verify_run *r, size_t i)
{
	for (size_t k = 0; k < r->depth; k++)
		if (r->path[k] == i)
			return true;
	return false;
}

static bool
is_over(const struct verify_run *r, const struct verify *out)
{
	return r->exhausted || out->outcome == VERIFY_ACCEPTED;
}

/* The path's last certificate: does an anchor bear the name of its issuer? */
static void
try_anchors(struct verify_run *r, struct span issuer, struct verify *out,
    bool *have)
{
	const struct trust *t = r->ask->trust;

	for (size_t a = 0; a < t->n && !is_over(r, out); a++) {
		r->authority = &t->authority[a];
		if (!class_fits(r, r->authority))
			continue;
		for (size_t i = 0; i < r->authority->n_anchors &&
		    !is_over(r, out); i++) {
			r->anchor = &r->authority->anchor[i];
			if (!names_issuer(r->anchor->cert.subject, issuer))
				continue;
			try_path(r);
			keep(r, out, have);
		}
	}
}

/* Anchors first, so that the shortest path wins; then one certificate more.
 * No deeper than VERIFY_DEPTH_MAX. */
static void
search(struct verify_run *r, struct verify *out, bool *have)
{
	struct span issuer = r->cert[r->path[r->depth - 1]].cut.issuer;

	try_anchors(r, issuer, out, have);
	if (r->depth + 1 == VERIFY_DEPTH_MAX)
		return;
	for (size_t i = 1; i < r->n && !is_over(r, out); i++) {
		if (!r->cert[i].usable || in_path(r, i) ||
		    !names_issuer(r->cert[i].cut.subject, issuer))
			continue;
		r->path[r->depth++] = i;
		search(r, out, have);
		r->depth--;
	}
}

static bool
is_issuer_of_any(const struct verify_run *r, struct span subject)
{
	for (size_t i = 0; i < r->n; i++)
		if ((i == 0 || r->cert[i].usable) &&
		    names_issuer(subject, r->cert[i].cut.issuer))
			return true;
	return false;
}

/* Is an authority of the other kind named as issuer of one of them? */
static const char *
other_class(const struct verify_run *r)
{
	const struct trust *t = r->ask->trust;

	for (size_t a = 0; a < t->n; a++) {
		const struct trust_authority *as = &t->authority[a];

		if (class_fits(r, as))
			continue;
		for (size_t k = 0; k < as->n_anchors; k++)
			if (is_issuer_of_any(r, as->anchor[k].cert.subject))
				return as->rules.name;
	}
	return NULL;
}

/* No anchor has the name of any issuer. */
static void
unknown_ca(struct verify_run *r)
{
	const char *other = other_class(r);
	const char *class = r->ask->server ? "host" : "user or device";

	if (other != NULL)
		(void)verify_fail(r, VERIFY_PATH, TLS_ALERT_UNKNOWN_CA,
		    "unknown certificate authority", "its issuer bears the "
		    "name of an anchor of authority %s: expected one of class "
		    "%s, within %d certificates", other, class,
		    VERIFY_DEPTH_MAX);
	else
		(void)verify_fail(r, VERIFY_PATH, TLS_ALERT_UNKNOWN_CA,
		    "unknown certificate authority", "no anchor of class %s "
		    "bears the name of its issuer, nor of another within %d "
		    "certificates", class, VERIFY_DEPTH_MAX);
}

void
verify(const struct verify_ask *ask, struct verify *out)
{
	struct verify_run r = { .ask = ask, .skip = ask->skip };
	bool have = false;

	start_report(out);
	start_report(&r.at);
	r.memo = ask->memo != NULL ? ask->memo : &r.own;
	r.budget = ask->signatures < VERIFY_SIGNATURES_TOOL ?
	    ask->signatures : VERIFY_SIGNATURES_TOOL;
	if (!check_form(&r) || !check_not_anchor(&r)) {
		*out = r.at;
		return;
	}
	r.path[r.depth++] = 0;
	search(&r, out, &have);
	if (!have) {
		unknown_ca(&r);
		*out = r.at;
	}
}
