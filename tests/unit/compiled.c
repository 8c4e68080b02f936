/*
 * Compiled rules: the decision by them is the decision by the parsed map, over
 * thousands of random maps, locks, certificates and questions; records of a
 * database, and what becomes of bad ones.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "idmap/compiled.h"
#include "idmap/db.h"
#include "idmap/decide.h"
#include "randmap.h"

#define WORLDS 3000
#define QUESTIONS 12			/* of each */
#define RULES_MAX 60
#define DB_MAX (64u << 20)

#define S(text) (struct span){ (const uint8_t *)(text), strlen(text) }

/* ---- a map in both forms ------------------------------------------------------ */

struct forms {
	struct map map, locks;		/* parsed */
	struct span bytes;		/* compiled */
	struct ruleset by_map[2], by_locks[2];	/* parsed, compiled */
};

static void
parse(struct map *m, const char *text, size_t n, bool locks)
{
	struct diag d;
	int r;

	diag_init(&d);
	r = (locks ? map_parse_locks : map_parse)(m, "m", text, n,
	    randmap_authority, RANDMAP_AUTHORITIES, &d);
	ck_assert_msg(r == 0, "%s: %s", text, d.n > 0 ? d.items[0].text : "");
	diag_free(&d);
}

static void
make_forms(struct forms *f, const char *map, const char *locks)
{
	struct db_maker *m = db_make("compiled");
	struct db db;
	int fd;

	parse(&f->map, map, strlen(map), false);
	parse(&f->locks, locks, strlen(locks), true);
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(compiled_put(m, COMPILED_MAP, &f->map,
	    randmap_authority, RANDMAP_AUTHORITIES), 0);
	ck_assert_int_eq(compiled_put(m, COMPILED_LOCKS, &f->locks,
	    randmap_authority, RANDMAP_AUTHORITIES), 0);
	ck_assert_int_ge(fd = db_finish(m), 0);
	ck_assert_int_eq(memfile_map(fd, DB_MAX, &f->bytes), 0);
	(void)close(fd);
	ck_assert_int_eq(db_open(&db, f->bytes), 0);
	f->by_map[0] = ruleset_of_map(&f->map);
	f->by_locks[0] = ruleset_of_map(&f->locks);
	f->by_map[1] = compiled_ruleset(&db, COMPILED_MAP);
	f->by_locks[1] = compiled_ruleset(&db, COMPILED_LOCKS);
}

static void
free_forms(struct forms *f)
{
	memfile_unmap(f->bytes);
	map_free(&f->map);
	map_free(&f->locks);
}

/* ---- one decision by both ------------------------------------------------------- */

static void
same_verdict(const struct decide_verdict *a, const struct decide_verdict *b,
    const char *map)
{
	ck_assert_msg(a->outcome == b->outcome && a->reason == b->reason,
	    "seed %llu: %s (%s), but compiled %s (%s)\n%s",
	    (unsigned long long)randmap_seed, decide_reason_name(a->reason),
	    a->text, decide_reason_name(b->reason), b->text, map);
	ck_assert_str_eq(a->text, b->text);
	ck_assert_str_eq(a->advice, b->advice);
	ck_assert_uint_eq(a->rule_line, b->rule_line);
	ck_assert_str_eq(a->account, b->account);
	ck_assert_int_eq(a->captured, b->captured);
	ck_assert_str_eq(a->identity, b->identity);
	ck_assert_uint_eq(a->restrictions, b->restrictions);
	ck_assert_int_eq(a->until, b->until);
	ck_assert_int_eq(a->command != NULL, b->command != NULL);
	if (a->command != NULL)
		ck_assert_str_eq(a->command, b->command);
}

static enum decide_reason
both(const struct forms *f, const struct decide_ask *ask, const char *map)
{
	static struct decide_verdict v[2];

	for (int i = 0; i < 2; i++)
		decide(&f->by_locks[i], &f->by_map[i], ask, &v[i]);
	same_verdict(&v[0], &v[1], map);
	return v[0].reason;
}

/* ---- random worlds ---------------------------------------------------------------- */

static void
random_text(char *text, size_t size, size_t rules, bool locks)
{
	char rule[RANDMAP_RULE_MAX];
	size_t n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < rules; i++) {
		randmap_rule(rule, locks || randmap_below(8) == 0);
		n += (size_t)snprintf(text + n, size - n, "%s%s\n",
		    randmap_below(5) == 0 ? "# one\n\n" : "", rule);
		ck_assert_uint_lt(n, size);
	}
}

