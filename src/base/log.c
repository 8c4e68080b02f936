#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

#define LINE_MAX_BYTES 2048

/* The one piece of process-wide state: where log lines go.  Set in
 * main() before anything else runs; the level follows the configuration. */
static struct {
	const char *ident;
	int to_stderr;
	enum log_level level;
} sink = { "certlogin", 1, LOG_LEVEL_INFO };

void
log_open(const char *ident, int to_stderr, enum log_level level)
{
	sink.ident = ident;
	sink.to_stderr = to_stderr;
	sink.level = level;
	if (!to_stderr)
		openlog(ident, LOG_PID | LOG_NDELAY, LOG_AUTHPRIV);
}

void
log_set_level(enum log_level level)
{
	sink.level = level;
}

static void
emit(enum log_level level, const char *fmt, va_list ap)
{
	static const int prio[] = { LOG_ERR, LOG_WARNING, LOG_INFO,
	    LOG_DEBUG };
	static const char *const word[] = { "error: ", "warning: ", "",
	    "debug: " };
	char raw[LINE_MAX_BYTES / 2], line[LINE_MAX_BYTES], when[32];
	struct timespec now;
	struct tm tm;

	if (level > sink.level)
		return;
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	err_escape(line, sizeof(line), raw, strlen(raw));
	if (!sink.to_stderr) {
		syslog(prio[level], "%s%s", word[level], line);
		return;
	}
	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (gmtime_r(&now.tv_sec, &tm) == NULL ||
	    strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		when[0] = '\0';
	/* one write, so that lines of several processes do not mix */
	(void)dprintf(STDERR_FILENO, "%s %s[%ld]: %s%s\n", when, sink.ident,
	    (long)getpid(), word[level], line);
}

#define LOG_FN(name, level)						\
void									\
name(const char *fmt, ...)						\
{									\
	va_list ap;							\
									\
	va_start(ap, fmt);						\
	emit(level, fmt, ap);						\
	va_end(ap);							\
}

LOG_FN(log_error, LOG_LEVEL_ERROR)
LOG_FN(log_warn, LOG_LEVEL_WARN)
LOG_FN(log_info, LOG_LEVEL_INFO)
LOG_FN(log_debug, LOG_LEVEL_DEBUG)
