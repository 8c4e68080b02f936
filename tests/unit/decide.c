/* src/idmap/decide.c: deny first, then the first allow that fits. */
#include <arpa/inet.h>
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "idmap/decide.h"
#include "idmap/map.h"

#define DAY 86400
#define NOW 1814313600		/* 2027-06-30 00:00 UTC */

static const struct map_authority auth[] = {
	{ .name = "staff", .class = FACTS_USER },
	{ .name = "piv", .class = FACTS_USER,
	    .fold = 1u << FACTS_UPN | 1u << FACTS_EMAIL },
	{ .name = "fleet", .class = FACTS_DEVICE },
};

/* names: "uri=..." and the like, up to NULL */
static void
make_facts(struct facts *f, const char *const *names)
{
	static const char *const word[FACTS_FIELDS] = { "uri", "email", "upn",
	    "dns", "ip", "sid" };

	*f = (struct facts){ .serial = { 0x4f, 0x1a, 0x09 }, .serial_len = 3 };
	memset(f->cert_sha256, 0xcc, 32);
	memset(f->spki_sha256, 0x55, 32);
	for (; *names != NULL; names++)
		for (int i = 0; i < FACTS_FIELDS; i++) {
			size_t n = strlen(word[i]);
			struct facts_name *a = &f->names[f->n_names];

			if (strncmp(*names, word[i], n) != 0 ||
			    (*names)[n] != '=')
				continue;
			a->field = (enum facts_field)i;
			strcpy(a->value, *names + n + 1);
			f->n_names++;
			break;
		}
}

struct one {
	const char *locks;		/* NULL = none */
	const char *map;
	int authority;
	const char *names[4];
	const char *account, *preferred;
	const char *from;		/* "" = unknown */
	const char *service;		/* NULL = the network's */
	bool local;
	int64_t now;			/* 0 = NOW */
	enum decide_reason reason;	/* DECIDE_OK: allowed */
	unsigned line;
	const char *is;			/* the account; or a part of the text */
	const char *identity;
};

static void
run(const struct one *c, struct map *m, struct decide_verdict *v)
{
	static struct facts f;
	struct decide_ask ask = { .facts = &f,
	    .authority = &auth[c->authority],
	    .account = c->account != NULL ? c->account : "",
	    .preferred = c->preferred != NULL ? c->preferred : "",
	    .service = c->service != NULL ? c->service :
	    DECIDE_NETWORK_SERVICE, .local = c->local,
	    .now = c->now != 0 ? c->now : NOW };
	const char *from = c->from != NULL ? c->from : "192.0.2.7";
	const char *text = c->locks != NULL ? c->locks : "";
	struct ruleset by_locks, by_map;
	struct map locks;
	struct diag d;

	diag_init(&d);
	ck_assert_int_eq(map_parse(m, "m", c->map, strlen(c->map), auth, 3,
	    &d), 0);
	ck_assert_int_eq(map_parse_locks(&locks, "l", text, strlen(text),
	    auth, 3, &d), 0);
	diag_free(&d);
	make_facts(&f, c->names);
	if (inet_pton(AF_INET, from, ask.address) == 1)
		ask.address_len = 4;
	else if (inet_pton(AF_INET6, from, ask.address) == 1)
		ask.address_len = 16;
	if (c->local)
		ask.address_len = 0;
	by_locks = ruleset_of_map(&locks);
	by_map = ruleset_of_map(m);
	decide(&by_locks, &by_map, &ask, v);
	map_free(&locks);
}

#define ALICE "uri=spiffe://e/user/alice"
#define BOB "uri=spiffe://e/user/bob"
#define R_ALICE "allow user staff " ALICE " as alice\n"
#define R_NAME "allow user staff uri=spiffe://e/user/{name} as {name}\n"
#define R_PIV "allow user piv upn={n}@corp.example as {n}\n"
#define S55 "5555555555555555555555555555555555555555555555555555555555555555"
#define SCC "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

