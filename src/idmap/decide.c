#include "idmap/decide.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "x509/pattern.h"

#define OFFERS_MAX 32		/* accounts listed in one refusal */

/* An account that the certificate may be, and what the first rule that says
 * so has to say. */
struct offer {
	char account[IPC_ACCOUNT_MAX];
	uint32_t line;
	uint8_t restrictions;
	const char *command;
	int64_t until;
	struct map_match match;		/* its first */
	bool captured;
};

struct search {
	const struct ruleset *map;
	const struct decide_ask *ask;
	const char *wanted;		/* ends the search when offered, or "" */
	struct offer offer[OFFERS_MAX];
	size_t n;
	enum decide_reason closest;	/* how near the best rule came */
	uint32_t closest_line;
};

static const struct {
	const char *name;
	const char *advice;		/* for the person */
} reasons[] = {
	[DECIDE_OK] = { "ok", "" },
	[DECIDE_CLASS] = { "class", "only a person's certificate is taken "
	    "here" },
	[DECIDE_LOCKED] = { "locked", "your certificate is trusted, but "
	    "locked here" },
	[DECIDE_URI_FORM] = { "uri-form", "the name in your certificate is of "
	    "a form that is refused here" },
	[DECIDE_DENIED] = { "denied", "your certificate is trusted, but "
	    "barred here" },
	[DECIDE_NO_RULE] = { "no-rule", "your certificate is trusted, but "
	    "mapped to no account here" },
	[DECIDE_TWO_VALUES] = { "two-values", "your certificate is trusted, "
	    "but holds several names of one kind, so it is mapped to no "
	    "account here" },
	[DECIDE_ELSEWHERE] = { "elsewhere", "your certificate is trusted, but "
	    "mapped to no account for a login of this kind from where you "
	    "are" },
	[DECIDE_ENDED] = { "ended", "your certificate is trusted, but its "
	    "access here has ended" },
	[DECIDE_ACCOUNT_FORM] = { "account-form", "your certificate is "
	    "trusted, but the name in it cannot be an account here" },
	[DECIDE_OTHER_ACCOUNT] = { "other-account", "your certificate is "
	    "trusted, but not for that account; it is for: " },
	[DECIDE_DAMAGED] = { "damaged", "this machine could not judge your "
	    "certificate" },
	[DECIDE_SEVERAL] = { "several", "name the account that you want: your "
	    "certificate is for " },
};

const char *
decide_reason_name(enum decide_reason reason)
{
	return reasons[reason].name;
}

const char *
decide_refusal(const struct decide_verdict *v)
{
	if (v->reason == DECIDE_LOCKED)
		return "locked";
	return v->outcome == DECIDE_DENY ? "denied by the map" :
	    "no rule allows this login";
}

bool
decide_account_form(const char *text)
{
	static const char first[] = "abcdefghijklmnopqrstuvwxyz_";
	static const char rest[] = "abcdefghijklmnopqrstuvwxyz_0123456789-";
	size_t n = strlen(text);

	return n >= 1 && n <= 32 && strchr(first, text[0]) != NULL &&
	    strspn(text, rest) == n;
}

/* ---- matchers --------------------------------------------------------------- */

static bool
bytes_match(const struct map_match *m, const struct facts *f)
{
	const uint8_t *p = f->cert_sha256;
	size_t n = sizeof(f->cert_sha256);

	if (m->matcher == MAP_SERIAL) {
		p = f->serial;
		n = f->serial_len;
	} else if (m->matcher == MAP_SPKI) {
		p = f->spki_sha256;
		n = sizeof(f->spki_sha256);
	}
	return n == m->n_bytes && memcmp(p, m->bytes, n) == 0;
}

/* A deny's matcher fires on any value, ASCII case ignored. */
static bool
deny_match(const struct map_match *m, const struct facts *f)
{
	enum facts_field field = map_matcher_field(m->matcher);

	if (field == FACTS_FIELDS)
		return bytes_match(m, f);
	for (size_t i = 0; i < f->n_names; i++)
		if (f->names[i].field == field && pattern_match(field,
		    m->value, f->names[i].value, PATTERN_FOLD | PATTERN_LOOSE,
		    NULL, NULL, 0))
			return true;
	return false;
}

