#include "map/compare.h"

#include <string.h>

#include "idmap/decide.h"
#include "x509/pattern.h"

#define AS_DENY (PATTERN_FOLD | PATTERN_LOOSE)

/* ---- matchers --------------------------------------------------------------------- */

static int
fold_flag(enum facts_field field, unsigned fold)
{
	return (fold & 1u << field) != 0 ? PATTERN_FOLD : 0;
}

static bool
same_bytes(const struct map_match *a, const struct map_match *b)
{
	return a->n_bytes == b->n_bytes &&
	    memcmp(a->bytes, b->bytes, a->n_bytes) == 0;
}

static bool
match_covers(const struct map_match *wide, const struct map_match *narrow,
    bool loose, unsigned fold)
{
	enum facts_field field = map_matcher_field(wide->matcher);

	if (wide->matcher != narrow->matcher)
		return false;
	if (field == FACTS_FIELDS)
		return same_bytes(wide, narrow);
	return pattern_covers(field, wide->value, narrow->value,
	    loose ? AS_DENY : fold_flag(field, fold));
}

bool
compare_meets(const struct map_match *m, const struct map_match *other,
    bool loose, unsigned fold)
{
	enum facts_field field = map_matcher_field(m->matcher);

	if (m->matcher != other->matcher)
		return false;
	if (field == FACTS_FIELDS)
		return same_bytes(m, other);
	return pattern_meets(field, m->value, other->value,
	    loose ? AS_DENY : fold_flag(field, fold));
}

typedef bool match_fn(const struct map_match *, const struct map_match *,
    bool loose, unsigned fold);

/* Each of a's matchers has one of b's that it compares with. */
static bool
each_match(const struct map *m, const struct map_rule *a,
    const struct map_rule *b, unsigned fold, match_fn *fits)
{
	for (size_t i = 0; i < a->n_matches; i++) {
		size_t k = 0;

		while (k < b->n_matches && !fits(&m->match[a->matches + i],
		    &m->match[b->matches + k], a->deny, fold))
			k++;
		if (k == b->n_matches)
			return false;
	}
	return true;
}

/* ---- where and when ---------------------------------------------------------------- */

bool
compare_has_word(const struct map *m, uint32_t first, size_t n,
    const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(m->word[first + i], word) == 0)
			return true;
	return false;
}

static bool
words_cover(const struct map *m, uint32_t wide, size_t n_wide,
    uint32_t narrow, size_t n_narrow)
{
	for (size_t i = 0; i < n_narrow; i++)
		if (!compare_has_word(m, wide, n_wide, m->word[narrow + i]))
			return false;
	return true;
}

static bool
net_covers(const struct map_net *wide, const struct map_net *narrow)
{
	size_t whole = wide->bits / 8;
	unsigned left = wide->bits % 8;

	if (wide->len != narrow->len || wide->bits > narrow->bits ||
	    memcmp(wide->address, narrow->address, whole) != 0)
		return false;
	return left == 0 || ((wide->address[whole] ^
	    narrow->address[whole]) >> (8 - left)) == 0;
}

static bool
nets_cover(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	for (size_t i = 0; i < b->n_nets; i++) {
		size_t k = 0;

		while (k < a->n_nets && !net_covers(&m->net[a->nets + k],
		    &m->net[b->nets + i]))
			k++;
		if (k == a->n_nets)
			return false;
	}
	return a->n_nets == 0 || b->n_nets > 0;
}

static bool
nets_meet(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	for (size_t i = 0; i < a->n_nets; i++)
		for (size_t k = 0; k < b->n_nets; k++) {
			const struct map_net *x = &m->net[a->nets + i];
			const struct map_net *y = &m->net[b->nets + k];

			if (net_covers(x, y) || net_covers(y, x))
				return true;
		}
	return a->n_nets == 0 || b->n_nets == 0;
}

static bool
over_network(const struct map *m, const struct map_rule *r)
{
	return r->n_services == 0 || compare_has_word(m, r->services,
	    r->n_services, DECIDE_NETWORK_SERVICE);
}

bool
compare_network_only(const struct map *m, const struct map_rule *r)
{
	return r->class != FACTS_USER || r->restrictions != 0 ||
	    r->n_nets > 0 || (r->n_services == 1 && over_network(m, r));
}

static bool
services_meet(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	if (compare_network_only(m, a) || compare_network_only(m, b))
		return over_network(m, a) && over_network(m, b);
	for (size_t i = 0; i < a->n_services; i++)
		if (compare_has_word(m, b->services, b->n_services,
		    m->word[a->services + i]))
			return true;
	return a->n_services == 0 || b->n_services == 0;
}

/* Where and when b holds, a does. */
static bool
conditions_cover(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	if (!nets_cover(m, a, b) ||
	    (a->until != 0 && (b->until == 0 || a->until < b->until)))
		return false;
	if (a->n_services > 0 && (b->n_services == 0 || !words_cover(m,
	    a->services, a->n_services, b->services, b->n_services)))
		return false;
	/* a is left out at local doors for what it restricts */
	return a->restrictions == 0 || compare_network_only(m, b);
}

/* ---- accounts ----------------------------------------------------------------------- */

/* The matcher that a's {name} stands in. */
static const struct map_match *
capturing(const struct map *m, const struct map_rule *r)
{
	for (size_t i = 0; i < r->n_matches; i++) {
		const struct map_match *a = &m->match[r->matches + i];

		if (a->wild && pattern_capture(a->value, r->capture) != 0)
			return a;
	}
	return NULL;
}

/* Every account that b gives, a gives. */
static bool
accounts_cover(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	const struct map_match *x, *y;

	if (a->capture == NULL)
		return b->capture == NULL && words_cover(m, a->accounts,
		    a->n_accounts, b->accounts, b->n_accounts);
	if (b->capture == NULL)
		return false;
	x = capturing(m, a);
	y = capturing(m, b);
	return x != NULL && y != NULL && strcmp(x->value, y->value) == 0 &&
	    strcmp(a->capture, b->capture) == 0;
}

/* ---- rules -------------------------------------------------------------------------- */

static bool
same_authority(const struct map_rule *a, const struct map_rule *b)
{
	return a->class == b->class && strcmp(a->authority, b->authority) == 0;
}

bool
compare_hides(const struct map *m, const struct map_rule *a,
    const struct map_rule *b, unsigned fold)
{
	return same_authority(a, b) &&
	    each_match(m, a, b, fold, match_covers) &&
	    conditions_cover(m, a, b) && accounts_cover(m, a, b);
}

bool
compare_bars(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	return same_authority(a, b) &&
	    each_match(m, a, b, 0, match_covers) && conditions_cover(m, a, b);
}

bool
compare_repeats(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	return a->line < b->line && compare_bars(m, a, b);
}

bool
compare_cuts(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	return same_authority(a, b) &&
	    each_match(m, a, b, 0, compare_meets) && nets_meet(m, a, b) &&
	    services_meet(m, a, b);
}
