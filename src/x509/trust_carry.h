/*
 * What becomes of revocations that were in force when the file that they came
 * from cannot be used any more.  One authority's broken file must neither let
 * in who was revoked nor keep what else has changed from counting; so the CRL
 * that was in force goes on counting as it was: same entries, number and times,
 * so that it runs out when it would have.
 *
 * That is so for an anchor of the authority of the same name with the same key
 * and the same subject that may sign CRLs, and only as long as trust.conf wants
 * it: it names the file that the CRL came from still, or another in its place
 * that cannot be used.  Who takes the line out has no CRL there any more.
 */
#ifndef X509_TRUST_CARRY_H
#define X509_TRUST_CARRY_H

#include "x509/trust_crl.h"

struct trust_carry {
	const struct trust *in_force;	/* NULL: none */
	const struct trust_conf_authority *conf;
	bool broken[TRUST_PATHS_MAX];	/* something in conf->crl[i] does not
					 * count */
};

/*
 * The CRL in force of an anchor of conf's authority that has none now: true
 * with *out, whose problem says why the anchor has none, and its n entries, a
 * view into what is in force.  False if there is none to carry over.
 */
bool trust_carry_crl(const struct trust_carry *c,
    const struct trust_anchor *anchor, struct trust_crl *out,
    const struct trust_revoked **entry, size_t *n);

#endif
