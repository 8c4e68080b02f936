/*
 * Changing the map: one at a time, shown and asked for before it counts, and
 * always to a whole, valid file.
 */
#ifndef MAP_CHANGE_H
#define MAP_CHANGE_H

#include "base/rewrite.h"
#include "map/context.h"

struct change {
	struct context *c;
	struct rewrite file;
};

/*
 * Lock the map against other certlogin-maps and read it into c->text; with
 * `make` one that is missing is an empty one.  Whoever holds the lock is
 * named, and waited for, but not for long.  An exit status; to be ended in
 * any case.
 */
int change_begin(struct change *ch, struct context *c, bool make);

/* Is text a valid map?  Says what is wrong. */
int change_check(struct change *ch, const struct buf *text);

/*
 * Put text, which is valid, in the map's place: says what would change with
 * --dry-run; else counts what would be ended and has it confirmed (and the
 * change itself if `ask`), leaves a line in the log and writes.  The file
 * keeps mode, owner and group.  Otherwise the map stays as it is.
 */
int change_commit(struct change *ch, const struct buf *text, bool ask);
void change_end(struct change *ch);

#endif
