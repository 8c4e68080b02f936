#include "daemon/setup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/log.h"
#include "base/memfile.h"
#include "daemon/ctl.h"
#include "daemon/expiry.h"
#include "daemon/hostkey.h"
#include "daemon/loader.h"
#include "daemon/review.h"
#include "daemon/spare.h"
#include "idmap/uidrule.h"
#include "proto/seen.h"

#define KEY_SECONDS 20		/* a TPM or HSM may be slow to open */

#define ANY_KEY (SETUP_KEY | SETUP_PROCESS)

/* A reload at work. */
struct reload {
	struct daemon *d;
	unsigned parts;		/* enum setup_part: what is loaded anew */
	unsigned left;		/* of these, what is not there yet */
	struct setup *next;	/* these parts alone */
	struct ipc_sources key_sources;
	int loader;		/* channel to the loading child, or -1 */
	ev_io policy_io, key_io;
	ev_timer key_limit, policy_limit;
};

void
setup_free(struct setup *u)
{
	if (u == NULL)
		return;
	if (u->policy >= 0)
		(void)close(u->policy);
	if (u->settings >= 0)
		(void)close(u->settings);
	hostkey_free(u->hostkey, false);
	conf_free(&u->conf);
	free(u);
}

/* ---- configuration ------------------------------------------------------------ */

static int
find_users(struct setup *u, struct why *why)
{
	int r;

	if ((r = helper_user(u->conf.net_user, &u->net.uid, &u->net.gid,
	    why)) != 0 ||
	    (r = helper_user(u->conf.judge_user, &u->judge.uid,
	    &u->judge.gid, why)) != 0)
		return r;
	if ((r = helper_user(u->conf.key_user, &u->key.uid, &u->key.gid,
	    why)) != 0)
		return r;
	u->control = PEER_NO_GROUP;
	return u->conf.control_group == NULL ? 0 :
	    helper_group(u->conf.control_group, &u->control, why);
}

static int
make_settings(struct daemon *d, struct setup *u)
{
	static struct ipc_settings s;
	struct buf b;
	int r;

	s = (struct ipc_settings){ .open_files = d->open_files };
	(void)snprintf(s.service, sizeof(s.service), "%s",
	    u->conf.pam_service);
	(void)snprintf(s.confdir, sizeof(s.confdir), "%s",
	    u->conf.pam_confdir != NULL ? u->conf.pam_confdir : "");
	(void)snprintf(s.run_dir, sizeof(s.run_dir), "%s", u->conf.run_dir);
	uidrule_limits(&s.uid_min, &s.uid_max);
	s.n_privileged = u->conf.n_privileged;
	memcpy(s.privileged, u->conf.privileged, sizeof(s.privileged));
	buf_init(&b, 65536);
	ipc_settings_put(&b, &s);
	r = buf_err(&b) != 0 ? buf_err(&b) :
	    memfile_make("certlogin-settings", b.data, b.len);
	buf_free(&b);
	if (r < 0)
		return r;
	u->settings = r;
	return 0;
}

static struct setup *
new_setup(struct why *why)
{
	struct setup *u = calloc(1, sizeof(*u));

	if (u == NULL)
		(void)why_set(why, ERR_NOMEM, "out of memory");
	else
		u->policy = u->settings = -1;
	return u;
}

/* A setup with its configuration; the rest is loaded by other processes. */
static struct setup *
begin(struct daemon *d, struct why *why)
{
	struct setup *u = new_setup(why);
	struct diag diag;
	int r;

	if (u == NULL)
		return NULL;
	diag_init(&diag);
	r = conf_load(&u->conf, d->conf_path, d->settings, d->n_settings,
	    &diag);
	loader_log(&diag);
	diag_free(&diag);
	if (r != 0)
		(void)why_set(why, r, "%s has errors", d->conf_path);
	else if ((r = find_users(u, why)) == 0 &&
	    (r = make_settings(d, u)) != 0)
		(void)why_set(why, r, "settings: %s", err_text(r));
	if (r != 0) {
		setup_free(u);
		return NULL;
	}
	return u;
}

/* ---- swapping ------------------------------------------------------------------ */

