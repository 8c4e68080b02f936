/* certlogin-map remove: one rule, by its text, or by line and text. */
#include <stdio.h>
#include <string.h>

#include "map/change.h"
#include "map/say.h"

/* The lines that are exactly rule: how many, and the first. */
static size_t
count_lines(struct span text, struct span rule, unsigned *first)
{
	struct span one;
	unsigned line = 0;
	size_t count = 0;

	while (span_line(&text, &one)) {
		line++;
		if (span_eq(span_trim(one), rule) && count++ == 0)
			*first = line;
	}
	return count;
}

/* Which line goes; an exit status. */
static int
choose(const struct context *c, struct span rule, unsigned *line)
{
	struct span text = { c->text.data, c->text.len }, is;
	size_t n;

	if (c->o->line == 0) {
		n = count_lines(text, rule, line);
		if (n == 1)
			return EXIT_DONE;
		return n == 0 ? say_error(EXIT_PROBLEM, "no line of %s is "
		    "this rule; `certlogin-map list` shows them", c->o->map) :
		    say_error(EXIT_PROBLEM, "%zu lines are this rule, the "
		    "first is line %u; use --line N --expect RULE", n, *line);
	}
	is = context_line(text, c->o->line);
	*line = c->o->line;
	if (span_eq(is, rule))
		return EXIT_DONE;
	return say_error(EXIT_PROBLEM, "line %u is not the expected rule, "
	    "it is: %.*s", *line, (int)is.n, (const char *)is.p);
}

static int
cut_out(struct change *ch, unsigned line)
{
	const struct buf *old = &ch->c->text;
	struct span gone = context_line((struct span){ old->data, old->len },
	    line);
	size_t from = (size_t)(gone.p - old->data), to = from + gone.n;
	struct buf text;
	int rc;

	while (from > 0 && old->data[from - 1] != '\n')
		from--;
	while (to < old->len && old->data[to] != '\n')
		to++;
	to += to < old->len;
	buf_init(&text, MAP_FILE_MAX);
	/* an empty map is one, too */
	(void)buf_reserve(&text, 1);
	buf_put_raw(&text, old->data, from);
	buf_put_raw(&text, old->data + to, old->len - to);
	if ((rc = change_check(ch, &text)) == EXIT_DONE)
		rc = change_commit(ch, &text, false);
	if (rc == EXIT_DONE && !ch->c->o->dry_run)
		(void)printf("removed line %u; a running certlogind takes it "
		    "by itself\n", line);
	buf_free(&text);
	return rc;
}

int
remove_run(const struct options *o)
{
	const char *text = o->line != 0 ? o->expect : o->argument;
	struct span rule = span_trim((struct span){
	    (const uint8_t *)text, strlen(text) });
	struct context c;
	struct change ch = { .file = REWRITE_NONE };
	unsigned line = 0;
	int rc;

	if (rule.n == 0 || rule.p[0] == '#')
		return say_error(EXIT_USAGE, "expected a rule, as `list` "
		    "shows it");
	if ((rc = context_open(&c, o)) == EXIT_DONE &&
	    (rc = change_begin(&ch, &c, false)) == EXIT_DONE &&
	    (rc = choose(&c, rule, &line)) == EXIT_DONE)
		rc = cut_out(&ch, line);
	change_end(&ch);
	context_close(&c);
	return rc;
}
