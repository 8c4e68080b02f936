/* src/idmap/map.c, pattern.c: every error of the grammar, and what good
 * rules become. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/err.h"
#include "idmap/map.h"
#include "x509/pattern.h"
#include "proto/ipc.h"

#define H64 "0123456789abcdef0123456789ABCDEF0123456789abcdef0123456789abcdef"

static const struct map_authority auth[] = {
	{ .name = "staff", .class = FACTS_USER },
	{ .name = "fleet", .class = FACTS_DEVICE },
};

static int
parse(struct map *m, const char *text, size_t n, char *first, size_t size)
{
	struct diag d;
	int r;

	diag_init(&d);
	r = map_parse(m, "m", text, n, auth, 2, &d);
	first[0] = '\0';
	if (d.n > 0)
		diag_format(&d.items[0], first, size);
	ck_assert_int_eq(r == 0, d.errors == 0);
	diag_free(&d);
	return r;
}

static const char *const good[] = {
	"",
	"\n\n# comment\n  # another\n\t\n",
	"allow user staff uri=spiffe://example.org/user/alice as alice",
	"allow user staff uri=spiffe://example.org/user/alice as alice\r\n",
	"\tallow\tuser  staff\turi=spiffe://a/{name}\tas\t{name}\n",
	"allow user staff uri=urn:uuid:00000000-0000-0000 as a\n",
	"allow user staff uri=tag:microsoft.com,2022-09-14:sid:S-1-5-21 as a",
	"allow user staff uri=spiffe://a.b:8443/x as a\n",
	"allow user staff upn={name}@corp.example as {name} from=192.0.2.0/24\n",
	"allow user staff spki=sha256:" H64 " as bob,deploy until=2027-06-30 "
	    "service=certlogind,sudo\n",
	"allow device fleet uri=spiffe://e/device/meter-* as ingest "
	    "command=\"/usr/bin/ingest\" no-pty no-forwarding\n",
	"allow user staff upn=a@b email=a@b serial=1 as a\n",
	"allow user staff dns=*.example.org as a from=::/0,10.0.0.1\n",
	"allow user staff cert=sha256:" H64 " as \"CORP\\\\alice\"\n",
	"allow user staff sid=S-1-5-21-1-2-3-1104 as alice\n",
	"allow user staff uri=a:x{a}/{b} as {b} until=2028-02-29\n",
	"deny user staff serial=4f:1a:09\n",
	"deny user staff uri=spiffe://a/* from=10.0.0.0/8 service=sudo "
	    "until=2000-01-01\n",
};

START_TEST(accepted)
{
	struct map m;
	char e[600];

	ck_assert_msg(parse(&m, good[_i], strlen(good[_i]), e,
	    sizeof(e)) == 0, "%s: %s", good[_i], e);
	map_free(&m);
}
END_TEST

#define A "allow user staff "
static const struct {
	const char *text, *error;
} bad[] = {
	{ "permit user staff", "m:1:1: error: 'permit': expected allow or "
	    "deny" },
	{ "\n\n  Allow user", "m:3:3: error: 'Allow': expected allow or deny" },
	{ "allow=x user", "m:1:1: error: 'allow': expected allow or deny" },
	{ "allow", "m:1:6: error: '': expected a class: user or device" },
	{ "allow host x", "m:1:7: error: 'host': expected a class: user or "
	    "device" },
	{ "allow user", "m:1:11: error: expected the name of an authority of "
	    "trust.conf" },
	{ "allow user uri=a:b", "m:1:12: error: expected the name of an "
	    "authority of trust.conf" },
	{ "allow user piv uri=a:b as a", "m:1:12: error: 'piv' is no "
	    "authority of trust.conf; expected one of: staff, fleet" },
	{ "allow user fleet uri=a:b as a", "m:1:12: error: authority 'fleet' "
	    "is of class device; expected that class in the rule" },
	{ A, "m:1:18: error: '': expected a matcher: uri=, email=, upn=, "
	    "dns=, serial=, spki=, cert= or sid=" },
	{ A "cn=alice as alice", "m:1:18: error: 'cn': expected a matcher: "
	    "uri=, email=, upn=, dns=, serial=, spki=, cert= or sid=" },
	{ A "URI=a:b as a", "m:1:18: error: 'URI': expected a matcher: "
	    "uri=, email=, upn=, dns=, serial=, spki=, cert= or sid=" },
	{ A "as alice", "m:1:18: error: 'as': expected a matcher: "
	    "uri=, email=, upn=, dns=, serial=, spki=, cert= or sid=" },
	{ A "uri as a", "m:1:18: error: expected uri=VALUE" },
	{ A "uri= as a", "m:1:22: error: uri=: expected 1 to 512 characters" },
	{ A "=x", "m:1:18: error: expected a word or word=value" },
	{ A "\"uri\"=x", "m:1:18: error: expected a word or word=value" },
	{ A "uri=a\"b as a", "m:1:23: error: expected quotes around the whole "
	    "value: one with a quote or a backslash is written so" },
	{ A "uri=\"a:b as a", "m:1:22: error: expected a closing quote" },
	{ A "uri=\"a:b\\n\" as a", "m:1:26: error: expected a quote or "
	    "a backslash behind the backslash" },
	{ A "uri=\"a:b\"x as a", "m:1:27: error: expected a blank behind the "
	    "closing quote" },
	{ A "uri=a:b uri=a:c as a", "m:1:26: error: uri= is there twice; "
	    "expected each matcher once" },
	/* URIs */
	{ A "uri=Spiffe://a/b as a", "m:1:22: error: uri=: expected a scheme "
	    "in lower case and ':'" },
	{ A "uri=alice as a", "m:1:27: error: uri=: expected a scheme in "
	    "lower case and ':'" },
	{ A "uri=\"Spiffe://a/b\" as a", "m:1:23: error: uri=: expected a "
	    "scheme in lower case and ':'" },
	{ A "uri=spiffe://Example/b as a", "m:1:31: error: uri=: expected a "
	    "host in lower case, without * or {name}" },
	{ A "uri=spiffe://*/b as a", "m:1:31: error: uri=: expected a host "
	    "in lower case, without * or {name}" },
	{ A "uri=spiffe://{h}/b as {h}", "m:1:31: error: uri=: expected a "
	    "host in lower case, without * or {name}" },
	{ A "uri=spiffe://u@h/b as a", "m:1:32: error: uri=: expected a host "
	    "in lower case, without * or {name}" },
	{ A "uri=spiffe:///b as a", "m:1:31: error: uri=: expected a host in "
	    "lower case, without * or {name}" },
	{ A "uri=spiffe://a/%41 as a", "m:1:33: error: uri=: expected no %, "
	    "query, fragment or other character outside of RFC 3986" },
	{ A "uri=spiffe://a/b?c as a", "m:1:34: error: uri=: expected no %, "
	    "query, fragment or other character outside of RFC 3986" },
	{ A "uri=spiffe://a/b#c as a", "m:1:34: error: uri=: expected no %, "
	    "query, fragment or other character outside of RFC 3986" },
	{ A "uri=spiffe://a//b as a", "m:1:33: error: uri=: expected no empty "
	    "segment, '.' or '..'" },
	{ A "uri=spiffe://a/b/ as a", "m:1:35: error: uri=: expected no empty "
	    "segment, '.' or '..'" },
	{ A "uri=spiffe://a/../b as a", "m:1:33: error: uri=: expected no "
	    "empty segment, '.' or '..'" },
	{ A "uri=spiffe://a/./b as a", "m:1:33: error: uri=: expected no "
	    "empty segment, '.' or '..'" },
	/* wild parts */
	{ A "uri=a:/{x}{y} as {x}", "m:1:28: error: uri=: expected at most "
	    "one * or {name} in a segment" },
	{ A "uri=a:/*x* as a", "m:1:27: error: uri=: expected at most one * "
	    "or {name} in a segment" },
	{ A "uri=a:/{X} as a", "m:1:25: error: uri=: expected {name} with "
	    "name of a-z, 0-9 and _" },
	{ A "uri=a:/{} as a", "m:1:25: error: uri=: expected {name} with name "
	    "of a-z, 0-9 and _" },
	{ A "uri=a:/x} as a", "m:1:26: error: uri=: expected {name} with name "
	    "of a-z, 0-9 and _" },
	{ A "uri=a:/{n}/{n} as {n}", "m:1:22: error: {n} is there twice; "
	    "expected each capture once" },
	{ A "uri=a:/{n} upn={n}@x as {n}", "m:1:33: error: {n} is there twice; "
	    "expected each capture once" },
	/* other names */
	{ A "email=alice as a", "m:1:29: error: email=: expected one '@' with "
	    "something on both sides" },
	{ A "email=@x as a", "m:1:24: error: email=: expected one '@' with "
	    "something on both sides" },
	{ A "upn=a@b@c as a", "m:1:25: error: upn=: expected one '@' with "
	    "something on both sides" },
	{ A "dns=a..b as a", "m:1:24: error: dns=: expected letters, digits, "
	    "'-' and '_' between single dots" },
	{ A "dns=a/b as a", "m:1:23: error: dns=: expected letters, digits, "
	    "'-' and '_' between single dots" },
	{ A "sid=S-2-5 as a", "m:1:22: error: sid=: expected a SID like "
	    "S-1-5-21-1-2-3-1104" },
	{ A "sid=S-1-5-* as a", "m:1:27: error: sid=: expected a SID like "
	    "S-1-5-21-1-2-3-1104" },
	{ A "sid=S-1 as a", "m:1:25: error: sid=: expected a SID like "
	    "S-1-5-21-1-2-3-1104" },
	/* bytes */