static const struct one cases[] = {
	/* plain */
	{ .map = R_ALICE, .names = { ALICE }, .account = "alice",
	    .line = 1, .is = "alice", .identity = "staff " ALICE },
	{ .map = "", .names = { ALICE }, .account = "alice",
	    .reason = DECIDE_NO_RULE, .is = "no rule fits" },
	{ .map = R_ALICE, .names = { BOB }, .account = "alice",
	    .reason = DECIDE_NO_RULE, .is = "no rule fits" },
	{ .map = R_ALICE, .names = { ALICE }, .account = "bob", .line = 1,
	    .reason = DECIDE_OTHER_ACCOUNT, .is = "allows alice, not 'bob'" },
	{ .map = R_ALICE, .names = { "uri=spiffe://e/user/Alice" },
	    .account = "alice", .reason = DECIDE_NO_RULE, .is = "no rule" },
	/* locks win over everything */
	{ .locks = "\ndeny user staff " ALICE "\n", .map = R_ALICE,
	    .names = { ALICE }, .account = "alice", .line = 2,
	    .reason = DECIDE_LOCKED, .is = "locked by line 2 of the locks" },
	{ .locks = "deny user staff " ALICE "\n",
	    .map = "deny user staff uri=spiffe://e/user/*\n",
	    .names = { ALICE }, .account = "alice", .line = 1,
	    .reason = DECIDE_LOCKED, .is = "locked by line 1" },
	{ .locks = "deny user staff spki=sha256:" S55 "\n", .map = R_ALICE,
	    .names = { "uri=spiffe://e/user/a%6cice" }, .account = "alice",
	    .line = 1, .reason = DECIDE_LOCKED, .is = "locked by line 1" },
	{ .locks = "deny user staff " ALICE "\n", .map = R_ALICE,
	    .names = { ALICE }, .account = "alice", .local = true, .line = 1,
	    .reason = DECIDE_LOCKED, .is = "locked by line 1" },
	{ .locks = "deny user staff " BOB "\n", .map = R_ALICE,
	    .names = { ALICE }, .account = "alice", .line = 1,
	    .is = "alice", .identity = "staff " ALICE },
	{ .locks = "deny user other " ALICE "\n", .map = R_ALICE,
	    .names = { ALICE }, .account = "alice", .line = 1,
	    .is = "alice", .identity = "staff " ALICE },
	/* to the end of its last day, and no longer */
	{ .locks = "deny user staff " ALICE " until=2026-11-24\n",
	    .map = R_ALICE, .names = { ALICE }, .account = "alice",
	    .now = 1795564799, .line = 1, .reason = DECIDE_LOCKED,
	    .is = "locked by line 1" },
	{ .locks = "deny user staff " ALICE " until=2026-11-24\n",
	    .map = R_ALICE, .names = { ALICE }, .account = "alice",
	    .now = 1795564800, .line = 1, .is = "alice",
	    .identity = "staff " ALICE },
	/* a form that only the locks look at */
	{ .locks = "deny user staff uri=spiffe://e/user/x\n",
	    .map = "allow user staff email=a@e.org as alice\n",
	    .names = { "uri=spiffe://e/a%62", "email=a@e.org" },
	    .account = "alice", .reason = DECIDE_URI_FORM, .is = "one form" },
	/* another authority's rule never counts */
	{ .map = R_ALICE, .authority = 1, .names = { ALICE },
	    .account = "alice", .reason = DECIDE_NO_RULE, .is = "no rule" },
	/* no fall-back from one field to another */
	{ .map = "allow user staff email=a@b as alice", .names = { "upn=a@b" },
	    .account = "alice", .reason = DECIDE_NO_RULE, .is = "no rule" },
	/* captures */
	{ .map = R_ALICE R_NAME, .names = { BOB }, .account = "bob",
	    .line = 2, .is = "bob", .identity = "staff " BOB },
	{ .map = R_NAME, .names = { ALICE }, .account = "bob", .line = 1,
	    .reason = DECIDE_OTHER_ACCOUNT, .is = "allows alice, not 'bob'" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/Bob" },
	    .account = "Bob", .line = 1, .reason = DECIDE_ACCOUNT_FORM,
	    .is = "no account name" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/-x" },
	    .account = "-x", .line = 1, .reason = DECIDE_ACCOUNT_FORM,
	    .is = "no account name" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/a.b" },
	    .line = 1, .reason = DECIDE_ACCOUNT_FORM, .is = "no account" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/"
	    "a2345678901234567890123456789012" },
	    .line = 1, .is = "a2345678901234567890123456789012" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/"
	    "a23456789012345678901234567890123" },
	    .line = 1, .reason = DECIDE_ACCOUNT_FORM, .is = "no account" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/a/b" },
	    .account = "a", .reason = DECIDE_NO_RULE, .is = "no rule" },
	/* several values of the field */
	{ .map = R_NAME, .names = { ALICE, BOB }, .account = "alice",
	    .line = 1, .reason = DECIDE_TWO_VALUES, .is = "several values" },
	{ .map = R_ALICE, .names = { ALICE, ALICE }, .account = "alice",
	    .line = 1, .reason = DECIDE_TWO_VALUES, .is = "several values" },
	{ .map = R_ALICE, .names = { ALICE, "email=a@b", "email=c@d" },
	    .account = "alice", .line = 1, .is = "alice" },
	/* several matchers are ANDed; the first names the identity */
	{ .map = "allow user staff email=a@b " ALICE " as alice",
	    .names = { ALICE, "email=a@b" }, .account = "alice", .line = 1,
	    .is = "alice", .identity = "staff email=a@b" },
	{ .map = "allow user staff email=a@b " ALICE " as alice",
	    .names = { ALICE, "email=x@b" }, .account = "alice",
	    .reason = DECIDE_NO_RULE, .is = "no rule" },
	{ .map = "allow user staff email=a@b " ALICE " as alice",
	    .names = { "email=a@b" }, .account = "alice",
	    .reason = DECIDE_NO_RULE, .is = "no rule" },
	/* bytes */
	{ .map = "allow user staff serial=4f1a09 as alice",
	    .account = "alice", .line = 1, .is = "alice",
	    .identity = "staff serial=4f1a09" },
	{ .map = "allow user staff serial=4f1a as alice",
	    .account = "alice", .reason = DECIDE_NO_RULE, .is = "no rule" },
	{ .map = "allow user staff spki=sha256:" S55 " as alice",
	    .account = "alice", .line = 1, .is = "alice",
	    .identity = "staff spki=sha256:" S55 },
	{ .map = "allow user staff cert=sha256:" S55 " as alice",
	    .account = "alice", .reason = DECIDE_NO_RULE, .is = "no rule" },
	{ .map = "allow user staff cert=sha256:" SCC " as alice",
	    .account = "alice", .line = 1, .is = "alice",
	    .identity = "staff cert=sha256:" SCC },
	{ .map = "allow user staff sid=S-1-5-21-1 as alice",
	    .names = { "sid=S-1-5-21-1" }, .account = "alice", .line = 1,
	    .is = "alice", .identity = "staff sid=S-1-5-21-1" },
	{ .map = "allow user staff sid=S-1-5-21-1 as alice",
	    .names = { "sid=S-1-5-21-11" }, .account = "alice",
	    .reason = DECIDE_NO_RULE, .is = "no rule" },
	/* case */
	{ .map = R_PIV, .authority = 1, .names = { "upn=Alice@Corp.Example" },
	    .account = "alice", .line = 1, .is = "alice",
	    .identity = "piv upn=alice@corp.example" },
	{ .map = "allow user piv upn=ALICE@corp.example as alice",
	    .authority = 1, .names = { "upn=alice@CORP.example" },
	    .account = "alice", .line = 1, .is = "alice" },
	{ .map = "allow user piv dns=a.b as alice", .authority = 1,
	    .names = { "dns=A.b" }, .account = "alice",
	    .reason = DECIDE_NO_RULE, .is = "no rule" },
	{ .map = "allow user staff upn={n}@corp.example as {n}",
	    .names = { "upn=alice@CORP.example" }, .account = "alice",
	    .reason = DECIDE_NO_RULE, .is = "no rule" },
	/* deny wins, wherever it stands, on any value, case ignored */
	{ .map = R_ALICE "deny user staff serial=4f:1a:09\n",
	    .names = { ALICE }, .account = "alice", .line = 2,
	    .reason = DECIDE_DENIED, .is = "denied by the rule of line 2" },
	{ .map = "deny user staff " BOB "\n" R_ALICE, .names = { ALICE },
	    .account = "alice", .line = 2, .is = "alice" },
	{ .map = "deny user staff email=BAD@b\n" R_ALICE,
	    .names = { ALICE, "email=x@b", "email=bad@B" },
	    .account = "alice", .line = 1, .reason = DECIDE_DENIED,
	    .is = "line 1" },
	{ .map = "deny user staff " ALICE "\n" R_PIV,
	    .names = { BOB, "uri=spiffe://e/user/ALICE" }, .line = 1,
	    .account = "x", .reason = DECIDE_DENIED, .is = "line 1" },
	{ .map = "deny user staff email=*@b\n" R_ALICE,
	    .names = { ALICE, "email=a%41@b" }, .account = "alice",
	    .line = 1, .reason = DECIDE_DENIED, .is = "line 1" },
	{ .map = "deny user staff email=x*@b\n" R_ALICE,
	    .names = { ALICE, "email=x@b" }, .account = "alice",
	    .line = 1, .reason = DECIDE_DENIED, .is = "line 1" },
	{ .map = "deny user piv " ALICE "\n" R_ALICE, .names = { ALICE },
	    .account = "alice", .line = 2, .is = "alice" },
	{ .map = "deny user staff email=a@b serial=1\n" R_ALICE,
	    .names = { ALICE, "email=a@b" }, .account = "alice", .line = 2,
	    .is = "alice" },
	/* a deny's own conditions */
	{ .map = "deny user staff " ALICE " from=10.0.0.0/8\n" R_ALICE,
	    .names = { ALICE }, .account = "alice", .line = 2,
	    .is = "alice" },
	{ .map = "deny user staff " ALICE " from=10.0.0.0/8\n" R_ALICE,
	    .names = { ALICE }, .account = "alice", .from = "10.1.2.3",
	    .line = 1, .reason = DECIDE_DENIED, .is = "line 1" },
	{ .map = "deny user staff " ALICE " service=sudo\n" R_ALICE,
	    .names = { ALICE }, .account = "alice", .service = "sudo",
	    .local = true, .line = 1, .reason = DECIDE_DENIED,
	    .is = "line 1" },
	/* URIs of another form */
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/%61lice" },
	    .account = "alice", .reason = DECIDE_URI_FORM,
	    .is = "one form" },
	{ .map = R_NAME, .names = { "uri=spiffe://E/user/alice" },
	    .account = "alice", .reason = DECIDE_URI_FORM,
	    .is = "one form" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/../alice" },
	    .account = "alice", .reason = DECIDE_URI_FORM,
	    .is = "one form" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user//alice" },
	    .account = "alice", .reason = DECIDE_URI_FORM,
	    .is = "one form" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/alice?x" },
	    .account = "alice", .reason = DECIDE_URI_FORM,
	    .is = "one form" },
	{ .map = R_NAME, .names = { "uri=spiffe://e/user/alice#x" },
	    .account = "alice", .reason = DECIDE_URI_FORM,
	    .is = "one form" },
	{ .map = R_NAME, .names = { "uri=SPIFFE://e/user/alice" },
	    .account = "alice", .reason = DECIDE_URI_FORM,
	    .is = "one form" },
	/* ... also around a deny, but not where no deny looks at URIs */
	{ .map = "deny user staff " BOB "\nallow user staff email=a@b as b\n",
	    .names = { "uri=spiffe://e/user/%62ob", "email=a@b" },
	    .account = "b", .reason = DECIDE_URI_FORM, .is = "one form" },
	{ .map = R_NAME "allow user staff email=a@b as b\n",
	    .names = { "uri=spiffe://e/user/%62ob", "email=a@b" },
	    .account = "b", .line = 2, .is = "b",
	    .identity = "staff email=a@b" },
	{ .map = R_NAME, .names = { ALICE, "uri=spiffe://e/user/%61" },
	    .account = "alice", .line = 1, .reason = DECIDE_TWO_VALUES,
	    .is = "several values" },
	{ .map = "allow user staff uri=spiffe://e/user/* as alice\n",
	    .names = { "uri=spiffe://e/user/.." }, .account = "alice",
	    .reason = DECIDE_URI_FORM, .is = "one form" },
	{ .map = R_NAME R_PIV, .authority = 1, .names = {
	    "uri=http://x/?y", "upn=a@corp.example" }, .account = "a",
	    .line = 2, .is = "a" },
	/* from= */
	{ .map = "allow user staff " ALICE " as alice from=192.0.2.0/30",
	    .names = { ALICE }, .account = "alice", .line = 1,
	    .reason = DECIDE_ELSEWHERE, .is = "does not hold here" },
	{ .map = "allow user staff " ALICE " as alice from=192.0.2.0/29",
	    .names = { ALICE }, .account = "alice", .line = 1,
	    .is = "alice" },
	{ .map = "allow user staff " ALICE " as alice from=192.0.2.0/29",
	    .names = { ALICE }, .account = "alice",
	    .from = "::ffff:192.0.2.1", .line = 1, .is = "alice" },
	{ .map = "allow user staff " ALICE " as alice from=::/0",
	    .names = { ALICE }, .account = "alice", .line = 1,
	    .reason = DECIDE_ELSEWHERE, .is = "does not hold here" },
	{ .map = "allow user staff " ALICE " as alice from=1.2.3.4,"
	    "2001:db8::/33", .names = { ALICE }, .account = "alice",
	    .from = "2001:db8:7fff::1", .line = 1, .is = "alice" },
	{ .map = "allow user staff " ALICE " as alice from=2001:db8::/33",
	    .names = { ALICE }, .account = "alice",
	    .from = "2001:db8:8000::1", .line = 1,
	    .reason = DECIDE_ELSEWHERE, .is = "does not hold here" },
	{ .map = "allow user staff " ALICE " as alice from=0.0.0.0/0",
	    .names = { ALICE }, .account = "alice", .from = "", .line = 1,
	    .reason = DECIDE_ELSEWHERE, .is = "does not hold here" },
	/* until=: the end of that day */
	{ .map = "allow user staff " ALICE " as alice until=2027-06-30",
	    .names = { ALICE }, .account = "alice", .now = NOW + DAY - 1,
	    .line = 1, .is = "alice" },
	{ .map = "allow user staff " ALICE " as alice until=2027-06-30",
	    .names = { ALICE }, .account = "alice", .now = NOW + DAY,
	    .line = 1, .reason = DECIDE_ENDED, .is = "ended" },
	{ .map = "allow user staff " ALICE " as alice until=2027-06-30\n"
	    R_NAME, .names = { ALICE }, .account = "alice",
	    .now = NOW + DAY, .line = 2, .is = "alice" },
	/* service= and local doors */
	{ .map = "allow user staff " ALICE " as alice service=sudo",
	    .names = { ALICE }, .account = "alice", .line = 1,
	    .reason = DECIDE_ELSEWHERE, .is = "does not hold here" },
	{ .map = "allow user staff " ALICE " as alice "
	    "service=certlogind,sudo", .names = { ALICE },
	    .account = "alice", .line = 1, .is = "alice" },
	{ .map = "allow user staff " ALICE " as alice "
	    "service=certlogind,sudo", .names = { ALICE },
	    .account = "alice", .service = "sudo", .local = true,
	    .line = 1, .is = "alice" },
	{ .map = "allow user staff " ALICE " as alice service=sudo",
	    .names = { ALICE }, .account = "alice", .service = "su",
	    .local = true, .line = 1, .reason = DECIDE_ELSEWHERE,
	    .is = "does not hold here" },
	{ .map = R_ALICE, .names = { ALICE }, .account = "alice",
	    .service = "login", .local = true, .line = 1, .is = "alice" },
	{ .map = "allow user staff " ALICE " as alice from=0.0.0.0/0,::/0",
	    .names = { ALICE }, .account = "alice", .local = true,
	    .line = 1, .reason = DECIDE_ELSEWHERE, .is = "local door" },
	{ .map = "allow user staff " ALICE " as alice no-pty",
	    .names = { ALICE }, .account = "alice", .local = true,
	    .line = 1, .reason = DECIDE_ELSEWHERE, .is = "local door" },
	{ .map = "allow user staff " ALICE " as alice no-forwarding",
	    .names = { ALICE }, .account = "alice", .local = true,
	    .line = 1, .reason = DECIDE_ELSEWHERE, .is = "local door" },
	{ .map = "allow user staff " ALICE " as alice command=x",
	    .names = { ALICE }, .account = "alice", .local = true,
	    .line = 1, .reason = DECIDE_ELSEWHERE, .is = "local door" },
	{ .map = "allow device fleet dns=m as alice", .authority = 2,
	    .names = { "dns=m" }, .account = "alice", .local = true,
	    .reason = DECIDE_CLASS, .is = "class user" },
	{ .map = "allow device fleet dns=m as alice", .authority = 2,
	    .names = { "dns=m" }, .account = "alice", .line = 1,
	    .is = "alice" },
	/* no account asked for */
	{ .map = R_ALICE, .names = { ALICE }, .line = 1, .is = "alice" },
	{ .map = R_ALICE R_NAME, .names = { ALICE }, .line = 1,
	    .is = "alice" },
	{ .map = "allow user staff " ALICE " as x,y\n" R_ALICE,
	    .names = { ALICE }, .line = 1, .reason = DECIDE_SEVERAL,
	    .is = "several: x, y, alice" },
	{ .map = "allow user staff " ALICE " as x,y\n" R_ALICE,
	    .names = { ALICE }, .preferred = "alice", .line = 2,
	    .is = "alice" },
	{ .map = "allow user staff " ALICE " as x,y\n", .names = { ALICE },
	    .preferred = "bob", .line = 1, .reason = DECIDE_SEVERAL,
	    .is = "several: x, y" },
	{ .map = R_ALICE, .names = { ALICE }, .preferred = "bob",
	    .line = 1, .is = "alice" },
	/* preferred counts for nothing beside an account */
	{ .map = R_ALICE, .names = { ALICE }, .account = "bob",
	    .preferred = "alice", .line = 1, .reason = DECIDE_OTHER_ACCOUNT,
	    .is = "allows alice" },
	/* what the client sent cannot forge a line */
	{ .map = R_ALICE, .names = { ALICE }, .account = "x\n\x1b",
	    .line = 1, .reason = DECIDE_OTHER_ACCOUNT,
	    .is = "'x\\x0a\\x1b'" },
};

