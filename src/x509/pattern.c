#include "x509/pattern.h"

#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
/* RFC 3986 2: what a URI may not hold, and what our one form leaves out */
#define NOT_IN_URI " \"<>\\^`|%?#"

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
is_separator(enum facts_field field, char c)
{
	return c == '@' || (c == '/' && field == FACTS_URI) ||
	    (c == '.' && field == FACTS_DNS);
}

static size_t
segment(enum facts_field field, const char *p)
{
	size_t n = 0;

	while (p[n] != '\0' && !is_separator(field, p[n]))
		n++;
	return n;
}

size_t
pattern_wild(const char *p)
{
	size_t n;

	if (*p == '*')
		return 1;
	if (*p != '{')
		return 0;
	n = strspn(p + 1, LOWER DIGIT "_");
	if (n == 0 || n > PATTERN_CAPTURE_MAX || p[n + 1] != '}')
		return 0;
	return n + 2;
}

size_t
pattern_capture(const char *text, const char *name)
{
	size_t n = strlen(name), len;

	for (const char *p = text; *p != '\0'; p++) {
		if ((len = pattern_wild(p)) == n + 2 &&
		    memcmp(p + 1, name, n) == 0)
			return (size_t)(p - text) + 1;
		if (len > 1)
			p += len - 1;
	}
	return 0;
}

/* ---- forms ---------------------------------------------------------------- */

/* Segments of a path between '/': none empty, none "." or "..".  Returns the
 * first bad one, or NULL. */
static const char *
bad_segment(const char *p)
{
	for (;;) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return p;
		if (p[n] == '\0')
			return NULL;
		p += n + 1;
	}
}

/* RFC 3986 3, our one form.  Returns the first thing wrong, or NULL, and
 * what was expected. */
static const char *
bad_uri(const char *uri, const char **expected)
{
	size_t n = strspn(uri, LOWER DIGIT "+.-");
	const char *p = uri + n;

	*expected = "no %, query, fragment or other character outside of "
	    "RFC 3986";
	if (uri[strcspn(uri, NOT_IN_URI)] != '\0')
		return uri + strcspn(uri, NOT_IN_URI);
	*expected = "a scheme in lower case and ':'";
	if (n == 0 || strchr(LOWER, uri[0]) == NULL || *p != ':')
		return p;
	p++;
	if (strncmp(p, "//", 2) == 0) {
		p += 2;
		n = strspn(p, LOWER DIGIT ".-_:[]");
		*expected = "a host in lower case, without * or {name}";
		if (n == 0 || (p[n] != '/' && p[n] != '\0'))
			return p + n;
		if (p[n] == '\0')
			return NULL;
		p += n;
	}
	*expected = "no empty segment, '.' or '..'";
	return bad_segment(*p == '/' ? p + 1 : p);
}

bool
pattern_uri_form(const char *uri)
{
	const char *expected;

	return strpbrk(uri, "{}") == NULL && bad_uri(uri, &expected) == NULL;
}

/* local@domain, RFC 5321 4.1.2 roughly: what matters is that there are two
 * parts and no third. */
static const char *
bad_address(const char *text, const char **expected)
{
	const char *at = strchr(text, '@');

	*expected = "one '@' with something on both sides";
	if (at == NULL)
		return text + strlen(text);
	if (at == text || at[1] == '\0')
		return at;
	return strchr(at + 1, '@');
}

static const char *
bad_dns(const char *text, const char **expected)
{
	const char *p = text;

	*expected = "letters, digits, '-' and '_' between single dots";
	for (;;) {
		size_t n = strspn(p, LOWER UPPER DIGIT "-_*{}");

		if (n == 0 || (p[n] != '.' && p[n] != '\0'))
			return p + n;
		if (p[n] == '\0')
			return NULL;
		p += n + 1;
	}
}

/* [MS-DTYP] 2.4.2.1 in its usual, decimal form */
static const char *
bad_sid(const char *text, const char **expected)
{
	const char *p = text + 3;

	*expected = "a SID like S-1-5-21-1-2-3-1104";
	if (strncmp(text, "S-1", 3) != 0)
		return text;
	do {
		size_t n = *p == '-' ? strspn(p + 1, DIGIT) : 0;

		if (n == 0)
			return p;
		p += n + 1;
	} while (*p != '\0');
	return NULL;
}

/* At most one * or {name} a segment, no stray brace, no {name} twice. */
static const char *
bad_wild(enum facts_field field, const char *text, const char **expected)
{
	bool seen = false;

	for (const char *p = text; *p != '\0'; p++) {
		size_t n = pattern_wild(p);

		if (is_separator(field, *p))
			seen = false;
		*expected = "{name} with name of a-z, 0-9 and _";
		if (n == 0 && (*p == '{' || *p == '}'))
			return p;
		if (n == 0)
			continue;
		*expected = "at most one * or {name} in a segment";
		if (seen)
			return p;
		seen = true;
		p += n - 1;
	}
	return NULL;
}

int
pattern_check(enum facts_field field, const char *text, size_t *at,
    struct why *why)
{
	static const char *(*const form[FACTS_FIELDS])(const char *,
	    const char **) = { [FACTS_URI] = bad_uri,
	    [FACTS_EMAIL] = bad_address, [FACTS_UPN] = bad_address,
	    [FACTS_DNS] = bad_dns, [FACTS_SID] = bad_sid };
	const char *expected = "1 to 512 characters", *bad = NULL;