#define SERIAL "expected a serial number in hex, 1 to 20 bytes and not zero, " \
	"like 4f:1a:09 or 4f1a09"
	{ A "serial= as a", "m:1:25: error: " SERIAL },
	{ A "serial=4g as a", "m:1:25: error: " SERIAL },
	{ A "serial=00:00 as a", "m:1:25: error: " SERIAL },
	{ A "serial=4f:1a: as a", "m:1:25: error: " SERIAL },
	{ A "serial=:4f as a", "m:1:25: error: " SERIAL },
	{ A "serial=4f::1a as a", "m:1:25: error: " SERIAL },
	{ A "serial=4f:1:a0 as a", "m:1:25: error: " SERIAL },
	{ A "serial=0102030405060708090a0b0c0d0e0f101112131415 as a",
	    "m:1:25: error: " SERIAL },
	{ A "spki=" H64 " as a", "m:1:23: error: expected sha256: and 64 hex "
	    "digits" },
	{ A "spki=sha256:00 as a", "m:1:23: error: expected sha256: and 64 "
	    "hex digits" },
	{ A "cert=sha1:" H64 " as a", "m:1:23: error: expected sha256: and 64 "
	    "hex digits" },
	/* as */
	{ A "uri=a:b", "m:1:25: error: '': expected another matcher or 'as "
	    "ACCOUNT'" },
	{ A "uri=a:b no-pty", "m:1:26: error: 'no-pty': expected another "
	    "matcher or 'as ACCOUNT'" },
	{ A "uri=a:b as", "m:1:28: error: expected an account behind 'as'" },
	{ A "uri=a:b as=x", "m:1:26: error: 'as': expected another matcher or "
	    "'as ACCOUNT'" },