START_TEST(same_decision)
{
	static char map[RULES_MAX * RANDMAP_RULE_MAX],
	    locks[RULES_MAX * RANDMAP_RULE_MAX];
	static struct facts facts;
	size_t seen[DECIDE_DAMAGED + 1] = { 0 };
	struct decide_ask ask;
	struct forms f;

	randmap_start();
	for (int i = 0; i < randmap_rounds(WORLDS); i++) {
		/* few rules, so that any of them decides, and many */
		random_text(map, sizeof(map), randmap_below(
		    i % 2 == 0 ? 5 : RULES_MAX), false);
		random_text(locks, sizeof(locks), randmap_below(4) == 0 ?
		    randmap_below(4) : 0, true);
		make_forms(&f, map, locks);
		for (int k = 0; k < QUESTIONS; k++) {
			randmap_facts(&facts);
			randmap_ask(&ask, &facts);
			if (randmap_below(3) != 0)
				ask.account = randmap_account[randmap_below(
				    RANDMAP_ACCOUNTS)];
			if (randmap_below(3) == 0)
				ask.preferred = randmap_account[randmap_below(
				    RANDMAP_ACCOUNTS)];
			ask.ended_too = randmap_below(4) == 0;
			seen[both(&f, &ask, map)]++;
		}
		free_forms(&f);
	}
	/* the control: every reason was met, but the one of bad bytes */
	for (int r = 0; r < DECIDE_DAMAGED; r++) {
		(void)printf("%s: %zu\n", decide_reason_name(
		    (enum decide_reason)r), seen[r]);
		ck_assert_msg(seen[r] > 0, "seed %llu: never %s",
		    (unsigned long long)randmap_seed,
		    decide_reason_name((enum decide_reason)r));
	}
	ck_assert_uint_eq(seen[DECIDE_DAMAGED], 0);
}
END_TEST

/* ---- what a rule may hold at most ---------------------------------------------------- */

static const char full_rule[] =
    "allow user staff uri=spiffe://e/user/{name} email=*@e.org "
    "upn=\"{u}@corp.e\" dns=*.e sid=S-1-5-21-1 serial=01 "
    "spki=sha256:"
    "1111111111111111111111111111111111111111111111111111111111111111 "
    "cert=sha256:"
    "2222222222222222222222222222222222222222222222222222222222222222 "
    "as {name} command=\"a \\\"quoted\\\" command\" no-pty no-forwarding "
    "until=2099-12-31 service=certlogind,su "
    "from=192.0.2.0/24,2001:db8::/32\n";

START_TEST(full)
{
	static struct facts facts = { .serial = { 1 }, .serial_len = 1,
	    .n_names = 5, .names = {
		{ FACTS_URI, "spiffe://e/user/alice" },
		{ FACTS_EMAIL, "Alice@e.org" }, { FACTS_UPN, "A@Corp.E" },
		{ FACTS_DNS, "a.e" }, { FACTS_SID, "S-1-5-21-1" } } };
	struct decide_ask ask = { .facts = &facts,
	    .authority = &randmap_authority[0], .account = "alice",
	    .preferred = "", .service = DECIDE_NETWORK_SERVICE,
	    .address = { 192, 0, 2, 1 }, .address_len = 4,
	    .now = RANDMAP_NOW };
	char accounts[1024] = "allow user staff uri=spiffe://e/user/alice as a0";
	struct forms f;

	memset(facts.spki_sha256, 0x11, 32);
	memset(facts.cert_sha256, 0x22, 32);
	make_forms(&f, full_rule, "");
	ck_assert_int_eq(both(&f, &ask, full_rule), DECIDE_OK);
	for (size_t i = 0; i < facts.n_names; i++) {
		char *c = strchr(facts.names[i].value, '\0') - 1;
		char was = *c;

		*c = 'x';
		(void)both(&f, &ask, full_rule);
		*c = was;
	}
	facts.serial[0] = 2;
	ck_assert_int_eq(both(&f, &ask, full_rule), DECIDE_NO_RULE);
	facts.serial[0] = 1;
	ck_assert_int_eq(both(&f, &ask, full_rule), DECIDE_OK);
	free_forms(&f);
	for (int i = 1; i < MAP_ACCOUNTS_MAX; i++) {
		size_t n = strlen(accounts);

		(void)snprintf(accounts + n, sizeof(accounts) - n, ",a%d", i);
	}
	make_forms(&f, accounts, "");
	ask.account = "a31";
	ck_assert_int_eq(both(&f, &ask, accounts), DECIDE_OK);
	ask.account = "";
	ck_assert_int_eq(both(&f, &ask, accounts), DECIDE_SEVERAL);
	free_forms(&f);
}
END_TEST

