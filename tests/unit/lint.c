/* What certlogin-map finds suspicious in a map. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "map/compare.h"
#include "map/lint.h"
#include "x509/pattern.h"

#define NOW 1795478400		/* 2026-11-24 */
#define ALICE "uri=spiffe://e/user/alice"
#define ALLOW "allow user staff "
#define AUTHORITIES 4
#define HASH "0123456789abcdef0123456789abcdef" \
	"0123456789abcdef0123456789abcdef"

static const char conf_text[] =
    "[authority staff]\nclass = user\nanchor = a\nrevocation = none\n"
    "names = uri=spiffe://e/user/*, email=*@e.example\n"
    "[authority open]\nclass = user\nanchor = b\nrevocation = none\n"
    "[authority fleet]\nclass = device\nanchor = c\nrevocation = none\n"
    "names = dns=*\n"
    "[authority mail]\nclass = user\nanchor = d\nrevocation = none\n"
    "names = email=*@e.example, upn=*@e.example\nfold-case = email\n";

static int
find(const char *name, uid_t *uid)
{
	if (strcmp(name, "root") == 0)
		*uid = 0;
	else if (strcmp(name, "daemon") == 0)
		*uid = 1;
	else if (strcmp(name, "nosuch") == 0)
		return ERR_NOTFOUND;
	else
		*uid = 1500;
	return 0;
}

/* The warnings of a map, as "LINE: text\n". */
static const char *
lint(const char *text, const struct diff *only)
{
	static char all[8192];
	struct map_authority auth[AUTHORITIES];
	struct trust_conf conf;
	struct diag diag;
	struct map map;
	size_t at = 0;

	diag_init(&diag);
	ck_assert_int_eq(trust_conf_parse(&conf, "t", conf_text,
	    strlen(conf_text), &diag), 0);
	ck_assert_uint_eq(conf.n, AUTHORITIES);
	for (size_t i = 0; i < AUTHORITIES; i++)
		auth[i] = (struct map_authority){
		    .name = conf.authority[i].rules.name,
		    .class = conf.authority[i].rules.class,
		    .fold = conf.authority[i].rules.fold };
	diag_free(&diag);
	diag_init(&diag);
	ck_assert_msg(map_parse(&map, "m", text, strlen(text), auth,
	    AUTHORITIES,
	    &diag) == 0, "%s", diag.n > 0 ? diag.items[0].text : "");
	lint_run(&(struct lint){ .map = &map, .file = "m", .conf = &conf,
	    .now = NOW, .only = only, .find = find, .diag = &diag });
	ck_assert_uint_eq(diag.errors, 0);
	all[0] = '\0';
	for (size_t i = 0; i < diag.n && at < sizeof(all); i++)
		at += (size_t)snprintf(all + at, sizeof(all) - at,
		    "%u: %s\n", diag.items[i].line, diag.items[i].text);
	diag_free(&diag);
	map_free(&map);
	trust_conf_free(&conf);
	return all;
}

