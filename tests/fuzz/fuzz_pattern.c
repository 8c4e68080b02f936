/*
 * A pattern of the identity map and a certificate's name, against a matcher
 * that tries every way; and two patterns held against each other.  Input: byte
 * of field and flags, then the pattern, a newline, the value, and perhaps a
 * newline and the other pattern.
 */
#include "fuzz.h"

#include "base/err.h"
#include "x509/pattern.h"

#define CAPTURE "name"

static bool
ends_segment(enum facts_field field, char c)
{
	return c == '@' || (field == FACTS_URI && c == '/') ||
	    (field == FACTS_DNS && c == '.');
}

static char
fold(char c, int flags)
{
	return (flags & PATTERN_FOLD) != 0 && c >= 'A' && c <= 'Z' ?
	    (char)(c + 32) : c;
}

/* By the manual's words: a wild part is one or more characters of one
 * segment and no %; a loose one may be empty and hold a %. */
static bool
fits(enum facts_field field, const char *p, const char *v, int flags)
{
	bool loose = (flags & PATTERN_LOOSE) != 0;
	size_t wild = pattern_wild(p);

	if (*p == '\0')
		return *v == '\0';
	if (wild == 0)
		return *v != '\0' && fold(*p, flags) == fold(*v, flags) &&
		    fits(field, p + 1, v + 1, flags);
	if (loose && fits(field, p + wild, v, flags))
		return true;
	for (; *v != '\0' && !ends_segment(field, *v) &&
	    (loose || *v != '%'); v++)
		if (fits(field, p + wild, v + 1, flags))
			return true;
	return false;
}

static char *
text_of(const uint8_t *p, size_t n)
{
	char *text = malloc(n + 1);

	CHECK(text != NULL);
	memcpy(text, p, n);
	text[n] = '\0';
	return text;
}

static void
check_capture(enum facts_field field, const char *capture, int flags)
{
	for (const char *c = capture; *c != '\0'; c++) {
		CHECK(!ends_segment(field, *c));
		CHECK((flags & PATTERN_LOOSE) != 0 || *c != '%');
		CHECK(*c == fold(*c, flags));
	}
	CHECK((flags & PATTERN_LOOSE) != 0 || capture[0] != '\0');
}

static void
match(enum facts_field field, int flags, const char *pattern,
    const char *value)
{
	char capture[FACTS_NAME_MAX + 1] = "";
	struct why why;
	size_t at = 0;
	bool yes;

	if (pattern_check(field, pattern, &at, &why) != 0) {
		CHECK(at <= strlen(pattern));
		return;
	}
	yes = pattern_match(field, pattern, value, flags, NULL, NULL, 0);
	if (strlen(value) > FACTS_NAME_MAX)
		return;
	CHECK(yes == fits(field, pattern, value, flags));
	CHECK(yes == pattern_match(field, pattern, value, flags, CAPTURE,
	    capture, sizeof(capture)));
	if (yes && pattern_capture(pattern, CAPTURE) != 0)
		check_capture(field, capture, flags);
	/* a deny reaches whatever an allow does */
	if (yes)
		CHECK(pattern_match(field, pattern, value, flags |
		    PATTERN_LOOSE | PATTERN_FOLD, NULL, NULL, 0));
}

/* What is said of two patterns is true of a value. */
static void
compare(enum facts_field field, int flags, const char *pattern,
    const char *value, const char *other)
{
	struct why why;
	size_t at;
	bool one, two;

	if (pattern_check(field, pattern, &at, &why) != 0 ||
	    pattern_check(field, other, &at, &why) != 0 ||
	    strlen(value) > FACTS_NAME_MAX)
		return;
	one = pattern_match(field, pattern, value, flags, NULL, NULL, 0);
	two = pattern_match(field, other, value, 0, NULL, NULL, 0);
	if (two && pattern_covers(field, pattern, other, flags))
		CHECK(one);
	if (one && two)
		CHECK(pattern_meets(field, pattern, other, flags));
	if (pattern_covers(field, pattern, other, flags))
		CHECK(pattern_meets(field, pattern, other, flags));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t setting = fuzz_u8(&data, &size);
	const uint8_t *nl = size > 0 ? memchr(data, '\n', size) : NULL;
	char *pattern, *value, *other;
	enum facts_field field = (enum facts_field)(setting / 4 %
	    FACTS_FIELDS);

	if (nl == NULL)
		return 0;
	pattern = text_of(data, (size_t)(nl - data));
	value = text_of(nl + 1, size - (size_t)(nl + 1 - data));
	if ((other = strchr(value, '\n')) != NULL) {
		*other++ = '\0';
		compare(field, setting % 4, pattern, value, other);
	}
	match(field, setting % 4, pattern, value);
	(void)pattern_uri_form(value);
	free(pattern);
	free(value);
	return 0;
}
