/* The policy as a judge finds it, in its sealed file or in one that was kept:
 * whatever the bytes are, it is refused or can be judged by. */
#include "fuzz.h"

#include "base/err.h"
#include "idmap/decide.h"
#include "judge/policy.h"

/* Of the seeds' rules. */
static const struct facts facts = {
	.serial = { 0x40, 0, 0, 0, 1 }, .serial_len = 5,
	.n_names = 3, .names = {
		{ FACTS_URI, "spiffe://e/user/alice" },
		{ FACTS_EMAIL, "Alice@e.org" }, { FACTS_DNS, "a.e" },
	},
};

static void
ask(const struct policy *p, const struct map_authority *a, bool local)
{
	const struct decide_ask q = { .facts = &facts, .authority = a,
	    .account = "alice", .preferred = "",
	    .service = local ? "su" : DECIDE_NETWORK_SERVICE,
	    .local = local, .address = { 192, 0, 2, 1 },
	    .address_len = local ? 0 : 4, .now = 1795564800 };
	static struct decide_verdict v;

	decide(&p->locks, &p->map, &q, &v);
	CHECK(v.outcome != DECIDE_ALLOW || strcmp(v.account, "alice") == 0);
	CHECK(v.reason != DECIDE_DAMAGED || v.outcome == DECIDE_NONE);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = fuzz_copy(data, size);
	struct policy p;
	struct why why;

	if (policy_get(&p, (struct span){ copy, size }, &why) == 0) {
		CHECK(p.trust.n > 0);
		for (size_t i = 0; i < p.trust.n; i++) {
			ask(&p, &p.authority[i], false);
			ask(&p, &p.authority[i], true);
		}
		(void)trust_is_revoked(&p.trust,
		    p.trust.authority[0].anchor[0].key,
		    (struct span){ facts.serial, facts.serial_len });
		policy_free(&p);
	}
	free(copy);
	return 0;
}
