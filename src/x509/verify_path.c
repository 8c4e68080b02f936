/* One path, from its anchor's key down to the leaf. */
#include <stdio.h>
#include <string.h>

#include "x509/constraint.h"
#include "x509/sig.h"
#include "x509/verify_run.h"

#define ALERT_BAD TLS_ALERT_BAD_CERTIFICATE
#define UNKNOWN_CA "unknown certificate authority"

/* A CA on the way: an anchor, or a certificate of the chain. */
struct issuer {
	const struct slice_cert *cut;
	const struct ext *ext;
	int64_t not_before, not_after;
	size_t at;			/* certificates of the path below it */
	bool anchor;
};

/* ---- signature and key -------------------------------------------------- */

/* sig_verify(), once for each pair; false when there have been too many. */
static bool
check_once(struct verify_run *r, const struct slice_cert *c,
    struct span key, int *rc, struct why *why)
{
	struct verify_memo *m = r->memo;

	why->text[0] = '\0';
	for (size_t i = 0; i < m->n; i++)
		if (m->edge[i].child == c->whole.p &&
		    m->edge[i].key == key.p) {
			*rc = m->edge[i].rc;
			return true;
		}
	if (m->n >= r->budget)
		return false;
	*rc = sig_verify(key, c->algorithm, c->tbs, c->signature, why);
	m->edge[m->n].child = c->whole.p;
	m->edge[m->n].key = key.p;
	m->edge[m->n++].rc = *rc;
	return true;
}

/* What is known of an algorithm that the profile leaves out. */
static void
algorithm_text(char dst[DER_OID_TEXT], struct span algorithm)
{
	static const struct {
		const char *oid, *name;
	} old[] = {
		{ "1.2.840.113549.1.1.4", "RSA with MD5" },
		{ "1.2.840.113549.1.1.5", "RSA with SHA-1" },
		{ "1.2.840.113549.1.1.10", "RSA-PSS with other parameters" },
		{ "1.2.840.10040.4.3", "DSA with SHA-1" },
		{ "1.2.840.10045.4.1", "ECDSA with SHA-1" },
		{ "2.16.840.1.101.3.4.3.2", "DSA with SHA-256" },
	};
	struct rd r = der_only(algorithm, DER_SEQUENCE);

	(void)der_oid_text(dst, DER_OID_TEXT, der_get(&r, DER_OID));
	for (size_t i = 0; i < sizeof(old) / sizeof(old[0]); i++)
		if (strcmp(dst, old[i].oid) == 0) {
			(void)snprintf(dst, DER_OID_TEXT, "%s", old[i].name);
			return;
		}
}

static bool
check_signature(struct verify_run *r, const struct slice_cert *c,
    struct span key)
{
	char name[DER_OID_TEXT];
	struct why why;
	int rc;

	if (sig_algorithm_check(c->algorithm, &why) != 0) {
		algorithm_text(name, c->algorithm);
		/* what cannot be verified cannot be skipped */
		r->skip &= ~VERIFY_BIT(VERIFY_PROFILE);
		return verify_fail(r, VERIFY_PROFILE,
		    TLS_ALERT_UNSUPPORTED_CERTIFICATE, "the certificate is "
		    "signed by an algorithm that is too weak or unknown",
		    "signed by %s: expected RSA, ECDSA or Ed25519 with SHA-2",
		    name);
	}
	if (!check_once(r, c, key, &rc, &why)) {
		r->exhausted = true;
		return verify_fail(r, VERIFY_PATH, TLS_ALERT_UNKNOWN_CA,
		    UNKNOWN_CA, "more than %zu signatures to check: expected "
		    "the certificates between this one and its anchor only",
		    r->budget);
	}
	return rc == 0 || verify_fail(r, VERIFY_PATH, TLS_ALERT_UNKNOWN_CA,
	    UNKNOWN_CA, "an issuer's name fits, towards an anchor of "
	    "authority %s, but its key did not make the signature",
	    r->authority->rules.name);
}

static bool
check_key(struct verify_run *r, struct span spki)
{
	struct why why;

	return sig_key_check(spki, NULL, &why) == 0 || verify_fail(r,
	    VERIFY_PROFILE, TLS_ALERT_UNSUPPORTED_CERTIFICATE,
	    "the certificate's key is too weak or of an unknown kind",
	    "%.200s", why.text);
}

