/* The leaf, which an anchor's key vouches for: one function a check. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "x509/cert.h"
#include "x509/pattern.h"
#include "x509/sig.h"
#include "x509/verify_run.h"

#define ALERT_BAD TLS_ALERT_BAD_CERTIFICATE
#define ALERT_UNSUPPORTED TLS_ALERT_UNSUPPORTED_CERTIFICATE
#define EMPTY_NAME 2		/* bytes of a Name that says nothing */
#define DAY 86400

static bool
check_validity(struct verify_run *r)
{
	const struct verify_cert *c = &r->cert[0];
	char from[VERIFY_TIME_MAX], to[VERIFY_TIME_MAX], now[VERIFY_TIME_MAX];
	char reason[128];

	(void)verify_time_text(from, c->not_before, false);
	(void)verify_time_text(to, c->not_after, false);
	(void)verify_time_text(now, r->now, false);
	if (r->ask->any_time)
		return verify_pass(r, VERIFY_VALIDITY, "%s to %s, not looked "
		    "at", from, to);
	if (r->now > c->not_after) {
		(void)snprintf(reason, sizeof(reason), "the certificate "
		    "expired on %s", to);
		return verify_fail(r, VERIFY_VALIDITY,
		    TLS_ALERT_CERTIFICATE_EXPIRED, reason, "expired on %s, "
		    "at %s", to, now);
	}
	if (r->now < c->not_before) {
		(void)snprintf(reason, sizeof(reason), "the certificate is "
		    "not yet valid, but from %s", from);
		return verify_fail(r, VERIFY_VALIDITY,
		    TLS_ALERT_CERTIFICATE_EXPIRED, reason, "not yet valid, "
		    "but from %s, at %s", from, now);
	}
	return verify_pass(r, VERIFY_VALIDITY, "%s to %s", from, to);
}

static bool
check_version(struct verify_run *r)
{
	unsigned v = r->cert[0].cut.version;

	return v == 3 ? verify_pass(r, VERIFY_VERSION, "v3") :
	    verify_fail(r, VERIFY_VERSION, ALERT_UNSUPPORTED,
	    "the certificate is of an old version", "v%u: expected v3", v);
}

static bool
check_not_ca(struct verify_run *r)
{
	const struct ext *e = &r->cert[0].ext;

	if (e->ca)
		return verify_fail(r, VERIFY_NOT_CA, ALERT_BAD,
		    "the certificate is that of a CA", "CA:TRUE: expected a "
		    "certificate that issues none");
	if (e->have_constraints)
		return verify_fail(r, VERIFY_NOT_CA, ALERT_BAD,
		    "the certificate has a CA's extensions",
		    "nameConstraints: expected in a CA's certificate only "
		    "(RFC 5280 4.2.1.10)");
	return verify_pass(r, VERIFY_NOT_CA, "no CA");
}

static bool
check_purpose(struct verify_run *r)
{
	const struct ext *e = &r->cert[0].ext;
	unsigned fits = r->ask->server ? EXT_SERVER_AUTH : EXT_CLIENT_AUTH;
	const char *want = r->ask->server ? "serverAuth" : "clientAuth";
	const char *found = NULL;
	char reason[128];

	if (!e->have_purpose)
		found = "no extKeyUsage";
	else if ((e->purposes & EXT_ANY_PURPOSE) != 0)
		found = "extKeyUsage holds anyExtendedKeyUsage";
	else if ((e->purposes & fits) == 0)
		found = "extKeyUsage for something else";
	if (found == NULL)
		return verify_pass(r, VERIFY_PURPOSE, "%s", want);
	(void)snprintf(reason, sizeof(reason), "the certificate's purpose "
	    "does not fit: expected %s", want);
	return verify_fail(r, VERIFY_PURPOSE, ALERT_UNSUPPORTED, reason,
	    "%s: expected %s", found, want);
}

/* Without keyUsage every use is allowed (RFC 5280 4.2.1.3). */
static bool
check_usage(struct verify_run *r)
{
	const struct ext *e = &r->cert[0].ext;

	if (!e->have_usage)
		return verify_pass(r, VERIFY_USAGE, "not limited");
	if ((e->usage & EXT_DIGITAL_SIGNATURE) == 0)
		return verify_fail(r, VERIFY_USAGE, ALERT_UNSUPPORTED,
		    "the certificate's key usage does not allow signing",
		    "keyUsage: expected digitalSignature");
	if ((e->usage & EXT_KEY_CERT_SIGN) != 0)
		return verify_fail(r, VERIFY_USAGE, ALERT_UNSUPPORTED,
		    "the certificate's key usage is that of a CA",
		    "keyUsage: expected no keyCertSign");
	return verify_pass(r, VERIFY_USAGE, "digitalSignature");
}

static bool
check_critical(struct verify_run *r)
{
	const struct ext *e = &r->cert[0].ext;
	const char *reason = "the certificate has an extension that is not "
	    "known here";

	if (e->unknown[0] != '\0')
		return verify_fail(r, VERIFY_CRITICAL, ALERT_UNSUPPORTED,
		    reason, "critical extension %s is not processed",
		    e->unknown);
	if (e->policy != NULL)
		return verify_fail(r, VERIFY_CRITICAL, ALERT_UNSUPPORTED,
		    reason, "extension %s is critical or limits policies, and "
		    "is not processed", e->policy);
	return verify_pass(r, VERIFY_CRITICAL, "none unknown");
}