static const struct one {
	const char *map;
	const char *says;		/* NULL: nothing */
} cases[] = {
	{ ALLOW ALICE " as alice\n", NULL },
	{ "", NULL },
	/* never */
	{ ALLOW ALICE " as alice until=2026-11-22\n", "1: never matches any" },
	{ ALLOW ALICE " as alice until=2026-11-24\n", "1: ends soon" },
	{ ALLOW ALICE " as alice service=sudo from=192.0.2.0/24\n",
	    "1: never matches: at a PAM" },
	{ ALLOW ALICE " as alice service=sudo no-pty\n",
	    "1: never matches: at a PAM" },
	{ ALLOW ALICE " as alice service=sudo,certlogind no-pty\n", NULL },
	{ "allow device fleet dns=d as alice service=sudo\n",
	    "1: never matches: a device" },
	{ "deny user staff " ALICE " service=su from=::/0\n",
	    "1: never matches: a PAM service has no address" },
	/* the fence */
	{ ALLOW "uri=spiffe://f/user/alice as alice\n",
	    "1: never matches: names=" },
	{ ALLOW "uri=spiffe://e/user/{n} as {n}\n", NULL },
	{ ALLOW "uri=spiffe://e/user/{n}-x as {n}\n", NULL },
	{ ALLOW "uri=spiffe://e/host/{n} as {n}\n",
	    "1: never matches: names=" },
	{ "allow user mail dns=h.e.example as alice\n",
	    "1: never matches: names=" },
	{ "allow device fleet dns=a.b.example as alice\n", NULL },
	{ "allow device fleet email=a@b as alice\n",
	    "1: never matches: names=" },
	{ "allow device fleet sid=S-1-5-21-1 as alice\n", NULL },
	{ "allow user mail email={n}@e.example as {n}\n", NULL },
	{ "allow user mail email=a@E.Example as alice\n", NULL },
	{ "allow user mail upn=a@E.Example as alice\n",
	    "1: never matches: names=" },
	{ "allow device fleet dns=A.B as alice\n", NULL },
	{ "deny user staff email=a@E.Example\n", NULL },
	{ "deny user staff email=a@f.example\n",
	    "1: never matches: names=" },
	/* strength: names= says that there are URIs */
	{ ALLOW "email={n}@e.example as {n}\n", "1: email= is weaker" },
	{ ALLOW "serial=01 as alice\n", "1: serial= is weaker" },
	{ ALLOW "serial=01 email=a@e.example as alice\n",
	    "1: serial= is weaker" },
	{ ALLOW "serial=01 " ALICE " as alice\n", NULL },
	{ ALLOW "spki=sha256:" HASH " as alice\n", NULL },
	{ ALLOW "cert=sha256:" HASH " as alice\n", NULL },
	{ ALLOW "sid=S-1-5-21-1 as alice\n", NULL },
	{ "deny user staff serial=01\n", NULL },
	{ "allow user mail serial=01 as alice\n", NULL },
	{ "allow user open serial=01 as alice\n", NULL },
	/* soon */
	{ ALLOW ALICE " as alice until=2026-12-22\n",
	    "1: ends soon: until=2026-12-22 is" },
	{ ALLOW ALICE " as alice until=2026-12-24\n", NULL },
	{ "deny user staff " ALICE " until=2026-11-25\n", "1: ends soon" },
	{ "allow user open uri=spiffe://f/user/alice as alice\n", NULL },
	/* denied, before or behind */
	{ ALLOW ALICE " as alice\ndeny user staff " ALICE "\n",
	    "1: never matches: line 2 denies" },
	{ "deny user staff uri=spiffe://e/user/*\n" ALLOW ALICE " as alice\n",
	    "2: never matches: line 1 denies" },
	{ "deny user staff uri=spiffe://e/user/* service=sudo\n"
	    ALLOW ALICE " as alice service=sudo\n",
	    "2: never matches: line 1 denies" },
	{ "deny user staff " ALICE " from=192.0.2.0/24\n"
	    ALLOW ALICE " as alice from=192.0.2.7\n",
	    "2: never matches: line 1 denies" },
	{ "deny user staff " ALICE " until=2030-01-01\n"
	    ALLOW ALICE " as alice until=2029-01-01\n",
	    "2: never matches: line 1 denies" },
	{ "deny user mail email=ALICE@e.example\n"
	    "allow user mail email=alice@e.example as alice\n",
	    "2: never matches: line 1 denies" },
	{ "deny user mail upn=ALICE*@e.example\n"
	    "allow user mail upn=alice@e.example as alice\n",
	    "2: never matches: line 1 denies" },
	/* denied in part: a note */
	{ "deny user staff uri=spiffe://e/user/* service=sudo\n"
	    ALLOW ALICE " as alice\n", "2: line 1 denies some" },
	{ "deny user staff " ALICE " from=192.0.2.0/24\n"
	    ALLOW ALICE " as alice from=192.0.0.0/16\n",
	    "2: line 1 denies some" },
	{ "deny user staff " ALICE " from=192.0.2.0/24\n"
	    ALLOW ALICE " as alice from=198.51.100.0/24\n", NULL },
	{ "deny user staff " ALICE " service=su\n"
	    ALLOW ALICE " as alice service=sudo\n", NULL },
	{ "deny user staff " ALICE " service=su\n"
	    ALLOW ALICE " as alice no-pty\n", NULL },
	{ ALLOW "uri=spiffe://e/user/{n} as {n}\n"
	    "deny user staff " ALICE "\n", "1: line 2 denies some" },
	{ ALLOW "uri=spiffe://e/user/{n} as {n}\n"
	    "deny user staff uri=spiffe://e/user/x-*\n",
	    "1: line 2 denies some" },
	{ ALLOW "uri=spiffe://e/user/{n}-y as {n}\n"
	    "deny user staff uri=spiffe://e/user/x-*\n",
	    "1: line 2 denies some" },
	{ ALLOW "uri=spiffe://e/user/{n} as {n}\n"
	    "deny user staff uri=spiffe://e/host/alice\n",
	    "2: never matches: names=" },
	{ ALLOW "uri=spiffe://e/user/y-{n} as {n}\n"
	    "deny user staff uri=spiffe://e/user/x-*\n", NULL },
	{ ALLOW "uri=spiffe://e/user/{n} as {n}\n"
	    "deny user staff serial=01\n", NULL },
	{ ALLOW "serial=01 uri=spiffe://e/user/{n} as {n}\n"
	    "deny user staff serial=01 " ALICE "\n",
	    "1: line 2 denies some" },
	{ "deny user staff " ALICE " until=2020-01-01\n"
	    ALLOW ALICE " as alice\n", "1: never matches any more" },
	{ "deny user staff " ALICE " serial=01\n" ALLOW ALICE " as alice\n",
	    NULL },
	{ "deny user staff serial=01\n"
	    ALLOW ALICE " serial=01 as alice\n", "2: never matches: line 1" },
	{ "deny user open " ALICE "\n" ALLOW ALICE " as alice\n", NULL },
	/* hidden */
	{ ALLOW ALICE " as alice\n" ALLOW ALICE " as alice\n",
	    "2: is hidden by line 1" },
	{ ALLOW ALICE " as alice\n" ALLOW ALICE " as bob\n", NULL },
	{ ALLOW ALICE " as bob,alice\n" ALLOW ALICE " as alice\n",
	    "2: is hidden by line 1" },
	{ ALLOW ALICE " as alice\n" ALLOW ALICE " as bob,alice\n", NULL },
	{ ALLOW "uri=spiffe://e/user/* as alice\n" ALLOW ALICE " as alice\n",
	    "2: is hidden by line 1" },
	{ ALLOW ALICE " as alice\n" ALLOW "uri=spiffe://e/user/* as alice\n",
	    NULL },
	{ ALLOW "uri=spiffe://e/user/{n} as {n}\n"
	    ALLOW ALICE " as alice\n", NULL },
	{ ALLOW "uri=spiffe://e/user/{n} as {n}\n"
	    ALLOW "uri=spiffe://e/user/{n} as {n} no-pty\n",
	    "2: is hidden by line 1" },
	{ ALLOW ALICE " as alice no-pty\n" ALLOW ALICE " as alice\n", NULL },
	{ "allow user mail email=A@e.example as alice\n"
	    "allow user mail email=a@e.example as alice\n",
	    "2: is hidden by line 1" },
	{ "allow user mail upn=A@e.example as alice\n"
	    "allow user mail upn=a@e.example as alice\n", NULL },
	{ ALLOW ALICE " as alice until=2020-01-01\n"
	    ALLOW ALICE " as alice\n", "1: never matches any more" },
	{ ALLOW ALICE " as alice no-pty\n"
	    ALLOW ALICE " as alice service=certlogind\n",
	    "2: is hidden by line 1" },
	{ ALLOW ALICE " as alice from=192.0.2.0/24\n"
	    ALLOW ALICE " as alice\n", NULL },
	{ ALLOW ALICE " as alice from=192.0.2.0/24\n"
	    ALLOW ALICE " as alice from=192.0.2.7\n",
	    "2: is hidden by line 1" },
	{ ALLOW ALICE " as alice from=192.0.2.0/25\n"
	    ALLOW ALICE " as alice from=192.0.2.200\n", NULL },
	{ ALLOW ALICE " as alice until=2030-01-01\n"
	    ALLOW ALICE " as alice\n", NULL },
	{ ALLOW ALICE " as alice\n"
	    ALLOW ALICE " as alice until=2030-01-01\n",
	    "2: is hidden by line 1" },
	{ ALLOW ALICE " as alice service=su\n"
	    ALLOW ALICE " as alice service=su,sudo\n", NULL },
	{ "deny user staff serial=01\ndeny user staff serial=01\n",
	    "2: is not needed: line 1" },
	/* accounts */
	{ ALLOW ALICE " as root\n", "1: reaches root" },
	{ ALLOW ALICE " as alice,daemon\n", "1: reaches a system account" },
	{ ALLOW ALICE " as nosuch\n", "1: account nosuch is not known" },
};

