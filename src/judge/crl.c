#include "judge/crl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "judge/clock.h"
#include "judge/files.h"
#include "proto/chan.h"
#include "x509/trust.h"
#include "x509/trust_fresh.h"

_Static_assert(CRLMSG_URL_MAX == TRUST_URL_MAX, "one limit of a URL");

struct crls {
	int channel;
	struct buf in, out;
	struct diag diag;
	struct trust_conf conf;
	struct crlmsg_listed listed;
	struct crlmsg_judge ask;
	struct crlmsg_judged judged;
	struct files files;
	struct trust trust;
	struct buf fetched;
	int64_t now;
};

/* ---- trust.conf ---------------------------------------------------------- */

static int
read_conf(struct crls *c, int fd, const char *name)
{
	struct buf text;
	struct why why;
	int r;

	buf_init(&text, TRUST_FILE_MAX + 1);
	if ((r = path_read(fd, TRUST_FILE_MAX, &text, &why)) != 0)
		diag_add(&c->diag, DIAG_ERROR, name, 0, 0, "%s", why.text);
	else
		r = trust_conf_parse(&c->conf, name, text.data != NULL ?
		    (const char *)text.data : "", text.len, &c->diag);
	buf_free(&text);
	return r;
}

/* ---- CRL_LIST ------------------------------------------------------------ */

/* Without revocation nobody looks at its CRLs. */
static void
list(struct crls *c, const struct trust_conf_authority *a)
{
	for (size_t i = 0; i < a->n_crls &&
	    a->rules.revocation != TRUST_NONE; i++) {
		struct crlmsg_item *it = &c->listed.item[c->listed.n];

		if (a->url[i][0] == '\0' ||
		    c->listed.n == IPC_LOAD_FILES_MAX)
			continue;
		(void)snprintf(it->authority, sizeof(it->authority), "%s",
		    a->rules.name);
		(void)snprintf(it->file, sizeof(it->file), "%s", a->crl[i]);
		(void)snprintf(it->url, sizeof(it->url), "%s", a->url[i]);
		c->listed.n++;
	}
}

static int
answer_list(struct crls *c, const struct chan_msg *m)
{
	char name[IPC_PATH_MAX];
	int r;

	if (m->n_fds != 1)
		return ERR_MALFORMED;
	if ((r = crlmsg_list_decode(m->body, name)) != 0)
		return r;
	c->listed.ok = read_conf(c, m->fds[0], name) == 0;
	for (size_t i = 0; c->listed.ok && i < c->conf.n; i++)
		list(c, &c->conf.authority[i]);
	if ((r = crlmsg_listed_encode(&c->out, &c->listed, &c->diag)) != 0)
		return r;
	return chan_send(c->channel, &c->out, NULL, 0);
}

/* ---- CRL_JUDGE ----------------------------------------------------------- */

static int
refuse(struct crls *c, const char *text)
{
	(void)snprintf(c->judged.problem, sizeof(c->judged.problem), "%s",
	    text);
	return ERR_REFUSED;
}

static int
first_error(struct crls *c)
{
	for (size_t i = 0; i < c->diag.n; i++)
		if (c->diag.items[i].level == DIAG_ERROR)
			return refuse(c, c->diag.items[i].text);
	return refuse(c, "out of memory");
}

/* The authority that has this file fetched. */
static const struct trust_conf_authority *
find(const struct crls *c)
{
	for (size_t i = 0; i < c->conf.n; i++) {
		const struct trust_conf_authority *a = &c->conf.authority[i];

		for (size_t k = 0; k < a->n_crls; k++)
			if (strcmp(a->rules.name, c->ask.authority) == 0 &&
			    strcmp(a->crl[k], c->ask.file) == 0 &&
			    a->url[k][0] != '\0')
				return a;
	}
	return NULL;
}

/* Its anchors, and nothing of its CRLs. */
static int
load_anchors(struct crls *c, const struct trust_conf_authority *from)
{
	struct trust_conf_authority a = *from;
	const struct trust_conf conf = { .n = 1, .authority = &a };

	a.n_crls = 0;
	a.rules.revocation = TRUST_NONE;
	if (trust_load(&c->trust, c->ask.trust, &conf, c->files.file,
	    c->files.want.n, NULL, c->now, &c->diag) != 0)
		return first_error(c);
	return 0;
}

/* What was asked for last. */
static void
read_in_place(struct crls *c, struct trust_fresh *out)
{
	const struct trust_file *f = &c->files.file[c->files.want.n - 1];

	*out = (struct trust_fresh){ .n = 0 };
	if (f->bytes.p != NULL)
		trust_fresh_read(out, &c->trust.authority[0], f->bytes,
		    c->ask.seen, c->ask.n_seen, c->now);
	else
		(void)snprintf(out->problem, sizeof(out->problem), "%s",
		    f->error != NULL && f->error[0] != '\0' ? f->error :
		    "not there");
	(void)snprintf(c->judged.in_place, sizeof(c->judged.in_place), "%s",
	    out->problem);
}