/* ---- names -------------------------------------------------------------- */

static bool
check_name_forms(struct verify_run *r)
{
	const struct verify_cert *c = &r->cert[0];
	const char *reason = "a name in the certificate is malformed";

	if (r->facts_rc != 0)
		return verify_fail(r, VERIFY_NAME_FORMS, ALERT_BAD, reason,
		    "%.230s", r->facts_why.text);
	/* who has no subject is its names, 4.1.2.6 */
	if (c->cut.subject.n <= EMPTY_NAME && c->ext.have_names &&
	    !c->ext.names_critical)
		return verify_fail(r, VERIFY_NAME_FORMS, ALERT_BAD, reason,
		    "subject is empty: expected a critical subjectAltName");
	return verify_pass(r, VERIFY_NAME_FORMS, "%zu name%s",
	    r->at.facts.n_names, r->at.facts.n_names == 1 ? "" : "s");
}

/*
 * Does names= allow it?  DNS knows no case.  A SID is no name in a space that
 * an authority could be fenced to: without a sid pattern it passes.
 */
static bool
is_allowed(const struct trust_rules *rules, const struct facts_name *f)
{
	bool fold = f->field == FACTS_DNS ||
	    (rules->fold & 1u << f->field) != 0;
	bool listed = false;

	for (size_t i = 0; i < rules->n_names; i++) {
		const struct trust_name *n = &rules->names[i];

		if (n->field != f->field)
			continue;
		listed = true;
		if (trust_name_is_any(n) || pattern_match(f->field,
		    n->pattern, f->value, fold ? PATTERN_FOLD : 0, NULL, NULL, 0))
			return true;
	}
	return !listed && f->field == FACTS_SID;
}

static bool
check_names(struct verify_run *r)
{
	const struct trust_rules *rules = &r->authority->rules;
	const struct facts *f = &r->at.facts;

	if (rules->n_names == 0)
		return verify_pass(r, VERIFY_NAMES, "of any form: authority "
		    "%s has no names=", rules->name);
	if (f->n_names == 0)
		return verify_fail(r, VERIFY_NAMES, ALERT_BAD,
		    "the certificate holds no name", "no name in "
		    "subjectAltName: expected one that names= of authority "
		    "%s allows", rules->name);
	for (size_t i = 0; i < f->n_names; i++)
		if (!is_allowed(rules, &f->names[i]))
			return verify_fail(r, VERIFY_NAMES, ALERT_BAD,
			    "a name in the certificate is not its issuer's to "
			    "give", "%s name \"%.120s\" is outside names= of "
			    "authority %s",
			    facts_field_name(f->names[i].field),
			    f->names[i].value, rules->name);
	return verify_pass(r, VERIFY_NAMES, "within names= of authority %s",
	    rules->name);
}

static bool
check_lifetime(struct verify_run *r)
{
	const struct verify_cert *c = &r->cert[0];
	int64_t life = c->not_after - c->not_before;
	uint32_t max = r->authority->rules.max_lifetime;

	if (max == 0)
		return verify_pass(r, VERIFY_LIFETIME, "no limit");
	if (life > max)
		return verify_fail(r, VERIFY_LIFETIME, ALERT_BAD,
		    "the certificate is valid for longer than is allowed here",
		    "valid for %lld days: expected at most %lld in authority "
		    "%s", (long long)(life + DAY - 1) / DAY,
		    (long long)max / DAY, r->authority->rules.name);
	return verify_pass(r, VERIFY_LIFETIME, "%lld days",
	    (long long)life / DAY);
}

/* ---- revocation --------------------------------------------------------- */

/* What is known of the revocations of this key's certificates; NULL: it is
 * no anchor's. */
static const struct trust_crl *
crl_of(const struct verify_run *r, const uint8_t key[32])
{
	const struct trust_authority *a = r->authority;

	for (size_t i = 0; i < a->n_anchors; i++)
		if (memcmp(a->anchor[i].key, key, 32) == 0)
			return &a->anchor[i].crl;
	return NULL;
}

static bool
cannot_tell(struct verify_run *r, const char *text)
{
	return verify_fail(r, VERIFY_REVOCATION,
	    TLS_ALERT_CERTIFICATE_UNKNOWN, "whether the certificate is "
	    "revoked cannot be told: its CA's revocation list (CRL) is "
	    "missing, damaged or out of date", "%.240s", text);
}

