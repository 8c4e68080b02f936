#include "daemon/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Open addressing; a source is in the table only while it has a connection
 * waiting, so startups_full bounds the load. */
#define SLOTS 32768

struct slot {
	struct limits_source source;
	uint32_t count;			/* 0 = free */
};

struct limits {
	struct slot slot[SLOTS];
	uint64_t seed;			/* strangers choose their address */
	size_t waiting;
	unsigned long counted[LIMITS_KINDS];	/* since the last report */
	unsigned long total[LIMITS_KINDS];
	unsigned long lines;		/* about strangers, logged or not */
};

struct limits *
limits_new(void)
{
	struct limits *l = calloc(1, sizeof(*l));

	if (l != NULL && getrandom(&l->seed, sizeof(l->seed), 0) !=
	    (ssize_t)sizeof(l->seed)) {
		free(l);
		return NULL;
	}
	return l;
}

void
limits_free(struct limits *l)
{
	free(l);
}

void
limits_source_of(struct limits_source *s, struct span a)
{
	static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	    0xff, 0xff };

	memset(s, 0, sizeof(*s));
	if (a.n == 16 && memcmp(a.p, mapped, sizeof(mapped)) == 0) {
		a.p += 12;
		a.n = 4;
	}
	s->len = a.n == 4 ? 4 : 8;
	memcpy(s->key, a.p, a.n < s->len ? a.n : s->len);
}

static bool
same(const struct limits_source *a, const struct limits_source *b)
{
	return a->len == b->len && memcmp(a->key, b->key, a->len) == 0;
}

static size_t
hash(const struct limits *l, const struct limits_source *s)
{
	uint64_t h = l->seed ^ s->len;

	for (size_t i = 0; i < s->len; i++)
		h = (h ^ s->key[i]) * UINT64_C(0x9e3779b97f4a7c15);
	return (size_t)(h >> 32) % SLOTS;
}

/* The source's slot, or the free one where it would go. */
static struct slot *
find(struct limits *l, const struct limits_source *s)
{
	size_t i = hash(l, s);

	while (l->slot[i].count > 0 && !same(&l->slot[i].source, s))
		i = (i + 1) % SLOTS;
	return &l->slot[i];
}

/* Close the gap that a removal leaves in a run of slots. */
static void
remove_slot(struct limits *l, size_t i)
{
	size_t j = i;

	l->slot[i].count = 0;
	for (;;) {
		size_t home;

		j = (j + 1) % SLOTS;
		if (l->slot[j].count == 0)
			return;
		home = hash(l, &l->slot[j].source);
		/* movable if its home is not in (i, j] */
		if ((j > i && home > i && home <= j) ||
		    (j < i && (home > i || home <= j)))
			continue;
		l->slot[i] = l->slot[j];
		l->slot[j].count = 0;
		i = j;
	}
}

/* Random early drop as sshd does it. */
static bool
drop(const struct limits *l, const struct conf *c)
{
	uint32_t r, percent;

	if (l->waiting < c->startups_start)
		return false;
	if (l->waiting >= c->startups_full ||
	    getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		return true;
	percent = c->startups_rate;
	if (c->startups_full > c->startups_start)
		percent += (uint32_t)((100 - c->startups_rate) *
		    (l->waiting - c->startups_start) /
		    (c->startups_full - c->startups_start));
	return r % 100 < percent;
}

enum limits_verdict
limits_ask(struct limits *l, const struct conf *c,
    const struct limits_source *s, size_t live)
{
	struct slot *slot = find(l, s);
	enum limits_verdict v = LIMITS_OK;

	if (live >= c->max_sessions)
		v = LIMITS_REFUSED_SESSIONS;
	else if (slot->count >= c->max_per_source)
		v = LIMITS_REFUSED_SOURCE;
	else if (drop(l, c))
		v = LIMITS_REFUSED_STARTUPS;
	if (v != LIMITS_OK) {
		l->counted[v]++;
		l->total[v]++;
		return v;
	}
	slot->source = *s;
	slot->count++;
	l->waiting++;
	return v;
}

void
limits_done(struct limits *l, const struct limits_source *s)
{
	struct slot *slot = find(l, s);

	if (slot->count == 0)
		return;
	l->waiting--;
	if (--slot->count == 0)
		remove_slot(l, (size_t)(slot - l->slot));
}

void
limits_silent(struct limits *l)
{
	l->counted[LIMITS_SILENT]++;
	l->total[LIMITS_SILENT]++;
}

unsigned long
limits_total(const struct limits *l, enum limits_verdict v)
{
	return v < LIMITS_KINDS ? l->total[v] : 0;
}

bool
limits_line(struct limits *l)
{
	return l->lines++ < LIMITS_LINES;
}

size_t
limits_waiting(const struct limits *l)
{
	return l->waiting;
}

char *
limits_report(struct limits *l, char *dst, size_t size)
{
	const unsigned long *n = l->counted;
	unsigned long all = 0;
	size_t len;

	for (size_t i = 0; i < LIMITS_KINDS; i++)
		all += n[i];
	if (all == 0)
		dst[0] = '\0';
	else
		(void)snprintf(dst, size, "closed %lu connections before "
		    "login: %lu over max-per-source, %lu over max-startups, "
		    "%lu over max-sessions, %lu that said nothing within "
		    "login-grace-time", all, n[LIMITS_REFUSED_SOURCE],
		    n[LIMITS_REFUSED_STARTUPS], n[LIMITS_REFUSED_SESSIONS],
		    n[LIMITS_SILENT]);
	len = strlen(dst);
	if (l->lines > LIMITS_LINES)
		(void)snprintf(dst + len, size - len, "%srefused %lu strangers "
		    "without a line of their own", len > 0 ? "; " : "",
		    l->lines - LIMITS_LINES);
	memset(l->counted, 0, sizeof(l->counted));
	l->lines = 0;
	return dst;
}
