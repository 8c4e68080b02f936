/* src/x509/trust*.c: trust.conf's errors, anchors and CRLs that are refused
 * beside ones that are not, and the flat form. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epoch.h"
#include "forge.h"
#include "x509/trust.h"
#include "x509/trust_crl.h"

#define SPAN(s) ((struct span){ (const uint8_t *)(s), sizeof(s) - 1 })
#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* ---- trust.conf ---------------------------------------------------------- */

#define HEAD "[authority a]\nclass = user\nanchor = ca/a.crt\n"
#define REST "names = uri=spiffe://e/*\ncrl = crl/a.crl\n"

static const struct {
	const char *text;
	const char *first;		/* begin of the first finding; NULL:
					 * none.  A warning does not refuse. */
} confs[] = {
	{ HEAD REST, NULL },
	{ "# c\n\n" HEAD REST "[authority b_-9]\nclass = host\n"
	    "anchor = b\nanchor = c\nnames = dns=*.e\ncrl=d\ncrl=e\n", NULL },
	{ HEAD REST "revocation = grace 24h\nmax-lifetime = 800d\n"
	    "fold-case = upn, email,dns\n", NULL },
	{ HEAD "crl=c\nnames = uri=tag:m.com,2022:*, upn=*@e\n"
	    "names = email=*@e, ip=10.0.0.1, ip=fe80::*, sid=S-1-5-21-1\n",
	    NULL },
	{ HEAD "crl=c\nnames = upn=*@e,dns=*.e\n", NULL },
	{ HEAD "names=dns=*\nrevocation = none\n",
	    "t:1:1: warning: authority 'a' has revocation = none" },
	{ HEAD "crl=c\n", "t:1:1: warning: authority 'a' has no names" },
	{ "", "t: error: expected at least one [authority NAME]" },
	{ HEAD "names=dns=*\n", "t:1:1: error: authority 'a' has no crl" },
	{ HEAD REST "[authority a]\n" "class = host\n",
	    "t:6:2: error: authority 'a' is in line 1 already" },
	{ "[authority A]\n", "t:1:2: error: authority 'A': expected a name" },
	{ "[authority 1]\n", "t:1:2: error: authority '1': expected a name" },
	{ "[authority a.b]\n", "t:1:2: error: authority 'a.b': expected" },
	{ "[authority aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaa]\n", "t:1:2: error: authority 'aaaa" },
	{ "[authority]\n", "t:1:2: error: expected a name behind" },
	{ "[authority a]\nclass = user\n" REST,
	    "t:1:1: error: key 'anchor' is missing" },
	{ "[authority a]\nanchor = a\n" REST,
	    "t:1:1: error: key 'class' is missing" },
	{ HEAD REST "colour = red\n", "t:6:1: error: unknown key" },
	{ "[authority a]\nclass = person\nanchor=a\n" REST,
	    "t:2:9: error: class = person: expected" },
	{ HEAD REST "anchor = /etc/a\n", "t:6:10: error: anchor = /etc/a: "
	    "expected a path relative" },
	{ HEAD REST "anchor =\n", "t:6:9: error: anchor = : expected a path" },
	{ HEAD REST "anchor = a/../b\n", "t:6:12: error: anchor = a/../b: "
	    "expected a path without" },
	{ HEAD REST "anchor = ./b\n", "t:6:10: error: anchor = ./b: " },
	{ HEAD REST "anchor = a//b\n", "t:6:12: error: anchor = a//b: " },
	{ HEAD REST "anchor = a/\n", "t:6:12: error: anchor = a/: " },
	{ HEAD REST "crl = ..\n", "t:6:7: error: crl = ..: " },
	{ HEAD REST "crl = crl/a.crl\n", "t:6:7: error: crl = crl/a.crl: is "
	    "named in line 5 already" },
	{ HEAD REST "crl=1\ncrl=2\ncrl=3\ncrl=4\ncrl=5\ncrl=6\ncrl=7\ncrl=8\n",
	    "t:13:5: error: crl: expected at most 8" },
	{ HEAD "crl=c\nnames = cn=*\n",
	    "t:5:9: error: names: expected FIELD=PATTERN" },
	{ HEAD "crl=c\nnames = upn=*@e, \n",
	    "t:5:17: error: names: expected FIELD=PATTERN" },
	{ HEAD "crl=c\nnames =\n",
	    "t:5:8: error: names: expected FIELD=PATTERN" },
	{ HEAD "crl=c\nnames = upn=*@e, mail=*@e\n",
	    "t:5:18: error: names: expected FIELD=PATTERN" },
	{ HEAD "crl=c\nnames = uri=spiffe://e/{name}\n",
	    "t:5:24: error: names: expected * and no {name}" },
	{ HEAD "crl=c\nnames = uri=spiffe://E/*\n",
	    "t:5:22: error: names: expected a host in lower case" },
	{ HEAD "crl=c\nnames = email=a b@e\n",
	    "t:5:16: error: names: expected no blank" },
	{ HEAD "crl=c\nnames = ip=10.0.0\n",
	    "t:5:12: error: names: expected an IP address" },
	{ HEAD REST "fold-case = uri\n",
	    "t:6:13: error: fold-case: expected upn, email or dns" },
	{ HEAD REST "fold-case = upn email\n",
	    "t:6:17: error: fold-case: expected a comma" },
	{ HEAD REST "fold-case = upn,\n",
	    "t:6:17: error: fold-case: expected upn" },
	{ HEAD REST "revocation = maybe\n",
	    "t:6:14: error: revocation = maybe: expected require" },
	{ HEAD REST "revocation = gracexx 1h\n",
	    "t:6:14: error: revocation = gracexx 1h: expected require" },
	{ HEAD REST "revocation =\n",
	    "t:6:13: error: revocation = : expected" },
	{ HEAD REST "revocation = grace\n",
	    "t:6:19: error: revocation: expected grace and a duration" },
	{ HEAD REST "revocation = grace 0\n",
	    "t:6:20: error: revocation: expected grace and a duration" },
	{ HEAD REST "revocation = grace 367d\n",
	    "t:6:20: error: revocation: expected grace and a duration" },
	{ HEAD REST "crl-url = http://e\n[authority b]\nclass=user\n"
	    "anchor=b\nnames=dns=*\ncrl=crl/a.crl\n",
	    "t:6:1: error: crl-url: crl/a.crl is named more than once" },
	{ HEAD "names=dns=*\ncrl=b\ncrl-url = http://e\nanchor = b\n",
	    "t:6:1: error: crl-url: b is named more than once" },
	{ HEAD "names=dns=*\ncrl-url = http://e\ncrl=c\n",
	    "t:5:11: error: crl-url: expected behind the crl = FILE" },
	{ HEAD REST "crl-url = http://e\ncrl-url = http://f\n",
	    "t:7:11: error: crl-url: crl = crl/a.crl has one in line 6" },
	{ HEAD REST "crl_URL = http://e/a\ncrl = b\ncrl = c\n"
	    "crl-url = /srv/pki/c.crl\n", NULL },
	{ HEAD REST "crl-url = ftp://e\n",
	    "t:6:11: error: crl-url: expected http://, https:// or" },
	{ HEAD REST "crl-url =\n",
	    "t:6:10: error: crl-url: expected http://, https:// or" },
	{ HEAD REST "on-expiry = keep\non-stale = end\n", NULL },
	{ HEAD REST "on-expiry = stay\n",
	    "t:6:13: error: on-expiry = stay: expected" },
	{ HEAD REST "on-stale =\n", "t:6:11: error: on-stale = : expected" },
	{ HEAD REST "on-stale = end\non-stale = end\n",
	    "t:7:1: error: repeated key 'on-stale'" },
	{ HEAD REST "max-lifetime = 0\n", "t:6:16: error: max-lifetime = 0" },
	{ HEAD REST "max-lifetime = 1h\nmax-lifetime = 1h\n",
	    "t:7:1: error: repeated key" },
};

START_TEST(conf)
{
	struct trust_conf c;
	struct diag d;
	char text[DIAG_TEXT_MAX + 300] = "";
	const char *first = confs[_i].first;
	int r;

	diag_init(&d);
	r = trust_conf_parse(&c, "t", confs[_i].text, strlen(confs[_i].text),
	    &d);
	if (d.n > 0)
		diag_format(&d.items[0], text, sizeof(text));
	if (first == NULL)
		ck_assert_str_eq(text, "");
	else
		ck_assert_msg(strncmp(text, first, strlen(first)) == 0,
		    "%s instead of %s", text, first);
	ck_assert_int_eq(r, first == NULL || strstr(first, "warning") != NULL
	    ? 0 : ERR_MALFORMED);
	trust_conf_free(&c);
	diag_free(&d);
}
END_TEST

