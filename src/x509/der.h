/*
 * Getting values out of DER, on top of slice_element(): the tag is said
 * beforehand, errors stick in the reader as for rd_*.  No library.
 */
#ifndef X509_DER_H
#define X509_DER_H

#include <stdbool.h>

#include "base/buf.h"

#define DER_BOOLEAN 0x01
#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_OID 0x06
#define DER_UTF8 0x0c
#define DER_SEQUENCE 0x30
#define DER_SET 0x31
#define DER_CONTEXT(n) (0x80 | (n))	/* [n], primitive */
#define DER_CONTEXT_CONS(n) (0xa0 | (n))	/* [n], constructed */

#define DER_OID_TEXT 96			/* enough; longer ones are cut */

/* Content of the next element, which must have this tag; empty on error. */
struct span der_get(struct rd *r, uint8_t tag);
/* Is the next element of this tag? */
bool der_next_is(const struct rd *r, uint8_t tag);
/* All of s is one element of this tag: a reader of its content. */
struct rd der_only(struct span s, uint8_t tag);

/* OBJECT IDENTIFIER's bytes as 1.2.3 into dst; returns dst.  Arcs above
 * 32 bits and malformed ones give hex. */
char *der_oid_text(char *dst, size_t size, struct span oid);

#endif
