/*
 * The compiled policy: what a judge decides by, in one file of keys and values
 * (idmap/db.h) that the job `load` makes in a sealed memfd.  Who judges by it
 * maps it, and parses nothing again but the anchors of trust.conf, which are
 * few; so it costs the same whatever the map and the CRLs hold.
 *
 *	v	string MAGIC; byte IPC_VERSION; uint64 number
 *	t	a trust (trust_put)
 *	r	its table of revoked certificates (trust_table)
 *	other	rules of map and locks: idmap/compiled.h
 */
#ifndef JUDGE_POLICY_H
#define JUDGE_POLICY_H

#include "base/buf.h"
#include "base/err.h"
#include "idmap/map.h"
#include "idmap/ruleset.h"
#include "x509/trust.h"

#define POLICY_MAX (512u << 20)		/* bytes */

struct policy {
	uint64_t number;
	struct trust trust;		/* views into the policy's bytes */
	struct ruleset map, locks;
	struct map_authority authority[TRUST_AUTHORITIES_MAX];
					/* of trust.authority[i] */
};

/* What the map needs to know of t's authorities; names stay t's. */
void policy_authorities(const struct trust *t,
    struct map_authority out[TRUST_AUTHORITIES_MAX]);

/* A sealed memfd, or a negative code. */
int policy_make(uint64_t number, const struct trust *t,
    const struct map *map, const struct map *locks);

/* Map what policy_make() made, or proto/kept.h's file of it.  To be given back
 * with memfile_unmap(). */
int policy_map(int fd, struct span *bytes, struct why *why);

/* Read a policy, whoever made it.  bytes must outlive p; what stands behind
 * its end does not count.  0 and a policy to be freed; else negative with
 * why, and nothing to free. */
int policy_get(struct policy *p, struct span bytes, struct why *why);
void policy_free(struct policy *p);	/* accepts NULL */

#endif