static const struct {
	const char *text;
	int at;				/* of what is wrong, or -1 */
} urls[] = {
	{ "http://e", -1 },
	{ "https://pki.example.org:8443/crl/a.crl?x=1&y=%2F~", -1 },
	{ "http://192.0.2.1/a", -1 },
	{ "http://[2001:db8::1]/a", -1 },
	{ "http://[::1]:80", -1 },
	{ "http://e?x", -1 },
	{ "http://e:65535/", -1 },
	{ "http://e/a@b:c", -1 },
	{ "/srv/pki/a.crl", -1 },
	{ "/a b", -1 },
	{ "", 0 },
	{ "a.crl", 0 },
	{ "HTTP://e", 0 },
	{ "http:/e", 0 },
	{ "file:///etc/a.crl", 0 },
	{ "ftp://e/a", 0 },
	{ "ldap://e/cn=a", 0 },
	{ " http://e", 0 },
	{ "http://", 7 },
	{ "http:///a", 7 },
	{ "https://?a", 8 },
	{ "http://:80/", 7 },
	{ "http://user@e/", 7 },
	{ "http://user:pass@e/", 7 },
	{ "http://user:pass@e", 7 },
	{ "http://-e/", 7 },
	{ "http://.e/", 7 },
	{ "http://e_x/", 7 },
	{ "http://e%41/", 7 },
	{ "http://[::1/", 7 },
	{ "http://[]/", 7 },
	{ "http://[::g]/", 7 },
	{ "http://[::1]x/", 12 },
	{ "http://e:/", 8 },
	{ "http://e:0/", 8 },
	{ "http://e:65536/", 8 },
	{ "http://e:99999999999999999999/", 8 },
	{ "http://e:80a/", 8 },
	{ "http://e:80:80/", 8 },
	{ "http://e/a#b", 10 },
	{ "http://e/a b", 10 },
	{ "http://e/a\tb", 10 },
	{ "http://e/\nHost: f", 9 },
	{ "http://e/\xc3\xa4", 9 },
	{ "http://e/a\\b", 10 },
	{ "http://e/%2", 9 },
	{ "http://e/%zz", 9 },
	{ "/", 1 },
	{ "//etc/a", 1 },
	{ "/srv/../etc/shadow", 5 },
	{ "/srv/./a", 5 },
	{ "/srv/", 5 },
	{ "/srv/a\nb", 6 },
	{ "/srv/\xc3\xa4", 5 },
};

START_TEST(url)
{
	size_t at = 0;
	struct why why = { "" };
	int r = trust_url_check(urls[_i].text, &at, &why);

	ck_assert_msg((r == 0) == (urls[_i].at < 0), "%s: %d %s",
	    urls[_i].text, r, why.text);
	if (r == 0)
		return;
	ck_assert_int_eq(r, ERR_MALFORMED);
	ck_assert_msg((int)at == urls[_i].at, "%s: at %zu: %s", urls[_i].text,
	    at, why.text);
	ck_assert_str_ne(why.text, "");
}
END_TEST

START_TEST(url_limits)
{
	char text[TRUST_URL_MAX + 1], host[300] = "http://";
	size_t at;

	memset(text, 'a', sizeof(text));
	memcpy(text, "http://e/", 9);
	text[TRUST_URL_MAX - 1] = '\0';
	ck_assert_int_eq(trust_url_check(text, &at, NULL), 0);
	text[0] = '/';
	text[1] = text[2] = text[3] = text[4] = text[5] = text[6] = 'b';
	ck_assert_int_eq(trust_url_check(text, &at, NULL), 0);
	text[TRUST_URL_MAX - 1] = 'a';
	text[TRUST_URL_MAX] = '\0';
	ck_assert_int_eq(trust_url_check(text, &at, NULL), ERR_TOOBIG);
	memset(host + 7, 'a', 253);
	ck_assert_int_eq(trust_url_check(host, &at, NULL), 0);
	host[7 + 253] = 'a';
	ck_assert_int_eq(trust_url_check(host, &at, NULL), ERR_MALFORMED);
}
END_TEST

START_TEST(conf_values)
{
	static const char text[] = HEAD "names = uri=tag:m.com,2022:*, "
	    "upn=*@e,dns=*.e\nnames=email=*@e\ncrl = crl/a.crl\n"
	    "revocation = grace 2h\nfold-case = dns\nmax-lifetime = 90\n"
	    "on-expiry = KEEP\non_stale = end\n"
	    "anchor = b\n[authority h]\nclass=HOST\nanchor=c\nnames=dns=*\n"
	    "crl=d\ncrl=e\ncrl-url=https://pki.e/e.crl\n";
	struct trust_conf c;
	const struct trust_conf_authority *a;
	struct diag d;

	diag_init(&d);
	ck_assert_int_eq(trust_conf_parse(&c, "t", text, sizeof(text) - 1,
	    &d), 0);
	ck_assert_uint_eq(d.n, 0);
	ck_assert_uint_eq(c.n, 2);
	a = &c.authority[0];
	ck_assert_str_eq(a->rules.name, "a");
	ck_assert_int_eq(a->rules.class, FACTS_USER);
	ck_assert_uint_eq(a->rules.n_names, 4);
	ck_assert_int_eq(a->rules.names[0].field, FACTS_URI);
	ck_assert_str_eq(a->rules.names[0].pattern, "tag:m.com,2022:*");
	ck_assert_int_eq(a->rules.names[2].field, FACTS_DNS);
	ck_assert_str_eq(a->rules.names[2].pattern, "*.e");
	ck_assert_str_eq(a->rules.names[3].pattern, "*@e");
	ck_assert_int_eq(a->rules.revocation, TRUST_GRACE);
	ck_assert_uint_eq(a->rules.grace, 7200);
	ck_assert_int_eq(a->rules.on_expiry, TRUST_EXPIRY_KEEP);
	ck_assert_int_eq(a->rules.on_stale, TRUST_STALE_END);
	ck_assert_int_eq(c.authority[1].rules.on_expiry, TRUST_EXPIRY_END);
	ck_assert_int_eq(c.authority[1].rules.on_stale, TRUST_STALE_KEEP);
	ck_assert_uint_eq(a->rules.fold, 1u << FACTS_DNS);
	ck_assert_uint_eq(a->rules.max_lifetime, 90);
	ck_assert_uint_eq(a->n_anchors, 2);
	ck_assert_str_eq(a->anchor[1], "b");
	ck_assert_uint_eq(a->anchor_line[1], 12);
	ck_assert_str_eq(a->crl[0], "crl/a.crl");
	ck_assert_uint_eq(a->crl_line[0], 6);
	ck_assert_int_eq(c.authority[1].rules.class, FACTS_HOST);
	ck_assert_int_eq(c.authority[1].rules.revocation, TRUST_REQUIRE);
	ck_assert_uint_eq(c.authority[1].line, 13);
	ck_assert_str_eq(a->url[0], "");
	ck_assert_str_eq(c.authority[1].url[0], "");
	ck_assert_str_eq(c.authority[1].crl[1], "e");
	ck_assert_str_eq(c.authority[1].url[1], "https://pki.e/e.crl");
	ck_assert_uint_eq(c.authority[1].url_line[1], 19);
	trust_conf_free(&c);
	trust_conf_free(NULL);
	diag_free(&d);
}
END_TEST

/* 32 authorities, 48 files, and no more of either */
START_TEST(conf_limits)
{
	for (int n = 24; n <= 33; n++) {
		struct trust_conf c;
		struct diag d;
		char text[8192];
		int len = 0;

		for (int i = 0; i < n; i++)
			len += snprintf(text + len, sizeof(text) -
			    (size_t)len, "[authority a%d]\nclass=user\n"
			    "anchor=a%d\ncrl=c%d\nnames=dns=*\n", i, i,
			    n == 24 || n == 25 ? i : 0);
		diag_init(&d);
		ck_assert_int_eq(trust_conf_parse(&c, "t", text, (size_t)len,
		    &d), n == 25 || n == 33 ? ERR_MALFORMED : 0);
		if (n == 25)
			ck_assert_str_eq(d.items[0].text, "expected at most "
			    "48 files of all authorities");
		if (n == 33)
			ck_assert_str_eq(d.items[0].text, "expected at most "
			    "32 authorities");
		trust_conf_free(&c);
		diag_free(&d);
	}
}
END_TEST

/* ---- loading ------------------------------------------------------------- */

struct world {
	struct trust t;
	struct trust_file file[16];
	size_t n_files;
	struct ipc_seen seen[4];
	size_t n_seen;
	const struct trust *in_force;
	struct diag diag;
	int64_t now;
};

static void
world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->now = time(NULL);
	diag_init(&w->diag);
}

