#include "idmap/map.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ipc.h"
#include "x509/pattern.h"

#define SERVICE_MAX 64
#define EXPECT_MATCHER "uri=, email=, upn=, dns=, serial=, spki=, cert= or " \
	"sid="
#define EXPECT_OPTION "from=, until=, service=, command=, no-pty or " \
	"no-forwarding"

struct parser {
	struct map *m;
	const char *file;
	unsigned line;
	const char *start;		/* of the line, for columns */
	bool locks;			/* a file of locks: denies only */
	const struct map_authority *auth;
	size_t n_auth;
	struct diag *diag;
};

/* A word of a line, or word=value; NUL-terminated in place. */
struct token {
	char *word;
	char *value;			/* NULL: no '=' */
	const char *at;			/* where the word, the value stands */
	const char *value_at;
};

static const struct {
	const char *name;
	enum facts_field field;
} matchers[MAP_MATCHERS] = {
	[MAP_URI] = { "uri", FACTS_URI },
	[MAP_EMAIL] = { "email", FACTS_EMAIL },
	[MAP_UPN] = { "upn", FACTS_UPN },
	[MAP_DNS] = { "dns", FACTS_DNS },
	[MAP_SERIAL] = { "serial", FACTS_FIELDS },
	[MAP_SPKI] = { "spki", FACTS_FIELDS },
	[MAP_CERT] = { "cert", FACTS_FIELDS },
	[MAP_SID] = { "sid", FACTS_SID },
};

const char *
map_matcher_name(enum map_matcher matcher)
{
	return matchers[matcher].name;
}

enum facts_field
map_matcher_field(enum map_matcher matcher)
{
	return matchers[matcher].field;
}

