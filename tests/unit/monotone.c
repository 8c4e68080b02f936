/*
 * Properties of the decision, over thousands of random maps, locks and
 * certificates:
 *
 *   an allow taken out never lets anybody in as an account,
 *   a deny put in, at any place of the map, never does,
 *   a lock put in never does, and it keeps out whom it fits,
 *   a time later than before never lets a rule with until= begin again.
 *
 * "In" is for an account that is named: where none is, fewer rules may leave
 * the one account that could have been named before.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idmap/decide.h"
#include "idmap/map.h"
#include "randmap.h"

#define ROUNDS 20000
#define RULES_MAX 8
#define RULE_MAX RANDMAP_RULE_MAX
#define COUNT(a) RANDMAP_COUNT(a)

/* ---- rules -------------------------------------------------------------------- */

struct rules {
	char text[RULES_MAX + 1][RULE_MAX];
	size_t n;
};

static void
make_rules(struct rules *r, bool only_denies)
{
	r->n = randmap_below(RULES_MAX + 1);
	for (size_t i = 0; i < r->n; i++)
		randmap_rule(r->text[i], only_denies || randmap_below(4) == 0);
}

/* All rules but number `without`, one more in front of number `at`. */
static void
parse(struct map *m, const struct rules *r, size_t without, size_t at,
    const char *more, bool locks)
{
	char text[(RULES_MAX + 2) * RULE_MAX] = "";
	struct diag d;
	size_t n = 0;
	int rc;

	for (size_t i = 0; i <= r->n; i++) {
		if (i == at && more != NULL)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s\n", more);
		if (i < r->n && i != without)
			n += (size_t)snprintf(text + n, sizeof(text) - n,
			    "%s\n", r->text[i]);
	}
	diag_init(&d);
	rc = (locks ? map_parse_locks : map_parse)(m, "m", text, n,
	    randmap_authority, RANDMAP_AUTHORITIES, &d);
	ck_assert_msg(rc == 0, "seed %llu: %s: %s",
	    (unsigned long long)randmap_seed, text, d.n > 0 ? d.items[0].text : "");
	diag_free(&d);
}

/* By parsed maps. */
static void
decide_maps(const struct map *locks, const struct map *map,
    const struct decide_ask *ask, struct decide_verdict *v)
{
	const struct ruleset l = ruleset_of_map(locks),
	    m = ruleset_of_map(map);

	decide(&l, &m, ask, v);
}

static bool
lets_in(const struct map *locks, const struct map *map,
    const struct decide_ask *ask, const char *account)
{
	struct decide_ask named = *ask;
	struct decide_verdict v;

	named.account = account;
	decide_maps(locks, map, &named, &v);
	return v.outcome == DECIDE_ALLOW && strcmp(v.account, account) == 0;
}

/* Who named no account. */
static const char *
let_in_as(const struct map *locks, const struct map *map,
    const struct decide_ask *ask, struct decide_verdict *v)
{
	decide_maps(locks, map, ask, v);
	return v->outcome == DECIDE_ALLOW ? v->account : NULL;
}

/* What counts less, and what counts more. */
static void
no_wider(const struct map *locks1, const struct map *map1,
    const struct decide_ask *ask1, const struct map *locks2,
    const struct map *map2, const struct decide_ask *ask2, const char *what)
{
	struct decide_verdict v;
	const char *as;

	for (size_t i = 0; i < RANDMAP_ACCOUNTS; i++)
		ck_assert_msg(!lets_in(locks2, map2, ask2, randmap_account[i]) ||
		    lets_in(locks1, map1, ask1, randmap_account[i]), "seed %llu: %s "
		    "lets in %s", (unsigned long long)randmap_seed, what,
		    randmap_account[i]);
	if ((as = let_in_as(locks2, map2, ask2, &v)) != NULL)
		ck_assert_msg(lets_in(locks1, map1, ask1, as), "seed %llu: %s "
		    "lets in %s, who named no account",
		    (unsigned long long)randmap_seed, what, as);
}

/* ---- rounds ------------------------------------------------------------------------- */

struct world {
	struct rules rules, locked;
	struct map map, locks;
	struct facts facts;
	struct decide_ask ask;
};