static void
world_free(struct world *w)
{
	trust_free(&w->t);
	diag_free(&w->diag);
}

static void
add_file(struct world *w, const char *path, struct span bytes)
{
	w->file[w->n_files++] = (struct trust_file){ .path = path,
	    .bytes = bytes };
}

static int
load(struct world *w, const char *text)
{
	const struct trust_before before = { .seen = w->seen,
	    .n_seen = w->n_seen, .in_force = w->in_force };
	struct trust_conf c;
	int r;

	diag_free(&w->diag);
	trust_free(&w->t);
	ck_assert_int_eq(trust_conf_parse(&c, "t", text, strlen(text),
	    &w->diag), 0);
	diag_free(&w->diag);
	r = trust_load(&w->t, "t", &c, w->file, w->n_files, &before, w->now,
	    &w->diag);
	ck_assert_int_eq(r != 0, w->diag.errors > 0);
	trust_conf_free(&c);
	return r;
}

/* Is there a finding with this text? */
static bool
said(const struct world *w, const char *text)
{
	for (size_t i = 0; i < w->diag.n; i++) {
		char line[DIAG_TEXT_MAX + 300];

		diag_format(&w->diag.items[i], line, sizeof(line));
		if (strstr(line, text) != NULL)
			return true;
	}
	return false;
}

#define ASSERT_SAID(w, what) ck_assert_msg(said(w, what), "not said: %s; " \
    "first: %s", what, (w)->diag.n > 0 ? (w)->diag.items[0].text : "nothing")

#define A HEAD "names=dns=*\ncrl=a.crl\n"
#define AB A "[authority b]\nclass=host\nanchor=b.crt\nnames=dns=*\n" \
    "crl=b.crl\n"

static struct span
span_of(const struct buf *b)
{
	return (struct span){ b->data, b->len };
}

static void
add_crl(struct world *w, const char *path, struct buf *b,
    const struct forge_crl *c)
{
	buf_init(b, 32u << 20);
	forge_crl_put(b, c);
	add_file(w, path, span_of(b));
}

static struct span
serial_of(unsigned v, uint8_t out[5])
{
	out[0] = 0x40;
	out[1] = (uint8_t)(v >> 24);
	out[2] = (uint8_t)(v >> 16);
	out[3] = (uint8_t)(v >> 8);
	out[4] = (uint8_t)v;
	return (struct span){ out, 5 };
}

static bool
revoked(const struct trust *t, size_t authority, unsigned v)
{
	uint8_t serial[5];

	return trust_is_revoked(t, t->authority[authority].anchor[0].key,
	    serial_of(v, serial));
}

START_TEST(load_good)
{
	struct world w;
	struct pki ca;
	struct forge_crl c;
	struct buf crl;
	const struct trust_crl *k;

	world_init(&w);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	c = forge_crl(&ca, w.now, "\x07", 1);
	c.first = 0xfe;
	c.n = 3;
	add_crl(&w, "a.crl", &crl, &c);
	ck_assert_int_eq(load(&w, A), 0);
	ck_assert_uint_eq(w.diag.n, 0);
	ck_assert_uint_eq(w.t.n, 1);
	ck_assert_uint_eq(w.t.authority[0].n_anchors, 1);
	k = &w.t.authority[0].anchor[0].crl;
	ck_assert(k->usable);
	ck_assert_str_eq(k->problem, "");
	ck_assert_int_eq(k->this_update, c.this_update);
	ck_assert_int_eq(k->next_update, c.next_update);
	ck_assert_uint_eq(k->revoked, 3);
	ck_assert_uint_eq(k->number_len, 1);
	ck_assert_int_eq(w.t.authority[0].anchor[0].not_after,
	    gnutls_x509_crt_get_expiration_time(ca.crt));
	ck_assert(!revoked(&w.t, 0, 0xfd));
	ck_assert(revoked(&w.t, 0, 0xfe));
	ck_assert(revoked(&w.t, 0, 0x100));
	ck_assert(!revoked(&w.t, 0, 0x101));
	/* a part of a serial is another serial; no serial is as bad as one */
	ck_assert(!trust_is_revoked(&w.t, w.t.authority[0].anchor[0].key,
	    SPAN("\x40\x00\x00\x01")));
	ck_assert(trust_is_revoked(&w.t, w.t.authority[0].anchor[0].key,
	    SPAN("")));
	/* a serial of another key */
	ck_assert(!trust_is_revoked(&w.t, (const uint8_t *)
	    "01234567890123456789012345678901", SPAN("\x40\0\0\0\xfe")));
	ck_assert_int_eq(w.t.authority[0].verified_time, c.this_update);
	ck_assert_int_eq(trust_time(&w.t.authority[0], w.now), w.now);
	ck_assert_int_eq(trust_time(&w.t.authority[0], 5), c.this_update);
	buf_free(&crl);
	pki_free(&ca);
	world_free(&w);
}
END_TEST

/* ---- CRLs that do not count ---------------------------------------------- */

#define X(oid, rest) SPAN("\x30" oid rest)
#define CRITICAL "\x01\x01\xff"

static void
as_it_is(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)c;
	(void)other;
	(void)now;
}

static void
other_key(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)now;
	c->issuer = c->signer;
	c->signer = other;
}

/* what a stranger wrote is not read */
static void
other_key_malformed(struct forge_crl *c, struct pki *other, int64_t now)
{
	other_key(c, other, now);
	c->entry_serial = SPAN("");
	c->number = NULL;
}

static void
other_issuer(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)now;
	c->issuer = other;
}

static void
ahead(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	c->this_update = now + TRUST_CRL_AHEAD + 60;
	c->next_update = now + 90000000;
}

static void
little_ahead(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	c->this_update = now + TRUST_CRL_AHEAD - 60;
	c->next_update = now + 90000000;
}

static void
stale(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	c->this_update = now - 90000;
	c->next_update = now - 3600;
}

static void
backwards(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->next_update = c->this_update - 1;
}

static void
no_next(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->next_update = 0;
}

static void
no_number(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->number = NULL;
}

static void
critical_number(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->number_critical = true;
}

static void
number_20(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->number = "12345678901234567890";
	c->number_len = 20;
}

static void
number_21(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->number = "123456789012345678901";
	c->number_len = 21;
}

static void
number_negative(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->number = "\xff";
	c->number_len = 1;
}

static void
delta(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->extensions = X("\x0d", "\x06\x03\x55\x1d\x1b" CRITICAL
	    "\x04\x03\x02\x01\x01");
}

static void
partitioned(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->extensions = X("\x0f", "\x06\x03\x55\x1d\x1c" CRITICAL
	    "\x04\x05\x30\x03\x81\x01\xff");
}

static void
partitioned_quietly(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->extensions = X("\x0c", "\x06\x03\x55\x1d\x1c"
	    "\x04\x05\x30\x03\x84\x01\xff");
}

static void
unknown_critical(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->extensions = X("\x0b", "\x06\x03\x2a\x03\x04" CRITICAL
	    "\x04\x01x");
}

static void
unknown(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->extensions = X("\x08", "\x06\x03\x2a\x03\x04" "\x04\x01x");
}

static void
twice(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->extensions = X("\x0a", "\x06\x03\x55\x1d\x14\x04\x03\x02\x01\x05");
}

static void
version_1(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->v1 = true;
}

static void
version_3(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->version = 2;
}

static void
indirect(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->entry_extensions = X("\x0f", "\x06\x03\x55\x1d\x1d" CRITICAL
	    "\x04\x05\x30\x03\x82\x01x");
}

static void
reason(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->entry_extensions = X("\x0a", "\x06\x03\x55\x1d\x15"
	    "\x04\x03\x0a\x01\x01");
}

static void
reason_remove(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->entry_extensions = X("\x0a", "\x06\x03\x55\x1d\x15"
	    "\x04\x03\x0a\x01\x08");
}

static void
entry_critical(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->entry_extensions = X("\x0b", "\x06\x03\x2a\x03\x04" CRITICAL
	    "\x04\x01x");
}

static void
entry_unknown(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->entry_extensions = X("\x08", "\x06\x03\x2a\x03\x04" "\x04\x01x");
}

static void
entry_serial(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->entry_serial = SPAN("123456789012345678901");
}

static void
entry_serial_zero(struct forge_crl *c, struct pki *other, int64_t now)
{
	(void)other;
	(void)now;
	c->entry_serial = SPAN("\x00");
}