START_TEST(table)
{
	const struct one *c = &cases[_i];
	struct decide_verdict v;
	struct map m;

	run(c, &m, &v);
	ck_assert_msg(v.reason == c->reason, "%s: %s", c->map, v.text);
	ck_assert_uint_eq(v.rule_line, c->line);
	ck_assert_int_eq(v.outcome == DECIDE_ALLOW, c->reason == DECIDE_OK);
	/* a URI of another form is barred where a deny could have missed it */
	ck_assert_int_eq(v.outcome == DECIDE_DENY,
	    c->reason == DECIDE_DENIED || c->reason == DECIDE_LOCKED ||
	    (c->reason == DECIDE_URI_FORM && (c->locks != NULL ||
	    strstr(c->map, "deny") != NULL)));
	if (c->reason != DECIDE_OK) {
		ck_assert_msg(strstr(v.text, c->is) != NULL, "%s", v.text);
		ck_assert_str_ne(v.advice, "");
		ck_assert_str_eq(v.account, "");
	} else {
		ck_assert_str_eq(v.account, c->is);
		ck_assert_str_eq(v.text, "");
		ck_assert_str_eq(v.advice, "");
		if (c->identity != NULL)
			ck_assert_str_eq(v.identity, c->identity);
	}
	map_free(&m);
}
END_TEST

