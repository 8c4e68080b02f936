#include "x509/pem.h"

#include <string.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

/* Where we are in the text. */
struct lines {
	struct span left;
	struct span line;		/* in hand, without blanks at its end */
	size_t number;			/* of it, 1-based */
};

static bool
next_line(struct lines *l)
{
	const uint8_t *nl;
	size_t n;

	if (l->left.n == 0)
		return false;
	nl = memchr(l->left.p, '\n', l->left.n);
	n = nl != NULL ? (size_t)(nl - l->left.p) : l->left.n;
	l->line = (struct span){ l->left.p, n };
	if (nl != NULL)
		n++;
	l->left.p += n;
	l->left.n -= n;
	while (l->line.n > 0 && memchr(" \t\r",
	    l->line.p[l->line.n - 1], 3) != NULL)
		l->line.n--;
	l->number++;
	return true;
}

/* Is the line `word` LABEL-----, and what is its label? */
static bool
is_boundary(struct span line, const char *word, struct span *label)
{
	size_t head = strlen(word), tail = sizeof(DASHES) - 1;

	if (line.n < head + tail || memcmp(line.p, word, head) != 0 ||
	    memcmp(line.p + line.n - tail, DASHES, tail) != 0)
		return false;
	*label = (struct span){ line.p + head, line.n - head - tail };
	return true;
}

/* ---- base64, RFC 4648 4 -------------------------------------------------- */

struct base64 {
	uint32_t bits;
	unsigned have;			/* characters of the group, pads too */
	unsigned pads;
	bool over;			/* behind a padded group */
};

static int
value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* A group of four: its bytes, and nothing in the bits behind them. */
static bool
end_group(struct base64 *b, struct buf *out)
{
	uint8_t bytes[3] = { (uint8_t)(b->bits >> 16), (uint8_t)(b->bits >> 8),
	    (uint8_t)b->bits };

	for (unsigned i = 3 - b->pads; i < 3; i++)
		if (bytes[i] != 0)
			return false;
	buf_put_raw(out, bytes, 3 - b->pads);
	b->over = b->pads > 0;
	*b = (struct base64){ .over = b->over };
	return true;
}

static bool
decode_line(struct base64 *b, struct span line, struct buf *out)
{
	for (size_t i = 0; i < line.n; i++) {
		int v = value_of(line.p[i]);

		if (line.p[i] == '=' && b->have >= 2) {
			b->pads++;
			v = 0;
		} else if (v < 0 || b->pads > 0 || b->over) {
			return false;
		}
		b->bits = b->bits << 6 | (unsigned)v;
		if (++b->have == 4 && !end_group(b, out))
			return false;
	}
	return true;
}

/* ---- blocks -------------------------------------------------------------- */

static int
wrong(const struct lines *l, struct why *why, const char *expected)
{
	return why_set(why, ERR_MALFORMED, "line %zu: expected %s", l->number,
	    expected);
}

/* From behind BEGIN to END: decoded to out, or passed over (out NULL). */
static int
take_block(struct lines *l, struct span label, struct buf *out,
    struct why *why)
{
	struct base64 b = { 0 };
	struct span other;
	size_t before = out != NULL ? out->len : 0;

	while (next_line(l)) {
		if (is_boundary(l->line, END, &other)) {
			if (!span_eq(other, label) || b.have != 0)
				return wrong(l, why, "the END of the block "
				    "that was begun, behind whole base64");
			if (out != NULL && buf_err(out) == 0 &&
			    out->len == before)
				return wrong(l, why, "base64 before END");
			return 0;
		}
		if (l->line.n > PEM_LINE_MAX)
			return wrong(l, why, "a shorter line");
		if (is_boundary(l->line, BEGIN, &other))
			return wrong(l, why, "END before another BEGIN");
		if (out != NULL && !decode_line(&b, l->line, out))
			return wrong(l, why, "base64");
	}
	return wrong(l, why, "-----END----- before the end of the file");
}

static int
next_block(struct lines *l, const char *label, struct buf *out,
    struct why *why)
{
	struct span found;
	int r;

	while (next_line(l)) {
		bool ours;

		if (!is_boundary(l->line, BEGIN, &found))
			continue;
		ours = span_eq_str(found, label);
		if ((r = take_block(l, found, ours ? out : NULL, why)) != 0)
			return r;
		if (!ours)
			continue;
		if ((r = buf_err(out)) != 0)
			return why_set(why, r, "line %zu: %s: %s", l->number,
			    label, err_text(r));
		return 1;
	}
	return 0;
}

/* No text begins so: a SEQUENCE with a length in bytes of its own. */
static bool
is_der(struct span text)
{
	return text.n >= 2 && text.p[0] == 0x30 && text.p[1] >= 0x81 &&
	    text.p[1] <= 0x84;
}

static int
take_der(struct lines *l, struct buf *out, struct why *why)
{
	int r;

	buf_put_raw(out, l->left.p, l->left.n);
	l->left = (struct span){ l->left.p + l->left.n, 0 };
	if ((r = buf_err(out)) != 0)
		return why_set(why, r, "DER: %s", err_text(r));
	return 1;
}

int
pem_next(struct span *text, const char *label, struct buf *out,
    struct why *why)
{
	struct lines l = { .left = *text };
	int r = is_der(*text) ? take_der(&l, out, why) :
	    next_block(&l, label, out, why);

	if (r == 1)
		*text = l.left;
	return r;
}

int
pem_all(struct span text, const char *label, struct buf *out,
    struct span *der, size_t max, size_t *n, struct why *why)
{
	struct lines l = { .left = text };
	size_t start = out->len, found = 0, off;
	int r = 1;

	if (is_der(text) && max > 0 && (r = take_der(&l, out, why)) == 1)
		der[found++].n = out->len - start;
	while (r == 1) {
		size_t before = out->len;

		r = next_block(&l, label, out, why);
		if (r == 1 && found == max)
			return why_set(why, ERR_TOOBIG, "line %zu: expected "
			    "at most %zu of %s", l.number, max, label);
		if (r == 1)
			der[found++].n = out->len - before;
	}
	if (r < 0)
		return r;
	if (found == 0)
		return why_set(why, ERR_NOTFOUND, "expected -----BEGIN "
		    "%s----- or DER", label);
	off = start;
	for (size_t i = 0; i < found; i++) {
		der[i].p = out->data + off;
		off += der[i].n;
	}
	*n = found;
	return 0;
}
