#include "daemon/setup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/log.h"
#include "base/memfile.h"
#include "daemon/ctl.h"
#include "daemon/expiry.h"
#include "daemon/hostkey.h"
#include "daemon/spare.h"
#include "idmap/uidrule.h"
#include "proto/chan.h"
#include "proto/kept.h"
#include "proto/seen.h"

#define KEY_MS 20000		/* a TPM or HSM may be slow to open */
#define LOAD_MS 60000
#define LOAD_SECONDS 90
#define NEXT_MS 1000		/* between two messages of one sender */

/* A reload at work. */
struct reload {
	struct setup *next;
	bool again;		/* asked for once more meanwhile */
	bool key_only;		/* replaces the hostkey process alone */
	bool have_policy, have_key;
	int loader;		/* channel to the loading child, or -1 */
	ev_io policy_io, key_io;
	ev_timer limit;
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

static void
log_diag(const struct diag *diag)
{
	char line[1024];

	for (size_t i = 0; i < diag->n; i++) {
		diag_format(&diag->items[i], line, sizeof(line));
		if (diag->items[i].level == DIAG_ERROR)
			log_error("%s", line);
		else
			log_warn("%s", line);
	}
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

/* A setup with its configuration; the rest is loaded by other processes. */
static struct setup *
begin(struct daemon *d, struct why *why)
{
	struct setup *u = calloc(1, sizeof(*u));
	struct diag diag;
	int r;

	if (u == NULL) {
		(void)why_set(why, ERR_NOMEM, "out of memory");
		return NULL;
	}
	u->policy = u->settings = -1;
	diag_init(&diag);
	r = conf_load(&u->conf, d->conf_path, d->settings, d->n_settings,
	    &diag);
	log_diag(&diag);
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

/* ---- policy: a child runs the dialogue so that we go on accepting ------------- */

static int
run_load(struct daemon *d, struct setup *u, struct load_result *out,
    struct diag *diag, struct why *why)
{
	static const char *const argv[] = { "certlogin-judge", "load", NULL };
	const struct load_from from = { .trust = u->conf.trust,
	    .map = u->conf.map, .state = u->conf.state_dir,
	    .policy = u->number };
	struct helper_spec h = { .exe = d->programs.judge, .argv = argv,
	    .uid = u->judge.uid, .gid = u->judge.gid,
	    .chroot_dir = d->empty_dir };
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return why_errno(why, "socketpair");
	h.channel = pair[1];
	r = helper_spawn(&h, why);
	(void)close(pair[1]);
	if (r > 0)
		r = load_run(pair[0], &from, LOAD_MS, out, diag, why);
	(void)close(pair[0]);
	return r;
}

/* In the loading child: until certlogind closes its end, or says that the
 * policy is in force.  That it is not kept hinders nobody here. */
static void
keep_policy(int fd, const struct setup *u, const struct load_result *res)
{
	struct chan_msg m;
	struct why why;
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	if (chan_recv(fd, &b, &m, 0) == 0 && m.type == IPC_LOAD_KEEP &&
	    kept_put(u->conf.state_dir, u->conf.trust, u->conf.map, res,
	    &why) != 0)
		log_warn("the policy was not kept in %s: %s; who has no "
		    "certlogind loads it each time", u->conf.state_dir,
		    why.text);
	buf_free(&b);
}

static int
send_sources(int fd, const struct ipc_sources *sources, struct buf *b)
{
	int r = ipc_load_sources_encode(b, sources);

	return r != 0 ? r : chan_send(fd, b, NULL, 0);
}

/* In the loading child: what was opened, then LOAD_DONE with findings and
 * policy. */
static int
send_result(int fd, struct daemon *d, struct setup *u,
    struct load_result *res)
{
	struct diag diag;
	struct why why;
	struct buf b;
	int r;

	diag_init(&diag);
	buf_init(&b, CHAN_MSG_MAX);
	if ((r = run_load(d, u, res, &diag, &why)) != 0) {
		/* which names trust and map; what is in them has places */
		diag_add(&diag, DIAG_ERROR, d->conf_path, 0, 0, "%s",
		    why.text);
		res->done = (struct ipc_load_done){ .ok = false };
		res->policy = -1;
	}
	if ((r = send_sources(fd, &res->sources, &b)) == 0 &&
	    (r = ipc_load_done_encode(&b, &res->done, &diag)) == 0)
		r = chan_send(fd, &b, &res->policy, res->policy >= 0 ? 1 : 0);
	buf_free(&b);
	diag_free(&diag);
	return r;
}

_Noreturn static void
be_loader(int fd, struct daemon *d, struct setup *u)
{
	static struct load_result res;

	/* certlogind's signals are not its own; its life ends with
	 * certlogind's */
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)alarm(LOAD_SECONDS);
	if (send_result(fd, d, u, &res) != 0)
		_exit(1);
	if (res.done.ok)
		keep_policy(fd, u, &res);
	_exit(0);
}

/* Returns the channel on which the result will come, or a negative code. */
static int
start_loader(struct daemon *d, struct setup *u, struct why *why)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return why_errno(why, "socketpair");
	u->number = ++d->next_policy;
	if ((pid = fork()) < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return why_errno(why, "fork");
	}
	if (pid == 0) {
		(void)close(pair[0]);
		be_loader(pair[1], d, u);
	}
	(void)close(pair[1]);
	return pair[0];
}

static int
take_policy(struct setup *u, int fd, int ms, struct why *why)
{
	struct chan_msg m;
	struct diag diag;
	struct buf in;
	int r;

	diag_init(&diag);
	buf_init(&in, CHAN_MSG_MAX);
	if ((r = chan_recv_timeout(fd, &in, &m, 0, ms)) == 0)
		r = m.type != IPC_LOAD_SOURCES ? ERR_TYPE :
		    ipc_load_sources_decode(m.body, &u->sources);
	/* on its heels */
	if (r == 0 && (r = chan_recv_timeout(fd, &in, &m, 1, NEXT_MS)) == 0) {
		r = m.type != IPC_LOAD_DONE ? ERR_TYPE :
		    ipc_load_done_decode(m.body, &u->done, &diag);
		if (r == 0 && u->done.ok && m.n_fds == 1) {
			u->policy = m.fds[0];
			m.fds[0] = -1;
		} else if (r == 0)
			r = ERR_REFUSED;
		chan_close_fds(&m);
	}
	log_diag(&diag);
	if (r != 0)
		(void)why_set(why, r, r == ERR_REFUSED ? "trust or map has "
		    "errors" : "policy could not be loaded: %s", err_text(r));
	buf_free(&in);
	diag_free(&diag);
	return r;
}

/* ---- swapping ------------------------------------------------------------------ */

/* Tell the child that loaded it: what takes long is not ours to do. */
static void
ask_to_keep(int loader)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	chan_begin(&b, IPC_LOAD_KEEP);
	(void)chan_send(loader, &b, NULL, 0);
	buf_free(&b);
}

