/*
 * Where decide() takes rules from: a parsed map, which is walked, or rules
 * compiled into a database (compiled.h), of which only those are read that may
 * fit.  Both give the same rules in the same order, so the decision is one.
 */
#ifndef IDMAP_RULESET_H
#define IDMAP_RULESET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idmap/db.h"
#include "idmap/map.h"
#include "x509/facts.h"

/* One rule with all that it names; what it points to lives as long as the
 * ruleset, the tables themselves until the cursor moves. */
struct ruleset_rule {
	uint32_t line;
	bool deny;
	uint8_t restrictions;		/* enum ipc_restrict bits */
	size_t n_matches, n_accounts, n_services, n_nets;
	const struct map_match *match;
	const char *const *account;
	const char *const *service;
	const struct map_net *net;
	const char *capture, *command;	/* or NULL */
	int64_t until;			/* 0 = none */
};

struct ruleset {
	const struct ruleset_how *how;
	const struct map *map;		/* a parsed one */
	struct db db;			/* a compiled one */
	uint8_t set;
};

/* Every rule of m. */
struct ruleset ruleset_of_map(const struct map *m);

/* ---- looking for rules -------------------------------------------------- */

/* Lists of candidates: one for each value of the certificate and one for the
 * patterns of each matcher. */
#define RULESET_LISTS_MAX (FACTS_NAMES_MAX + MAP_MATCHERS + 3)

struct ruleset_list {
	struct span left;		/* behind the head */
	bool patterns;
	enum facts_field field;		/* of patterns */
	bool ended;
	uint32_t head;			/* number of a rule */
};

struct ruleset_cursor {
	const struct ruleset *of;
	const struct map_authority *authority;
	const struct facts *facts;
	bool deny;
	int err;			/* met at the begin, told by next() */
	size_t at;			/* parsed: the next rule */
	struct ruleset_list list[RULESET_LISTS_MAX];	/* compiled */
	size_t n;
	struct map_match match[MAP_MATCHERS];
	const char *account[MAP_ACCOUNTS_MAX], *service[MAP_LIST_MAX];
	struct map_net net[MAP_LIST_MAX];
};

/* Begin to look for the denies, or the allows, of this authority that may fit
 * these facts. */
void ruleset_find(struct ruleset_cursor *c, const struct ruleset *of,
    const struct map_authority *authority, const struct facts *facts,
    bool deny);
/* The next one in the order of the file: 1; 0 behind the last; negative where
 * a compiled ruleset is damaged.  None that fits is left out. */
int ruleset_next(struct ruleset_cursor *c, struct ruleset_rule *out);

/* Has the authority a deny, or an allow, with this matcher?  1, 0, or
 * negative. */
int ruleset_looks_at(const struct ruleset *of,
    const struct map_authority *authority, enum map_matcher matcher,
    bool deny);

/* Is it a rule of this authority? */
bool ruleset_is_of(const struct map_rule *r, const struct map_authority *a);

/* How a kind of ruleset does the above. */
struct ruleset_how {
	void (*find)(struct ruleset_cursor *c);
	int (*next)(struct ruleset_cursor *c, struct ruleset_rule *out);
	int (*looks_at)(const struct ruleset *of,
	    const struct map_authority *authority, enum map_matcher matcher,
	    bool deny);
};

#endif
