/* src/x509/trust_carry.c: a CRL in force outlives the file that it came from,
 * and nothing else does.  trust_load.c: no authority's CRLs take the room of
 * another's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "forge.h"
#include "x509/trust.h"
#include "x509/trust_crl.h"

#define SPAN(s) ((struct span){ (const uint8_t *)(s), sizeof(s) - 1 })

#define HEAD "[authority a]\nclass = user\nnames = dns=*\n"
#define A HEAD "anchor = a.crt\ncrl = a.crl\n"
#define B "[authority b]\nclass = user\nnames = dns=*\nanchor = b.crt\n" \
    "crl = b.crl\n"
#define C "[authority c]\nclass = user\nnames = dns=*\nanchor = o.crt\n" \
    "crl = o.crl\n"

/* ---- a host with two authorities -------------------------------------------- */

struct host {
	struct pki a, b, other;
	int64_t now;
	struct trust in_force, t;
	struct buf flat, table;		/* what in_force is a view of */
	struct ipc_seen seen[2];
	size_t n_seen, revoked_max;
	struct buf crl[32];
	size_t n_crls;
	struct trust_file file[12];
	size_t n_files;
	struct diag diag;
};

static void
put(struct host *h, const char *path, struct span bytes)
{
	size_t i = 0;

	while (i < h->n_files && strcmp(h->file[i].path, path) != 0)
		i++;
	if (i == h->n_files)
		h->n_files++;
	h->file[i] = (struct trust_file){ .path = path, .bytes = bytes };
}

/* A CRL of this number that revokes from..from + n - 1. */
static struct span
crl_of(struct host *h, const struct pki *signer, uint8_t number,
    unsigned from, unsigned n)
{
	struct forge_crl c = forge_crl(signer, h->now,
	    (const char *)&number, 1);
	struct buf *b = &h->crl[h->n_crls++];

	ck_assert_uint_le(h->n_crls, sizeof(h->crl) / sizeof(h->crl[0]));
	c.first = from;
	c.n = n;
	buf_init(b, 1 << 20);
	forge_crl_put(b, &c);
	return (struct span){ b->data, b->len };
}

static int
load(struct host *h, const char *text)
{
	const struct trust_before before = { .seen = h->seen,
	    .n_seen = h->n_seen, .revoked_max = h->revoked_max,
	    .in_force = h->in_force.n > 0 ? &h->in_force : NULL };
	struct trust_conf c;
	int r;

	trust_free(&h->t);
	diag_free(&h->diag);
	ck_assert_int_eq(trust_conf_parse(&c, "t", text, strlen(text),
	    &h->diag), 0);
	diag_free(&h->diag);
	r = trust_load(&h->t, "t", &c, h->file, h->n_files, &before, h->now,
	    &h->diag);
	trust_conf_free(&c);
	return r;
}

/* What was loaded comes into force: by way of its bytes, as in a policy. */
static void
swap(struct host *h)
{
	struct span table = trust_table(&h->t);
	struct rd r;

	trust_free(&h->in_force);
	buf_free(&h->flat);
	buf_free(&h->table);
	buf_init(&h->flat, 1 << 20);
	buf_init(&h->table, 1 << 20);
	trust_put(&h->flat, &h->t);
	buf_put_raw(&h->table, table.p, table.n);
	ck_assert_int_eq(buf_err(&h->flat), 0);
	r = rd_of_buf(&h->flat);
	table.p = h->table.data;
	ck_assert_int_eq(trust_get(&r, table, &h->in_force), 0);
	trust_free(&h->t);
}

/* In force: a's CRL 7, which revokes 1, 2 and 3, and b's CRL 5: 1. */
static void
begin(struct host *h)
{
	memset(h, 0, sizeof(*h));
	h->now = time(NULL);
	diag_init(&h->diag);
	forge_ca(&h->a, PKI_P256, "a", NULL, NULL);
	forge_ca(&h->b, PKI_ED25519, "b", NULL, NULL);
	forge_ca(&h->other, PKI_P256, "a", NULL, NULL);
	put(h, "a.crt", pki_der(&h->a));
	put(h, "b.crt", pki_der(&h->b));
	put(h, "a.crl", crl_of(h, &h->a, 7, 1, 3));
	put(h, "b.crl", crl_of(h, &h->b, 5, 1, 1));
	ck_assert_int_eq(load(h, A B), 0);
	ck_assert_uint_eq(h->diag.n, 0);
	swap(h);
}

