#include "ctl/host.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "ctl/say.h"
#include "proto/conf.h"
#include "proto/judgecall.h"
#include "proto/rundir.h"

static void
take(char *dst, size_t size, const char *option, const char *conf)
{
	(void)snprintf(dst, size, "%s", option != NULL ? option : conf);
}

static int
say_problems(const struct diag *d, const char *path)
{
	char line[1024];

	for (size_t i = 0; i < d->n; i++)
		(void)fprintf(stderr, "%s\n", diag_format(&d->items[i], line,
		    sizeof(line)));
	return say_error(EXIT_COULD_NOT, "%s cannot be used", path);
}

static int
check_absolute(const char *option, const char *value)
{
	return value == NULL || (value[0] == '/' &&
	    strlen(value) < PATH_MAX) ? EXIT_DONE : say_error(EXIT_USAGE,
	    "%s %s: expected an absolute path", option, value);
}

int
host_find(struct host *h, const struct options *o)
{
	bool there = access(o->conf, F_OK) == 0;
	struct conf c = { .trust = NULL };
	char run[256] = RUN_DIR;
	struct diag d;
	int rc = EXIT_DONE;

	if ((rc = check_absolute("--trust", o->trust)) != EXIT_DONE ||
	    (rc = check_absolute("--state-dir", o->state_dir)) != EXIT_DONE)
		return rc;
	diag_init(&d);
	(void)rundir_default(o->conf, run, sizeof(run));
	if (!there && strcmp(o->conf, RUNDIR_DEFAULT_CONF) != 0)
		rc = say_error(EXIT_COULD_NOT, "%s is not there", o->conf);
	else if (there && conf_load(&c, o->conf, NULL, 0, &d) != 0)
		rc = say_problems(&d, o->conf);
	else {
		take(h->trust, sizeof(h->trust), o->trust, there ? c.trust :
		    SYSCONF_DIR "/trust.conf");
		take(h->state, sizeof(h->state), o->state_dir, there ?
		    c.state_dir : STATE_DIR);
		take(h->run_dir, sizeof(h->run_dir), o->run_dir, there ?
		    c.run_dir : run);
	}
	conf_free(&c);
	diag_free(&d);
	return rc;
}

int
host_load_trust(const struct host *h, struct load_result *out)
{
	const struct load_from from = { .trust = h->trust };
	struct diag d;
	struct why why;
	int rc = EXIT_DONE;

	diag_init(&d);
	if (judgecall_load(&from, out, &d, &why) != 0)
		rc = say_error(EXIT_COULD_NOT, "%s", why.text);
	else if (!out->done.ok) {
		say_errors(&d);
		rc = say_error(EXIT_COULD_NOT, "%s has errors", h->trust);
	}
	diag_free(&d);
	return rc;
}

int
host_need_root(const char *what)
{
	return geteuid() == 0 ? EXIT_DONE : say_error(EXIT_COULD_NOT,
	    "%s needs uid 0", what);
}