START_TEST(each)
{
	const struct one *c = &cases[_i];
	const char *got = lint(c->map, NULL);

	if (c->says == NULL)
		ck_assert_msg(got[0] == '\0', "%s-> %s", c->map, got);
	else
		ck_assert_msg(strncmp(got, c->says, strlen(c->says)) == 0 &&
		    strchr(got, '\n')[1] == '\0', "%s-> %s", c->map, got);
}
END_TEST

START_TEST(one_line)
{
	static const char map[] = ALLOW ALICE " as root\n"
	    ALLOW ALICE " as alice\n" ALLOW ALICE " as alice\n";

	struct diff_line line = { .added = true, .line = 2 };
	struct diff only = { &line, 1 };

	ck_assert_str_eq(lint(map, &only), "");
	line.line = 3;
	ck_assert_ptr_nonnull(strstr(lint(map, &only),
	    "3: is hidden by line 2"));
	line.line = 1;
	ck_assert_ptr_nonnull(strstr(lint(map, &only), "1: reaches root"));
	line.added = false;
	ck_assert_str_eq(lint(map, &only), "");
}
END_TEST

/* ---- the index finds what trying each with each finds ------------------------ */

#define RULES 40

static const char *const values[] = { "uri=spiffe://e/user/a",
    "uri=spiffe://e/user/ab", "uri=spiffe://e/user/*",
    "uri=spiffe://e/user/a*", "uri=spiffe://e/user/*b",
    "uri=spiffe://e/user/A", "email=a@e.example", "email=A@e.example",
    "email=*@e.example", "email=a*@e.example", "serial=01", "serial=02",
    "uri=spiffe://e/user/a email=a@e.example",
    "uri=spiffe://e/user/* serial=01", "email=*@e.example serial=02" };