/* An allow's matcher wants the one value of its field.  What {capture} stood
 * for goes to text; capture may be NULL. */
static enum decide_reason
allow_match(const struct map_match *m, const struct decide_ask *ask,
    const char *capture, char text[FACTS_NAME_MAX + 1])
{
	enum facts_field field = map_matcher_field(m->matcher);
	const struct facts *f = ask->facts;
	size_t values = 0, fitting = 0;
	int flags;

	if (field == FACTS_FIELDS)
		return bytes_match(m, f) ? DECIDE_OK : DECIDE_NO_RULE;
	flags = (ask->authority->fold & 1u << field) != 0 ? PATTERN_FOLD : 0;
	for (size_t i = 0; i < f->n_names; i++) {
		if (f->names[i].field != field)
			continue;
		values++;
		/* one form, whatever a pattern would make of another */
		if (field == FACTS_URI &&
		    !pattern_uri_form(f->names[i].value))
			continue;
		fitting += pattern_match(field, m->value, f->names[i].value,
		    flags, capture, capture != NULL ? text : NULL,
		    FACTS_NAME_MAX + 1);
	}
	if (fitting == 0)
		return DECIDE_NO_RULE;
	return values == 1 ? DECIDE_OK : DECIDE_TWO_VALUES;
}

/* ---- conditions ---------------------------------------------------------------- */

static bool
net_holds(const struct map_net *net, const uint8_t *address, size_t len)
{
	size_t whole = net->bits / 8;
	unsigned left = net->bits % 8;

	if (net->len != len || memcmp(net->address, address, whole) != 0)
		return false;
	return left == 0 ||
	    ((net->address[whole] ^ address[whole]) >> (8 - left)) == 0;
}

static bool
from_holds(const struct ruleset_rule *r, const struct decide_ask *ask)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *address = ask->address;
	size_t len = ask->address_len;

	if (r->n_nets == 0)
		return true;
	/* ::ffff:192.0.2.1 is how a dual socket shows 192.0.2.1 */
	if (len == 16 && memcmp(address, mapped, sizeof(mapped)) == 0) {
		address += 12;
		len = 4;
	}
	for (size_t i = 0; i < r->n_nets; i++)
		if (net_holds(&r->net[i], address, len))
			return true;
	return false;
}

static bool
service_holds(const struct ruleset_rule *r, const char *service)
{
	for (size_t i = 0; i < r->n_services; i++)
		if (strcmp(r->service[i], service) == 0)
			return true;
	return r->n_services == 0;
}

/* Does the rule hold here and now?  A local door can enforce neither a
 * command nor a restriction, and has no address. */
static enum decide_reason
conditions(const struct ruleset_rule *r, const struct decide_ask *ask)
{
	if (ask->local && (r->restrictions != 0 || r->n_nets != 0))
		return DECIDE_ELSEWHERE;
	if (!from_holds(r, ask) || !service_holds(r, ask->service))
		return DECIDE_ELSEWHERE;
	if (r->until != 0 && ask->now >= r->until &&
	    (r->deny || !ask->ended_too))
		return DECIDE_ENDED;
	return DECIDE_OK;
}

static bool
denies(const struct ruleset_rule *r, const struct decide_ask *ask)
{
	for (size_t i = 0; i < r->n_matches; i++)
		if (!deny_match(&r->match[i], ask->facts))
			return false;
	return conditions(r, ask) == DECIDE_OK;
}

/* ---- identity ------------------------------------------------------------------- */

static void
put_hex(char *dst, size_t size, const uint8_t *p, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at + 2 < size; i++, at += 2)
		(void)snprintf(dst + at, size - at, "%02x", p[i]);
}

