#include "map/lint.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idmap/decide.h"
#include "idmap/uidrule.h"
#include "x509/pattern.h"

#define BUCKETS 65536		/* power of two */

/* Earlier rules that could cover another: those with a wild matcher are few
 * and all looked at; the others are found by their first matcher. */
struct index {
	size_t *wild;
	size_t n_wild;
	size_t *next;			/* of the same bucket, by rule */
	size_t bucket[BUCKETS];		/* rule + 1, 0 = empty */
};

struct work {
	const struct lint *l;
	const struct map *map;
	struct index allow, deny;
	uint32_t uid_min, uid_max;
};

__attribute__((format(printf, 3, 4)))
static void
warn(const struct work *w, const struct map_rule *r, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_add(w->l->diag, DIAG_WARNING, w->l->file, r->line, 1, "%s",
	    text);
}

/* ---- does one rule cover another? ------------------------------------------------ */

static bool
match_covers(const struct map_match *wide, const struct map_match *narrow)
{
	enum facts_field field = map_matcher_field(wide->matcher);

	if (wide->matcher != narrow->matcher)
		return false;
	if (field == FACTS_FIELDS)
		return wide->n_bytes == narrow->n_bytes && memcmp(
		    wide->bytes, narrow->bytes, wide->n_bytes) == 0;
	return pattern_covers(field, wide->value, narrow->value);
}

/* Whatever certificate b's matchers fit, a's fit, too. */
static bool
matchers_cover(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	for (size_t i = 0; i < a->n_matches; i++) {
		size_t k = 0;

		while (k < b->n_matches && !match_covers(
		    &m->match[a->matches + i], &m->match[b->matches + k]))
			k++;
		if (k == b->n_matches)
			return false;
	}
	return true;
}

static bool
has_word(const struct map *m, uint32_t first, size_t n, const char *word)
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
		if (!has_word(m, wide, n_wide, m->word[narrow + i]))
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
network_only(const struct map *m, const struct map_rule *r)
{
	return r->class != FACTS_USER || r->restrictions != 0 ||
	    r->n_nets > 0 || (r->n_services == 1 && strcmp(
	    m->word[r->services], DECIDE_NETWORK_SERVICE) == 0);
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
	return a->restrictions == 0 || network_only(m, b);
}

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

static bool
same_authority(const struct map_rule *a, const struct map_rule *b)
{
	return a->class == b->class && strcmp(a->authority, b->authority) == 0;
}

static bool
hides(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	return same_authority(a, b) && matchers_cover(m, a, b) &&
	    conditions_cover(m, a, b) && accounts_cover(m, a, b);
}

static bool
bars(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	return same_authority(a, b) && a->n_nets == 0 &&
	    a->n_services == 0 && a->until == 0 && matchers_cover(m, a, b);
}

static bool
bars_earlier(const struct map *m, const struct map_rule *a,
    const struct map_rule *b)
{
	return a->line < b->line && bars(m, a, b);
}

/* ---- index -------------------------------------------------------------------------- */

static size_t
hash_match(const struct map_match *a)
{
	const uint8_t *p = a->bytes;
	size_t n = a->n_bytes;
	uint32_t h = 2166136261u;		/* FNV-1a */

	if (map_matcher_field(a->matcher) != FACTS_FIELDS) {
		p = (const uint8_t *)a->value;
		n = strlen(a->value);
	}
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 16777619u;
	return (h ^ (uint32_t)a->matcher) & (BUCKETS - 1);
}

static bool
is_wild(const struct map *m, const struct map_rule *r)
{
	for (size_t i = 0; i < r->n_matches; i++)
		if (m->match[r->matches + i].wild)
			return true;
	return false;
}

static void
index_add(struct index *x, const struct map *m, size_t rule)
{
	const struct map_rule *r = &m->rule[rule];
	size_t h;

	if (is_wild(m, r)) {
		x->wild[x->n_wild++] = rule;
		return;
	}
	h = hash_match(&m->match[r->matches]);
	x->next[rule] = x->bucket[h];
	x->bucket[h] = rule + 1;
}

typedef bool covers_fn(const struct map *m, const struct map_rule *a,
    const struct map_rule *b);

/* A rule of the index that covers b, or NULL. */
static const struct map_rule *
index_find(const struct index *x, const struct map *m,
    const struct map_rule *b, covers_fn *covers)
{
	for (size_t i = 0; i < b->n_matches; i++) {
		size_t h = hash_match(&m->match[b->matches + i]);

		for (size_t k = x->bucket[h]; k != 0; k = x->next[k - 1])
			if (covers(m, &m->rule[k - 1], b))
				return &m->rule[k - 1];
	}
	for (size_t i = 0; i < x->n_wild; i++)
		if (covers(m, &m->rule[x->wild[i]], b))
			return &m->rule[x->wild[i]];
	return NULL;
}

static int
index_init(struct index *x, size_t n)
{
	x->wild = calloc(n + 1, sizeof(*x->wild));
	x->next = calloc(n + 1, sizeof(*x->next));
	return x->wild != NULL && x->next != NULL ? 0 : ERR_NOMEM;
}

static void
index_free(struct index *x)
{
	free(x->wild);
	free(x->next);
}