/* As many names as a certificate may have, each with its own list. */
START_TEST(many_names)
{
	static struct facts facts;
	static char map[FACTS_NAMES_MAX * 128];
	struct decide_ask ask = { .facts = &facts,
	    .authority = &randmap_authority[0], .account = "alice",
	    .preferred = "", .service = DECIDE_NETWORK_SERVICE,
	    .now = RANDMAP_NOW };
	struct forms f;
	size_t n = 0;

	facts = (struct facts){ .serial = { 1 }, .serial_len = 1,
	    .n_names = FACTS_NAMES_MAX };
	for (int i = 0; i < FACTS_NAMES_MAX; i++) {
		facts.names[i].field = FACTS_DNS;
		(void)snprintf(facts.names[i].value,
		    sizeof(facts.names[i].value), "h%d.e", i);
		n += (size_t)snprintf(map + n, sizeof(map) - n,
		    "allow user staff dns=h%d.e as alice\n"
		    "allow user staff dns=h%d.* as bob\n", 31 - i, i);
	}
	n += (size_t)snprintf(map + n, sizeof(map) - n,
	    "allow user staff serial=1 as alice\n");
	make_forms(&f, map, "");
	ck_assert_int_eq(both(&f, &ask, map), DECIDE_OK);
	ask.account = "bob";
	ck_assert_int_eq(both(&f, &ask, map), DECIDE_OTHER_ACCOUNT);
	free_forms(&f);
	make_forms(&f, map, "deny user staff dns=H31.E\n");
	ck_assert_int_eq(both(&f, &ask, map), DECIDE_LOCKED);
	free_forms(&f);
}
END_TEST

/* ---- damaged ones ---------------------------------------------------------------------- */

#define DENY "deny user staff dns=*.e\n" "deny user staff serial=02\n"
#define ALLOW "allow user staff uri=spiffe://e/user/alice as alice\n"

/* Any one byte changed, or cut anywhere: it decides or says that it cannot,
 * and reads nothing else (the sanitizers look on). */
START_TEST(bad_bytes)
{
	static struct facts facts = { .serial = { 1 }, .serial_len = 1,
	    .n_names = 2, .names = { { FACTS_URI, "spiffe://e/user/alice" },
	    { FACTS_DNS, "a.f" } } };
	struct decide_ask ask = { .facts = &facts,
	    .authority = &randmap_authority[0], .account = "alice",
	    .preferred = "", .service = DECIDE_NETWORK_SERVICE,
	    .now = RANDMAP_NOW };
	struct decide_verdict v;
	struct ruleset map, locks;
	size_t damaged = 0;
	struct forms f;
	struct db db;

	make_forms(&f, ALLOW DENY, DENY);
	ck_assert_int_eq(both(&f, &ask, ALLOW DENY), DECIDE_OK);
	for (size_t i = 0; i < 2 * f.bytes.n; i++) {
		size_t n = i < f.bytes.n ? f.bytes.n : i - f.bytes.n;
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, f.bytes.p, n);
		if (i < n)
			copy[i] ^= (uint8_t)(1 + i % 255);
		if (db_open(&db, (struct span){ copy, n }) == 0) {
			map = compiled_ruleset(&db, COMPILED_MAP);
			locks = compiled_ruleset(&db, COMPILED_LOCKS);
			decide(&locks, &map, &ask, &v);
			damaged += v.reason == DECIDE_DAMAGED;
			ck_assert(v.reason != DECIDE_DAMAGED ||
			    v.outcome == DECIDE_NONE);
		}
		free(copy);
	}
	ck_assert_uint_gt(damaged, 0);
	free_forms(&f);
}
END_TEST

