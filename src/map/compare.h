/*
 * One rule of the map against another: for `check`, `who` and `list`.  What
 * is not certain is answered with no.
 */
#ifndef MAP_COMPARE_H
#define MAP_COMPARE_H

#include <stdbool.h>

#include "idmap/map.h"
#include "x509/trust.h"

/* A rule and the map that it is in; match may stand for its own matchers. */
struct compare_rule {
	const struct map *map;
	const struct map_rule *rule;
	const struct map_match *match;	/* n_matches of them */
};
struct compare_rule compare_of(const struct map *m, const struct map_rule *r);

/* Does some certificate fit both, m of a rule (deny: one that fires on any
 * case, and its wild parts may be empty) and other of an allow?  fold: the
 * fields of their authority's fold-case, which counts between allows. */
bool compare_meets(const struct map_match *m, const struct map_match *other,
    bool deny, unsigned fold);

/* Allow a gives whatever allow b gives, where and when b does. */
bool compare_hides(const struct compare_rule *a, const struct compare_rule *b,
    unsigned fold);

/* Deny a fires for every certificate that b fits, where and when b holds. */
bool compare_bars(const struct compare_rule *a, const struct compare_rule *b);

/* How much of what allow b lets in does deny a take away? */
enum compare_cut {
	COMPARE_NOTHING,
	COMPARE_PERHAPS,	/* a looks at fields that b does not */
	COMPARE_SOME,		/* of the certificates, or somewhere */
	COMPARE_ALL,		/* as compare_bars() */
};
enum compare_cut compare_cut(const struct compare_rule *a,
    const struct compare_rule *b);

/* Rules of one authority and class. */
bool compare_same_authority(const struct map_rule *a,
    const struct map_rule *b);

/* No local door takes the rule: it is for logins over the network only; and:
 * it is for those, too. */
bool compare_network_only(const struct map *m, const struct map_rule *r);
bool compare_network(const struct map *m, const struct map_rule *r);

/* Could the names= of an authority (NULL: not known) let a value through that
 * fits m?  As VERIFY_NAMES of verify.h has it. */
bool compare_names_let(const struct trust_rules *t, const struct map_match *m,
    bool deny);

#endif
