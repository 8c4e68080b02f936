#include "x509/der.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "x509/slice.h"

struct span
der_get(struct rd *r, uint8_t tag)
{
	struct span content, whole;
	uint8_t found;

	if (slice_element(r, &found, &content, &whole) == 0 && found == tag)
		return content;
	if (r->err == 0)
		r->err = ERR_MALFORMED;
	return (struct span){ (const uint8_t *)"", 0 };
}

bool
der_next_is(const struct rd *r, uint8_t tag)
{
	return r->err == 0 && r->n > 0 && r->p[0] == tag;
}

struct rd
der_only(struct span s, uint8_t tag)
{
	struct rd r = rd_of_span(s), in;

	in = rd_of_span(der_get(&r, tag));
	in.err = rd_end(&r);
	return in;
}

/* X.690 8.19: base 128, the top bit says that more follows.  False: no end,
 * padded, or above 32 bits. */
static bool
next_arc(struct rd *r, uint32_t *arc)
{
	uint8_t b = rd_u8(r);

	*arc = b & 0x7fu;
	if (r->err != 0 || b == 0x80)
		return false;
	while ((b & 0x80) != 0) {
		b = rd_u8(r);
		if (r->err != 0 || *arc > UINT32_MAX >> 7)
			return false;
		*arc = *arc << 7 | (b & 0x7fu);
	}
	return true;
}

static char *
hex_text(char *dst, size_t size, struct span oid)
{
	size_t at = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < oid.n && at + 3 <= size; i++, at += 2)
		(void)snprintf(dst + at, size - at, "%02x", oid.p[i]);
	return dst;
}

char *
der_oid_text(char *dst, size_t size, struct span oid)
{
	struct rd r = rd_of_span(oid);
	size_t at = 0;
	uint32_t arc;
	int n;

	for (bool first = true; r.n > 0; first = false) {
		uint32_t top;

		if (!next_arc(&r, &arc))
			return hex_text(dst, size, oid);
		top = arc < 80 ? arc / 40 : 2;
		n = first ? snprintf(dst, size, "%u.%u", top, arc - top * 40) :
		    snprintf(dst + at, size - at, ".%u", arc);
		if (n < 0 || (size_t)n >= size - at)
			break;
		at += (size_t)n;
	}
	return at == 0 ? hex_text(dst, size, oid) : dst;
}
