#include "daemon/reload.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/ctl.h"
#include "daemon/expiry.h"
#include "daemon/hostkey.h"
#include "daemon/loader.h"
#include "daemon/setup.h"
#include "daemon/watch.h"

/* A reload at work. */
struct reload {
	struct daemon *d;
	unsigned parts;		/* enum setup_part: what is loaded anew */
	unsigned left;		/* of these, what is not there yet */
	struct setup *next;	/* these parts alone */
	int loader;		/* channel to the loading child, or -1 */
	ev_io policy_io, key_io;
	ev_timer key_limit, policy_limit;
};

/* Key and policy are loaded at the same time, so that a token that hangs
 * keeps no revocation from counting; configuration only with both. */
static unsigned
taken(const struct daemon *d)
{
	unsigned parts = 0;

	for (size_t i = 0; i < RELOADS_MAX; i++)
		if (d->reload[i] != NULL)
			parts |= d->reload[i]->parts;
	return parts;
}

static bool
is_free(const struct daemon *d, unsigned parts)
{
	unsigned busy = taken(d);

	if ((parts & SETUP_CONF) != 0)
		return busy == 0;
	if ((parts & SETUP_ANY_KEY) != 0 && (busy & SETUP_ANY_KEY) != 0)
		return false;
	return (parts & busy & SETUP_POLICY) == 0;
}

/* Tell those who wait for this reload; error is "" if it succeeded. */
static void
tell_waiters(struct daemon *d, const struct reload *r, const char *error)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_waiters; i++)
		if (d->waiter[i].reload == r)
			ctl_reload_ended(d, d->waiter[i].fd, error);
		else
			d->waiter[kept++] = d->waiter[i];
	d->n_waiters = kept;
}

static void
join_waiters(struct daemon *d, const struct reload *r)
{
	for (size_t i = 0; i < d->n_waiters; i++)
		if (d->waiter[i].reload == NULL &&
		    (d->waiter[i].parts & ~r->parts) == 0)
			d->waiter[i].reload = r;
}

static void run(struct daemon *d, unsigned parts);

static void
free_reload(struct reload *r)
{
	struct daemon *d = r->d;

	ev_io_stop(d->loop, &r->policy_io);
	ev_io_stop(d->loop, &r->key_io);
	ev_timer_stop(d->loop, &r->key_limit);
	ev_timer_stop(d->loop, &r->policy_limit);
	if (r->loader >= 0)
		(void)close(r->loader);
	for (size_t i = 0; i < RELOADS_MAX; i++)
		if (d->reload[i] == r)
			d->reload[i] = NULL;
	setup_free(r->next);
	free(r);
}

/* Its slot is free: what was asked for meanwhile can begin. */
static void
end_reload(struct reload *r)
{
	struct daemon *d = r->d;
	unsigned next = d->again;

	free_reload(r);
	if ((next & SETUP_CONF) != 0 && is_free(d, SETUP_ALL)) {
		d->again = 0;
		run(d, SETUP_ALL);
		return;
	}
	/* the whole waits for the other as well; its parts need not */
	d->again = next & SETUP_CONF;
	run(d, next & SETUP_POLICY);
	run(d, next & SETUP_ANY_KEY);
}

/* ---- what the end means for who watches the files ----------------------------- */