static const struct {
	const char *what;
	void (*make)(struct forge_crl *c, struct pki *other, int64_t now);
	const char *problem;		/* NULL: it counts */
} crls[] = {
	{ "good", as_it_is, NULL },
	{ "forged", other_key, "forged or damaged" },
	{ "forged, malformed", other_key_malformed, "forged or damaged" },
	{ "of another issuer", other_issuer, "of another issuer" },
	{ "future", ahead, "thisUpdate is more than a day in the future" },
	{ "a little ahead", little_ahead, NULL },
	{ "stale", stale, NULL },
	{ "backwards", backwards, "nextUpdate is before thisUpdate" },
	{ "no nextUpdate", no_next, "has no nextUpdate" },
	{ "no number", no_number, "has no cRLNumber" },
	{ "critical number", critical_number, "cRLNumber is critical" },
	{ "number of 20", number_20, NULL },
	{ "number of 21", number_21, "cRLNumber of 21 bytes" },
	{ "negative number", number_negative, "cRLNumber: expected" },
	{ "delta", delta, "a delta CRL" },
	{ "partitioned", partitioned, "a partitioned or indirect CRL" },
	{ "indirect, not critical", partitioned_quietly,
	    "a partitioned or indirect CRL" },
	{ "unknown critical", unknown_critical, "an unknown critical ext" },
	{ "unknown", unknown, NULL },
	{ "number twice", twice, "none of them twice" },
	{ "v1", version_1, "version: expected v2" },
	{ "v3", version_3, "version: expected v2" },
	{ "indirect", indirect, "an entry of another issuer" },
	{ "reason", reason, NULL },
	{ "removeFromCRL", reason_remove, "removeFromCRL" },
	{ "entry critical", entry_critical, "an entry with an unknown crit" },
	{ "entry unknown", entry_unknown, NULL },
	{ "entry serial", entry_serial, "serial number of an entry" },
	{ "entry serial 0", entry_serial_zero, "serial number of an entry" },
};

