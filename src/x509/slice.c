#include "x509/slice.h"

#define TAG_BOOLEAN 0x01
#define TAG_INTEGER 0x02
#define TAG_BIT_STRING 0x03
#define TAG_OCTET_STRING 0x04
#define TAG_OID 0x06
#define TAG_UTC_TIME 0x17
#define TAG_GENERALIZED_TIME 0x18
#define TAG_SEQUENCE 0x30
#define TAG_CONTEXT(n) (0xa0 | (n))	/* [n], explicit */
#define TAG_UNIQUE_ID(n) (0x80 | (n))	/* [n] IMPLICIT BIT STRING */

/* ---- elements ------------------------------------------------------------ */

/* X.690 10.1: definite, and in as few bytes as it goes. */
static size_t
get_length(struct rd *r)
{
	uint8_t first = rd_u8(r);
	size_t n = 0;

	if (r->err != 0 || first < 0x80)
		return first;
	if (first < 0x81 || first > 0x84) {
		r->err = ERR_MALFORMED;
		return 0;
	}
	for (unsigned i = 0; i < first - 0x80u; i++) {
		n = n << 8 | rd_u8(r);
		if (i == 0 && n == 0 && r->err == 0)
			r->err = ERR_MALFORMED;
	}
	if (n < 0x80 && r->err == 0)
		r->err = ERR_MALFORMED;
	return n;
}

int
slice_element(struct rd *r, uint8_t *tag, struct span *content,
    struct span *whole)
{
	const uint8_t *start = r->p;
	uint8_t t = rd_u8(r);
	struct span c;

	if (r->err == 0 && (t & 0x1f) == 0x1f)
		r->err = ERR_MALFORMED;
	c = rd_raw(r, get_length(r));
	if (r->err != 0)
		return r->err;
	*tag = t;
	*content = c;
	*whole = (struct span){ start, (size_t)(r->p - start) };
	return 0;
}

/* A cut in hand: the reader, and what to say when it fails. */
struct cut {
	struct rd r;
	struct why *why;
};

static int
wrong(struct cut *c, int code, const char *part, const char *expected)
{
	if (code == ERR_SHORT)
		expected = "more bytes";
	return why_set(c->why, code, "%s: expected %s", part, expected);
}

/* The next element, of this tag; content and whole may be NULL. */
static int
take(struct cut *c, uint8_t want, const char *part, struct span *content,
    struct span *whole)
{
	struct span in, all;
	uint8_t tag;
	int r = slice_element(&c->r, &tag, &in, &all);

	if (r != 0)
		return wrong(c, r, part, "DER");
	if (tag != want) {
		c->r.err = ERR_MALFORMED;
		return why_set(c->why, ERR_MALFORMED,
		    "%s: expected tag 0x%02x, not 0x%02x", part, want, tag);
	}
	if (content != NULL)
		*content = in;
	if (whole != NULL)
		*whole = all;
	return 0;
}

/* Is the next element of this tag? */
static bool
next_is(const struct cut *c, uint8_t tag)
{
	return c->r.err == 0 && c->r.n > 0 && c->r.p[0] == tag;
}

static int
nothing_left(struct cut *c, const char *part)
{
	return rd_end(&c->r) == 0 ? 0 : wrong(c, ERR_MALFORMED, part,
	    "nothing behind its last element");
}

/* ---- parts that both have ------------------------------------------------ */

/* SEQUENCE { signed, AlgorithmIdentifier, BIT STRING }, all of der. */
static int
cut_outer(struct cut *c, struct span der, struct span *tbs,
    struct span *algorithm, struct span *signature)
{
	struct span in, bits;
	int r;

	c->r = rd_of_span(der);
	if ((r = take(c, TAG_SEQUENCE, "outermost", &in, NULL)) != 0 ||
	    (r = nothing_left(c, "outermost")) != 0)
		return r;
	c->r = rd_of_span(in);
	if ((r = take(c, TAG_SEQUENCE, "signed part", NULL, tbs)) != 0 ||
	    (r = take(c, TAG_SEQUENCE, "signatureAlgorithm", NULL,
	    algorithm)) != 0 ||
	    (r = take(c, TAG_BIT_STRING, "signature", &bits, NULL)) != 0 ||
	    (r = nothing_left(c, "signature")) != 0)
		return r;
	if (bits.n < 2 || bits.p[0] != 0)
		return wrong(c, ERR_MALFORMED, "signature", "whole bytes");
	*signature = (struct span){ bits.p + 1, bits.n - 1 };
	return 0;
}

