#include "base/diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

void
diag_init(struct diag *d)
{
	*d = (struct diag){ 0 };
}

void
diag_free(struct diag *d)
{
	if (d == NULL)
		return;
	free(d->items);
	*d = (struct diag){ 0 };
}

static struct diag_item *
add_item(struct diag *d, enum diag_level level)
{
	if (level == DIAG_ERROR)
		d->errors++;
	else if (level == DIAG_WARNING)
		d->warnings++;
	else
		d->notes++;
	if (d->n >= DIAG_MAX)
		return NULL;
	if (d->items == NULL)
		d->items = calloc(DIAG_MAX, sizeof(*d->items));
	if (d->items == NULL)
		return NULL;
	d->items[d->n].level = level;
	return &d->items[d->n++];
}

void
diag_add(struct diag *d, enum diag_level level, const char *file,
    unsigned line, unsigned column, const char *fmt, ...)
{
	struct diag_item *it = add_item(d, level);
	char raw[DIAG_TEXT_MAX];
	va_list ap;

	if (it == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	err_escape(it->file, sizeof(it->file), file, strlen(file));
	err_escape(it->text, sizeof(it->text), raw, strlen(raw));
	it->line = line;
	it->column = column;
}

void
diag_append(struct diag *d, const struct diag *more)
{
	size_t errors = d->errors + more->errors;
	size_t warnings = d->warnings + more->warnings;
	size_t notes = d->notes + more->notes;

	for (size_t i = 0; i < more->n; i++) {
		struct diag_item *it = add_item(d, more->items[i].level);

		if (it != NULL)
			*it = more->items[i];
	}
	/* those that more did not keep, too */
	d->errors = errors;
	d->warnings = warnings;
	d->notes = notes;
}

const char *
diag_word(enum diag_level level)
{
	static const char *const words[] = { [DIAG_WARNING] = "warning",
	    [DIAG_ERROR] = "error", [DIAG_NOTE] = "note" };

	return words[level];
}

char *
diag_format(const struct diag_item *it, char *dst, size_t size)
{
	const char *word = diag_word(it->level);

	if (it->line == 0)
		(void)snprintf(dst, size, "%s: %s: %s", it->file, word,
		    it->text);
	else
		(void)snprintf(dst, size, "%s:%u:%u: %s: %s", it->file,
		    it->line, it->column, word, it->text);
	return dst;
}

static size_t
encoded_size(const struct diag_item *it)
{
	return 1 + 4 + strlen(it->file) + 4 + 4 + 4 + strlen(it->text);
}

/* How many items fit behind what is in b and the four counts: what does not
 * is counted, as what diag_add() does not keep. */
static size_t
fitting(const struct diag *d, const struct buf *b)
{
	size_t room = b->max - b->len, used = 4 * 4, n = 0;

	while (n < d->n && used + encoded_size(&d->items[n]) <= room)
		used += encoded_size(&d->items[n++]);
	return n;
}

/* uint32 errors, warnings, notes, n; n times { byte level; string file; uint32
 * line, column; string text } */
void
diag_encode(const struct diag *d, struct buf *b)
{
	size_t n = fitting(d, b);

	buf_put_u32(b, (uint32_t)d->errors);
	buf_put_u32(b, (uint32_t)d->warnings);
	buf_put_u32(b, (uint32_t)d->notes);
	buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		buf_put_u8(b, (uint8_t)d->items[i].level);
		buf_put_cstring(b, d->items[i].file);
		buf_put_u32(b, d->items[i].line);
		buf_put_u32(b, d->items[i].column);
		buf_put_cstring(b, d->items[i].text);
	}
}

/* Texts were escaped by diag_add(); anything else is not ours. */
static void
decode_item(struct rd *r, struct diag *d)
{
	uint8_t level = rd_u8(r);
	struct diag_item it = { .level = DIAG_ERROR }, *kept;

	rd_printable(r, it.file, sizeof(it.file));
	it.line = rd_u32(r);
	it.column = rd_u32(r);
	rd_printable(r, it.text, sizeof(it.text));
	if (r->err == 0 && level > DIAG_NOTE)
		r->err = ERR_MALFORMED;
	if (r->err != 0)
		return;
	it.level = (enum diag_level)level;
	if ((kept = add_item(d, it.level)) != NULL)
		*kept = it;
}

int
diag_decode(struct rd *r, struct diag *d)
{
	uint32_t errors = rd_u32(r), warnings = rd_u32(r);
	uint32_t notes = rd_u32(r), n = rd_u32(r);

	if (r->err == 0 && n > DIAG_MAX)
		r->err = ERR_TOOBIG;
	for (uint32_t i = 0; r->err == 0 && i < n; i++)
		decode_item(r, d);
	if (r->err != 0)
		return r->err;
	d->errors = errors;
	d->warnings = warnings;
	d->notes = notes;
	return 0;
}
