#include "ca/derput.h"

#include <libtasn1.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"

#define HEADER_MAX 16
#define OID_MAX 32
#define YEAR_2050 2524608000	/* seconds since 1970 */

static void
fail(struct buf *b)
{
	if (b->err == 0)
		b->err = ERR_INTERNAL;
}

void
derput_wrap(struct buf *b, uint8_t tag, size_t start)
{
	uint8_t head[HEADER_MAX] = { tag };
	int n = HEADER_MAX - 1;
	size_t len = b->len - start;

	if (b->err != 0)
		return;
	asn1_length_der(len, head + 1, &n);
	if (buf_reserve(b, (size_t)n + 1) == NULL)
		return;
	memmove(b->data + start + n + 1, b->data + start, len);
	memcpy(b->data + start, head, (size_t)n + 1);
	buf_commit(b, (size_t)n + 1);
}

static void
simple(struct buf *b, unsigned type, const void *value, size_t n)
{
	uint8_t head[HEADER_MAX];
	unsigned head_len = sizeof(head);

	if (asn1_encode_simple_der(type, value, (unsigned)n, head,
	    &head_len) != ASN1_SUCCESS) {
		fail(b);
		return;
	}
	buf_put_raw(b, head, head_len);
	buf_put_raw(b, value, n);
}

void
derput_integer(struct buf *b, const uint8_t *value, size_t n)
{
	uint8_t padded[64];

	/* shortest form, and never negative: X.690 8.3 */
	while (n > 1 && value[0] == 0 && (value[1] & 0x80) == 0) {
		value++;
		n--;
	}
	if (n > 0 && (value[0] & 0x80) != 0 && n < sizeof(padded)) {
		padded[0] = 0;
		memcpy(padded + 1, value, n);
		simple(b, ASN1_ETYPE_INTEGER, padded, n + 1);
	} else if (n > 0 && (value[0] & 0x80) == 0)
		simple(b, ASN1_ETYPE_INTEGER, value, n);
	else
		fail(b);
}

void
derput_number(struct buf *b, int64_t value)
{
	uint8_t raw[8];

	for (int i = 0; i < 8; i++)
		raw[i] = (uint8_t)((uint64_t)value >> (8 * (7 - i)));
	derput_integer(b, raw, sizeof(raw));
}

void
derput_enumerated(struct buf *b, uint8_t value)
{
	simple(b, ASN1_ETYPE_ENUMERATED, &value, 1);
}

void
derput_octets(struct buf *b, const uint8_t *value, size_t n)
{
	simple(b, ASN1_ETYPE_OCTET_STRING, value, n);
}

void
derput_oid(struct buf *b, const char *dotted)
{
	uint8_t raw[OID_MAX];
	int n = sizeof(raw);

	/* comes with tag and length */
	if (asn1_object_id_der(dotted, raw, &n, 0) != ASN1_SUCCESS)
		fail(b);
	else
		buf_put_raw(b, raw, (size_t)n);
}

void
derput_bits(struct buf *b, const uint8_t *value, size_t n)
{
	size_t start = b->len;

	buf_put_u8(b, 0);	/* unused bits */
	buf_put_raw(b, value, n);
	derput_wrap(b, ASN1_TAG_BIT_STRING, start);
}

void
derput_time(struct buf *b, int64_t when)
{
	time_t t = (time_t)when;
	char text[24];
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || tm.tm_year < 70 ||
	    tm.tm_year > 8099) {
		fail(b);
		return;
	}
	(void)strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
	if (when < YEAR_2050)	/* the same without the century */
		simple(b, ASN1_ETYPE_UTC_TIME, text + 2, strlen(text + 2));
	else
		simple(b, ASN1_ETYPE_GENERALIZED_TIME, text, strlen(text));
}