static bool
same_path(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* What was read are the files in force, and not those of a certlogind.conf
 * that did not get into force. */
static bool
of_conf_in_force(const struct reload *r, enum watch_group g)
{
	const struct conf *new = &r->next->conf, *now = &r->d->setup->conf;

	if ((r->parts & SETUP_CONF) == 0)
		return true;
	if (g == WATCH_KEY)
		return same_path(new->certificate, now->certificate) &&
		    same_path(new->key, now->key) &&
		    same_path(new->key_pin_file, now->key_pin_file);
	return same_path(new->trust, now->trust) &&
	    same_path(new->map, now->map) &&
	    same_path(new->state_dir, now->state_dir);
}

/* A judge or certlogin-hostkey, or the rules of safe opening, refused the
 * files; any other failure says nothing about them. */
static bool
is_refusal(int code)
{
	return code == ERR_REFUSED || code == ERR_NOTFOUND ||
	    code == ERR_UNSAFE;
}

/* The load of this group ended; it is what failed, or something else is. */
static void
tell_watch(const struct reload *r, enum watch_group g, bool failed, int code)
{
	const struct ipc_sources *s = g == WATCH_KEY ? &r->next->key_sources :
	    &r->next->sources;

	if (!failed || !of_conf_in_force(r, g))
		watch_kept(r->d->watch, g);
	else if (is_refusal(code) && s->n > 0)
		watch_loaded(r->d->watch, g, s);
	else
		watch_failed(r->d->watch, g);
}

/* From then on the same files may give another policy. */
static void
look_again(struct daemon *d, int64_t when)
{
	ev_periodic_stop(d->loop, &d->look_again);
	if (when == 0)
		return;
	ev_periodic_set(&d->look_again, (double)when, 0., NULL);
	ev_periodic_start(d->loop, &d->look_again);
}

/* part is what is wrong: one of SETUP_CONF, SETUP_KEY, SETUP_POLICY. */
static void
reload_failed(struct reload *r, unsigned part, int code, const char *text)
{
	struct daemon *d = r->d;

	log_error("reload: %s; what was loaded before stays in force", text);
	setup_failed(d, part, text);
	if ((r->parts & SETUP_PROCESS) == 0)
		metrics_reloaded(&d->metrics, false);
	tell_waiters(d, r, text);
	if ((r->parts & SETUP_KEY) != 0)
		tell_watch(r, WATCH_KEY, part == SETUP_KEY, code);
	if ((r->parts & SETUP_POLICY) != 0)
		tell_watch(r, WATCH_POLICY, part == SETUP_POLICY, code);
	if (part == SETUP_POLICY && r->next->done.again != 0)
		look_again(d, r->next->done.again);
	/* its files are not what they were: what is there now may do */
	if ((r->parts & SETUP_PROCESS) != 0)
		d->again |= SETUP_KEY;
	end_reload(r);
}

/* ---- a reload ------------------------------------------------------------------ */

static void
log_reloaded(const struct daemon *d, unsigned parts)
{
	const struct setup *u = d->setup;

	if ((parts & SETUP_PROCESS) != 0)
		log_info("host key process was replaced");
	else if ((parts & SETUP_POLICY) == 0)
		log_info("host certificate and key loaded");
	else
		log_info("%s: %u rules, %zu authorities",
		    (parts & SETUP_CONF) != 0 ? "reloaded" : "policy loaded",
		    u->done.rules, u->done.n);
}

static void
policy_loaded(struct daemon *d)
{
	watch_loaded(d->watch, WATCH_POLICY, &d->setup->sources);
	look_again(d, d->setup->done.again);
}

static void
there(struct reload *r, unsigned part)
{
	struct daemon *d = r->d;

	r->left &= ~part;
	if (r->left != 0)
		return;
	setup_in_force(d, r->next, r->parts, r->loader);
	r->next = NULL;
	for (unsigned p = 1; p < SETUP_PROCESS; p <<= 1)
		if ((r->parts & p) != 0)
			setup_failed(d, p, "");
	if ((r->parts & SETUP_KEY) != 0)
		watch_loaded(d->watch, WATCH_KEY, &d->setup->key_sources);
	if ((r->parts & SETUP_POLICY) != 0)
		policy_loaded(d);
	log_reloaded(d, r->parts);
	if ((r->parts & SETUP_PROCESS) == 0) {
		metrics_reloaded(&d->metrics, true);
		expiry_warn(d);
	}
	tell_waiters(d, r, "");
	end_reload(r);
}

static void
on_policy(struct ev_loop *loop, ev_io *w, int revents)
{
	struct reload *r = w->data;
	struct why why;
	int e;

	(void)revents;
	ev_io_stop(loop, w);
	ev_timer_stop(loop, &r->policy_limit);
	if ((e = loader_take(r->next, r->loader, 0, &why)) != 0)
		reload_failed(r, SETUP_POLICY, e, why.text);
	else
		there(r, SETUP_POLICY);
}

static void
on_key(struct ev_loop *loop, ev_io *w, int revents)
{
	struct reload *r = w->data;
	struct why why;
	int e;

	(void)revents;
	ev_io_stop(loop, w);
	ev_timer_stop(loop, &r->key_limit);
	if ((e = setup_take_key(r->next, 0, &why)) != 0)
		reload_failed(r, SETUP_KEY, e, why.text);
	else
		there(r, SETUP_ANY_KEY);
}

static void
on_key_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	reload_failed(w->data, SETUP_KEY, ERR_TIMEOUT,
	    "host key: time limit reached");
}

static void
on_policy_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	reload_failed(w->data, SETUP_POLICY, ERR_TIMEOUT,
	    "policy: time limit reached");
}

static struct reload *
new_reload(struct daemon *d, unsigned parts)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r == NULL || (r->next = setup_new()) == NULL) {
		free(r);
		return NULL;
	}
	r->d = d;
	r->parts = parts;
	r->left = parts & ~(unsigned)SETUP_CONF;
	r->loader = -1;
	ev_io_init(&r->policy_io, on_policy, -1, EV_READ);
	ev_io_init(&r->key_io, on_key, -1, EV_READ);
	ev_timer_init(&r->key_limit, on_key_limit, SETUP_KEY_SECONDS, 0.);
	ev_timer_init(&r->policy_limit, on_policy_limit, LOADER_SECONDS, 0.);
	r->policy_io.data = r->key_io.data = r->key_limit.data =
	    r->policy_limit.data = r;
	return r;
}

