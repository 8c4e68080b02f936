/*
 * Name constraints of a CA (RFC 5280 section 4.2.1.10) against the names of a
 * certificate below it.  The library's own check passes over permitted URIs,
 * so this is ours: DNS, email, URI and IP are processed; any constraint of
 * another form refuses, as do minimum and maximum.
 *
 * A UPN cannot be constrained but by otherName, which we do not process; a
 * subject's e-mail address and CN are no identity here and not looked at.
 */
#ifndef X509_CONSTRAINT_H
#define X509_CONSTRAINT_H

#include "base/err.h"
#include "x509/names.h"

/* constraints: whole NameConstraints.  0; ERR_REFUSED (a name outside, or a
 * form that we do not process) or ERR_MALFORMED, with why. */
int constraint_check(struct span constraints, const struct names *names,
    struct why *why);

#endif
