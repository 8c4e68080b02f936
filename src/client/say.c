#include "client/say.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/path.h"

#define LINE_MAX_BYTES 2048
#define PREFIX "certlogin: "

/* One write, so that lines of several programs do not mix. */
static void
put(const struct say *s, const char *prefix, const char *text, size_t n)
{
	char line[LINE_MAX_BYTES + 32], safe[LINE_MAX_BYTES];
	int len;

	len = snprintf(line, sizeof(line), "%s%s%s", prefix,
	    err_escape(safe, sizeof(safe), text, n), s->raw ? "\r\n" : "\n");
	(void)path_write_all(STDERR_FILENO, line, (size_t)len);
}

static void vput(const struct say *s, const char *fmt, va_list ap)
    __attribute__((format(printf, 2, 0)));

static void
vput(const struct say *s, const char *fmt, va_list ap)
{
	char text[LINE_MAX_BYTES];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	put(s, PREFIX, text, strlen(text));
}

void
say_line(const struct say *s)
{
	put(s, "", "", 0);
}

void
say_error(const struct say *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vput(s, fmt, ap);
	va_end(ap);
}

void
say_warning(const struct say *s, const char *fmt, ...)
{
	va_list ap;

	if (s->quiet)
		return;
	va_start(ap, fmt);
	vput(s, fmt, ap);
	va_end(ap);
}

void
say_step(const struct say *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->verbose)
		return;
	va_start(ap, fmt);
	vput(s, fmt, ap);
	va_end(ap);
}

void
say_text(const struct say *s, const char *text)
{
	while (!s->quiet && *text != '\0') {
		size_t n = strcspn(text, "\n");
		size_t shown = n > 0 && text[n - 1] == '\r' ? n - 1 : n;

		put(s, "", text, shown);
		text += n + (text[n] == '\n');
	}
}
