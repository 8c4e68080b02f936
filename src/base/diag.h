/*
 * A bounded list of findings about a text file, each with its place and what
 * was expected there: file:line:column: error: text.
 */
#ifndef BASE_DIAG_H
#define BASE_DIAG_H

#include <stddef.h>

#include "base/buf.h"

/* A note is what may well be meant. */
enum diag_level { DIAG_WARNING, DIAG_ERROR, DIAG_NOTE };

#define DIAG_MAX 100		/* findings kept; later ones are counted */
#define DIAG_TEXT_MAX 400

struct diag_item {
	enum diag_level level;
	char file[256];
	unsigned line, column;		/* 1-based, 0 = the whole file */
	char text[DIAG_TEXT_MAX];	/* printable ASCII */
};

struct diag {
	struct diag_item *items;	/* owned */
	size_t n;
	size_t errors, warnings, notes;	/* all, also those not kept */
};

void diag_init(struct diag *d);
void diag_free(struct diag *d);
/* Add one finding; the text is escaped.  Never fails: without memory only
 * the counts rise. */
void diag_add(struct diag *d, enum diag_level level, const char *file,
    unsigned line, unsigned column, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));
/* Behind those of d the findings of more, which stays as it is. */
void diag_append(struct diag *d, const struct diag *more);
/* "error", "warning", "note". */
const char *diag_word(enum diag_level level);
/* One item as "file:line:column: error: text" into dst. */
char *diag_format(const struct diag_item *item, char *dst, size_t size);
/* Over a process boundary: encoder beside decoder.  Findings for which b has
 * no room are only counted; texts that are not printable are malformed. */
void diag_encode(const struct diag *d, struct buf *b);
int diag_decode(struct rd *r, struct diag *d);	/* d initialised, empty */

#endif
