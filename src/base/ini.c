#include "base/ini.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

#define KEYS_MAX 64		/* rows of one table, for the seen bits */
#define NAME_MAX_BYTES 64

struct parser {
	const struct ini_section *sections;
	void *ctx;
	struct ini_pos pos;
	const struct ini_section *cur;	/* NULL before the first head */
	void *target;			/* NULL: skip keys after an error */
	unsigned head_line;
	uint64_t seen;			/* rows of cur seen */
};

/* Keys ignore case, '-' and '_'. */
static bool
key_eq(const char *a, const char *b)
{
	for (;;) {
		while (*a == '-' || *a == '_')
			a++;
		while (*b == '-' || *b == '_')
			b++;
		if (*a == '\0' || *b == '\0')
			return *a == *b;
		if (strncasecmp(a, b, 1) != 0)
			return false;
		a++;
		b++;
	}
}

int
ini_duration(const char *text, uint32_t *seconds)
{
	uint64_t v = 0, unit;
	const char *p = text;

	if (*p < '0' || *p > '9')
		return ERR_MALFORMED;
	for (; *p >= '0' && *p <= '9'; p++)
		if ((v = v * 10 + (uint64_t)(*p - '0')) > UINT32_MAX)
			return ERR_MALFORMED;
	switch (*p) {
	case '\0':
	case 's':
		unit = 1;
		break;
	case 'm':
		unit = 60;
		break;
	case 'h':
		unit = 3600;
		break;
	case 'd':
		unit = 86400;
		break;
	default:
		return ERR_MALFORMED;
	}
	if ((*p != '\0' && p[1] != '\0') || v * unit > UINT32_MAX)
		return ERR_MALFORMED;
	*seconds = (uint32_t)(v * unit);
	return 0;
}

static int
bad_value(const struct ini_pos *pos, const struct ini_key *key,
    const char *value, const char *expected)
{
	diag_add(pos->diag, DIAG_ERROR, pos->file, pos->line, pos->column,
	    "%s = %s: expected %s", key->name, value, expected);
	return ERR_MALFORMED;
}

static int
set_uint(uint32_t *dst, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	char *end;
	unsigned long long v;

	if (value[0] < '0' || value[0] > '9')
		return bad_value(pos, key, value, "a whole number");
	v = strtoull(value, &end, 10);
	if (*end != '\0')
		return bad_value(pos, key, value, "a whole number");
	if (v < key->min || v > (key->max != 0 ? key->max : UINT32_MAX)) {
		diag_add(pos->diag, DIAG_ERROR, pos->file, pos->line,
		    pos->column, "%s = %s: expected %u to %u", key->name,
		    value, key->min, key->max != 0 ? key->max : UINT32_MAX);
		return ERR_MALFORMED;
	}
	*dst = (uint32_t)v;
	return 0;
}

static int
set_duration(uint32_t *dst, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	uint32_t v;

	if (ini_duration(value, &v) != 0)
		return bad_value(pos, key, value,
		    "a duration such as 90s, 10m, 24h or 30d");
	if (v < key->min || v > (key->max != 0 ? key->max : UINT32_MAX)) {
		diag_add(pos->diag, DIAG_ERROR, pos->file, pos->line,
		    pos->column, "%s = %s: expected %us to %us", key->name,
		    value, key->min, key->max != 0 ? key->max : UINT32_MAX);
		return ERR_MALFORMED;
	}
	*dst = v;
	return 0;
}

static int
set_bool(bool *dst, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	static const char *const words[] = { "no", "yes", "false", "true",
	    "off", "on", "0", "1" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0) {
			*dst = (i & 1) != 0;
			return 0;
		}
	return bad_value(pos, key, value, "yes or no");
}

static int
set_enum(int *dst, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct buf list;

	for (int i = 0; key->words[i] != NULL; i++)
		if (strcasecmp(value, key->words[i]) == 0) {
			*dst = i;
			return 0;
		}
	buf_init(&list, 256);
	for (int i = 0; key->words[i] != NULL; i++) {
		if (i > 0)
			buf_put_raw(&list, ", ", 2);
		buf_put_raw(&list, key->words[i], strlen(key->words[i]));
	}
	buf_put_u8(&list, 0);
	bad_value(pos, key, value, buf_err(&list) == 0 ?
	    (const char *)list.data : "another word");
	buf_free(&list);
	return ERR_MALFORMED;
}