/* RFC 5280 4.1.1.2 and 5.1.1.2: the same inside and outside. */
static int
cut_algorithm(struct cut *c, struct span outside)
{
	struct span inside;
	int r = take(c, TAG_SEQUENCE, "signature inside", NULL, &inside);

	if (r == 0 && !span_eq(inside, outside))
		r = wrong(c, ERR_MALFORMED, "signature inside",
		    "the algorithm that stands outside");
	return r;
}

static int
cut_time(struct cut *c, const char *part, struct span *whole)
{
	int64_t t;
	int r;

	if ((r = take(c, next_is(c, TAG_GENERALIZED_TIME) ?
	    TAG_GENERALIZED_TIME : TAG_UTC_TIME, part, NULL, whole)) != 0)
		return r;
	return slice_time(*whole, &t) == 0 ? 0 : wrong(c, ERR_MALFORMED,
	    part, "a time as RFC 5280 4.1.2.5 writes it");
}

/* Was this one there before?  RFC 5280 4.2 allows each once. */
static bool
seen_before(struct span extensions, const struct slice_extension *x)
{
	struct rd r = rd_of_span(extensions);
	struct slice_extension y;

	while (slice_extension_next(&r, &y) == 1 && y.oid.p != x->oid.p)
		if (span_eq(y.oid, x->oid))
			return true;
	return false;
}

static int
check_extensions(struct cut *c, struct span extensions)
{
	struct rd r = rd_of_span(extensions);
	struct slice_extension x;
	int n = 0, more;

	while ((more = slice_extension_next(&r, &x)) == 1) {
		if (++n > SLICE_EXTENSIONS_MAX)
			return wrong(c, ERR_TOOBIG, "extensions", "fewer");
		if (seen_before(extensions, &x))
			return wrong(c, ERR_MALFORMED, "extensions",
			    "none of them twice");
	}
	if (more < 0)
		return wrong(c, more, "extensions", "DER of RFC 5280 4.1");
	return n > 0 ? 0 : wrong(c, ERR_MALFORMED, "extensions",
	    "at least one");
}

/* [tag] EXPLICIT SEQUENCE OF Extension, if it is next. */
static int
cut_extensions(struct cut *c, uint8_t tag, struct span *extensions)
{
	struct cut in = { .why = c->why };
	struct span s;
	int r;

	*extensions = (struct span){ (const uint8_t *)"", 0 };
	if (!next_is(c, tag))
		return 0;
	if ((r = take(c, tag, "extensions", &s, NULL)) != 0)
		return r;
	in.r = rd_of_span(s);
	if ((r = take(&in, TAG_SEQUENCE, "extensions", extensions,
	    NULL)) != 0 ||
	    (r = nothing_left(&in, "extensions")) != 0)
		return r;
	return check_extensions(c, *extensions);
}

int
slice_extension_next(struct rd *r, struct slice_extension *out)
{
	struct slice_extension x = { .critical = false };
	struct cut c = { .why = NULL };
	struct span s = { (const uint8_t *)"", 0 };
	int e;

	if (r->err == 0 && r->n == 0)
		return 0;
	c.r = *r;
	e = take(&c, TAG_SEQUENCE, "", &s, NULL);
	*r = c.r;
	c.r = rd_of_span(s);
	if (e == 0 && (e = take(&c, TAG_OID, "", &x.oid, NULL)) == 0 &&
	    next_is(&c, TAG_BOOLEAN)) {
		e = take(&c, TAG_BOOLEAN, "", &s, NULL);
		/* DER: true is 0xff, false is left out */
		if (e == 0 && (s.n != 1 || s.p[0] != 0xff))
			e = ERR_MALFORMED;
		x.critical = true;
	}
	if (e == 0 && (e = take(&c, TAG_OCTET_STRING, "", &x.value,
	    NULL)) == 0 && (rd_end(&c.r) != 0 || x.oid.n == 0))
		e = ERR_MALFORMED;
	if (e != 0) {
		r->err = e;
		return e;
	}
	*out = x;
	return 1;
}

int
slice_integer(struct span content, struct span *out)
{
	if (content.n == 0 || (content.p[0] & 0x80) != 0 ||
	    (content.n > 1 && content.p[0] == 0 &&
	    (content.p[1] & 0x80) == 0))
		return ERR_MALFORMED;
	*out = content;
	if (content.p[0] == 0 && content.n > 1)
		*out = (struct span){ content.p + 1, content.n - 1 };
	return 0;
}

int
slice_serial(struct span content, struct span *out)
{
	struct span s;

	if (slice_integer(content, &s) != 0 || (s.n == 1 && s.p[0] == 0))
		return ERR_MALFORMED;
	if (s.n > SLICE_SERIAL_MAX)
		return ERR_TOOBIG;
	*out = s;
	return 0;
}