#define ACCOUNT "expected an account name: no blank, ':', '/', '*', quote or " \
	"brace, no '-' in front"
	{ A "uri=a:b as a,,b", "m:1:29: error: " ACCOUNT },
	{ A "uri=a:b as a,", "m:1:29: error: " ACCOUNT },
	{ A "uri=a:b as -a", "m:1:29: error: " ACCOUNT },
	{ A "uri=a:b as *", "m:1:29: error: " ACCOUNT },
	{ A "uri=a:b as a:b", "m:1:29: error: " ACCOUNT },
	{ A "uri=a:b as \"a b\"", "m:1:30: error: " ACCOUNT },
	{ A "uri=a:b as a,b,a", "m:1:29: error: account a is there twice" },
	{ A "uri=a:/{n} as x{n}", "m:1:32: error: expected account names, or "
	    "one whole {capture} alone" },
	{ A "uri=a:/{n} as {n},root", "m:1:32: error: expected account names, "
	    "or one whole {capture} alone" },
	{ A "uri=a:/{n} as {m}", "m:1:32: error: no matcher of this rule "
	    "holds {m}" },
	{ A "uri=a:b as a upn=a@b", "m:1:31: error: 'upn': expected from=, "
	    "until=, service=, command=, no-pty or no-forwarding" },
	/* options */
	{ A "uri=a:b as a permit-pty", "m:1:31: error: 'permit-pty': expected "
	    "from=, until=, service=, command=, no-pty or no-forwarding" },
	{ A "uri=a:b as a bob", "m:1:31: error: 'bob': expected from=, "
	    "until=, service=, command=, no-pty or no-forwarding" },
	{ A "uri=a:b as a no-pty=1", "m:1:31: error: 'no-pty': expected no "
	    "value" },
	{ A "uri=a:b as a from", "m:1:31: error: 'from': expected = value" },
	{ A "uri=a:b as a no-pty no-pty", "m:1:38: error: 'no-pty' is there "
	    "twice" },
	{ A "uri=a:b as a command=", "m:1:39: error: expected a command in "
	    "quotes" },
