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
#include "daemon/hostkey.h"
#include "daemon/loader.h"
#include "daemon/review.h"
#include "daemon/spare.h"
#include "daemon/watch.h"
#include "idmap/uidrule.h"
#include "proto/load.h"
#include "proto/seen.h"

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

	s = (struct ipc_settings){ .open_files = d->open_files,
	    .grace = u->conf.review_grace_time };
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

struct setup *
setup_new(void)
{
	struct setup *u = calloc(1, sizeof(*u));

	if (u != NULL)
		u->policy = u->settings = -1;
	return u;
}

int
setup_begin(struct daemon *d, struct setup *u, struct why *why)
{
	struct diag diag;
	int r;

	diag_init(&diag);
	r = conf_load(&u->conf, d->conf_path, d->settings, d->n_settings,
	    &diag);
	loader_log(&diag);
	diag_free(&diag);
	if (r != 0)
		return why_set(why, r, "%s has errors", d->conf_path);
	if ((r = find_users(u, why)) == 0 && (r = make_settings(d, u)) != 0)
		(void)why_set(why, r, "settings: %s", err_text(r));
	return r;
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
	if ((parts & SETUP_ANY_KEY) == 0) {
		u->hostkey = old->hostkey;
		old->hostkey = NULL;
	}
	if ((parts & SETUP_KEY) == 0)
		u->key_sources = old->key_sources;
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

void
setup_in_force(struct daemon *d, struct setup *u, unsigned parts, int loader)
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
setup_take_key(struct setup *u, int ms, struct why *why)
{
	int r = hostkey_ready(u->hostkey, ms, why);

	return r != 0 ? r : load_settled(&u->key_sources, why);
}

static int
load_first(struct daemon *d, struct setup *u, int *loader, struct why *why)
{
	int r;

	u->number = ++d->next_policy;
	if ((r = setup_begin(d, u, why)) != 0 ||
	    (r = hostkey_start(d, &u->conf, &u->key, &u->hostkey,
	    &u->key_sources, why)) != 0)
		return r;
	if ((r = *loader = loader_start(d, u, u->number, why)) < 0 ||
	    (r = loader_take(u, *loader, LOADER_MS, why)) != 0)
		return r;
	return setup_take_key(u, SETUP_KEY_SECONDS * 1000, why);
}

int
setup_first(struct daemon *d)
{
	struct setup *u = setup_new();
	struct why why;
	int loader = -1, r;

	r = u != NULL ? load_first(d, u, &loader, &why) :
	    why_set(&why, ERR_NOMEM, "out of memory");
	if (r == 0)
		setup_in_force(d, u, SETUP_ALL, loader);
	else {
		log_error("%s", why.text);
		setup_free(u);
	}
	if (loader >= 0)
		(void)close(loader);
	return r;
}

/* ---- what went wrong ------------------------------------------------------------- */

static char *
error_of(struct daemon *d, unsigned part)
{
	return d->error[part == SETUP_CONF ? 0 : part == SETUP_KEY ? 1 : 2];
}

void
setup_failed(struct daemon *d, unsigned part, const char *text)
{
	(void)snprintf(error_of(d, part), sizeof(d->error[0]), "%s", text);
}

static void
append(char *dst, size_t size, const char *text, const char *more)
{
	size_t n = strlen(dst);

	(void)snprintf(dst + n, size - n, "%s%s%s", n > 0 ? "; " : "", text,
	    more);
}

const char *
setup_last_error(const struct daemon *d, char *dst, size_t size)
{
	const char *waits;

	dst[0] = '\0';
	for (size_t i = 0; i < SETUP_ERRORS; i++)
		if (d->error[i][0] != '\0')
			append(dst, size, d->error[i], "");
	for (int g = 0; g < WATCH_GROUPS; g++)
		if ((waits = watch_waits_for(d->watch,
		    (enum watch_group)g)) != NULL)
			append(dst, size, waits, " is open for writing; what "
			    "has changed is loaded when it is closed");
	return dst;
}
