/*
 * The two files that a rule is read by: the authorities of trust.conf, and
 * the map itself.  Only text is read here; certificates are a judge's.
 */
#ifndef MAP_CONTEXT_H
#define MAP_CONTEXT_H

#include "base/diag.h"
#include "idmap/map.h"
#include "map/options.h"
#include "x509/trust.h"

struct context {
	const struct options *o;
	struct trust_conf conf;
	struct map_authority authority[TRUST_AUTHORITIES_MAX];
	size_t n;
	struct buf text;		/* of the map */
	struct diag diag;		/* findings */
};

/* Read trust.conf.  An exit status; says what is wrong.  To be closed in
 * any case. */
int context_open(struct context *c, const struct options *o);
void context_close(struct context *c);

/* Read the map's text. */
int context_read_map(struct context *c);

/* Read the map and parse it; says what is wrong.  map is to be freed when
 * EXIT_DONE. */
int context_load_map(struct context *c, struct map *map);

/* Parse text (n bytes) in context; errors go to diag. */
int context_parse(struct context *c, const char *name, const char *text,
    size_t n, struct map *out);

/* Line number `line` (1-based) of text, without its newline and the blanks at
 * both ends; n 0 behind the last. */
struct span context_line(struct span text, unsigned line);

#endif
