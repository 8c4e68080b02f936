/*
 * crl-url: where a CRL is fetched from.  An http or https URL of RFC 3986, or
 * the absolute path of a file.
 */
#ifndef X509_TRUST_URL_H
#define X509_TRUST_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

#define TRUST_URL_MAX 512	/* with NUL */

/*
 * Is text one?  http:// or https://, a host (a name, an IPv4 address or an
 * IPv6 one in brackets) with no user before it, perhaps a port, perhaps a path
 * and query, no fragment; or a path from / without empty, "." or ".." parts.
 * 0, or ERR_MALFORMED or ERR_TOOBIG with *at, the offset of what is wrong, and
 * why, what was expected there.
 */
int trust_url_check(const char *text, size_t *at, struct why *why);

/* Is it, once checked, the path of a file? */
bool trust_url_is_path(const char *text);

/* The offset of the first part of a path, up to its end, that is empty, "."
 * or ".."; or -1. */
long trust_url_bad_part(const char *path);

#endif
