/* trust.conf's text: the table of its keys, and what they must be together. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ini.h"
#include "x509/pattern.h"
#include "x509/trust.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGIT "0123456789"
#define FOLDABLE (1u << FACTS_UPN | 1u << FACTS_EMAIL | 1u << FACTS_DNS)
#define YEAR (366u * 86400)

/* An error at an offset of the value. */
__attribute__((format(printf, 3, 4)))
static int
wrong(const struct ini_pos *pos, size_t at, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_add(pos->diag, DIAG_ERROR, pos->file, pos->line,
	    pos->column + (unsigned)at, "%s", text);
	return ERR_MALFORMED;
}

/* ---- anchor, crl, crl-url ------------------------------------------------ */

/* Below trust.conf's folder: what path_open_below() will take. */
static int
check_path(const char *path, const struct ini_key *key,
    const struct ini_pos *pos)
{
	long bad;

	if (path[0] == '\0' || path[0] == '/')
		return wrong(pos, 0, "%s = %s: expected a path relative to "
		    "this file's folder", key->name, path);
	if ((bad = trust_url_bad_part(path)) >= 0)
		return wrong(pos, (size_t)bad, "%s = %s: expected a path "
		    "without empty, '.' or '..' parts", key->name, path);
	return 0;
}

static int
add_path(const struct ini_key *key, const char *value,
    const struct ini_pos *pos, char paths[][256], unsigned *lines, size_t *n)
{
	int r = check_path(value, key, pos);

	if (r != 0)
		return r;
	if (*n == TRUST_PATHS_MAX)
		return wrong(pos, 0, "%s: expected at most %d of them",
		    key->name, TRUST_PATHS_MAX);
	if (strlen(value) >= sizeof(paths[0]))
		return wrong(pos, 0, "%s: expected a path of at most %zu "
		    "characters", key->name, sizeof(paths[0]) - 1);
	for (size_t i = 0; i < *n; i++)
		if (strcmp(paths[i], value) == 0)
			return wrong(pos, 0, "%s = %s: is named in line %u "
			    "already", key->name, value, lines[i]);
	(void)snprintf(paths[*n], sizeof(paths[0]), "%s", value);
	lines[(*n)++] = pos->line;
	return 0;
}

static int
set_anchor(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct trust_conf_authority *a = target;

	return add_path(key, value, pos, a->anchor, a->anchor_line,
	    &a->n_anchors);
}

static int
set_crl(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct trust_conf_authority *a = target;

	return add_path(key, value, pos, a->crl, a->crl_line, &a->n_crls);
}

/* It fills the file of the crl line above it. */
static int
set_crl_url(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct trust_conf_authority *a = target;
	size_t i = a->n_crls - 1, at;
	struct why why;

	if (a->n_crls == 0)
		return wrong(pos, 0, "%s: expected behind the crl = FILE that "
		    "it fills", key->name);
	if (a->url[i][0] != '\0')
		return wrong(pos, 0, "%s: crl = %s has one in line %u "
		    "already; expected behind a crl = FILE of its own",
		    key->name, a->crl[i], a->url_line[i]);
	if (trust_url_check(value, &at, &why) != 0)
		return wrong(pos, at, "%s: %s", key->name, why.text);
	(void)snprintf(a->url[i], sizeof(a->url[i]), "%s", value);
	a->url_line[i] = pos->line;
	return 0;
}

/* ---- names --------------------------------------------------------------- */

bool
trust_name_is_any(const struct trust_name *n)
{
	return n->field == FACTS_DNS && strcmp(n->pattern, "*") == 0;
}

/* The field of `FIELD=`, and where its pattern begins; or -1. */
static int
field_of(const char *p, const char **pattern)
{
	size_t n = strspn(p, LOWER);
	char word[16];

	if (p[n] != '=' || n >= sizeof(word))
		return -1;
	(void)snprintf(word, sizeof(word), "%.*s", (int)n, p);
	*pattern = p + n + 1;
	return facts_field_by_name(word);
}

/* Length of the entry that p begins with.  A comma ends it where a blank or
 * another FIELD= follows; any other belongs to a URI. */
