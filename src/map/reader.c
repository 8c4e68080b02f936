#include "map/reader.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "map/say.h"

#define ARGS_MAX 2

int
reader_configure(struct reader *r, const struct options *o, struct why *why)
{
	char conf[PATH_MAX + 8], module[PATH_MAX + 8];
	const char *args[ARGS_MAX];
	struct diag d;
	int n = 0, e;

	if (o->conf != NULL) {
		(void)snprintf(conf, sizeof(conf), "conf=%s", o->conf);
		args[n++] = conf;
	}
	if (o->module != NULL) {
		(void)snprintf(module, sizeof(module), "module=%s",
		    o->module);
		args[n++] = module;
	}
	diag_init(&d);
	e = doorconf_load(&r->conf, n, args, &d);
	say_findings(stderr, &d);
	diag_free(&d);
	return e == 0 ? 0 : why_set(why, e, "the PAM module is not set up");
}

static int
start(struct reader *r, struct why *why)
{
	const char *const argv[] = { "certlogin-p11", r->conf.p11_user, NULL };
	int e, fd;

	if ((e = child_start(&r->child, argv, why)) != 0)
		return e;
	fd = r->child.fd;
	r->child.fd = -1;
	return p11_adopt(&r->p11, "certlogin-p11", fd,
	    (int)r->conf.timeout * 1000, why);
}

static void
stop(struct reader *r)
{
	p11_stop(r->p11);
	r->p11 = NULL;
	child_end(&r->child);
}

/* A process of its own: one that found us not local loads no driver. */
int
reader_local(struct reader *r, struct why *why)
{
	int e = start(r, why);

	if (e == 0)
		e = p11_local(r->p11, (uint32_t)getuid(), why);
	stop(r);
	return e;
}

int
reader_list(struct reader *r, struct why *why)
{
	const struct p11_conf conf = { .module = r->conf.module,
	    .env = (const char *const *)r->conf.env, .n_env = r->conf.n_env };
	int e;

	if (r->conf.module == NULL)
		return why_set(why, ERR_NOTFOUND, "no module=; expected one "
		    "in pam_certlogin.conf(5), or --module");
	if ((e = start(r, why)) != 0 ||
	    (e = p11_load(r->p11, &conf, why)) != 0)
		return e;
	return p11_list(r->p11, r->conf.uri, &r->cert, &r->n, why);
}

void
reader_close(struct reader *r)
{
	stop(r);
	free(r->cert);
	doorconf_free(&r->conf);
	*r = (struct reader)READER_NONE;
}