/* Is the CRL there, sound and fresh? */
static bool
check_crl(struct verify_run *r, const struct trust_crl *crl)
{
	const struct trust_rules *rules = &r->authority->rules;
	int64_t grace = rules->revocation == TRUST_GRACE ? rules->grace : 0;
	char text[400], since[VERIFY_TIME_MAX];

	if (crl == NULL) {
		(void)snprintf(text, sizeof(text), "its issuer is a CA below "
		    "the anchor, which no CRL covers: name that CA as anchor= "
		    "of authority %s, with its crl=", rules->name);
		return cannot_tell(r, text);
	}
	if (!crl->usable) {
		(void)snprintf(text, sizeof(text), "no usable CRL for "
		    "authority %s: %.180s", rules->name,
		    crl->problem[0] != '\0' ? crl->problem : "missing");
		return cannot_tell(r, text);
	}
	if (r->now <= crl->next_update + grace)
		return true;
	(void)snprintf(text, sizeof(text), "the CRL of authority %s is stale "
	    "since %s: fetch a newer one", rules->name,
	    verify_time_text(since, crl->next_update, false));
	return cannot_tell(r, text);
}

static bool
is_revoked(struct verify_run *r, const uint8_t key[32], size_t at)
{
	return trust_is_revoked(r->ask->trust, key,
	    r->cert[r->path[at]].cut.serial);
}

/* One certificate of the path; what is known to be revoked stays so, however
 * old the CRL. */
static bool
check_revoked(struct verify_run *r, struct span issuer, size_t at)
{
	uint8_t key[32];

	if (sig_sha256(issuer, key) != 0)
		return cannot_tell(r, "no SHA-256 of its issuer's key");
	verify_where(r, r->path[at]);
	if (is_revoked(r, key, at) && !verify_fail(r, VERIFY_REVOCATION,
	    TLS_ALERT_CERTIFICATE_REVOKED, at == 0 ?
	    "the certificate is revoked" :
	    "a CA on the way to the certificate is revoked",
	    "revoked, says the CRL of authority %s",
	    r->authority->rules.name))
		return false;
	return r->authority->rules.revocation == TRUST_NONE ||
	    check_crl(r, crl_of(r, key));
}

static bool
check_revocation(struct verify_run *r)
{
	struct span issuer = r->anchor->cert.spki;
	char to[VERIFY_TIME_MAX];

	for (size_t at = r->depth; at-- > 0;) {
		if (!check_revoked(r, issuer, at))
			return false;
		issuer = r->cert[r->path[at]].cut.spki;
	}
	if (r->authority->rules.revocation == TRUST_NONE)
		return verify_pass(r, VERIFY_REVOCATION, "not checked: "
		    "revocation = none");
	return verify_pass(r, VERIFY_REVOCATION, "not revoked; CRL until %s",
	    verify_time_text(to, r->anchor->crl.next_update, false));
}

/* ---- host --------------------------------------------------------------- */

static bool
same_address(const char *host, const char *name)
{
	uint8_t a[16], b[16];

	for (int i = 0; i < 2; i++) {
		int family = i == 0 ? AF_INET : AF_INET6;

		if (inet_pton(family, host, a) == 1)
			return inet_pton(family, name, b) == 1 &&
			    memcmp(a, b, i == 0 ? 4 : 16) == 0;
	}
	return false;
}

/* RFC 9525 6.3, without wildcards; a CN is no name of a host. */
static bool
is_host(const struct facts_name *f, const char *host)
{
	size_t n = strlen(host);

	if (f->field == FACTS_IP)
		return same_address(host, f->value);
	if (n > 1 && host[n - 1] == '.')
		n--;		/* the root may be written */
	return f->field == FACTS_DNS && strlen(f->value) == n &&
	    strncasecmp(f->value, host, n) == 0;
}

static bool
check_host(struct verify_run *r)
{
	const struct facts *f = &r->at.facts;
	const struct facts_name *other = NULL;
	char host[128], reason[256];

	if (r->ask->host == NULL)
		return true;
	(void)err_escape(host, sizeof(host), r->ask->host,
	    strlen(r->ask->host));
	for (size_t i = 0; i < f->n_names; i++) {
		if (is_host(&f->names[i], r->ask->host))
			return verify_pass(r, VERIFY_HOST, "%s=%.200s",
			    facts_field_name(f->names[i].field),
			    f->names[i].value);
		if (other == NULL && (f->names[i].field == FACTS_DNS ||
		    f->names[i].field == FACTS_IP))
			other = &f->names[i];
	}
	if (other == NULL)
		(void)snprintf(reason, sizeof(reason), "the certificate holds "
		    "no name of a host (a CN does not count), so not %.80s",
		    host);
	else
		(void)snprintf(reason, sizeof(reason), "the certificate is "
		    "for the name %.100s, not for %.80s", other->value, host);
	return verify_fail(r, VERIFY_HOST, ALERT_BAD, reason, "%s: expected "
	    "dns or ip name %.100s", other == NULL ? "no name of a host" :
	    "other names", host);
}

bool
verify_leaf(struct verify_run *r)
{
	static bool (*const all[])(struct verify_run *) = {
		check_validity, check_version, check_not_ca, check_purpose,
		check_usage, check_critical, check_name_forms, check_names,
		check_lifetime, check_revocation, check_host,
	};

	r->facts_rc = cert_facts(&r->at.facts, r->cert[0].cut.whole,
	    &r->facts_why);
	r->at.have_facts = r->facts_rc == 0;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		verify_where(r, 0);
		if (!all[i](r))
			return false;
	}
	return true;
}
