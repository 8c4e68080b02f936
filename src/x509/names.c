#include "x509/names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "x509/slice.h"

#define DIGITS "0123456789"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
/* RFC 5322 3.2.3 atext without '*': no name here looks like a pattern */
#define ATEXT LETTERS DIGITS "!#$%&'+-/=?^_`{|}~"
/* RFC 3986 2: what stands in a URI, without '*' */
#define URI_CHARS LETTERS DIGITS "-._~:/?#[]@!$&'()+,;=%"
#define DNS_MAX 253
#define LABEL_MAX 63
#define LOCAL_MAX 64

static const uint8_t upn_oid[] = { 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x14, 2, 3 };
static const uint8_t sid_oid[] = { 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x19, 2, 1 };

/* ---- forms: NULL if good, else what was expected ------------------------ */

bool
names_is_dns(const char *text)
{
	const char *p = text;

	if (strlen(text) > DNS_MAX)
		return false;
	for (;;) {
		size_t n = strspn(p, LETTERS DIGITS "-");

		if (n == 0 || n > LABEL_MAX || p[0] == '-' || p[n - 1] == '-')
			return false;
		if (p[n] == '\0')
			return strspn(p, DIGITS) < n;
		if (p[n] != '.')
			return false;
		p += n + 1;
	}
}

static const char *
dns_form(const char *v)
{
	return names_is_dns(v) ? NULL : "letters, digits and '-' in labels "
	    "of 1 to 63, no wildcard";
}

/* RFC 5321 4.1.2: Dot-string "@" Domain; no quoted local part. */
static const char *
email_form(const char *v)
{
	const char *p = v;

	for (;;) {
		size_t n = strspn(p, ATEXT);

		if (n == 0 || (p[n] != '.' && p[n] != '@'))
			break;
		p += n + 1;
		if (p[-1] == '@')
			return p - v <= LOCAL_MAX + 1 && names_is_dns(p) ?
			    NULL : "a domain behind the '@'";
	}
	return "one address local@domain, not quoted";
}

static const char *
upn_form(const char *v)
{
	const char *at = strchr(v, '@');

	if (at == NULL || at == v || at[1] == '\0' ||
	    strchr(at + 1, '@') != NULL)
		return "name@suffix";
	return strchr(v, '*') == NULL ? NULL : "no '*'";
}

/* RFC 3986 3.  The identity map asks for more (pattern_uri_form). */
static const char *
uri_form(const char *v)
{
	const char *p = v + strspn(v, LETTERS DIGITS "+.-");

	if (p == v || strspn(v, LETTERS) == 0 || *p != ':' || p[1] == '\0')
		return "a URI with a scheme";
	if (v[strspn(v, URI_CHARS)] != '\0')
		return "a URI as in RFC 3986, without '*'";
	for (p = strchr(p, '%'); p != NULL; p = strchr(p + 1, '%'))
		if (strspn(p + 1, DIGITS "abcdefABCDEF") < 2)
			return "two hexadecimal digits behind '%'";
	return NULL;
}

/* [MS-DTYP] 2.4.2.1 */
static const char *
sid_form(const char *v)
{
	const char *p = v + 3;

	if (strncmp(v, "S-1", 3) != 0)
		return "S-1-...";
	do {
		size_t n = *p == '-' ? strspn(p + 1, DIGITS) : 0;

		if (n == 0)
			return "S-1-... in decimal";
		p += n + 1;
	} while (*p != '\0');
	return NULL;
}

static const char *(*const forms[FACTS_FIELDS])(const char *) = {
	[FACTS_URI] = uri_form,
	[FACTS_EMAIL] = email_form,
	[FACTS_UPN] = upn_form,
	[FACTS_DNS] = dns_form,
	[FACTS_SID] = sid_form,
};

/* ---- one name ----------------------------------------------------------- */

static int
add_text(struct names *out, enum facts_field field, struct span s,
    struct why *why)
{
	const char *name = facts_field_name(field), *expected;
	struct facts_name *f = &out->name[out->n];

	if (out->n == FACTS_NAMES_MAX)
		return why_set(why, ERR_TOOBIG, "more than %d names",
		    FACTS_NAMES_MAX);
	if (s.n == 0 || s.n > FACTS_NAME_MAX)
		return why_set(why, ERR_TOOBIG, "%s name of %zu bytes: "
		    "expected 1 to %d", name, s.n, FACTS_NAME_MAX);
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x21 || s.p[i] > 0x7e)
			return why_set(why, ERR_REFUSED, "%s name: byte 0x%02x "
			    "at %zu: expected printable ASCII without blanks",
			    name, s.p[i], i + 1);
	f->field = field;
	memcpy(f->value, s.p, s.n);
	f->value[s.n] = '\0';
	expected = forms[field] != NULL ? forms[field](f->value) : NULL;
	if (expected != NULL)
		return why_set(why, ERR_REFUSED, "%s name \"%.80s\": expected "
		    "%s", name, f->value, expected);
	out->n++;
	return 0;
}

