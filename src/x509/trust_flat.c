/* A loaded trust as bytes, encoder beside decoder. */
#include <stdlib.h>
#include <string.h>

#include "x509/sig.h"
#include "x509/trust.h"

#define FLAT_VERSION 3
#define KEEP_EXPIRED 1		/* bits of live */
#define END_STALE 2
#define TIME_MIN (-INT64_C(631152000))	/* 1950-01-01 */
#define TIME_MAX INT64_C(253402300799)	/* 9999-12-31 23:59:59 */

/* the table is searched where it lies, at any address */
_Static_assert(sizeof(struct trust_revoked) == 33 + SLICE_SERIAL_MAX,
    "no padding in a flat table");
_Static_assert(_Alignof(struct trust_revoked) == 1,
    "a flat table may lie anywhere");

/*
 * byte version; uint32 n; n authorities; uint32 entries of the table
 *
 * An authority: string name; byte class; uint32 fold; byte revocation; byte
 * live (1 keep expired, 2 end stale); uint32 grace, max lifetime; uint32 n;
 * n { byte field; string pattern }; int64 verified time; uint32 n; n anchors
 * An anchor: string DER; CRL: bool usable; string problem; int64 thisUpdate,
 * nextUpdate; string number; string file; uint32 revoked
 *
 * What follows from an anchor's DER is cut and hashed again at the other end.
 */
static void
put_rules(struct buf *b, const struct trust_rules *r)
{
	buf_put_cstring(b, r->name);
	buf_put_u8(b, (uint8_t)r->class);
	buf_put_u32(b, r->fold);
	buf_put_u8(b, (uint8_t)r->revocation);
	buf_put_u8(b, (r->on_expiry == TRUST_EXPIRY_KEEP ? KEEP_EXPIRED : 0) |
	    (r->on_stale == TRUST_STALE_END ? END_STALE : 0));
	buf_put_u32(b, r->grace);
	buf_put_u32(b, r->max_lifetime);
	buf_put_u32(b, (uint32_t)r->n_names);
	for (size_t i = 0; i < r->n_names; i++) {
		buf_put_u8(b, (uint8_t)r->names[i].field);
		buf_put_cstring(b, r->names[i].pattern);
	}
}

static void
get_names(struct rd *rd, struct trust_rules *r)
{
	uint32_t n = rd_u32(rd);

	if (rd->err == 0 && n > TRUST_NAMES_MAX)
		rd->err = ERR_TOOBIG;
	if (rd->err != 0 || n == 0)
		return;
	if ((r->names = calloc(n, sizeof(*r->names))) == NULL) {
		rd->err = ERR_NOMEM;
		return;
	}
	r->n_names = n;
	for (uint32_t i = 0; i < n; i++) {
		uint8_t field = rd_u8(rd);

		if (rd->err == 0 && field >= FACTS_FIELDS)
			rd->err = ERR_MALFORMED;
		r->names[i].field = (enum facts_field)field;
		rd_cstring(rd, r->names[i].pattern,
		    sizeof(r->names[i].pattern));
	}
}

static void
get_rules(struct rd *rd, struct trust_rules *r)
{
	uint8_t class, revocation, live;

	rd_cstring(rd, r->name, sizeof(r->name));
	class = rd_u8(rd);
	r->fold = rd_u32(rd);
	revocation = rd_u8(rd);
	live = rd_u8(rd);
	r->grace = rd_u32(rd);
	r->max_lifetime = rd_u32(rd);
	if (rd->err == 0 && (r->name[0] == '\0' || class >= FACTS_CLASSES ||
	    revocation > TRUST_NONE || (live & ~(KEEP_EXPIRED | END_STALE)) !=
	    0 || r->fold >> FACTS_FIELDS != 0))
		rd->err = ERR_MALFORMED;
	r->class = (enum facts_class)class;
	r->revocation = (enum trust_revocation)revocation;
	r->on_expiry = (live & KEEP_EXPIRED) != 0 ? TRUST_EXPIRY_KEEP :
	    TRUST_EXPIRY_END;
	r->on_stale = (live & END_STALE) != 0 ? TRUST_STALE_END :
	    TRUST_STALE_KEEP;
	get_names(rd, r);
}

static void
put_anchor(struct buf *b, const struct trust_anchor *a)
{
	buf_put_string(b, a->cert.whole.p, a->cert.whole.n);
	buf_put_bool(b, a->crl.usable);
	buf_put_cstring(b, a->crl.problem);
	buf_put_u64(b, (uint64_t)a->crl.this_update);
	buf_put_u64(b, (uint64_t)a->crl.next_update);
	buf_put_string(b, a->crl.number, a->crl.number_len);
	buf_put_cstring(b, a->crl.file);
	buf_put_u32(b, a->crl.revoked);
}

