#include "proto/audit.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/err.h"

#define TEXT_MAX 6144		/* a rule in quotes and more */
#define NAME_BYTES 64
#define NO_UID "4294967295"	/* nobody logged in: a boot, a daemon */

static void
name_of(uid_t uid, char dst[NAME_BYTES])
{
	const struct passwd *pw = getpwuid(uid);

	(void)snprintf(dst, NAME_BYTES, "%s", pw != NULL ? pw->pw_name : "?");
}

/* " login=NAME login-uid=N", or "" where the kernel does not say. */
static void
login_of(char *dst, size_t size)
{
	char text[16] = "", name[NAME_BYTES];
	int fd = open("/proc/self/loginuid", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		(void)close(fd);
	dst[0] = '\0';
	if (n <= 0 || text[0] < '0' || text[0] > '9')
		return;
	text[strcspn(text, "\n")] = '\0';
	if (strcmp(text, NO_UID) == 0)
		return;
	name_of((uid_t)strtoul(text, NULL, 10), name);
	(void)snprintf(dst, size, " login=%s login-uid=%s", name, text);
}

void
audit(const char *program, const char *fmt, ...)
{
	char text[TEXT_MAX], line[TEXT_MAX], login[2 * NAME_BYTES];
	char name[NAME_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	name_of(getuid(), name);
	login_of(login, sizeof(login));
	openlog(program, LOG_PID, LOG_AUTHPRIV);
	syslog(LOG_NOTICE, "%s by=%s uid=%lu%s", err_escape(line,
	    sizeof(line), text, strlen(text)), name, (unsigned long)getuid(),
	    login);
	closelog();
}
