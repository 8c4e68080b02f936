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
 * the one account that could have been named before.  The seed is printed;
 * SEED=NUMBER in the environment gives the same run again.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "idmap/decide.h"
#include "idmap/map.h"

#define ROUNDS 20000
#define RULES_MAX 8
#define RULE_MAX 512
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DAY 86400
#define NOW ((int64_t)1795564800)	/* 2026-11-25 */

static uint64_t state, seed;

static uint64_t
random_bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t
below(size_t n)
{
	return (size_t)(random_bits() % n);
}

#define PICK(a) (a)[below(COUNT(a))]

/* ---- a small world, so that rules often fit ---------------------------------- */

static const struct map_authority authorities[] = {
	{ "staff", FACTS_USER, 1u << FACTS_UPN | 1u << FACTS_EMAIL },
	{ "piv", FACTS_USER, 0 },
	{ "fleet", FACTS_DEVICE, 0 },
};

static const char *const accounts[] = { "alice", "bob", "ops", "root",
    "a-very-long-name" };

/* What certificates hold; some of it in forms that are refused. */
static const struct {
	enum facts_field field;
	const char *value;
} names[] = {
	{ FACTS_URI, "spiffe://e/user/alice" },
	{ FACTS_URI, "spiffe://e/user/bob" },
	{ FACTS_URI, "spiffe://e/user/Bob" },
	{ FACTS_URI, "spiffe://e/user/%61lice" },
	{ FACTS_URI, "spiffe://e/user/.." },
	{ FACTS_URI, "spiffe://E/user/alice" },
	{ FACTS_URI, "urn:uuid:1" },
	{ FACTS_EMAIL, "alice@e.org" },
	{ FACTS_EMAIL, "Bob@e.org" },
	{ FACTS_UPN, "bob@corp.e" },
	{ FACTS_UPN, "BOB@corp.e" },
	{ FACTS_DNS, "a.meters.e" },
	{ FACTS_SID, "S-1-5-21-1-2-3-4" },
};

static const char *const matchers[] = {
	"uri=spiffe://e/user/alice", "uri=spiffe://e/user/bob",
	"uri=spiffe://e/user/*", "uri=spiffe://e/user/{name}",
	"uri=spiffe://e/*/{name}", "uri=urn:uuid:1",
	"email=alice@e.org", "email=bob@e.org", "email={name}@e.org",
	"email=*@e.org", "upn=bob@corp.e", "upn={name}@corp.e",
	"dns=a.meters.e", "dns={name}.meters.e", "sid=S-1-5-21-1-2-3-4",
	"serial=01", "serial=02",
	"spki=sha256:1111111111111111111111111111111111111111111111111111111111"
	"111111",
	"cert=sha256:2222222222222222222222222222222222222222222222222222222222"
	"222222",
};

static const char *const conditions[] = { " from=192.0.2.0/24",
    " from=2001:db8::/32,198.51.100.7", " service=certlogind",
    " service=su,sudo", " until=2026-11-24", " until=2026-11-25",
    " until=2026-12-01" };

static const char *const limits[] = { " no-pty", " no-forwarding",
    " command=\"/bin/true\"" };

/* ---- rules -------------------------------------------------------------------- */

struct rules {
	char text[RULES_MAX + 1][RULE_MAX];
	size_t n;
};

static void
add(char *rule, const char *text)
{
	size_t n = strlen(rule);

	(void)snprintf(rule + n, RULE_MAX - n, "%s", text);
}

/* Two matchers of one kind, or two captures of one name, are an error. */
static void
add_matchers(char *rule)
{
	const char *first = PICK(matchers), *second = PICK(matchers);

	add(rule, " ");
	add(rule, first);
	if (below(4) != 0 || strncmp(first, second,
	    strcspn(first, "=")) == 0 || (strstr(first, "{name}") != NULL &&
	    strstr(second, "{name}") != NULL))
		return;
	add(rule, " ");
	add(rule, second);
}

static void
add_condition(char *rule)
{
	if (below(3) == 0)
		add(rule, PICK(conditions));
}

static void
make_rule(char *rule, bool deny)
{
	const struct map_authority *a = &PICK(authorities);

	(void)snprintf(rule, RULE_MAX, "%s %s %s", deny ? "deny" : "allow",
	    facts_class_name(a->class), a->name);
	add_matchers(rule);
	if (!deny) {
		add(rule, " as ");
		add(rule, strstr(rule, "{name}") != NULL && below(2) == 0 ?
		    "{name}" : PICK(accounts));
		if (below(4) == 0)
			add(rule, PICK(limits));
	}
	add_condition(rule);
}

static void
make_rules(struct rules *r, bool only_denies)
{
	r->n = below(RULES_MAX + 1);
	for (size_t i = 0; i < r->n; i++)
		make_rule(r->text[i], only_denies || below(4) == 0);
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
	    authorities, COUNT(authorities), &d);
	ck_assert_msg(rc == 0, "seed %llu: %s: %s",
	    (unsigned long long)seed, text, d.n > 0 ? d.items[0].text : "");
	diag_free(&d);
}