/* What the certificate says; only behind check_signature(). */
static bool
check_read(struct verify_run *r, struct verify_cert *c)
{
	struct why why;

	if (ext_read(c->cut.extensions, &c->ext, &why) != 0)
		return verify_fail(r, VERIFY_FORM, ALERT_BAD,
		    "the certificate is damaged", "%.200s", why.text);
	if (slice_time(c->cut.not_before, &c->not_before) != 0 ||
	    slice_time(c->cut.not_after, &c->not_after) != 0)
		return verify_fail(r, VERIFY_FORM, ALERT_BAD,
		    "the certificate is damaged", "validity: expected times");
	return true;
}

/* ---- issuers: RFC 5280 6.1.4 -------------------------------------------- */

static bool
is_self_issued(const struct slice_cert *c)
{
	return span_eq(c->issuer, c->subject);
}

static bool
unfit(struct verify_run *r, const char *text)
{
	return verify_fail(r, VERIFY_ISSUERS, ALERT_BAD,
	    "a CA on the way to the certificate must not issue it", "%s",
	    text);
}

static bool
check_may_sign(struct verify_run *r, const struct issuer *c)
{
	unsigned fits = r->ask->server ? EXT_SERVER_AUTH : EXT_CLIENT_AUTH;

	if (c->cut->version != 3 && !unfit(r, "issues certificates, but is "
	    "not v3"))
		return false;
	if (!c->ext->ca && !unfit(r, "issues certificates, but is no CA: "
	    "expected CA:TRUE in basicConstraints"))
		return false;
	if (c->ext->have_usage &&
	    (c->ext->usage & EXT_KEY_CERT_SIGN) == 0 &&
	    !unfit(r, "issues certificates: expected keyCertSign in the CA's "
	    "keyUsage"))
		return false;
	return !c->ext->have_purpose ||
	    (c->ext->purposes & (fits | EXT_ANY_PURPOSE)) != 0 ||
	    unfit(r, "a CA whose extKeyUsage does not hold the purpose asked "
	    "for");
}

/* Self-issued ones do not count, nor does the leaf. */
static bool
check_path_len(struct verify_run *r, const struct issuer *c)
{
	int below = 0;

	for (size_t i = 1; i < c->at; i++)
		below += !is_self_issued(&r->cert[r->path[i]].cut);
	return c->ext->path_len < 0 || below <= c->ext->path_len ||
	    verify_fail(r, VERIFY_ISSUERS, ALERT_BAD,
	    "a CA on the way to the certificate must not issue it",
	    "a CA whose path length is %d has %d CAs below it",
	    c->ext->path_len, below);
}

/* An anchor's policies say what its own issuer thought of it; whoever names
 * it as an anchor has decided that (RFC 5280 6.1.1 (d)). */
static bool
check_processed(struct verify_run *r, const struct issuer *c)
{
	if (c->ext->unknown[0] != '\0' && !verify_fail(r, VERIFY_ISSUERS,
	    ALERT_BAD, "a CA on the way to the certificate has a critical "
	    "extension that is not known here", "a CA with a critical "
	    "extension %s that is not processed", c->ext->unknown))
		return false;
	return c->anchor || c->ext->policy == NULL || verify_fail(r,
	    VERIFY_ISSUERS, ALERT_BAD, "a CA on the way to the certificate "
	    "limits policies, which is not known here", "a CA with extension "
	    "%s, which is not processed", c->ext->policy);
}

static bool
check_times(struct verify_run *r, const struct issuer *c)
{
	char t[VERIFY_TIME_MAX], now[VERIFY_TIME_MAX];

	if (r->ask->any_time ||
	    (r->now >= c->not_before && r->now <= c->not_after))
		return true;
	return verify_fail(r, VERIFY_ISSUERS, TLS_ALERT_CERTIFICATE_EXPIRED,
	    r->now > c->not_after ? "a CA on the way to the certificate has "
	    "expired" : "a CA on the way to the certificate is not yet valid",
	    "a CA %s %s, at %s", r->now > c->not_after ? "that expired on" :
	    "not yet valid, but from", verify_time_text(t,
	    r->now > c->not_after ? c->not_after : c->not_before, false),
	    verify_time_text(now, r->now, false));
}

