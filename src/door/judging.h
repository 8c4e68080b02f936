/*
 * The module's side of a judge (job `pam`): offers of chains, one proof.
 */
#ifndef DOOR_JUDGING_H
#define DOOR_JUDGING_H

#include "base/buf.h"
#include "base/err.h"
#include "door/child.h"
#include "door/doorconf.h"
#include "proto/pammsg.h"

struct judging {
	struct child child;
	const struct doorconf *o;
	int limit_ms;
	size_t n;			/* offers made */
	struct buf in, out;
};

/* Start it with the policy that is kept, if nothing was changed since; else
 * what it loads takes its time meanwhile.  o must outlive j.  judging_end
 * either way. */
int judging_start(struct judging *j, const struct doorconf *o,
    struct why *why);
/* Wait until it has a policy.  Any failure means that this machine is not
 * set up, why says in which way. */
int judging_ready(struct judging *j, struct why *why);
/* *place is what the proof is about. */
int judging_offer(struct judging *j, const struct pammsg_offer *offer,
    struct pammsg_facts *facts, uint32_t *place, struct why *why);
int judging_prove(struct judging *j, const struct pammsg_prove *proof,
    struct ipc_verdict *verdict, struct why *why);
void judging_end(struct judging *j);

#endif