START_TEST(whole_verdict)
{
	struct one c = { .map = "\nallow user staff uri=spiffe://e/user/{n} "
	    "as {n} until=2027-06-30 no-pty command=\"/bin/x y\"\n",
	    .names = { ALICE } };
	struct decide_verdict v;
	struct map m;

	run(&c, &m, &v);
	ck_assert_int_eq(v.outcome, DECIDE_ALLOW);
	ck_assert_uint_eq(v.rule_line, 2);
	ck_assert(v.captured);
	ck_assert_uint_eq(v.restrictions, IPC_NO_PTY | IPC_FORCED_COMMAND);
	ck_assert_str_eq(v.command, "/bin/x y");
	ck_assert_int_eq(v.until, NOW + DAY);
	map_free(&m);
	c.map = R_ALICE;
	run(&c, &m, &v);
	ck_assert(!v.captured);
	ck_assert_ptr_null(v.command);
	ck_assert_uint_eq(v.restrictions, 0);
	ck_assert_int_eq(v.until, 0);
	map_free(&m);
}
END_TEST

/* The person learns of the certificate's own accounts, of nothing else. */
START_TEST(advice)
{
	struct one c = { .map = "allow user staff " ALICE " as alice,ops\n",
	    .names = { ALICE }, .account = "root" };
	struct decide_verdict v;
	struct map m;

	run(&c, &m, &v);
	ck_assert_str_eq(v.advice, "your certificate is trusted, but not for "
	    "that account; it is for: alice, ops");
	map_free(&m);
	c.account = "";
	run(&c, &m, &v);
	ck_assert_str_eq(v.advice, "name the account that you want: your "
	    "certificate is for alice, ops");
	map_free(&m);
}
END_TEST

/* More accounts than a refusal lists; the wanted one is found all the same. */
START_TEST(many_offers)
{
	char text[8192] = "";
	struct one c = { .map = text, .names = { ALICE }, .account = "a99" };
	struct decide_verdict v;
	struct map m;

	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
		    "allow user staff " ALICE " as a%d\n", i);
	run(&c, &m, &v);
	ck_assert_str_eq(v.account, "a99");
	ck_assert_uint_eq(v.rule_line, 100);
	map_free(&m);
	c.account = "";
	run(&c, &m, &v);
	ck_assert_int_eq(v.reason, DECIDE_SEVERAL);
	map_free(&m);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("decide");
	TCase *t = tcase_create("decide");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, table, 0,
	    (int)(sizeof(cases) / sizeof(cases[0])));
	tcase_add_test(t, whole_verdict);
	tcase_add_test(t, advice);
	tcase_add_test(t, many_offers);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