#define CIDR "expected networks like 192.0.2.0/24 or 2001:db8::/32, with no " \
	"bits set behind the prefix"
	{ A "uri=a:b as a from=", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=10.0.0.1/8", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=10.0.0.0/33", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=10.0.0.0/08", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=10.0.0.0/", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=10.0.0.0/-1", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=10.0.0", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=::ffff:10.0.0.1", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=::/129", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=::1/127", "m:1:36: error: " CIDR },
	{ A "uri=a:b as a from=host.example", "m:1:36: error: " CIDR },
#define DATE "expected a date from 1970 on, YYYY-MM-DD"
	{ A "uri=a:b as a until=2027", "m:1:37: error: " DATE },
	{ A "uri=a:b as a until=2027-02-29", "m:1:37: error: " DATE },
	{ A "uri=a:b as a until=2100-02-29", "m:1:37: error: " DATE },
	{ A "uri=a:b as a until=2027-13-01", "m:1:37: error: " DATE },
	{ A "uri=a:b as a until=2027-00-01", "m:1:37: error: " DATE },
	{ A "uri=a:b as a until=2027-04-31", "m:1:37: error: " DATE },
	{ A "uri=a:b as a until=2027-04-00", "m:1:37: error: " DATE },
	{ A "uri=a:b as a until=1969-12-31", "m:1:37: error: " DATE },
	{ A "uri=a:b as a until=2027/04/01", "m:1:37: error: " DATE },
	{ A "uri=a:b as a service=", "m:1:39: error: expected names of PAM "
	    "services, like sudo,login" },
	{ A "uri=a:b as a service=su/do", "m:1:39: error: expected names of "
	    "PAM services, like sudo,login" },
	/* deny */
	{ "deny user staff uri=a:b as root", "m:1:25: error: a deny takes no "
	    "'as': it refuses the certificate for every account" },
	{ "deny user staff uri=a:b no-pty", "m:1:25: error: 'no-pty' is for "
	    "allow: a deny gives nothing that it could restrict" },
	{ "deny user staff uri=a:b command=x", "m:1:25: error: 'command' is "
	    "for allow: a deny gives nothing that it could restrict" },
	/* bytes of the file */
	{ A "uri=a:b as a # no comment here", "m:1:31: error: '#': expected "
	    "from=, until=, service=, command=, no-pty or no-forwarding" },
	{ A "uri=a:\xc3\xa4 as a", "m:1:24: error: expected printable ASCII" },
	{ "# \x1b[1m", "m:1:3: error: expected printable ASCII" },
	{ "# a\rb", "m:1:4: error: expected printable ASCII" },
};