START_TEST(crl_forms)
{
	struct world w;
	struct pki ca, other;
	struct forge_crl c;
	struct buf crl;
	const struct trust_crl *k;
	static struct ipc_load_done done;

	world_init(&w);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	forge_ca(&other, PKI_P256, "b", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	c = forge_crl(&ca, w.now, "\x07", 1);
	c.n = 2;
	crls[_i].make(&c, &other, w.now);
	add_crl(&w, "a.crl", &crl, &c);
	ck_assert_int_eq(load(&w, A), 0);
	k = &w.t.authority[0].anchor[0].crl;
	if (crls[_i].problem == NULL) {
		ck_assert_msg(k->usable, "%s: %s", crls[_i].what, k->problem);
		ck_assert_uint_eq(w.t.n_revoked, 2);
		ck_assert_int_eq(w.diag.n > 0, strcmp(crls[_i].what,
		    "stale") == 0);
	} else {
		ck_assert_msg(!k->usable, "%s", crls[_i].what);
		ck_assert_msg(strstr(k->problem, crls[_i].problem) != NULL,
		    "%s: %s", crls[_i].what, k->problem);
		ck_assert_ptr_nonnull(strstr(k->problem, "CRL a.crl: "));
		ASSERT_SAID(&w, "t:5:1: warning: CRL a.crl of authority 'a': ");
		ASSERT_SAID(&w, crls[_i].problem);
		ck_assert_uint_eq(w.t.n_revoked, 0);
		ck_assert_int_eq(w.t.authority[0].verified_time, 0);
		trust_report(&w.t, w.now, &done);
		ck_assert_uint_eq(done.n_seen, 0);
	}
	buf_free(&crl);
	pki_free(&ca);
	pki_free(&other);
	world_free(&w);
}
END_TEST

/* A machine without a battery may stand in the past. */
START_TEST(crl_future_before_build)
{
	struct world w;
	struct pki ca;
	struct forge_crl c;
	struct buf crl;

	world_init(&w);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	c = forge_crl(&ca, w.now, "\x07", 1);
	add_crl(&w, "a.crl", &crl, &c);
	w.now = 86400;
	ck_assert_int_eq(load(&w, A), 0);
	ck_assert(w.t.authority[0].anchor[0].crl.usable);
	ck_assert_int_eq(trust_time(&w.t.authority[0], w.now), c.this_update);
	buf_free(&crl);
	pki_free(&ca);
	world_free(&w);
}
END_TEST

/* No changed byte and no prefix counts. */
START_TEST(crl_damaged)
{
	struct world w;
	struct pki ca;
	struct forge_crl c;
	struct buf crl;

	world_init(&w);
	forge_ca(&ca, PKI_ED25519, "a", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	c = forge_crl(&ca, w.now, "\x07", 1);
	c.n = 1;
	add_crl(&w, "a.crl", &crl, &c);
	for (size_t i = 0; i < crl.len; i++) {
		crl.data[i] ^= 0x01;
		ck_assert_int_eq(load(&w, A), 0);
		ck_assert_msg(!w.t.authority[0].anchor[0].crl.usable,
		    "byte %zu", i);
		crl.data[i] ^= 0x01;
	}
	for (size_t i = 0; i < crl.len; i++) {
		w.file[1].bytes.n = i;
		ck_assert_int_eq(load(&w, A), 0);
		ck_assert_msg(!w.t.authority[0].anchor[0].crl.usable,
		    "length %zu", i);
	}
	w.file[1].bytes.n = crl.len;
	ck_assert_int_eq(load(&w, A), 0);
	ck_assert(w.t.authority[0].anchor[0].crl.usable);
	buf_free(&crl);
	pki_free(&ca);
	world_free(&w);
}
END_TEST

START_TEST(crl_missing)
{
	struct world w;
	struct pki ca, second;
	struct forge_crl c;
	struct buf crl;

	world_init(&w);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	forge_ca(&second, PKI_P256, "a2", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	ck_assert_int_eq(load(&w, A), 0);
	ck_assert_str_eq(w.t.authority[0].anchor[0].crl.problem,
	    "CRL a.crl: not there");
	ASSERT_SAID(&w, "t:5:1: warning: CRL a.crl of authority 'a': not "
	    "there");
	add_file(&w, "a.crl", (struct span){ NULL, 0 });
	w.file[1].error = "Permission denied";
	ck_assert_int_eq(load(&w, A), 0);
	ck_assert_str_eq(w.t.authority[0].anchor[0].crl.problem,
	    "CRL a.crl: Permission denied");
	/* one of two anchors has none */
	w.n_files = 1;
	c = forge_crl(&ca, w.now, "\x07", 1);
	add_crl(&w, "a.crl", &crl, &c);
	add_file(&w, "a2.crt", pki_der(&second));
	ck_assert_int_eq(load(&w, A "anchor=a2.crt\n"), 0);
	ck_assert(w.t.authority[0].anchor[0].crl.usable);
	ck_assert(!w.t.authority[0].anchor[1].crl.usable);
	ck_assert_str_eq(w.t.authority[0].anchor[1].crl.problem,
	    "no CRL of this anchor");
	ASSERT_SAID(&w, "t:1:1: warning: authority 'a': no crl is of its "
	    "anchor 2");
	buf_free(&crl);
	pki_free(&ca);
	pki_free(&second);
	world_free(&w);
}
END_TEST

START_TEST(crl_issuer_may_not)
{
	struct forge_how how = { .usage = GNUTLS_KEY_KEY_CERT_SIGN };
	struct world w;
	struct pki ca;
	struct forge_crl c;
	struct buf crl;

	for (int i = 0; i < 2; i++) {
		world_init(&w);
		forge_ca(&ca, PKI_P256, "a", NULL, &how);
		add_file(&w, "ca/a.crt", pki_der(&ca));
		c = forge_crl(&ca, w.now, "\x07", 1);
		add_crl(&w, "a.crl", &crl, &c);
		ck_assert_int_eq(load(&w, A), 0);
		if (i == 0)
			ASSERT_SAID(&w, "its issuer may not sign CRLs");
		ck_assert_int_eq(w.t.authority[0].anchor[0].crl.usable, i);
		/* then without keyUsage, which allows all */
		how.no_usage = true;
		buf_free(&crl);
		pki_free(&ca);
		world_free(&w);
	}
}
END_TEST

/* ---- numbers ------------------------------------------------------------- */

static const struct {
	const char *seen, *now;
	size_t seen_len, now_len;
	int64_t older;			/* thisUpdate before the seen one's */
	bool good;
} numbers[] = {
	{ "\x07", "\x08", 1, 1, 0, true },
	{ "\x07", "\x07", 1, 1, 0, true },
	{ "\x07", "\x07", 1, 1, -10, true },
	{ "\x07", "\x07", 1, 1, 1, false },
	{ "\x07", "\x06", 1, 1, 0, false },
	{ "\x07", "\x06", 1, 1, -10, false },
	{ "\x07", "\x08", 1, 1, 10, true },
	/* by length: 0x0100 is above 0xff */
	{ "\xff", "\x01\x00", 1, 2, 0, true },
	{ "\x01\x00", "\x00\xff", 2, 2, 0, false },
	{ "\x00", "\x00", 1, 1, 0, true },
	{ "\x01", "\x00", 1, 1, 0, false },
	{ "\x7f\xff\xff", "\x01\x00\x00\x00", 3, 4, 0, true },
};

START_TEST(crl_numbers)
{
	struct world w;
	struct pki ca;
	struct forge_crl c;
	struct buf crl;

	world_init(&w);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	c = forge_crl(&ca, w.now, numbers[_i].now, numbers[_i].now_len);
	add_crl(&w, "a.crl", &crl, &c);
	ck_assert_int_eq(load(&w, A), 0);
	ck_assert(w.t.authority[0].anchor[0].crl.usable);
	memcpy(w.seen[1].issuer_key, w.t.authority[0].anchor[0].key, 32);
	memcpy(w.seen[1].number, numbers[_i].seen, numbers[_i].seen_len);
	w.seen[1].number_len = (uint8_t)numbers[_i].seen_len;
	w.seen[1].this_update = c.this_update + numbers[_i].older;
	/* of another key, which has no say */
	memset(w.seen[0].number, 0x7f, 20);
	w.seen[0].number_len = 20;
	w.n_seen = 2;
	ck_assert_int_eq(load(&w, A), 0);
	ck_assert_int_eq(w.t.authority[0].anchor[0].crl.usable,
	    numbers[_i].good);
	if (!numbers[_i].good)
		ASSERT_SAID(&w, "rolled back");
	buf_free(&crl);
	pki_free(&ca);
	world_free(&w);
}
END_TEST

/* Of several CRLs of one key the highest counts, whole, wherever it stands. */
START_TEST(crl_highest)
{
	struct world w;
	struct pki ca;
	struct forge_crl low, high, bad;
	struct buf a, b, c, all;

	for (int i = 0; i < 2; i++) {
		world_init(&w);
		forge_ca(&ca, PKI_P256, "a", NULL, NULL);
		add_file(&w, "ca/a.crt", pki_der(&ca));
		low = forge_crl(&ca, w.now, "\x07", 1);
		low.first = 1;
		low.n = 2;
		high = forge_crl(&ca, w.now, "\x08", 1);
		high.first = 2;
		high.n = 2;
		bad = forge_crl(&ca, w.now, "\x09", 1);
		bad.n = 1;
		delta(&bad, NULL, 0);
		add_crl(&w, "a.crl", &a, i == 0 ? &low : &high);
		add_crl(&w, "b", &b, &bad);
		add_crl(&w, "c", &c, i == 0 ? &high : &low);
		ck_assert_int_eq(load(&w, A "crl=b\ncrl=c\n"), 0);
		ck_assert(w.t.authority[0].anchor[0].crl.usable);
		ck_assert_uint_eq(w.t.authority[0].anchor[0].crl.number[0], 8);
		ck_assert_uint_eq(w.t.n_revoked, 2);
		ck_assert(!revoked(&w.t, 0, 1));
		ck_assert(revoked(&w.t, 0, 2));
		ck_assert(revoked(&w.t, 0, 3));
		ASSERT_SAID(&w, "t:6:1: warning: CRL b of authority 'a': a "
		    "delta");
		/* and in one file, as text */
		buf_init(&all, 100000);
		forge_pem(&all, "X509 CRL", span_of(&a));
		forge_pem(&all, "X509 CRL", span_of(&c));
		w.n_files = 1;
		add_file(&w, "a.crl", span_of(&all));
		ck_assert_int_eq(load(&w, A), 0);
		ck_assert_uint_eq(w.t.authority[0].anchor[0].crl.number[0], 8);
		ck_assert_uint_eq(w.t.n_revoked, 2);
		buf_free(&all);
		buf_free(&a);
		buf_free(&b);
		buf_free(&c);
		pki_free(&ca);
		world_free(&w);
	}
}
END_TEST

/* A rollover: one name, two keys, one CRL each; a renewed certificate of the
 * same key shares its CRL. */
START_TEST(crl_rollover)
{
	struct world w;
	struct pki old, new, renewed;
	struct forge_how how = { .key = &old };
	struct forge_crl c1, c2;
	struct buf a, b, pem;

	world_init(&w);
	forge_ca(&old, PKI_P256, "a", NULL, NULL);
	forge_ca(&new, PKI_ED25519, "a", NULL, NULL);
	forge_ca(&renewed, PKI_P256, "a", NULL, &how);
	buf_init(&pem, 100000);
	forge_pem(&pem, "CERTIFICATE", pki_der(&old));
	forge_pem(&pem, "CERTIFICATE", pki_der(&new));
	forge_pem(&pem, "CERTIFICATE", pki_der(&renewed));
	forge_pem(&pem, "CERTIFICATE", pki_der(&new));
	add_file(&w, "ca/a.crt", span_of(&pem));
	c1 = forge_crl(&old, w.now, "\x07", 1);
	c1.n = 1;
	c1.first = 1;
	c2 = forge_crl(&new, w.now, "\x01", 1);
	c2.n = 2;
	c2.first = 2;
	c2.this_update += 60;
	add_crl(&w, "a.crl", &a, &c1);
	add_crl(&w, "b.crl", &b, &c2);
	ck_assert_int_eq(load(&w, A "crl=b.crl\n"), 0);
	ASSERT_SAID(&w, "is there twice");
	ck_assert_uint_eq(w.diag.n, 1);
	ck_assert_uint_eq(w.t.authority[0].n_anchors, 3);
	for (size_t i = 0; i < 3; i++)
		ck_assert(w.t.authority[0].anchor[i].crl.usable);
	ck_assert_uint_eq(w.t.authority[0].anchor[1].crl.revoked, 2);
	ck_assert_uint_eq(w.t.authority[0].anchor[2].crl.revoked, 1);
	ck_assert_int_eq(w.t.authority[0].verified_time, c2.this_update);
	ck_assert(revoked(&w.t, 0, 1));
	ck_assert(!revoked(&w.t, 0, 2));
	buf_free(&a);
	buf_free(&b);
	buf_free(&pem);
	pki_free(&old);
	pki_free(&new);
	pki_free(&renewed);
	world_free(&w);
}
END_TEST

/* What was verified before is the time, whatever became of the CRL; of any
 * anchor of the authority, and of no other. */
START_TEST(time_remembered)
{
	struct world w;
	struct pki old, new, b;
	struct forge_crl c;
	struct buf crl, pem;
	int64_t before;

	world_init(&w);
	forge_ca(&old, PKI_P256, "a", NULL, NULL);
	forge_ca(&new, PKI_P256, "a2", NULL, NULL);
	forge_ca(&b, PKI_P256, "b", NULL, NULL);
	buf_init(&pem, 100000);
	forge_pem(&pem, "CERTIFICATE", pki_der(&old));
	forge_pem(&pem, "CERTIFICATE", pki_der(&new));
	add_file(&w, "ca/a.crt", span_of(&pem));
	add_file(&w, "b.crt", pki_der(&b));
	c = forge_crl(&old, w.now, "\x07", 1);
	add_crl(&w, "a.crl", &crl, &c);
	ck_assert_int_eq(load(&w, AB), 0);
	ck_assert_int_eq(w.t.authority[0].verified_time, c.this_update);
	ck_assert_int_eq(w.t.authority[1].verified_time, 0);
	/* the second anchor's list was newer; the clock is set back */
	before = w.now;
	memcpy(w.seen[2].issuer_key, w.t.authority[0].anchor[1].key, 32);
	w.seen[2].number[0] = w.seen[2].number_len = 1;
	w.seen[2].newest = before + 3600;
	w.n_seen = 3;
	w.now -= 60 * 86400;
	ck_assert_int_eq(load(&w, AB), 0);
	ck_assert_int_eq(trust_time(&w.t.authority[0], w.now), before + 3600);
	ck_assert_int_eq(trust_time(&w.t.authority[1], w.now), w.now);
	/* also where no CRL is asked for any more */
	ck_assert_int_eq(load(&w, HEAD "names=dns=*\nrevocation=none\n"), 0);
	ck_assert_int_eq(trust_time(&w.t.authority[0], w.now), before + 3600);
	buf_free(&crl);
	buf_free(&pem);
	pki_free(&old);
	pki_free(&new);
	pki_free(&b);
	world_free(&w);
}
END_TEST

/* Nobody looks at CRLs of an authority without revocation. */
START_TEST(crl_none)
{
	struct world w;
	struct pki ca;

	world_init(&w);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	ck_assert_int_eq(load(&w, A "revocation=none\n"), 0);
	ck_assert_uint_eq(w.diag.n, 0);
	ck_assert(!w.t.authority[0].anchor[0].crl.usable);
	ck_assert_str_eq(w.t.authority[0].anchor[0].crl.problem, "");
	pki_free(&ca);
	world_free(&w);
}
END_TEST

/* A large list loads quickly, and all of it is there. */
START_TEST(crl_large)
{
	struct world w;
	struct pki ca;
	struct forge_crl c;
	struct buf crl, pem;
	struct timespec t0, t1;
	double took;

	world_init(&w);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	c = forge_crl(&ca, w.now, "\x07", 1);
	c.first = 7;
	c.n = 200000;
	buf_init(&crl, 32u << 20);
	buf_init(&pem, 64u << 20);
	forge_crl_put(&crl, &c);
	forge_pem(&pem, "X509 CRL", span_of(&crl));
	add_file(&w, "a.crl", span_of(&pem));
	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t0), 0);
	ck_assert_int_eq(load(&w, A), 0);
	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t1), 0);
	took = (double)(t1.tv_sec - t0.tv_sec) +
	    (double)(t1.tv_nsec - t0.tv_nsec) / 1e9;
	printf("200000 entries: %.3f s of CPU\n", took);
