#include "randmap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t randmap_seed;
static uint64_t state;

static uint64_t
random_bits(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int
randmap_rounds(int n)
{
	return getenv("UNDER_VALGRIND") != NULL ? n / 10 : n;
}

size_t
randmap_below(size_t n)
{
	return (size_t)(random_bits() % n);
}

void
randmap_init(void)
{
	const char *given = getenv("SEED");

	randmap_seed = (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid();
	if (given != NULL)
		randmap_seed = strtoull(given, NULL, 10);
	/* zero would stay zero */
	randmap_seed |= 1;
	(void)printf("SEED=%llu\n", (unsigned long long)randmap_seed);
}

void
randmap_start(void)
{
	state = randmap_seed;
}

#define COUNT(a) RANDMAP_COUNT(a)
#define PICK(a) (a)[randmap_below(COUNT(a))]

/* ---- a small world, so that rules often fit ---------------------------------- */

const struct map_authority randmap_authority[RANDMAP_AUTHORITIES] = {
	{ "staff", FACTS_USER, 1u << FACTS_UPN | 1u << FACTS_EMAIL },
	{ "piv", FACTS_USER, 0 },
	{ "fleet", FACTS_DEVICE, 0 },
};

const char *const randmap_account[RANDMAP_ACCOUNTS] = { "alice", "bob",
    "ops", "root", "a-very-long-name" };

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
	{ FACTS_EMAIL, "ALICE@e.org" },
	{ FACTS_UPN, "bob@corp.e" },
	{ FACTS_UPN, "BOB@corp.e" },
	{ FACTS_DNS, "a.meters.e" },
	{ FACTS_DNS, "A.Meters.e" },
	{ FACTS_SID, "S-1-5-21-1-2-3-4" },
};

static const char *const matchers[] = {
	"uri=spiffe://e/user/alice", "uri=spiffe://e/user/bob",
	"uri=spiffe://e/user/*", "uri=spiffe://e/user/{name}",
	"uri=spiffe://e/*/{name}", "uri=urn:uuid:1",
	"uri=spiffe://e/user/Bob", "uri=spiffe://e/*/alice", "upn=BOB@corp.e",
	"email=Alice@e.org", "dns=*.meters.e", "dns=A.meters.e",
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

static void
add(char *rule, const char *text)
{
	size_t n = strlen(rule);

	(void)snprintf(rule + n, RANDMAP_RULE_MAX - n, "%s", text);
}

/* Two matchers of one kind, or two captures of one name, are an error. */
static void
add_matchers(char *rule)
{
	const char *first = PICK(matchers), *second = PICK(matchers);

	add(rule, " ");
	add(rule, first);
	if (randmap_below(4) != 0 || strncmp(first, second,
	    strcspn(first, "=")) == 0 || (strstr(first, "{name}") != NULL &&
	    strstr(second, "{name}") != NULL))
		return;
	add(rule, " ");
	add(rule, second);
}

static void
add_condition(char *rule)
{
	if (randmap_below(3) == 0)
		add(rule, PICK(conditions));
}

void
randmap_rule(char *rule, bool deny)
{
	const struct map_authority *a = &PICK(randmap_authority);

	(void)snprintf(rule, RANDMAP_RULE_MAX, "%s %s %s", deny ? "deny" : "allow",
	    facts_class_name(a->class), a->name);
	add_matchers(rule);
	if (!deny) {
		add(rule, " as ");
		add(rule, strstr(rule, "{name}") != NULL && randmap_below(2) == 0 ?
		    "{name}" : PICK(randmap_account));
		if (randmap_below(4) == 0)
			add(rule, PICK(limits));
	}
	add_condition(rule);
}

/* ---- a question ------------------------------------------------------------------- */

void
randmap_facts(struct facts *f)
{
	*f = (struct facts){ .serial = { (uint8_t)(1 + randmap_below(3)) },
	    .serial_len = 1 };
	memset(f->spki_sha256, randmap_below(2) == 0 ? 0x11 : 0x33, 32);
	memset(f->cert_sha256, randmap_below(2) == 0 ? 0x22 : 0x33, 32);
	for (size_t n = randmap_below(4); n > 0; n--) {
		size_t i = randmap_below(COUNT(names));

		f->names[f->n_names].field = names[i].field;
		(void)snprintf(f->names[f->n_names].value,
		    sizeof(f->names[0].value), "%s", names[i].value);
		f->n_names++;
	}
}

void
randmap_ask(struct decide_ask *ask, const struct facts *f)
{
	static const uint8_t v4[4] = { 192, 0, 2, 7 };
	static const uint8_t v6[16] = { 0x20, 1, 0x0d, 0xb8, [15] = 1 };

	*ask = (struct decide_ask){ .facts = f,
	    .authority = &PICK(randmap_authority), .account = "", .preferred = "",
	    .service = DECIDE_NETWORK_SERVICE,
	    .now = RANDMAP_NOW + (int64_t)randmap_below(3) * RANDMAP_DAY };
	switch (randmap_below(4)) {
	case 0:
		ask->local = true;
		ask->service = randmap_below(2) == 0 ? "su" : "login";
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