static bool
check_issuer(struct verify_run *r, const struct issuer *c)
{
	return check_may_sign(r, c) && check_path_len(r, c) &&
	    check_processed(r, c) && check_times(r, c);
}

/* The names of certificate i against the constraints of one CA above it. */
static bool
check_constraint(struct verify_run *r, struct span constraints,
    const struct names *names)
{
	struct why why;

	return constraint_check(constraints, names, &why) == 0 ||
	    verify_fail(r, VERIFY_ISSUERS, ALERT_BAD,
	    "a name in the certificate is not the CA's to give",
	    "%.200s (RFC 5280 4.2.1.10)", why.text);
}

/* Against all above it.  A self-issued CA is exempt (6.1.3 (b)), a leaf is
 * not; the form of an intermediate's names counts in any case, the leaf's is
 * a check of its own. */
static bool
check_names(struct verify_run *r, size_t at, const struct ext *anchor)
{
	const struct verify_cert *c = &r->cert[r->path[at]];
	struct facts_name name[FACTS_NAMES_MAX];
	struct names names = { .name = name };
	bool constrained = anchor->have_constraints;
	struct why why;

	for (size_t i = at + 1; i < r->depth; i++)
		constrained |= r->cert[r->path[i]].ext.have_constraints;
	if (at == 0 && !constrained)
		return true;
	if (names_read(&c->ext, &names, &why) != 0 && !verify_fail(r,
	    VERIFY_ISSUERS, ALERT_BAD, "a name in the certificate, or in a "
	    "CA's on the way to it, is malformed", "%.200s", why.text))
		return false;
	if (at > 0 && is_self_issued(&c->cut))
		return true;
	if (anchor->have_constraints &&
	    !check_constraint(r, anchor->constraints, &names))
		return false;
	for (size_t i = at + 1; i < r->depth; i++) {
		const struct ext *e = &r->cert[r->path[i]].ext;

		if (e->have_constraints &&
		    !check_constraint(r, e->constraints, &names))
			return false;
	}
	return true;
}

/* ---- the walk ----------------------------------------------------------- */

static bool
start_at_anchor(struct verify_run *r, struct ext *e)
{
	const struct trust_anchor *a = r->anchor;
	struct issuer c = { &a->cert, e, a->not_before, a->not_after,
	    r->depth, true };
	struct why why;

	(void)snprintf(r->where, sizeof(r->where), "anchor of authority %s",
	    r->authority->rules.name);
	if (ext_read(a->cert.extensions, e, &why) != 0)
		return verify_fail(r, VERIFY_ISSUERS, ALERT_BAD,
		    "the CA's own certificate is damaged", "%.200s",
		    why.text);
	return check_key(r, a->cert.spki) && check_issuer(r, &c);
}

static bool
step(struct verify_run *r, size_t at, struct span key,
    const struct ext *anchor)
{
	struct verify_cert *c = &r->cert[r->path[at]];
	struct issuer as = { &c->cut, &c->ext, 0, 0, at, false };

	verify_where(r, r->path[at]);
	if (!check_signature(r, &c->cut, key) || !check_key(r, c->cut.spki) ||
	    !check_read(r, c))
		return false;
	as.not_before = c->not_before;
	as.not_after = c->not_after;
	return (at == 0 || check_issuer(r, &as)) &&
	    check_names(r, at, anchor);
}

bool
verify_path(struct verify_run *r)
{
	struct span key = r->anchor->cert.spki;
	struct ext anchor;

	if (!start_at_anchor(r, &anchor))
		return false;
	r->at.expires = r->anchor->not_after;
	for (size_t at = r->depth; at-- > 0;) {
		const struct verify_cert *c = &r->cert[r->path[at]];

		if (!step(r, at, key, &anchor))
			return false;
		if (c->not_after < r->at.expires)
			r->at.expires = c->not_after;
		key = c->cut.spki;
	}
	r->at.authority = r->authority;
	return verify_pass(r, VERIFY_PATH, "%zu signature%s from an anchor of "
	    "authority %s", r->depth, r->depth == 1 ? "" : "s",
	    r->authority->rules.name) &&
	    verify_pass(r, VERIFY_PROFILE, "keys and signatures fit") &&
	    verify_pass(r, VERIFY_ISSUERS, "%zu CA%s may issue it", r->depth,
	    r->depth == 1 ? "" : "s");
}
