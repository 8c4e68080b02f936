/*
 * No pattern and no name can make a match take long.  Input: byte of field and
 * flags; then, a line each, begin, middle and end of a pattern, and the same
 * of a value and of another pattern.  Middles are repeated until the text is
 * as long as a name may be.
 *
 * What counts is the CPU time of the quickest of a few tries, so that a busy
 * machine is no finding.  With the sanitizers' checks the worst is 0.4 ms; were
 * two wild parts allowed in a segment, a matcher that goes back would need ages
 * for the seed uri-many-stars.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <time.h>

#include "base/err.h"
#include "x509/pattern.h"

#define TRIES 5
#define LIMIT_NS 2000000

static long
now(void)
{
	struct timespec t;

	CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0);
	return (long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static struct span
take_line(struct span *left)
{
	const uint8_t *nl = left->n > 0 ? memchr(left->p, '\n', left->n) :
	    NULL;
	struct span line = { left->p, nl != NULL ? (size_t)(nl - left->p) :
	    left->n };
	size_t n = line.n + (nl != NULL);

	left->p += n;
	left->n -= n;
	return line;
}

static size_t
append(char *text, size_t at, struct span s)
{
	size_t n = s.n < FACTS_NAME_MAX - at ? s.n : FACTS_NAME_MAX - at;

	if (n > 0)
		memcpy(text + at, s.p, n);
	return at + n;
}

static void
take_text(struct span *left, char text[FACTS_NAME_MAX + 1])
{
	struct span begin = take_line(left), middle = take_line(left),
	    end = take_line(left);
	size_t n = append(text, 0, begin);

	while (middle.n > 0 && n + middle.n + end.n <= FACTS_NAME_MAX)
		n = append(text, n, middle);
	text[append(text, n, end)] = '\0';
}

static bool
good(enum facts_field field, const char *pattern)
{
	struct why why;
	size_t at;

	return pattern_check(field, pattern, &at, &why) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char one[FACTS_NAME_MAX + 1], value[FACTS_NAME_MAX + 1],
	    two[FACTS_NAME_MAX + 1], capture[FACTS_NAME_MAX + 1];
	uint8_t setting = fuzz_u8(&data, &size);
	enum facts_field field = (enum facts_field)(setting / 4 %
	    FACTS_FIELDS);
	struct span left = { data, size };
	long least = LIMIT_NS;

	take_text(&left, one);
	take_text(&left, value);
	take_text(&left, two);
	for (int i = 0; i < TRIES && least >= LIMIT_NS; i++) {
		long begin = now(), took;

		if (good(field, one)) {
			(void)pattern_match(field, one, value, setting % 4,
			    "a", capture, sizeof(capture));
			if (good(field, two)) {
				(void)pattern_covers(field, one, two, 0);
				(void)pattern_meets(field, one, two, 0);
			}
		}
		(void)pattern_uri_form(value);
		took = now() - begin;
		least = took < least ? took : least;
	}
	CHECK(least < LIMIT_NS);
	return 0;
}
