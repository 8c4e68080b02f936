/*
 * Changing the map: one at a time, and always to a whole, valid file.
 */
#ifndef MAP_EDIT_H
#define MAP_EDIT_H

#include "base/rewrite.h"
#include "map/context.h"

struct edit {
	struct context *c;
	struct rewrite file;
};

/* Lock the map and read it; with `make` one that is missing is made, empty.
 * Waits while another edits.  An exit status; to be ended in any case. */
int edit_begin(struct edit *e, struct context *c, bool make);

/* Put text in the map's place if it is valid; the file keeps mode, owner and
 * group.  Otherwise the map stays as it is. */
int edit_commit(struct edit *e, const struct buf *text);
void edit_end(struct edit *e);

#endif
