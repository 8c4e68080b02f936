#include "cred/holder.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/about.h"
#include "base/helper.h"
#include "proto/chan.h"

#define LEAVE_S 2		/* for logout, when who asked is dead */

struct server {
	const struct holder_ops *ops;
	void *key;			/* NULL until P11_LOAD */
	bool remote;			/* P11_LOCAL was refused */
	bool failed;			/* what was asked ahead is void */
	bool locked;			/* the last PIN was wrong */
	struct buf out;
	struct why why;
};

/* 0: to be answered by P11_DONE; 1: the answer stands in s->out. */
static int
answer_local(struct server *s, struct rd *body)
{
	uint32_t caller;
	int r = p11msg_get_local(body, &caller);

	if (r != 0)
		return r;
	r = s->ops->local != NULL ? s->ops->local((uid_t)caller, &s->why) :
	    ERR_TYPE;
	s->remote = r != 0;
	return r;
}

static int
answer_load(struct server *s, struct rd *body)
{
	struct p11_load *l;
	int r;

	if (s->remote)
		return why_set(&s->why, ERR_STATE, "the caller is not local");
	if ((l = calloc(1, sizeof(*l))) == NULL)
		return why_set(&s->why, ERR_NOMEM, "out of memory");
	if ((r = p11msg_get_load(body, l)) == 0)
		r = s->ops->load(&s->key, l, &s->why);
	free(l);
	return r;
}

static int
answer_list(struct server *s, struct rd *body)
{
	char uri[P11_URI_MAX];
	struct p11_cert *c;
	int n, r;

	if ((r = p11msg_get_list(body, uri)) != 0)
		return r;
	if ((n = s->ops->list(s->key, uri, &s->why)) < 0)
		return n;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return why_set(&s->why, ERR_NOMEM, "out of memory");
	for (int i = 0; i < n && r == 0; i++) {
		r = s->ops->cert(s->key, (size_t)i, c, &s->why);
		if (r != 0)
			break;
		p11msg_put_cert(&s->out, c);
		r = chan_send(HELPER_CHANNEL, &s->out, NULL, 0);
	}
	free(c);
	return r;
}

static int
answer_open(struct server *s, struct rd *body)
{
	uint32_t i;
	int r = p11msg_get_open(body, &i);

	return r != 0 ? r : s->ops->open(s->key, i, &s->why);
}

static int
answer_login(struct server *s, struct rd *body)
{
	struct span pin;
	int r = p11msg_get_login(body, &pin);

	if (r == 0)
		r = s->ops->login(s->key, pin, &s->why);
	s->locked = r != 0;
	return r;
}

static int
answer_sign(struct server *s, struct rd *body)
{
	struct span data;
	struct buf sig;
	uint16_t scheme;
	int r;

	/* asked for together with the PIN; the key is left alone */
	if (s->locked)
		return why_set(&s->why, ERR_STATE, "the login before failed");
	if ((r = p11msg_get_sign(body, &scheme, &data)) != 0)
		return r;
	buf_init(&sig, P11_SIG_MAX);
	r = s->ops->sign(s->key, scheme, data, &sig, &s->why);
	if (r == 0) {
		p11msg_put_signed(&s->out, (struct span){ sig.data,
		    sig.len });
		r = 1;
	}
	buf_free(&sig);
	return r;
}

static const struct row {
	uint8_t type;
	bool loaded;		/* allowed with a key; else without */
	bool ahead;		/* then there is time for ops->ahead */
	int (*answer)(struct server *, struct rd *);
} rows[] = {
	{ P11_LOCAL, false, false, answer_local },
	{ P11_LOAD, false, false, answer_load },
	{ P11_LIST, true, true, answer_list },
	{ P11_OPEN, true, false, answer_open },
	{ P11_LOGIN, true, false, answer_login },
	{ P11_SIGN, true, false, answer_sign },
};

