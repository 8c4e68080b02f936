/*
 * Rules found by what they match, so that 100,000 of them are compared
 * without trying each with each.  What is found is a candidate; a function of
 * compare.h then decides.
 */
#ifndef MAP_INDEX_H
#define MAP_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idmap/map.h"

#define INDEX_SHAPES_MAX 64

/* Wild values of one form: the same segments are wild, and as much stands
 * around the first wild part. */
struct index_shape {
	enum map_matcher matcher;
	uint64_t wild;			/* bit i: segment i */
	size_t before, behind;		/* bytes in its segment */
};

struct index_entry {
	uint32_t rule, next;		/* entry + 1, 0 = end */
};

struct index {
	const struct map *map;
	uint32_t *bucket;		/* entry + 1, 0 = empty */
	size_t n_buckets;		/* power of two */
	struct index_entry *entry;
	size_t n, cap;
	struct index_shape shape[INDEX_SHAPES_MAX];
	size_t n_shapes;
	uint32_t rest;			/* entries of yet other shapes */
	size_t *budget;			/* candidates still looked at */
};

/* For at most n entries.  *budget goes down with each candidate that is
 * looked at; at 0 nothing is found any more.  0 or ERR_NOMEM; to be freed in
 * any case. */
int index_init(struct index *x, const struct map *map, size_t n,
    size_t *budget);
void index_free(struct index *x);

/* Put rule under matcher k of its own and key (an account, "" = none).
 * Entries beyond n are left out. */
void index_add(struct index *x, size_t rule, size_t k, const char *key);

/* The matcher by which a rule is found best: the first literal one. */
size_t index_best(const struct map *m, const struct map_rule *r);

/* Walk the rules below key whose matcher may cover matcher k of b, until
 * take returns true. */
typedef bool index_take(void *arg, const struct map_rule *found,
    const struct map_rule *b);
bool index_walk(const struct index *x, const struct map_rule *b, size_t k,
    const char *key, index_take *take, void *arg);

#endif