#ifndef WITH_SANITIZERS
	if (getenv("CK_TIMEOUT_MULTIPLIER") == NULL)	/* not in valgrind */
		ck_assert_double_lt(took, 2.0);
#endif
	ck_assert_uint_eq(w.t.n_revoked, 200000);
	for (unsigned i = 7; i < 200007; i += 1111)
		ck_assert(revoked(&w.t, 0, i));
	ck_assert(!revoked(&w.t, 0, 6));
	ck_assert(!revoked(&w.t, 0, 200007));
	buf_free(&crl);
	buf_free(&pem);
	pki_free(&ca);
	world_free(&w);
}
END_TEST

/* Entries of all CRLs together have a limit: seen by a list that is full. */
START_TEST(crl_too_many)
{
	struct trust_crl_list list;
	struct trust_crl out;
	struct forge_crl c;
	struct slice_crl s;
	struct pki ca;
	struct buf crl;
	struct why why;
	int64_t now = time(NULL);

	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	c = forge_crl(&ca, now, "\x07", 1);
	c.n = 2;
	buf_init(&crl, 10000);
	forge_crl_put(&crl, &c);
	ck_assert_int_eq(slice_crl(span_of(&crl), &s, &why), 0);
	list.cap = TRUST_REVOKED_MAX;
	list.entry = calloc(list.cap, sizeof(*list.entry));
	ck_assert_ptr_nonnull(list.entry);
	list.n = TRUST_REVOKED_MAX - 1;
	ck_assert_int_eq(trust_crl_read(&s, ca.der.data, now, &out, &list,
	    &why), ERR_TOOBIG);
	ck_assert_uint_eq(list.n, TRUST_REVOKED_MAX - 1);
	list.n--;
	ck_assert_int_eq(trust_crl_read(&s, ca.der.data, now, &out, &list,
	    &why), 0);
	ck_assert_uint_eq(list.n, TRUST_REVOKED_MAX);
	free(list.entry);
	buf_free(&crl);
	pki_free(&ca);
}
END_TEST

/* ---- anchors ------------------------------------------------------------- */

static const struct {
	struct forge_how how;
	enum pki_kind kind;
	const char *said;
	bool loads;
} anchors[] = {
	{ { 0 }, PKI_P256, NULL, true },
	{ { 0 }, PKI_P384, NULL, true },
	{ { 0 }, PKI_RSA, NULL, true },
	{ { 0 }, PKI_ED25519, NULL, true },
	{ { .no_usage = true }, PKI_P256, NULL, true },
	{ { .usage = GNUTLS_KEY_KEY_CERT_SIGN }, PKI_P256, NULL, true },
	{ { 0 }, PKI_RSA_SHORT, "RSA key of 1024 bits", false },
	{ { .not_ca = true }, PKI_P256, "not a CA", false },
	{ { .no_constraints = true }, PKI_P256, "not a CA", false },
	{ { .usage = GNUTLS_KEY_CRL_SIGN }, PKI_P256,
	    "expected keyCertSign", false },
	{ { .version = 1 }, PKI_P256, "version 1: expected v3", false },
	{ { .from = 1000000000, .to = 1000000001 }, PKI_P256, "has expired",
	    true },
	{ { .from = 4000000000, .to = 4000000001 }, PKI_P256,
	    "is not yet valid", true },
	{ { .unknown = true }, PKI_P256, "critical extension 1.2.3", true },
};

START_TEST(anchor_forms)
{
	struct world w;
	struct pki ca;

	world_init(&w);
	forge_ca(&ca, anchors[_i].kind, "a", NULL, &anchors[_i].how);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	ck_assert_int_eq(load(&w, HEAD "names=dns=*\nrevocation=none\n"),
	    anchors[_i].loads ? 0 : ERR_MALFORMED);
	if (anchors[_i].said == NULL) {
		ck_assert_uint_eq(w.diag.n, 0);
	} else {
		ASSERT_SAID(&w, anchors[_i].said);
		ASSERT_SAID(&w, anchors[_i].loads ? "t:3:1: warning: anchor "
		    "ca/a.crt of authority 'a': " : "t:3:1: error: anchor "
		    "ca/a.crt of authority 'a': ");
	}
	pki_free(&ca);
	world_free(&w);
}
END_TEST

START_TEST(anchor_files)
{
	static const char text[] = HEAD "names=dns=*\nrevocation=none\n";
	struct world w;
	uint8_t *big = calloc(1, 1 << 20);
	struct pki ca[TRUST_ANCHORS_MAX + 1];
	struct buf pem;

	world_init(&w);
	ck_assert_int_eq(load(&w, text), ERR_MALFORMED);
	ASSERT_SAID(&w, "t:3:1: error: anchor ca/a.crt of authority 'a': not "
	    "there; put the CA's certificate there, or take out the line");
	add_file(&w, "ca/a.crt", SPAN("nothing"));
	ck_assert_int_eq(load(&w, text), ERR_MALFORMED);
	ASSERT_SAID(&w, "t:3:1: error: anchor ca/a.crt of authority 'a': "
	    "expected -----BEGIN CERTIFICATE----- or DER; put the CA's "
	    "certificate there");
	w.file[0].bytes = SPAN("0\001\001");
	ck_assert_int_eq(load(&w, text), ERR_MALFORMED);
	ASSERT_SAID(&w, "; put the CA's certificate there");
	w.file[0].bytes = (struct span){ big, 1 << 20 };
	ck_assert_int_eq(load(&w, text), ERR_MALFORMED);
	ASSERT_SAID(&w, "expected a smaller file");
	buf_init(&pem, 1 << 20);
	for (int i = 0; i <= TRUST_ANCHORS_MAX; i++) {
		char name[16];

		snprintf(name, sizeof(name), "ca %d", i);
		forge_ca(&ca[i], PKI_ED25519, name, NULL, NULL);
		forge_pem(&pem, "CERTIFICATE", pki_der(&ca[i]));
		w.file[0].bytes = span_of(&pem);
		ck_assert_int_eq(load(&w, text), i < TRUST_ANCHORS_MAX ? 0 :
		    ERR_MALFORMED);
	}
	ASSERT_SAID(&w, "expected at most 16");
	/* the last one from another file */
	w.file[0].bytes.n = pem.len - (size_t)ca[16].pem.size;
	add_file(&w, "b", pki_der(&ca[16]));
	ck_assert_int_eq(load(&w, HEAD "names=dns=*\nrevocation=none\n"
	    "anchor=b\n"), ERR_MALFORMED);
	ASSERT_SAID(&w, "expected at most 16 certificates of one authority");
	for (int i = 0; i <= TRUST_ANCHORS_MAX; i++)
		pki_free(&ca[i]);
	free(big);
	buf_free(&pem);
	world_free(&w);
}
END_TEST

/* Two authorities: apart; one key in both; one below the other; and one that
 * only has the other's name above it. */