static size_t
entry_length(const char *p)
{
	const char *unused;
	size_t n = 0;

	while (p[n] != '\0' && !(p[n] == ',' && (p[n + 1] == '\0' ||
	    p[n + 1] == ' ' || p[n + 1] == '\t' ||
	    field_of(p + n + 1, &unused) >= 0)))
		n++;
	return n;
}

/* pattern_check() leaves addresses and captures to its callers. */
static int
check_pattern(enum facts_field field, const char *pattern, size_t *at,
    struct why *why)
{
	unsigned char a[16];
	size_t brace = strcspn(pattern, "{}"), blank = strcspn(pattern, " \t");

	if (pattern[brace] != '\0') {
		*at = brace;
		return why_set(why, ERR_MALFORMED, "expected * and no {name}");
	}
	if (pattern[blank] != '\0') {
		*at = blank;
		return why_set(why, ERR_MALFORMED, "expected no blank");
	}
	if (field == FACTS_IP && strchr(pattern, '*') == NULL &&
	    inet_pton(AF_INET, pattern, a) != 1 &&
	    inet_pton(AF_INET6, pattern, a) != 1) {
		*at = 0;
		return why_set(why, ERR_MALFORMED, "expected an IP address");
	}
	return pattern_check(field, pattern, at, why);
}

/* Room for one more, zeroed. */
static struct trust_name *
add_name(struct trust_rules *r)
{
	if (r->names == NULL)
		r->names = calloc(TRUST_NAMES_MAX, sizeof(*r->names));
	if (r->names == NULL || r->n_names == TRUST_NAMES_MAX)
		return NULL;
	return &r->names[r->n_names];
}

static int
set_name(struct trust_rules *rules, const char *entry, size_t n,
    const struct ini_pos *pos, size_t offset)
{
	struct trust_name *name = add_name(rules);
	const char *pattern;
	int field = field_of(entry, &pattern);
	struct why why;
	size_t at = 0;

	if (name == NULL)
		return wrong(pos, offset, "names: expected at most %d, and "
		    "memory for them", TRUST_NAMES_MAX);
	if (field < 0)
		return wrong(pos, offset, "names: expected FIELD=PATTERN with "
		    "uri, email, upn, dns, ip or sid as FIELD");
	n -= (size_t)(pattern - entry);
	if (n > FACTS_NAME_MAX)
		return wrong(pos, offset, "names: expected a pattern of at "
		    "most %d characters", FACTS_NAME_MAX);
	memcpy(name->pattern, pattern, n);
	name->pattern[n] = '\0';
	if (check_pattern((enum facts_field)field, name->pattern, &at,
	    &why) != 0)
		return wrong(pos, offset + (size_t)(pattern - entry) + at,
		    "names: %s", why.text);
	name->field = (enum facts_field)field;
	rules->n_names++;
	return 0;
}

static int
set_names(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct trust_conf_authority *a = target;
	const char *p = value;
	int r;

	(void)key;
	for (;;) {
		size_t n = entry_length(p), used = n;

		while (used > 0 && strchr(" \t", p[used - 1]) != NULL)
			used--;
		if ((r = set_name(&a->rules, p, used, pos,
		    (size_t)(p - value))) != 0 || p[n] == '\0')
			return r;
		p += n + 1;
		p += strspn(p, " \t");
	}
}

/* ---- other keys ---------------------------------------------------------- */

static int
set_fold(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct trust_conf_authority *a = target;
	const char *p = value;

	for (;;) {
		size_t n = strspn(p, LOWER);
		char word[16];
		int field;

		(void)snprintf(word, sizeof(word), "%.*s", (int)n, p);
		field = facts_field_by_name(word);
		if (field < 0 || (1u << field & FOLDABLE) == 0)
			return wrong(pos, (size_t)(p - value), "%s: expected "
			    "upn, email or dns", key->name);
		a->rules.fold |= 1u << field;
		p += n + strspn(p + n, " \t");
		if (*p == '\0')
			return 0;
		if (*p != ',')
			return wrong(pos, (size_t)(p - value),
			    "%s: expected a comma", key->name);
		p++;
		p += strspn(p, " \t");
	}
}