/* The certificate's value that a matcher, known to fit, looks at. */
static void
value_of(const struct map_match *m, const struct decide_ask *ask, char *dst,
    size_t size)
{
	enum facts_field field = map_matcher_field(m->matcher);
	const struct facts *f = ask->facts;
	size_t n = 0;

	dst[0] = '\0';
	if (field == FACTS_FIELDS) {
		if (m->matcher != MAP_SERIAL)
			n = (size_t)snprintf(dst, size, "sha256:");
		put_hex(dst + n, size - n, m->bytes, m->n_bytes);
		return;
	}
	while (n < f->n_names && f->names[n].field != field)
		n++;
	if (n < f->n_names)
		(void)snprintf(dst, size, "%s", f->names[n].value);
	/* one identity for all spellings */
	if ((ask->authority->fold & 1u << field) == 0)
		return;
	for (char *p = dst; *p != '\0'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
}

static void
set_identity(const struct search *s, const struct map_match *m,
    struct decide_verdict *out)
{
	char value[FACTS_NAME_MAX + 1];

	value_of(m, s->ask, value, sizeof(value));
	(void)snprintf(out->identity, sizeof(out->identity), "%s %s=%s",
	    s->ask->authority->name, map_matcher_name(m->matcher), value);
}

/* ---- search ---------------------------------------------------------------------- */

static void
came_close(struct search *s, const struct ruleset_rule *r,
    enum decide_reason reason)
{
	if (reason <= s->closest)
		return;
	s->closest = reason;
	s->closest_line = r->line;
}

/* True when the account that was wanted is among the offers. */
static bool
add_offer(struct search *s, const struct ruleset_rule *r,
    const char *account, bool captured)
{
	bool wanted = s->wanted[0] != '\0' && strcmp(s->wanted, account) == 0;
	struct offer *o;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->offer[i].account, account) == 0)
			return wanted;
	/* the wanted one always has a place: it ends the search */
	if (s->n == OFFERS_MAX && !wanted)
		return false;
	o = &s->offer[s->n < OFFERS_MAX ? s->n++ : OFFERS_MAX - 1];
	*o = (struct offer){ .line = r->line, .restrictions = r->restrictions,
	    .command = r->command, .until = r->until, .match = r->match[0],
	    .captured = captured };
	(void)snprintf(o->account, sizeof(o->account), "%s", account);
	return wanted;
}

static enum decide_reason
fits(const struct search *s, const struct ruleset_rule *r,
    char text[FACTS_NAME_MAX + 1])
{
	enum decide_reason worst = DECIDE_OK, one;

	for (size_t i = 0; i < r->n_matches; i++) {
		const struct map_match *m = &r->match[i];
		const char *capture = r->capture;

		if (!m->wild || (capture != NULL &&
		    pattern_capture(m->value, capture) == 0))
			capture = NULL;
		one = allow_match(m, s->ask, capture, text);
		if (one == DECIDE_NO_RULE)
			return one;
		if (one != DECIDE_OK)
			worst = one;
	}
	return worst != DECIDE_OK ? worst : conditions(r, s->ask);
}

/* One allow rule; true ends the search. */
static bool
try_allow(struct search *s, const struct ruleset_rule *r)
{
	char text[FACTS_NAME_MAX + 1] = "";
	enum decide_reason reason = fits(s, r, text);

	if (reason == DECIDE_OK && r->capture != NULL &&
	    !decide_account_form(text))
		reason = DECIDE_ACCOUNT_FORM;
	if (reason != DECIDE_OK) {
		came_close(s, r, reason);
		return false;
	}
	came_close(s, r, DECIDE_OTHER_ACCOUNT);
	if (r->capture != NULL)
		return add_offer(s, r, text, true);
	for (size_t i = 0; i < r->n_accounts; i++)
		if (add_offer(s, r, r->account[i], false))
			return true;
	return false;
}

