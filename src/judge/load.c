#include "judge/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/path.h"
#include "judge/clock.h"
#include "judge/files.h"
#include "judge/policy.h"
#include "proto/chan.h"
#include "proto/ipc.h"
#include "x509/trust.h"

struct loading {
	int channel;
	struct buf in, out;
	struct diag diag;
	struct ipc_load_begin begin;
	struct files files;
	struct ipc_load_done done;
	struct buf trust_text, map_text, locks_text;
	struct span old_bytes;		/* the policy in force, if it was given */
	struct policy old;
	bool have_old;
	struct trust_conf conf;
	bool conf_ok;
	struct trust trust;
	bool trust_ok;
	struct map map, locks;
	int policy;			/* or -1 */
};

/* ---- LOAD_BEGIN ---------------------------------------------------------------- */

/* Text of one of the three files; what cannot be read is a finding. */
static void
read_text(struct loading *l, int fd, const char *name, size_t max,
    struct buf *out)
{
	struct why why;

	buf_init(out, max + 1);
	if (path_read(fd, max, out, &why) == 0)
		return;
	diag_add(&l->diag, DIAG_ERROR, name, 0, 0, "%s", why.text);
	buf_free(out);
}

/* Without it a load is as good, but for CRLs that cannot be used. */
static void
map_old(struct loading *l, int fd)
{
	struct why why;
	int r = memfile_map(fd, POLICY_MAX, &l->old_bytes);

	if (r != 0)
		(void)why_set(&why, r, "%s", err_text(r));
	else
		r = policy_get(&l->old, l->old_bytes, &why);
	l->have_old = r == 0;
	if (r != 0)
		diag_add(&l->diag, DIAG_WARNING, l->begin.trust, 0, 0,
		    "the policy in force cannot be read: %s", why.text);
}

static int
take_begin(struct loading *l)
{
	struct chan_msg m;
	int r = chan_recv(l->channel, &l->in, &m, 4);

	if (r != 0)
		return r;
	if (m.type != IPC_LOAD_BEGIN || m.n_fds < 3)
		r = ERR_TYPE;
	else if ((r = ipc_load_begin_decode(m.body, &l->begin)) == 0) {
		read_text(l, m.fds[0], l->begin.trust, TRUST_FILE_MAX,
		    &l->trust_text);
		read_text(l, m.fds[1], l->begin.map, MAP_FILE_MAX,
		    &l->map_text);
		read_text(l, m.fds[2], l->begin.locks, MAP_FILE_MAX,
		    &l->locks_text);
		if (m.n_fds == 4)
			map_old(l, m.fds[3]);
	}
	chan_close_fds(&m);
	return r;
}

/* ---- LOAD_WANT, LOAD_FILES -------------------------------------------------------- */

static void
want_path(struct loading *l, const char *path, bool crl, unsigned line)
{
	if (files_want(&l->files, path, crl) != 0)
		diag_add(&l->diag, DIAG_ERROR, l->begin.trust, line, 0,
		    "expected at most %d files in all", IPC_LOAD_FILES_MAX);
}

static void
parse_conf(struct loading *l)
{
	l->conf_ok = l->trust_text.data != NULL || l->diag.errors == 0;
	if (l->conf_ok)
		l->conf_ok = trust_conf_parse(&l->conf, l->begin.trust,
		    l->trust_text.data != NULL ?
		    (const char *)l->trust_text.data : "", l->trust_text.len,
		    &l->diag) == 0;
	for (size_t i = 0; l->conf_ok && i < l->conf.n; i++) {
		const struct trust_conf_authority *a = &l->conf.authority[i];

		for (size_t k = 0; k < a->n_anchors; k++)
			want_path(l, a->anchor[k], false, a->anchor_line[k]);
		for (size_t k = 0; k < a->n_crls; k++)
			want_path(l, a->crl[k], true, a->crl_line[k]);
	}
}

/* ---- making the policy ------------------------------------------------------------- */

static int
load_trust(struct loading *l)
{
	const struct trust_before before = { .seen = l->begin.seen,
	    .n_seen = l->begin.n_seen,
	    .in_force = l->have_old ? &l->old.trust : NULL };
	int r;

	if (!l->conf_ok)
		return ERR_MALFORMED;
	r = trust_load(&l->trust, l->begin.trust, &l->conf, l->files.file,
	    l->files.want.n, &before, clock_now(), &l->diag);
	l->trust_ok = r == 0;
	return r;
}