static int
add_ip(struct names *out, struct span s, struct why *why)
{
	char text[INET6_ADDRSTRLEN];

	if ((s.n != 4 && s.n != 16) || inet_ntop(s.n == 4 ? AF_INET : AF_INET6,
	    s.p, text, sizeof(text)) == NULL)
		return why_set(why, ERR_REFUSED, "ip name of %zu bytes: "
		    "expected 4 or 16", s.n);
	return add_text(out, FACTS_IP, (struct span){ (const uint8_t *)text,
	    strlen(text) }, why);
}

/* OtherName ::= SEQUENCE { OID, [0] EXPLICIT ANY }, its tag replaced. */
static int
other_name(struct span content, struct span *oid, struct span *value)
{
	struct rd r = rd_of_span(content);

	*oid = der_get(&r, DER_OID);
	*value = der_get(&r, DER_CONTEXT_CONS(0));
	return oid->n == 0 ? ERR_MALFORMED : rd_end(&r);
}

static bool
is(struct span oid, const uint8_t *bytes, size_t n)
{
	return oid.n == n && memcmp(oid.p, bytes, n) == 0;
}

/* An element that we pass over: one, whole, and nothing behind it. */
static int
pass_over(struct span s)
{
	struct rd r = rd_of_span(s);
	struct span content, whole;
	uint8_t tag;

	if (slice_element(&r, &tag, &content, &whole) != 0)
		return ERR_MALFORMED;
	return rd_end(&r);
}

static int
add_other(struct names *out, struct span content, struct why *why)
{
	struct span oid, value, text;
	struct rd r;

	if (other_name(content, &oid, &value) != 0)
		return why_set(why, ERR_MALFORMED, "otherName: expected DER");
	if (!is(oid, upn_oid, sizeof(upn_oid)))
		return pass_over(value) == 0 ? 0 : why_set(why,
		    ERR_MALFORMED, "otherName: expected DER");
	r = rd_of_span(value);
	text = der_get(&r, DER_UTF8);
	if (rd_end(&r) != 0)
		return why_set(why, ERR_MALFORMED, "upn name: expected one "
		    "UTF8String");
	return add_text(out, FACTS_UPN, text, why);
}

static int
add_name(struct names *out, uint8_t tag, struct span s, struct why *why)
{
	switch (tag) {
	case DER_CONTEXT_CONS(0):
		return add_other(out, s, why);
	case DER_CONTEXT(1):
		return add_text(out, FACTS_EMAIL, s, why);
	case DER_CONTEXT(2):
		return add_text(out, FACTS_DNS, s, why);
	case DER_CONTEXT_CONS(4):
		return pass_over(s) == 0 ? 0 : why_set(why, ERR_MALFORMED,
		    "directoryName: expected DER");
	case DER_CONTEXT(6):
		return add_text(out, FACTS_URI, s, why);
	case DER_CONTEXT(7):
		return add_ip(out, s, why);
	case DER_CONTEXT(8):
		return s.n > 0 ? 0 : why_set(why, ERR_MALFORMED,
		    "registeredID: expected an OBJECT IDENTIFIER");
	default:
		return why_set(why, ERR_REFUSED, "subjectAltName: a name of a "
		    "rare kind (tag 0x%02x): expected email, DNS, URI, IP or "
		    "UPN", tag);
	}
}

/* ---- all ---------------------------------------------------------------- */

/* SEQUENCE { [0] OtherName { sid_oid, OCTET STRING } } */
static int
add_sid(struct names *out, struct span value, struct why *why)
{
	struct rd r = der_only(value, DER_SEQUENCE);
	struct span other = der_get(&r, DER_CONTEXT_CONS(0)), oid, inner, text;

	if (rd_end(&r) != 0 || other_name(other, &oid, &inner) != 0 ||
	    !is(oid, sid_oid, sizeof(sid_oid)))
		return why_set(why, ERR_MALFORMED, "sid extension: expected "
		    "the form of [MS-WCCE] 2.2.2.7.7.4");
	r = rd_of_span(inner);
	text = der_get(&r, DER_OCTET_STRING);
	if (rd_end(&r) != 0)
		return why_set(why, ERR_MALFORMED, "sid extension: expected "
		    "an OCTET STRING");
	return add_text(out, FACTS_SID, text, why);
}

int
names_read(const struct ext *e, struct names *out, struct why *why)
{
	struct rd r = { .p = (const uint8_t *)"" };
	int rc = 0;

	out->n = 0;
	if (e->have_names)
		r = der_only(e->names, DER_SEQUENCE);
	while (rc == 0 && r.err == 0 && r.n > 0) {
		struct span content, whole;
		uint8_t tag;

		if (slice_element(&r, &tag, &content, &whole) == 0)
			rc = add_name(out, tag, content, why);
	}
	if (rc == 0 && rd_end(&r) != 0)
		rc = why_set(why, ERR_MALFORMED, "subjectAltName: expected "
		    "DER");
	if (rc == 0 && e->have_sid)
		rc = add_sid(out, e->sid, why);
	return rc;
}
