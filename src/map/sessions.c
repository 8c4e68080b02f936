#include "map/sessions.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memfile.h"
#include "map/say.h"
#include "proto/chan.h"
#include "proto/ctlcall.h"

#define STATUS_MS 10000
#define TRY_MS 60000
#define LINE_SIZE 512

/* ---- answers ------------------------------------------------------------------------ */

/* What the items of an answer are put into. */
struct answer {
	struct sessions *s;
	char about[CTLMSG_NAME_MAX];	/* the record at hand */
	char map[CTLMSG_TEXT_MAX];	/* of the daemon */
	char account[128], identity[256];
};

__attribute__((format(printf, 2, 3)))
static void
add_line(struct sessions *s, const char *fmt, ...)
{
	char raw[LINE_SIZE], line[LINE_SIZE];
	va_list ap;

	if (s->listed++ >= SESSIONS_SHOWN)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	(void)err_escape(line, sizeof(line), raw, strlen(raw));
	buf_put_raw(&s->list, "  ", 2);
	buf_put_raw(&s->list, line, strlen(line));
	buf_put_u8(&s->list, '\n');
}

static bool
is(const struct answer *a, const struct ctlmsg_item *item, const char *about,
    const char *name)
{
	return strcmp(a->about, about) == 0 && strcmp(item->name, name) == 0;
}

static int
take_status(void *ctx, const struct ctlmsg_item *item)
{
	struct answer *a = ctx;

	if (item->kind == CTLMSG_RECORD)
		(void)snprintf(a->about, sizeof(a->about), "%s", item->name);
	else if (item->kind == CTLMSG_TEXT && is(a, item, "daemon", "map"))
		(void)snprintf(a->map, sizeof(a->map), "%s", item->text);
	return 0;
}

static void
take_text(struct answer *a, const struct ctlmsg_item *item)
{
	if (is(a, item, "trial", "yours"))
		a->s->yours |= strcmp(item->text, "yes") == 0;
	else if (is(a, item, "ends", "account"))
		(void)snprintf(a->account, sizeof(a->account), "%s",
		    item->text);
	else if (is(a, item, "ends", "identity"))
		(void)snprintf(a->identity, sizeof(a->identity), "%s",
		    item->text);
	else if (is(a, item, "ends", "why"))
		add_line(a->s, "%s (%s): %s", a->account, a->identity,
		    item->text);
	else if (is(a, item, "finding", "text"))
		add_line(a->s, "certlogind: %s", item->text);
}

static int
take_trial(void *ctx, const struct ctlmsg_item *item)
{
	struct answer *a = ctx;

	if (item->kind == CTLMSG_RECORD) {
		(void)snprintf(a->about, sizeof(a->about), "%s", item->name);
		a->account[0] = a->identity[0] = '\0';
	} else if (item->kind == CTLMSG_TEXT)
		take_text(a, item);
	else if (item->kind == CTLMSG_NUMBER) {
		if (is(a, item, "trial", "sessions"))
			a->s->all += item->number;
		else if (is(a, item, "trial", "ends"))
			a->s->ends += item->number;
		else if (is(a, item, "trial", "unknown"))
			a->s->unknown += item->number;
	}
	return 0;
}

/* ---- one daemon --------------------------------------------------------------------- */

static void
problem(struct sessions *s, const char *why)
{
	if (s->problem[0] == '\0')
		(void)snprintf(s->problem, sizeof(s->problem), "%s", why);
}

static bool
same_file(const char *a, const char *b)
{
	struct stat x, y;

	return strcmp(a, b) == 0 || (stat(a, &x) == 0 && stat(b, &y) == 0 &&
	    x.st_dev == y.st_dev && x.st_ino == y.st_ino);
}

static uint32_t
parent_of(uint32_t pid)
{
	char path[64], line[256];
	unsigned parent = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%u/status", pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL &&
	    sscanf(line, "PPid: %u", &parent) != 1)
		;
	(void)fclose(f);
	return parent;
}

/* Ourselves, our parent and so on: one of them may be a session. */
static void
put_pids(struct ctlmsg_try *t)
{
	for (uint32_t pid = (uint32_t)getpid(); pid > 0 &&
	    t->n < CTLMSG_PIDS_MAX; pid = parent_of(pid))
		t->pid[t->n++] = pid;
}

static void
ask_trial(const struct options *o, const char *dir, int map,
    struct sessions *s)
{
	struct answer *a = calloc(1, sizeof(*a));
	struct ctlmsg_try try = { .n = 0 };
	char error[CTLMSG_TEXT_MAX];
	uint8_t status = 0;
	struct why why = { "out of memory" };
	struct buf b;
	int r = ERR_NOMEM;

