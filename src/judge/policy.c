#include "judge/policy.h"

#include <string.h>

#include "proto/chan.h"

#define MAGIC "certlogin-policy"

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

int
policy_put(struct buf *b, uint64_t number, const struct trust *t,
    struct span map, struct span locks)
{
	buf_put_cstring(b, MAGIC);
	buf_put_u8(b, IPC_VERSION);
	buf_put_u64(b, number);
	trust_put(b, t);
	buf_put_string(b, map.p, map.n);
	buf_put_string(b, locks.p, locks.n);
	return buf_err(b);
}

/* The texts again; they were parsed once by who made the policy. */
static int
get_maps(struct policy *p, struct span map, struct span locks,
    struct why *why)
{
	struct diag diag;
	char line[512] = "out of memory";
	int r;

	diag_init(&diag);
	r = map_parse(&p->map, "policy", (const char *)map.p, map.n,
	    p->authority, p->trust.n, &diag);
	if (r == 0 && (r = map_parse_locks(&p->locks, "policy",
	    (const char *)locks.p, locks.n, p->authority, p->trust.n,
	    &diag)) != 0)
		map_free(&p->map);
	for (size_t i = 0; r != 0 && i < diag.n; i++)
		if (diag.items[i].level == DIAG_ERROR)
			diag_format(&diag.items[i], line, sizeof(line));
	if (r != 0)
		(void)why_set(why, r, "%s", line);
	diag_free(&diag);
	return r;
}

int
policy_get(struct policy *p, struct span bytes, struct why *why)
{
	struct rd r = rd_of_span(bytes);
	struct span magic = rd_string(&r, sizeof(MAGIC) - 1), map, locks;
	uint8_t version = rd_u8(&r);
	int e;

	*p = (struct policy){ .number = rd_u64(&r) };
	if (r.err != 0 || !span_eq_str(magic, MAGIC))
		return why_set(why, ERR_MALFORMED, "not a policy");
	if (version != IPC_VERSION)
		return why_set(why, ERR_VERSION, "policy of version %u; "
		    "expected %u", version, IPC_VERSION);
	if ((e = trust_get(&r, &p->trust)) == 0) {
		map = rd_string(&r, MAP_FILE_MAX);
		locks = rd_string(&r, MAP_FILE_MAX);
		e = rd_end(&r);
	}
	if (e == 0 && p->trust.n > TRUST_AUTHORITIES_MAX)
		e = ERR_TOOBIG;
	if (e != 0) {
		(void)why_set(why, e, "policy: %s", err_text(e));
		goto out;
	}
	policy_authorities(&p->trust, p->authority);
	e = get_maps(p, map, locks, why);
out:
	if (e != 0) {
		trust_free(&p->trust);
		*p = (struct policy){ 0 };
	}
	return e;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	map_free(&p->map);
	map_free(&p->locks);
	trust_free(&p->trust);
}
