/*
 * certloginctl: looks at and steers a running certlogind over its local
 * socket; fetches CRLs where none runs as well.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/say.h"
#include "proto/crlmsg.h"
#include "proto/rundir.h"

#define FETCH_SECONDS 120	/* one CRL may take */

static void
usage(FILE *f)
{
	(void)fputs("usage: certloginctl [-f CONF] [--run-dir DIR] [--json] "
	    "COMMAND\n"
	    "  status [--metrics]\n"
	    "               what is loaded, when it expires, what is wrong;\n"
	    "               or numbers in Prometheus' text format\n"
	    "  sessions [--identity X] [--account A]\n"
	    "               who is logged in\n"
	    "  why NUMBER   why a login was refused (the number is in the "
	    "person's message)\n"
	    "  end NUMBER | --identity X | --account A [--message TEXT]\n"
	    "               end live sessions; the people are shown TEXT\n"
	    "  lock AUTHORITY MATCHER=VALUE | --cert F [--until YYYY-MM-DD]\n"
	    "               keep somebody out of every door of this host\n"
	    "  unlock AUTHORITY MATCHER=VALUE | --cert F\n"
	    "  locks        who is locked\n"
	    "  reload       load configuration, trust, map and host key "
	    "afresh\n"
	    "  check-restart\n"
	    "               would certlogind lose live sessions by a restart, "
	    "after an\n"
	    "               upgrade?\n"
	    "  crl-accept AUTHORITY\n"
	    "               take its CRLs though later ones were seen before\n"
	    "  fetch-crls [AUTHORITY...]\n"
	    "               get CRLs from each crl-url of trust.conf, without "
	    "certlogind\n"
	    "      [--time-limit SECONDS]\n"
	    "  -f CONF      the configuration certlogind was started with\n"
	    "  --run-dir D  its run-dir, where CONF names one\n"
	    "  --trust F, --state-dir D\n"
	    "               for lock, unlock, locks, crl-accept and "
	    "fetch-crls:\n"
	    "               instead of CONF's\n"
	    "  --json       print JSON\n"
	    "  --help, --version\n", f);
}

enum { STATUS, SESSIONS, WHY, END, LOCK, UNLOCK, LOCKS, RELOAD, CHECK_RESTART,
    CRL_ACCEPT, FETCH_CRLS };

static const struct cmdline_command commands[] = {
	[STATUS] = { "status", NULL, 0, 0 },
	[SESSIONS] = { "sessions", NULL, 0, 0 },
	[WHY] = { "why", "the NUMBER of a refusal", 1, 1 },
	[END] = { "end", "the NUMBER of a session", 0, 1 },
	[LOCK] = { "lock", "AUTHORITY MATCHER=VALUE, or --cert FILE", 0, 2 },
	[UNLOCK] = { "unlock", "AUTHORITY MATCHER=VALUE, or --cert FILE", 0,
	    2 },
	[LOCKS] = { "locks", NULL, 0, 0 },
	[RELOAD] = { "reload", NULL, 0, 0 },
	[CHECK_RESTART] = { "check-restart", NULL, 0, 0 },
	[CRL_ACCEPT] = { "crl-accept", "an AUTHORITY", 1, 1 },
	[FETCH_CRLS] = { "fetch-crls", "AUTHORITIES", 0, SIZE_MAX },
};

static int (*const runs[])(const struct options *o) = {
	[STATUS] = ask_status, [SESSIONS] = ask_sessions, [WHY] = ask_why,
	[END] = ask_end, [LOCK] = lock_run, [UNLOCK] = unlock_run,
	[LOCKS] = locks_run, [RELOAD] = ask_reload,
	[CHECK_RESTART] = ask_restart, [CRL_ACCEPT] = accept_run,
	[FETCH_CRLS] = fetch_run,
};

#define TO(member) CMDLINE_TO(struct options, member)
#define ON(command) CMDLINE_ON(command)
#define ON_LOCKING (ON(LOCK) | ON(UNLOCK))
#define ON_TRUST (ON_LOCKING | ON(CRL_ACCEPT) | ON(FETCH_CRLS))
static const struct cmdline_option rows[] = {
	{ "f", TO(conf), .on = CMDLINE_ON_ALL },
	{ "run-dir", TO(run_dir), .on = CMDLINE_ON_ALL },
	{ "json", TO(json), .on = ON(STATUS) | ON(SESSIONS) | ON(WHY) |
	    ON(END) | ON(LOCKS) | ON(RELOAD) | ON(FETCH_CRLS) },
	{ "identity", TO(identity), .on = ON(SESSIONS) | ON(END) },
	{ "account", TO(account), .on = ON(SESSIONS) | ON(END) },
	{ "message", TO(message), .on = ON(END) },
	{ "metrics", TO(metrics), .on = ON(STATUS) },
	{ "cert", TO(cert), .on = ON_LOCKING },
	{ "until", TO(until), .on = ON(LOCK) },
	{ "trust", TO(trust), .on = ON_TRUST },
	{ "state-dir", TO(state_dir), .on = ON_TRUST | ON(LOCKS) },
	{ "time-limit", TO(seconds), .on = ON(FETCH_CRLS), .least = 1,
	    .most = CRLMSG_SECONDS_MAX },
};

static const struct cmdline line = {
	.program = "certloginctl", .usage = usage,
	.options = rows, .n_options = sizeof(rows) / sizeof(rows[0]),
	.commands = commands,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
};

int
main(int argc, char **argv)
{
	struct options o = { .conf = RUNDIR_DEFAULT_CONF,
	    .seconds = FETCH_SECONDS };
	struct cmdline_words w;
	int rc = cmdline_take(&line, &o, argc, argv, &w);

	if (rc >= 0)
		return rc;
	o.argument = w.word[0];
	o.second = w.n > 0 ? w.word[1] : NULL;
	o.arguments = w.word;
	o.n_arguments = w.n;
	return cmdline_end(&line, runs[w.command](&o));
}