static void
end(struct host *h)
{
	trust_free(&h->t);
	trust_free(&h->in_force);
	diag_free(&h->diag);
	buf_free(&h->flat);
	buf_free(&h->table);
	for (size_t i = 0; i < h->n_crls; i++)
		buf_free(&h->crl[i]);
	pki_free(&h->a);
	pki_free(&h->b);
	pki_free(&h->other);
}

static bool
is_revoked(const struct trust *t, const struct trust_anchor *k, unsigned v)
{
	const uint8_t serial[5] = { 0x40, 0, 0, 0, (uint8_t)v };

	return trust_is_revoked(t, k->key, (struct span){ serial, 5 });
}

/* Its CRL is the one that was in force. */
static void
assert_carried(const struct host *h, size_t anchor, const char *problem)
{
	const struct trust_anchor *k = &h->t.authority[0].anchor[anchor];
	const struct trust_crl *old = &h->in_force.authority[0].anchor[0].crl;

	ck_assert(trust_crl_is_carried(&k->crl));
	ck_assert(k->crl.usable);
	ck_assert_msg(strstr(k->crl.problem, problem) != NULL, "%s",
	    k->crl.problem);
	ck_assert_uint_eq(k->crl.number_len, 1);
	ck_assert_uint_eq(k->crl.number[0], 7);
	ck_assert_int_eq(k->crl.this_update, old->this_update);
	ck_assert_int_eq(k->crl.next_update, old->next_update);
	ck_assert_uint_eq(k->crl.revoked, 3);
	ck_assert_str_eq(k->crl.file, "a.crl");
	for (unsigned v = 1; v <= 3; v++)
		ck_assert(is_revoked(&h->t, k, v));
	ck_assert(!is_revoked(&h->t, k, 4));
	ck_assert_int_ge(h->t.authority[0].verified_time, old->this_update);
}

static void
assert_none(const struct host *h, size_t anchor)
{
	const struct trust_anchor *k = &h->t.authority[0].anchor[anchor];

	ck_assert(!k->crl.usable);
	ck_assert(!trust_crl_is_carried(&k->crl));
	ck_assert_str_ne(k->crl.problem, "");
	ck_assert(!is_revoked(&h->t, k, 1));
}

static bool
said(const struct host *h, const char *text)
{
	for (size_t i = 0; i < h->diag.n; i++)
		if (strstr(h->diag.items[i].text, text) != NULL)
			return true;
	return false;
}

/* ---- files that cannot be used ------------------------------------------------ */

static struct span
missing(struct host *h)
{
	(void)h;
	return (struct span){ NULL, 0 };
}

static struct span
damaged(struct host *h)
{
	(void)h;
	return SPAN("\x30\x03\x02\x01\x01");
}

static struct span
empty(struct host *h)
{
	(void)h;
	return SPAN("");
}

static struct span
forged(struct host *h)
{
	return crl_of(h, &h->other, 8, 9, 1);
}

static struct span
foreign(struct host *h)
{
	return crl_of(h, &h->b, 8, 9, 1);
}

static struct span
rolled_back(struct host *h)
{
	struct span s = crl_of(h, &h->a, 6, 9, 1);

	h->seen[0] = trust_crl_seen(h->in_force.authority[0].anchor[0].key,
	    &h->in_force.authority[0].anchor[0].crl);
	h->n_seen = 1;
	return s;
}

static const struct {
	struct span (*make)(struct host *);
	const char *problem;
} broken[] = {
	{ missing, "CRL a.crl: not there" },
	{ damaged, "CRL a.crl: " },
	{ empty, "CRL a.crl: " },
	{ forged, "forged or damaged" },
	{ foreign, "of another issuer" },
	{ rolled_back, "rolled back" },
};
#define N_BROKEN ((int)(sizeof(broken) / sizeof(broken[0])))