static int
set_revocation(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct trust_rules *r = &((struct trust_conf_authority *)target)->rules;
	size_t n = strcspn(value, " \t");
	const char *p = value + n + strspn(value + n, " \t");

	if (strcmp(value, "require") == 0) {
		r->revocation = TRUST_REQUIRE;
		return 0;
	}
	if (strcmp(value, "none") == 0) {
		r->revocation = TRUST_NONE;
		return 0;
	}
	if (strncmp(value, "grace", n) != 0 || n != 5)
		return wrong(pos, 0, "%s = %s: expected require, grace "
		    "DURATION or none", key->name, value);
	if (ini_duration(p, &r->grace) != 0 || r->grace == 0 ||
	    r->grace > YEAR)
		return wrong(pos, (size_t)(p - value), "%s: expected grace "
		    "and a duration such as 24h, at most 366d", key->name);
	r->revocation = TRUST_GRACE;
	return 0;
}

static const char *const classes[] = { "user", "device", "host", NULL };
static const char *const on_expiry[] = { "end", "keep", NULL };
static const char *const on_stale[] = { "keep", "end", NULL };

#define RULE(member) offsetof(struct trust_conf_authority, rules.member)
static const struct ini_key keys[] = {
	{ .name = "class", .type = INI_ENUM, .offset = RULE(class),
	    .words = classes, .flags = INI_REQUIRED },
	{ .name = "anchor", .type = INI_CALL, .call = set_anchor,
	    .flags = INI_REPEAT | INI_REQUIRED },
	{ .name = "names", .type = INI_CALL, .call = set_names,
	    .flags = INI_REPEAT },
	{ .name = "fold-case", .type = INI_CALL, .call = set_fold },
	{ .name = "revocation", .type = INI_CALL, .call = set_revocation },
	{ .name = "crl", .type = INI_CALL, .call = set_crl,
	    .flags = INI_REPEAT },
	{ .name = "crl-url", .type = INI_CALL, .call = set_crl_url,
	    .flags = INI_REPEAT },
	{ .name = "on-expiry", .type = INI_ENUM, .offset = RULE(on_expiry),
	    .words = on_expiry },
	{ .name = "on-stale", .type = INI_ENUM, .offset = RULE(on_stale),
	    .words = on_stale },
	{ .name = "max-lifetime", .type = INI_DURATION, .min = 60,
	    .offset = RULE(max_lifetime) },
	{ .name = NULL },
};

/* ---- sections ------------------------------------------------------------ */

static void *
begin_authority(void *ctx, const char *sub, const struct ini_pos *pos)
{
	struct trust_conf *c = ctx;
	struct trust_conf_authority *a;

	if (strlen(sub) >= TRUST_NAME_MAX || strchr(LOWER, sub[0]) == NULL ||
	    sub[strspn(sub, LOWER DIGIT "_-")] != '\0') {
		wrong(pos, 0, "authority '%s': expected a name of a-z, 0-9, "
		    "'_' and '-', a letter first, of at most %d", sub,
		    TRUST_NAME_MAX - 1);
		return NULL;
	}
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->authority[i].rules.name, sub) == 0) {
			wrong(pos, 0, "authority '%s' is in line %u already",
			    sub, c->authority[i].line);
			return NULL;
		}
	if (c->n == TRUST_AUTHORITIES_MAX) {
		wrong(pos, 0, "expected at most %d authorities",
		    TRUST_AUTHORITIES_MAX);
		return NULL;
	}
	a = &c->authority[c->n++];
	(void)snprintf(a->rules.name, sizeof(a->rules.name), "%s", sub);
	a->line = pos->line;
	return a;
}

/* What holds for an authority as a whole. */
static void
check_authority(const struct trust_conf_authority *a, const char *file,
    struct diag *diag)
{
	const char *name = a->rules.name;

