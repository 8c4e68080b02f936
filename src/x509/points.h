/*
 * Where a certificate says that its CRL is: cRLDistributionPoints, RFC 5280
 * section 4.2.1.13.  For a person to copy; nothing here goes there by itself,
 * and no login depends on it.
 */
#ifndef X509_POINTS_H
#define X509_POINTS_H

#include "base/buf.h"
#include "base/err.h"

#define POINTS_MAX 8
#define POINTS_URI_MAX 512	/* with NUL */

struct points {
	size_t n;
	char uri[POINTS_MAX][POINTS_URI_MAX];	/* printable ASCII, other
						 * bytes as \xNN; a longer one
						 * ends in "..." */
	size_t more;			/* URIs beyond POINTS_MAX */
};

/* The URIs of extensions (slice.h's content), in order.  0, also where the
 * extension is not there, or ERR_MALFORMED with why. */
int points_read(struct span extensions, struct points *out, struct why *why);

#endif
