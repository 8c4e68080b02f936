/*
 * What changed between two texts, line by line.
 */
#ifndef MAP_DIFF_H
#define MAP_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct diff_line {
	bool added;		/* else removed */
	uint32_t line;		/* of the new text, else of the old one */
	struct span text;	/* points into it; no newline */
};

struct diff {
	struct diff_line *line;	/* in the order of the text */
	size_t n;
};

/* 0 or ERR_NOMEM; the texts must outlive d, which is to be freed.  Where very
 * many lines lie between the first and the last that differ, all of them
 * count as removed and added. */
int diff_make(struct diff *d, struct span old, struct span new);
void diff_free(struct diff *d);

#endif
