/*
 * Writing DER, by libtasn1's encoders of tags, lengths and simple types.
 * Errors stick in the buffer, as everywhere.
 */
#ifndef CA_DER_H
#define CA_DER_H

#include <stdint.h>

#include "base/buf.h"

#define DER_SEQUENCE 0x30
#define DER_CONTEXT_0 0xa0	/* [0] EXPLICIT or constructed */
#define DER_CONTEXT_0_PRIMITIVE 0x80

/* Make the bytes from start on the content of tag. */
void der_wrap(struct buf *b, uint8_t tag, size_t start);
/* INTEGER or ENUMERATED, OCTET STRING, of raw big endian bytes. */
void der_integer(struct buf *b, const uint8_t *value, size_t n);
void der_number(struct buf *b, int64_t value);	/* not negative */
void der_enumerated(struct buf *b, uint8_t value);	/* < 128 */
void der_octets(struct buf *b, const uint8_t *value, size_t n);
void der_oid(struct buf *b, const char *dotted);
/* BIT STRING of whole bytes. */
void der_bits(struct buf *b, const uint8_t *value, size_t n);
/* UTCTime until 2049, then GeneralizedTime: RFC 5280 5.1.2.4. */
void der_time(struct buf *b, int64_t when);

#endif
