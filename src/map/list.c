/* certlogin-map list: the rules, each with its line; all, or those that
 * concern an account, an identity or an authority. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map/reach.h"
#include "map/say.h"
#include "map/show.h"

/* ---- what is shown ------------------------------------------------------------------ */

/* Denies that take something away from an allow that is shown. */
static void
choose_denies(const struct map *m, const struct map_rule *r,
    const struct reach *to, bool *shown)
{
	const struct compare_rule allow = reach_compare(m, r, to);

	for (size_t i = 0; i < m->n; i++) {
		const struct compare_rule deny = compare_of(m, &m->rule[i]);

		if (m->rule[i].deny && !shown[i] &&
		    compare_cut(&deny, &allow) >= COMPARE_SOME)
			shown[i] = true;
	}
}

static void
choose_account(const struct context *c, const struct map *m, bool *shown)
{
	struct reach to;

	for (size_t i = 0; i < m->n; i++) {
		const struct map_rule *r = &m->rule[i];

		reach_account(m, r, reach_authority(&c->conf, r->authority),
		    c->o->account, &to);
		if (to.how == REACH_NOT)
			continue;
		shown[i] = true;
		choose_denies(m, r, &to, shown);
	}
}

static int
choose_identity(const struct context *c, const struct map *m, bool *shown)
{
	struct map identity;
	struct why why;

	if (reach_parse_identity(c, c->o->identity, &identity, &why) != 0)
		return say_error(EXIT_USAGE, "--identity '%s': %s",
		    c->o->identity, why.text);
	for (size_t i = 0; i < m->n; i++)
		shown[i] = reach_identity(m, &m->rule[i], reach_authority(
		    &c->conf, m->rule[i].authority), &identity);
	map_free(&identity);
	return EXIT_DONE;
}

static int
choose_authority(const struct context *c, const struct map *m, bool *shown)
{
	if (reach_authority(&c->conf, c->o->authority) == NULL)
		return say_error(EXIT_USAGE, "--authority %s: %s has no such "
		    "authority", c->o->authority, c->o->trust);
	for (size_t i = 0; i < m->n; i++)
		shown[i] = strcmp(m->rule[i].authority, c->o->authority) == 0;
	return EXIT_DONE;
}

static int
choose(const struct context *c, const struct map *m, bool *shown)
{
	if (c->o->identity != NULL)
		return choose_identity(c, m, shown);
	if (c->o->authority != NULL)
		return choose_authority(c, m, shown);
	if (c->o->account != NULL)
		choose_account(c, m, shown);
	else
		memset(shown, true, m->n);
	return EXIT_DONE;
}

/* ---- printing ----------------------------------------------------------------------- */

static void
print(const struct context *c, const struct map *m, const bool *shown)
{
	struct show_lines lines = { { c->text.data, c->text.len }, 1 };
	char line[MAP_LINE_MAX + 1];
	bool first = true;

	for (size_t i = 0; i < m->n; i++) {
		if (!shown[i])
			continue;
		show_line(&lines, m->rule[i].line, line);
		if (!c->o->json) {
			(void)printf("%6u  %s\n", m->rule[i].line, line);
			continue;
		}
		(void)fputs(first ? "[{" : ",\n{", stdout);
		first = false;
		show_members(m, &m->rule[i], line);
		(void)putchar('}');
	}
	if (c->o->json)
		(void)puts(first ? "[]" : "]");
}

static int
list(const struct context *c, const struct map *m)
{
	bool *shown = calloc(m->n + 1, sizeof(*shown));
	int rc;

	if (shown == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	if ((rc = choose(c, m, shown)) == EXIT_DONE)
		print(c, m, shown);
	free(shown);
	return rc;
}

int
list_run(const struct options *o)
{
	struct context c;
	struct map map;
	int rc;

	if ((rc = context_open(&c, o)) == EXIT_DONE &&
	    (rc = context_load_map(&c, &map)) == EXIT_DONE) {
		rc = list(&c, &map);
		map_free(&map);
	}
	context_close(&c);
	return rc;
}
