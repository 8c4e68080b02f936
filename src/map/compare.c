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
    bool deny, unsigned fold)
{
	enum facts_field field = map_matcher_field(wide->matcher);

	if (wide->matcher != narrow->matcher)
		return false;
	if (field == FACTS_FIELDS)
		return same_bytes(wide, narrow);
	return pattern_covers(field, wide->value, narrow->value,
	    deny ? AS_DENY : fold_flag(field, fold));
}

bool
compare_meets(const struct map_match *m, const struct map_match *other,
    bool deny, unsigned fold)
{
	enum facts_field field = map_matcher_field(m->matcher);

	if (m->matcher != other->matcher)
		return false;
	if (field == FACTS_FIELDS)
		return same_bytes(m, other);
	return pattern_meets(field, m->value, other->value,
	    deny ? AS_DENY : fold_flag(field, fold));
}

typedef bool match_fn(const struct map_match *, const struct map_match *,
    bool deny, unsigned fold);

/* Each of a's matchers has one of b's that it compares with. */
static bool
each_match(const struct compare_rule *a, const struct compare_rule *b,
    unsigned fold, match_fn *fits)
{
	for (size_t i = 0; i < a->rule->n_matches; i++) {
		size_t k = 0;

		while (k < b->rule->n_matches && !fits(&a->match[i],
		    &b->match[k], a->rule->deny, fold))
			k++;
		if (k == b->rule->n_matches)
			return false;
	}
	return true;
}

/* ---- where and when ---------------------------------------------------------------- */

static bool
has_word(const struct map *m, uint32_t first, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(m->word[first + i], word) == 0)
			return true;
	return false;
}

static bool
has_service(const struct compare_rule *a, const char *service)
{
	return has_word(a->map, a->rule->services, a->rule->n_services,
	    service);
}