static void
try_fewer(const struct world *w)
{
	struct map fewer;
	size_t i = randmap_below(RULES_MAX);

	if (i >= w->rules.n || strncmp(w->rules.text[i], "allow", 5) != 0)
		return;
	parse(&fewer, &w->rules, i, 0, NULL, false);
	no_wider(&w->locks, &w->map, &w->ask, &w->locks, &fewer, &w->ask,
	    w->rules.text[i]);
	map_free(&fewer);
}

static void
try_deny(const struct world *w)
{
	char rule[RULE_MAX];
	struct map more;

	randmap_rule(rule, true);
	parse(&more, &w->rules, RULES_MAX, randmap_below(w->rules.n + 1), rule,
	    false);
	no_wider(&w->locks, &w->map, &w->ask, &w->locks, &more, &w->ask,
	    rule);
	map_free(&more);
	parse(&more, &w->locked, RULES_MAX, randmap_below(w->locked.n + 1), rule,
	    true);
	no_wider(&w->locks, &w->map, &w->ask, &more, &w->map, &w->ask, rule);
	map_free(&more);
}

/* A lock of this very certificate. */
static void
try_lock(const struct world *w)
{
	const struct map_authority *a = w->ask.authority;
	struct decide_verdict v;
	char rule[RULE_MAX];
	struct map more;

	(void)snprintf(rule, sizeof(rule), "deny %s %s serial=%02x",
	    facts_class_name(a->class), a->name, w->facts.serial[0]);
	parse(&more, &w->locked, RULES_MAX, w->locked.n, rule, true);
	decide_maps(&more, &w->map, &w->ask, &v);
	ck_assert_msg(v.outcome != DECIDE_ALLOW && (v.reason ==
	    DECIDE_LOCKED || v.reason == DECIDE_CLASS), "seed %llu: %s: %s",
	    (unsigned long long)randmap_seed, rule, v.text);
	map_free(&more);
}

/* Denies may end, but no allow begins again. */
static void
try_later(const struct world *w)
{
	struct decide_ask later = w->ask;
	struct map none = { 0 }, allows;
	struct rules kept = { .n = 0 };

	for (size_t i = 0; i < w->rules.n; i++)
		if (strncmp(w->rules.text[i], "allow", 5) == 0)
			memcpy(kept.text[kept.n++], w->rules.text[i],
			    RULE_MAX);
	parse(&allows, &kept, RULES_MAX, 0, NULL, false);
	later.now += (int64_t)randmap_below(10) * RANDMAP_DAY / 2;
	no_wider(&none, &allows, &w->ask, &none, &allows, &later, "time");
	map_free(&allows);
}

START_TEST(never_wider)
{
	static struct world w;
	struct decide_verdict v;
	size_t in = 0;
	int rounds = randmap_rounds(ROUNDS);

	randmap_start();
	for (int i = 0; i < rounds; i++) {
		make_rules(&w.rules, false);
		make_rules(&w.locked, true);
		if (randmap_below(2) == 0)
			w.locked.n = 0;
		parse(&w.map, &w.rules, RULES_MAX, 0, NULL, false);
		parse(&w.locks, &w.locked, RULES_MAX, 0, NULL, true);
		randmap_facts(&w.facts);
		randmap_ask(&w.ask, &w.facts);
		try_fewer(&w);
		try_deny(&w);
		try_lock(&w);
		try_later(&w);
		for (size_t k = 0; k < RANDMAP_ACCOUNTS; k++)
			in += lets_in(&w.locks, &w.map, &w.ask, randmap_account[k]);
		in += let_in_as(&w.locks, &w.map, &w.ask, &v) != NULL;
		map_free(&w.map);
		map_free(&w.locks);
	}
	/* the control: these maps do let people in */
	ck_assert_msg(in > (size_t)rounds / 50, "seed %llu: only %zu were let in",
	    (unsigned long long)randmap_seed, in);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("monotone");
	TCase *t = tcase_create("monotone");
	SRunner *sr;
	int failed;

	randmap_init();
	tcase_set_timeout(t, 120);
	tcase_add_test(t, never_wider);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
