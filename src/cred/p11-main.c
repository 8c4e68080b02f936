/*
 * certlogin-p11: holds a card.  It loads one PKCS#11 driver, the one that
 * its starter names, and answers questions on its channel until that ends.
 * It never sees the network, GnuTLS, or the starter's descriptors and
 * environment.  A driver that hangs or crashes takes only this process with
 * it; the starter waits with a limit.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/err.h"
#include "base/helper.h"
#include "cred/driver.h"
#include "cred/p11msg.h"
#include "proto/chan.h"

struct server {
	struct driver *driver;		/* NULL until P11_LOAD */
	struct buf out;
	struct why why;
};

static int
set_env(const struct p11_load *l, struct why *why)
{
	for (uint32_t i = 0; i < l->n_env; i++) {
		char name[P11_ENV_LEN];
		const char *eq = strchr(l->env[i], '=');

		if (eq == NULL || eq == l->env[i])
			return why_set(why, ERR_MALFORMED, "module-env: "
			    "expected NAME=VALUE");
		memcpy(name, l->env[i], (size_t)(eq - l->env[i]));
		name[eq - l->env[i]] = '\0';
		if (setenv(name, eq + 1, 1) != 0)
			return why_errno(why, "module-env");
	}
	return 0;
}

static int
answer_load(struct server *s, struct rd *body)
{
	struct p11_load *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return why_set(&s->why, ERR_NOMEM, "out of memory");
	if ((r = p11msg_get_load(body, l)) == 0 &&
	    (r = set_env(l, &s->why)) == 0)
		r = driver_load(&s->driver, l->module, &s->why);
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
	if ((n = driver_list(s->driver, uri, &s->why)) < 0)
		return n;
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return why_set(&s->why, ERR_NOMEM, "out of memory");
	for (int i = 0; i < n && r == 0; i++) {
		r = driver_cert(s->driver, (size_t)i, c, &s->why);
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

	return r != 0 ? r : driver_open(s->driver, i, &s->why);
}

static int
answer_login(struct server *s, struct rd *body)
{
	struct span pin;
	int r = p11msg_get_login(body, &pin);

	return r != 0 ? r : driver_login(s->driver, pin, &s->why);
}

/* 1: P11_SIGNED stands in s->out. */
static int
answer_sign(struct server *s, struct rd *body)
{
	struct span data;
	struct buf sig;
	uint16_t scheme;
	int r;

	if ((r = p11msg_get_sign(body, &scheme, &data)) != 0)
		return r;
	buf_init(&sig, P11_SIG_MAX);
	r = driver_sign(s->driver, scheme, data, &sig, &s->why);
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
	bool loaded;		/* allowed with a driver; else without */
	int (*answer)(struct server *, struct rd *);
} rows[] = {
	{ P11_LOAD, false, answer_load },
	{ P11_LIST, true, answer_list },
	{ P11_OPEN, true, answer_open },
	{ P11_LOGIN, true, answer_login },
	{ P11_SIGN, true, answer_sign },
};

static const struct row *
row_of(const struct server *s, uint8_t type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].type == type)
			return rows[i].loaded == (s->driver != NULL) ?
			    &rows[i] : NULL;
	return NULL;
}

/* One question, one answer; non-zero ends the process. */
static int
serve(struct server *s, struct buf *in)
{
	struct p11_done done = { 0 };
	const struct row *row;
	struct chan_msg m;
	int r;

	if ((r = chan_recv(HELPER_CHANNEL, in, &m, 0)) != 0)
		return r;
	if ((row = row_of(s, m.type)) == NULL)
		return ERR_TYPE;
	s->why.text[0] = '\0';
	r = row->answer(s, &m.body);
	buf_reset(in);		/* wipes a PIN */
	if (r <= 0) {
		done.code = r;
		if (s->driver != NULL)
			done.flags = driver_flags(s->driver);
		if (r != 0)
			(void)err_escape(done.text, sizeof(done.text),
			    s->why.text[0] != '\0' ? s->why.text :
			    err_text(r), strlen(s->why.text[0] != '\0' ?
			    s->why.text : err_text(r)));
		p11msg_put_done(&s->out, &done);
	}
	return chan_send(HELPER_CHANNEL, &s->out, NULL, 0);
}

int
main(int argc, char **argv)
{
	struct server s = { 0 };
	struct buf in;
	int r;

	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		(void)puts("certlogin-p11 " PACKAGE_VERSION);
		return 0;
	}
	if (helper_begin("certlogin-p11") != 0) {
		(void)fputs("certlogin-p11: a part of certlogin, not to be "
		    "started by hand\n", stderr);
		return 2;
	}
	/* a driver that hangs must not outlive who waits for it */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return 3;
	buf_init_secret(&in, CHAN_MSG_MAX);
	buf_init(&s.out, CHAN_MSG_MAX);
	while ((r = serve(&s, &in)) == 0)
		continue;
	driver_free(s.driver);
	buf_free(&in);
	buf_free(&s.out);
	return r == ERR_EOF ? 0 : 3;
}
