/*
 * Writing DER, by libtasn1's encoders of tags, lengths and simple types.
 * Errors stick in the buffer, as everywhere.
 */
#ifndef CA_DERPUT_H
#define CA_DERPUT_H

#include <stdint.h>

#include "base/buf.h"

#define DERPUT_SEQUENCE 0x30
#define DERPUT_CONTEXT_0 0xa0	/* [0] EXPLICIT or constructed */
#define DERPUT_CONTEXT_0_PRIMITIVE 0x80

/* Make the bytes from start on the content of tag. */
void derput_wrap(struct buf *b, uint8_t tag, size_t start);
/* INTEGER or ENUMERATED, OCTET STRING, of raw big endian bytes. */
void derput_integer(struct buf *b, const uint8_t *value, size_t n);
void derput_number(struct buf *b, int64_t value);	/* not negative */
void derput_enumerated(struct buf *b, uint8_t value);	/* < 128 */
void derput_octets(struct buf *b, const uint8_t *value, size_t n);
void derput_oid(struct buf *b, const char *dotted);
/* BIT STRING of whole bytes. */
void derput_bits(struct buf *b, const uint8_t *value, size_t n);
/* UTCTime until 2049, then GeneralizedTime: RFC 5280 5.1.2.4. */
void derput_time(struct buf *b, int64_t when);

#endif
