#include "idmap/compiled.h"

#include <stdlib.h>
#include <string.h>

#include "proto/ipc.h"
#include "x509/pattern.h"

#define LIST_MAX (256u << 20)		/* bytes of one list */

/* What the authority's record holds: two of each, allow and deny. */
enum { LOOKED_AT, BY_VALUE, BY_PATTERN, SUMMARIES };

struct summary {
	uint32_t bits[SUMMARIES][2];
};

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Does the case of this field's values count? */
static bool
folds(const struct map_authority *a, enum facts_field field, bool deny)
{
	return field != FACTS_FIELDS && (deny || (a->fold & 1u << field) != 0);
}

/* ---- keys -------------------------------------------------------------------------- */

struct key {
	uint8_t bytes[DB_KEY_MAX];
	size_t n;			/* more than fit: no record has it */
};

static void
key_put(struct key *k, const void *p, size_t n)
{
	if (k->n > sizeof(k->bytes) || n > sizeof(k->bytes) - k->n) {
		k->n = sizeof(k->bytes) + 1;
		return;
	}
	memcpy(k->bytes + k->n, p, n);
	k->n += n;
}

static void
key_put_u8(struct key *k, uint8_t v)
{
	key_put(k, &v, 1);
}

static void
key_put_u32(struct key *k, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		key_put_u8(k, (uint8_t)(v >> shift));
}

static void
key_begin(struct key *k, uint8_t kind, uint8_t set)
{
	k->n = 0;
	key_put_u8(k, kind);
	key_put_u8(k, set);
}

static void
key_put_authority(struct key *k, const struct map_authority *a)
{
	size_t n = strlen(a->name);

	key_put_u32(k, (uint32_t)n);
	key_put(k, a->name, n);
}

static void
key_of_list(struct key *k, uint8_t kind, uint8_t set,
    const struct map_authority *a, enum map_matcher matcher, bool deny)
{
	key_begin(k, kind, set);
	key_put_u8(k, deny);
	key_put_u8(k, (uint8_t)matcher);
	key_put_authority(k, a);
}

static void
key_put_text(struct key *k, const char *text, bool fold)
{
	for (; *text != '\0'; text++)
		key_put_u8(k, (uint8_t)(fold ? lower(*text) : *text));
}

static struct span
key_span(const struct key *k)
{
	return (struct span){ k->bytes, k->n };
}

/* ---- a rule, encoder beside decoder ------------------------------------------------ */

static void
put_text(struct buf *b, const char *text)
{
	buf_put_string(b, text, strlen(text) + 1);
}

/* A view of it, at most max bytes with its NUL. */
static const char *
get_text(struct rd *r, size_t max)
{
	struct span s = rd_string(r, max);

	if (r->err == 0 && (s.n == 0 ||
	    memchr(s.p, '\0', s.n) != s.p + s.n - 1))
		r->err = ERR_MALFORMED;
	return r->err == 0 ? (const char *)s.p : "";
}

/*
 * uint32 line; byte restrictions; int64 until; texts capture, command, empty
 * where there is none; byte n, n { byte matcher; bool wild; text value, or
 * string bytes }; byte n, n texts of accounts; byte n, n texts of services;
 * byte n, n { byte length of an address; byte bits; the address }
 */
static void
put_match(struct buf *b, const struct map_match *m)
{
	buf_put_u8(b, (uint8_t)m->matcher);
	buf_put_bool(b, m->wild);
	if (map_matcher_field(m->matcher) == FACTS_FIELDS)
		buf_put_string(b, m->bytes, m->n_bytes);
	else
		put_text(b, m->value);
}

static void
get_match(struct rd *r, struct map_match *m)
{
	uint8_t matcher = rd_u8(r);
	struct span s;

	*m = (struct map_match){ .wild = rd_bool(r) };
	if (r->err == 0 && matcher >= MAP_MATCHERS)
		r->err = ERR_MALFORMED;
	if (r->err != 0)
		return;
	m->matcher = (enum map_matcher)matcher;
	if (map_matcher_field(m->matcher) != FACTS_FIELDS) {
		m->value = get_text(r, FACTS_NAME_MAX + 1);
		return;
	}
	if (m->wild)
		r->err = ERR_MALFORMED;
	s = rd_string(r, 32);
	m->bytes = s.p;
	m->n_bytes = (uint8_t)s.n;
}

