/* certlogin-map test: what would become of a login with this certificate. */
#include <arpa/inet.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "idmap/decide.h"
#include "map/ask.h"
#include "map/context.h"
#include "map/report.h"
#include "map/say.h"
#include "map/token.h"
#include "map/uid.h"

/* The verdict: checks, map and uid rule together. */
struct verdict {
	struct ipc_tested t;
	bool allowed;
	char check[64];			/* refused: what failed first */
	char section[80];
	char reason[IPC_TEXT_MAX];
	char detail[IPC_TEXT_MAX];
	char file[PATH_MAX];		/* where the rule is: map or locks */
	char rule[MAP_LINE_MAX + 1];	/* text of the rule's line, or "" */
};

static void
refuse(struct verdict *v, const char *check, const char *section,
    const char *reason, const char *detail)
{
	v->allowed = false;
	(void)snprintf(v->check, sizeof(v->check), "%s", check);
	(void)snprintf(v->section, sizeof(v->section), "%s", section);
	(void)snprintf(v->reason, sizeof(v->reason), "%s", reason);
	(void)snprintf(v->detail, sizeof(v->detail), "%s", detail);
}

/* As the session will: known under exactly this name, within the limits. */
static int
check_uid(const struct options *o, const struct ipc_tested *t,
    struct why *why)
{
	const struct passwd *pw = getpwnam(t->account);

	if (pw == NULL || strcmp(pw->pw_name, t->account) != 0)
		return why_set(why, ERR_NOTFOUND, "account %s is not known "
		    "on this host", t->account);
	return uid_check(o->privileged, pw->pw_name, pw->pw_uid, t->captured,
	    why);
}

static void
conclude(const struct options *o, struct verdict *v)
{
	const struct ipc_tested *t = &v->t;
	struct why why;
	char check[64];

	v->allowed = false;
	if (!t->accepted)
		refuse(v, t->check[t->failed].name,
		    t->check[t->failed].section, t->reason, t->detail);
	else if (!t->allowed) {
		(void)snprintf(check, sizeof(check), "map: %s", t->why);
		refuse(v, check, "identity.map(5)", t->advice, t->text);
	} else if (check_uid(o, t, &why) != 0)
		refuse(v, "uid rule", "privileged-accounts in "
		    "certlogind.conf(5)", "the account cannot be reached",
		    why.text);
	else
		v->allowed = true;
}

/* The deciding line is of the map or of the locks. */
static void
find_rule(const struct options *o, struct verdict *v)
{
	struct buf text;
	struct why why;
	struct span s;

	if (v->t.rule_line == 0)
		return;
	(void)snprintf(v->file, sizeof(v->file), "%s", o->map);
	if (strcmp(v->t.why, decide_reason_name(DECIDE_LOCKED)) == 0 &&
	    load_locks_path(o->state, v->file, sizeof(v->file), &why) != 0)
		return;
	buf_init(&text, MAP_FILE_MAX + 1);
	if (path_load(v->file, 0, MAP_FILE_MAX, &text, &why) == 0) {
		s = context_line((struct span){ text.data, text.len },
		    v->t.rule_line);
		(void)snprintf(v->rule, sizeof(v->rule), "%.*s", (int)s.n,
		    (const char *)s.p);
	}
	buf_free(&text);
}

/* ---- printing --------------------------------------------------------------------- */

static int64_t
ends(const struct ipc_tested *t)
{
	return t->until != 0 && t->until < t->expires ? t->until : t->expires;
}