static const struct row *
row_of(const struct server *s, uint8_t type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == type)
			return rows[i].loaded == (s->key != NULL) ?
			    &rows[i] : NULL;
	return NULL;
}

static void
put_done(struct server *s, int r)
{
	struct p11_done done = { .code = r };
	const char *text = s->why.text[0] != '\0' ? s->why.text :
	    err_text(r);

	/* there are no flags, and nothing to list or open, without a key */
	if (s->key != NULL)
		done.flags = s->ops->flags(s->key);
	else
		s->failed = r != 0;
	if (r != 0)
		(void)err_escape(done.text, sizeof(done.text), text,
		    strlen(text));
	p11msg_put_done(&s->out, &done);
}

/* One question, one answer; non-zero ends the process. */
static int
serve(struct server *s, struct buf *in)
{
	const struct row *row;
	struct chan_msg m;
	int r;

	if ((r = chan_recv(HELPER_CHANNEL, in, &m, 0)) != 0)
		return r;
	s->why.text[0] = '\0';
	if ((row = row_of(s, m.type)) != NULL)
		r = row->answer(s, &m.body);
	else if (s->failed)
		r = why_set(&s->why, ERR_STATE, "what was asked before this "
		    "failed");
	else
		return ERR_TYPE;
	buf_reset(in);		/* wipes a PIN */
	if (r <= 0)
		put_done(s, r);
	r = chan_send(HELPER_CHANNEL, &s->out, NULL, 0);
	if (r == 0 && row != NULL && row->ahead && s->ops->ahead != NULL)
		s->ops->ahead(s->key);
	return r;
}

void
holder_failed(const struct why *why, int code)
{
	struct p11_done done = { .code = code };
	struct chan_msg m;
	struct buf b;

	(void)err_escape(done.text, sizeof(done.text), why->text,
	    strlen(why->text));
	buf_init_secret(&b, CHAN_MSG_MAX);
	if (chan_recv(HELPER_CHANNEL, &b, &m, 0) == 0) {
		p11msg_put_done(&b, &done);
		(void)chan_send(HELPER_CHANNEL, &b, NULL, 0);
	}
	buf_free(&b);
}

/* Who asked is dead: the channel's end makes us log out and go.  A driver that
 * hangs must not keep us here. */
static void
asker_died(int sig)
{
	(void)sig;
	(void)alarm(LEAVE_S);
}

static int
follow_asker(void)
{
	struct sigaction sa = { .sa_handler = asker_died,
	    .sa_flags = SA_RESTART };
	struct pollfd p = { .fd = HELPER_CHANNEL };

	if (sigaction(SIGTERM, &sa, NULL) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0)
		return ERR_SYS;
	/* it may have died before */
	return poll(&p, 1, 0) == 0 ? 0 : ERR_EOF;
}

int
holder_main(int argc, char **argv, const char *name,
    const struct holder_ops *ops)
{
	struct server s = { .ops = ops };
	struct buf in;
	int r;

	if (about_asked(name, NULL, argc, argv))
		return 0;
	if (helper_begin(name) != 0) {
		(void)fprintf(stderr, "%s: a part of certlogin, not to be "
		    "started by hand\n", name);
		return 2;
	}
	if (follow_asker() != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0,
	    0) != 0)
		return 3;
	buf_init_secret(&in, CHAN_MSG_MAX);
	buf_init(&s.out, CHAN_MSG_MAX);
	/* PINs come through here; its memory stays the same from now on, and
	 * is locked where the system lets us */
	if (buf_reserve(&in, CHAN_MSG_MAX) == NULL)
		return 3;
	(void)mlock2(in.data, in.cap, MLOCK_ONFAULT);
	while ((r = serve(&s, &in)) == 0)
		continue;
	if (s.key != NULL)
		ops->free(s.key);
	buf_free(&in);
	buf_free(&s.out);
	helper_leave(r == ERR_EOF ? 0 : 3);
}
