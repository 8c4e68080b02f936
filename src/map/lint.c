#include "map/lint.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "idmap/decide.h"
#include "idmap/uidrule.h"
#include "map/accounts.h"
#include "map/compare.h"
#include "map/index.h"
#include "map/reach.h"
#include "x509/pattern.h"

#define CAPTURED "{}"		/* key of rules that capture the account */
#define SOON (30 * 86400)	/* seconds before the end of until= */
/* Candidates of all rules together: about two seconds.  A map in which more
 * rules look alike is told so. */
#define BUDGET (20 * 1000 * 1000)

struct work {
	const struct lint *l;
	const struct map *map;
	struct index allow;		/* earlier ones, by account */
	struct index wild;		/* allows, by each wild matcher */
	struct index deny;
	size_t budget;
	uint32_t *cut;			/* line of a deny that cuts rule i */
	struct accounts accounts;
	uint32_t uid_min, uid_max;
	unsigned fold;			/* of the authority looked at */
	struct diag found;
};

__attribute__((format(printf, 4, 0)))
static void
say(struct work *w, enum diag_level level, unsigned line,
    const char *fmt, va_list ap)
{
	char text[DIAG_TEXT_MAX];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	diag_add(&w->found, level, w->l->file, line, 1, "%s", text);
}

__attribute__((format(printf, 3, 4)))
static void
warn(struct work *w, const struct map_rule *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(w, DIAG_WARNING, r->line, fmt, ap);
	va_end(ap);
}

__attribute__((format(printf, 3, 4)))
static void
note(struct work *w, const struct map_rule *r, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(w, DIAG_NOTE, r->line, fmt, ap);
	va_end(ap);
}

/* ---- what is looked at ---------------------------------------------------------------- */

static const struct trust_rules *
rules_of(const struct work *w, const char *authority)
{
	return reach_authority(w->l->conf, authority);
}

static void
look_at_fence(struct work *w, const struct map_rule *r)
{
	const struct trust_rules *t = rules_of(w, r->authority);

	for (size_t i = 0; i < r->n_matches; i++) {
		const struct map_match *m = &w->map->match[r->matches + i];

		if (!compare_names_let(t, m, r->deny))
			warn(w, r, "never matches: names= of authority %s "
			    "lets no certificate with %s=%s through",
			    r->authority, map_matcher_name(m->matcher),
			    m->value);
	}
}