static void
put_words(struct buf *b, const struct map *map, uint32_t first, size_t n)
{
	buf_put_u8(b, (uint8_t)n);
	for (size_t i = 0; i < n; i++)
		put_text(b, map->word[first + i]);
}

static size_t
get_words(struct rd *r, const char **word, size_t most, size_t max)
{
	uint8_t n = rd_u8(r);

	if (r->err == 0 && n > most)
		r->err = ERR_TOOBIG;
	for (size_t i = 0; r->err == 0 && i < n; i++)
		word[i] = get_text(r, max);
	return n;
}

static void
get_net(struct rd *r, struct map_net *net)
{
	uint8_t len = rd_u8(r), bits = rd_u8(r);
	struct span s;

	if (r->err == 0 && ((len != 4 && len != 16) || bits > 8 * len))
		r->err = ERR_MALFORMED;
	s = rd_raw(r, len);
	*net = (struct map_net){ .len = len, .bits = bits };
	memcpy(net->address, s.p, s.n);
}

static void
put_rule(struct buf *b, const struct map *map, const struct map_rule *r)
{
	buf_put_u32(b, r->line);
	buf_put_u8(b, r->restrictions);
	buf_put_u64(b, (uint64_t)r->until);
	put_text(b, r->capture != NULL ? r->capture : "");
	put_text(b, r->command != NULL ? r->command : "");
	buf_put_u8(b, r->n_matches);
	for (size_t i = 0; i < r->n_matches; i++)
		put_match(b, &map->match[r->matches + i]);
	put_words(b, map, r->accounts, r->n_accounts);
	put_words(b, map, r->services, r->n_services);
	buf_put_u8(b, r->n_nets);
	for (size_t i = 0; i < r->n_nets; i++) {
		const struct map_net *net = &map->net[r->nets + i];

		buf_put_u8(b, net->len);
		buf_put_u8(b, net->bits);
		buf_put_raw(b, net->address, net->len);
	}
}