/* What else has changed counts; the next good CRL ends it. */
START_TEST(carried)
{
	struct host h;

	begin(&h);
	put(&h, "a.crl", broken[_i].make(&h));
	put(&h, "b.crl", crl_of(&h, &h.b, 6, 1, 2));
	ck_assert_int_eq(load(&h, A B), 0);
	ck_assert_uint_eq(h.diag.errors, 0);
	assert_carried(&h, 0, broken[_i].problem);
	ck_assert(said(&h, "which was loaded before, stays in force"));
	ck_assert(!trust_crl_is_carried(&h.t.authority[1].anchor[0].crl));
	ck_assert_uint_eq(h.t.authority[1].anchor[0].crl.number[0], 6);
	ck_assert(is_revoked(&h.t, &h.t.authority[1].anchor[0], 2));
	ck_assert_uint_eq(h.t.n_revoked, 5);
	/* again, and again */
	for (int i = 0; i < 2; i++) {
		swap(&h);
		ck_assert_int_eq(load(&h, A B), 0);
		assert_carried(&h, 0, broken[_i].problem);
		ck_assert_uint_eq(h.t.n_revoked, 5);
	}
	swap(&h);
	put(&h, "a.crl", crl_of(&h, &h.a, 8, 2, 1));
	ck_assert_int_eq(load(&h, A B), 0);
	ck_assert_uint_eq(h.diag.n, 0);
	ck_assert_str_eq(h.t.authority[0].anchor[0].crl.problem, "");
	ck_assert_uint_eq(h.t.authority[0].anchor[0].crl.number[0], 8);
	ck_assert(!is_revoked(&h.t, &h.t.authority[0].anchor[0], 1));
	ck_assert(is_revoked(&h.t, &h.t.authority[0].anchor[0], 2));
	ck_assert_uint_eq(h.t.n_revoked, 3);
	end(&h);
}
END_TEST

/* Without a policy in force there is nothing to carry over. */
START_TEST(first_load)
{
	struct host h;

	begin(&h);
	put(&h, "a.crl", broken[_i].make(&h));
	trust_free(&h.in_force);
	ck_assert_int_eq(load(&h, A B), 0);
	assert_none(&h, 0);
	ck_assert(h.t.authority[1].anchor[0].crl.usable);
	end(&h);
}
END_TEST

/* ---- what trust.conf no longer wants ------------------------------------------- */

/* Another key under the same names of authority and CA. */
START_TEST(other_key)
{
	struct host h;

	begin(&h);
	put(&h, "a.crl", missing(&h));
	ck_assert_int_eq(load(&h, A B), 0);
	assert_carried(&h, 0, "not there");
	put(&h, "a.crt", pki_der(&h.other));
	ck_assert_int_eq(load(&h, A B), 0);
	assert_none(&h, 0);
	ck_assert_uint_eq(h.t.n_revoked, 1);
	end(&h);
}
END_TEST

/* The same key in an authority of another name. */
START_TEST(other_authority)
{
	struct host h;

	begin(&h);
	put(&h, "a.crl", missing(&h));
	ck_assert_int_eq(load(&h, "[authority c]\nclass = user\n"
	    "names = dns=*\nanchor = a.crt\ncrl = a.crl\n" B), 0);
	assert_none(&h, 0);
	end(&h);
}
END_TEST

/* The same key, certified anew: by another name, or without the right to sign
 * CRLs, it signs no such CRL any more. */
START_TEST(other_certificate)
{
	const struct {
		const char *name;
		unsigned usage;
		bool good;
	} rows[] = {
		{ "a", 0, true },
		{ "z", 0, false },
		{ "a", GNUTLS_KEY_KEY_CERT_SIGN, false },
	};
	struct host h;
	struct pki ca;

	begin(&h);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct forge_how how = { .key = &h.a,
		    .usage = rows[i].usage };

		forge_ca(&ca, PKI_P256, rows[i].name, NULL, &how);
		put(&h, "a.crt", pki_der(&ca));
		put(&h, "a.crl", missing(&h));
		ck_assert_int_eq(load(&h, A B), 0);
		if (rows[i].good)
			assert_carried(&h, 0, "not there");
		else
			assert_none(&h, 0);
		pki_free(&ca);
	}
	end(&h);
}
END_TEST

