#include "x509/points.h"

#include <string.h>

#include "x509/der.h"
#include "x509/slice.h"

static void
keep(struct points *p, struct span uri)
{
	if (p->n < POINTS_MAX)
		(void)err_escape(p->uri[p->n++], POINTS_URI_MAX, uri.p,
		    uri.n);
	else
		p->more++;
}

/* SIZE (1..MAX) OF GeneralName; URIs, [6], are kept in p, unless it is NULL */
static int
read_names(struct span names, struct points *p)
{
	struct rd r = rd_of_span(names);
	struct span content, whole;
	uint8_t tag;

	if (r.n == 0)
		return ERR_MALFORMED;
	while (r.err == 0 && r.n > 0) {
		if (slice_element(&r, &tag, &content, &whole) != 0 ||
		    (tag & 0xc0) != 0x80)
			return ERR_MALFORMED;
		if (tag == DER_CONTEXT(6) && p != NULL)
			keep(p, content);
	}
	return rd_end(&r);
}

/* CHOICE { fullName [0] GeneralNames, nameRelativeToCRLIssuer [1] } */
static int
read_name(struct span name, struct points *p)
{
	struct rd r = rd_of_span(name);
	struct span content, whole;
	uint8_t tag;

	if (slice_element(&r, &tag, &content, &whole) != 0 || rd_end(&r) != 0)
		return ERR_MALFORMED;
	if (tag == DER_CONTEXT_CONS(0))
		return read_names(content, p);
	return tag == DER_CONTEXT_CONS(1) ? 0 : ERR_MALFORMED;
}

/* SEQUENCE { distributionPoint [0], reasons [1], cRLIssuer [2] }, each
 * OPTIONAL, in that order */
static int
read_point(struct span point, struct points *p)
{
	struct rd r = rd_of_span(point);
	struct span content, whole;
	uint8_t tag, last = 0;
	int e;

	while (r.err == 0 && r.n > 0) {
		if (slice_element(&r, &tag, &content, &whole) != 0 ||
		    (tag & 0x1f) < last)
			return ERR_MALFORMED;
		last = (uint8_t)((tag & 0x1f) + 1);
		if (tag == DER_CONTEXT_CONS(0))
			e = read_name(content, p);
		else if (tag == DER_CONTEXT_CONS(2))
			e = read_names(content, NULL);
		else
			e = tag == DER_CONTEXT(1) ? 0 : ERR_MALFORMED;
		if (e != 0)
			return e;
	}
	return rd_end(&r);
}

static int
read_points(struct span value, struct points *p)
{
	struct rd r = der_only(value, DER_SEQUENCE);
	int e = r.n > 0 ? 0 : ERR_MALFORMED;

	while (e == 0 && r.err == 0 && r.n > 0)
		e = read_point(der_get(&r, DER_SEQUENCE), p);
	return e != 0 ? e : rd_end(&r);
}

int
points_read(struct span extensions, struct points *out, struct why *why)
{
	static const uint8_t oid[] = { 0x55, 0x1d, 0x1f };
	struct rd r = rd_of_span(extensions);
	struct points p = { .n = 0 };
	struct slice_extension x;
	int more;

	while ((more = slice_extension_next(&r, &x)) == 1)
		if (x.oid.n == sizeof(oid) && memcmp(x.oid.p, oid,
		    sizeof(oid)) == 0 && read_points(x.value, &p) != 0)
			return why_set(why, ERR_MALFORMED, "extension "
			    "cRLDistributionPoints: not of its form in RFC "
			    "5280 4.2.1.13");
	if (more < 0)
		return why_set(why, ERR_MALFORMED, "extensions: expected DER "
		    "of RFC 5280 4.1");
	*out = p;
	return 0;
}
