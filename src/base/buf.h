/*
 * The one bounded buffer, and typed get and put in RFC 4251 section 5 types
 * (uint32, uint64 big endian; string = uint32 length + bytes).
 *
 * Writing: struct buf grows up to its limit.  The first failure sticks: later
 * puts do nothing and buf_err() tells, so an encoder checks once at its end.
 * Reading: struct rd is a view of bytes owned by somebody else.  The first
 * failure sticks too: later gets return zeros and empty views.  Every decoder
 * ends with rd_end(), which also refuses bytes left over.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A view of bytes; p is never NULL when it came out of rd_*. */
struct span {
	const uint8_t *p;
	size_t n;
};

struct buf {
	uint8_t *data;		/* owned; valid bytes are data[0..len) */
	size_t len;
	size_t cap;
	size_t max;		/* limit in bytes */
	int err;		/* sticky ERR_NOMEM or ERR_TOOBIG */
	bool secret;		/* wipe on growth, reset and free */
};

/* An empty buffer that may grow to max bytes; allocates nothing yet. */
void buf_init(struct buf *b, size_t max);
/* The same for secrets: contents are wiped whenever memory is given up. */
void buf_init_secret(struct buf *b, size_t max);
/* Release the memory; b is then empty with the same limit. Accepts NULL. */
void buf_free(struct buf *b);
/* Forget contents and error, keep the memory. */
void buf_reset(struct buf *b);
/* 0 or the first error of a put. */
int buf_err(const struct buf *b);
/* Make room for n more bytes and return where they go, NULL on error.
 * buf_commit(n) then makes them part of the contents. */
uint8_t *buf_reserve(struct buf *b, size_t n);
void buf_commit(struct buf *b, size_t n);
/* Remove n bytes (at most len) from the front. */
void buf_consume(struct buf *b, size_t n);

void buf_put_u8(struct buf *b, uint8_t v);
void buf_put_u16(struct buf *b, uint16_t v);
void buf_put_u32(struct buf *b, uint32_t v);
void buf_put_u64(struct buf *b, uint64_t v);
void buf_put_bool(struct buf *b, bool v);
void buf_put_raw(struct buf *b, const void *p, size_t n);
void buf_put_string(struct buf *b, const void *p, size_t n);
void buf_put_cstring(struct buf *b, const char *s);	/* NULL = empty */

struct rd {
	const uint8_t *p;
	size_t n;
	int err;		/* sticky ERR_SHORT, ERR_MALFORMED, ERR_TOOBIG */
};

struct rd rd_of(const void *p, size_t n);
struct rd rd_of_buf(const struct buf *b);
struct rd rd_of_span(struct span s);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u24(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
bool rd_bool(struct rd *r);			/* 0 or 1, else malformed */
struct span rd_raw(struct rd *r, size_t n);
struct span rd_string(struct rd *r, size_t max);
/* A string into dst (size bytes), NUL-terminated; an embedded NUL is
 * malformed, more than size - 1 bytes is too big; dst is "" on error. */
void rd_cstring(struct rd *r, char *dst, size_t size);
/* The same of printable ASCII alone, for what reaches terminals and logs;
 * anything else is malformed. */
void rd_printable(struct rd *r, char *dst, size_t size);
/* A view of bytes behind a length of width 1, 2 or 3 bytes (TLS vectors). */
struct span rd_vector(struct rd *r, unsigned width);
/* Everything that is left. */
struct span rd_rest(struct rd *r);
/* 0 if all gets succeeded and nothing is left over. */
int rd_end(const struct rd *r);

bool span_eq(struct span a, struct span b);
bool span_eq_str(struct span a, const char *s);
/* Take the first line off *text, with its newline; line is without.  false:
 * nothing is left. */
bool span_line(struct span *text, struct span *line);
/* Without the blanks at both ends, and a carriage return at the second. */
struct span span_trim(struct span s);

/* Overwrite n bytes so that the compiler cannot drop it. */
void buf_wipe(void *p, size_t n);

#endif
