#include "map/report.h"

#include <stdio.h>

#include "base/json.h"
#include "map/say.h"
#include "x509/trust_url.h"

static const char *const results[] = {
	[IPC_CHECK_NOT_RUN] = "not run",
	[IPC_CHECK_PASSED] = "passed",
	[IPC_CHECK_SKIPPED] = "SKIPPED",
	[IPC_CHECK_FAILED] = "FAILED",
};

void
report_certificate(const struct ipc_tested *t)
{
	char from[SAY_TIME_MAX], to[SAY_TIME_MAX];

	if (t->serial[0] == '\0')
		return;
	(void)printf("  authority  %s\n  subject    %s\n  issuer     %s\n"
	    "  serial     %s\n  valid      %s to %s\n", t->authority,
	    t->subject, t->issuer, t->serial, say_time(from, t->not_before),
	    say_time(to, t->not_after));
	for (size_t i = 0; i < t->n_names; i++)
		(void)printf("  name       %s\n", t->name[i]);
}

/* A URL that crl-url of trust.conf(5) takes is shown as such. */
void
report_points(const struct ipc_tested *t)
{
	struct why why;
	size_t at;

	for (size_t i = 0; i < t->n_points; i++)
		(void)printf("  %s    %s\n",
		    trust_url_is_path(t->point[i]) ||
		    trust_url_check(t->point[i], &at, &why) != 0 ?
		    "its CRL" : "crl-url", t->point[i]);
	if (t->points_problem[0] != '\0')
		(void)printf("  its CRL    (%s)\n", t->points_problem);
}

void
report_checks(const struct ipc_tested *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct ipc_check *c = &t->check[i];

		(void)printf("  %-8s %-11s %-24s %s\n", results[c->result],
		    c->name, c->section, c->text);
	}
}

static void
json_certificate(const struct ipc_tested *t)
{
	char when[SAY_TIME_MAX];

	(void)fputs("\"certificate\":{", stdout);
	say_member("authority", t->authority);
	(void)putchar(',');
	say_member("subject", t->subject);
	(void)putchar(',');
	say_member("issuer", t->issuer);
	(void)putchar(',');
	say_member("serial", t->serial);
	(void)putchar(',');
	say_member("not_before", say_time(when, t->not_before));
	(void)putchar(',');
	say_member("not_after", say_time(when, t->not_after));
	(void)fputs(",\"names\":[", stdout);
	for (size_t i = 0; i < t->n_names; i++) {
		(void)fputs(i == 0 ? "" : ",", stdout);
		json_string(t->name[i]);
	}
	(void)fputs("],\"crl_points\":[", stdout);
	for (size_t i = 0; i < t->n_points; i++) {
		(void)fputs(i == 0 ? "" : ",", stdout);
		json_string(t->point[i]);
	}
	(void)fputs("],", stdout);
	say_member("crl_points_problem", t->points_problem);
	(void)fputs("},", stdout);
}

void
report_json(const struct ipc_tested *t)
{
	if (t->serial[0] != '\0')
		json_certificate(t);
	(void)fputs("\"checks\":[", stdout);
	for (size_t i = 0; i < t->n; i++) {
		const struct ipc_check *c = &t->check[i];

		(void)fputs(i == 0 ? "{" : ",\n{", stdout);
		say_member("name", c->name);
		(void)putchar(',');
		say_member("section", c->section);
		(void)putchar(',');
		say_member("result", results[c->result]);
		(void)putchar(',');
		say_member("text", c->text);
		(void)putchar('}');
	}
	(void)printf("],\"accepted\":%s", t->accepted ? "true" : "false");
	if (t->accepted && t->detail[0] != '\0') {
		(void)putchar(',');
		say_member("note", t->detail);
	}
}

void
report_json_refusal(const char *check, const char *section,
    const char *reason, const char *detail)
{
	say_member("check", check);
	(void)putchar(',');
	say_member("section", section);
	(void)putchar(',');
	say_member("reason", reason);
	(void)putchar(',');
	say_member("detail", detail);
}
