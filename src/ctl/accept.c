/*
 * crl-accept: an authority's CRLs count as they are now, though later ones were
 * seen before: its CA was restored from a backup.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/host.h"
#include "ctl/print.h"
#include "ctl/say.h"
#include "proto/audit.h"
#include "proto/seen.h"

static const struct ipc_authority *
find(const struct ipc_load_done *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->authority[i].name, name) == 0)
			return &l->authority[i];
	return NULL;
}

/* Forgetting helps nobody before the CRL that is to count is there: the one
 * in place would be seen again. */
static int
check_crl(const struct ipc_authority *a)
{
	if (a->crl_problem[0] == '\0')
		return EXIT_DONE;
	if (a->next_update != 0) {
		(void)say_error(EXIT_DONE, "an anchor of authority %s has no "
		    "usable CRL: %s", a->name, a->crl_problem);
		return EXIT_DONE;
	}
	return say_error(EXIT_PROBLEM, "authority %s has no usable CRL: %s; "
	    "put the CA's new one in its place first", a->name,
	    a->crl_problem);
}

static int
have_it_loaded(const struct host *h, const char *authority)
{
	struct ask_loaded loaded = { .authority = authority };
	int rc = ask_policy_at(h->run_dir, &loaded);

	if (rc == ASK_NOBODY) {
		(void)puts("no certlogind runs here");
		return EXIT_DONE;
	}
	if (loaded.note[0] != '\0' && rc == EXIT_DONE)
		(void)say_error(rc, "note: %s", loaded.note);
	if (rc == EXIT_DONE && loaded.carried)
		rc = EXIT_PROBLEM;
	if (rc != EXIT_DONE)
		return say_error(rc, "it is forgotten, but a certlogind runs "
		    "that did not take the CRLs");
	(void)puts("certlogind has taken its CRLs as they are now");
	return EXIT_DONE;
}

static int
forget(const struct host *h, const struct ipc_authority *a)
{
	char when[PRINT_TIME_MAX];
	struct why why;
	int n = seen_forget(h->state, a->key, a->n_keys, &why);

	if (n < 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if (n == 0) {
		(void)printf("nothing was seen of authority %s\n", a->name);
		return EXIT_DONE;
	}
	audit("certloginctl", "crl-accept authority=%s in %s", a->name,
	    h->state);
	(void)printf("forgot what was seen of authority %s", a->name);
	if (a->has_crl)
		(void)printf("; its CRL is of %s",
		    print_time(when, a->crl.this_update));
	(void)putchar('\n');
	return have_it_loaded(h, a->name);
}

int
accept_run(const struct options *o)
{
	struct load_result *loaded = calloc(1, sizeof(*loaded));
	const struct ipc_authority *a;
	struct host h;
	int rc;

	if (loaded == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	loaded->policy = -1;
	if ((rc = host_need_root("crl-accept")) == EXIT_DONE &&
	    (rc = host_find(&h, o)) == EXIT_DONE &&
	    (rc = host_load_trust(&h, loaded)) == EXIT_DONE) {
		if ((a = find(&loaded->done, o->argument)) == NULL)
			rc = say_error(EXIT_PROBLEM, "'%s' is no authority of "
			    "%s", o->argument, h.trust);
		else if ((rc = check_crl(a)) == EXIT_DONE)
			rc = forget(&h, a);
	}
	if (loaded->policy >= 0)
		(void)close(loaded->policy);
	free(loaded);
	return rc;
}