#define TWO HEAD "anchor = a.crt\nanchor = o.crt\ncrl = a.crl\ncrl = o.crl\n"

/* In force: the authority has two anchors, each with its CRL. */
static void
begin_two(struct host *h)
{
	begin(h);
	put(h, "o.crt", pki_der(&h->other));
	put(h, "o.crl", crl_of(h, &h->other, 9, 7, 2));
	ck_assert_int_eq(load(h, TWO), 0);
	ck_assert_uint_eq(h->diag.n, 0);
	swap(h);
}

START_TEST(anchor_removed)
{
	struct host h;

	begin_two(&h);
	put(&h, "a.crl", missing(&h));
	ck_assert_int_eq(load(&h, TWO), 0);
	assert_carried(&h, 0, "not there");
	ck_assert(!trust_crl_is_carried(&h.t.authority[0].anchor[1].crl));
	ck_assert_uint_eq(h.t.n_revoked, 5);
	/* its revocations go with it */
	ck_assert_int_eq(load(&h, HEAD "anchor = o.crt\ncrl = a.crl\n"
	    "crl = o.crl\n"), 0);
	ck_assert_uint_eq(h.t.authority[0].n_anchors, 1);
	ck_assert_uint_eq(h.t.authority[0].anchor[0].crl.number[0], 9);
	ck_assert_str_eq(h.t.authority[0].anchor[0].crl.problem, "");
	ck_assert_uint_eq(h.t.n_revoked, 2);
	end(&h);
}
END_TEST

START_TEST(line_removed)
{
	struct host h;

	begin_two(&h);
	put(&h, "a.crl", missing(&h));
	ck_assert_int_eq(load(&h, TWO), 0);
	assert_carried(&h, 0, "not there");
	ck_assert_int_eq(load(&h, HEAD "anchor = a.crt\nanchor = o.crt\n"
	    "crl = o.crl\n"), 0);
	assert_none(&h, 0);
	ck_assert_uint_eq(h.t.n_revoked, 2);
	/* nor does the other one's broken file bring it back */
	put(&h, "o.crl", SPAN("x"));
	ck_assert_int_eq(load(&h, HEAD "anchor = a.crt\nanchor = o.crt\n"
	    "crl = o.crl\n"), 0);
	assert_none(&h, 0);
	ck_assert(trust_crl_is_carried(&h.t.authority[0].anchor[1].crl));
	ck_assert_int_eq(load(&h, HEAD "anchor = a.crt\nanchor = o.crt\n"
	    "revocation = none\n"), 0);
	ck_assert(!h.t.authority[0].anchor[0].crl.usable);
	ck_assert_uint_eq(h.t.n_revoked, 0);
	end(&h);
}
END_TEST

/* Another file in its place, which is not there yet. */
START_TEST(line_renamed)
{
	struct host h;

	begin(&h);
	ck_assert_int_eq(load(&h, HEAD "anchor = a.crt\ncrl = new.crl\n" B),
	    0);
	assert_carried(&h, 0, "CRL new.crl: not there");
	swap(&h);
	ck_assert_int_eq(load(&h, HEAD "anchor = a.crt\ncrl = new.crl\n" B),
	    0);
	assert_carried(&h, 0, "CRL new.crl: not there");
	put(&h, "new.crl", crl_of(&h, &h.a, 8, 2, 1));
	ck_assert_int_eq(load(&h, HEAD "anchor = a.crt\ncrl = new.crl\n" B),
	    0);
	ck_assert_str_eq(h.t.authority[0].anchor[0].crl.problem, "");
	ck_assert_str_eq(h.t.authority[0].anchor[0].crl.file, "new.crl");
	end(&h);
}
END_TEST