/* 0, or negative where the rules cannot be read. */
static int
search_allows(struct search *s)
{
	struct ruleset_cursor c;
	struct ruleset_rule r;
	int more;

	ruleset_find(&c, s->map, s->ask->authority, s->ask->facts, false);
	while ((more = ruleset_next(&c, &r)) == 1)
		if (try_allow(s, &r))
			return 0;
	return more;
}

static const struct offer *
find_offer(const struct search *s, const char *account)
{
	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->offer[i].account, account) == 0)
			return &s->offer[i];
	return NULL;
}

/* The account asked for; else the preferred one; else the only one. */
static const struct offer *
choose(const struct search *s)
{
	const struct offer *o;

	if (s->ask->account[0] != '\0')
		return find_offer(s, s->ask->account);
	o = s->ask->preferred[0] != '\0' ?
	    find_offer(s, s->ask->preferred) : NULL;
	return o == NULL && s->n == 1 ? &s->offer[0] : o;
}

/* ---- verdict ----------------------------------------------------------------------- */

static void
list_offers(const struct search *s, char *dst, size_t size)
{
	size_t n = strlen(dst);

	for (size_t i = 0; i < s->n && n + 1 < size; i++) {
		(void)snprintf(dst + n, size - n, "%s%s", i == 0 ? "" : ", ",
		    s->offer[i].account);
		n = strlen(dst);
	}
}

__attribute__((format(printf, 4, 5)))
static void
refuse(struct decide_verdict *out, enum decide_reason reason, uint32_t line,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(out->text, sizeof(out->text), fmt, ap);
	va_end(ap);
	(void)snprintf(out->advice, sizeof(out->advice), "%s",
	    reasons[reason].advice);
	out->reason = reason;
	out->rule_line = line;
}

/* A URI of the certificate that could be written in several ways. */
static const char *
bad_uri(const struct facts *f)
{
	for (size_t i = 0; i < f->n_names; i++)
		if (f->names[i].field == FACTS_URI &&
		    !pattern_uri_form(f->names[i].value))
			return f->names[i].value;
	return NULL;
}

static void
refuse_uri(struct decide_verdict *out, const char *uri)
{
	refuse(out, DECIDE_URI_FORM, 0, "the certificate's URI %s is not "
	    "in the one form that rules match", uri);
}

/* A policy that somebody damaged admits nobody. */
static void
refuse_damaged(struct decide_verdict *out)
{
	refuse(out, DECIDE_DAMAGED, 0, "the compiled policy is damaged: "
	    "reload it");
}

/* None of the rules gave the account: by how much. */
static void
explain(const struct search *s, struct decide_verdict *out)
{
	enum decide_reason reason = s->closest;
	unsigned line = s->closest_line;
	char asked[4 * 64], offers[IPC_TEXT_MAX / 2] = "";

	err_escape(asked, sizeof(asked), s->ask->account,
	    strlen(s->ask->account));
	if (reason == DECIDE_OTHER_ACCOUNT) {
		list_offers(s, offers, sizeof(offers));
		if (s->ask->account[0] == '\0')
			reason = DECIDE_SEVERAL;
	}
	if (reason == DECIDE_SEVERAL)
		refuse(out, reason, line, "no account was asked for, and the map "
		    "allows several: %s", offers);
	else if (reason == DECIDE_OTHER_ACCOUNT)
		refuse(out, reason, line, "the map allows %s, not '%s'", offers,
		    asked);
	else if (reason == DECIDE_ACCOUNT_FORM)
		refuse(out, reason, line, "what the capture of line %u stands for "
		    "is no account name: expected [a-z_][a-z0-9_-]{0,31}",
		    line);
	else if (reason == DECIDE_ENDED)
		refuse(out, reason, line, "the rule of line %u has ended (until=)",
		    line);
	else if (reason == DECIDE_ELSEWHERE)
		refuse(out, reason, line, "the rule of line %u does not hold here "
		    "(%s)", line, s->ask->local ? "a local door takes no rule "
		    "with from=, command= or no-*; see service=, too" :
		    "from= or service=");
	else if (reason == DECIDE_TWO_VALUES)
		refuse(out, reason, line, "the certificate holds several values "
		    "of a field that the rule of line %u matches; exactly one "
		    "is expected", line);
	else if (bad_uri(s->ask->facts) != NULL && ruleset_looks_at(s->map,
	    s->ask->authority, MAP_URI, false) != 0)
		refuse_uri(out, bad_uri(s->ask->facts));
	else
		refuse(out, DECIDE_NO_RULE, 0, "no rule fits the "
		    "certificate");
	(void)strncat(out->advice, offers,
	    sizeof(out->advice) - strlen(out->advice) - 1);
}