static int
start_key(struct reload *r, const struct setup *with, struct why *why)
{
	struct setup *u = r->next;
	struct daemon *d = r->d;
	int e;

	if ((r->parts & SETUP_PROCESS) != 0)
		e = hostkey_again(d, &with->conf, &with->key,
		    d->setup->hostkey, &u->hostkey, why);
	else {
		watch_begin(d->watch, WATCH_KEY);
		e = hostkey_start(d, &with->conf, &with->key, &u->hostkey,
		    &u->key_sources, why);
	}
	if (e != 0)
		return e;
	ev_io_set(&r->key_io, u->hostkey->control, EV_READ);
	ev_io_start(d->loop, &r->key_io);
	ev_timer_start(d->loop, &r->key_limit);
	return 0;
}

static int
start_policy(struct reload *r, const struct setup *with, struct why *why)
{
	struct daemon *d = r->d;

	watch_begin(d->watch, WATCH_POLICY);
	r->next->number = ++d->next_policy;
	if ((r->loader = loader_start(d, with, r->next->number, why)) < 0)
		return r->loader;
	ev_io_set(&r->policy_io, r->loader, EV_READ);
	ev_io_start(d->loop, &r->policy_io);
	ev_timer_start(d->loop, &r->policy_limit);
	return 0;
}

/* Start all that is to be loaded: 0, or a negative code and the part that
 * could not be. */
static int
start_parts(struct reload *r, unsigned *part, struct why *why)
{
	const struct setup *with = r->d->setup;
	int e = 0;

	*part = SETUP_CONF;
	if ((r->parts & SETUP_CONF) != 0 &&
	    (e = setup_begin(r->d, r->next, why)) != 0)
		return e;
	if ((r->parts & SETUP_CONF) != 0)
		with = r->next;
	*part = SETUP_KEY;
	if ((r->parts & SETUP_ANY_KEY) != 0)
		e = start_key(r, with, why);
	if (e != 0 || (r->parts & SETUP_POLICY) == 0)
		return e;
	*part = SETUP_POLICY;
	return start_policy(r, with, why);
}

static void
out_of_memory(struct daemon *d, unsigned parts)
{
	log_error("reload: out of memory");
	tell_waiters(d, NULL, "out of memory");
	if ((parts & SETUP_KEY) != 0)
		watch_failed(d->watch, WATCH_KEY);
	if ((parts & SETUP_POLICY) != 0)
		watch_failed(d->watch, WATCH_POLICY);
}

static void
run(struct daemon *d, unsigned parts)
{
	struct reload *r;
	struct why why;
	unsigned part;
	int e;

	if (parts == 0)
		return;
	if (!is_free(d, parts)) {
		d->again |= (parts & SETUP_CONF) != 0 ? SETUP_CONF : parts;
		return;
	}
	if ((parts & SETUP_KEY) != 0)
		parts &= ~(unsigned)SETUP_PROCESS;
	if ((r = new_reload(d, parts)) == NULL) {
		out_of_memory(d, parts);
		return;
	}
	for (size_t i = 0; i < RELOADS_MAX; i++)
		if (d->reload[i] == NULL) {
			d->reload[i] = r;
			break;
		}
	join_waiters(d, r);
	if ((e = start_parts(r, &part, &why)) != 0)
		reload_failed(r, part, e, why.text);
}

void
reload_ask(struct daemon *d, unsigned parts, int waiter)
{
	if (waiter >= 0 && d->n_waiters == RELOAD_WAITERS_MAX) {
		ctl_reload_ended(d, waiter, "too many ask for it at once");
		return;
	}
	if (waiter >= 0)
		d->waiter[d->n_waiters++] = (struct reload_waiter){
		    .fd = waiter, .parts = parts };
	run(d, parts);
}

void
reload_hostkey(struct daemon *d)
{
	/* one that is starting will do */
	if ((taken(d) & SETUP_ANY_KEY) == 0)
		run(d, SETUP_PROCESS);
}

bool
reload_ended(struct daemon *d, pid_t pid)
{
	if (d->setup == NULL || d->setup->hostkey->pid != pid)
		return false;
	d->setup->hostkey->pid = 0;
	if (!d->stopping) {
		log_error("certlogin-hostkey ended; starting another");
		reload_hostkey(d);
	}
	return true;
}

static void
on_changed(void *arg, enum watch_group g, const char *path)
{
	if (path != NULL)
		log_info("%s has changed", path);
	run(arg, g == WATCH_KEY ? SETUP_KEY : SETUP_POLICY);
}

static void
on_time(struct ev_loop *loop, ev_periodic *p, int revents)
{
	(void)revents;
	ev_periodic_stop(loop, p);
	log_info("a CRL that was dated into the future may count now");
	run(p->data, SETUP_POLICY);
}

int
reload_watch(struct daemon *d)
{
	ev_periodic_init(&d->look_again, on_time, 0., 0., NULL);
	d->look_again.data = d;
	d->watch = watch_new(d->loop, WATCH_SWEEP, on_changed, d);
	if (d->watch == NULL)
		return ERR_NOMEM;
	watch_loaded(d->watch, WATCH_KEY, &d->setup->key_sources);
	policy_loaded(d);
	return 0;
}