START_TEST(refused)
{
	struct map m;
	char e[600];

	ck_assert_int_eq(parse(&m, bad[_i].text, strlen(bad[_i].text), e,
	    sizeof(e)), ERR_MALFORMED);
	ck_assert_str_eq(e, bad[_i].error);
	ck_assert_ptr_null(m.text);
}
END_TEST

/* What a file of locks refuses, and what it only warns of. */
static const struct {
	const char *text, *says;
	bool error;
} locks[] = {
	{ "# lost\n\ndeny user staff serial=01 until=2027-01-01 from=10.0.0.0/8 "
	    "service=su\n", NULL, false },
	{ "\n  allow user staff uri=a:b as a", "m:2:3: error: 'allow': expected "
	    "deny: in this file are locks only", true },
	{ "allow user piv uri=a:b as a", "m:1:1: error: 'allow': expected deny: "
	    "in this file are locks only", true },
	{ "lock user staff serial=01", "m:1:1: error: 'lock': expected allow or "
	    "deny", true },
	{ "deny user piv serial=01", "m:1:11: warning: 'piv' is no authority of "
	    "trust.conf (staff, fleet): this locks nobody", false },
	{ "deny device staff serial=01", "m:1:13: error: authority 'staff' is of "
	    "class user; expected that class in the rule", true },
	{ "deny user staff", "m:1:16: error: '': expected a matcher: uri=, "
	    "email=, upn=, dns=, serial=, spki=, cert= or sid=", true },
	{ "deny user staff uri=a:b as root", "m:1:25: error: a deny takes no "
	    "'as': it refuses the certificate for every account", true },
	{ "deny user staff uri=a:b no-pty", "m:1:25: error: 'no-pty' is for "
	    "allow: a deny gives nothing that it could restrict", true },
	{ "deny user staff serial=01 until=2027-02-29", "m:1:33: error: "
	    "expected a date from 1970 on, YYYY-MM-DD", true },
	{ "deny user staff serial=01\nx", "m:2:1: error: 'x': expected allow or "
	    "deny", true },
	{ "\x7f", "m:1:1: error: expected printable ASCII", true },
};

START_TEST(of_locks)
{
	const char *text = locks[_i].text;
	struct diag d;
	struct map m;
	char e[600];

	diag_init(&d);
	ck_assert_int_eq(map_parse_locks(&m, "m", text, strlen(text), auth, 2,
	    &d), locks[_i].error ? ERR_MALFORMED : 0);
	ck_assert_uint_eq(d.n, locks[_i].says != NULL ? 1 : 0);
	if (locks[_i].says != NULL)
		ck_assert_str_eq(diag_format(&d.items[0], e, sizeof(e)),
		    locks[_i].says);
	ck_assert_int_eq(m.text == NULL, locks[_i].error);
	map_free(&m);
	diag_free(&d);
}
END_TEST

START_TEST(every_error)
{
	static const char text[] = "x\nallow user staff uri=a:b as a\ny\n";
	struct map m;
	struct diag d;

	diag_init(&d);
	ck_assert_int_eq(map_parse(&m, "m", text, strlen(text), auth, 2, &d),
	    ERR_MALFORMED);
	ck_assert_uint_eq(d.errors, 2);
	ck_assert_uint_eq(d.items[1].line, 3);
	diag_free(&d);
}
END_TEST

START_TEST(nul_byte)
{
	struct map m;
	char e[600];

	ck_assert_int_eq(parse(&m, "#\0x\n", 4, e, sizeof(e)),
	    ERR_MALFORMED);
	ck_assert_str_eq(e, "m:1:2: error: expected printable ASCII");
}
END_TEST