static void
in_force(struct daemon *d, struct setup *u, int loader)
{
	struct setup *old = d->setup;
	struct why why;

	u->loaded = (int64_t)time(NULL);
	d->setup = u;
	log_set_level((enum log_level)u->conf.log_level);
	if (!d->test && seen_write(u->conf.state_dir, &u->done, &why) != 0)
		log_error("%s: CRL numbers were not kept: a CRL could be "
		    "rolled back by whoever can replace its file", why.text);
	else if (!d->test)
		ask_to_keep(loader);
	if (old != NULL)
		setup_free(old);
	if (d->spares != NULL)
		spare_renew(d->spares);
	ctl_permit(d);
	d->last_error[0] = '\0';
}

int
setup_first(struct daemon *d)
{
	struct why why;
	struct setup *u = begin(d, &why);
	int fd = -1, r = ERR_REFUSED;

	if (u == NULL)
		goto out;
	if ((u->hostkey = hostkey_start(d, &u->conf, &u->key, &why)) == NULL)
		goto out;
	if ((r = fd = start_loader(d, u, &why)) < 0 ||
	    (r = take_policy(u, fd, LOAD_MS, &why)) != 0 ||
	    (r = hostkey_ready(u->hostkey, KEY_MS, &why)) != 0)
		goto out;
	in_force(d, u, fd);
	u = NULL;
out:
	if (fd >= 0)
		(void)close(fd);
	if (u != NULL || r != 0)
		log_error("%s", why.text);
	setup_free(u);
	return r;
}

/* ---- reload ---------------------------------------------------------------------- */

static void
stop_watching(struct daemon *d, struct reload *r)
{
	ev_io_stop(d->loop, &r->policy_io);
	ev_io_stop(d->loop, &r->key_io);
	ev_timer_stop(d->loop, &r->limit);
	if (r->loader >= 0)
		(void)close(r->loader);
	r->loader = -1;
}

/* Tell those who wait for this reload; error is "" if it succeeded. */
static void
tell_waiters(struct daemon *d, const char *error)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->n_waiters; i++)
		if (d->waiter[i].next)
			d->waiter[kept++] = d->waiter[i];
		else
			ctl_reload_ended(d->waiter[i].fd, error);
	d->n_waiters = kept;
}