static void
print(const struct verdict *v)
{
	const struct ipc_tested *t = &v->t;
	char until[SAY_TIME_MAX];

	if (v->allowed) {
		(void)printf("allowed: account %s%s\n  identity   %s\n"
		    "  until      %s\n", t->account, t->captured ?
		    " (from the certificate's name)" : "", t->identity,
		    say_time(until, ends(t)));
		if (t->restrictions != 0)
			(void)printf("  limits    %s%s%s\n",
			    (t->restrictions & IPC_NO_PTY) != 0 ?
			    " no-pty" : "",
			    (t->restrictions & IPC_NO_FORWARDING) != 0 ?
			    " no-forwarding" : "", t->command[0] != '\0' ?
			    " command" : "");
	} else
		(void)printf("refused: %s\n  check      %s (%s)\n"
		    "  detail     %s\n", v->reason, v->check, v->section,
		    v->detail);
	if (t->accepted && t->detail[0] != '\0')
		(void)printf("  note       %s\n", t->detail);
	if (t->rule_line != 0)
		(void)printf("  rule       %s:%u: %s\n", v->file,
		    t->rule_line, v->rule);
	report_certificate(t);
}

static void
print_json(const struct verdict *v, const char *before)
{
	const struct ipc_tested *t = &v->t;
	char until[SAY_TIME_MAX];

	(void)printf("%s{\"allowed\":%s,\"rule_line\":%u,", before,
	    v->allowed ? "true" : "false", t->rule_line);
	say_member("rule", v->rule);
	(void)putchar(',');
	say_member("rule_file", v->file);
	(void)putchar(',');
	if (v->allowed) {
		say_member("account", t->account);
		(void)printf(",\"captured\":%s,",
		    t->captured ? "true" : "false");
		say_member("identity", t->identity);
		(void)putchar(',');
		say_member("until", say_time(until, ends(t)));
		(void)printf(",\"pty\":%s,\"forwarding\":%s,",
		    (t->restrictions & IPC_NO_PTY) != 0 ? "false" : "true",
		    (t->restrictions & IPC_NO_FORWARDING) != 0 ? "false" :
		    "true");
		say_member("command", t->command);
	} else
		report_json_refusal(v->check, v->section, v->reason,
		    v->detail);
	(void)putchar(',');
	report_json(t);
	(void)puts("}");
}

/* ---- the question ------------------------------------------------------------------- */

static int
make_ask(const struct options *o, struct ipc_test *ask, uint8_t address[16])
{
	const char *service = o->service != NULL ? o->service :
	    DECIDE_NETWORK_SERVICE;

	*ask = (struct ipc_test){ .verify_only = false };
	(void)snprintf(ask->service, sizeof(ask->service), "%s", service);
	(void)snprintf(ask->account, sizeof(ask->account), "%s",
	    o->account != NULL ? o->account : "");
	if (say_parse_time(o->at, &ask->now) != 0)
		return say_error(EXIT_USAGE, "--at %s: expected a time like "
		    "2026-11-24T00:00:00Z or @1795478400", o->at);
	if (o->from == NULL)
		return EXIT_DONE;
	if (strcmp(service, DECIDE_NETWORK_SERVICE) != 0)
		return say_error(EXIT_USAGE, "--from: only a login over the "
		    "network has an address, not --service %s", service);
	if (inet_pton(AF_INET, o->from, address) == 1)
		ask->address = (struct span){ address, 4 };
	else if (inet_pton(AF_INET6, o->from, address) == 1)
		ask->address = (struct span){ address, 16 };
	else
		return say_error(EXIT_USAGE, "--from %s: expected an IPv4 or "
		    "IPv6 address", o->from);
	return EXIT_DONE;
}

int
test_run(const struct options *o)
{
	return o->token ? token_run(o) : test_certificate(o, "");
}

int
test_certificate(const struct options *o, const char *before)
{
	struct verdict *v = calloc(1, sizeof(*v));
	uint8_t address[16];
	struct ipc_test ask;
	int rc;

	if (v == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	if ((rc = make_ask(o, &ask, address)) == EXIT_DONE &&
	    (rc = ask_test(o, o->map, &ask, &v->t)) == EXIT_DONE) {
		conclude(o, v);
		find_rule(o, v);
		if (o->json)
			print_json(v, before);
		else
			print(v);
		rc = v->allowed ? EXIT_DONE : EXIT_PROBLEM;
	}
	free(v);
	return rc;
}
