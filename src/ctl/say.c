#include "ctl/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define LINE_MAX_BYTES 4096

int
say_error(int status, const char *fmt, ...)
{
	char text[LINE_MAX_BYTES], line[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	(void)fprintf(stderr, "certloginctl: %s\n", err_escape(line,
	    sizeof(line), text, strlen(text)));
	return status;
}

void
say_errors(const struct diag *d)
{
	char line[1024];

	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].level == DIAG_ERROR)
			(void)fprintf(stderr, "%s\n", diag_format(
			    &d->items[i], line, sizeof(line)));
}