__attribute__((format(printf, 3, 4)))
static int
wrong(struct parser *ps, const char *at, const char *fmt, ...)
{
	char text[DIAG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_add(ps->diag, DIAG_ERROR, ps->file, ps->line,
	    (unsigned)(at - ps->start) + 1, "%s", text);
	return ERR_MALFORMED;
}

/* ---- growing tables -------------------------------------------------------- */

/* The table, moved if need be, with room for one more behind its n elements
 * of size bytes; the new one is zeroed. */
static void *
room(void *table, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap == 0 ? 16 : *cap * 2;

	if (n == *cap) {
		if ((table = reallocarray(table, want, size)) == NULL)
			return NULL;
		*cap = want;
	}
	memset((char *)table + n * size, 0, size);
	return table;
}

static struct map_rule *
add_rule(struct map *m)
{
	void *t = room(m->rule, m->n, &m->cap_rule, sizeof(*m->rule));

	if (t == NULL)
		return NULL;
	m->rule = t;
	return &m->rule[m->n++];
}

static struct map_match *
add_match(struct map *m)
{
	void *t = room(m->match, m->n_match, &m->cap_match,
	    sizeof(*m->match));

	if (t == NULL)
		return NULL;
	m->match = t;
	return &m->match[m->n_match++];
}

static struct map_net *
add_net(struct map *m)
{
	void *t = room(m->net, m->n_net, &m->cap_net, sizeof(*m->net));

	if (t == NULL)
		return NULL;
	m->net = t;
	return &m->net[m->n_net++];
}

static int
add_word(struct map *m, const char *word)
{
	void *t = room(m->word, m->n_word, &m->cap_word, sizeof(*m->word));

	if (t == NULL)
		return ERR_NOMEM;
	m->word = t;
	m->word[m->n_word++] = word;
	return 0;
}

/* ---- words of a line --------------------------------------------------------- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static char *
skip_blanks(char *p)
{
	while (is_blank(*p))
		p++;
	return p;
}

/* "..." with \" and \\, unescaped in place.  *end: behind the closing quote. */
static int
take_quoted(struct parser *ps, char *p, char **end)
{
	char *out = p, *in = p + 1;

	for (; *in != '"'; in++) {
		if (*in == '\0')
			return wrong(ps, p, "expected a closing quote");
		if (*in == '\\' && *++in != '"' && *in != '\\')
			return wrong(ps, in - 1, "expected a quote or a "
			    "backslash behind the backslash");
		*out++ = *in;
	}
	*end = in + 1;
	if (**end != '\0' && !is_blank(**end))
		return wrong(ps, *end, "expected a blank behind the closing "
		    "quote");
	*out = '\0';
	return 0;
}

static int
take_bare(struct parser *ps, char *p, char **end)
{
	size_t n = strcspn(p, " \t\"\\");

	if (p[n] == '"' || p[n] == '\\')
		return wrong(ps, p + n, "expected quotes around the whole "
		    "value: one with a quote or a backslash is written so");
	*end = p + n;
	return 0;
}

/* A value at *p, quoted or bare, terminated in place; *p moves behind it. */
static int
take_value(struct parser *ps, char **p, char **value, const char **at)
{
	char *end = *p;
	int r;

	*value = *p;
	*at = *p + (**p == '"');
	r = **p == '"' ? take_quoted(ps, *p, &end) : take_bare(ps, *p, &end);
	if (r != 0)
		return r;
	if (*end != '\0')
		*end++ = '\0';
	*p = end;
	return 0;
}

/* The next word, with its value if there is one; t->word is "" at the end. */
static int
take_token(struct parser *ps, char **p, struct token *t)
{
	char *w = skip_blanks(*p);
	size_t n = strcspn(w, " \t=\"\\");

	*t = (struct token){ .word = w, .at = w };
	if (w[n] == '"' || w[n] == '\\' || (n == 0 && w[n] == '='))
		return wrong(ps, w + n, "expected a word or word=value");
	*p = w + n;
	if (w[n] == '\0')
		return 0;
	if (w[n] != '=') {
		w[n] = '\0';
		*p = w + n + 1;
		return 0;
	}
	w[n] = '\0';
	*p = w + n + 1;
	return take_value(ps, p, &t->value, &t->value_at);
}

/* Split list at commas in place: the next part, NULL at the end. */
static char *
next_part(char **list)
{
	char *part = *list, *comma;

	if (part == NULL)
		return NULL;
	comma = strchr(part, ',');
	*list = comma != NULL ? comma + 1 : NULL;
	if (comma != NULL)
		*comma = '\0';
	return part;
}

/* ---- matchers ------------------------------------------------------------------ */

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The hex digits of text, with ':' between them left out if colons is set,
 * to bytes in its own place; an odd count means a leading zero.  Returns the
 * number of bytes, or -1. */
static int
from_hex(char *text, bool colons)
{
	uint8_t *out = (uint8_t *)text;
	int digits = 0, n = 0, half;

	for (const char *p = text; *p != '\0'; p++)
		digits += hex_digit(*p) >= 0;
	half = digits % 2;
	for (const char *p = text; *p != '\0'; p++) {
		int v = hex_digit(*p);

		/* a colon stands behind a whole byte and before another */
		if (*p == ':' && colons && n > 0 && half == 0 && p[1] != ':' &&
		    p[1] != '\0')
			continue;
		if (v < 0)
			return -1;
		if (half == 0) {
			out[n] = (uint8_t)(v << 4);
			half = 1;
			continue;
		}
		/* the first of an odd count has no upper half */
		if (n == 0 && p == text)
			out[n] = 0;
		out[n++] |= (uint8_t)v;
		half = 0;
	}
	return n;
}

/* 4f:1a:09 or 4f1a09; leading zeros do not count (RFC 5280 4.1.2.2). */
static int
parse_serial(struct parser *ps, struct map_match *m, const struct token *t)
{
	int n = from_hex(t->value, true);

	m->bytes = (const uint8_t *)t->value;
	while (n > 0 && m->bytes[0] == 0) {
		m->bytes++;
		n--;
	}
	if (n <= 0 || n > FACTS_SERIAL_MAX)
		return wrong(ps, t->value_at, "expected a serial number in "
		    "hex, 1 to 20 bytes and not zero, like 4f:1a:09 or "
		    "4f1a09");
	m->n_bytes = (uint8_t)n;
	return 0;
}

static int
parse_hash(struct parser *ps, struct map_match *m, const struct token *t)
{
	static const char prefix[] = "sha256:";
	char *hex = t->value + strlen(prefix);

	if (strncmp(t->value, prefix, strlen(prefix)) != 0 ||
	    strlen(hex) != 64 || from_hex(hex, false) != 32)
		return wrong(ps, t->value_at, "expected sha256: and 64 hex "
		    "digits");
	m->bytes = (const uint8_t *)hex;
	m->n_bytes = 32;
	return 0;
}

static int
parse_name(struct parser *ps, struct map_match *m, const struct token *t)
{
	struct why why;
	size_t at;

	if (pattern_check(matchers[m->matcher].field, t->value, &at,
	    &why) != 0)
		return wrong(ps, t->value_at + at, "%s=: %s",
		    matchers[m->matcher].name, why.text);
	m->value = t->value;
	m->wild = m->matcher != MAP_SID && strpbrk(t->value, "*{") != NULL;
	return 0;
}

/* Two captures of one name in a rule would be ambiguous. */
static int
check_captures(struct parser *ps, const struct map_rule *r,
    const struct token *t)
{
	const struct map_match *first = &ps->m->match[r->matches];

	for (const char *p = t->value; (p = strchr(p, '{')) != NULL; p++) {
		size_t n = strcspn(p + 1, "}");
		char name[PATTERN_CAPTURE_MAX + 1];

		(void)snprintf(name, sizeof(name), "%.*s", (int)n, p + 1);
		if (pattern_capture(p + 1, name) != 0)
			return wrong(ps, t->value_at, "{%s} is there twice; "
			    "expected each capture once", name);
		for (size_t i = 0; i + 1 < r->n_matches; i++)
			if (first[i].wild &&
			    pattern_capture(first[i].value, name) != 0)
				return wrong(ps, t->value_at, "{%s} is there "
				    "twice; expected each capture once", name);
	}
	return 0;
}

static int
parse_matcher(struct parser *ps, struct map_rule *r, const struct token *t,
    enum map_matcher which)
{
	struct map_match *m;
	int rc;

	for (size_t i = 0; i < r->n_matches; i++)
		if (ps->m->match[r->matches + i].matcher == which)
			return wrong(ps, t->at, "%s= is there twice; expected "
			    "each matcher once", t->word);
	if ((m = add_match(ps->m)) == NULL)
		return ERR_NOMEM;
	r->n_matches++;
	m->matcher = which;
	if (which == MAP_SERIAL)
		return parse_serial(ps, m, t);
	if (which == MAP_SPKI || which == MAP_CERT)
		return parse_hash(ps, m, t);
	if ((rc = parse_name(ps, m, t)) == 0 && m->wild)
		rc = check_captures(ps, r, t);
	return rc;
}

/* ---- accounts --------------------------------------------------------------------- */

/* as {name}: one whole capture of this rule */
static int
parse_capture(struct parser *ps, struct map_rule *r, char *text,
    const char *at)
{
	size_t n = strlen(text);

	if (pattern_wild(text) != n || n < 3)
		return wrong(ps, at, "expected account names, or one whole "
		    "{capture} alone");
	text[n - 1] = '\0';
	for (size_t i = 0; i < r->n_matches; i++) {
		const struct map_match *m = &ps->m->match[r->matches + i];

		if (m->wild && pattern_capture(m->value, text + 1) != 0) {
			r->capture = text + 1;
			return 0;
		}
	}
	return wrong(ps, at, "no matcher of this rule holds {%s}", text + 1);
}

static int
check_account(struct parser *ps, const struct map_rule *r, const char *name,
    const char *at)
{
	if (name[0] == '\0' || name[0] == '-' ||
	    strlen(name) >= IPC_ACCOUNT_MAX ||
	    name[strcspn(name, " \t:/\"*{}")] != '\0')
		return wrong(ps, at, "expected an account name: no blank, ':', "
		    "'/', '*', quote or brace, no '-' in front");
	for (size_t i = 0; i < r->n_accounts; i++)
		if (strcmp(ps->m->word[r->accounts + i], name) == 0)
			return wrong(ps, at, "account %s is there twice", name);
	if (r->n_accounts == MAP_ACCOUNTS_MAX)
		return wrong(ps, at, "expected at most %d accounts",
		    MAP_ACCOUNTS_MAX);
	return 0;
}

static int
parse_as(struct parser *ps, struct map_rule *r, char **p)
{
	const char *at;
	char *list, *name;
	int rc;

	*p = skip_blanks(*p);
	if (**p == '\0')
		return wrong(ps, *p, "expected an account behind 'as'");
	if ((rc = take_value(ps, p, &list, &at)) != 0)
		return rc;
	if (strchr(list, '{') != NULL)
		return parse_capture(ps, r, list, at);
	r->accounts = (uint32_t)ps->m->n_word;
	while ((name = next_part(&list)) != NULL) {
		if ((rc = check_account(ps, r, name, at)) != 0 ||
		    (rc = add_word(ps->m, name)) != 0)
			return rc;
		r->n_accounts++;
	}
	return 0;
}

/* ---- options ------------------------------------------------------------------------ */

static bool
mask_clean(const struct map_net *net)
{
	for (unsigned i = net->bits; i < 8u * net->len; i++)
		if ((net->address[i / 8] >> (7 - i % 8) & 1) != 0)
			return false;
	return true;
}

/* 192.0.2.0/24, 2001:db8::/32 or one address */
static bool
parse_cidr(char *text, struct map_net *net)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	char *slash = strchr(text, '/');
	unsigned bits = 0;

	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(AF_INET, text, net->address) == 1)
		net->len = 4;
	else if (inet_pton(AF_INET6, text, net->address) == 1)
		net->len = 16;
	else
		return false;
	/* an IPv4 peer is compared as IPv4 only */
	if (net->len == 16 && memcmp(net->address, mapped, 12) == 0)
		return false;
	net->bits = (uint8_t)(8 * net->len);
	if (slash == NULL)
		return true;
	if (*slash == '\0' || strlen(slash) > 3 ||
	    slash[strspn(slash, "0123456789")] != '\0' ||
	    (slash[0] == '0' && slash[1] != '\0'))
		return false;
	for (; *slash != '\0'; slash++)
		bits = bits * 10 + (unsigned)(*slash - '0');
	if (bits > net->bits)
		return false;
	net->bits = (uint8_t)bits;
	return mask_clean(net);
}