static const char *const ends_with[] = { "", "", "", " service=su",
    " service=su,sudo", " from=192.0.2.0/24", " from=192.0.2.7",
    " until=2030-01-01", " until=2020-01-01" };
#define PICK(a) a[next(state) % (sizeof(a) / sizeof((a)[0]))]

static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 16;
}

static void
random_map(char *text, size_t size, uint32_t *state)
{
	static const char *const authorities[] = { "open", "open", "folds" };
	static const char *const accounts[] = { "x", "y", "x,y", "y,x" };
	size_t at = 0;

	for (int i = 0; i < RULES; i++) {
		bool deny = next(state) % 3 == 0;
		const char *authority = PICK(authorities);
		const char *value = PICK(values);
		const char *account = PICK(accounts);
		const char *end = PICK(ends_with);

		at += (size_t)snprintf(text + at, size - at,
		    "%s user %s %s%s%s%s%s\n", deny ? "deny" : "allow",
		    authority, value, deny ? "" : " as ", deny ? "" :
		    account, !deny && next(state) % 8 == 0 ? " no-pty" : "",
		    end);
	}
}

enum { HIDDEN = 1, BARRED = 2, CUT = 4, REPEATED = 8 };

static bool
is_past(const struct map_rule *r)
{
	return r->until != 0 && r->until <= NOW;
}

/* What is to be said of rule i: every other one is tried. */
static int
try_all(const struct map *m, size_t i, unsigned fold)
{
	const struct compare_rule b = compare_of(m, &m->rule[i]);
	int found = 0;

	if (is_past(b.rule))
		return 0;
	for (size_t k = 0; k < m->n; k++) {
		const struct compare_rule a = compare_of(m, &m->rule[k]);

		if (is_past(a.rule))
			continue;
		if (b.rule->deny) {
			if (a.rule->deny && k < i && compare_bars(&a, &b))
				found |= REPEATED;
		} else if (!a.rule->deny) {
			if (k < i && compare_hides(&a, &b, fold))
				found |= HIDDEN;
		} else if (compare_bars(&a, &b))
			found |= BARRED;
		else if (compare_cut(&a, &b) >= COMPARE_SOME)
			found |= CUT;
	}
	return (found & BARRED) != 0 ? BARRED : found;
}

static int
said_of(const struct diag *d, unsigned line)
{
	int found = 0;

	for (size_t i = 0; i < d->n; i++) {
		const char *t = d->items[i].text;

		if (d->items[i].line != line)
			continue;
		if (strncmp(t, "is hidden", 9) == 0)
			found |= HIDDEN;
		else if (strstr(t, "denies every certificate") != NULL)
			found |= BARRED;
		else if (strstr(t, "denies some") != NULL)
			found |= CUT;
		else if (strncmp(t, "is not needed", 13) == 0)
			found |= REPEATED;
	}
	return found;
}