/* A file of two CRLs that ends behind the first. */
START_TEST(bundle_cut)
{
	const char *text = HEAD "anchor = a.crt\nanchor = o.crt\n"
	    "crl = all.crl\n";
	struct host h;
	struct buf all;
	size_t one;

	begin(&h);
	put(&h, "o.crt", pki_der(&h.other));
	buf_init(&all, 1 << 20);
	forge_pem(&all, "X509 CRL", crl_of(&h, &h.other, 9, 7, 2));
	one = all.len;
	forge_pem(&all, "X509 CRL", crl_of(&h, &h.a, 7, 1, 3));
	put(&h, "all.crl", (struct span){ all.data, all.len });
	ck_assert_int_eq(load(&h, text), 0);
	ck_assert_uint_eq(h.diag.n, 0);
	swap(&h);
	put(&h, "all.crl", (struct span){ all.data, one });
	ck_assert_int_eq(load(&h, text), 0);
	ck_assert(trust_crl_is_carried(&h.t.authority[0].anchor[0].crl));
	ck_assert_str_eq(h.t.authority[0].anchor[0].crl.problem,
	    "no CRL of this anchor any more");
	ck_assert(is_revoked(&h.t, &h.t.authority[0].anchor[0], 3));
	ck_assert_str_eq(h.t.authority[0].anchor[1].crl.problem, "");
	ck_assert_uint_eq(h.t.n_revoked, 5);
	buf_free(&all);
	end(&h);
}
END_TEST

/* Anchors of one key share what is carried over; each entry is there once. */
START_TEST(one_key)
{
	const char *text = HEAD "anchor = a.crt\nanchor = again.crt\n"
	    "crl = a.crl\n";
	struct forge_how how;
	struct pki again;
	struct host h;

	begin(&h);
	how = (struct forge_how){ .key = &h.a };
	forge_ca(&again, PKI_P256, "a", NULL, &how);
	put(&h, "again.crt", pki_der(&again));
	put(&h, "a.crl", missing(&h));
	ck_assert_int_eq(load(&h, text), 0);
	assert_carried(&h, 0, "not there");
	assert_carried(&h, 1, "not there");
	ck_assert_uint_eq(h.t.n_revoked, 3);
	pki_free(&again);
	end(&h);
}
END_TEST

/* It runs out when it would have. */
START_TEST(stale)
{
	struct host h;
	int64_t until;

	begin(&h);
	put(&h, "a.crl", missing(&h));
	ck_assert_int_eq(load(&h, A B), 0);
	until = h.t.authority[0].anchor[0].crl.next_update;
	ck_assert_int_eq(trust_fresh_until(&h.t.authority[0], h.now), until);
	ck_assert_int_eq(trust_fresh_until(&h.t.authority[0], until + 1), 0);
	swap(&h);
	h.now = until + 1;
	ck_assert_int_eq(load(&h, A B), 0);
	assert_carried(&h, 0, "not there");
	ck_assert_int_eq(trust_fresh_until(&h.t.authority[0], h.now), 0);
	end(&h);
}
END_TEST

/* ---- what is reported ----------------------------------------------------------- */

START_TEST(report)
{
	struct ipc_load_done *done = calloc(1, sizeof(*done));
	struct host h;

	begin_two(&h);
	put(&h, "a.crl", missing(&h));
	ck_assert_int_eq(load(&h, TWO), 0);
	trust_report(&h.t, h.now, done);
	ck_assert(done->authority[0].crl_carried);
	ck_assert(!done->authority[0].crl_missing);
	ck_assert_str_eq(done->authority[0].crl_problem,
	    "CRL a.crl: not there");
	ck_assert(done->authority[0].has_crl);
	ck_assert_uint_eq(done->authority[0].crl.number[0], 7);
	/* only the other one was verified now */
	ck_assert_uint_eq(done->n_seen, 1);
	ck_assert_uint_eq(done->seen[0].number[0], 9);
	/* one that is not there is worse */
	swap(&h);
	put(&h, "b.crt", pki_der(&h.b));
	ck_assert_int_eq(load(&h, TWO "anchor = b.crt\n"), 0);
	trust_report(&h.t, h.now, done);
	ck_assert(done->authority[0].crl_carried);
	ck_assert(done->authority[0].crl_missing);
	put(&h, "a.crl", crl_of(&h, &h.a, 8, 1, 1));
	ck_assert_int_eq(load(&h, TWO), 0);
	trust_report(&h.t, h.now, done);
	ck_assert(!done->authority[0].crl_carried);
	ck_assert_str_eq(done->authority[0].crl_problem, "");
	ck_assert_uint_eq(done->n_seen, 2);
	free(done);
	end(&h);
}
END_TEST

