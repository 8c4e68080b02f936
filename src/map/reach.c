#include "map/reach.h"

#include <stdio.h>
#include <string.h>

#include "idmap/decide.h"
#include "x509/pattern.h"

const struct trust_rules *
reach_authority(const struct trust_conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->n; i++)
		if (strcmp(conf->authority[i].rules.name, name) == 0)
			return &conf->authority[i].rules;
	return NULL;
}

bool
reach_lists_uris(const struct trust_rules *t)
{
	for (size_t i = 0; t != NULL && i < t->n_names; i++)
		if (t->names[i].field == FACTS_URI)
			return true;
	return false;
}

/* ---- accounts ----------------------------------------------------------------------- */

static bool
names(const struct map *m, const struct map_rule *r, const char *account)
{
	for (size_t i = 0; i < r->n_accounts; i++)
		if (strcmp(m->word[r->accounts + i], account) == 0)
			return true;
	return false;
}

/* Put account in the place of {capture}; false if no matcher holds it. */
static bool
narrow(const struct map_rule *r, const char *account, struct reach *out)
{
	for (size_t i = 0; i < r->n_matches; i++) {
		struct map_match *m = &out->match[i];
		size_t at = m->wild ? pattern_capture(m->value, r->capture) :
		    0;

		if (at == 0)
			continue;
		(void)snprintf(out->value, sizeof(out->value), "%.*s%s%s",
		    (int)at - 1, m->value, account,
		    m->value + at + strlen(r->capture) + 1);
		m->value = out->value;
		m->wild = strpbrk(out->value, "*{") != NULL;
		return true;
	}
	return false;
}

void
reach_account(const struct map *m, const struct map_rule *r,
    const struct trust_rules *t, const char *account, struct reach *out)
{
	*out = (struct reach){ .how = REACH_NOT };
	memcpy(out->match, &m->match[r->matches],
	    r->n_matches * sizeof(out->match[0]));
	if (r->deny)
		return;
	if (r->capture == NULL) {
		out->how = names(m, r, account) ? REACH_NAMED : REACH_NOT;
		return;
	}
	if (!decide_account_form(account) || !narrow(r, account, out))
		return;
	for (size_t i = 0; i < r->n_matches; i++)
		if (!compare_names_let(t, &out->match[i], false))
			return;
	out->how = REACH_CAPTURED;
}

struct compare_rule
reach_compare(const struct map *m, const struct map_rule *r,
    const struct reach *to)
{
	return (struct compare_rule){ m, r, to->match };
}

/* ---- identities ---------------------------------------------------------------------- */

/* deny CLASS AUTHORITY matcher="value" */
static void
write_rule(struct buf *b, const struct map_authority *a, const char *matcher,
    size_t n, const char *value)
{
	const char *class = facts_class_name(a->class);

	buf_put_raw(b, "deny ", 5);
	buf_put_raw(b, class, strlen(class));
	buf_put_u8(b, ' ');
	buf_put_raw(b, a->name, strlen(a->name));
	buf_put_u8(b, ' ');
	buf_put_raw(b, matcher, n);
	buf_put_raw(b, "=\"", 2);
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_put_u8(b, '\\');
		buf_put_u8(b, (uint8_t)*value);
	}
	buf_put_u8(b, '"');
}

static const struct map_authority *
find_authority(const struct context *c, const char *name, size_t n)
{
	for (size_t i = 0; i < c->n; i++)
		if (strlen(c->authority[i].name) == n &&
		    memcmp(c->authority[i].name, name, n) == 0)
			return &c->authority[i];
	return NULL;
}

static int
parse(const struct context *c, const struct buf *b, struct map *out,
    struct why *why)
{
	struct diag diag;
	int r;

	diag_init(&diag);
	r = map_parse(out, "identity", (const char *)b->data, b->len,
	    c->authority, c->n, &diag);
	if (r != 0)
		(void)why_set(why, r, "%s", diag.n > 0 ? diag.items[0].text :
		    err_text(r));
	else if (out->n_match != 1 || out->match[0].wild) {
		map_free(out);
		r = why_set(why, ERR_MALFORMED, "expected one value, without "
		    "* or {name}");
	}
	diag_free(&diag);
	return r;
}

int
reach_parse_identity(const struct context *c, const char *text,
    struct map *out, struct why *why)
{
	size_t n = strcspn(text, " "), name;
	const struct map_authority *a = find_authority(c, text, n);
	const char *matcher = text + n + (text[n] == ' ');
	struct buf b;
	int r;

	name = strspn(matcher, "abcdefghijklmnopqrstuvwxyz");
	if (text[n] != ' ' || name == 0 || matcher[name] != '=')
		return why_set(why, ERR_MALFORMED, "expected 'AUTHORITY "
		    "matcher=value', as a login is logged");
	if (a == NULL)
		return why_set(why, ERR_MALFORMED, "'%.*s' is no authority "
		    "of trust.conf", (int)n, text);
	buf_init(&b, MAP_LINE_MAX);
	write_rule(&b, a, matcher, name, matcher + name + 1);
	if ((r = buf_err(&b)) != 0)
		(void)why_set(why, r, "%s", err_text(r));
	else
		r = parse(c, &b, out, why);
	buf_free(&b);
	return r;
}

bool
reach_identity(const struct map *m, const struct map_rule *r,
    const struct trust_rules *t, const struct map *identity)
{
	const struct map_match *value = &identity->match[0];

	if (!compare_same_authority(r, &identity->rule[0]))
		return false;
	for (size_t i = 0; i < r->n_matches; i++)
		if (compare_meets(&m->match[r->matches + i], value, r->deny,
		    t != NULL ? t->fold : 0))
			return true;
	return false;
}
