#include "daemon/expiry.h"

#include <time.h>

#include "base/log.h"
#include "daemon/hostkey.h"

#define DAY 86400
#define AHEAD (30 * DAY)
/* a CRL lives for days only: warn when half a week is left */
#define CRL_AHEAD (3 * DAY)

struct list {
	struct expiry *item;
	size_t n;
	int64_t now;
};

static void
add(struct list *l, const char *what, const char *name, int64_t when,
    int64_t ahead, const char *remedy)
{
	if (when != 0 && when - l->now <= ahead)
		l->item[l->n++] = (struct expiry){ .problem = when <= l->now,
		    .what = what, .name = name, .when = when,
		    .why = "has expired", .remedy = remedy };
}

static void
add_authority(struct list *l, const struct ipc_authority *a)
{
	add(l, "anchor of authority", a->name, a->anchors_expire, AHEAD,
	    "add the CA's next certificate to trust.conf");
	if (a->has_crl)
		add(l, "CRL of authority", a->name, a->next_update, CRL_AHEAD,
		    "copy a fresh one and reload");
	if (a->crl_problem[0] != '\0')
		l->item[l->n++] = (struct expiry){ .problem = true,
		    .what = "CRL of authority", .name = a->name,
		    .why = a->crl_problem, .remedy = a->crl_missing ?
		    "copy a good one and reload" : "the one that was loaded "
		    "before stays in force; copy the CA's newest one there" };
}

/* One that has ended since the load is of no interest any more. */
static void
add_rule(struct list *l, const char *map, const struct ipc_ending *e)
{
	size_t n = l->n;

	if (e->until <= l->now)
		return;
	add(l, "rule", map, e->until, AHEAD, "write another until= if it is "
	    "to go on");
	if (l->n > n)
		l->item[n].line = e->line;
}

size_t
expiry_list(const struct daemon *d, int64_t now,
    struct expiry item[EXPIRY_MAX])
{
	const struct setup *u = d->setup;
	struct list l = { .item = item, .now = now };

	add(&l, "host certificate", u->conf.certificate,
	    u->hostkey->not_after, AHEAD, "have a new one issued and reload");
	for (size_t i = 0; i < u->done.n; i++)
		add_authority(&l, &u->done.authority[i]);
	for (size_t i = 0; i < u->done.n_ending; i++)
		add_rule(&l, u->conf.map, &u->done.ending[i]);
	return l.n;
}

void
expiry_warn(const struct daemon *d)
{
	struct expiry item[EXPIRY_MAX];
	int64_t now = (int64_t)time(NULL);
	size_t n = expiry_list(d, now, item);

	for (size_t i = 0; i < n; i++) {
		const struct expiry *e = &item[i];

		if (e->line != 0)
			continue;
		if (!e->problem)
			log_warn("%s %s expires in %lld days; %s", e->what,
			    e->name, (long long)((e->when - now) / DAY),
			    e->remedy);
		else if (e->when != 0)
			log_error("%s %s %s; %s", e->what, e->name, e->why,
			    e->remedy);
		else
			log_error("%s %s: %s; %s", e->what, e->name, e->why,
			    e->remedy);
	}
}