/* ---- room for all ---------------------------------------------------------------- */

/* entries of each of three authorities; the limit, and what that is for each */
static const unsigned counts[] = { 0, 1, 2, 3, 6, 7 };
#define N_COUNTS 6
#define LIMIT 6
#define SHARE 2

struct lists {
	struct span of[3][N_COUNTS];
};

/* Whoever has no more than its share keeps it, and nobody is refused but for
 * want of room; what counts is all there, and nothing else is. */
static void
assert_fair(struct host *h, const size_t k[3])
{
	size_t all = 0, kept = 0;

	for (size_t i = 0; i < 3; i++) {
		const struct trust_anchor *a = &h->t.authority[i].anchor[0];
		unsigned n = counts[k[i]];

		all += n;
		kept += a->crl.usable ? n : 0;
		ck_assert_msg(a->crl.usable || n > SHARE, "%u of %u %u %u",
		    n, counts[k[0]], counts[k[1]], counts[k[2]]);
		for (unsigned v = 1; v <= 8; v++)
			ck_assert_int_eq(is_revoked(&h->t, a, v),
			    a->crl.usable && v <= n);
		ck_assert_int_eq(a->crl.usable, a->crl.problem[0] == '\0');
		if (!a->crl.usable)
			ck_assert_ptr_nonnull(strstr(a->crl.problem,
			    "its share"));
	}
	ck_assert_uint_eq(h->t.n_revoked, kept);
	ck_assert_uint_le(kept, LIMIT);
	ck_assert(all > LIMIT || kept == all);
}

START_TEST(shares)
{
	struct lists l;
	struct host h;

	begin(&h);
	put(&h, "o.crt", pki_der(&h.other));
	for (size_t i = 0; i < N_COUNTS; i++) {
		l.of[0][i] = crl_of(&h, &h.a, 7, 1, counts[i]);
		l.of[1][i] = crl_of(&h, &h.b, 7, 1, counts[i]);
		l.of[2][i] = crl_of(&h, &h.other, 7, 1, counts[i]);
	}
	trust_free(&h.in_force);
	h.revoked_max = LIMIT;
	for (size_t i = 0; i < N_COUNTS * N_COUNTS * N_COUNTS; i++) {
		const size_t k[3] = { i % N_COUNTS, i / N_COUNTS % N_COUNTS,
		    i / N_COUNTS / N_COUNTS };

		put(&h, "a.crl", l.of[0][k[0]]);
		put(&h, "b.crl", l.of[1][k[1]]);
		put(&h, "o.crl", l.of[2][k[2]]);
		ck_assert_int_eq(load(&h, A B C), 0);
		assert_fair(&h, k);
	}
	end(&h);
}
END_TEST

/* A CRL beside the one that it follows needs no more room than alone, and one
 * that does not count needs none. */
