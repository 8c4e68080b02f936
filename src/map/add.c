/* certlogin-map add: a rule at the end of the map, as it was written or for a
 * certificate in hand. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map/change.h"
#include "map/hand.h"
#include "map/report.h"
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
	struct span line;
	unsigned found = 0;

	for (*last = 0; span_line(&text, &line);) {
		++*last;
		if (found == 0 && span_eq(span_trim(line), rule))
			found = *last;
	}
	return found;
}

static int
append(struct change *ch, struct span rule, bool ask)
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
		rc = change_commit(ch, &text, ask);
	if (rc == EXIT_DONE && !ch->c->o->dry_run)
		(void)printf("added as line %u; a running certlogind takes "
		    "it by itself\n", last + 1);
	buf_free(&text);
	return rc;
}

/* The rule that was written, or the one for a certificate in hand. */
static int
find_rule(const struct context *c, char rule[MAP_LINE_MAX + 1])
{
	const struct options *o = c->o;
	struct ipc_tested *t;
	const char *why_so;
	struct why why;
	int rc;

	if (o->from_cert == NULL && !o->from_token) {
		if (snprintf(rule, MAP_LINE_MAX + 1, "%s", o->argument) >
		    MAP_LINE_MAX)
			return say_error(EXIT_USAGE, "expected a rule of at "
			    "most %d bytes", MAP_LINE_MAX);
		return EXIT_DONE;
	}
	if ((t = calloc(1, sizeof(*t))) == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	if ((rc = hand_find(c, t)) == EXIT_DONE &&
	    hand_rule(&c->conf, t, o->account, o->argument, rule, &why_so,
	    &why) != 0)
		rc = say_error(EXIT_PROBLEM, "%s", why.text);
	if (rc == EXIT_DONE) {
		report_certificate(t);
		(void)printf("%s\n  %s\n", rule, why_so);
	}
	free(t);
	return rc;
}

int
add_run(const struct options *o)
{
	bool in_hand = o->from_cert != NULL || o->from_token;
	struct change ch = { .file = REWRITE_NONE };
	char rule[MAP_LINE_MAX + 1];
	struct context c;
	struct span s;
	int rc;

	if ((rc = context_open(&c, o)) == EXIT_DONE &&
	    (rc = find_rule(&c, rule)) == EXIT_DONE) {
		s = span_trim((struct span){ (const uint8_t *)rule,
		    strlen(rule) });
		if ((rc = check_rule(&c, s)) == EXIT_DONE &&
		    (rc = change_begin(&ch, &c, true)) == EXIT_DONE)
			rc = append(&ch, s, in_hand);
	}
	change_end(&ch);
	context_close(&c);
	return rc;
}