START_TEST(found_as_by_trying)
{
	static const char conf_of_two[] =
	    "[authority open]\nclass = user\nanchor = a\nrevocation = none\n"
	    "[authority folds]\nclass = user\nanchor = b\nrevocation = none\n"
	    "fold-case = email\n";
	const struct map_authority auth[] = { { "open", FACTS_USER, 0 },
	    { "folds", FACTS_USER, 1u << FACTS_EMAIL } };
	uint32_t state = (uint32_t)_i;
	struct trust_conf conf;
	struct diag diag;
	struct map map;
	char text[RULES * 128];

	diag_init(&diag);
	ck_assert_int_eq(trust_conf_parse(&conf, "t", conf_of_two,
	    strlen(conf_of_two), &diag), 0);
	diag_free(&diag);
	random_map(text, sizeof(text), &state);
	diag_init(&diag);
	ck_assert_msg(map_parse(&map, "m", text, strlen(text), auth, 2,
	    &diag) == 0, "%s", diag.n > 0 ? diag.items[0].text : "");
	lint_run(&(struct lint){ .map = &map, .file = "m", .conf = &conf,
	    .now = NOW, .find = find, .diag = &diag });
	ck_assert_uint_le(diag.n, DIAG_MAX - 1);
	for (size_t i = 0; i < map.n; i++)
		ck_assert_msg(said_of(&diag, map.rule[i].line) ==
		    try_all(&map, i, strcmp(map.rule[i].authority,
		    "folds") == 0 ? 1u << FACTS_EMAIL : 0), "line %u: %d, "
		    "not %d, in\n%s", map.rule[i].line, said_of(&diag,
		    map.rule[i].line), try_all(&map, i, 0), text);
	diag_free(&diag);
	map_free(&map);
	trust_conf_free(&conf);
}
END_TEST

/* Pattern against pattern, and each verdict against the matcher itself. */
static const struct {
	const char *a, *b;
	bool covers, meets;
	int flags;
} pairs[] = {
	{ "s://h/a", "s://h/a", true, true, 0 },
	{ "s://h/a", "s://h/b", false, false, 0 },
	{ "s://h/*", "s://h/b", true, true, 0 },
	{ "s://h/b", "s://h/*", false, true, 0 },
	{ "s://h/*", "s://h/{n}", true, true, 0 },
	{ "s://h/*", "s://h/a/b", false, false, 0 },
	{ "s://h/x*", "s://h/x", false, false, 0 },
	{ "s://h/x*", "s://h/xy", true, true, 0 },
	{ "s://h/x*z", "s://h/xz", false, false, 0 },
	{ "s://h/x*z", "s://h/xyz", true, true, 0 },
	{ "s://h/x*z", "s://h/xy*yz", true, true, 0 },
	{ "s://h/xy*yz", "s://h/x*z", false, true, 0 },
	{ "s://h/a*", "s://h/b*", false, false, 0 },
	{ "s://h/*a", "s://h/*b", false, false, 0 },
	{ "s://h/a*", "s://h/*b", false, true, 0 },
	{ "s://h/*/x", "s://h/y/*", false, true, 0 },
	{ "s://h/*/x", "s://h/y/z", false, false, 0 },
	{ "s://h/*/*", "s://h/y/z", true, true, 0 },
	{ "s://h/a", "s://h/a/", false, false, 0 },
	{ "s://h/*", "s://h/a%b", false, false, 0 },
	{ "s://h/*", "s://h/a%b", true, true, PATTERN_LOOSE },
	{ "s://h/a*", "s://h/a", true, true, PATTERN_LOOSE },
	{ "s://h/a*b", "s://h/ab", true, true, PATTERN_LOOSE },
	{ "s://h/a*a", "s://h/a", false, false, PATTERN_LOOSE },
	{ "s://h/A*", "s://h/ab", true, true, PATTERN_FOLD },
	{ "s://h/A", "s://h/a", true, true, PATTERN_FOLD },
	{ "s://h/A", "s://h/a", false, false, 0 },
	{ "s://h/B*c", "s://h/b{n}C", true, true, PATTERN_FOLD },
	{ "s://h/*A", "s://h/{n}ba", true, true, PATTERN_FOLD },
};

START_TEST(patterns)
{
	const char *a = pairs[_i].a, *b = pairs[_i].b;

	int flags = pairs[_i].flags;

	ck_assert(pattern_covers(FACTS_URI, a, b, flags) == pairs[_i].covers);
	ck_assert(pattern_meets(FACTS_URI, a, b, flags) == pairs[_i].meets);
	if ((flags & PATTERN_LOOSE) == 0)
		ck_assert(pattern_meets(FACTS_URI, b, a, flags) ==
		    pairs[_i].meets);
	if (strpbrk(b, "*{") == NULL)
		ck_assert(pattern_match(FACTS_URI, a, b, flags, NULL, NULL,
		    0) == pairs[_i].covers);
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int
main(void)
{
	Suite *s = suite_create("lint");
	TCase *t = tcase_create("lint");
	SRunner *r;
	int failed;

	tcase_add_loop_test(t, each, 0, COUNT(cases));
	tcase_add_test(t, one_line);
	tcase_add_loop_test(t, found_as_by_trying, 0, 200);
	tcase_add_loop_test(t, patterns, 0, COUNT(pairs));
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
