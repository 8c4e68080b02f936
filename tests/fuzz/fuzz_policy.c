/* The policy as a judge finds it, in its sealed file or in one that was kept:
 * whatever the bytes are, it is refused or can be judged by. */
#include "fuzz.h"

#include "base/err.h"
#include "judge/policy.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t serial[] = { 0x40, 0, 0, 0, 1 };
	uint8_t *copy = fuzz_copy(data, size);
	struct policy p;
	struct why why;

	if (policy_get(&p, (struct span){ copy, size }, &why) == 0) {
		CHECK(p.trust.n > 0);
		for (size_t i = 0; i < p.map.n; i++)
			CHECK(p.map.rule[i].n_matches > 0);
		for (size_t i = 0; i < p.locks.n; i++)
			CHECK(p.locks.rule[i].deny);
		(void)trust_is_revoked(&p.trust,
		    p.trust.authority[0].anchor[0].key,
		    (struct span){ serial, sizeof(serial) });
		policy_free(&p);
	}
	free(copy);
	return 0;
}