START_TEST(anchor_between)
{
	static const char text[] = HEAD "names=dns=*\nrevocation=none\n"
	    "[authority b]\nclass=host\nanchor=b.crt\nnames=dns=*\n"
	    "revocation=none\n";
	struct world w;
	struct pki a, b, same, below, impostor, beside;
	struct forge_how how = { .key = &a };

	world_init(&w);
	forge_ca(&a, PKI_P256, "a", NULL, NULL);
	forge_ca(&b, PKI_P256, "b", NULL, NULL);
	forge_ca(&same, PKI_P256, "same", NULL, &how);
	forge_ca(&below, PKI_P256, "below", &a, NULL);
	forge_ca(&impostor, PKI_P256, "a", NULL, NULL);
	forge_ca(&beside, PKI_P256, "beside", &impostor, NULL);
	add_file(&w, "ca/a.crt", pki_der(&a));
	add_file(&w, "b.crt", pki_der(&b));
	ck_assert_int_eq(load(&w, text), 0);
	w.file[1].bytes = pki_der(&same);
	ck_assert_int_eq(load(&w, text), ERR_MALFORMED);
	ASSERT_SAID(&w, "t:8:1: error: anchor b.crt of authority 'b': its key "
	    "is also an anchor of authority 'a'");
	w.file[1].bytes = pki_der(&below);
	ck_assert_int_eq(load(&w, text), ERR_MALFORMED);
	ASSERT_SAID(&w, "t:6:1: error: authority 'b': an anchor is signed by "
	    "an anchor of authority 'a'");
	w.file[0].bytes = pki_der(&below);
	w.file[1].bytes = pki_der(&a);
	ck_assert_int_eq(load(&w, text), ERR_MALFORMED);
	ASSERT_SAID(&w, "t:1:1: error: authority 'a': an anchor is signed by "
	    "an anchor of authority 'b'");
	w.file[0].bytes = pki_der(&a);
	w.file[1].bytes = pki_der(&beside);
	ck_assert_int_eq(load(&w, text), 0);
	/* within one authority nothing is wrong with either */
	w.file[1].bytes = pki_der(&below);
	ck_assert_int_eq(load(&w, HEAD "names=dns=*\nrevocation=none\n"
	    "anchor=b.crt\n"), 0);
	pki_free(&a);
	pki_free(&b);
	pki_free(&same);
	pki_free(&below);
	pki_free(&impostor);
	pki_free(&beside);
	world_free(&w);
}
END_TEST

START_TEST(single)
{
	struct trust_name name = { .field = FACTS_DNS, .pattern = "*.e" };
	struct trust_rules rules = { .name = "server", .class = FACTS_HOST,
	    .n_names = 1, .names = &name };
	struct forge_how how = { .not_ca = true };
	struct trust t;
	struct pki ca, no;
	struct forge_crl c;
	struct buf crl;
	struct span anchor, list, nine[9];
	struct why why;
	int64_t now = time(NULL);

	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	forge_ca(&no, PKI_P256, "no", NULL, &how);
	c = forge_crl(&ca, now, "\x07", 1);
	c.n = 1;
	buf_init(&crl, 10000);
	forge_crl_put(&crl, &c);
	anchor = (struct span){ ca.pem.data, ca.pem.size };
	list = span_of(&crl);
	ck_assert_int_eq(trust_single(&t, &rules, &anchor, 1, &list, 1, now,
	    &why), 0);
	ck_assert_uint_eq(t.n, 1);
	ck_assert(t.authority[0].anchor[0].crl.usable);
	ck_assert_str_eq(t.authority[0].rules.names[0].pattern, "*.e");
	ck_assert(revoked(&t, 0, 0));
	trust_free(&t);
	list.n--;
	ck_assert_int_eq(trust_single(&t, &rules, &anchor, 1, &list, 1, now,
	    &why), 0);
	ck_assert(!t.authority[0].anchor[0].crl.usable);
	trust_free(&t);
	anchor = pki_der(&no);
	ck_assert_int_eq(trust_single(&t, &rules, &anchor, 1, NULL, 0, now,
	    &why), ERR_MALFORMED);
	ck_assert_ptr_nonnull(strstr(why.text, "not a CA"));
	trust_free(&t);
	ck_assert_int_eq(trust_single(&t, &rules, NULL, 0, NULL, 0, now,
	    &why), ERR_MALFORMED);
	ck_assert_ptr_nonnull(strstr(why.text, "at least one anchor"));
	trust_free(&t);
	ck_assert_int_eq(trust_single(&t, &rules, nine, 9, NULL, 0, now,
	    &why), ERR_TOOBIG);
	trust_free(&t);
	trust_free(NULL);
	buf_free(&crl);
	pki_free(&ca);
	pki_free(&no);
}
END_TEST

/* ---- flat form and report ------------------------------------------------ */

static void
load_two(struct world *w, struct pki *a, struct pki *b, struct buf *crl_a,
    struct buf *crl_b)
{
	struct forge_crl c;

	world_init(w);
	forge_ca(a, PKI_P256, "a", NULL, NULL);
	forge_ca(b, PKI_ED25519, "b", NULL, NULL);
	add_file(w, "ca/a.crt", pki_der(a));
	add_file(w, "b.crt", pki_der(b));
	c = forge_crl(a, w->now, "\x07", 1);
	c.n = 3;
	add_crl(w, "a.crl", crl_a, &c);
	c = forge_crl(b, w->now, "\x01\x00", 2);
	c.n = 2;
	c.first = 2;
	unknown_critical(&c, NULL, 0);
	add_crl(w, "b.crl", crl_b, &c);
	ck_assert_int_eq(load(w, AB "revocation=grace 1h\nfold-case=dns\n"
	    "max-lifetime=1d\non-expiry=keep\non-stale=end\n"
	    "names=uri=spiffe://e/*\n"), 0);
}

static void
assert_same(const struct trust *x, const struct trust *y)
{
	ck_assert_uint_eq(x->n, y->n);
	for (size_t i = 0; i < x->n; i++) {
		const struct trust_authority *a = &x->authority[i];
		const struct trust_authority *b = &y->authority[i];

		ck_assert_str_eq(a->rules.name, b->rules.name);
		ck_assert_int_eq(a->rules.class, b->rules.class);
		ck_assert_uint_eq(a->rules.fold, b->rules.fold);
		ck_assert_int_eq(a->rules.revocation, b->rules.revocation);
		ck_assert_int_eq(a->rules.on_expiry, b->rules.on_expiry);
		ck_assert_int_eq(a->rules.on_stale, b->rules.on_stale);
		ck_assert_uint_eq(a->rules.grace, b->rules.grace);
		ck_assert_uint_eq(a->rules.max_lifetime,
		    b->rules.max_lifetime);
		ck_assert_uint_eq(a->rules.n_names, b->rules.n_names);
		for (size_t k = 0; k < a->rules.n_names; k++)
			ck_assert_str_eq(a->rules.names[k].pattern,
			    b->rules.names[k].pattern);
		ck_assert_int_eq(a->verified_time, b->verified_time);
		ck_assert_uint_eq(a->n_anchors, b->n_anchors);
		for (size_t k = 0; k < a->n_anchors; k++) {
			const struct trust_anchor *c = &a->anchor[k];
			const struct trust_anchor *d = &b->anchor[k];

			ck_assert(span_eq(c->cert.whole, d->cert.whole));
			ck_assert(span_eq(c->cert.spki, d->cert.spki));
			ck_assert_mem_eq(c->key, d->key, 32);
			ck_assert_int_eq(c->not_before, d->not_before);
			ck_assert_int_eq(c->not_after, d->not_after);
			ck_assert_int_eq(c->crl.usable, d->crl.usable);
			ck_assert_str_eq(c->crl.problem, d->crl.problem);
			ck_assert_str_eq(c->crl.file, d->crl.file);
			ck_assert_int_eq(c->crl.this_update,
			    d->crl.this_update);
			ck_assert_int_eq(c->crl.next_update,
			    d->crl.next_update);
			ck_assert_mem_eq(c->crl.number, d->crl.number, 20);
			ck_assert_uint_eq(c->crl.number_len,
			    d->crl.number_len);
			ck_assert_uint_eq(c->crl.revoked, d->crl.revoked);
		}
	}
	ck_assert_uint_eq(x->n_revoked, y->n_revoked);
	ck_assert_mem_eq(x->revoked, y->revoked,
	    x->n_revoked * sizeof(*x->revoked));
}