START_TEST(one_after_another)
{
	static const char twice[] = B C HEAD "anchor = a.crt\n"
	    "crl = a.crl\ncrl = later.crl\n";
	const struct trust_anchor *k;
	struct host h;

	begin(&h);
	put(&h, "o.crt", pki_der(&h.other));
	put(&h, "a.crl", crl_of(&h, &h.a, 7, 1, 1));
	put(&h, "b.crl", crl_of(&h, &h.b, 7, 1, 4));
	put(&h, "o.crl", crl_of(&h, &h.other, 7, 1, 0));
	put(&h, "later.crl", crl_of(&h, &h.a, 8, 3, 2));
	trust_free(&h.in_force);
	h.revoked_max = LIMIT;
	ck_assert_int_eq(load(&h, twice), 0);
	k = &h.t.authority[2].anchor[0];
	ck_assert(k->crl.usable);
	ck_assert_uint_eq(k->crl.revoked, 2);
	ck_assert(is_revoked(&h.t, k, 3) && is_revoked(&h.t, k, 4));
	ck_assert(!is_revoked(&h.t, k, 1));
	ck_assert(is_revoked(&h.t, &h.t.authority[0].anchor[0], 4));
	ck_assert_uint_eq(h.t.n_revoked, LIMIT);

	/* the earlier one behind it: it changes nothing */
	put(&h, "a.crl", crl_of(&h, &h.a, 8, 3, 2));
	put(&h, "later.crl", crl_of(&h, &h.a, 7, 1, 6));
	ck_assert_int_eq(load(&h, twice), 0);
	k = &h.t.authority[2].anchor[0];
	ck_assert(k->crl.usable && is_revoked(&h.t, k, 4));
	ck_assert(is_revoked(&h.t, &h.t.authority[0].anchor[0], 4));
	ck_assert_uint_eq(h.t.n_revoked, LIMIT);

	/* control: one more is over its share, and the other's 4 stay */
	put(&h, "a.crl", crl_of(&h, &h.a, 9, 1, 3));
	put(&h, "later.crl", pki_der(&h.a));
	ck_assert_int_eq(load(&h, twice), 0);
	k = &h.t.authority[2].anchor[0];
	ck_assert(!k->crl.usable);
	ck_assert_ptr_nonnull(strstr(k->crl.problem, "its share"));
	ck_assert_uint_eq(h.t.n_revoked, 4);
	end(&h);
}
END_TEST

/* Five authorities, of which d and e are made here. */
struct five {
	struct host h;
	struct pki d, e;
};

#define D "[authority d]\nclass = user\nnames = dns=*\nanchor = d.crt\n" \
    "crl = d.crl\n"
#define E "[authority e]\nclass = user\nnames = dns=*\nanchor = e.crt\n" \
    "crl = e.crl\n"

/* So many entries of each. */
static void
begin_five(struct five *f, const unsigned n[5])
{
	begin(&f->h);
	forge_ca(&f->d, PKI_P256, "d", NULL, NULL);
	forge_ca(&f->e, PKI_P256, "e", NULL, NULL);
	put(&f->h, "o.crt", pki_der(&f->h.other));
	put(&f->h, "d.crt", pki_der(&f->d));
	put(&f->h, "e.crt", pki_der(&f->e));
	put(&f->h, "a.crl", crl_of(&f->h, &f->h.a, 7, 1, n[0]));
	put(&f->h, "b.crl", crl_of(&f->h, &f->h.b, 7, 1, n[1]));
	put(&f->h, "o.crl", crl_of(&f->h, &f->h.other, 7, 1, n[2]));
	put(&f->h, "d.crl", crl_of(&f->h, &f->d, 7, 1, n[3]));
	put(&f->h, "e.crl", crl_of(&f->h, &f->e, 7, 1, n[4]));
	f->h.revoked_max = 10;
}

static void
end_five(struct five *f)
{
	pki_free(&f->d);
	pki_free(&f->e);
	end(&f->h);
}

/* Of five, two must go, one behind the other. */
START_TEST(two_put_out)
{
	static const unsigned n[] = { 5, 5, 2, 2, 2 };
	struct five f;

	begin_five(&f, n);
	trust_free(&f.h.in_force);
	ck_assert_int_eq(load(&f.h, A B C D E), 0);
	for (size_t i = 0; i < 5; i++) {
		const struct trust_anchor *k =
		    &f.h.t.authority[i].anchor[0];

		ck_assert_int_eq(k->crl.usable, i > 1);
		ck_assert_int_eq(is_revoked(&f.h.t, k, 1), i > 1);
		ck_assert_int_eq(is_revoked(&f.h.t, k, 2), i > 1);
	}
	ck_assert_uint_eq(f.h.t.n_revoked, 6);
	end_five(&f);
}
END_TEST

