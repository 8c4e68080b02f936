#include "map/audit.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"

#define LINES_MAX 200		/* of one change */
#define PIECE_MAX 400		/* bytes of a rule on one line of the log */

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
open_log(void)
{
	log_open("certlogin-map", 0, LOG_LEVEL_INFO);
}

/* by="alice" login-uid=1000 uid=0 */
static void
format_who(char *dst, size_t size)
{
	struct audit_who who;
	char name[64], login[24] = "none";

	audit_who((long)getpid(), &who);
	if (who.login >= 0)
		(void)snprintf(login, sizeof(login), "%lld",
		    (long long)who.login);
	(void)snprintf(dst, size, "by=\"%s\" login-uid=%s uid=%lu",
	    err_unquote(name, sizeof(name), who.name), login,
	    (unsigned long)getuid());
}

static void
log_line(const char *map, const char *who, const struct diff_line *l)
{
	char piece[PIECE_MAX + 1], text[PIECE_MAX + 1];
	size_t at = 0, n;

	do {
		n = l->text.n - at < PIECE_MAX ? l->text.n - at : PIECE_MAX;
		(void)snprintf(piece, sizeof(piece), "%.*s", (int)n,
		    (const char *)l->text.p + at);
		log_info("map=%s %s %s%s line=%u text=\"%s\"", map, who,
		    l->added ? "adds" : "removes", at > 0 ? " more of" : "",
		    (unsigned)l->line, err_unquote(text, sizeof(text),
		    piece));
		at += n;
	} while (at < l->text.n);
}

void
audit_change(const char *map, const struct diff *d)
{
	char who[256], name[512];

	open_log();
	format_who(who, sizeof(who));
	(void)snprintf(name, sizeof(name), "%.400s", map);
	for (size_t i = 0; i < d->n && i < LINES_MAX; i++)
		log_line(name, who, &d->line[i]);
	if (d->n == 0)
		log_info("map=%s %s changes the end of its last line", name,
		    who);
	if (d->n > LINES_MAX)
		log_info("map=%s %s changes %zu more lines", name, who,
		    d->n - LINES_MAX);
}

void
audit_failed(const char *map, const char *why)
{
	char who[256];

	open_log();
	format_who(who, sizeof(who));
	log_warn("map=%.400s %s was not changed: %s", map, who, why);
}
