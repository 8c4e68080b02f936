/* The policy as a judge finds it in its sealed file: what can be read is the
 * same when it is written and read again. */
#include "fuzz.h"

#include "base/err.h"
#include "judge/policy.h"

static struct span
texts(const struct policy *p, struct span bytes, struct span *locks)
{
	struct rd r = rd_of_span(bytes);
	struct trust trust;
	struct span text;

	(void)rd_string(&r, 64);
	(void)rd_u8(&r);
	CHECK(rd_u64(&r) == p->number);
	CHECK(trust_get(&r, &trust) == 0);
	CHECK(trust.n == p->trust.n);
	text = rd_string(&r, MAP_FILE_MAX);
	*locks = rd_string(&r, MAP_FILE_MAX);
	CHECK(rd_end(&r) == 0);
	trust_free(&trust);
	return text;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);
	struct span bytes = { copy, size }, map, locks;
	struct policy p;
	struct why why;
	struct buf b;

	if (policy_get(&p, bytes, &why) == 0) {
		for (size_t i = 0; i < p.map.n; i++)
			CHECK(p.map.rule[i].n_matches > 0);
		for (size_t i = 0; i < p.locks.n; i++)
			CHECK(p.locks.rule[i].deny);
		map = texts(&p, bytes, &locks);
		buf_init(&b, POLICY_MAX);
		CHECK(policy_put(&b, p.number, &p.trust, map, locks) == 0);
		fuzz_same(&b, 0, bytes);
		buf_free(&b);
		policy_free(&p);
	}
	free(copy);
	return 0;
}
