#include "ctl/locks.h"

#include <stdio.h>
#include <string.h>

/* ---- a rule ----------------------------------------------------------------- */

int
locks_rule(char dst[LOCKS_RULE_MAX], const char *class,
    const char *authority, const char *match, const char *until,
    struct why *why)
{
	const char *eq = strchr(match, '=');
	char value[LOCKS_RULE_MAX];
	size_t n = 0;
	bool quote;

	if (eq == NULL || eq == match || eq[1] == '\0' ||
	    strpbrk(match, "\r\n") != NULL)
		return why_set(why, ERR_MALFORMED, "'%s': expected "
		    "MATCHER=VALUE, such as serial=4f:1a:09", match);
	if (until != NULL && strpbrk(until, " \t\r\n") != NULL)
		return why_set(why, ERR_MALFORMED, "--until '%s': expected "
		    "a date like 2027-01-31", until);
	if (strlen(match) >= MAP_LINE_MAX / 2)
		return why_set(why, ERR_TOOBIG, "expected a shorter value");
	quote = strpbrk(eq + 1, " \t\"\\") != NULL;
	if (quote)
		value[n++] = '"';
	for (const char *p = eq + 1; *p != '\0'; p++) {
		if (quote && (*p == '"' || *p == '\\'))
			value[n++] = '\\';
		value[n++] = *p;
	}
	if (quote)
		value[n++] = '"';
	value[n] = '\0';
	if (snprintf(dst, LOCKS_RULE_MAX, "deny %s %s %.*s=%s%s%s", class,
	    authority, (int)(eq - match), match, value,
	    until != NULL ? " until=" : "", until != NULL ? until : "") >=
	    LOCKS_RULE_MAX)
		return why_set(why, ERR_TOOBIG, "expected a shorter lock");
	return 0;
}

/* ---- the text ----------------------------------------------------------------- */

static bool
same_match(const struct map_match *a, const struct map_match *b)
{
	if (a->matcher != b->matcher)
		return false;
	if (a->value != NULL && b->value != NULL)
		return strcmp(a->value, b->value) == 0;
	return a->n_bytes == b->n_bytes &&
	    memcmp(a->bytes, b->bytes, a->n_bytes) == 0;
}

bool
locks_is_plain(const struct map_rule *r)
{
	return r->n_matches == 1 && r->n_nets == 0 && r->n_services == 0;
}

static bool
is_wanted(const struct map *file, const struct map_rule *r,
    const struct map *want)
{
	if (!locks_is_plain(r))
		return false;
	for (size_t i = 0; i < want->n; i++)
		if (strcmp(r->authority, want->rule[i].authority) == 0 &&
		    same_match(&file->match[r->matches],
		    &want->match[want->rule[i].matches]))
			return true;
	return false;
}

static void
put_line(struct buf *out, const char *text)
{
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		buf_put_u8(out, '\n');
	buf_put_raw(out, text, strlen(text));
	buf_put_u8(out, '\n');
}

/* A line that is such a lock. */
static void
take_out(struct span line, unsigned number, const char *add,
    struct buf *out, struct locks_changed *c)
{
	if (c->found++ > 0)
		return;
	c->line = number;
	if (add == NULL)
		return;
	c->same = span_eq_str(span_trim(line), add);
	put_line(out, add);
}

int
locks_change(const struct buf *old, const struct map *file,
    const struct map *want, const char *add, struct buf *out,
    struct locks_changed *c)
{
	struct span text = { old->data, old->len }, line, rest;
	unsigned number = 0;
	size_t next = 0;

	*c = (struct locks_changed){ .found = 0 };
	/* an empty file is one, too */
	(void)buf_reserve(out, 1);
	for (rest = text; span_line(&rest, &line); text = rest) {
		const struct map_rule *r;

		number++;
		while (next < file->n && file->rule[next].line < number)
			next++;
		r = next < file->n && file->rule[next].line == number ?
		    &file->rule[next] : NULL;
		if (r != NULL && is_wanted(file, r, want))
			take_out(line, number, add, out, c);
		else
			buf_put_raw(out, text.p, text.n - rest.n);
	}
	c->same = c->same && c->found == 1;
	if (add != NULL && c->found == 0) {
		put_line(out, add);
		c->line = number + 1;
	}
	return buf_err(out);
}
