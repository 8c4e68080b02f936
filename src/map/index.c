#include "map/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "x509/pattern.h"

#define WILD_BITS 64		/* segments that a shape can tell of */

/* ---- hashing ------------------------------------------------------------------------ */

/* FNV-1a, in lower case: whether case counts is decided later. */
static uint32_t
add_text(uint32_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)p[i];

		if (c >= 'A' && c <= 'Z')
			c = (uint8_t)(c - 'A' + 'a');
		h = (h ^ c) * 16777619u;
	}
	return (h ^ 0xff) * 16777619u;
}

static uint32_t
begin(const struct map_rule *r, enum map_matcher matcher, const char *key)
{
	uint32_t h = (2166136261u ^ (uint32_t)matcher) * 16777619u;

	h = add_text(h, r->authority, strlen(r->authority));
	return add_text(h, key, strlen(key));
}

static uint32_t
hash_literal(uint32_t h, const struct map_match *m)
{
	if (map_matcher_field(m->matcher) == FACTS_FIELDS)
		return add_text(h, (const char *)m->bytes, m->n_bytes);
	return add_text(h, m->value, strlen(m->value));
}

/* What stands around the wild part of a pattern of this shape that covers
 * p. */
static bool
add_around(uint32_t *h, const struct index_shape *s,
    const struct pattern_part *p)
{
	if (p->before < s->before || (p->wild ? p->behind : p->n) < s->behind)
		return false;
	*h = add_text(*h, p->text, s->before);
	*h = add_text(*h, p->text + p->n - s->behind, s->behind);
	return true;
}

/* Value as a pattern of this shape that covers it would hash; false: none
 * does. */
static bool
hash_shape(uint32_t *h, const struct index_shape *s, const char *value)
{
	enum facts_field field = map_matcher_field(s->matcher);
	bool first = true;

	for (unsigned i = 0;; i++) {
		struct pattern_part p = pattern_part(field, value);

		if (i >= WILD_BITS || (s->wild >> i & 1) == 0) {
			if (p.wild)
				return false;
			*h = add_text(*h, p.text, p.n);
		} else {
			if (first && !add_around(h, s, &p))
				return false;
			first = false;
		}
		value += p.n;
		if (*value == '\0')
			return i + 1 >= WILD_BITS || s->wild >> (i + 1) == 0;
		*h = add_text(*h, value++, 1);
	}
}

/* false: a wild segment behind those that a shape can tell of */
static bool
shape_of(const struct map_match *m, struct index_shape *s)
{
	enum facts_field field = map_matcher_field(m->matcher);
	const char *p = m->value;

	*s = (struct index_shape){ .matcher = m->matcher };
	for (unsigned i = 0;; i++) {
		struct pattern_part a = pattern_part(field, p);

		if (a.wild && i >= WILD_BITS)
			return false;
		if (a.wild && s->wild == 0) {
			s->before = a.before;
			s->behind = a.behind;
		}
		if (a.wild)
			s->wild |= UINT64_C(1) << i;
		p += a.n;
		if (*p++ == '\0')
			return true;
	}
}

static bool
same_shape(const struct index_shape *a, const struct index_shape *b)
{
	return a->matcher == b->matcher && a->wild == b->wild &&
	    a->before == b->before && a->behind == b->behind;
}

/* The shape's place in x, made if it is new; NULL: no more room. */
static const struct index_shape *
find_shape(struct index *x, const struct map_match *m)
{
	struct index_shape s;

	if (!shape_of(m, &s))
		return NULL;
	for (size_t i = 0; i < x->n_shapes; i++)
		if (same_shape(&x->shape[i], &s))
			return &x->shape[i];
	if (x->n_shapes == INDEX_SHAPES_MAX)
		return NULL;
	x->shape[x->n_shapes] = s;
	return &x->shape[x->n_shapes++];
}

static uint32_t *
bucket(const struct index *x, uint32_t h)
{
	return &x->bucket[(h ^ h >> 15) & (x->n_buckets - 1)];
}

/* ---- filling ------------------------------------------------------------------------ */

int
index_init(struct index *x, const struct map *map, size_t n, size_t *budget)
{
	*x = (struct index){ .map = map, .cap = n, .n_buckets = 256,
	    .budget = budget };
	while (x->n_buckets < 2 * n)
		x->n_buckets *= 2;
	x->bucket = calloc(x->n_buckets, sizeof(*x->bucket));
	x->entry = calloc(n + 1, sizeof(*x->entry));
	return x->bucket != NULL && x->entry != NULL ? 0 : ERR_NOMEM;
}

void
index_free(struct index *x)
{
	free(x->bucket);
	free(x->entry);
	*x = (struct index){ .n = 0 };
}

size_t
index_best(const struct map *m, const struct map_rule *r)
{
	for (size_t i = 0; i < r->n_matches; i++)
		if (!m->match[r->matches + i].wild)
			return i;
	return 0;
}

void
index_add(struct index *x, size_t rule, size_t k, const char *key)
{
	const struct map_rule *r = &x->map->rule[rule];
	const struct map_match *m = &x->map->match[r->matches + k];
	const struct index_shape *s = NULL;
	uint32_t h = begin(r, m->matcher, key), *at = &x->rest;

	if (x->n == x->cap)
		return;
	if (!m->wild)
		at = bucket(x, hash_literal(h, m));
	else if ((s = find_shape(x, m)) != NULL &&
	    hash_shape(&h, s, m->value))
		at = bucket(x, h);
	x->entry[x->n] = (struct index_entry){ .rule = (uint32_t)rule,
	    .next = *at };
	*at = (uint32_t)++x->n;
}

/* ---- finding ------------------------------------------------------------------------ */

static bool
walk_list(const struct index *x, uint32_t at, const struct map_rule *b,
    index_take *take, void *arg)
{
	for (; at != 0 && *x->budget > 0; at = x->entry[at - 1].next) {
		--*x->budget;
		if (take(arg, &x->map->rule[x->entry[at - 1].rule], b))
			return true;
	}
	return false;
}

bool
index_walk(const struct index *x, const struct map_rule *b, size_t k,
    const char *key, index_take *take, void *arg)
{
	const struct map_match *m = &x->map->match[b->matches + k];
	uint32_t h = begin(b, m->matcher, key), one;

	if (!m->wild && walk_list(x, *bucket(x, hash_literal(h, m)), b, take,
	    arg))
		return true;
	for (size_t i = 0; i < x->n_shapes; i++) {
		one = h;
		if (x->shape[i].matcher == m->matcher &&
		    hash_shape(&one, &x->shape[i], m->value) &&
		    walk_list(x, *bucket(x, one), b, take, arg))
			return true;
	}
	return walk_list(x, x->rest, b, take, arg);
}
