#include "map/audit.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "idmap/map.h"
#include "proto/audit.h"

#define LINES_MAX 200		/* of one change */
#define PROGRAM "certlogin-map"

/* ---- who ---------------------------------------------------------------------------- */

/* The number that scan finds in a line of /proc/PID/FILE, or -1. */
static int64_t
read_id(long pid, const char *file, const char *scan)
{
	char path[64], line[256];
	long long v = -1, one;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/%s", pid, file);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	while (v < 0 && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, scan, strlen(scan)) == 0 &&
		    sscanf(line + strlen(scan), "%lld", &one) == 1)
			v = one;
	(void)fclose(f);
	/* (uid_t)-1: nobody logged in, or no such thing here */
	return v == UINT32_MAX ? -1 : v;
}

void
audit_who(long pid, struct audit_who *out)
{
	const struct passwd *pw = NULL;
	int64_t id;

	out->login = read_id(pid, "loginuid", "");
	out->uid = read_id(pid, "status", "Uid:");
	id = out->login >= 0 ? out->login : out->uid;
	if (id >= 0)
		pw = getpwuid((uid_t)id);
	if (pw != NULL)
		(void)err_escape(out->name, sizeof(out->name), pw->pw_name,
		    strlen(pw->pw_name));
	else
		(void)snprintf(out->name, sizeof(out->name), "uid %lld",
		    (long long)id);
}

/* ---- what --------------------------------------------------------------------------- */

static void
log_line(const char *map, const struct diff_line *l)
{
	char line[MAP_LINE_MAX + 1], text[MAP_LINE_MAX + 1];

	(void)snprintf(line, sizeof(line), "%.*s", (int)l->text.n,
	    (const char *)l->text.p);
	audit(PROGRAM, "%s \"%s\", line %u of %s", l->added ? "add" :
	    "remove", err_unquote(text, sizeof(text), line),
	    (unsigned)l->line, map);
}

void
audit_change(const char *map, const struct diff *d)
{
	for (size_t i = 0; i < d->n && i < LINES_MAX; i++)
		log_line(map, &d->line[i]);
	if (d->n == 0)
		audit(PROGRAM, "change the end of the last line of %s", map);
	if (d->n > LINES_MAX)
		audit(PROGRAM, "add and remove %zu more lines of %s",
		    d->n - LINES_MAX, map);
}

void
audit_failed(const char *map, const char *why)
{
	audit(PROGRAM, "%s was not changed: %s", map, why);
}