/* With the authorities where they are known, so that a person sees the
 * errors of all files at once. */
static int
parse_rules(struct loading *l, const char *name, const struct buf *text,
    int (*parse)(struct map *, const char *, const char *, size_t,
    const struct map_authority *, size_t, struct diag *), struct map *out)
{
	struct map_authority auth[TRUST_AUTHORITIES_MAX];

	if (l->trust_ok)
		policy_authorities(&l->trust, auth);
	return parse(out, name, text->data != NULL ?
	    (const char *)text->data : "", text->len,
	    l->trust_ok ? auth : NULL, l->trust_ok ? l->trust.n : 0,
	    &l->diag);
}

static int
parse_maps(struct loading *l)
{
	int r = parse_rules(l, l->begin.map, &l->map_text, map_parse,
	    &l->map), k = parse_rules(l, l->begin.locks, &l->locks_text,
	    map_parse_locks, &l->locks);

	l->done.rules = (uint32_t)l->map.n;
	l->done.locks = (uint32_t)l->locks.n;
	return r == ERR_NOMEM || k == ERR_NOMEM ? ERR_NOMEM :
	    r != 0 ? r : k;
}

/* l->policy, or findings. */
static void
make_policy(struct loading *l)
{
	if (load_trust(l) == ERR_NOMEM || parse_maps(l) == ERR_NOMEM) {
		diag_add(&l->diag, DIAG_ERROR, l->begin.trust, 0, 0,
		    "out of memory");
		return;
	}
	if (!l->trust_ok || l->diag.errors > 0)
		return;
	l->policy = policy_make(l->begin.policy, &l->trust, &l->map,
	    &l->locks);
	if (l->policy < 0)
		diag_add(&l->diag, DIAG_ERROR, l->begin.trust, 0, 0,
		    "the policy cannot be stored: %s", err_text(l->policy));
}

/* ---- LOAD_DONE ------------------------------------------------------------------------ */

/* The first rules to end, for status: kept in order, the last one falls out. */
static void
report_ending(const struct map *map, int64_t now, struct ipc_load_done *done)
{
	for (size_t i = 0; i < map->n; i++) {
		const struct map_rule *r = &map->rule[i];
		size_t k = done->n_ending;

		if (r->until <= now || (k == IPC_LOAD_ENDING_MAX &&
		    r->until >= done->ending[k - 1].until))
			continue;
		if (k < IPC_LOAD_ENDING_MAX)
			done->n_ending++;
		else
			k--;
		for (; k > 0 && done->ending[k - 1].until > r->until; k--)
			done->ending[k] = done->ending[k - 1];
		done->ending[k] = (struct ipc_ending){ .line = r->line,
		    .until = r->until };
	}
}

static int
send_done(struct loading *l)
{
	int r;

	make_policy(l);
	l->done.ok = l->policy >= 0;
	if (l->done.ok) {
		report_ending(&l->map, clock_now(), &l->done);
		trust_report(&l->trust, clock_now(), &l->done);
	}
	if ((r = ipc_load_done_encode(&l->out, &l->done, &l->diag)) == 0)
		r = chan_send(l->channel, &l->out, &l->policy,
		    l->done.ok ? 1 : 0);
	return r;
}

static void
free_loading(struct loading *l)
{
	files_free(&l->files);
	map_free(&l->map);
	map_free(&l->locks);
	trust_free(&l->trust);
	trust_conf_free(&l->conf);
	if (l->have_old)
		policy_free(&l->old);
	memfile_unmap(l->old_bytes);
	if (l->policy >= 0)
		(void)close(l->policy);
	buf_free(&l->trust_text);
	buf_free(&l->map_text);
	buf_free(&l->locks_text);
	buf_free(&l->in);
	buf_free(&l->out);
	diag_free(&l->diag);
	free(l);
}

int
load_serve(int channel, int *policy)
{
	struct loading *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return ERR_NOMEM;
	l->channel = channel;
	buf_init(&l->in, CHAN_MSG_MAX);
	buf_init(&l->out, CHAN_MSG_MAX);
	l->policy = -1;
	diag_init(&l->diag);
	if ((r = take_begin(l)) == 0) {
		parse_conf(l);
		if ((r = files_ask(&l->files, channel, &l->in,
		    &l->out)) == 0)
			r = send_done(l);
	}
	if (r == 0 && l->done.ok && policy != NULL) {
		*policy = l->policy;
		l->policy = -1;
	}
	free_loading(l);
	return r;
}