static int
parse_from(struct parser *ps, struct map_rule *r, const struct token *t)
{
	char *list = t->value, *part;
	struct map_net *net;

	r->nets = (uint32_t)ps->m->n_net;
	while ((part = next_part(&list)) != NULL) {
		if (r->n_nets == MAP_LIST_MAX)
			return wrong(ps, t->value_at, "expected at most %d "
			    "networks", MAP_LIST_MAX);
		if ((net = add_net(ps->m)) == NULL)
			return ERR_NOMEM;
		if (!parse_cidr(part, net))
			return wrong(ps, t->value_at, "expected networks like "
			    "192.0.2.0/24 or 2001:db8::/32, with no bits set "
			    "behind the prefix");
		r->n_nets++;
	}
	return 0;
}

static bool
leap(int y)
{
	return (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, or -1. */
static int64_t
days_of(int y, int m, int d)
{
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243,
	    273, 304, 334, 365 };
	int past = y - 1, length;

	if (y < 1970 || m < 1 || m > 12)
		return -1;
	length = before[m] - before[m - 1] + (m == 2 && leap(y));
	if (d < 1 || d > length)
		return -1;
	/* 719162 days lie before 1970-01-01 */
	return 365LL * past + past / 4 - past / 100 + past / 400 - 719162 +
	    before[m - 1] + (m > 2 && leap(y)) + d - 1;
}

static int
parse_until(struct parser *ps, struct map_rule *r, const struct token *t)
{
	static const char form[] = "dddd-dd-dd";
	const char *v = t->value;
	bool good = strlen(v) == strlen(form);
	int64_t days = -1;

	for (size_t i = 0; good && form[i] != '\0'; i++)
		good = form[i] == 'd' ? v[i] >= '0' && v[i] <= '9' :
		    v[i] == '-';
	if (good)
		days = days_of(atoi(v), atoi(v + 5), atoi(v + 8));
	if (days < 0)
		return wrong(ps, t->value_at, "expected a date from 1970 on, "
		    "YYYY-MM-DD");
	r->until = (days + 1) * 86400;
	return 0;
}

static int
parse_service(struct parser *ps, struct map_rule *r, const struct token *t)
{
	char *list = t->value, *part;
	size_t n;
	int rc;

	r->services = (uint32_t)ps->m->n_word;
	while ((part = next_part(&list)) != NULL) {
		n = strspn(part, "abcdefghijklmnopqrstuvwxyz"
		    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
		if (n == 0 || n > SERVICE_MAX || part[n] != '\0')
			return wrong(ps, t->value_at, "expected names of PAM "
			    "services, like sudo,login");
		if (r->n_services == MAP_LIST_MAX)
			return wrong(ps, t->value_at, "expected at most %d "
			    "services", MAP_LIST_MAX);
		if ((rc = add_word(ps->m, part)) != 0)
			return rc;
		r->n_services++;
	}
	return 0;
}

static int
parse_command(struct parser *ps, struct map_rule *r, const struct token *t)
{
	if (t->value[0] == '\0')
		return wrong(ps, t->value_at, "expected a command in quotes");
	r->command = t->value;
	r->restrictions |= IPC_FORCED_COMMAND;
	return 0;
}

static int
parse_no_pty(struct parser *ps, struct map_rule *r, const struct token *t)
{
	(void)ps;
	(void)t;
	r->restrictions |= IPC_NO_PTY;
	return 0;
}

static int
parse_no_forwarding(struct parser *ps, struct map_rule *r,
    const struct token *t)
{
	(void)ps;
	(void)t;
	r->restrictions |= IPC_NO_FORWARDING;
	return 0;
}

static const struct option {
	const char *name;
	bool value, allow_only;
	int (*parse)(struct parser *, struct map_rule *, const struct token *);
} options[] = {
	{ "from", true, false, parse_from },
	{ "until", true, false, parse_until },
	{ "service", true, false, parse_service },
	{ "command", true, true, parse_command },
	{ "no-pty", false, true, parse_no_pty },
	{ "no-forwarding", false, true, parse_no_forwarding },
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static int
parse_option(struct parser *ps, struct map_rule *r, const struct token *t,
    unsigned *seen)
{
	size_t i = 0;

	while (i < N_OPTIONS && strcmp(options[i].name, t->word) != 0)
		i++;
	if (i == N_OPTIONS)
		return wrong(ps, t->at, "'%s': expected " EXPECT_OPTION,
		    t->word);
	if (options[i].value != (t->value != NULL))
		return wrong(ps, t->at, "'%s': expected %s value", t->word,
		    options[i].value ? "=" : "no");
	if (options[i].allow_only && r->deny)
		return wrong(ps, t->at, "'%s' is for allow: a deny gives "
		    "nothing that it could restrict", t->word);
	if ((*seen & 1u << i) != 0)
		return wrong(ps, t->at, "'%s' is there twice", t->word);
	*seen |= 1u << i;
	return options[i].parse(ps, r, t);
}

/* ---- a rule ----------------------------------------------------------------------- */

/* Their names, for a message. */
static char *
list_authorities(const struct parser *ps, char *dst, size_t size)
{
	size_t at = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < ps->n_auth && at < size; i++)
		at += (size_t)snprintf(dst + at, size - at, "%s%s",
		    i == 0 ? "" : ", ", ps->auth[i].name);
	return dst;
}

static int
parse_authority(struct parser *ps, struct map_rule *r, const struct token *t)
{
	char known[200];

	r->authority = t->word;
	if (t->word[0] == '\0' || t->value != NULL)
		return wrong(ps, t->at, "expected the name of an authority of "
		    "trust.conf");
	if (ps->auth == NULL)
		return 0;
	for (size_t i = 0; i < ps->n_auth; i++) {
		const struct map_authority *a = &ps->auth[i];

		if (strcmp(a->name, t->word) != 0)
			continue;
		if (a->class == (enum facts_class)r->class)
			return 0;
		return wrong(ps, t->at, "authority '%s' is of class %s; "
		    "expected that class in the rule", t->word,
		    facts_class_name(a->class));
	}
	if (ps->locks) {
		diag_add(ps->diag, DIAG_WARNING, ps->file, ps->line,
		    (unsigned)(t->at - ps->start) + 1, "'%s' is no authority "
		    "of trust.conf (%s): this locks nobody", t->word,
		    list_authorities(ps, known, sizeof(known)));
		return 0;
	}
	return wrong(ps, t->at, "'%s' is no authority of trust.conf; expected "
	    "one of: %s", t->word, list_authorities(ps, known,
	    sizeof(known)));
}

/* allow|deny CLASS AUTHORITY */
static int
parse_head(struct parser *ps, struct map_rule *r, char **p)
{
	struct token t;
	int rc;

	if ((rc = take_token(ps, p, &t)) != 0)
		return rc;
	r->deny = strcmp(t.word, "deny") == 0;
	if (t.value != NULL || (!r->deny && strcmp(t.word, "allow") != 0))
		return wrong(ps, t.at, "'%s': expected allow or deny", t.word);
	if (ps->locks && !r->deny)
		return wrong(ps, t.at, "'allow': expected deny: in this file "
		    "are locks only");
	if ((rc = take_token(ps, p, &t)) != 0)
		return rc;
	if (t.value == NULL && strcmp(t.word, "user") == 0)
		r->class = FACTS_USER;
	else if (t.value == NULL && strcmp(t.word, "device") == 0)
		r->class = FACTS_DEVICE;
	else
		return wrong(ps, t.at, "'%s': expected a class: user or "
		    "device", t.word);
	if ((rc = take_token(ps, p, &t)) != 0)
		return rc;
	return parse_authority(ps, r, &t);
}

static int
find_matcher(const char *word)
{
	for (int i = 0; i < MAP_MATCHERS; i++)
		if (strcmp(matchers[i].name, word) == 0)
			return i;
	return -1;
}

/* The matchers; t is then the first word behind them. */
static int
parse_matchers(struct parser *ps, struct map_rule *r, char **p,
    struct token *t)
{
	int which, rc;

	r->matches = (uint32_t)ps->m->n_match;
	for (;;) {
		if ((rc = take_token(ps, p, t)) != 0)
			return rc;
		which = find_matcher(t->word);
		if (which < 0)
			break;
		if (t->value == NULL)
			return wrong(ps, t->at, "expected %s=VALUE", t->word);
		if ((rc = parse_matcher(ps, r, t,
		    (enum map_matcher)which)) != 0)
			return rc;
	}
	if (r->n_matches == 0)
		return wrong(ps, t->at, "'%s': expected a matcher: "
		    EXPECT_MATCHER, t->word);
	return 0;
}

static int
parse_rule(struct parser *ps, struct map_rule *r, char *p)
{
	struct token t;
	unsigned seen = 0;
	bool as;
	int rc;

	if ((rc = parse_head(ps, r, &p)) != 0 ||
	    (rc = parse_matchers(ps, r, &p, &t)) != 0)
		return rc;
	as = t.value == NULL && strcmp(t.word, "as") == 0;
	if (as && r->deny)
		return wrong(ps, t.at, "a deny takes no 'as': it refuses the "
		    "certificate for every account");
	if (!as && !r->deny)
		return wrong(ps, t.at, "'%s': expected another matcher or 'as "
		    "ACCOUNT'", t.word);
	if (as && ((rc = parse_as(ps, r, &p)) != 0 ||
	    (rc = take_token(ps, &p, &t)) != 0))
		return rc;
	while (t.word[0] != '\0')
		if ((rc = parse_option(ps, r, &t, &seen)) != 0 ||
		    (rc = take_token(ps, &p, &t)) != 0)
			return rc;
	return 0;
}

/* ---- lines ------------------------------------------------------------------------ */

static int
take_rule(struct parser *ps, char *text)
{
	struct map *m = ps->m;
	struct map_rule *r;

	if (m->n == MAP_RULES_MAX)
		return wrong(ps, text, "expected at most %d rules",
		    MAP_RULES_MAX);
	if ((r = add_rule(m)) == NULL)
		return ERR_NOMEM;
	r->line = ps->line;
	return parse_rule(ps, r, text);
}

static int
parse_line(struct parser *ps, char *line, size_t n)
{
	char *p;

	ps->start = line;
	if (n > 0 && line[n - 1] == '\r')
		n--;
	if (n > MAP_LINE_MAX)
		return wrong(ps, line + MAP_LINE_MAX, "expected at most %d "
		    "bytes a line", MAP_LINE_MAX);
	for (size_t i = 0; i < n; i++)
		if ((line[i] < 0x20 || line[i] > 0x7e) && line[i] != '\t')
			return wrong(ps, line + i, "expected printable ASCII");
	line[n] = '\0';
	p = skip_blanks(line);
	return *p == '\0' || *p == '#' ? 0 : take_rule(ps, p);
}

/* All lines; one error a line, so that a person sees them all at once. */
static int
parse_lines(struct parser *ps, char *text, size_t n)
{
	size_t errors = ps->diag->errors;
	char *p = text, *end = text + n;

	while (p < end) {
		char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t len = (size_t)((nl != NULL ? nl : end) - p);

		ps->line++;
		if (parse_line(ps, p, len) == ERR_NOMEM)
			return ERR_NOMEM;
		if (ps->m->n == MAP_RULES_MAX && ps->diag->errors > errors)
			break;
		p += len + 1;
	}
	return ps->diag->errors > errors ? ERR_MALFORMED : 0;
}

static int
parse(struct parser *ps, const char *text, size_t n)
{
	struct map *m = ps->m;
	int r;

	*m = (struct map){ 0 };
	if (n > MAP_FILE_MAX) {
		diag_add(ps->diag, DIAG_ERROR, ps->file, 0, 0,
		    "expected at most %d bytes", MAP_FILE_MAX);
		return ERR_MALFORMED;
	}
	if ((m->text = malloc(n + 1)) == NULL)
		return ERR_NOMEM;
	memcpy(m->text, text, n);
	m->text[n] = '\0';
	r = parse_lines(ps, m->text, n);
	if (r != 0)
		map_free(m);
	return r;
}

int
map_parse(struct map *m, const char *file, const char *text, size_t n,
    const struct map_authority *auth, size_t n_auth, struct diag *diag)
{
	struct parser ps = { .m = m, .file = file, .auth = auth,
	    .n_auth = n_auth, .diag = diag };

	return parse(&ps, text, n);
}

int
map_parse_locks(struct map *m, const char *file, const char *text, size_t n,
    const struct map_authority *auth, size_t n_auth, struct diag *diag)
{
	struct parser ps = { .m = m, .file = file, .auth = auth,
	    .n_auth = n_auth, .locks = true, .diag = diag };

	return parse(&ps, text, n);
}

void
map_free(struct map *m)
{
	if (m == NULL)
		return;
	free(m->text);
	free(m->rule);
	free(m->match);
	free(m->word);
	free(m->net);
	*m = (struct map){ 0 };
}