/* ---- certificate --------------------------------------------------------- */

/* [0] EXPLICIT INTEGER; absent is v1, which DER does not write. */
static int
cut_version(struct cut *c, unsigned *version)
{
	struct span s, v;
	struct cut in = { .why = c->why };
	int r;

	*version = 1;
	if (!next_is(c, TAG_CONTEXT(0)))
		return 0;
	if ((r = take(c, TAG_CONTEXT(0), "version", &s, NULL)) != 0)
		return r;
	in.r = rd_of_span(s);
	if ((r = take(&in, TAG_INTEGER, "version", &v, NULL)) != 0 ||
	    (r = nothing_left(&in, "version")) != 0)
		return r;
	if (v.n != 1 || v.p[0] < 1 || v.p[0] > 2)
		return wrong(c, ERR_MALFORMED, "version", "v1, v2 or v3");
	*version = v.p[0] + 1u;
	return 0;
}

static int
cut_serial(struct cut *c, struct span *serial)
{
	struct span s;
	int r = take(c, TAG_INTEGER, "serialNumber", &s, NULL);

	if (r != 0)
		return r;
	return (r = slice_serial(s, serial)) == 0 ? 0 : wrong(c, r,
	    "serialNumber", "a positive INTEGER of at most 20 bytes");
}

static int
cut_validity(struct cut *c, struct slice_cert *out)
{
	struct cut in = { .why = c->why };
	struct span s;
	int r;

	if ((r = take(c, TAG_SEQUENCE, "validity", &s, NULL)) != 0)
		return r;
	in.r = rd_of_span(s);
	if ((r = cut_time(&in, "notBefore", &out->not_before)) != 0 ||
	    (r = cut_time(&in, "notAfter", &out->not_after)) != 0)
		return r;
	return nothing_left(&in, "validity");
}

/* RFC 5280 4.1.2.8: nobody writes them, but they are to be passed over. */
static int
skip_unique_ids(struct cut *c, unsigned version)
{
	for (uint8_t i = 1; i <= 2; i++) {
		int r;

		if (!next_is(c, TAG_UNIQUE_ID(i)))
			continue;
		if (version < 2)
			return wrong(c, ERR_MALFORMED, "unique identifier",
			    "none in v1");
		if ((r = take(c, TAG_UNIQUE_ID(i), "unique identifier", NULL,
		    NULL)) != 0)
			return r;
	}
	return 0;
}

static int
cut_cert(struct cut *c, struct slice_cert *out)
{
	struct span in;
	int r;

	c->r = rd_of_span(out->tbs);
	if ((r = take(c, TAG_SEQUENCE, "TBSCertificate", &in, NULL)) != 0)
		return r;
	c->r = rd_of_span(in);
	if ((r = cut_version(c, &out->version)) != 0 ||
	    (r = cut_serial(c, &out->serial)) != 0 ||
	    (r = cut_algorithm(c, out->algorithm)) != 0 ||
	    (r = take(c, TAG_SEQUENCE, "issuer", NULL, &out->issuer)) != 0 ||
	    (r = cut_validity(c, out)) != 0 ||
	    (r = take(c, TAG_SEQUENCE, "subject", NULL, &out->subject)) != 0 ||
	    (r = take(c, TAG_SEQUENCE, "subjectPublicKeyInfo", NULL,
	    &out->spki)) != 0 ||
	    (r = skip_unique_ids(c, out->version)) != 0 ||
	    (r = cut_extensions(c, TAG_CONTEXT(3), &out->extensions)) != 0 ||
	    (r = nothing_left(c, "TBSCertificate")) != 0)
		return r;
	if (out->extensions.n > 0 && out->version != 3)
		return wrong(c, ERR_MALFORMED, "version",
		    "v3, for it has extensions");
	return 0;
}

int
slice_cert(struct span der, struct slice_cert *out, struct why *why)
{
	struct slice_cert s = { .whole = der };
	struct cut c = { .why = why };
	int r;

	if (der.n > SLICE_CERT_MAX)
		return why_set(why, ERR_TOOBIG,
		    "certificate of %zu bytes: expected at most %d", der.n,
		    SLICE_CERT_MAX);
	if ((r = cut_outer(&c, der, &s.tbs, &s.algorithm, &s.signature)) != 0 ||
	    (r = cut_cert(&c, &s)) != 0)
		return r;
	*out = s;
	return 0;
}

/* ---- CRL ----------------------------------------------------------------- */