	if (a->rules.n_names == 0)
		diag_add(diag, DIAG_WARNING, file, a->line, 1,
		    "authority '%s' has no names: any name that it signs is "
		    "believed; add names = FIELD=PATTERN", name);
	if (a->rules.revocation == TRUST_NONE)
		diag_add(diag, DIAG_WARNING, file, a->line, 1,
		    "authority '%s' has revocation = none: a revoked "
		    "certificate still logs in", name);
	if (a->rules.revocation == TRUST_NONE && a->n_crls > 0)
		diag_add(diag, DIAG_WARNING, file, a->crl_line[0], 1,
		    "crl of authority '%s' is not looked at, for it has "
		    "revocation = none", name);
	if (a->rules.revocation != TRUST_NONE && a->n_crls == 0)
		diag_add(diag, DIAG_ERROR, file, a->line, 1, "authority '%s' "
		    "has no crl, so that nobody could log in: expected crl = "
		    "FILE, or revocation = none", name);
}

/* Has this path come before in c? */
static bool
path_known(const struct trust_conf *c, const char *path,
    const char (*end)[256])
{
	for (size_t i = 0; i < c->n; i++) {
		const struct trust_conf_authority *a = &c->authority[i];

		for (size_t k = 0; k < a->n_anchors; k++) {
			if (&a->anchor[k] == end)
				return false;
			if (strcmp(a->anchor[k], path) == 0)
				return true;
		}
		for (size_t k = 0; k < a->n_crls; k++) {
			if (&a->crl[k] == end)
				return false;
			if (strcmp(a->crl[k], path) == 0)
				return true;
		}
	}
	return false;
}

/* They are opened and handed over all at once. */
static void
check_files(const struct trust_conf *c, const char *file, struct diag *diag)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct trust_conf_authority *a = &c->authority[i];

		for (size_t k = 0; k < a->n_anchors; k++)
			n += !path_known(c, a->anchor[k], &a->anchor[k]);
		for (size_t k = 0; k < a->n_crls; k++)
			n += !path_known(c, a->crl[k], &a->crl[k]);
		if (n <= IPC_LOAD_FILES_MAX)
			continue;
		diag_add(diag, DIAG_ERROR, file, a->line, 1, "expected at "
		    "most %d files of all authorities", IPC_LOAD_FILES_MAX);
		return;
	}
}

/* How often is this path named? */
static size_t
times_named(const struct trust_conf *c, const char *path)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		const struct trust_conf_authority *a = &c->authority[i];

		for (size_t k = 0; k < a->n_anchors; k++)
			n += strcmp(a->anchor[k], path) == 0;
		for (size_t k = 0; k < a->n_crls; k++)
			n += strcmp(a->crl[k], path) == 0;
	}
	return n;
}

/* What is fetched for one authority replaces no anchor, and no CRL of
 * another. */
static void
check_filled(const struct trust_conf *c, const char *file, struct diag *diag)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct trust_conf_authority *a = &c->authority[i];

		for (size_t k = 0; k < a->n_crls; k++)
			if (a->url[k][0] != '\0' &&
			    times_named(c, a->crl[k]) != 1)
				diag_add(diag, DIAG_ERROR, file,
				    a->url_line[k], 1, "crl-url: %s is named "
				    "more than once; expected a file of its "
				    "own for what is fetched", a->crl[k]);
	}
}

int
trust_conf_parse(struct trust_conf *out, const char *file, const char *text,
    size_t n, struct diag *diag)
{
	const struct ini_section sections[] = {
		{ .name = "authority", .named = true, .keys = keys,
		    .begin = begin_authority },
		{ .name = NULL },
	};
	size_t before = diag->errors;

	*out = (struct trust_conf){ 0 };
	out->authority = calloc(TRUST_AUTHORITIES_MAX,
	    sizeof(*out->authority));
	if (out->authority == NULL) {
		diag_add(diag, DIAG_ERROR, file, 0, 0, "out of memory");
		return ERR_NOMEM;
	}
	(void)ini_parse(file, text, n, sections, out, diag);
	if (diag->errors == before && out->n == 0)
		diag_add(diag, DIAG_ERROR, file, 0, 0,
		    "expected at least one [authority NAME]");
	for (size_t i = 0; i < out->n; i++)
		check_authority(&out->authority[i], file, diag);
	check_files(out, file, diag);
	check_filled(out, file, diag);
	return diag->errors == before ? 0 : ERR_MALFORMED;
}

void
trust_conf_free(struct trust_conf *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->authority[i].rules.names);
	free(c->authority);
	*c = (struct trust_conf){ 0 };
}