	buf_init(&b, CHAN_MSG_MAX);
	(void)snprintf(try.map, sizeof(try.map), "%s", o->map);
	put_pids(&try);
	if (a != NULL && (r = ctlmsg_try_encode(&b, &try)) == 0) {
		a->s = s;
		r = ctlcall(dir, &b, map, TRY_MS, take_trial, a, &status,
		    error, &why);
	}
	if (r != 0)
		problem(s, why.text);
	else if (status != 0)
		problem(s, error[0] != '\0' ? error : "certlogind would not "
		    "take this map");
	buf_free(&b);
	free(a);
}

static void
ask_daemon(const struct options *o, const char *dir, int map,
    struct sessions *s)
{
	struct answer *a = calloc(1, sizeof(*a));
	char error[CTLMSG_TEXT_MAX];
	uint8_t status = 0;
	struct why why = { "out of memory" };
	struct buf b;
	int r = ERR_NOMEM;

	buf_init(&b, CHAN_MSG_MAX);
	if (a != NULL && (r = ctlmsg_empty_encode(&b, CTLMSG_STATUS)) == 0)
		r = ctlcall(dir, &b, -1, STATUS_MS, take_status, a, &status,
		    error, &why);
	buf_free(&b);
	if (r == ERR_NOTFOUND) {
		free(a);
		return;
	}
	/* a status of 1 without an error is an answer: it has problems */
	if (r != 0 || error[0] != '\0') {
		s->daemons++;
		problem(s, r != 0 ? why.text : error);
	} else if (!same_file(a->map, o->map))
		s->others++;
	else {
		s->daemons++;
		ask_trial(o, dir, map, s);
	}
	free(a);
}

/* ---- all of them -------------------------------------------------------------------- */

/* A folder that rundir_default() of rundir.h may have named. */
static bool
is_run_dir(const char *name)
{
	return strlen(name) == 8 && strspn(name, "0123456789abcdef") == 8;
}

static void
ask_all(const struct options *o, int map, struct sessions *s)
{
	DIR *d = opendir(RUN_DIR);
	const struct dirent *e;
	char dir[PATH_MAX];

	ask_daemon(o, RUN_DIR, map, s);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (!is_run_dir(e->d_name))
			continue;
		(void)snprintf(dir, sizeof(dir), "%s/%s", RUN_DIR,
		    e->d_name);
		ask_daemon(o, dir, map, s);
	}
	if (d != NULL)
		(void)closedir(d);
}

void
sessions_count(const struct options *o, const struct buf *map,
    struct sessions *out)
{
	int fd;

	*out = (struct sessions){ .all = 0 };
	buf_init(&out->list, (SESSIONS_SHOWN + 1) * LINE_SIZE);
	/* a map of anybody else is no daemon's */
	if (geteuid() != 0)
		return;
	if ((fd = memfile_make("map", map->data, map->len)) < 0) {
		out->daemons = 1;
		problem(out, err_text(fd));
		return;
	}
	if (o->run_dir != NULL)
		ask_daemon(o, o->run_dir, fd, out);
	else
		ask_all(o, fd, out);
	(void)close(fd);
}

void
sessions_free(struct sessions *s)
{
	buf_free(&s->list);
}

bool
sessions_matter(const struct sessions *s)
{
	return s->ends > 0 || s->unknown > 0 || s->problem[0] != '\0';
}

void
sessions_say(const struct sessions *s)
{
	if (geteuid() != 0)
		return;
	if (s->daemons == 0) {
		(void)printf("no certlogind runs here%s: no live sessions to "
		    "count\n", s->others > 0 ? " with this map" : "");
		return;
	}
	if (s->problem[0] != '\0')
		(void)printf("the sessions that it ends could not be "
		    "counted: %s\n", s->problem);
	else
		(void)printf("ends %llu of %llu live sessions%s\n",
		    (unsigned long long)s->ends, (unsigned long long)s->all,
		    s->yours ? ", yours included" : "");
	if (s->unknown > 0)
		(void)printf("%llu of them could not be judged\n",
		    (unsigned long long)s->unknown);
	if (s->list.len > 0)
		(void)fwrite(s->list.data, 1, s->list.len, stdout);
	if (s->listed > SESSIONS_SHOWN)
		(void)printf("  and %zu more\n", s->listed - SESSIONS_SHOWN);
}
