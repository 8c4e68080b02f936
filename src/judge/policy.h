/*
 * The compiled policy: what a judge decides by, in one sealed file made by the
 * job `load`.  Layout: string "certlogin-policy"; byte IPC_VERSION; uint64
 * number; a trust (trust_put); string text of the map; string text of the
 * locks.
 */
#ifndef JUDGE_POLICY_H
#define JUDGE_POLICY_H

#include "base/buf.h"
#include "base/err.h"
#include "idmap/map.h"
#include "x509/trust.h"

#define POLICY_MAX (192u << 20)		/* bytes */

struct policy {
	uint64_t number;
	struct trust trust;		/* views into the policy's bytes */
	struct map map, locks;
	struct map_authority authority[TRUST_AUTHORITIES_MAX];
					/* of trust.authority[i] */
};

/* What the map needs to know of t's authorities; names stay t's. */
void policy_authorities(const struct trust *t,
    struct map_authority out[TRUST_AUTHORITIES_MAX]);

/* Encode; b has the limit POLICY_MAX. */
int policy_put(struct buf *b, uint64_t number, const struct trust *t,
    struct span map, struct span locks);

/* Read and check all of it.  bytes must outlive p.  0 and a policy to be
 * freed; else negative with why, and nothing to free. */
int policy_get(struct policy *p, struct span bytes, struct why *why);
void policy_free(struct policy *p);	/* accepts NULL */

#endif