static void
admit(const struct search *s, const struct offer *o,
    struct decide_verdict *out)
{
	(void)snprintf(out->account, sizeof(out->account), "%s", o->account);
	out->captured = o->captured;
	out->rule_line = o->line;
	out->restrictions = o->restrictions;
	out->command = o->command;
	out->until = o->until;
	set_identity(s, &o->match, out);
	out->reason = DECIDE_OK;
	out->outcome = DECIDE_ALLOW;
}

/* 1 and the line of the first deny that fires; 0; or negative where the rules
 * cannot be read. */
static int
find_deny(const struct ruleset *of, const struct decide_ask *ask,
    uint32_t *line)
{
	struct ruleset_cursor c;
	struct ruleset_rule r;
	int more;

	ruleset_find(&c, of, ask->authority, ask->facts, true);
	while ((more = ruleset_next(&c, &r)) == 1)
		if (denies(&r, ask)) {
			*line = r.line;
			return 1;
		}
	return more;
}

/* The URI that a deny of the authority could have missed: 1; 0; negative. */
static int
find_bad_uri(const struct ruleset *locks, const struct ruleset *map,
    const struct decide_ask *ask, const char **uri)
{
	int r;

	if ((*uri = bad_uri(ask->facts)) == NULL)
		return 0;
	r = ruleset_looks_at(locks, ask->authority, MAP_URI, true);
	return r != 0 ? r : ruleset_looks_at(map, ask->authority, MAP_URI,
	    true);
}

/* Whatever wins over every allow; true: refused.  An authority with a deny of
 * URIs takes no certificate with one that the deny could have missed.  Allows
 * do not count for this, or the last one taken out would let people in. */
static bool
barred(const struct ruleset *locks, const struct ruleset *map,
    const struct decide_ask *ask, struct decide_verdict *out)
{
	const char *uri;
	uint32_t line;
	int r;

	if ((r = find_deny(locks, ask, &line)) == 1)
		refuse(out, DECIDE_LOCKED, line, "locked by line %u of the "
		    "locks", line);
	else if (r == 0 && (r = find_bad_uri(locks, map, ask, &uri)) == 1)
		refuse_uri(out, uri);
	else if (r == 0 && (r = find_deny(map, ask, &line)) == 1)
		refuse(out, DECIDE_DENIED, line, "denied by the rule of line "
		    "%u", line);
	else if (r == 0)
		return false;
	else
		refuse_damaged(out);
	if (r > 0)
		out->outcome = DECIDE_DENY;
	return true;
}

void
decide(const struct ruleset *locks, const struct ruleset *map,
    const struct decide_ask *ask, struct decide_verdict *out)
{
	struct search s = { .map = map, .ask = ask, .wanted = ask->account,
	    .closest = DECIDE_NO_RULE };
	const struct offer *chosen;

	*out = (struct decide_verdict){ .outcome = DECIDE_NONE };
	if (s.wanted[0] == '\0')
		s.wanted = ask->preferred;
	if (ask->local && ask->authority->class != FACTS_USER) {
		refuse(out, DECIDE_CLASS, 0, "a local door admits only class "
		    "user");
		return;
	}
	if (barred(locks, map, ask, out))
		return;
	if (search_allows(&s) != 0)
		refuse_damaged(out);
	else if ((chosen = choose(&s)) != NULL)
		admit(&s, chosen, out);
	else
		explain(&s, out);
}
