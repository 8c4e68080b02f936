/*
 * A rule of the map, as `list` and `who` print it.
 */
#ifndef MAP_SHOW_H
#define MAP_SHOW_H

#include <stddef.h>

#include "base/buf.h"
#include "idmap/map.h"

/* Members of a JSON object: "line", "action", ... "rule" (text, its line). */
void show_members(const struct map *m, const struct map_rule *r,
    const char *text);

/* Lines of a text in rising order, without walking it from its beginning for
 * each; starts as { text, 1 }. */
struct show_lines {
	struct span rest;
	unsigned at;
};
/* Line number `line`, not before the last one, into dst, blanks at its ends
 * taken off. */
void show_line(struct show_lines *l, unsigned line,
    char dst[MAP_LINE_MAX + 1]);

#endif