static void
report_times(struct crls *c, const struct trust_fresh *f)
{
	const struct trust_crl *oldest = trust_fresh_oldest(f);

	if (oldest == NULL)
		return;
	c->judged.usable = true;
	c->judged.this_update = oldest->this_update;
	c->judged.next_update = oldest->next_update;
	c->judged.half = trust_fresh_half(oldest);
}

/* The one place where what was fetched is accepted. */
static void
compare(struct crls *c, uint32_t grace)
{
	struct trust_fresh old, new;
	struct why why;
	int r;

	read_in_place(c, &old);
	if (!c->ask.fetched) {
		report_times(c, &old);
		return;
	}
	trust_fresh_read(&new, &c->trust.authority[0],
	    (struct span){ c->fetched.data, c->fetched.len }, c->ask.seen,
	    c->ask.n_seen, c->now);
	r = trust_fresh_compare(&new, &old, grace, c->now, &why);
	if (r < 0)
		(void)refuse(c, why.text);
	else
		c->judged.outcome = r == 1 ? CRLMSG_REPLACE : CRLMSG_SAME;
	report_times(c, r == 1 ? &new : &old);
}

static int
want_files(struct crls *c, const struct trust_conf_authority *a)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->n_anchors; i++)
		r = files_want(&c->files, a->anchor[i], false);
	return r == 0 ? files_want(&c->files, c->ask.file, true) : r;
}

static void
read_fetched(struct crls *c, int fd)
{
	struct why why;

	if (path_read(fd, IPC_LOAD_FILE_MAX, &c->fetched, &why) != 0)
		(void)refuse(c, why.text);
}

static int
judge(struct crls *c, const struct trust_conf_authority *a)
{
	int r;

	if ((r = want_files(c, a)) != 0 ||
	    (r = files_ask(&c->files, c->channel, &c->in, &c->out)) != 0)
		return r;
	if (c->judged.problem[0] == '\0' && load_anchors(c, a) == 0)
		compare(c, a->rules.grace);
	return 0;
}

/* LOAD_WANT comes first in any case, perhaps for nothing. */
static int
answer_judge(struct crls *c, const struct chan_msg *m)
{
	const struct trust_conf_authority *a = NULL;
	int r;

	if ((r = crlmsg_judge_decode(m->body, &c->ask)) != 0)
		return r;
	if (m->n_fds != (c->ask.fetched ? 2 : 1))
		return ERR_MALFORMED;
	if (read_conf(c, m->fds[0], c->ask.trust) != 0)
		(void)first_error(c);
	else if ((a = find(c)) == NULL)
		(void)refuse(c, "trust.conf has nothing fetched for it any "
		    "more");
	if (a != NULL && c->ask.fetched)
		read_fetched(c, m->fds[1]);
	r = a != NULL ? judge(c, a) : files_ask(&c->files, c->channel, &c->in,
	    &c->out);
	if (r != 0)
		return r;
	if ((r = crlmsg_judged_encode(&c->out, &c->judged)) != 0)
		return r;
	return chan_send(c->channel, &c->out, NULL, 0);
}

/* ---- serving ------------------------------------------------------------- */

static int
answer(struct crls *c)
{
	struct chan_msg m;
	int r = chan_recv(c->channel, &c->in, &m, 2);

	if (r != 0)
		return r;
	switch (m.type) {
	case IPC_CRL_LIST:
		r = answer_list(c, &m);
		break;
	case IPC_CRL_JUDGE:
		r = answer_judge(c, &m);
		break;
	default:
		r = ERR_TYPE;
	}
	chan_close_fds(&m);
	return r;
}

int
crl_serve(int channel)
{
	struct crls *c = calloc(1, sizeof(*c));
	int r;

	if (c == NULL)
		return ERR_NOMEM;
	c->channel = channel;
	c->now = clock_now();
	buf_init(&c->in, CHAN_MSG_MAX);
	buf_init(&c->out, CHAN_MSG_MAX);
	buf_init(&c->fetched, IPC_LOAD_FILE_MAX + 1);
	diag_init(&c->diag);
	r = answer(c);
	files_free(&c->files);
	trust_free(&c->trust);
	trust_conf_free(&c->conf);
	buf_free(&c->fetched);
	buf_free(&c->in);
	buf_free(&c->out);
	diag_free(&c->diag);
	free(c);
	return r;
}
