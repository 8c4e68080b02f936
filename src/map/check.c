/* certlogin-map check: errors in trust.conf, its files and the map, and what
 * is suspicious in them. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "map/ask.h"
#include "map/context.h"
#include "map/lint.h"
#include "map/say.h"

static void
print_json(const struct diag *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diag_item *it = &d->items[i];

		(void)printf("%s{\"level\":\"%s\",", i == 0 ? "[" : ",\n",
		    diag_word(it->level));
		say_member("file", it->file);
		(void)printf(",\"line\":%u,\"column\":%u,", it->line,
		    it->column);
		say_member("text", it->text);
		(void)putchar('}');
	}
	(void)puts(d->n == 0 ? "[]" : "]");
}

/* Only a valid map is worth a closer look. */
static int
look_closer(const struct options *o, struct diag *diag)
{
	struct context c;
	struct map map;
	int rc;

	if ((rc = context_open(&c, o)) == EXIT_DONE &&
	    (rc = context_read_map(&c)) == EXIT_DONE &&
	    context_parse(&c, o->map, (const char *)c.text.data, c.text.len,
	    &map) == 0) {
		lint_run(&(struct lint){ .map = &map, .file = o->map,
		    .conf = &c.conf, .now = (int64_t)time(NULL),
		    .diag = diag });
		map_free(&map);
	}
	context_close(&c);
	return rc;
}

static int
conclude(const struct options *o, const struct diag *diag, unsigned rules)
{
	if (o->json)
		print_json(diag);
	else {
		say_findings(stdout, diag);
		(void)printf("%u rules, %zu errors, %zu warnings", rules,
		    diag->errors, diag->warnings);
		if (diag->notes > 0)
			(void)printf(", %zu notes", diag->notes);
		(void)putchar('\n');
	}
	return diag->errors > 0 || (o->strict && diag->warnings > 0) ?
	    EXIT_PROBLEM : EXIT_DONE;
}

int
check_run(const struct options *o)
{
	struct load_result *loaded = calloc(1, sizeof(*loaded));
	struct diag diag;
	int rc;

	if (loaded == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	loaded->policy = -1;
	diag_init(&diag);
	rc = ask_load(o, o->map, loaded, &diag);
	if (rc == EXIT_DONE && loaded->done.ok)
		rc = look_closer(o, &diag);
	if (rc == EXIT_DONE)
		rc = conclude(o, &diag, loaded->done.rules);
	if (loaded->policy >= 0)
		(void)close(loaded->policy);
	diag_free(&diag);
	free(loaded);
	return rc;
}
