#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define BUF_FIRST 256

void
buf_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void
buf_init_secret(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max, .secret = true };
}

void
buf_free(struct buf *b)
{
	if (b == NULL)
		return;
	if (b->secret && b->data != NULL)
		buf_wipe(b->data, b->cap);
	free(b->data);
	b->data = NULL;
	b->len = b->cap = 0;
	b->err = 0;
}

void
buf_reset(struct buf *b)
{
	if (b->secret && b->data != NULL)
		buf_wipe(b->data, b->cap);
	b->len = 0;
	b->err = 0;
}

int
buf_err(const struct buf *b)
{
	return b->err;
}

static int
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;
	uint8_t *p;

	while (cap < need)
		cap = cap > b->max / 2 ? b->max : cap * 2;
	if (cap < need)
		return ERR_TOOBIG;
	/* not realloc: it would leave a copy of a secret behind */
	if ((p = malloc(cap)) == NULL)
		return ERR_NOMEM;
	if (b->len > 0)
		memcpy(p, b->data, b->len);
	if (b->secret && b->data != NULL)
		buf_wipe(b->data, b->cap);
	free(b->data);
	b->data = p;
	b->cap = cap;
	return 0;
}

uint8_t *
buf_reserve(struct buf *b, size_t n)
{
	if (b->err != 0)
		return NULL;
	if (n > b->max || b->len > b->max - n) {
		b->err = ERR_TOOBIG;
		return NULL;
	}
	if ((b->data == NULL || b->len + n > b->cap) &&
	    (b->err = grow(b, b->len + n)) != 0)
		return NULL;
	return b->data + b->len;
}

void
buf_commit(struct buf *b, size_t n)
{
	if (b->err == 0 && n <= b->cap - b->len)
		b->len += n;
	else if (b->err == 0)
		b->err = ERR_INTERNAL;
}

void
buf_consume(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
		return;
	}
	memmove(b->data, b->data + n, b->len - n);
	b->len -= n;
}

void
buf_put_raw(struct buf *b, const void *p, size_t n)
{
	uint8_t *d = buf_reserve(b, n);

	if (d == NULL)
		return;
	if (n > 0)
		memcpy(d, p, n);
	b->len += n;
}

static void
put_be(struct buf *b, uint64_t v, size_t width)
{
	uint8_t d[8];

	for (size_t i = 0; i < width; i++)
		d[i] = (uint8_t)(v >> (8 * (width - 1 - i)));
	buf_put_raw(b, d, width);
}

void
buf_put_u8(struct buf *b, uint8_t v)
{
	put_be(b, v, 1);
}

void
buf_put_u16(struct buf *b, uint16_t v)
{
	put_be(b, v, 2);
}

void
buf_put_u32(struct buf *b, uint32_t v)
{
	put_be(b, v, 4);
}

void
buf_put_u64(struct buf *b, uint64_t v)
{
	put_be(b, v, 8);
}

void
buf_put_bool(struct buf *b, bool v)
{
	put_be(b, v ? 1 : 0, 1);
}

void
buf_put_string(struct buf *b, const void *p, size_t n)
{
	if (n > UINT32_MAX) {
		if (b->err == 0)
			b->err = ERR_TOOBIG;
		return;
	}
	buf_put_u32(b, (uint32_t)n);
	buf_put_raw(b, p, n);
}

void
buf_put_cstring(struct buf *b, const char *s)
{
	buf_put_string(b, s, s != NULL ? strlen(s) : 0);
}

struct rd
rd_of(const void *p, size_t n)
{
	return (struct rd){ .p = n > 0 ? p : (const void *)"", .n = n };
}

struct rd
rd_of_buf(const struct buf *b)
{
	return rd_of(b->data, b->len);
}

struct rd
rd_of_span(struct span s)
{
	return rd_of(s.p, s.n);
}

struct span
rd_raw(struct rd *r, size_t n)
{
	struct span s = { (const uint8_t *)"", 0 };

	if (r->err != 0)
		return s;
	if (r->n < n) {
		r->err = ERR_SHORT;
		return s;
	}
	s.p = r->p;
	s.n = n;
	r->p += n;
	r->n -= n;
	return s;
}

static uint64_t
get_be(struct rd *r, size_t width)
{
	struct span s = rd_raw(r, width);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

uint8_t
rd_u8(struct rd *r)
{
	return (uint8_t)get_be(r, 1);
}

uint16_t
rd_u16(struct rd *r)
{
	return (uint16_t)get_be(r, 2);
}

uint32_t
rd_u24(struct rd *r)
{
	return (uint32_t)get_be(r, 3);
}

uint32_t
rd_u32(struct rd *r)
{
	return (uint32_t)get_be(r, 4);
}

uint64_t
rd_u64(struct rd *r)
{
	return get_be(r, 8);
}

bool
rd_bool(struct rd *r)
{
	uint8_t v = rd_u8(r);

	if (r->err == 0 && v > 1)
		r->err = ERR_MALFORMED;
	return r->err == 0 && v == 1;
}

struct span
rd_string(struct rd *r, size_t max)
{
	uint32_t n = rd_u32(r);

	if (r->err == 0 && n > max)
		r->err = ERR_TOOBIG;
	return rd_raw(r, n);
}

void
rd_cstring(struct rd *r, char *dst, size_t size)
{
	struct span s = rd_string(r, size - 1);

	dst[0] = '\0';
	if (r->err != 0)
		return;
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL) {
		r->err = ERR_MALFORMED;
		return;
	}
	memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
}

void
rd_printable(struct rd *r, char *dst, size_t size)
{
	const char *p = dst;

	rd_cstring(r, dst, size);
	while (*p >= 0x20 && *p <= 0x7e)
		p++;
	if (*p == '\0')
		return;
	r->err = ERR_MALFORMED;
	dst[0] = '\0';
}

struct span
rd_vector(struct rd *r, unsigned width)
{
	return rd_raw(r, (size_t)get_be(r, width));
}

struct span
rd_rest(struct rd *r)
{
	return rd_raw(r, r->n);
}

int
rd_end(const struct rd *r)
{
	if (r->err != 0)
		return r->err;
	return r->n == 0 ? 0 : ERR_TRAILING;
}

bool
span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
span_eq_str(struct span a, const char *s)
{
	return span_eq(a, (struct span){ (const uint8_t *)s, strlen(s) });
}

bool
span_line(struct span *text, struct span *line)
{
	const uint8_t *nl = text->n > 0 ? memchr(text->p, '\n', text->n) :
	    NULL;
	size_t n = nl != NULL ? (size_t)(nl - text->p) : text->n;

	if (text->n == 0)
		return false;
	*line = (struct span){ text->p, n };
	n += nl != NULL;
	text->p += n;
	text->n -= n;
	return true;
}

static bool
is_blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

struct span
span_trim(struct span s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}
