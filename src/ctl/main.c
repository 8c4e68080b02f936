/*
 * certloginctl: looks at and steers a running certlogind over its local
 * socket; fetches CRLs where none runs as well.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
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

/* getopt_long's values; from OPT_FIRST on, a command says which it takes. */
enum { OPT_HELP = 256, OPT_VERSION, OPT_RUN_DIR, OPT_FIRST,
    OPT_JSON = OPT_FIRST, OPT_IDENTITY, OPT_ACCOUNT, OPT_MESSAGE, OPT_METRICS,
    OPT_CERT, OPT_UNTIL, OPT_TRUST, OPT_STATE_DIR, OPT_TIME_LIMIT };
#define TAKES(opt) (1u << ((opt) - OPT_FIRST))

static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "identity", required_argument, NULL, OPT_IDENTITY },
	{ "account", required_argument, NULL, OPT_ACCOUNT },
	{ "message", required_argument, NULL, OPT_MESSAGE },
	{ "metrics", no_argument, NULL, OPT_METRICS },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "until", required_argument, NULL, OPT_UNTIL },
	{ "trust", required_argument, NULL, OPT_TRUST },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "time-limit", required_argument, NULL, OPT_TIME_LIMIT },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	const char *argument;		/* what it is, or NULL: none */
	int least, most;		/* how many */
	unsigned takes;			/* options of its own */
	int (*run)(const struct options *);
} commands[] = {
	{ "status", NULL, 0, 0, TAKES(OPT_JSON) | TAKES(OPT_METRICS),
	    ask_status },
	{ "sessions", NULL, 0, 0, TAKES(OPT_JSON) | TAKES(OPT_IDENTITY) |
	    TAKES(OPT_ACCOUNT), ask_sessions },
	{ "why", "the NUMBER of a refusal", 1, 1, TAKES(OPT_JSON),
	    ask_why },
	{ "end", "the NUMBER of a session", 0, 1, TAKES(OPT_JSON) |
	    TAKES(OPT_IDENTITY) | TAKES(OPT_ACCOUNT) | TAKES(OPT_MESSAGE),
	    ask_end },
	{ "lock", "AUTHORITY MATCHER=VALUE, or --cert FILE", 0, 2,
	    TAKES(OPT_CERT) | TAKES(OPT_UNTIL) | TAKES(OPT_TRUST) |
	    TAKES(OPT_STATE_DIR), lock_run },
	{ "unlock", "AUTHORITY MATCHER=VALUE, or --cert FILE", 0, 2,
	    TAKES(OPT_CERT) | TAKES(OPT_TRUST) | TAKES(OPT_STATE_DIR),
	    unlock_run },
	{ "locks", NULL, 0, 0, TAKES(OPT_JSON) | TAKES(OPT_STATE_DIR),
	    locks_run },
	{ "reload", NULL, 0, 0, TAKES(OPT_JSON), ask_reload },
	{ "check-restart", NULL, 0, 0, 0, ask_restart },
	{ "crl-accept", "an AUTHORITY", 1, 1, TAKES(OPT_TRUST) |
	    TAKES(OPT_STATE_DIR), accept_run },
	{ "fetch-crls", "AUTHORITIES", 0, INT_MAX, TAKES(OPT_JSON) |
	    TAKES(OPT_TRUST) | TAKES(OPT_STATE_DIR) | TAKES(OPT_TIME_LIMIT),
	    fetch_run },
};

static int
take_seconds(struct options *o)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(optarg, &end, 10);
	if (errno != 0 || optarg[0] < '0' || optarg[0] > '9' ||
	    *end != '\0' || v < 1 || v > CRLMSG_SECONDS_MAX)
		return say_error(EXIT_USAGE, "--time-limit %s: expected "
		    "seconds, from 1 to %d", optarg, CRLMSG_SECONDS_MAX);
	o->seconds = (unsigned)v;
	return EXIT_DONE;
}

static int
take_option(struct options *o, int opt)
{
	switch (opt) {
	case 'f':
		o->conf = optarg;
		break;
	case OPT_RUN_DIR:
		o->run_dir = optarg;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_IDENTITY:
		o->identity = optarg;
		break;
	case OPT_ACCOUNT:
		o->account = optarg;
		break;
	case OPT_MESSAGE:
		o->message = optarg;
		break;
	case OPT_METRICS:
		o->metrics = true;
		break;
	case OPT_CERT:
		o->cert = optarg;
		break;
	case OPT_UNTIL:
		o->until = optarg;
		break;
	case OPT_TRUST:
		o->trust = optarg;
		break;
	case OPT_STATE_DIR:
		o->state_dir = optarg;
		break;
	case OPT_TIME_LIMIT:
		return take_seconds(o);
	}
	return EXIT_DONE;
}

/* -1 to go on, else an exit status. */
static int
parse_options(struct options *o, int argc, char **argv, unsigned *used)
{
	int opt, r;

	while ((opt = getopt_long(argc, argv, "f:", long_options,
	    NULL)) != -1) {
		if (opt == OPT_HELP) {
			usage(stdout);
			return EXIT_DONE;
		}
		if (opt == OPT_VERSION) {
			(void)puts("certloginctl " PACKAGE_VERSION);
			return EXIT_DONE;
		}
		if (opt != 'f' && opt < OPT_RUN_DIR) {
			usage(stderr);
			return EXIT_USAGE;
		}
		if ((r = take_option(o, opt)) != EXIT_DONE)
			return r;
		if (opt >= OPT_FIRST)
			*used |= TAKES(opt);
	}
	return -1;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

/* Do options and argument fit the command? */
static int
check_use(const struct command *c, unsigned used, int n_args)
{
	for (const struct option *l = long_options; l->name != NULL; l++)
		if (l->val >= OPT_FIRST && (used & TAKES(l->val)) != 0 &&
		    (c->takes & TAKES(l->val)) == 0)
			return say_error(EXIT_USAGE, "%s does not take --%s; "
			    "see --help for usage", c->name, l->name);
	if (n_args < c->least || n_args > c->most)
		return say_error(EXIT_USAGE, "%s: expected %s; see --help "
		    "for usage", c->name, c->argument != NULL ? c->argument :
		    "no argument");
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	struct options o = { .conf = RUNDIR_DEFAULT_CONF,
	    .seconds = FETCH_SECONDS };
	const struct command *c;
	unsigned used = 0;
	int rc = parse_options(&o, argc, argv, &used);

	if (rc >= 0)
		return rc;
	if (optind == argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if ((c = find_command(argv[optind])) == NULL)
		return say_error(EXIT_USAGE, "no command '%s'; see --help "
		    "for usage", argv[optind]);
	if ((rc = check_use(c, used, argc - optind - 1)) != EXIT_DONE)
		return rc;
	o.argument = argv[optind + 1];
	o.second = o.argument != NULL ? argv[optind + 2] : NULL;
	o.arguments = argv + optind + 1;
	o.n_arguments = (size_t)(argc - optind - 1);
	rc = c->run(&o);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return say_error(EXIT_COULD_NOT, "output: %s",
		    strerror(errno));
	return rc;
}