START_TEST(flat)
{
	struct world w;
	struct pki a, b;
	struct buf crl_a, crl_b, bytes;
	struct trust t;
	struct span table;
	struct rd r;

	load_two(&w, &a, &b, &crl_a, &crl_b);
	ck_assert_uint_eq(w.t.n_revoked, 3);
	buf_init(&bytes, 1 << 20);
	trust_put(&bytes, &w.t);
	buf_put_u8(&bytes, 99);		/* of whoever comes next */
	ck_assert_int_eq(buf_err(&bytes), 0);
	r = rd_of_buf(&bytes);
	ck_assert_int_eq(trust_get(&r, trust_table(&w.t), &t), 0);
	ck_assert_uint_eq(rd_u8(&r), 99);
	ck_assert_int_eq(rd_end(&r), 0);
	assert_same(&w.t, &t);
	ck_assert(revoked(&t, 0, 2));
	ck_assert(!revoked(&t, 0, 3));
	ck_assert(!revoked(&t, 1, 2));
	ck_assert_ptr_null(t.revoked_owned);
	trust_free(&t);
	/* another table than the one that was written */
	table = trust_table(&w.t);
	table.n--;
	r = rd_of_buf(&bytes);
	ck_assert_int_eq(trust_get(&r, table, &t), ERR_MALFORMED);
	table.n -= sizeof(*t.revoked) - 1;
	r = rd_of_buf(&bytes);
	ck_assert_int_eq(trust_get(&r, table, &t), ERR_MALFORMED);
	/* every prefix fails and leaves nothing */
	for (size_t n = 0; n + 1 < bytes.len; n++) {
		uint8_t *copy = malloc(n + 1);

		memcpy(copy, bytes.data, n);
		r = rd_of(copy, n);
		ck_assert_int_lt(trust_get(&r, trust_table(&w.t), &t), 0);
		free(copy);
	}
	/* any changed byte is taken or not, but never harmful */
	for (size_t n = 0; n < bytes.len; n++)
		for (int bit = 0; bit < 8; bit++) {
			bytes.data[n] ^= (uint8_t)(1 << bit);
			r = rd_of_buf(&bytes);
			if (trust_get(&r, trust_table(&w.t), &t) == 0) {
				(void)revoked(&t, 0, 2);
				trust_free(&t);
			}
			bytes.data[n] ^= (uint8_t)(1 << bit);
		}
	buf_free(&bytes);
	buf_free(&crl_a);
	buf_free(&crl_b);
	pki_free(&a);
	pki_free(&b);
	world_free(&w);
}
END_TEST

/* Offsets of members in the flat form of an authority named "a", a value
 * that is over its limit, and the refusal. */
static const struct {
	size_t at;
	uint8_t value;
	int result;
} members[] = {
	{ 0, 1, ERR_VERSION },
	{ 4, 0, ERR_TOOBIG },			/* authorities */
	{ 4, TRUST_AUTHORITIES_MAX + 1, ERR_TOOBIG },
	{ 8, 0, ERR_MALFORMED },		/* length of the name */
	{ 8, TRUST_NAME_MAX, ERR_TOOBIG },
	{ 9, 0, ERR_MALFORMED },		/* a NUL in it */
	{ 10, FACTS_CLASSES, ERR_MALFORMED },
	{ 14, 1 << FACTS_FIELDS, ERR_MALFORMED },	/* fold */
	{ 15, TRUST_NONE + 1, ERR_MALFORMED },
	{ 16, 4, ERR_MALFORMED },		/* on-expiry, on-stale */
	{ 28, TRUST_NAMES_MAX + 1, ERR_TOOBIG },
	{ 29, FACTS_FIELDS, ERR_MALFORMED },
	{ 32, 3, ERR_TOOBIG },			/* length of a pattern */
	{ 35, 0x7f, ERR_MALFORMED },		/* verified time */
	{ 35, 0x80, ERR_MALFORMED },
	{ 46, 0, ERR_TOOBIG },			/* anchors */
	{ 46, TRUST_ANCHORS_MAX + 1, ERR_TOOBIG },
};

START_TEST(flat_limits)
{
	struct world w;
	struct pki ca;
	struct buf bytes;
	struct trust t;
	struct rd r;

	world_init(&w);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	add_file(&w, "ca/a.crt", pki_der(&ca));
	ck_assert_int_eq(load(&w, HEAD "names=dns=*\nrevocation=none\n"), 0);
	buf_init(&bytes, 1 << 20);
	trust_put(&bytes, &w.t);
	r = rd_of_buf(&bytes);
	ck_assert_int_eq(trust_get(&r, trust_table(&w.t), &t), 0);
	trust_free(&t);
	ck_assert_uint_eq(bytes.data[28], 1);
	ck_assert_uint_eq(bytes.data[46], 1);
	bytes.data[members[_i].at] = members[_i].value;
	r = rd_of_buf(&bytes);
	ck_assert_int_eq(trust_get(&r, trust_table(&w.t), &t), members[_i].result);
	/* more revoked ones than may be */
	buf_reset(&bytes);
	trust_put(&bytes, &w.t);
	bytes.data[bytes.len - 4] = 1;
	r = rd_of_buf(&bytes);
	ck_assert_int_eq(trust_get(&r, trust_table(&w.t), &t), ERR_TOOBIG);
	buf_free(&bytes);
	pki_free(&ca);
	world_free(&w);
}
END_TEST

START_TEST(report)
{
	struct ipc_load_done *done = calloc(1, sizeof(*done));
	struct world w;
	struct pki a, b;
	struct buf crl_a, crl_b;
	int64_t t;

	load_two(&w, &a, &b, &crl_a, &crl_b);
	t = w.t.authority[0].anchor[0].crl.this_update;
	trust_report(&w.t, t, done);
	ck_assert_uint_eq(done->n, 2);
	ck_assert_str_eq(done->authority[0].name, "a");
	ck_assert_uint_eq(done->authority[0].anchors, 1);
	ck_assert_uint_eq(done->authority[0].n_keys, 1);
	ck_assert_mem_eq(done->authority[0].key[0],
	    w.t.authority[0].anchor[0].key, 32);
	ck_assert_int_eq(done->authority[0].anchors_expire,
	    w.t.authority[0].anchor[0].not_after);
	ck_assert(done->authority[0].has_crl);
	ck_assert_uint_eq(done->authority[0].crl.number[0], 7);
	ck_assert_int_eq(done->authority[0].next_update,
	    w.t.authority[0].anchor[0].crl.next_update);
	ck_assert_uint_eq(done->authority[0].revoked, 3);
	ck_assert_str_eq(done->authority[0].crl_problem, "");
	ck_assert_uint_eq(done->authority[1].class, FACTS_HOST);
	ck_assert(!done->authority[1].has_crl);
	ck_assert_int_eq(done->authority[1].next_update, 0);
	ck_assert_str_eq(done->authority[1].crl_problem,
	    w.t.authority[1].anchor[0].crl.problem);
	ck_assert_ptr_nonnull(strstr(done->authority[1].crl_problem,
	    "unknown critical"));
	/* what was verified now, and nothing else */
	ck_assert_uint_eq(done->n_seen, 1);
	ck_assert_mem_eq(done->seen[0].issuer_key,
	    w.t.authority[0].anchor[0].key, 32);
	ck_assert_uint_eq(done->seen[0].number[0], 7);
	ck_assert_int_eq(done->seen[0].this_update, t);
	ck_assert_int_eq(done->seen[0].newest, t);
	/* a clock that knows nothing vouches for no time behind the program's
	 * own */
	w.t.authority[0].anchor[0].crl.this_update = BUILD_EPOCH + 90000;
	trust_report(&w.t, 0, done);
	ck_assert_int_eq(done->seen[0].this_update, BUILD_EPOCH + 90000);
	ck_assert_int_eq(done->seen[0].newest, BUILD_EPOCH + 86400);
	trust_report(&w.t, BUILD_EPOCH + 3600, done);
	ck_assert_int_eq(done->seen[0].newest, BUILD_EPOCH + 90000);
	buf_free(&crl_a);
	buf_free(&crl_b);
	pki_free(&a);
	pki_free(&b);
	world_free(&w);
	free(done);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("trust");
	TCase *t = tcase_create("conf");

	tcase_add_loop_test(t, conf, 0, N(confs));
	tcase_add_test(t, conf_values);
	tcase_add_loop_test(t, url, 0, N(urls));
	tcase_add_test(t, url_limits);
	tcase_add_test(t, conf_limits);
	suite_add_tcase(s, t);
	t = tcase_create("crl");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, load_good);
	tcase_add_loop_test(t, crl_forms, 0, N(crls));
	tcase_add_test(t, crl_future_before_build);
	tcase_add_test(t, crl_damaged);
	tcase_add_test(t, crl_missing);
	tcase_add_test(t, crl_issuer_may_not);
	tcase_add_loop_test(t, crl_numbers, 0, N(numbers));
	tcase_add_test(t, crl_highest);
	tcase_add_test(t, crl_rollover);
	tcase_add_test(t, time_remembered);
	tcase_add_test(t, crl_none);
	tcase_add_test(t, crl_large);
	tcase_add_test(t, crl_too_many);
	suite_add_tcase(s, t);
	t = tcase_create("anchor");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, anchor_forms, 0, N(anchors));
	tcase_add_test(t, anchor_files);
	tcase_add_test(t, anchor_between);
	tcase_add_test(t, single);
	suite_add_tcase(s, t);
	t = tcase_create("flat");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, flat);
	tcase_add_loop_test(t, flat_limits, 0, N(members));
	tcase_add_test(t, report);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