/* The record of a rule cut anywhere: no rule, and nothing behind it is read. */
START_TEST(cut_rule)
{
	static const char rule[] = "allow user staff serial=01 as alice "
	    "from=192.0.2.0/24,2001:db8::/32\n";
	static const uint8_t key[] = { 'R', COMPILED_MAP, 0, 0, 0, 0 };
	static struct facts facts = { .serial = { 1 }, .serial_len = 1 };
	struct decide_ask ask = { .facts = &facts,
	    .authority = &randmap_authority[0], .account = "alice",
	    .preferred = "", .service = DECIDE_NETWORK_SERVICE,
	    .address = { 192, 0, 2, 1 }, .address_len = 4,
	    .now = RANDMAP_NOW };
	struct decide_verdict v;
	struct ruleset map;
	struct span record;
	struct forms f;
	struct db db;

	make_forms(&f, rule, "");
	ck_assert_int_eq(both(&f, &ask, rule), DECIDE_OK);
	ck_assert_int_eq(db_get(&f.by_map[1].db, (struct span){ key,
	    sizeof(key) }, &record), 1);
	ck_assert_uint_lt(record.n, 256);
	for (size_t n = 0; n <= record.n; n++) {
		uint8_t *copy = malloc(f.bytes.n);

		memcpy(copy, f.bytes.p, f.bytes.n);
		/* the length of its value stands before its key */
		copy[(size_t)(record.p - f.bytes.p) - sizeof(key) - 4] =
		    (uint8_t)n;
		ck_assert_int_eq(db_open(&db, (struct span){ copy,
		    f.bytes.n }), 0);
		map = compiled_ruleset(&db, COMPILED_MAP);
		decide(&f.by_locks[1], &map, &ask, &v);
		ck_assert_int_eq(v.reason, n < record.n ? DECIDE_DAMAGED :
		    DECIDE_OK);
		free(copy);
	}
	free_forms(&f);
}
END_TEST

/* ---- the database ------------------------------------------------------------------------ */

START_TEST(database)
{
	struct db_maker *m = db_make("db");
	struct span bytes, value;
	char big[DB_KEY_MAX + 1];
	struct db db;
	int fd;

	memset(big, 'k', sizeof(big));
	ck_assert_ptr_nonnull(m);
	ck_assert_int_eq(db_add(m, S("one"), S("1")), 0);
	ck_assert_int_eq(db_add(m, S("none"), S("")), 0);
	ck_assert_int_eq(db_add(m, S(""), S("of nothing")), 0);
	ck_assert_int_eq(db_add(m, (struct span){ (uint8_t *)big, DB_KEY_MAX },
	    S("big")), 0);
	ck_assert_int_eq(db_add(m, (struct span){ (uint8_t *)big,
	    sizeof(big) }, S("too big")), ERR_TOOBIG);
	for (int i = 0; i < 1000; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "key %d", i);
		ck_assert_int_eq(db_add(m, S(text), S(text + 4)), 0);
	}
	ck_assert_int_ge(fd = db_finish(m), 0);
	/* nobody changes it any more */
	ck_assert_int_ne(write(fd, "x", 1), 1);
	ck_assert_int_eq(memfile_map(fd, DB_MAX, &bytes), 0);
	(void)close(fd);
	ck_assert_int_eq(db_open(&db, bytes), 0);
	ck_assert_int_eq(db_get(&db, S("one"), &value), 1);
	ck_assert(span_eq_str(value, "1"));
	ck_assert_int_eq(db_get(&db, S("none"), &value), 1);
	ck_assert_uint_eq(value.n, 0);
	ck_assert_int_eq(db_get(&db, S(""), &value), 1);
	ck_assert(span_eq_str(value, "of nothing"));
	ck_assert_int_eq(db_get(&db, (struct span){ (uint8_t *)big,
	    DB_KEY_MAX }, &value), 1);
	ck_assert_int_eq(db_get(&db, (struct span){ (uint8_t *)big,
	    sizeof(big) }, &value), ERR_TOOBIG);
	for (int i = 0; i < 1000; i++) {
		char text[32];

		(void)snprintf(text, sizeof(text), "key %d", i);
		ck_assert_int_eq(db_get(&db, S(text), &value), 1);
		ck_assert(span_eq_str(value, text + 4));
		text[0] = 'K';
		ck_assert_int_eq(db_get(&db, S(text), &value), 0);
	}
	memfile_unmap(bytes);
	ck_assert_int_eq(db_open(&db, (struct span){ (uint8_t *)big, 100 }),
	    ERR_MALFORMED);
	/* one that is given up */
	ck_assert_ptr_nonnull(m = db_make("db"));
	ck_assert_int_eq(db_add(m, S("one"), S("1")), 0);
	db_cancel(m);
	db_cancel(NULL);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("compiled");
	TCase *t = tcase_create("compiled");
	SRunner *sr;
	int failed;

	randmap_init();
	tcase_set_timeout(t, 120);
	tcase_add_test(t, same_decision);
	tcase_add_test(t, full);
	tcase_add_test(t, many_names);
	tcase_add_test(t, bad_bytes);
	tcase_add_test(t, cut_rule);
	tcase_add_test(t, database);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