static int
cut_crl_version(struct cut *c)
{
	struct span v;
	int r;

	if (!next_is(c, TAG_INTEGER))
		return wrong(c, ERR_MALFORMED, "version", "v2");
	if ((r = take(c, TAG_INTEGER, "version", &v, NULL)) != 0)
		return r;
	return v.n == 1 && v.p[0] == 1 ? 0 : wrong(c, ERR_MALFORMED,
	    "version", "v2");
}

/* nextUpdate and revokedCertificates are both optional */
static int
cut_crl_middle(struct cut *c, struct slice_crl *out)
{
	int r;

	out->next_update = (struct span){ (const uint8_t *)"", 0 };
	out->revoked = out->next_update;
	if ((next_is(c, TAG_UTC_TIME) || next_is(c, TAG_GENERALIZED_TIME)) &&
	    (r = cut_time(c, "nextUpdate", &out->next_update)) != 0)
		return r;
	if (next_is(c, TAG_SEQUENCE) &&
	    (r = take(c, TAG_SEQUENCE, "revokedCertificates", &out->revoked,
	    NULL)) != 0)
		return r;
	return 0;
}

static int
cut_crl(struct cut *c, struct slice_crl *out)
{
	struct span in;
	int r;

	c->r = rd_of_span(out->tbs);
	if ((r = take(c, TAG_SEQUENCE, "TBSCertList", &in, NULL)) != 0)
		return r;
	c->r = rd_of_span(in);
	if ((r = cut_crl_version(c)) != 0 ||
	    (r = cut_algorithm(c, out->algorithm)) != 0 ||
	    (r = take(c, TAG_SEQUENCE, "issuer", NULL, &out->issuer)) != 0 ||
	    (r = cut_time(c, "thisUpdate", &out->this_update)) != 0 ||
	    (r = cut_crl_middle(c, out)) != 0 ||
	    (r = cut_extensions(c, TAG_CONTEXT(0), &out->extensions)) != 0)
		return r;
	return nothing_left(c, "TBSCertList");
}

int
slice_crl(struct span der, struct slice_crl *out, struct why *why)
{
	struct slice_crl s = { .whole = der };
	struct cut c = { .why = why };
	int r;

	if (der.n > SLICE_CRL_MAX)
		return why_set(why, ERR_TOOBIG,
		    "CRL of %zu bytes: expected at most %u", der.n,
		    SLICE_CRL_MAX);
	if ((r = cut_outer(&c, der, &s.tbs, &s.algorithm, &s.signature)) != 0 ||
	    (r = cut_crl(&c, &s)) != 0)
		return r;
	*out = s;
	return 0;
}

/* ---- time ---------------------------------------------------------------- */

/* n decimal digits at *p, which moves; -1 if they are not. */
static int
digits(const uint8_t **p, int n)
{
	int v = 0;

	for (; n > 0; n--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

static int
days_in_month(int year, int month)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
	    30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Days from 1970-01-01 in the Gregorian calendar. */
static int64_t
days_since_epoch(int year, int month, int day)
{
	/* years begin in March, so that the leap day is the last */
	int64_t y = month > 2 ? year : year - 1;
	int64_t m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	    day - 1 - 719468;
}

int
slice_time(struct span whole, int64_t *out)
{
	struct rd r = rd_of_span(whole);
	struct span in, all;
	const uint8_t *p;
	int year, month, day, hour, minute, second;
	uint8_t tag;

	if (slice_element(&r, &tag, &in, &all) != 0 || rd_end(&r) != 0 ||
	    !((tag == TAG_UTC_TIME && in.n == 13) ||
	    (tag == TAG_GENERALIZED_TIME && in.n == 15)))
		return ERR_MALFORMED;
	p = in.p;
	year = digits(&p, tag == TAG_UTC_TIME ? 2 : 4);
	if (year >= 0 && tag == TAG_UTC_TIME)
		year += year < 50 ? 2000 : 1900;
	else if (year < 2050)
		return ERR_MALFORMED;
	month = digits(&p, 2);
	day = digits(&p, 2);
	hour = digits(&p, 2);
	minute = digits(&p, 2);
	second = digits(&p, 2);
	if (year < 0 || month < 1 || month > 12 || day < 1 ||
	    day > days_in_month(year, month) || hour < 0 || hour > 23 ||
	    minute < 0 || minute > 59 || second < 0 || second > 59 ||
	    *p != 'Z')
		return ERR_MALFORMED;
	*out = days_since_epoch(year, month, day) * 86400 + hour * 3600 +
	    minute * 60 + second;
	return 0;
}
