/*
 * The decision.  Input: a map, a line "---", then what is asked, a line each:
 *
 *	uri= email= upn= dns= sid= serial=	the certificate's
 *	account= preferred= service=		what is asked for
 *	from=192.0.2.1				at a network door, else local
 *	at=SECONDS authority=NAME
 *
 * Checked: only an allow of the map admits, nobody but the one asked for,
 * captured accounts have their form, one more deny ends it, and the compiled
 * map decides the same.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "base/memfile.h"
#include "idmap/compiled.h"
#include "idmap/decide.h"

#define CERT_DENY "\ndeny %s %s cert=sha256:" \
	"0000000000000000000000000000000000000000000000000000000000000000\n"

static const struct map no_locks;

static const struct map_authority authorities[] = {
	{ .name = "staff", .class = FACTS_USER },
	{ .name = "piv", .class = FACTS_USER,
	    .fold = 1u << FACTS_UPN | 1u << FACTS_EMAIL },
	{ .name = "fleet", .class = FACTS_DEVICE },
};

struct asked {
	struct facts facts;
	struct decide_ask ask;
	char account[IPC_ACCOUNT_MAX], preferred[IPC_ACCOUNT_MAX];
	char service[IPC_ACCOUNT_MAX];
};

static void
add_name(struct facts *f, enum facts_field field, const char *value)
{
	struct facts_name *name;

	if (f->n_names == FACTS_NAMES_MAX)
		return;
	name = &f->names[f->n_names++];
	name->field = field;
	(void)snprintf(name->value, sizeof(name->value), "%s", value);
}

static void
set_serial(struct facts *f, const char *hex)
{
	unsigned byte;

	f->serial_len = 0;
	while (f->serial_len < FACTS_SERIAL_MAX &&
	    sscanf(hex, "%2x", &byte) == 1) {
		f->serial[f->serial_len++] = (uint8_t)byte;
		hex += hex[0] != '\0' && hex[1] != '\0' ? 2 : 1;
	}
}

static void
set_text(char dst[IPC_ACCOUNT_MAX], const char *value)
{
	(void)snprintf(dst, IPC_ACCOUNT_MAX, "%s", value);
}

static void
set_address(struct decide_ask *a, const char *value)
{
	a->local = false;
	a->address_len = inet_pton(AF_INET, value, a->address) == 1 ? 4 :
	    inet_pton(AF_INET6, value, a->address) == 1 ? 16 : 0;
}

static void
set_line(struct asked *q, const char *key, const char *value)
{
	static const struct {
		const char *name;
		enum facts_field field;
	} fields[] = { { "uri", FACTS_URI }, { "email", FACTS_EMAIL },
	    { "upn", FACTS_UPN }, { "dns", FACTS_DNS }, { "sid", FACTS_SID } };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (strcmp(key, fields[i].name) == 0)
			add_name(&q->facts, fields[i].field, value);
	for (size_t i = 0; i < 3; i++)
		if (strcmp(key, "authority") == 0 &&
		    strcmp(value, authorities[i].name) == 0)
			q->ask.authority = &authorities[i];
	if (strcmp(key, "serial") == 0)
		set_serial(&q->facts, value);
	else if (strcmp(key, "account") == 0)
		set_text(q->account, value);
	else if (strcmp(key, "preferred") == 0)
		set_text(q->preferred, value);
	else if (strcmp(key, "service") == 0)
		set_text(q->service, value);
	else if (strcmp(key, "from") == 0)
		set_address(&q->ask, value);
	else if (strcmp(key, "at") == 0)
		q->ask.now = strtoll(value, NULL, 10);
}

/* The lines behind "---", in place.  A name is never empty: facts.c refuses
 * such a certificate. */
static void
read_question(struct asked *q, char *text)
{
	char *save = NULL;

	q->ask = (struct decide_ask){ .facts = &q->facts,
	    .authority = &authorities[0], .account = q->account,
	    .preferred = q->preferred, .service = q->service, .local = true };
	set_text(q->service, DECIDE_NETWORK_SERVICE);
	for (char *line = strtok_r(text, "\n", &save); line != NULL;
	    line = strtok_r(NULL, "\n", &save)) {
		char *eq = strchr(line, '=');

		if (eq == NULL || eq[1] == '\0')
			continue;
		*eq = '\0';
		set_line(q, line, eq + 1);
	}
}

static void
decide_maps(const struct map *locks, const struct map *map,
    const struct decide_ask *ask, struct decide_verdict *v)
{
	const struct ruleset l = ruleset_of_map(locks),
	    m = ruleset_of_map(map);

	decide(&l, &m, ask, v);
}

static const struct map_rule *
rule_at(const struct map *m, uint32_t line)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->rule[i].line == line)
			return &m->rule[i];
	return NULL;
}

