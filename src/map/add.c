/* certlogin-map add 'RULE': a rule at the end of the map. */
#include <stdio.h>
#include <string.h>

#include "map/change.h"
#include "map/say.h"

/* One rule, and nothing else that a line of a map may be. */
static int
check_rule(struct context *c, struct span rule)
{
	struct map map;
	size_t n;

	if (rule.n == 0 || rule.p[0] == '#' ||
	    memchr(rule.p, '\n', rule.n) != NULL)
		return say_error(EXIT_USAGE, "expected one rule, like "
		    "'allow user AUTHORITY uri=... as ACCOUNT'");
	if (context_parse(c, "rule", (const char *)rule.p, rule.n,
	    &map) != 0) {
		say_findings(stderr, &c->diag);
		return say_error(EXIT_PROBLEM, "the map was not changed");
	}
	n = map.n;
	map_free(&map);
	return n == 1 ? EXIT_DONE : say_error(EXIT_PROBLEM, "expected one "
	    "rule");
}

/* Line of the same rule, or 0; *last is the number of lines. */
static unsigned
find_line(struct span text, struct span rule, unsigned *last)
{
	unsigned found = 0;

	*last = 0;
	for (const uint8_t *p = text.p, *end = text.p + text.n; p < end; ) {
		const uint8_t *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl != NULL ? nl : end) - p);

		++*last;
		if (found == 0 && span_eq(context_trim((struct span){ p, n }),
		    rule))
			found = *last;
		p += n + 1;
	}
	return found;
}

static int
append(struct change *ch, struct span rule)
{
	struct buf *old = &ch->c->text, text;
	unsigned last, found;
	int rc;

	found = find_line((struct span){ old->data, old->len }, rule, &last);
	if (found != 0)
		return say_error(EXIT_PROBLEM, "this rule is there already, "
		    "in line %u", found);
	buf_init(&text, MAP_FILE_MAX);
	buf_put_raw(&text, old->data, old->len);
	if (old->len > 0 && old->data[old->len - 1] != '\n')
		buf_put_u8(&text, '\n');
	buf_put_raw(&text, rule.p, rule.n);
	buf_put_u8(&text, '\n');
	if ((rc = change_check(ch, &text)) == EXIT_DONE)
		rc = change_commit(ch, &text, false);
	if (rc == EXIT_DONE && !ch->c->o->dry_run)
		(void)printf("added as line %u; a running certlogind takes "
		    "it by itself\n", last + 1);
	buf_free(&text);
	return rc;
}

int
add_run(const struct options *o)
{
	struct span rule = context_trim((struct span){
	    (const uint8_t *)o->argument, strlen(o->argument) });
	struct context c;
	struct change ch = { .file = REWRITE_NONE };
	int rc;

	if ((rc = context_open(&c, o)) == EXIT_DONE &&
	    (rc = check_rule(&c, rule)) == EXIT_DONE &&
	    (rc = change_begin(&ch, &c, true)) == EXIT_DONE)
		rc = append(&ch, rule);
	change_end(&ch);
	context_close(&c);
	return rc;
}