START_TEST(contents)
{
	static const char text[] =
	    "# first\n"
	    "allow user staff upn={n}@a serial=0f:1A as {n} "
	    "until=2027-06-30 from=10.0.0.0/8,2001:db8::1 service=a,b\n";
	static const char two[] =
	    "allow device fleet spki=sha256:" H64 " as x,y "
	    "command=\"a \\\"b\\\" \\\\c\" no-pty no-forwarding";
	struct map m;
	const struct map_rule *r;
	char e[600];

	ck_assert_int_eq(parse(&m, text, strlen(text), e, sizeof(e)), 0);
	ck_assert_uint_eq(m.n, 1);
	r = &m.rule[0];
	ck_assert_uint_eq(r->line, 2);
	ck_assert(!r->deny);
	ck_assert_str_eq(r->authority, "staff");
	ck_assert_str_eq(r->capture, "n");
	ck_assert_uint_eq(r->n_matches, 2);
	ck_assert_str_eq(m.match[r->matches].value, "{n}@a");
	ck_assert_uint_eq(m.match[r->matches + 1].n_bytes, 2);
	ck_assert_mem_eq(m.match[r->matches + 1].bytes, "\x0f\x1a", 2);
	/* date -u -d 2027-07-01 +%s */
	ck_assert_int_eq(r->until, 1814400000);
	ck_assert_uint_eq(r->n_nets, 2);
	ck_assert_uint_eq(m.net[r->nets].bits, 8);
	ck_assert_uint_eq(m.net[r->nets + 1].bits, 128);
	ck_assert_uint_eq(r->n_services, 2);
	ck_assert_str_eq(m.word[r->services + 1], "b");
	map_free(&m);

	ck_assert_int_eq(parse(&m, two, strlen(two), e, sizeof(e)), 0);
	r = &m.rule[0];
	ck_assert_str_eq(r->command, "a \"b\" \\c");
	ck_assert_uint_eq(r->restrictions, IPC_RESTRICT_ALL);
	ck_assert_uint_eq(r->n_accounts, 2);
	ck_assert_str_eq(m.word[r->accounts], "x");
	ck_assert_uint_eq(m.match[r->matches].bytes[31], 0xef);
	ck_assert_ptr_null(r->capture);
	map_free(&m);
}
END_TEST

START_TEST(serial_forms)
{
	static const char *const same[] = { "4f1a09", "4f:1a:09", "4F1A09",
	    "004f1a09", "00:4f:1a:09", "04f1a09" };
	struct map m;
	char text[80], e[600];

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		snprintf(text, sizeof(text), "deny user staff serial=%s",
		    same[i]);
		ck_assert_int_eq(parse(&m, text, strlen(text), e, sizeof(e)),
		    0);
		ck_assert_uint_eq(m.match[0].n_bytes, 3);
		ck_assert_mem_eq(m.match[0].bytes, "\x4f\x1a\x09", 3);
		map_free(&m);
	}
}
END_TEST

START_TEST(syntax_only)
{
	static const char text[] = "allow user nobody-knows uri=a:b as a\n";
	struct diag d;
	struct map m;

	diag_init(&d);
	ck_assert_int_eq(map_parse(&m, "m", text, strlen(text), NULL, 0, &d),
	    0);
	map_free(&m);
	diag_free(&d);
}
END_TEST

/* n times part, behind front. */
static void
repeat(char *text, size_t size, const char *front, const char *part, int n,
    bool numbered)
{
	size_t at = (size_t)snprintf(text, size, "%s", front);

	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, size - at, numbered ?
		    "%s%s%d" : "%s%s", i > 0 ? "," : "", part, i);
}

static const struct {
	const char *front, *part;
	bool numbered;
	int most;
	const char *error;
} lists[] = {
	{ A "uri=a:b as ", "a", true, MAP_ACCOUNTS_MAX, "m:1:29: error: "
	    "expected at most 32 accounts" },
	{ A "uri=a:b as a from=", "::1", false, MAP_LIST_MAX, "m:1:36: error: "
	    "expected at most 32 networks" },
	{ A "uri=a:b as a service=", "su", false, MAP_LIST_MAX, "m:1:39: "
	    "error: expected at most 32 services" },
};