static int
set_string(char **dst, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	char *copy;

	if (value[0] == '\0')
		return bad_value(pos, key, value, "a value");
	if (key->max != 0 && strlen(value) > key->max)
		return bad_value(pos, key, value, "a shorter value");
	if ((copy = strdup(value)) == NULL)
		return bad_value(pos, key, value, "memory");
	free(*dst);
	*dst = copy;
	return 0;
}

static int
set_value(const struct ini_key *key, void *target, const char *value,
    const struct ini_pos *pos)
{
	void *m = (char *)target + key->offset;

	switch (key->type) {
	case INI_STRING:
		return set_string(m, key, value, pos);
	case INI_UINT:
		return set_uint(m, key, value, pos);
	case INI_BOOL:
		return set_bool(m, key, value, pos);
	case INI_DURATION:
		return set_duration(m, key, value, pos);
	case INI_ENUM:
		return set_enum(m, key, value, pos);
	case INI_CALL:
		return key->call(target, key, value, pos);
	}
	return ERR_INTERNAL;
}

static const struct ini_key *
find_key(const struct ini_key *keys, const char *name)
{
	for (; keys->name != NULL; keys++)
		if (key_eq(keys->name, name))
			return keys;
	return NULL;
}

static void
error_at(struct parser *p, unsigned column, const char *what,
    const char *word)
{
	diag_add(p->pos.diag, DIAG_ERROR, p->pos.file, p->pos.line, column,
	    "%s%s%s%s", what, word[0] != '\0' ? " '" : "", word,
	    word[0] != '\0' ? "'" : "");
}

/* At the end of a section: were all required keys there? */
static void
end_section(struct parser *p)
{
	if (p->cur == NULL || p->target == NULL)
		return;
	for (size_t i = 0; p->cur->keys[i].name != NULL; i++)
		if ((p->cur->keys[i].flags & INI_REQUIRED) != 0 &&
		    (p->seen & (UINT64_C(1) << i)) == 0)
			diag_add(p->pos.diag, DIAG_ERROR, p->pos.file,
			    p->head_line, 1, "key '%s' is missing in [%s]",
			    p->cur->keys[i].name, p->cur->name);
}

/* s points behind '['. */
static void
parse_head(struct parser *p, char *s)
{
	char *end = strchr(s, ']'), *sub;

	end_section(p);
	p->cur = NULL;
	p->target = NULL;
	p->seen = 0;
	p->head_line = p->pos.line;
	if (end == NULL || end[1 + strspn(end + 1, " \t")] != '\0') {
		error_at(p, 1, "expected [section] alone on the line", "");
		return;
	}
	*end = '\0';
	s += strspn(s, " \t");
	sub = s + strcspn(s, " \t");
	if (*sub != '\0') {
		*sub++ = '\0';
		sub += strspn(sub, " \t");
		for (end--; end > sub && (*end == ' ' || *end == '\t'); end--)
			*end = '\0';
	}
	for (const struct ini_section *c = p->sections; c->name != NULL; c++)
		if (strcasecmp(c->name, s) == 0)
			p->cur = c;
	if (p->cur == NULL) {
		error_at(p, 2, "unknown section", s);
		return;
	}
	if (p->cur->named != (*sub != '\0')) {
		error_at(p, 2, p->cur->named ? "expected a name behind" :
		    "expected no name behind", s);
		return;
	}
	p->pos.column = 2;
	p->target = p->cur->begin(p->ctx, sub, &p->pos);
}

