/*
 * The text of the locks (identity.map(5)) as `lock` and `unlock` change it:
 * comments, order and every other line stay.
 */
#ifndef CTL_LOCKS_H
#define CTL_LOCKS_H

#include "base/buf.h"
#include "base/err.h"
#include "idmap/map.h"

#define LOCKS_RULE_MAX (MAP_LINE_MAX + 1)

/* The rule "deny CLASS AUTHORITY MATCHER=VALUE [until=DATE]" of an argument
 * MATCHER=VALUE, the value in quotes if it needs them; until may be NULL. */
int locks_rule(char dst[LOCKS_RULE_MAX], const char *class,
    const char *authority, const char *match, const char *until,
    struct why *why);

/* Has it one matcher, and no from= or service=? */
bool locks_is_plain(const struct map_rule *r);

/* What locks_change() did. */
struct locks_changed {
	size_t found;			/* lines that locked this already */
	unsigned line;			/* the first of them, else the new one */
	bool same;			/* it stands there just so: no change */
};

/*
 * old with the locks of `want` taken out, whenever they end; with add, one
 * rule, in their place or at the end.  A line of old counts as such a lock if
 * it is plain and has the authority and the matcher of a rule of want.  file is old, parsed.  0 or buf_err(out).
 */
int locks_change(const struct buf *old, const struct map *file,
    const struct map *want, const char *add, struct buf *out,
    struct locks_changed *changed);

#endif