/* What a Time can say, so that nobody's sum of times overflows. */
static int64_t
get_time(struct rd *rd)
{
	int64_t t = (int64_t)rd_u64(rd);

	if (rd->err == 0 && (t < TIME_MIN || t > TIME_MAX))
		rd->err = ERR_MALFORMED;
	return rd->err == 0 ? t : 0;
}

static void
get_crl(struct rd *rd, struct trust_crl *c)
{
	struct span number;

	c->usable = rd_bool(rd);
	rd_cstring(rd, c->problem, sizeof(c->problem));
	c->this_update = get_time(rd);
	c->next_update = get_time(rd);
	number = rd_string(rd, sizeof(c->number));
	rd_cstring(rd, c->file, sizeof(c->file));
	c->revoked = rd_u32(rd);
	if (rd->err == 0 && c->usable && number.n == 0)
		rd->err = ERR_MALFORMED;
	if (rd->err != 0)
		return;
	memcpy(c->number, number.p, number.n);
	c->number_len = (uint8_t)number.n;
}

static void
get_anchor(struct rd *rd, struct trust_anchor *a)
{
	struct span der = rd_string(rd, SLICE_CERT_MAX);

	get_crl(rd, &a->crl);
	if (rd->err == 0)
		rd->err = slice_cert(der, &a->cert, NULL);
	if (rd->err == 0 && (slice_time(a->cert.not_before,
	    &a->not_before) != 0 || slice_time(a->cert.not_after,
	    &a->not_after) != 0))
		rd->err = ERR_MALFORMED;
	if (rd->err == 0)
		rd->err = sig_sha256(a->cert.spki, a->key);
}

static void
put_authority(struct buf *b, const struct trust_authority *a)
{
	put_rules(b, &a->rules);
	buf_put_u64(b, (uint64_t)a->verified_time);
	buf_put_u32(b, (uint32_t)a->n_anchors);
	for (size_t i = 0; i < a->n_anchors; i++)
		put_anchor(b, &a->anchor[i]);
}

static void
get_authority(struct rd *rd, struct trust_authority *a)
{
	uint32_t n;

	get_rules(rd, &a->rules);
	a->verified_time = get_time(rd);
	n = rd_u32(rd);
	if (rd->err == 0 && (n == 0 || n > TRUST_ANCHORS_MAX))
		rd->err = ERR_TOOBIG;
	if (rd->err != 0)
		return;
	if ((a->anchor = calloc(n, sizeof(*a->anchor))) == NULL) {
		rd->err = ERR_NOMEM;
		return;
	}
	a->n_anchors = n;
	for (uint32_t i = 0; i < n && rd->err == 0; i++)
		get_anchor(rd, &a->anchor[i]);
}

void
trust_put(struct buf *b, const struct trust *t)
{
	buf_put_u8(b, FLAT_VERSION);
	buf_put_u32(b, (uint32_t)t->n);
	for (size_t i = 0; i < t->n; i++)
		put_authority(b, &t->authority[i]);
	buf_put_u32(b, (uint32_t)t->n_revoked);
}

static void
get_authorities(struct rd *rd, struct trust *t)
{
	uint32_t n = rd_u32(rd);

	if (rd->err == 0 && (n == 0 || n > TRUST_AUTHORITIES_MAX))
		rd->err = ERR_TOOBIG;
	if (rd->err != 0)
		return;
	if ((t->authority = calloc(n, sizeof(*t->authority))) == NULL) {
		rd->err = ERR_NOMEM;
		return;
	}
	t->n = n;
	for (uint32_t i = 0; i < n && rd->err == 0; i++)
		get_authority(rd, &t->authority[i]);
}

/* Not looked through: a login must not pay for what the load has sorted. */
static void
get_revoked(struct rd *rd, struct span table, struct trust *t)
{
	uint32_t n = rd_u32(rd);

	if (rd->err == 0 && n > TRUST_REVOKED_MAX)
		rd->err = ERR_TOOBIG;
	if (rd->err == 0 && table.n != (size_t)n * sizeof(*t->revoked))
		rd->err = ERR_MALFORMED;
	if (rd->err != 0)
		return;
	t->revoked = (const struct trust_revoked *)table.p;
	t->n_revoked = n;
}

int
trust_get(struct rd *r, struct span revoked, struct trust *out)
{
	struct trust t = { 0 };

	if (rd_u8(r) != FLAT_VERSION && r->err == 0)
		r->err = ERR_VERSION;
	get_authorities(r, &t);
	get_revoked(r, revoked, &t);
	if (r->err != 0) {
		trust_free(&t);
		return r->err;
	}
	*out = t;
	return 0;
}

struct span
trust_table(const struct trust *t)
{
	return (struct span){ (const uint8_t *)t->revoked,
	    t->n_revoked * sizeof(*t->revoked) };
}