static void
parse_key(struct parser *p, char *line, char *s)
{
	char *eq = strchr(s, '='), *end;
	const struct ini_key *key;
	size_t row;

	if (eq == NULL) {
		error_at(p, (unsigned)(s - line) + 1,
		    "expected key = value, [section] or a comment, not", s);
		return;
	}
	for (end = eq; end > s && (end[-1] == ' ' || end[-1] == '\t'); end--)
		;
	*end = '\0';
	if (p->cur == NULL) {
		error_at(p, (unsigned)(s - line) + 1,
		    "no known section before key", s);
		return;
	}
	if ((key = find_key(p->cur->keys, s)) == NULL) {
		error_at(p, (unsigned)(s - line) + 1, "unknown key", s);
		return;
	}
	row = (size_t)(key - p->cur->keys);
	if (row >= KEYS_MAX) {
		error_at(p, 1, "table too long at", key->name);
		return;
	}
	if ((p->seen & (UINT64_C(1) << row)) != 0 &&
	    (key->flags & INI_REPEAT) == 0) {
		error_at(p, (unsigned)(s - line) + 1, "repeated key", s);
		return;
	}
	p->seen |= UINT64_C(1) << row;
	if (p->target == NULL)
		return;
	eq++;
	eq += strspn(eq, " \t");
	p->pos.column = (unsigned)(eq - line) + 1;
	(void)set_value(key, p->target, eq, &p->pos);
}

static void
parse_line(struct parser *p, char *line)
{
	size_t n = strlen(line);
	char *s = line + strspn(line, " \t");

	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		line[--n] = '\0';
	if (*s == '\0' || *s == '#' || *s == ';')
		return;
	if (*s == '[')
		parse_head(p, s + 1);
	else
		parse_key(p, line, s);
}

/* Column of the first byte that may not stand in a line, or 0. */
static unsigned
bad_byte(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((s[i] < 0x20 || s[i] > 0x7e) && s[i] != '\t')
			return (unsigned)i + 1;
	return 0;
}

int
ini_parse(const char *file, const char *text, size_t n,
    const struct ini_section *sections, void *ctx, struct diag *diag)
{
	struct parser p = { .sections = sections, .ctx = ctx,
	    .pos = { .diag = diag, .file = file, .line = 1, .column = 1 } };
	size_t before = diag->errors;
	char line[INI_LINE_MAX + 1];

	if (n > INI_FILE_MAX) {
		diag_add(diag, DIAG_ERROR, file, 0, 0,
		    "larger than %d bytes", INI_FILE_MAX);
		return ERR_MALFORMED;
	}
	for (size_t off = 0; off < n; p.pos.line++) {
		const char *nl = memchr(text + off, '\n', n - off);
		size_t len = nl != NULL ? (size_t)(nl - text) - off : n - off;
		size_t next = off + len + (nl != NULL ? 1 : 0);
		unsigned bad;

		if (len > 0 && text[off + len - 1] == '\r')
			len--;
		if (len > INI_LINE_MAX)
			error_at(&p, INI_LINE_MAX, "line too long", "");
		else if ((bad = bad_byte(text + off, len)) != 0)
			error_at(&p, bad, "expected printable ASCII", "");
		else {
			memcpy(line, text + off, len);
			line[len] = '\0';
			parse_line(&p, line);
		}
		off = next;
	}
	end_section(&p);
	return diag->errors == before ? 0 : ERR_MALFORMED;
}

int
ini_set(const char *place, const char *assignment,
    const struct ini_key *keys, void *target, struct diag *diag)
{
	struct ini_pos pos = { .diag = diag, .file = place };
	const char *eq = strchr(assignment, '=');
	char name[NAME_MAX_BYTES];
	const struct ini_key *key;
	size_t n;

	n = eq != NULL ? (size_t)(eq - assignment) : 0;
	while (n > 0 && (assignment[n - 1] == ' ' ||
	    assignment[n - 1] == '\t'))
		n--;
	if (n == 0 || n >= sizeof(name)) {
		diag_add(diag, DIAG_ERROR, place, 0, 0,
		    "'%s': expected KEY=VALUE", assignment);
		return ERR_MALFORMED;
	}
	memcpy(name, assignment, n);
	name[n] = '\0';
	if ((key = find_key(keys, name)) == NULL) {
		diag_add(diag, DIAG_ERROR, place, 0, 0, "unknown key '%s'",
		    name);
		return ERR_MALFORMED;
	}
	eq++;
	eq += strspn(eq, " \t");
	return set_value(key, target, eq, &pos);
}

void
ini_free(const struct ini_key *keys, void *target)
{
	for (; keys->name != NULL; keys++)
		if (keys->type == INI_STRING) {
			char **s = (char **)((char *)target + keys->offset);

			free(*s);
			*s = NULL;
		}
}
