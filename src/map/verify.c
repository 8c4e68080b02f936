/* certlogin-map verify: the trust checks alone. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map/ask.h"
#include "map/report.h"
#include "map/say.h"

static void
print(const struct ipc_tested *t)
{
	char until[SAY_TIME_MAX];

	if (t->accepted)
		(void)printf("accepted by authority %s, until %s\n",
		    t->authority, say_time(until, t->expires));
	else
		(void)printf("refused: %s\n  check      %s (%s)\n"
		    "  detail     %s\n", t->reason,
		    t->check[t->failed].name, t->check[t->failed].section,
		    t->detail);
	if (t->accepted && t->detail[0] != '\0')
		(void)printf("  note       %s\n", t->detail);
	report_certificate(t);
	report_points(t);
	report_checks(t);
}

static void
print_json(const struct ipc_tested *t)
{
	const struct ipc_check *c = &t->check[t->failed];

	(void)putchar('{');
	report_json(t);
	if (!t->accepted) {
		(void)putchar(',');
		report_json_refusal(c->name, c->section, t->reason,
		    t->detail);
	}
	(void)puts("}");
}

static void
warn_of_skip(const struct options *o)
{
	if (o->skip != NULL)
		(void)say_error(0, "WARNING: skipping %s; this is for looking "
		    "into foreign certificates and says nothing about a "
		    "login, where no check can be skipped", o->skip);
}

int
verify_run(const struct options *o)
{
	struct ipc_test ask = { .verify_only = true, .server = o->server };
	struct ipc_tested *t = calloc(1, sizeof(*t));
	int rc = EXIT_USAGE;

	if (t == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	(void)snprintf(ask.skip, sizeof(ask.skip), "%s",
	    o->skip != NULL ? o->skip : "");
	(void)snprintf(ask.host, sizeof(ask.host), "%s",
	    o->host != NULL ? o->host : "");
	if (say_parse_time(o->at, &ask.now) != 0)
		(void)say_error(rc, "--at %s: expected a time like "
		    "2026-11-24T00:00:00Z or @1795478400", o->at);
	else {
		warn_of_skip(o);
		rc = ask_test(o, NULL, &ask, t);
	}
	if (rc == EXIT_DONE) {
		rc = t->accepted ? EXIT_DONE : EXIT_PROBLEM;
		if (o->json)
			print_json(t);
		else
			print(t);
	}
	free(t);
	return rc;
}
