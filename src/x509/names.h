/*
 * The names in a certificate's subjectAltName (RFC 5280 section 4.2.1.6) and
 * in Microsoft's SID extension: read by their true length, and each held to
 * the form of its kind.  A name that is not of its form is an error, never
 * passed over.
 */
#ifndef X509_NAMES_H
#define X509_NAMES_H

#include "x509/ext.h"
#include "x509/facts.h"

struct names {
	struct facts_name *name;	/* room for FACTS_NAMES_MAX, caller's */
	size_t n;
};

/*
 * All names of e, in order; out->n is their number.  dNSName, rfc822Name,
 * URI, iPAddress, UPN (otherName 1.3.6.1.4.1.311.20.2.3) and SID count.
 * directoryName, registeredID and other otherNames identify nobody here:
 * they are held to their form and passed over, for smart cards carry them
 * (FASC-N in PIV).  x400Address and ediPartyName are refused.
 * ERR_MALFORMED, ERR_REFUSED, ERR_TOOBIG with why naming field and byte.
 */
int names_read(const struct ext *e, struct names *out, struct why *why);

/* Is this a DNS name: letters, digits and hyphens in labels of 1 to 63, at
 * most 253 in all, the last label not all digits? */
bool names_is_dns(const char *text);

#endif
