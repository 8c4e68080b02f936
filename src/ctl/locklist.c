/* locks: what stands in STATE_DIR/locks.map. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/path.h"
#include "ctl/ctl.h"
#include "ctl/host.h"
#include "ctl/print.h"
#include "ctl/say.h"
#include "idmap/map.h"
#include "proto/load.h"

static void
print_rule(struct print *p, const struct map_rule *r, struct span text)
{
	char line[MAP_LINE_MAX + 1];
	bool ended = r->until != 0 && (int64_t)time(NULL) >= r->until;

	while (text.n > 0 && strchr(" \t\r", text.p[text.n - 1]) != NULL)
		text.n--;
	while (text.n > 0 && strchr(" \t", text.p[0]) != NULL) {
		text.p++;
		text.n--;
	}
	(void)snprintf(line, sizeof(line), "%.*s", (int)text.n,
	    (const char *)text.p);
	print_put(p, CTLMSG_RECORD, "lock", "", 0);
	print_put(p, CTLMSG_NUMBER, "line", "", r->line);
	print_put(p, CTLMSG_TEXT, "authority", r->authority, 0);
	print_put(p, CTLMSG_TEXT, "rule", line, 0);
	print_put(p, CTLMSG_TIME, "until", "", r->until);
	print_put(p, CTLMSG_TEXT, "ended", ended ? "yes" : "no", 0);
}

static void
print_all(const struct options *o, const struct buf *text,
    const struct map *m)
{
	const uint8_t *at = text->data;
	const uint8_t *end = text->len > 0 ? at + text->len : at;
	struct print p = { .json = o->json };
	unsigned line = 0;

	for (size_t i = 0; at < end && i < m->n; ) {
		const uint8_t *nl = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((nl != NULL ? nl : end) - at);

		if (++line == m->rule[i].line)
			print_rule(&p, &m->rule[i++], (struct span){ at, n });
		at += n + 1;
	}
	print_end(&p);
}

static int
list(const struct options *o, const char *path, const struct buf *text)
{
	char line[1024];
	struct diag d;
	struct map m;
	int rc = EXIT_DONE;

	diag_init(&d);
	if (map_parse_locks(&m, path, text->data != NULL ?
	    (const char *)text->data : "", text->len, NULL, 0, &d) == 0) {
		print_all(o, text, &m);
		map_free(&m);
	} else {
		for (size_t i = 0; i < d.n; i++)
			(void)fprintf(stderr, "%s\n", diag_format(&d.items[i],
			    line, sizeof(line)));
		rc = say_error(EXIT_PROBLEM, "with these lines nobody is let "
		    "in");
	}
	diag_free(&d);
	return rc;
}

int
locks_run(const struct options *o)
{
	char path[PATH_MAX];
	struct host h;
	struct buf text;
	struct why why;
	int rc;

	if ((rc = host_find(&h, o)) != EXIT_DONE)
		return rc;
	buf_init(&text, MAP_FILE_MAX + 1);
	if (load_locks_path(h.state, path, sizeof(path), &why) != 0 ||
	    path_load(path, 0, MAP_FILE_MAX, &text, &why) != 0)
		rc = say_error(EXIT_COULD_NOT, "%s; without this file nobody "
		    "is let in, see identity.map(5)", why.text);
	else
		rc = list(o, path, &text);
	buf_free(&text);
	return rc;
}