START_TEST(long_lists)
{
	char text[2048], e[600];
	struct map m;

	repeat(text, sizeof(text), lists[_i].front, lists[_i].part,
	    lists[_i].most, lists[_i].numbered);
	ck_assert_int_eq(parse(&m, text, strlen(text), e, sizeof(e)), 0);
	map_free(&m);
	repeat(text, sizeof(text), lists[_i].front, lists[_i].part,
	    lists[_i].most + 1, lists[_i].numbered);
	ck_assert_int_eq(parse(&m, text, strlen(text), e, sizeof(e)),
	    ERR_MALFORMED);
	ck_assert_str_eq(e, lists[_i].error);
}
END_TEST

START_TEST(long_value)
{
	char text[1024], e[600];
	struct map m;

	(void)snprintf(text, sizeof(text), "deny user staff uri=a:%0510d", 0);
	ck_assert_int_eq(parse(&m, text, strlen(text), e, sizeof(e)), 0);
	map_free(&m);
	(void)snprintf(text, sizeof(text), "deny user staff uri=a:%0511d", 0);
	ck_assert_int_eq(parse(&m, text, strlen(text), e, sizeof(e)),
	    ERR_MALFORMED);
	ck_assert_str_eq(e, "m:1:21: error: uri=: expected 1 to 512 "
	    "characters");
}
END_TEST

START_TEST(many_rules)
{
	static const char rule[] = "deny user s dns=a\n";
	const struct map_authority s[] = { { "s", FACTS_USER, 0 } };
	size_t n = sizeof(rule) - 1, most = MAP_RULES_MAX;
	char *text = malloc((most + 1) * n), e[600];
	struct diag d;
	struct map m;

	ck_assert_ptr_nonnull(text);
	for (size_t i = 0; i <= most; i++)
		memcpy(text + i * n, rule, n);
	diag_init(&d);
	ck_assert_int_eq(map_parse(&m, "m", text, most * n, s, 1, &d), 0);
	ck_assert_uint_eq(m.n, most);
	map_free(&m);
	ck_assert_int_eq(map_parse(&m, "m", text, (most + 1) * n, s, 1, &d),
	    ERR_MALFORMED);
	ck_assert_str_eq(diag_format(&d.items[0], e, sizeof(e)), "m:200001:1: "
	    "error: expected at most 200000 rules");
	diag_free(&d);
	free(text);
}
END_TEST

START_TEST(limits)
{
	char *text = malloc(MAP_FILE_MAX + 1), e[600];
	struct map m;

	ck_assert_ptr_nonnull(text);
	memset(text, '#', MAP_LINE_MAX + 1);
	ck_assert_int_eq(parse(&m, text, MAP_LINE_MAX, e, sizeof(e)), 0);
	map_free(&m);
	ck_assert_int_eq(parse(&m, text, MAP_LINE_MAX + 1, e, sizeof(e)),
	    ERR_MALFORMED);
	ck_assert_str_eq(e, "m:1:4097: error: expected at most 4096 bytes a "
	    "line");
	memset(text, '\n', MAP_FILE_MAX + 1);
	ck_assert_int_eq(parse(&m, text, MAP_FILE_MAX, e, sizeof(e)), 0);
	map_free(&m);
	ck_assert_int_eq(parse(&m, text, MAP_FILE_MAX + 1, e, sizeof(e)),
	    ERR_MALFORMED);
	ck_assert_str_eq(e, "m: error: expected at most 33554432 bytes");
	free(text);
}
END_TEST

/* ---- patterns ---------------------------------------------------------------- */

