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

	text = span_trim(text);
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
	struct span rest = { text->data, text->len }, line;
	struct print p = { .json = o->json };
	unsigned number = 0;

	for (size_t i = 0; i < m->n && span_line(&rest, &line);)
		if (++number == m->rule[i].line)
			print_rule(&p, &m->rule[i++], line);
	print_end(&p);
}

static int
list(const struct options *o, const char *path, const struct buf *text)
{
	struct diag d;
	struct map m;
	int rc = EXIT_DONE;

	diag_init(&d);
	if (map_parse_locks(&m, path, text->data != NULL ?
	    (const char *)text->data : "", text->len, NULL, 0, &d) == 0) {
		print_all(o, text, &m);
		map_free(&m);
	} else {
		say_errors(&d);
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
