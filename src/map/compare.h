/*
 * One rule of the map against another: for `check`, `who` and `list`.  What
 * is not certain is answered with no.
 */
#ifndef MAP_COMPARE_H
#define MAP_COMPARE_H

#include <stdbool.h>

#include "idmap/map.h"

/* fold-case of an authority is needed where two allows are compared; a deny
 * ignores case by itself. */

/* Some certificate fits m and value, which is an allow's pattern of the same
 * field; loose: m is a deny's. */
bool compare_meets(const struct map_match *m, const struct map_match *other,
    bool loose, unsigned fold);

/* Allow a gives whatever allow b gives, where and when b does. */
bool compare_hides(const struct map *m, const struct map_rule *a,
    const struct map_rule *b, unsigned fold);

/* Deny a fires for every certificate that allow b fits, where and when b
 * holds. */
bool compare_bars(const struct map *m, const struct map_rule *a,
    const struct map_rule *b);

/* The same of two denies. */
bool compare_repeats(const struct map *m, const struct map_rule *a,
    const struct map_rule *b);

/* Deny a looks at no field but b's, and fires for some certificate that allow
 * b fits, at some place and time. */
bool compare_cuts(const struct map *m, const struct map_rule *a,
    const struct map_rule *b);

/* At no PAM service: only a network login can be by this rule. */
bool compare_network_only(const struct map *m, const struct map_rule *r);

/* Is word among n words of the map from first? */
bool compare_has_word(const struct map *m, uint32_t first, size_t n,
    const char *word);

#endif
