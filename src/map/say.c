#include "map/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"

#define LINE_MAX_BYTES 8192	/* a rule and where it stands */

int
say_error(int status, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "certlogin-map: %s\n", err_escape(line,
	    sizeof(line), text, strlen(text)));
	return status;
}

void
say_findings(FILE *f, const struct diag *d)
{
	size_t all = d->errors + d->warnings + d->notes;
	char line[1024];

	for (size_t i = 0; i < d->n; i++)
		(void)fprintf(f, "%s\n", diag_format(&d->items[i], line,
		    sizeof(line)));
	if (all > d->n)
		(void)fprintf(f, "and %zu more\n", all - d->n);
}

void
say_member(const char *name, const char *value)
{
	(void)printf("\"%s\":", name);
	json_string(value);
}

char *
say_time(char dst[SAY_TIME_MAX], int64_t t)
{
	time_t clock = (time_t)t;
	struct tm tm;

	if (gmtime_r(&clock, &tm) == NULL ||
	    strftime(dst, SAY_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(dst, SAY_TIME_MAX, "@%lld", (long long)t);
	return dst;
}

int
say_parse_time(const char *text, int64_t *t)
{
	struct tm tm = { 0 };
	char back[SAY_TIME_MAX], *end;
	long long v;

	if (text == NULL) {
		*t = (int64_t)time(NULL);
		return 0;
	}
	if (text[0] == '@') {
		errno = 0;
		v = strtoll(text + 1, &end, 10);
		if (errno != 0 || end == text + 1 || *end != '\0' ||
		    text[1] == ' ' || text[1] == '+')
			return ERR_MALFORMED;
		*t = v;
		return 0;
	}
	end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0')
		return ERR_MALFORMED;
	v = (long long)timegm(&tm);
	/* no 30th of February, no blanks, four digits of a year */
	if (strcmp(say_time(back, v), text) != 0)
		return ERR_MALFORMED;
	*t = v;
	return 0;
}
