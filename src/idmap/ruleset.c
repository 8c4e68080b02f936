#include "idmap/ruleset.h"

#include <string.h>

void
ruleset_find(struct ruleset_cursor *c, const struct ruleset *of,
    const struct map_authority *authority, const struct facts *facts,
    bool deny)
{
	/* its tables are filled by next() */
	c->of = of;
	c->authority = authority;
	c->facts = facts;
	c->deny = deny;
	c->err = 0;
	c->at = c->n = 0;
	of->how->find(c);
}

int
ruleset_next(struct ruleset_cursor *c, struct ruleset_rule *out)
{
	return c->err != 0 ? c->err : c->of->how->next(c, out);
}

int
ruleset_looks_at(const struct ruleset *of,
    const struct map_authority *authority, enum map_matcher matcher,
    bool deny)
{
	return of->how->looks_at(of, authority, matcher, deny);
}

bool
ruleset_is_of(const struct map_rule *r, const struct map_authority *a)
{
	return r->class == (uint8_t)a->class &&
	    strcmp(r->authority, a->name) == 0;
}

/* ---- a parsed map: walked from its first rule to its last ------------------------ */

static void
walk_find(struct ruleset_cursor *c)
{
	(void)c;
}

static const char *const *
words(const struct map *m, uint32_t first)
{
	return m->word != NULL ? m->word + first : NULL;
}

static int
walk_next(struct ruleset_cursor *c, struct ruleset_rule *out)
{
	const struct map *m = c->of->map;

	for (; c->at < m->n; c->at++) {
		const struct map_rule *r = &m->rule[c->at];

		if (r->deny != c->deny || !ruleset_is_of(r, c->authority))
			continue;
		*out = (struct ruleset_rule){ .line = r->line, .deny = r->deny,
		    .restrictions = r->restrictions,
		    .n_matches = r->n_matches, .n_accounts = r->n_accounts,
		    .n_services = r->n_services, .n_nets = r->n_nets,
		    .match = m->match + r->matches,
		    .account = words(m, r->accounts),
		    .service = words(m, r->services),
		    .net = m->net != NULL ? m->net + r->nets : NULL,
		    .capture = r->capture,
		    .command = r->command, .until = r->until };
		c->at++;
		return 1;
	}
	return 0;
}

static int
walk_looks_at(const struct ruleset *of, const struct map_authority *authority,
    enum map_matcher matcher, bool deny)
{
	const struct map *m = of->map;

	for (size_t i = 0; i < m->n; i++) {
		const struct map_rule *r = &m->rule[i];

		if (r->deny != deny || !ruleset_is_of(r, authority))
			continue;
		for (size_t k = 0; k < r->n_matches; k++)
			if (m->match[r->matches + k].matcher == matcher)
				return 1;
	}
	return 0;
}

struct ruleset
ruleset_of_map(const struct map *m)
{
	static const struct ruleset_how walk = { walk_find, walk_next,
	    walk_looks_at };

	return (struct ruleset){ .how = &walk, .map = m };
}