static void
not_reloaded(struct daemon *d, const char *text)
{
	log_error("reload: %s; what was loaded before stays in force", text);
	(void)snprintf(d->last_error, sizeof(d->last_error), "%s", text);
	tell_waiters(d, d->last_error);
}

static void run_reload(struct daemon *d, bool key_only);

static void
end_reload(struct daemon *d)
{
	struct reload *r = d->reload;
	bool again = r->again;

	stop_watching(d, r);
	setup_free(r->next);
	free(r);
	d->reload = NULL;
	for (size_t i = 0; i < d->n_waiters; i++)
		d->waiter[i].next = false;
	if (again)
		run_reload(d, false);
}

static void
reload_failed(struct daemon *d, const char *text)
{
	not_reloaded(d, text);
	end_reload(d);
}

/* The new hostkey process alone takes the old one's place. */
static void
swap_hostkey(struct daemon *d)
{
	struct hostkey *h = d->setup->hostkey;

	d->setup->hostkey = d->reload->next->hostkey;
	d->reload->next->hostkey = NULL;
	hostkey_free(h, true);
	spare_renew(d->spares);
	log_info("host key process was replaced");
}

static void
finish_if_complete(struct daemon *d)
{
	struct reload *r = d->reload;

	if (!r->have_key || !r->have_policy)
		return;
	if (r->key_only)
		swap_hostkey(d);
	else {
		in_force(d, r->next, r->loader);
		r->next = NULL;
		log_info("reloaded: %u rules, %zu authorities",
		    d->setup->done.rules, d->setup->done.n);
		expiry_warn(d);
		tell_waiters(d, "");
	}
	end_reload(d);
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
	struct daemon *d = w->data;
	struct setup *next = d->reload->next;
	struct why why;

	(void)loop;
	(void)revents;
	ev_io_stop(d->loop, w);
	if (take_policy(next, d->reload->loader, 0, &why) != 0 ||
	    keeps_crls(&d->setup->done, &next->done, &why) != 0) {
		reload_failed(d, why.text);
		return;
	}
	d->reload->have_policy = true;
	finish_if_complete(d);
}

static void
on_key(struct ev_loop *loop, ev_io *w, int revents)
{
	struct daemon *d = w->data;
	struct why why;

	(void)loop;
	(void)revents;
	ev_io_stop(d->loop, w);
	if (hostkey_ready(d->reload->next->hostkey, 0, &why) != 0) {
		reload_failed(d, why.text);
		return;
	}
	d->reload->have_key = true;
	finish_if_complete(d);
}

static void
on_limit(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	reload_failed(w->data, "time limit reached");
}

static struct reload *
new_reload(struct daemon *d, struct why *why)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (r == NULL) {
		(void)why_set(why, ERR_NOMEM, "out of memory");
		return NULL;
	}
	r->loader = -1;
	ev_io_init(&r->policy_io, on_policy, -1, EV_READ);
	ev_io_init(&r->key_io, on_key, -1, EV_READ);
	ev_timer_init(&r->limit, on_limit, LOAD_SECONDS, 0.);
	r->policy_io.data = r->key_io.data = r->limit.data = d;
	if ((r->next = begin(d, why)) == NULL ||
	    (r->next->hostkey = hostkey_start(d, &r->next->conf,
	    &r->next->key, why)) == NULL) {
		setup_free(r->next);
		free(r);
		return NULL;
	}
	return r;
}

static void
run_reload(struct daemon *d, bool key_only)
{
	struct why why;
	struct reload *r;

	if (d->reload != NULL) {
		d->reload->again |= !key_only;
		return;
	}
	if ((r = new_reload(d, &why)) == NULL) {
		not_reloaded(d, why.text);
		return;
	}
	d->reload = r;
	r->key_only = r->have_policy = key_only;
	ev_io_set(&r->key_io, r->next->hostkey->control, EV_READ);
	ev_io_start(d->loop, &r->key_io);
	ev_timer_start(d->loop, &r->limit);
	if (key_only)
		return;
	if ((r->loader = start_loader(d, r->next, &why)) < 0) {
		reload_failed(d, why.text);
		return;
	}
	ev_io_set(&r->policy_io, r->loader, EV_READ);
	ev_io_start(d->loop, &r->policy_io);
}

void
setup_reload(struct daemon *d, int waiter)
{
	if (waiter >= 0 && d->n_waiters == RELOAD_WAITERS_MAX) {
		ctl_reload_ended(waiter, "too many ask for it at once");
		return;
	}
	if (waiter >= 0)
		d->waiter[d->n_waiters++] = (struct reload_waiter){
		    .fd = waiter, .next = d->reload != NULL };
	run_reload(d, false);
}

void
setup_replace_hostkey(struct daemon *d)
{
	run_reload(d, true);
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