/* One that was put out comes back with what it had only where that has room by
 * itself: others took what it left, and the last one none at all. */
START_TEST(puts_out_nobody)
{
	static const unsigned n[] = { 4, 5, 2, 4, 0 };
	struct five f;

	begin_five(&f, n);
	ck_assert_int_eq(load(&f.h, A B C D E), 0);
	for (size_t i = 0; i < 5; i++) {
		const struct trust_anchor *k =
		    &f.h.t.authority[i].anchor[0];

		ck_assert_int_eq(k->crl.usable, i != 1);
		for (unsigned v = 1; v <= 5; v++)
			ck_assert_int_eq(is_revoked(&f.h.t, k, v),
			    i != 1 && v <= n[i]);
	}
	put(&f.h, "d.crl", crl_of(&f.h, &f.d, 8, 1, 3));
	ck_assert_int_eq(load(&f.h, A B C D E), 0);
	for (size_t i = 0; i < 5; i++)
		ck_assert(f.h.t.authority[i].anchor[0].crl.usable);
	ck_assert(trust_crl_is_carried(&f.h.t.authority[1].anchor[0].crl));
	end_five(&f);
}
END_TEST

/* What is carried over has its share as well, and may be what is left of one
 * that has grown too large. */
START_TEST(shares_carried)
{
	struct host h;
	const struct trust_crl *b;

	begin(&h);
	put(&h, "a.crl", missing(&h));
	put(&h, "b.crl", crl_of(&h, &h.b, 6, 1, 6));
	h.revoked_max = 9;
	ck_assert_int_eq(load(&h, B A), 0);
	ck_assert_uint_eq(h.t.n_revoked, 9);
	h.revoked_max = 6;
	ck_assert_int_eq(load(&h, B A), 0);
	ck_assert(said(&h, "'b': its CRLs have 6 entries, more than its share "
	    "of 3"));
	b = &h.t.authority[0].anchor[0].crl;
	ck_assert(trust_crl_is_carried(b));
	ck_assert_uint_eq(b->number[0], 5);
	ck_assert_ptr_nonnull(strstr(b->problem, "its share"));
	ck_assert(trust_crl_is_carried(&h.t.authority[1].anchor[0].crl));
	ck_assert_uint_eq(h.t.n_revoked, 4);
	for (unsigned v = 1; v <= 3; v++)
		ck_assert(is_revoked(&h.t, &h.t.authority[1].anchor[0], v));
	/* and no room for that: it is refused, and a is not */
	h.revoked_max = 3;
	put(&h, "a.crl", crl_of(&h, &h.a, 8, 1, 1));
	put(&h, "b.crl", missing(&h));
	ck_assert_int_eq(load(&h, B A), 0);
	ck_assert_uint_eq(h.t.n_revoked, 2);
	put(&h, "a.crl", missing(&h));
	ck_assert_int_eq(load(&h, B A), 0);
	ck_assert(trust_crl_is_carried(&h.t.authority[0].anchor[0].crl));
	ck_assert(!h.t.authority[1].anchor[0].crl.usable);
	ck_assert_uint_eq(h.t.n_revoked, 1);
	end(&h);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("carry");
	TCase *t = tcase_create("carry");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, carried, 0, N_BROKEN);
	tcase_add_loop_test(t, first_load, 0, N_BROKEN);
	tcase_add_test(t, other_key);
	tcase_add_test(t, other_authority);
	tcase_add_test(t, other_certificate);
	tcase_add_test(t, anchor_removed);
	tcase_add_test(t, line_removed);
	tcase_add_test(t, line_renamed);
	tcase_add_test(t, bundle_cut);
	tcase_add_test(t, one_key);
	tcase_add_test(t, stale);
	tcase_add_test(t, report);
	tcase_add_test(t, shares);
	tcase_add_test(t, one_after_another);
	tcase_add_test(t, two_put_out);
	tcase_add_test(t, puts_out_nobody);
	tcase_add_test(t, shares_carried);
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