	if (text[0] == '\0' || strlen(text) > FACTS_NAME_MAX)
		bad = text;
	if (bad == NULL && field != FACTS_SID)
		bad = bad_wild(field, text, &expected);
	if (bad == NULL && form[field] != NULL)
		bad = form[field](text, &expected);
	if (bad == NULL)
		return 0;
	*at = (size_t)(bad - text);
	return why_set(why, ERR_MALFORMED, "expected %s", expected);
}

/* ---- matching --------------------------------------------------------------- */

static bool
same(char a, char b, int flags)
{
	return (flags & PATTERN_FOLD) != 0 ? lower(a) == lower(b) : a == b;
}

/* How much of value the wild part takes, given what must remain of this
 * segment behind it; false if it cannot. */
static bool
take(enum facts_field field, const char *behind, const char *value, int flags,
    size_t *n)
{
	size_t have = segment(field, value), rest = segment(field, behind);
	size_t least = (flags & PATTERN_LOOSE) != 0 ? 0 : 1;

	if (have < rest + least)
		return false;
	*n = have - rest;
	return (flags & PATTERN_LOOSE) != 0 ||
	    memchr(value, '%', *n) == NULL;
}

static bool
keep(char *capture, size_t size, const char *value, size_t n, int flags)
{
	if (n >= size)
		return false;
	for (size_t i = 0; i < n; i++)
		capture[i] = (flags & PATTERN_FOLD) != 0 ? lower(value[i]) :
		    value[i];
	capture[n] = '\0';
	return true;
}

bool
pattern_match(enum facts_field field, const char *pattern, const char *value,
    int flags, const char *name, char *capture, size_t size)
{
	const char *p = pattern, *v = value;
	size_t want = capture != NULL ? pattern_capture(pattern, name) : 0;

	while (*p != '\0') {
		size_t wild = pattern_wild(p), n = 1;

		if (wild == 0) {
			if (!same(*p++, *v++, flags))
				return false;
			continue;
		}
		if (!take(field, p + wild, v, flags, &n))
			return false;
		if (want != 0 && p + 1 == pattern + want &&
		    !keep(capture, size, v, n, flags))
			return false;
		p += wild;
		v += n;
	}
	return *v == '\0';
}

/* ---- pattern against pattern -------------------------------------------------- */

struct pattern_part
pattern_part(enum facts_field field, const char *p)
{
	struct pattern_part a = { .text = p, .n = segment(field, p) };
	size_t n = 0;

	while (a.before < a.n && (n = pattern_wild(p + a.before)) == 0)
		a.before++;
	a.wild = a.before < a.n;
	a.behind = a.wild ? a.n - a.before - n : 0;
	return a;
}

static bool
same_text(const char *a, const char *b, size_t n, int flags)
{
	for (size_t i = 0; i < n; i++)
		if (!same(a[i], b[i], flags))
			return false;
	return true;
}

static bool
begins(const struct pattern_part *a, const struct pattern_part *b, int flags)
{
	return a->before <= b->before &&
	    same_text(a->text, b->text, a->before, flags);
}

/* Does b, or its literal whole, end as a's wild part is followed? */
static bool
ends(const struct pattern_part *a, const struct pattern_part *b, int flags)
{
	return a->behind <= (b->wild ? b->behind : b->n) &&
	    same_text(a->text + a->n - a->behind, b->text + b->n - a->behind,
	    a->behind, flags);
}

/* As pattern_match() has it, segment by segment. */
static bool
part_matches(const struct pattern_part *wide,
    const struct pattern_part *literal, int flags)
{
	size_t fixed = wide->before + wide->behind;
	bool loose = (flags & PATTERN_LOOSE) != 0;

	if (!wide->wild)
		return wide->n == literal->n &&
		    same_text(wide->text, literal->text, wide->n, flags);
	return literal->n >= fixed + (loose ? 0 : 1) &&
	    begins(wide, literal, flags) && ends(wide, literal, flags) &&
	    (loose || memchr(literal->text + wide->before, '%',
	    literal->n - fixed) == NULL);
}

static bool
part_covers(const struct pattern_part *wide,
    const struct pattern_part *narrow, int flags)
{
	if (!narrow->wild)
		return part_matches(wide, narrow, flags);
	return wide->wild && begins(wide, narrow, flags) &&
	    ends(wide, narrow, flags);
}

static bool
part_meets(const struct pattern_part *a, const struct pattern_part *b,
    int flags)
{
	if (!b->wild)
		return part_matches(a, b, flags);
	if (!a->wild)
		return part_matches(b, a, flags & PATTERN_FOLD);
	return (begins(a, b, flags) || begins(b, a, flags)) &&
	    (ends(a, b, flags) || ends(b, a, flags));
}

typedef bool part_fn(const struct pattern_part *, const struct pattern_part *,
    int flags);

static bool
each_part(enum facts_field field, const char *a, const char *b, int flags,
    part_fn *fits)
{
	for (;;) {
		struct pattern_part x = pattern_part(field, a);
		struct pattern_part y = pattern_part(field, b);

		if (!fits(&x, &y, flags))
			return false;
		a += x.n;
		b += y.n;
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

bool
pattern_covers(enum facts_field field, const char *wide, const char *narrow,
    int flags)
{
	return each_part(field, wide, narrow, flags, part_covers);
}

bool
pattern_meets(enum facts_field field, const char *a, const char *b, int flags)
{
	return each_part(field, a, b, flags, part_meets);
}