/* ---- what is looked at ---------------------------------------------------------------- */

static const struct trust_rules *
rules_of(const struct work *w, const char *authority)
{
	const struct trust_conf *c = w->l->conf;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->authority[i].rules.name, authority) == 0)
			return &c->authority[i].rules;
	return NULL;
}

/* Could the authority's names= let a value through that fits?  As verify.h's
 * VERIFY_NAMES has it. */
static bool
fence_lets(const struct trust_rules *t, const struct map_match *m)
{
	enum facts_field field = map_matcher_field(m->matcher);
	bool listed = false;

	if (t == NULL || t->n_names == 0 || field == FACTS_FIELDS)
		return true;
	for (size_t i = 0; i < t->n_names; i++) {
		const struct trust_name *n = &t->names[i];

		if (n->field != field)
			continue;
		listed = true;
		if ((t->fold & 1u << field) != 0 || trust_name_is_any(n) ||
		    pattern_meets(field, n->pattern, m->value))
			return true;
	}
	return !listed && field == FACTS_SID;
}

static void
look_at_fence(const struct work *w, const struct map_rule *r)
{
	const struct trust_rules *t = rules_of(w, r->authority);

	for (size_t i = 0; i < r->n_matches; i++) {
		const struct map_match *m = &w->map->match[r->matches + i];

		if (!fence_lets(t, m))
			warn(w, r, "never matches: names= of authority %s "
			    "lets no certificate with %s=%s through",
			    r->authority, map_matcher_name(m->matcher),
			    m->value);
	}
}

static void
look_at_conditions(const struct work *w, const struct map_rule *r)
{
	bool network = r->n_services == 0 || has_word(w->map, r->services,
	    r->n_services, DECIDE_NETWORK_SERVICE);

	if (r->until != 0 && w->l->now >= r->until)
		warn(w, r, "never matches any more: its until= is past");
	if (network)
		return;
	if (r->class != FACTS_USER)
		warn(w, r, "never matches: a device logs in over the network "
		    "only (service=" DECIDE_NETWORK_SERVICE "), not at a PAM "
		    "service");
	else if (!r->deny && (r->restrictions != 0 || r->n_nets > 0))
		warn(w, r, "never matches: at a PAM service no rule with "
		    "from=, command=, no-pty or no-forwarding counts");
	else if (r->deny && r->n_nets > 0)
		warn(w, r, "never matches: a PAM service has no address for "
		    "from=");
}

static int
find_account(const char *name, uid_t *uid)
{
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL)
		return ERR_NOTFOUND;
	*uid = pw->pw_uid;
	return 0;
}

static void
look_at_accounts(const struct work *w, const struct map_rule *r)
{
	const struct uidrule rule = { .uid_min = w->uid_min,
	    .uid_max = w->uid_max };
	uid_t uid;

	for (size_t i = 0; i < r->n_accounts; i++) {
		const char *name = w->map->word[r->accounts + i];

		if ((w->l->find != NULL ? w->l->find : find_account)(name,
		    &uid) != 0)
			warn(w, r, "account %s is not known here", name);
		else if (uid == 0)
			warn(w, r, "reaches root: %s has uid 0, if "
			    "privileged-accounts lists it", name);
		else if (uidrule_check(&rule, name, uid, false, NULL) != 0)
			warn(w, r, "reaches a system account: %s has uid %lu, "
			    "outside %u..%u, if privileged-accounts lists it",
			    name, (unsigned long)uid, w->uid_min, w->uid_max);
	}
}

static void
look_at_others(const struct work *w, const struct map_rule *r)
{
	const struct map_rule *by;

	if (!r->deny && (by = index_find(&w->deny, w->map, r, bars)) != NULL)
		warn(w, r, "never matches: line %u denies every certificate "
		    "that it fits", by->line);
	else if (!r->deny && (by = index_find(&w->allow, w->map, r,
	    hides)) != NULL)
		warn(w, r, "is hidden by line %u, which fits the same "
		    "certificates for the same accounts and comes first",
		    by->line);
	else if (r->deny && (by = index_find(&w->deny, w->map, r,
	    bars_earlier)) != NULL)
		warn(w, r, "is not needed: line %u denies the same", by->line);
}

static void
look_at(const struct work *w, const struct map_rule *r)
{
	look_at_conditions(w, r);
	look_at_fence(w, r);
	look_at_accounts(w, r);
	look_at_others(w, r);
}

static void
run(struct work *w)
{
	const struct map *m = w->map;

	for (size_t i = 0; i < m->n; i++)
		if (m->rule[i].deny)
			index_add(&w->deny, m, i);
	for (size_t i = 0; i < m->n; i++) {
		const struct map_rule *r = &m->rule[i];

		if (w->l->only == 0 || w->l->only == r->line)
			look_at(w, r);
		if (!r->deny)
			index_add(&w->allow, m, i);
	}
}

void
lint_run(const struct lint *l)
{
	struct work *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return;
	w->l = l;
	w->map = l->map;
	uidrule_limits(&w->uid_min, &w->uid_max);
	if (index_init(&w->allow, l->map->n) == 0 &&
	    index_init(&w->deny, l->map->n) == 0)
		run(w);
	index_free(&w->allow);
	index_free(&w->deny);
	free(w);
}