static const char *
or_null(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

/* Into the cursor's tables. */
static int
get_rule(struct span record, struct ruleset_cursor *c,
    struct ruleset_rule *out)
{
	struct rd r = rd_of_span(record);

	*out = (struct ruleset_rule){ .deny = c->deny, .match = c->match,
	    .account = c->account, .service = c->service, .net = c->net };
	out->line = rd_u32(&r);
	out->restrictions = rd_u8(&r);
	out->until = (int64_t)rd_u64(&r);
	out->capture = or_null(get_text(&r, PATTERN_CAPTURE_MAX + 1));
	out->command = or_null(get_text(&r, MAP_LINE_MAX + 1));
	out->n_matches = rd_u8(&r);
	if (r.err == 0 && (out->n_matches == 0 ||
	    out->n_matches > MAP_MATCHERS))
		r.err = ERR_MALFORMED;
	for (size_t i = 0; r.err == 0 && i < out->n_matches; i++)
		get_match(&r, &c->match[i]);
	out->n_accounts = get_words(&r, c->account, MAP_ACCOUNTS_MAX,
	    IPC_ACCOUNT_MAX);
	out->n_services = get_words(&r, c->service, MAP_LIST_MAX,
	    MAP_LINE_MAX);
	out->n_nets = rd_u8(&r);
	if (r.err == 0 && out->n_nets > MAP_LIST_MAX)
		r.err = ERR_TOOBIG;
	for (size_t i = 0; r.err == 0 && i < out->n_nets; i++)
		get_net(&r, &c->net[i]);
	return rd_end(&r);
}

static void
put_summary(struct buf *b, const struct summary *s)
{
	for (size_t i = 0; i < SUMMARIES; i++)
		for (size_t deny = 0; deny < 2; deny++)
			buf_put_u32(b, s->bits[i][deny]);
}

/* 0, and all zeros where there is none. */
static int
get_summary(const struct ruleset *of, const struct map_authority *a,
    struct summary *s)
{
	struct span value;
	struct key key;
	struct rd r;
	int e;

	*s = (struct summary){ 0 };
	key_begin(&key, 'A', of->set);
	key_put_authority(&key, a);
	if ((e = db_get(&of->db, key_span(&key), &value)) != 1)
		return e;
	r = rd_of_span(value);
	for (size_t i = 0; i < SUMMARIES; i++)
		for (size_t deny = 0; deny < 2; deny++)
			s->bits[i][deny] = rd_u32(&r);
	return rd_end(&r);
}

/* ---- making ------------------------------------------------------------------------- */

/* By which of its matchers a rule is found. */
struct entry {
	const struct map_match *match;
	const struct map_authority *authority;
	uint32_t number;		/* of the rule */
	bool deny;
};

struct making {
	struct db_maker *db;
	uint8_t set;
	const struct map *map;
	const struct map_authority *authority;
	size_t n_authorities;
	struct summary *summary;	/* of each authority */
	struct entry *entry;
	size_t n;
	struct buf value;
};

/* How few certificates a matcher fits: the lowest one counts. */
static int
rank(const struct map_match *m)
{
	static const uint8_t ranks[MAP_MATCHERS] = { [MAP_CERT] = 0,
	    [MAP_SPKI] = 1, [MAP_SERIAL] = 2, [MAP_URI] = 3, [MAP_SID] = 4,
	    [MAP_UPN] = 5, [MAP_EMAIL] = 6, [MAP_DNS] = 7 };

	return ranks[m->matcher] + (m->wild ? MAP_MATCHERS : 0);
}

static void
add_entry(struct making *k, const struct map_rule *r,
    const struct map_authority *a)
{
	const struct map_match *m = &k->map->match[r->matches], *best = m;
	struct summary *s = &k->summary[a - k->authority];

	for (size_t i = 0; i < r->n_matches; i++) {
		s->bits[LOOKED_AT][r->deny] |= 1u << m[i].matcher;
		if (rank(&m[i]) < rank(best))
			best = &m[i];
	}
	s->bits[best->wild ? BY_PATTERN : BY_VALUE][r->deny] |=
	    1u << best->matcher;
	k->entry[k->n++] = (struct entry){ .match = best, .authority = a,
	    .number = (uint32_t)(r - k->map->rule), .deny = r->deny };
}

static int
add_record(struct making *k, const struct key *key)
{
	int r = buf_err(&k->value);

	if (r == 0)
		r = db_add(k->db, key_span(key), (struct span){
		    k->value.data, k->value.len });
	buf_reset(&k->value);
	return r;
}

static int
add_rules(struct making *k)
{
	struct key key;
	int e = 0;

	for (size_t i = 0; e == 0 && i < k->map->n; i++) {
		const struct map_rule *r = &k->map->rule[i];
		size_t a = 0;

		while (a < k->n_authorities &&
		    !ruleset_is_of(r, &k->authority[a]))
			a++;
		if (a == k->n_authorities)
			continue;
		add_entry(k, r, &k->authority[a]);
		key_begin(&key, 'R', k->set);
		key_put_u32(&key, (uint32_t)i);
		put_rule(&k->value, k->map, r);
		e = add_record(k, &key);
	}
	return e;
}

/* What must be equal for two values to be one, in any order. */
static int
compare_values(const struct entry *a, const struct entry *b)
{
	enum facts_field field = map_matcher_field(a->match->matcher);
	bool fold = folds(a->authority, field, a->deny);
	const char *p = a->match->value, *q = b->match->value;

	if (field == FACTS_FIELDS)
		return a->match->n_bytes != b->match->n_bytes ?
		    a->match->n_bytes - b->match->n_bytes :
		    memcmp(a->match->bytes, b->match->bytes,
		    a->match->n_bytes);
	while (*p != '\0' && (*p == *q || (fold && lower(*p) == lower(*q)))) {
		p++;
		q++;
	}
	return fold ? lower(*p) - lower(*q) : *p - *q;
}

/* By list, as compiled.h has them. */
static int
compare_lists(const struct entry *a, const struct entry *b)
{
	if (a->authority != b->authority)
		return a->authority < b->authority ? -1 : 1;
	if (a->deny != b->deny)
		return a->deny - b->deny;
	if (a->match->matcher != b->match->matcher)
		return (int)a->match->matcher - (int)b->match->matcher;
	if (a->match->wild != b->match->wild)
		return a->match->wild - b->match->wild;
	return a->match->wild ? 0 : compare_values(a, b);
}

static int
by_list(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int c = compare_lists(x, y);

	return c != 0 ? c : x->number < y->number ? -1 : 1;
}

static void
key_of_entry(struct key *key, uint8_t set, const struct entry *e)
{
	const struct map_match *m = e->match;
	enum facts_field field = map_matcher_field(m->matcher);

	key_of_list(key, m->wild ? 'P' : 'F', set, e->authority, m->matcher,
	    e->deny);
	if (field == FACTS_FIELDS)
		key_put(key, m->bytes, m->n_bytes);
	else if (!m->wild)
		key_put_text(key, m->value,
		    folds(e->authority, field, e->deny));
}

static int
add_lists(struct making *k)
{
	struct key key;
	int r = 0;

	if (k->n > 0)
		qsort(k->entry, k->n, sizeof(*k->entry), by_list);
	for (size_t i = 0; r == 0 && i < k->n; i++) {
		const struct entry *e = &k->entry[i];

		buf_put_u32(&k->value, e->number);
		if (e->match->wild)
			put_text(&k->value, e->match->value);
		if (i + 1 < k->n && compare_lists(e, e + 1) == 0)
			continue;
		key_of_entry(&key, k->set, e);
		r = add_record(k, &key);
	}
	return r;
}

static int
add_summaries(struct making *k)
{
	static const struct summary none;
	struct key key;
	int r = 0;

	for (size_t i = 0; r == 0 && i < k->n_authorities; i++) {
		if (memcmp(&k->summary[i], &none, sizeof(none)) == 0)
			continue;
		key_begin(&key, 'A', k->set);
		key_put_authority(&key, &k->authority[i]);
		put_summary(&k->value, &k->summary[i]);
		r = add_record(k, &key);
	}
	return r;
}

int
compiled_put(struct db_maker *m, enum compiled_set set,
    const struct map *map, const struct map_authority *authority, size_t n)
{
	struct making k = { .db = m, .set = (uint8_t)set, .map = map,
	    .authority = authority, .n_authorities = n };
	int r = ERR_NOMEM;

	buf_init(&k.value, LIST_MAX);
	k.summary = calloc(n + 1, sizeof(*k.summary));
	k.entry = calloc(map->n + 1, sizeof(*k.entry));
	if (k.summary != NULL && k.entry != NULL &&
	    (r = add_rules(&k)) == 0 && (r = add_lists(&k)) == 0)
		r = add_summaries(&k);
	free(k.summary);
	free(k.entry);
	buf_free(&k.value);
	return r;
}

/* ---- reading ------------------------------------------------------------------------ */

static bool
fits_any(const struct ruleset_cursor *c, enum facts_field field,
    const char *pattern)
{
	const struct facts *f = c->facts;
	int flags = c->deny ? PATTERN_FOLD | PATTERN_LOOSE :
	    folds(c->authority, field, false) ? PATTERN_FOLD : 0;

	for (size_t i = 0; i < f->n_names; i++)
		if (f->names[i].field == field && pattern_match(field,
		    pattern, f->names[i].value, flags, NULL, NULL, 0))
			return true;
	return false;
}

/* Its head becomes the next rule that may fit. */
static int
advance(const struct ruleset_cursor *c, struct ruleset_list *l)
{
	struct rd r = rd_of_span(l->left);

	while (r.n > 0) {
		uint32_t number = rd_u32(&r);
		const char *pattern = l->patterns ?
		    get_text(&r, FACTS_NAME_MAX + 1) : NULL;

		if (r.err != 0)
			return r.err;
		if (pattern != NULL && !fits_any(c, l->field, pattern))
			continue;
		l->head = number;
		l->left = rd_rest(&r);
		return 0;
	}
	l->ended = true;
	return 0;
}

static void
add_list(struct ruleset_cursor *c, const struct key *key, bool patterns,
    enum facts_field field)
{
	struct ruleset_list *l = &c->list[c->n];
	struct span value;
	int r;

	if (c->err != 0 || (r = db_get(&c->of->db, key_span(key),
	    &value)) == 0)
		return;
	if (r == 1 && c->n == RULESET_LISTS_MAX)
		r = ERR_TOOBIG;
	if (r == 1) {
		*l = (struct ruleset_list){ .left = value,
		    .patterns = patterns, .field = field };
		c->n++;
		r = advance(c, l);
	}
	c->err = r;
}

static void
find_bytes(struct ruleset_cursor *c, enum map_matcher matcher,
    const uint8_t *p, size_t n, uint32_t by_value)
{
	struct key key;

	if ((by_value & 1u << matcher) == 0)
		return;
	key_of_list(&key, 'F', c->of->set, c->authority, matcher, c->deny);
	key_put(&key, p, n);
	add_list(c, &key, false, FACTS_FIELDS);
}

static void
find_name(struct ruleset_cursor *c, enum map_matcher matcher,
    const struct facts_name *name)
{
	struct key key;

	key_of_list(&key, 'F', c->of->set, c->authority, matcher, c->deny);
	key_put_text(&key, name->value, folds(c->authority, name->field,
	    c->deny));
	add_list(c, &key, false, name->field);
}

static void
find_names(struct ruleset_cursor *c, enum map_matcher matcher,
    const struct summary *s)
{
	enum facts_field field = map_matcher_field(matcher);
	const struct facts *f = c->facts;
	struct key key;
	bool any = false;

	for (size_t i = 0; i < f->n_names; i++) {
		if (f->names[i].field != field)
			continue;
		any = true;
		if ((s->bits[BY_VALUE][c->deny] & 1u << matcher) != 0)
			find_name(c, matcher, &f->names[i]);
	}
	if (!any || (s->bits[BY_PATTERN][c->deny] & 1u << matcher) == 0)
		return;
	key_of_list(&key, 'P', c->of->set, c->authority, matcher, c->deny);
	add_list(c, &key, true, field);
}

static void
compiled_find(struct ruleset_cursor *c)
{
	const struct facts *f = c->facts;
	struct summary s;
	uint32_t by_value;

	if ((c->err = get_summary(c->of, c->authority, &s)) != 0)
		return;
	by_value = s.bits[BY_VALUE][c->deny];
	find_bytes(c, MAP_SERIAL, f->serial, f->serial_len, by_value);
	find_bytes(c, MAP_SPKI, f->spki_sha256, sizeof(f->spki_sha256),
	    by_value);
	find_bytes(c, MAP_CERT, f->cert_sha256, sizeof(f->cert_sha256),
	    by_value);
	for (int m = 0; m < MAP_MATCHERS; m++)
		if (map_matcher_field((enum map_matcher)m) != FACTS_FIELDS)
			find_names(c, (enum map_matcher)m, &s);
}

/* The lowest head of all lists, which move on; 1, 0 or negative. */
static int
take_lowest(struct ruleset_cursor *c, uint32_t *number)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < c->n; i++)
		if (!c->list[i].ended &&
		    (!any || c->list[i].head < *number)) {
			*number = c->list[i].head;
			any = true;
		}
	for (size_t i = 0; r == 0 && i < c->n; i++)
		if (!c->list[i].ended && c->list[i].head == *number)
			r = advance(c, &c->list[i]);
	return r != 0 ? r : any;
}

static int
compiled_next(struct ruleset_cursor *c, struct ruleset_rule *out)
{
	struct span record;
	uint32_t number = 0;
	struct key key;
	int r;

	if ((r = take_lowest(c, &number)) != 1)
		return c->err = r;
	key_begin(&key, 'R', c->of->set);
	key_put_u32(&key, number);
	if ((r = db_get(&c->of->db, key_span(&key), &record)) == 1)
		r = get_rule(record, c, out);
	else if (r == 0)
		r = ERR_MALFORMED;
	c->err = r;
	return r == 0 ? 1 : r;
}

static int
compiled_looks_at(const struct ruleset *of,
    const struct map_authority *authority, enum map_matcher matcher,
    bool deny)
{
	struct summary s;
	int r = get_summary(of, authority, &s);

	return r != 0 ? r : (s.bits[LOOKED_AT][deny] & 1u << matcher) != 0;
}

struct ruleset
compiled_ruleset(const struct db *db, enum compiled_set set)
{
	static const struct ruleset_how compiled = { compiled_find,
	    compiled_next, compiled_looks_at };

	return (struct ruleset){ .how = &compiled, .db = *db,
	    .set = (uint8_t)set };
}