/* Some, or with `all` each, of b's services is one of a's. */
static bool
services_shared(const struct compare_rule *a, const struct compare_rule *b,
    bool all)
{
	for (size_t i = 0; i < b->rule->n_services; i++)
		if (has_service(a, b->map->word[b->rule->services + i]) !=
		    all)
			return !all;
	return all;
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
nets_cover(const struct compare_rule *a, const struct compare_rule *b)
{
	for (size_t i = 0; i < b->rule->n_nets; i++) {
		size_t k = 0;

		while (k < a->rule->n_nets && !net_covers(
		    &a->map->net[a->rule->nets + k],
		    &b->map->net[b->rule->nets + i]))
			k++;
		if (k == a->rule->n_nets)
			return false;
	}
	return a->rule->n_nets == 0 || b->rule->n_nets > 0;
}

static bool
nets_meet(const struct compare_rule *a, const struct compare_rule *b)
{
	for (size_t i = 0; i < a->rule->n_nets; i++)
		for (size_t k = 0; k < b->rule->n_nets; k++) {
			const struct map_net *x, *y;

			x = &a->map->net[a->rule->nets + i];
			y = &b->map->net[b->rule->nets + k];
			if (net_covers(x, y) || net_covers(y, x))
				return true;
		}
	return a->rule->n_nets == 0 || b->rule->n_nets == 0;
}

bool
compare_network(const struct map *m, const struct map_rule *r)
{
	return r->n_services == 0 || has_word(m, r->services, r->n_services,
	    DECIDE_NETWORK_SERVICE);
}

bool
compare_network_only(const struct map *m, const struct map_rule *r)
{
	return r->class != FACTS_USER || r->restrictions != 0 ||
	    r->n_nets > 0 || (r->n_services == 1 && compare_network(m, r));
}

static bool
services_meet(const struct compare_rule *a, const struct compare_rule *b)
{
	if (compare_network_only(a->map, a->rule) ||
	    compare_network_only(b->map, b->rule))
		return compare_network(a->map, a->rule) &&
		    compare_network(b->map, b->rule);
	return a->rule->n_services == 0 || b->rule->n_services == 0 ||
	    services_shared(a, b, false);
}

/* Where and when b holds, a does. */
static bool
conditions_cover(const struct compare_rule *a, const struct compare_rule *b)
{
	const struct map_rule *x = a->rule, *y = b->rule;

	if (!nets_cover(a, b) ||
	    (x->until != 0 && (y->until == 0 || x->until < y->until)))
		return false;
	if (x->n_services > 0 && (y->n_services == 0 ||
	    !services_shared(a, b, true)))
		return false;
	/* a is left out at local doors for what it restricts */
	return x->restrictions == 0 || compare_network_only(b->map, y);
}

/* ---- accounts ----------------------------------------------------------------------- */

/* The matcher that a's {name} stands in. */
static const struct map_match *
capturing(const struct compare_rule *a)
{
	for (size_t i = 0; i < a->rule->n_matches; i++)
		if (a->match[i].wild && pattern_capture(a->match[i].value,
		    a->rule->capture) != 0)
			return &a->match[i];
	return NULL;
}

/* Every account that b gives, a gives. */
static bool
accounts_cover(const struct compare_rule *a, const struct compare_rule *b)
{
	const struct map_match *x, *y;

	if (a->rule->capture == NULL) {
		for (size_t i = 0; i < b->rule->n_accounts; i++)
			if (!has_word(a->map, a->rule->accounts,
			    a->rule->n_accounts,
			    b->map->word[b->rule->accounts + i]))
				return false;
		return b->rule->capture == NULL;
	}
	if (b->rule->capture == NULL)
		return false;
	x = capturing(a);
	y = capturing(b);
	return x != NULL && y != NULL && strcmp(x->value, y->value) == 0 &&
	    strcmp(a->rule->capture, b->rule->capture) == 0;
}

/* ---- rules -------------------------------------------------------------------------- */

struct compare_rule
compare_of(const struct map *m, const struct map_rule *r)
{
	return (struct compare_rule){ m, r, &m->match[r->matches] };
}

bool
compare_same_authority(const struct map_rule *a, const struct map_rule *b)
{
	return a->class == b->class && strcmp(a->authority, b->authority) == 0;
}

bool
compare_hides(const struct compare_rule *a, const struct compare_rule *b,
    unsigned fold)
{
	return compare_same_authority(a->rule, b->rule) &&
	    each_match(a, b, fold, match_covers) && conditions_cover(a, b) &&
	    accounts_cover(a, b);
}

bool
compare_bars(const struct compare_rule *a, const struct compare_rule *b)
{
	return compare_same_authority(a->rule, b->rule) &&
	    each_match(a, b, 0, match_covers) && conditions_cover(a, b);
}

/* One matcher of a deny against those of an allow. */
static enum compare_cut
match_cut(const struct map_match *m, const struct compare_rule *b)
{
	for (size_t k = 0; k < b->rule->n_matches; k++)
		if (b->match[k].matcher == m->matcher)
			return compare_meets(m, &b->match[k], true, 0) ?
			    COMPARE_SOME : COMPARE_NOTHING;
	return COMPARE_PERHAPS;
}

enum compare_cut
compare_cut(const struct compare_rule *a, const struct compare_rule *b)
{
	enum compare_cut least = COMPARE_SOME, one;

	if (!compare_same_authority(a->rule, b->rule) || !nets_meet(a, b) ||
	    !services_meet(a, b))
		return COMPARE_NOTHING;
	for (size_t i = 0; i < a->rule->n_matches; i++)
		if ((one = match_cut(&a->match[i], b)) < least)
			least = one;
	return least == COMPARE_SOME && compare_bars(a, b) ? COMPARE_ALL :
	    least;
}

bool
compare_names_let(const struct trust_rules *t, const struct map_match *m,
    bool deny)
{
	enum facts_field field = map_matcher_field(m->matcher);
	int flags = deny ? AS_DENY : 0;
	bool listed = false;

	if (t == NULL || t->n_names == 0 || field == FACTS_FIELDS)
		return true;
	if (field == FACTS_DNS || (t->fold & 1u << field) != 0)
		flags |= PATTERN_FOLD;
	for (size_t i = 0; i < t->n_names; i++) {
		const struct trust_name *n = &t->names[i];

		if (n->field != field)
			continue;
		listed = true;
		if (trust_name_is_any(n) || pattern_meets(field, m->value,
		    n->pattern, flags))
			return true;
	}
	return !listed && field == FACTS_SID;
}
