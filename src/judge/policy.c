#include "judge/policy.h"

#include <string.h>

#include "base/memfile.h"
#include "idmap/compiled.h"
#include "proto/chan.h"

#define MAGIC "certlogin-policy"
/* Every anchor that there can be, with what goes with it. */
#define TRUST_MAX (16u << 20)

void
policy_authorities(const struct trust *t,
    struct map_authority out[TRUST_AUTHORITIES_MAX])
{
	for (size_t i = 0; i < t->n && i < TRUST_AUTHORITIES_MAX; i++)
		out[i] = (struct map_authority){
			.name = t->authority[i].rules.name,
			.class = t->authority[i].rules.class,
			.fold = t->authority[i].rules.fold };
}

/* ---- making ------------------------------------------------------------------ */

static struct span
key(const char *name)
{
	return (struct span){ (const uint8_t *)name, strlen(name) };
}

static int
add_version(struct db_maker *m, uint64_t number)
{
	struct buf b;
	int r;

	buf_init(&b, 64);
	buf_put_cstring(&b, MAGIC);
	buf_put_u8(&b, IPC_VERSION);
	buf_put_u64(&b, number);
	if ((r = buf_err(&b)) == 0)
		r = db_add(m, key("v"), (struct span){ b.data, b.len });
	buf_free(&b);
	return r;
}

static int
add_trust(struct db_maker *m, const struct trust *t)
{
	struct buf b;
	int r;

	buf_init(&b, TRUST_MAX);
	trust_put(&b, t);
	if ((r = buf_err(&b)) == 0 &&
	    (r = db_add(m, key("t"), (struct span){ b.data, b.len })) == 0)
		r = db_add(m, key("r"), trust_table(t));
	buf_free(&b);
	return r;
}

int
policy_make(uint64_t number, const struct trust *t, const struct map *map,
    const struct map *locks)
{
	struct map_authority authority[TRUST_AUTHORITIES_MAX];
	struct db_maker *m = db_make("certlogin-policy");
	int r;

	if (m == NULL)
		return ERR_SYS;
	policy_authorities(t, authority);
	if ((r = add_version(m, number)) == 0 &&
	    (r = add_trust(m, t)) == 0 &&
	    (r = compiled_put(m, COMPILED_MAP, map, authority, t->n)) == 0)
		r = compiled_put(m, COMPILED_LOCKS, locks, authority, t->n);
	if (r == 0)
		return db_finish(m);
	db_cancel(m);
	return r;
}

/* ---- reading ----------------------------------------------------------------- */

int
policy_map(int fd, struct span *bytes, struct why *why)
{
	int r = memfile_map_file(fd, POLICY_MAX, bytes);

	return r == 0 ? 0 : why_set(why, r, "policy: %s", err_text(r));
}

/* A record that every policy has. */
static int
need(const struct db *db, const char *name, struct rd *out)
{
	struct span value;
	int r = db_get(db, key(name), &value);

	*out = rd_of_span(value);
	return r == 1 ? 0 : ERR_MALFORMED;
}

static int
get_version(const struct db *db, uint64_t *number, struct why *why)
{
	struct rd r;
	struct span magic;
	uint8_t version;

	if (need(db, "v", &r) != 0)
		return why_set(why, ERR_MALFORMED, "not a policy");
	magic = rd_string(&r, sizeof(MAGIC) - 1);
	version = rd_u8(&r);
	if (r.err != 0 || !span_eq_str(magic, MAGIC))
		return why_set(why, ERR_MALFORMED, "not a policy");
	if (version != IPC_VERSION)
		return why_set(why, ERR_VERSION, "policy of version %u; "
		    "expected %u", version, IPC_VERSION);
	*number = rd_u64(&r);
	return rd_end(&r) == 0 ? 0 : why_set(why, ERR_MALFORMED,
	    "policy: %s", err_text(rd_end(&r)));
}

static int
get_trust(const struct db *db, struct policy *p, struct why *why)
{
	struct rd r, table;
	int e;

	if ((e = need(db, "t", &r)) == 0 && (e = need(db, "r", &table)) == 0 &&
	    (e = trust_get(&r, rd_rest(&table), &p->trust)) == 0 &&
	    (e = rd_end(&r)) != 0)
		trust_free(&p->trust);
	if (e != 0)
		return why_set(why, e, "policy: %s", err_text(e));
	policy_authorities(&p->trust, p->authority);
	return 0;
}

int
policy_get(struct policy *p, struct span bytes, struct why *why)
{
	struct db db;
	int e;

	*p = (struct policy){ .number = 0 };
	if (db_open(&db, bytes) != 0)
		return why_set(why, ERR_MALFORMED, "not a policy");
	if ((e = get_version(&db, &p->number, why)) != 0 ||
	    (e = get_trust(&db, p, why)) != 0)
		return e;
	p->map = compiled_ruleset(&db, COMPILED_MAP);
	p->locks = compiled_ruleset(&db, COMPILED_LOCKS);
	return 0;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	trust_free(&p->trust);
}