/* ---- a question ------------------------------------------------------------------- */

static void
make_facts(struct facts *f)
{
	*f = (struct facts){ .serial = { (uint8_t)(1 + below(3)) },
	    .serial_len = 1 };
	memset(f->spki_sha256, below(2) == 0 ? 0x11 : 0x33, 32);
	memset(f->cert_sha256, below(2) == 0 ? 0x22 : 0x33, 32);
	for (size_t n = below(4); n > 0; n--) {
		size_t i = below(COUNT(names));

		f->names[f->n_names].field = names[i].field;
		(void)snprintf(f->names[f->n_names].value,
		    sizeof(f->names[0].value), "%s", names[i].value);
		f->n_names++;
	}
}

static void
make_ask(struct decide_ask *ask, const struct facts *f)
{
	static const uint8_t v4[4] = { 192, 0, 2, 7 };
	static const uint8_t v6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };

	*ask = (struct decide_ask){ .facts = f,
	    .authority = &PICK(authorities), .account = "", .preferred = "",
	    .service = DECIDE_NETWORK_SERVICE,
	    .now = NOW + (int64_t)below(3) * DAY };
	switch (below(4)) {
	case 0:
		ask->local = true;
		ask->service = below(2) == 0 ? "su" : "login";
		break;
	case 1:
		memcpy(ask->address, v6, sizeof(v6));
		ask->address_len = sizeof(v6);
		break;
	case 2:
		memcpy(ask->address, v4, sizeof(v4));
		ask->address_len = sizeof(v4);
		break;
	default:
		break;
	}
}

static bool
lets_in(const struct map *locks, const struct map *map,
    const struct decide_ask *ask, const char *account)
{
	struct decide_ask named = *ask;
	struct decide_verdict v;

	named.account = account;
	decide(locks, map, &named, &v);
	return v.outcome == DECIDE_ALLOW && strcmp(v.account, account) == 0;
}

/* Who named no account. */
static const char *
let_in_as(const struct map *locks, const struct map *map,
    const struct decide_ask *ask, struct decide_verdict *v)
{
	decide(locks, map, ask, v);
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

	for (size_t i = 0; i < COUNT(accounts); i++)
		ck_assert_msg(!lets_in(locks2, map2, ask2, accounts[i]) ||
		    lets_in(locks1, map1, ask1, accounts[i]), "seed %llu: %s "
		    "lets in %s", (unsigned long long)seed, what,
		    accounts[i]);
	if ((as = let_in_as(locks2, map2, ask2, &v)) != NULL)
		ck_assert_msg(lets_in(locks1, map1, ask1, as), "seed %llu: %s "
		    "lets in %s, who named no account",
		    (unsigned long long)seed, what, as);
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
	size_t i = below(RULES_MAX);

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

	make_rule(rule, true);
	parse(&more, &w->rules, RULES_MAX, below(w->rules.n + 1), rule,
	    false);
	no_wider(&w->locks, &w->map, &w->ask, &w->locks, &more, &w->ask,
	    rule);
	map_free(&more);
	parse(&more, &w->locked, RULES_MAX, below(w->locked.n + 1), rule,
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
	decide(&more, &w->map, &w->ask, &v);
	ck_assert_msg(v.outcome != DECIDE_ALLOW && (v.reason ==
	    DECIDE_LOCKED || v.reason == DECIDE_CLASS), "seed %llu: %s: %s",
	    (unsigned long long)seed, rule, v.text);
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
	later.now += (int64_t)below(10) * DAY / 2;
	no_wider(&none, &allows, &w->ask, &none, &allows, &later, "time");
	map_free(&allows);
}

START_TEST(never_wider)
{
	static struct world w;
	struct decide_verdict v;
	size_t in = 0;

	state = seed;
	for (int i = 0; i < ROUNDS; i++) {
		make_rules(&w.rules, false);
		make_rules(&w.locked, true);
		if (below(2) == 0)
			w.locked.n = 0;
		parse(&w.map, &w.rules, RULES_MAX, 0, NULL, false);
		parse(&w.locks, &w.locked, RULES_MAX, 0, NULL, true);
		make_facts(&w.facts);
		make_ask(&w.ask, &w.facts);
		try_fewer(&w);
		try_deny(&w);
		try_lock(&w);
		try_later(&w);
		for (size_t k = 0; k < COUNT(accounts); k++)
			in += lets_in(&w.locks, &w.map, &w.ask, accounts[k]);
		in += let_in_as(&w.locks, &w.map, &w.ask, &v) != NULL;
		map_free(&w.map);
		map_free(&w.locks);
	}
	/* the control: these maps do let people in */
	ck_assert_msg(in > ROUNDS / 50, "seed %llu: only %zu were let in",
	    (unsigned long long)seed, in);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("monotone");
	TCase *t = tcase_create("monotone");
	const char *given = getenv("SEED");
	SRunner *sr;
	int failed;

	seed = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	if (given != NULL)
		seed = strtoull(given, NULL, 10);
	/* zero would stay zero */
	seed |= 1;
	(void)printf("SEED=%llu\n", (unsigned long long)seed);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, never_wider);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
