/*
 * How many live sessions a new map would end, as certlogind counts them: it
 * is asked with the map that is to come, and changes nothing.
 */
#ifndef MAP_SESSIONS_H
#define MAP_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "map/options.h"

#define SESSIONS_SHOWN 20	/* of those that would end */

struct sessions {
	unsigned daemons;	/* that run with this map */
	unsigned others;	/* that run with another one */
	uint64_t all, ends;
	uint64_t unknown;	/* could not be judged */
	bool yours;		/* the caller's is among those that end */
	char problem[WHY_MAX];	/* why they could not be counted, or "" */
	struct buf list;	/* of those that end, one a line */
	size_t listed;
};

/* Ask every certlogind of this host that uses o->map (of --run-dir, if it is
 * given); only root can.  out is to be freed. */
void sessions_count(const struct options *o, const struct buf *map,
    struct sessions *out);
void sessions_free(struct sessions *s);

/* "ends 37 of 40 live sessions, yours included", and the like. */
void sessions_say(const struct sessions *s);

/* Is there something to be confirmed? */
bool sessions_matter(const struct sessions *s);

#endif
