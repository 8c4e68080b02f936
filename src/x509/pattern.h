/*
 * Values of a rule's uri, email, upn, dns and sid matchers: their form, and
 * whether a certificate's name fits.  `*` and `{name}` stand for a part of
 * one segment ('/' ends one in a uri, '.' in a dns name, '@' in any), at
 * most one of them a segment, so matching never goes back.
 */
#ifndef X509_PATTERN_H
#define X509_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "x509/facts.h"

#define PATTERN_CAPTURE_MAX 32		/* bytes of the name in {name} */

/* Is text a good pattern for field?  0, or ERR_MALFORMED with *at, the offset
 * of what is wrong, and why, what was expected there. */
int pattern_check(enum facts_field field, const char *text, size_t *at,
    struct why *why);

/* Length of the `*` or `{name}` that p begins with, 0 if none. */
size_t pattern_wild(const char *p);

/* Offset behind `{` of the capture `{name}` in text, or 0 if there is none. */
size_t pattern_capture(const char *text, const char *name);

enum pattern_flags {
	PATTERN_FOLD = 1,	/* ASCII case is ignored */
	PATTERN_LOOSE = 2,	/* for a deny: a wild part may be empty and
				 * hold a % */
};

/* Does value fit the whole pattern, which pattern_check() has passed?  If
 * capture is not NULL, what {name} stood for goes to capture (size bytes;
 * too long is no match). */
bool pattern_match(enum facts_field field, const char *pattern,
    const char *value, int flags, const char *name, char *capture,
    size_t size);

/* The segment that p begins with: n bytes, of them `before` in front of its
 * wild part and `behind` behind it; without one before is n. */
struct pattern_part {
	const char *text;
	size_t n, before, behind;
	bool wild;
};
struct pattern_part pattern_part(enum facts_field field, const char *p);

/* For looking at rules; flags are those that the first pattern is matched
 * with, the second's wild parts are read as in an allow.  covers: every value
 * that fits narrow also fits wide (false when that is not certain).  meets:
 * some value fits both. */
bool pattern_covers(enum facts_field field, const char *wide,
    const char *narrow, int flags);
bool pattern_meets(enum facts_field field, const char *a, const char *b,
    int flags);

/* A URI in the one form that rules match: lower-case scheme and host, no
 * userinfo, %, query or fragment, no empty or dot segment. */
bool pattern_uri_form(const char *uri);

#endif