/* What is not loaded anew goes on. */
static void
inherit(struct setup *u, struct setup *old, unsigned parts)
{
	if ((parts & SETUP_CONF) == 0) {
		u->conf = old->conf;
		u->net = old->net;
		u->judge = old->judge;
		u->key = old->key;
		u->control = old->control;
		u->settings = old->settings;
		old->conf = (struct conf){ .map = NULL };
		old->settings = -1;
	}
	if ((parts & SETUP_POLICY) == 0) {
		u->number = old->number;
		u->policy = old->policy;
		u->done = old->done;
		u->sources = old->sources;
		u->loaded = old->loaded;
		old->policy = -1;
	}
	if ((parts & ANY_KEY) == 0) {
		u->hostkey = old->hostkey;
		old->hostkey = NULL;
	}
}

/* loader is the channel to the child that loaded the policy. */
static void
keep_policy(struct daemon *d, int loader)
{
	const struct setup *u = d->setup;
	struct why why;

	if (d->test)
		return;
	if (seen_write(u->conf.state_dir, &u->done, &why) == 0)
		loader_keep(loader);
	else
		log_error("%s: CRL numbers were not kept: a CRL could be "
		    "rolled back by whoever can replace its file", why.text);
}

/* The one place where something new comes into force. */
static void
in_force(struct daemon *d, struct setup *u, unsigned parts, int loader)
{
	struct setup *old = d->setup;

	if ((parts & SETUP_POLICY) != 0)
		u->loaded = (int64_t)time(NULL);
	if (old != NULL)
		inherit(u, old, parts);
	d->setup = u;
	log_set_level((enum log_level)u->conf.log_level);
	if ((parts & SETUP_POLICY) != 0)
		keep_policy(d, loader);
	if (old == NULL)
		return;
	/* it may hang: its open channels are lost anyway */
	if ((parts & SETUP_PROCESS) != 0) {
		hostkey_free(old->hostkey, true);
		old->hostkey = NULL;
	}
	setup_free(old);
	if ((parts & (SETUP_CONF | SETUP_KEY)) != 0)
		spare_renew(d->spares);
	else if ((parts & SETUP_POLICY) != 0)
		spare_renew_judges(d->spares);
	if ((parts & SETUP_CONF) != 0)
		ctl_permit(d);
	if ((parts & SETUP_POLICY) != 0)
		review_policy(d);
}

int
setup_first(struct daemon *d)
{
	static struct ipc_sources key_sources;
	struct why why;
	struct setup *u = begin(d, &why);
	int fd = -1, r = ERR_REFUSED;

	if (u == NULL)
		goto out;
	u->number = ++d->next_policy;
	if ((u->hostkey = hostkey_start(d, &u->conf, &u->key, &key_sources,
	    &why)) == NULL)
		goto out;
	if ((r = fd = loader_start(d, u, u->number, &why)) < 0 ||
	    (r = loader_take(u, fd, LOADER_MS, &why)) != 0 ||
	    (r = hostkey_ready(u->hostkey, KEY_SECONDS * 1000, &why)) != 0)
		goto out;
	in_force(d, u, SETUP_ALL, fd);
	u = NULL;
out:
	if (fd >= 0)
		(void)close(fd);
	if (u != NULL || r != 0)
		log_error("%s", why.text);
	setup_free(u);
	return r;
}

/* ---- what went wrong ------------------------------------------------------------- */

/* In the order of the bits of enum setup_part. */
static char *
error_of(struct daemon *d, unsigned part)
{
	return d->error[part == SETUP_CONF ? 0 : part == SETUP_KEY ? 1 : 2];
}

const char *
setup_last_error(const struct daemon *d, char *dst, size_t size)
{
	size_t n = 0;

	dst[0] = '\0';
	for (size_t i = 0; i < SETUP_ERRORS && n < size; i++)
		if (d->error[i][0] != '\0')
			n += (size_t)snprintf(dst + n, size - n, "%s%s",
			    n > 0 ? "; " : "", d->error[i]);
	return dst;
}

/* ---- reload ---------------------------------------------------------------------- */

/* Key and policy are loaded at the same time, so that a token that hangs
 * keeps no revocation from counting; configuration only with both. */