static const struct {
	enum facts_field field;
	const char *pattern, *value;
	int flags;
	const char *capture;		/* NULL: no match */
} fit[] = {
	{ FACTS_URI, "a:/x/{n}", "a:/x/bob", 0, "bob" },
	{ FACTS_URI, "a:/x/{n}", "a:/x/", 0, NULL },
	{ FACTS_URI, "a:/x/{n}", "a:/x/b/c", 0, NULL },
	{ FACTS_URI, "a:/x/{n}", "a:/x/b@c", 0, NULL },
	{ FACTS_URI, "a:/x/{n}", "a:/x/b%2fc", 0, NULL },
	{ FACTS_URI, "a:/x/{n}", "a:/x/b%2fc", PATTERN_LOOSE, "b%2fc" },
	{ FACTS_URI, "a:/x/{n}", "a:/X/bob", 0, NULL },
	{ FACTS_URI, "a:/x/{n}", "a:/X/BOB", PATTERN_FOLD, "bob" },
	{ FACTS_URI, "a:/x/{n}", "a:/x/Bob", 0, "Bob" },
	{ FACTS_URI, "a:/x/{n}", "za:/x/bob", 0, NULL },
	{ FACTS_URI, "a:/x/{n}/y", "a:/x/bob/y", 0, "bob" },
	{ FACTS_URI, "a:/x/{n}/y", "a:/x/bob/yy", 0, NULL },
	{ FACTS_URI, "a:/m-{n}-z", "a:/m-1-z", 0, "1" },
	{ FACTS_URI, "a:/m-{n}-z", "a:/m--z", 0, NULL },
	{ FACTS_URI, "a:/m-{n}-z", "a:/m--z", PATTERN_LOOSE, "" },
	{ FACTS_URI, "a:/m-{n}-z", "a:/m-z", PATTERN_LOOSE, NULL },
	{ FACTS_URI, "a:/m-{n}-z", "a:/m-z-z", 0, "z" },
	{ FACTS_URI, "a:/*/{n}", "a:/q.r/bob", 0, "bob" },
	{ FACTS_URI, "a:/aaaa{n}aaaa", "a:/aaaaaaaaa", 0, "a" },
	{ FACTS_UPN, "{n}@corp.example", "a.b@corp.example", 0, "a.b" },
	{ FACTS_UPN, "{n}@corp.example", "a@corp.example.evil", 0, NULL },
	{ FACTS_UPN, "{n}@corp.example", "a@b@corp.example", 0, NULL },
	{ FACTS_UPN, "{n}@corp.example", "a@CORP.example", 0, NULL },
	{ FACTS_UPN, "{n}@corp.example", "A@CORP.example", PATTERN_FOLD, "a" },
	{ FACTS_EMAIL, "{n}@*.example", "a@b.c.example", 0, "a" },
	{ FACTS_DNS, "{n}.example", "a.example", 0, "a" },
	{ FACTS_DNS, "{n}.example", "a.b.example", 0, NULL },
};

START_TEST(matching)
{
	char capture[32] = "";
	bool yes = pattern_match(fit[_i].field, fit[_i].pattern,
	    fit[_i].value, fit[_i].flags, "n", capture, sizeof(capture));
	size_t at;

	ck_assert_int_eq(pattern_check(fit[_i].field, fit[_i].pattern, &at,
	    NULL), 0);
	ck_assert_int_eq(yes, fit[_i].capture != NULL);
	if (yes)
		ck_assert_str_eq(capture, fit[_i].capture);
}
END_TEST

START_TEST(long_capture)
{
	char small[4];

	ck_assert(pattern_match(FACTS_URI, "a:{n}", "a:xyz", 0, "n", small,
	    sizeof(small)));
	ck_assert(!pattern_match(FACTS_URI, "a:{n}", "a:wxyz", 0, "n", small,
	    sizeof(small)));
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	Suite *s = suite_create("map");
	TCase *t = tcase_create("map");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, accepted, 0, N(good));
	tcase_add_loop_test(t, refused, 0, N(bad));
	tcase_add_loop_test(t, of_locks, 0, N(locks));
	tcase_add_test(t, every_error);
	tcase_add_test(t, nul_byte);
	tcase_add_test(t, contents);
	tcase_add_test(t, serial_forms);
	tcase_add_test(t, syntax_only);
	tcase_add_loop_test(t, long_lists, 0, N(lists));
	tcase_add_test(t, long_value);
	tcase_add_test(t, many_rules);
	tcase_add_test(t, limits);
	tcase_add_loop_test(t, matching, 0, N(fit));
	tcase_add_test(t, long_capture);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
