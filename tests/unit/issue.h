/*
 * Certificates as a proper CA makes them, for unit tests.
 */
#ifndef UNIT_ISSUE_H
#define UNIT_ISSUE_H

#include "pki.h"

struct issue_spec {
	const char *uri;		/* NULL: a CA */
	bool no_purpose;
	int64_t from, to;		/* relative to now; both 0: usual */
};

/* pki_make's key with another certificate, with extensions and dates. */
void issue(struct pki *p, enum pki_kind kind, const char *name,
    const struct pki *issuer, const struct issue_spec *x);

#endif