static unsigned
taken(const struct daemon *d)
{
	unsigned parts = 0;

	for (size_t i = 0; i < SETUP_RELOADS; i++)
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
	if ((parts & ANY_KEY) != 0 && (busy & ANY_KEY) != 0)
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
			ctl_reload_ended(d->waiter[i].fd, error);
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

static void run_reload(struct daemon *d, unsigned parts);

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
	for (size_t i = 0; i < SETUP_RELOADS; i++)
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
		run_reload(d, SETUP_ALL);
		return;
	}
	/* the whole waits for the other as well; its parts need not */
	d->again = next & SETUP_CONF;
	run_reload(d, next & SETUP_POLICY);
	run_reload(d, next & ANY_KEY);
}

/* part is what is wrong: one of SETUP_CONF, SETUP_KEY, SETUP_POLICY. */
static void
reload_failed(struct reload *r, unsigned part, const char *text)
{
	struct daemon *d = r->d;
	char *error = error_of(d, part);

	log_error("reload: %s; what was loaded before stays in force", text);
	(void)snprintf(error, sizeof(d->error[0]), "%s", text);
	tell_waiters(d, r, error);
	/* its files are not what they were: what is there now may do */
	if ((r->parts & SETUP_PROCESS) != 0)
		d->again |= SETUP_KEY;
	end_reload(r);
}

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
there(struct reload *r, unsigned part)
{
	struct daemon *d = r->d;

	r->left &= ~part;
	if (r->left != 0)
		return;
	in_force(d, r->next, r->parts, r->loader);
	r->next = NULL;
	for (unsigned p = 1; p < SETUP_PROCESS; p <<= 1)
		if ((r->parts & p) != 0)
			error_of(d, p)[0] = '\0';
	log_reloaded(d, r->parts);
	if ((r->parts & SETUP_PROCESS) == 0)
		expiry_warn(d);
	tell_waiters(d, r, "");
	end_reload(r);
}

static const struct ipc_authority *
find_authority(const struct ipc_load_done *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->authority[i].name, name) == 0)
			return &l->authority[i];
	return NULL;
}

/* A CRL that is damaged, forged, rolled back or gone must not push out a good
 * one: it lists who was revoked, and without it nobody of that authority gets
 * in.  An authority that had none to lose is no reason to stay as we are. */
static int
keeps_crls(const struct ipc_load_done *now, const struct ipc_load_done *next,
    struct why *why)
{
	for (size_t i = 0; i < next->n; i++) {
		const struct ipc_authority *a = &next->authority[i];
		const struct ipc_authority *old = find_authority(now, a->name);

		if (a->crl_problem[0] != '\0' && old != NULL &&
		    old->next_update != 0 && old->crl_problem[0] == '\0')
			return why_set(why, ERR_REFUSED, "authority %s has a "
			    "CRL for every anchor now and would not: %s",
			    a->name, a->crl_problem);
	}
	return 0;
}

static void
on_policy(struct ev_loop *loop, ev_io *w, int revents)
{
	struct reload *r = w->data;
	struct daemon *d = r->d;
	struct why why;

	(void)revents;
	ev_io_stop(loop, w);
	ev_timer_stop(loop, &r->policy_limit);
	if (loader_take(r->next, r->loader, 0, &why) != 0 ||
	    keeps_crls(&d->setup->done, &r->next->done, &why) != 0)
		reload_failed(r, SETUP_POLICY, why.text);
	else
		there(r, SETUP_POLICY);
}

static void
on_key(struct ev_loop *loop, ev_io *w, int revents)
{
	struct reload *r = w->data;
	struct why why;

	(void)revents;
	ev_io_stop(loop, w);
	ev_timer_stop(loop, &r->key_limit);
	if (hostkey_ready(r->next->hostkey, 0, &why) != 0)
		reload_failed(r, SETUP_KEY, why.text);
	else
		there(r, ANY_KEY);
}

static void
on_key_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	reload_failed(w->data, SETUP_KEY, "host key: time limit reached");
}

static void
on_policy_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	reload_failed(w->data, SETUP_POLICY, "policy: time limit reached");
}

