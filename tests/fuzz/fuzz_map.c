/*
 * The identity map, as a whole file.  Where the input's first line is
 * "#repeat" the rest of it is repeated up to 64 KiB.  No input of that size
 * may take long.
 */
#include "fuzz.h"

#include <time.h>

#include "base/err.h"
#include "idmap/map.h"
#include "x509/pattern.h"
#include "proto/ipc.h"

#define INPUT_MAX 65536
#define SECONDS_MAX 2.0		/* sanitizers included; milliseconds without */

static const struct map_authority authorities[] = {
	{ .name = "staff", .class = FACTS_USER },
	{ .name = "piv", .class = FACTS_USER, .fold = 1u << FACTS_UPN },
	{ .name = "fleet", .class = FACTS_DEVICE },
	{ .name = "hosts", .class = FACTS_HOST },
};

static double
seconds(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void
check_match(const struct map_match *m)
{
	enum facts_field field = map_matcher_field(m->matcher);
	struct why why;
	size_t at;

	CHECK(m->matcher < MAP_MATCHERS);
	if (field == FACTS_FIELDS)
		CHECK(m->bytes != NULL && m->n_bytes >= 1 &&
		    m->n_bytes <= 32);
	else
		CHECK(pattern_check(field, m->value, &at, &why) == 0);
}

static void
check_rule(const struct map *m, const struct map_rule *r)
{
	CHECK(r->line >= 1 && r->n_matches >= 1);
	CHECK(r->class == FACTS_USER || r->class == FACTS_DEVICE);
	CHECK(r->matches + r->n_matches <= m->n_match);
	CHECK(r->accounts + r->n_accounts <= m->n_word);
	CHECK(r->services + r->n_services <= m->n_word);
	CHECK(r->nets + r->n_nets <= m->n_net);
	CHECK((r->restrictions & ~IPC_RESTRICT_ALL) == 0);
	CHECK(r->deny == (r->n_accounts == 0 && r->capture == NULL));
	CHECK(((r->restrictions & IPC_FORCED_COMMAND) != 0) ==
	    (r->command != NULL));
	for (size_t i = 0; i < r->n_matches; i++)
		check_match(&m->match[r->matches + i]);
	for (size_t i = 0; i < r->n_accounts; i++)
		CHECK(m->word[r->accounts + i][0] != '\0');
	for (size_t i = 0; i < r->n_nets; i++)
		CHECK(m->net[r->nets + i].bits <= 8 *
		    m->net[r->nets + i].len);
}

/* The number of rules, or -1 when there were errors. */
static int
parse(const char *text, size_t n, const struct map_authority *auth)
{
	struct diag diag;
	struct map map;
	double start = seconds();
	int rc, rules = -1;

	diag_init(&diag);
	rc = map_parse(&map, "fuzz", text, n, auth, 4, &diag);
	CHECK((rc == ERR_MALFORMED) == (diag.errors > 0));
	for (size_t i = 0; i < map.n; i++)
		check_rule(&map, &map.rule[i]);
	if (rc == 0)
		rules = (int)map.n;
	map_free(&map);
	diag_free(&diag);
	CHECK(seconds() - start < SECONDS_MAX);
	return rules;
}

/* As locks: denies only, and where there are no others it is a map, too. */
static void
parse_locks(const char *text, size_t n, int rules)
{
	struct diag diag;
	struct map map;
	int rc;

	diag_init(&diag);
	rc = map_parse_locks(&map, "fuzz", text, n, NULL, 0, &diag);
	CHECK((rc == ERR_MALFORMED) == (diag.errors > 0));
	for (size_t i = 0; i < map.n; i++) {
		check_rule(&map, &map.rule[i]);
		CHECK(map.rule[i].deny);
	}
	CHECK(rc != 0 || rules == (int)map.n);
	map_free(&map);
	diag_free(&diag);
}

/* What is to be parsed: the input, or its rest again and again. */
static char *
expand(const uint8_t *data, size_t size, size_t *n)
{
	static const char mark[] = "#repeat\n";
	size_t skip = strlen(mark), part;
	char *text;

	if (size <= skip || memcmp(data, mark, skip) != 0) {
		*n = size;
		return (char *)fuzz_copy(data, size);
	}
	CHECK((text = malloc(INPUT_MAX)) != NULL);
	part = size - skip;
	for (size_t i = 0; i < INPUT_MAX; i++)
		text[i] = (char)data[skip + i % part];
	*n = INPUT_MAX;
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text;
	size_t n;
	int syntax, names;

	if (size > INPUT_MAX)
		return 0;
	text = expand(data, size, &n);
	syntax = parse(text, n, NULL);
	names = parse(text, n, authorities);
	parse_locks(text, n, syntax);
	/* known authorities can only refuse more */
	CHECK(names == -1 || names == syntax);
	free(text);
	return 0;
}