static void
look_at_conditions(struct work *w, const struct map_rule *r)
{
	if (compare_network(w->map, r))
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

static void
look_at_end(struct work *w, const struct map_rule *r)
{
	time_t last = (time_t)r->until - 1;
	int64_t left = r->until - w->l->now;
	char day[16] = "";
	struct tm tm;

	if (r->until == 0 || left > SOON)
		return;
	if (left <= 0) {
		warn(w, r, "never matches any more: its until= is past");
		return;
	}
	if (gmtime_r(&last, &tm) != NULL)
		(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	warn(w, r, "ends soon: until=%s is its last day", day);
}

static bool
is_strong(enum map_matcher matcher)
{
	return matcher == MAP_URI || matcher == MAP_SPKI ||
	    matcher == MAP_CERT || matcher == MAP_SID;
}

static void
look_at_strength(struct work *w, const struct map_rule *r)
{
	const struct map_match *m = &w->map->match[r->matches];

	if (r->deny || !reach_lists_uris(rules_of(w, r->authority)))
		return;
	for (size_t i = 0; i < r->n_matches; i++)
		if (is_strong(m[i].matcher))
			return;
	warn(w, r, "%s= is weaker than uri=, and names= of authority %s lists "
	    "URIs, so its certificates carry one",
	    map_matcher_name(m->matcher), r->authority);
}

/* ---- accounts ----------------------------------------------------------------------- */

static void
look_at_accounts(struct work *w, const struct map_rule *r)
{
	const struct uidrule rule = { .uid_min = w->uid_min,
	    .uid_max = w->uid_max };

	for (size_t i = 0; i < r->n_accounts; i++) {
		const char *name = w->map->word[r->accounts + i];
		uid_t uid = 0;

		switch (accounts_get(&w->accounts, name, &uid)) {
		case ACCOUNTS_NEW:
			return;
		case ACCOUNTS_UNKNOWN:
			warn(w, r, "account %s is not known here", name);
			continue;
		case ACCOUNTS_KNOWN:
			break;
		}
		if (uid == 0)
			warn(w, r, "reaches root: %s has uid 0, if "
			    "privileged-accounts lists it", name);
		else if (uidrule_check(&rule, name, uid, false, NULL) != 0)
			warn(w, r, "reaches a system account: %s has uid %lu, "
			    "outside %u..%u, if privileged-accounts lists it",
			    name, (unsigned long)uid, w->uid_min, w->uid_max);
	}
}

/* ---- other rules ---------------------------------------------------------------------- */

/* What is looked for, and what was found. */
struct search {
	struct work *w;
	const struct map_rule *found;
};

static struct compare_rule
pick(const struct search *s, const struct map_rule *r)
{
	return compare_of(s->w->map, r);
}

static bool
take_bar(void *arg, const struct map_rule *found, const struct map_rule *r)
{
	struct search *s = arg;
	struct compare_rule a = pick(s, found), b = pick(s, r);

	s->found = found;
	return compare_bars(&a, &b);
}

static bool
take_hiding(void *arg, const struct map_rule *found,
    const struct map_rule *r)
{
	struct search *s = arg;
	struct compare_rule a = pick(s, found), b = pick(s, r);

	s->found = found;
	return compare_hides(&a, &b, s->w->fold);
}

static bool
take_repeated(void *arg, const struct map_rule *found,
    const struct map_rule *r)
{
	return found->line < r->line && take_bar(arg, found, r);
}

static bool
take_cut(void *arg, const struct map_rule *found, const struct map_rule *r)
{
	struct search *s = arg;
	struct compare_rule a = pick(s, found), b = pick(s, r);

	s->found = found;
	return compare_cut(&a, &b) >= COMPARE_SOME;
}

static const struct map_rule *
find(struct work *w, const struct index *x, const struct map_rule *b,
    const char *key, index_take *take)
{
	struct search s = { .w = w };

	for (size_t k = 0; k < b->n_matches; k++)
		if (index_walk(x, b, k, key, take, &s))
			return s.found;
	return NULL;
}

static const struct map_rule *
find_hiding(struct work *w, const struct map_rule *r)
{
	const struct trust_rules *t = rules_of(w, r->authority);

	w->fold = t != NULL ? t->fold : 0;
	return find(w, &w->allow, r, r->capture != NULL ? CAPTURED :
	    w->map->word[r->accounts], take_hiding);
}

static void
look_at_others(struct work *w, const struct map_rule *r)
{
	size_t i = (size_t)(r - w->map->rule);
	const struct map_rule *by;

	if (r->until != 0 && w->l->now >= r->until)
		return;
	if (r->deny) {
		if ((by = find(w, &w->deny, r, "", take_repeated)) != NULL)
			warn(w, r, "is not needed: line %u denies the same",
			    by->line);
		return;
	}
	if ((by = find(w, &w->deny, r, "", take_bar)) != NULL) {
		warn(w, r, "never matches: line %u denies every certificate "
		    "that it fits", by->line);
		return;
	}
	if ((by = find_hiding(w, r)) != NULL)
		warn(w, r, "is hidden by line %u, which fits the same "
		    "certificates for the same accounts and comes first",
		    by->line);
	if (w->cut[i] == 0 &&
	    (by = find(w, &w->deny, r, "", take_cut)) != NULL)
		w->cut[i] = by->line;
	if (w->cut[i] != 0)
		note(w, r, "line %u denies some of the certificates that it "
		    "fits", w->cut[i]);
}

/* A deny below an allow's wild matcher is found from the deny's side. */
static bool
take_wider(void *arg, const struct map_rule *found,
    const struct map_rule *deny)
{
	struct search *s = arg;
	struct compare_rule a = pick(s, deny), b = pick(s, found);
	uint32_t *cut = &s->w->cut[found - s->w->map->rule];

	if (*cut == 0 && compare_cut(&a, &b) >= COMPARE_SOME)
		*cut = deny->line;
	return false;
}

static void
cut_wider(struct work *w, const struct map_rule *deny)
{
	struct search s = { .w = w };
	size_t k = index_best(w->map, deny);

	if (!w->map->match[deny->matches + k].wild) {
		(void)index_walk(&w->wild, deny, k, "", take_wider, &s);
		return;
	}
	/* two wild ones may meet without one covering the other */
	for (size_t i = 0; i < w->wild.n && w->budget > 0; i++, w->budget--)
		(void)take_wider(&s, &w->map->rule[w->wild.entry[i].rule],
		    deny);
}

/* ---- all of it ------------------------------------------------------------------------- */

static void
look_at(struct work *w, const struct map_rule *r)
{
	look_at_conditions(w, r);
	look_at_end(w, r);
	look_at_fence(w, r);
	look_at_strength(w, r);
	look_at_accounts(w, r);
	look_at_others(w, r);
}

static bool
is_past(const struct work *w, const struct map_rule *r)
{
	return r->until != 0 && w->l->now >= r->until;
}

/* What is past neither denies nor hides. */
static void
index_others(struct work *w)
{
	const struct map *m = w->map;

	for (size_t i = 0; i < m->n; i++) {
		const struct map_rule *r = &m->rule[i];

		if (r->deny && !is_past(w, r))
			index_add(&w->deny, i, index_best(m, r), "");
		for (size_t k = 0; !r->deny && k < r->n_matches; k++)
			if (m->match[r->matches + k].wild)
				index_add(&w->wild, i, k, "");
	}
	for (size_t i = 0; i < m->n; i++)
		if (m->rule[i].deny && !is_past(w, &m->rule[i]))
			cut_wider(w, &m->rule[i]);
}

static void
index_allow(struct work *w, size_t i)
{
	const struct map_rule *r = &w->map->rule[i];
	size_t k = index_best(w->map, r);

	if (r->deny || is_past(w, r))
		return;
	if (r->capture != NULL)
		index_add(&w->allow, i, k, CAPTURED);
	for (size_t a = 0; a < r->n_accounts; a++)
		index_add(&w->allow, i, k, w->map->word[r->accounts + a]);
}

/* Lines rise; *at is where to go on. */
static bool
is_wanted(const struct diff *only, unsigned line, size_t *at)
{
	while (only != NULL && *at < only->n && (!only->line[*at].added ||
	    only->line[*at].line < line))
		++*at;
	return only == NULL || (*at < only->n &&
	    only->line[*at].line == line);
}

static void
run(struct work *w)
{
	const struct map *m = w->map;
	size_t at = 0;

	index_others(w);
	for (size_t i = 0; i < m->n; i++) {
		if (is_wanted(w->l->only, m->rule[i].line, &at))
			look_at(w, &m->rule[i]);
		index_allow(w, i);
	}
}

/* What was left out comes first: of the others only so many are kept. */
static void
report(struct work *w)
{
	if (w->budget == 0)
		diag_add(w->l->diag, DIAG_WARNING, w->l->file, 0, 0, "so many "
		    "rules look alike that not all of them were held against "
		    "each other; some that hide or deny others may not be "
		    "told");
	if (w->accounts.late)
		diag_add(w->l->diag, DIAG_WARNING, w->l->file, 0, 0, "the "
		    "system took so long to tell of accounts that not all of "
		    "them were asked for");
	diag_append(w->l->diag, &w->found);
}

static int
prepare(struct work *w)
{
	const struct map *m = w->map;

	w->budget = BUDGET;
	w->cut = calloc(m->n + 1, sizeof(*w->cut));
	if (w->cut == NULL ||
	    accounts_init(&w->accounts, m, w->l->find) != 0 ||
	    index_init(&w->allow, m, m->n + m->n_word, &w->budget) != 0 ||
	    index_init(&w->wild, m, m->n_match, &w->budget) != 0 ||
	    index_init(&w->deny, m, m->n, &w->budget) != 0)
		return ERR_NOMEM;
	return 0;
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
	diag_init(&w->found);
	if (prepare(w) == 0)
		run(w);
	else
		diag_add(l->diag, DIAG_WARNING, l->file, 0, 0, "out of "
		    "memory: its rules were not looked at");
	report(w);
	index_free(&w->allow);
	index_free(&w->wild);
	index_free(&w->deny);
	accounts_free(&w->accounts);
	free(w->cut);
	diag_free(&w->found);
	free(w);
}