static struct reload *
new_reload(struct daemon *d, unsigned parts)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->d = d;
	r->parts = parts;
	r->left = parts & ~(unsigned)SETUP_CONF;
	r->loader = -1;
	ev_io_init(&r->policy_io, on_policy, -1, EV_READ);
	ev_io_init(&r->key_io, on_key, -1, EV_READ);
	ev_timer_init(&r->key_limit, on_key_limit, KEY_SECONDS, 0.);
	ev_timer_init(&r->policy_limit, on_policy_limit, LOADER_SECONDS, 0.);
	r->policy_io.data = r->key_io.data = r->key_limit.data =
	    r->policy_limit.data = r;
	return r;
}

static int
start_key(struct reload *r, const struct setup *with, struct why *why)
{
	struct daemon *d = r->d;

	r->next->hostkey = (r->parts & SETUP_PROCESS) != 0 ?
	    hostkey_again(d, &with->conf, &with->key, d->setup->hostkey,
	    why) : hostkey_start(d, &with->conf, &with->key, &r->key_sources,
	    why);
	if (r->next->hostkey == NULL)
		return ERR_REFUSED;
	ev_io_set(&r->key_io, r->next->hostkey->control, EV_READ);
	ev_io_start(d->loop, &r->key_io);
	ev_timer_start(d->loop, &r->key_limit);
	return 0;
}

static int
start_policy(struct reload *r, const struct setup *with, struct why *why)
{
	struct daemon *d = r->d;

	r->next->number = ++d->next_policy;
	if ((r->loader = loader_start(d, with, r->next->number, why)) < 0)
		return r->loader;
	ev_io_set(&r->policy_io, r->loader, EV_READ);
	ev_io_start(d->loop, &r->policy_io);
	ev_timer_start(d->loop, &r->policy_limit);
	return 0;
}

/* Start all that is to be loaded; the part that could not be, or 0. */
static unsigned
start_parts(struct reload *r, struct why *why)
{
	const struct setup *with = r->d->setup;

	if ((r->parts & SETUP_CONF) != 0)
		with = r->next = begin(r->d, why);
	else
		r->next = new_setup(why);
	if (r->next == NULL)
		return SETUP_CONF;
	if ((r->parts & ANY_KEY) != 0 && start_key(r, with, why) != 0)
		return SETUP_KEY;
	if ((r->parts & SETUP_POLICY) != 0 && start_policy(r, with, why) != 0)
		return SETUP_POLICY;
	return 0;
}

static void
run_reload(struct daemon *d, unsigned parts)
{
	struct reload *r;
	struct why why;
	unsigned failed;

	if (parts == 0)
		return;
	if (!is_free(d, parts)) {
		d->again |= (parts & SETUP_CONF) != 0 ? SETUP_CONF : parts;
		return;
	}
	if ((parts & SETUP_KEY) != 0)
		parts &= ~(unsigned)SETUP_PROCESS;
	if ((r = new_reload(d, parts)) == NULL) {
		log_error("reload: out of memory");
		tell_waiters(d, NULL, "out of memory");
		return;
	}
	for (size_t i = 0; i < SETUP_RELOADS; i++)
		if (d->reload[i] == NULL) {
			d->reload[i] = r;
			break;
		}
	join_waiters(d, r);
	if ((failed = start_parts(r, &why)) != 0)
		reload_failed(r, failed, why.text);
}

void
setup_reload(struct daemon *d, unsigned parts, int waiter)
{
	if (waiter >= 0 && d->n_waiters == RELOAD_WAITERS_MAX) {
		ctl_reload_ended(waiter, "too many ask for it at once");
		return;
	}
	if (waiter >= 0)
		d->waiter[d->n_waiters++] = (struct reload_waiter){
		    .fd = waiter, .parts = parts };
	run_reload(d, parts);
}

void
setup_replace_hostkey(struct daemon *d)
{
	/* one that is starting will do */
	if ((taken(d) & ANY_KEY) == 0)
		run_reload(d, SETUP_PROCESS);
}

bool
setup_ended(struct daemon *d, pid_t pid)
{
	if (d->setup == NULL || d->setup->hostkey->pid != pid)
		return false;
	d->setup->hostkey->pid = 0;
	if (!d->stopping) {
		log_error("certlogin-hostkey ended; starting another");
		setup_replace_hostkey(d);
	}
	return true;
}