static void
check_allow(const struct map *m, const struct asked *q,
    const struct decide_verdict *v)
{
	const struct map_rule *r = rule_at(m, v->rule_line);

	CHECK(r != NULL && !r->deny);
	CHECK(r->class == (uint8_t)q->ask.authority->class);
	CHECK(strcmp(r->authority, q->ask.authority->name) == 0);
	CHECK(v->reason == DECIDE_OK && v->account[0] != '\0');
	CHECK(v->text[0] == '\0' && v->advice[0] == '\0');
	CHECK(q->account[0] == '\0' || strcmp(q->account, v->account) == 0);
	CHECK(v->captured == (r->capture != NULL));
	CHECK(!v->captured || decide_account_form(v->account));
	CHECK(v->restrictions == r->restrictions);
	CHECK(v->command == r->command && v->until == r->until);
	CHECK(r->until == 0 || q->ask.now < r->until);
	CHECK(!q->ask.local || (r->restrictions == 0 && r->n_nets == 0 &&
	    q->ask.authority->class == FACTS_USER));
	CHECK(v->identity[0] != '\0');
}

static void
check_compiled(const struct map *m, const struct asked *q,
    const struct decide_verdict *v)
{
	struct db_maker *maker = db_make("fuzz");
	struct decide_verdict w;
	struct ruleset locks, map;
	struct span bytes;
	struct db db;
	int fd;

	CHECK(maker != NULL);
	CHECK(compiled_put(maker, COMPILED_MAP, m, authorities, 3) == 0);
	CHECK((fd = db_finish(maker)) >= 0);
	CHECK(memfile_map(fd, 64u << 20, &bytes) == 0);
	CHECK(db_open(&db, bytes) == 0);
	locks = compiled_ruleset(&db, COMPILED_LOCKS);
	map = compiled_ruleset(&db, COMPILED_MAP);
	decide(&locks, &map, &q->ask, &w);
	CHECK(v->outcome == w.outcome && v->reason == w.reason);
	CHECK(v->rule_line == w.rule_line && v->captured == w.captured);
	CHECK(v->restrictions == w.restrictions && v->until == w.until);
	CHECK(strcmp(v->account, w.account) == 0);
	CHECK(strcmp(v->identity, w.identity) == 0);
	CHECK(strcmp(v->text, w.text) == 0);
	CHECK(strcmp(v->command != NULL ? v->command : "",
	    w.command != NULL ? w.command : "") == 0);
	memfile_unmap(bytes);
	(void)close(fd);
}

static void
check_verdict(const struct map *m, const struct asked *q)
{
	struct decide_verdict v;

	decide_maps(&no_locks, m, &q->ask, &v);
	check_compiled(m, q, &v);
	CHECK(decide_reason_name(v.reason) != NULL);
	if (v.outcome == DECIDE_ALLOW) {
		check_allow(m, q, &v);
		return;
	}
	CHECK(v.outcome == DECIDE_NONE || v.outcome == DECIDE_DENY);
	CHECK(v.reason != DECIDE_OK && v.text[0] != '\0');
	CHECK(v.advice[0] != '\0');
}

/* The certificate's hash is all zeros: one deny more bars it, in the map or in
 * the locks. */
static void
check_deny(const char *text, const struct map *m, const struct asked *q)
{
	size_t size = strlen(text) + sizeof(CERT_DENY) + 32;
	char *longer = malloc(size);
	struct decide_verdict v;
	struct diag diag;
	struct map more;
	int n, at = (int)strlen(text);

	CHECK(longer != NULL);
	n = snprintf(longer, size, "%s" CERT_DENY, text,
	    q->ask.authority->class == FACTS_USER ? "user" : "device",
	    q->ask.authority->name);
	diag_init(&diag);
	if (map_parse(&more, "fuzz", longer, (size_t)n, authorities, 3,
	    &diag) == 0) {
		decide_maps(&no_locks, &more, &q->ask, &v);
		CHECK(v.outcome == DECIDE_DENY ||
		    v.reason == DECIDE_CLASS);
		map_free(&more);
	}
	CHECK(map_parse_locks(&more, "fuzz", longer + at, (size_t)(n - at),
	    authorities, 3, &diag) == 0);
	decide_maps(&more, m, &q->ask, &v);
	CHECK(v.outcome != DECIDE_ALLOW);
	CHECK(v.reason == DECIDE_LOCKED || v.reason == DECIDE_CLASS);
	map_free(&more);
	diag_free(&diag);
	free(longer);
}

static void
run(char *map_text, char *question)
{
	struct asked *q = calloc(1, sizeof(*q));
	struct diag diag;
	struct map m;

	CHECK(q != NULL);
	diag_init(&diag);
	read_question(q, question);
	if (map_parse(&m, "fuzz", map_text, strlen(map_text), authorities, 3,
	    &diag) == 0) {
		check_verdict(&m, q);
		check_deny(map_text, &m, q);
		map_free(&m);
	}
	diag_free(&diag);
	free(q);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char mark[] = "---\n";
	char *text, *question;

	if (size > 65536)
		return 0;
	CHECK((text = malloc(size + 1)) != NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	question = strstr(text, mark);
	if (question != NULL) {
		*question = '\0';
		run(text, question + strlen(mark));
	}
	free(text);
	return 0;
}
