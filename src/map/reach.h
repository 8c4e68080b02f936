/*
 * Which rules of a map reach an account, or concern an identity.
 */
#ifndef MAP_REACH_H
#define MAP_REACH_H

#include "map/compare.h"
#include "map/context.h"

enum reach_how { REACH_NOT, REACH_NAMED, REACH_CAPTURED };

/* An allow that reaches an account. */
struct reach {
	enum reach_how how;
	/* its matchers, with the account in place of what it captures */
	struct map_match match[MAP_MATCHERS];
	char value[FACTS_NAME_MAX + IPC_ACCOUNT_MAX + 1];
};

/* What trust.conf says of an authority, NULL = nothing. */
const struct trust_rules *reach_authority(const struct trust_conf *conf,
    const char *name);

/* Do its certificates carry URIs?  Only names= says so.  t may be NULL. */
bool reach_lists_uris(const struct trust_rules *t);

/* Does rule r give account, by what map and trust.conf (t, or NULL) say?
 * The uid rule is not asked.  A deny gives nothing. */
void reach_account(const struct map *m, const struct map_rule *r,
    const struct trust_rules *t, const char *account, struct reach *out);

/* The rule as narrowed to the account. */
struct compare_rule reach_compare(const struct map *m,
    const struct map_rule *r, const struct reach *to);

/*
 * An identity as it is printed everywhere, AUTHORITY matcher=value, as a map
 * of one deny, for reach_identity(); to be freed.  0, or ERR_MALFORMED with
 * why.
 */
int reach_parse_identity(const struct context *c, const char *text,
    struct map *out, struct why *why);

/* Could rule r fit a certificate of this identity?  Only a rule that looks at
 * its field can tell. */
bool reach_identity(const struct map *m, const struct map_rule *r,
    const struct trust_rules *t, const struct map *identity);

#endif
