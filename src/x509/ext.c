#include "x509/ext.h"

#include <string.h>

#include "x509/slice.h"

#define OID(...) { .n = sizeof((uint8_t[]){ __VA_ARGS__ }), \
    .bytes = { __VA_ARGS__ } }

struct oid {
	uint8_t n;
	uint8_t bytes[10];
};

static bool
is_oid(struct span s, const struct oid *oid)
{
	return s.n == oid->n && memcmp(s.p, oid->bytes, oid->n) == 0;
}

/* ---- one extension each ------------------------------------------------- */

/* 4.2.1.9: SEQUENCE { BOOLEAN DEFAULT FALSE, INTEGER OPTIONAL }.  FALSE
 * written out is not DER, but common, and says what it says. */
static int
read_basic(struct span value, struct ext *out)
{
	struct rd r = der_only(value, DER_SEQUENCE);
	struct span s;

	out->have_basic = true;
	if (der_next_is(&r, DER_BOOLEAN)) {
		s = der_get(&r, DER_BOOLEAN);
		if (s.n != 1 || (s.p[0] != 0 && s.p[0] != 0xff))
			return ERR_MALFORMED;
		out->ca = s.p[0] != 0;
	}
	if (der_next_is(&r, DER_INTEGER)) {
		if (slice_integer(der_get(&r, DER_INTEGER), &s) != 0)
			return ERR_MALFORMED;
		/* more than 127 limits nothing here */
		out->path_len = s.n == 1 && s.p[0] <= 127 ? s.p[0] : 127;
	}
	return rd_end(&r);
}

/* 4.2.1.3: a BIT STRING, at least one bit of which is set. */
static int
read_usage(struct span value, struct ext *out)
{
	struct rd r = rd_of_span(value);
	struct span s = der_get(&r, DER_BIT_STRING);

	out->have_usage = true;
	if (rd_end(&r) != 0 || s.n < 2 || s.n > 3 || s.p[0] > 7 ||
	    s.p[s.n - 1] == 0 ||
	    (s.p[s.n - 1] & ((1u << s.p[0]) - 1)) != 0)
		return ERR_MALFORMED;
	out->usage = s.p[1];
	return 0;
}

/* 4.2.1.12: SEQUENCE SIZE (1..MAX) OF OBJECT IDENTIFIER */
static int
read_purposes(struct span value, struct ext *out)
{
	static const struct {
		enum ext_purpose purpose;
		struct oid oid;
	} known[] = {
		{ EXT_CLIENT_AUTH, OID(0x2b, 6, 1, 5, 5, 7, 3, 2) },
		{ EXT_SERVER_AUTH, OID(0x2b, 6, 1, 5, 5, 7, 3, 1) },
		{ EXT_ANY_PURPOSE, OID(0x55, 0x1d, 0x25, 0) },
	};
	struct rd r = der_only(value, DER_SEQUENCE);

	out->have_purpose = true;
	if (r.n == 0)
		return ERR_MALFORMED;
	while (r.err == 0 && r.n > 0) {
		struct span s = der_get(&r, DER_OID);

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (is_oid(s, &known[i].oid))
				out->purposes |= known[i].purpose;
	}
	return rd_end(&r);
}

static int
read_names(struct span value, struct ext *out)
{
	struct rd r = der_only(value, DER_SEQUENCE);

	out->have_names = true;
	out->names = value;
	return r.err != 0 || r.n == 0 ? ERR_MALFORMED : 0;
}

static int
read_constraints(struct span value, struct ext *out)
{
	struct rd r = der_only(value, DER_SEQUENCE);

	out->have_constraints = true;
	out->constraints = value;
	return r.err != 0 || r.n == 0 ? ERR_MALFORMED : 0;
}

static int
read_sid(struct span value, struct ext *out)
{
	struct rd r = der_only(value, DER_SEQUENCE);

	out->have_sid = true;
	out->sid = value;
	return r.err;
}

/* 4.2.2.1: SEQUENCE SIZE (1..MAX) OF SEQUENCE { OID, GeneralName }.  Not
 * used, only held to its form. */
static int
read_access(struct span value, struct ext *out)
{
	struct rd r = der_only(value, DER_SEQUENCE);

	(void)out;
	if (r.n == 0)
		return ERR_MALFORMED;
	while (r.err == 0 && r.n > 0) {
		struct rd in = rd_of_span(der_get(&r, DER_SEQUENCE));
		struct span content, whole;
		uint8_t tag;

		(void)der_get(&in, DER_OID);
		if (slice_element(&in, &tag, &content, &whole) != 0 ||
		    (tag & 0xc0) != 0x80 || rd_end(&in) != 0)
			return ERR_MALFORMED;
	}
	return rd_end(&r);
}

/* ---- all of them -------------------------------------------------------- */

enum kind {
	PROCESSED,		/* critical or not */
	READ,			/* but not processed, should it be critical */
	LIMITS,			/* what policies may follow; not processed, so
				 * its bare presence counts */
	POLICIES,		/* a limit only when critical */
};

static const struct known {
	const char *name;
	struct oid oid;
	enum kind kind;
	int (*read)(struct span value, struct ext *out);
} all[] = {
	{ "basicConstraints", OID(0x55, 0x1d, 0x13), PROCESSED, read_basic },
	{ "keyUsage", OID(0x55, 0x1d, 0x0f), PROCESSED, read_usage },
	{ "extKeyUsage", OID(0x55, 0x1d, 0x25), PROCESSED, read_purposes },
	{ "subjectAltName", OID(0x55, 0x1d, 0x11), PROCESSED, read_names },
	{ "nameConstraints", OID(0x55, 0x1d, 0x1e), PROCESSED,
	    read_constraints },
	{ "szOID_NTDS_CA_SECURITY_EXT", OID(0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x19,
	    2), PROCESSED, read_sid },
	{ "authorityInfoAccess", OID(0x2b, 6, 1, 5, 5, 7, 1, 1), READ,
	    read_access },
	{ "policyConstraints", OID(0x55, 0x1d, 0x24), LIMITS, NULL },
	{ "inhibitAnyPolicy", OID(0x55, 0x1d, 0x36), LIMITS, NULL },
	{ "certificatePolicies", OID(0x55, 0x1d, 0x20), POLICIES, NULL },
	{ "policyMappings", OID(0x55, 0x1d, 0x21), POLICIES, NULL },
};

static const struct known *
find(struct span oid)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (is_oid(oid, &all[i].oid))
			return &all[i];
	return NULL;
}

static int
read_one(const struct slice_extension *x, struct ext *out, struct why *why)
{
	const struct known *k = find(x->oid);

	if (k != NULL && k->read != NULL && k->read(x->value, out) != 0)
		return why_set(why, ERR_MALFORMED, "extension %s: not of its "
		    "form in RFC 5280 4.2", k->name);
	if (k != NULL && k->read == read_names)
		out->names_critical = x->critical;
	if (k != NULL && (k->kind == LIMITS ||
	    (k->kind == POLICIES && x->critical)))
		out->policy = k->name;
	else if (x->critical && (k == NULL || k->kind != PROCESSED) &&
	    out->unknown[0] == '\0')
		(void)der_oid_text(out->unknown, sizeof(out->unknown), x->oid);
	return 0;
}

int
ext_read(struct span extensions, struct ext *out, struct why *why)
{
	struct rd r = rd_of_span(extensions);
	struct ext e = { .path_len = -1 };
	struct slice_extension x;
	int more, rc;

	while ((more = slice_extension_next(&r, &x)) == 1)
		if ((rc = read_one(&x, &e, why)) != 0)
			return rc;
	if (more < 0)
		return why_set(why, ERR_MALFORMED, "extensions: expected DER "
		    "of RFC 5280 4.1");
	*out = e;
	return 0;
}

bool
ext_may(const struct ext *e, enum ext_usage usage)
{
	return !e->have_usage || (e->usage & usage) != 0;
}
