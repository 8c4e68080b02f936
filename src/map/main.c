/*
 * certlogin-map: administers the identity map.  It reads text; whatever holds
 * certificates is read by certlogin-judge, a child without privilege.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "map/options.h"
#include "map/say.h"

static void
usage(FILE *f)
{
	(void)fputs("usage: certlogin-map [--map F] [--trust F] COMMAND\n"
	    "  add 'RULE'          put a rule at the end of the map\n"
	    "  remove 'RULE'       take a rule out; or --line N --expect "
	    "'RULE'\n"
	    "  list                show the rules with their lines\n"
	    "  test --cert F       would this certificate get in, and why "
	    "not?\n"
	    "      [--account A] [--from IP] [--at TIME] [--service S]\n"
	    "      [--privileged A,...]\n"
	    "  test --token        the same for the cards in the readers, as "
	    "the PAM module\n"
	    "      has it; [--module M] [--conf F] [--pin-file F] "
	    "[--account A]\n"
	    "      [--service S]\n"
	    "  verify --cert F     the checks of the certificate alone\n"
	    "      [--at TIME] [--server [--host NAME]] [--skip CHECK,...]\n"
	    "  check [--strict]    find errors and doubtful rules\n"
	    "  --map F             default " SYSCONF_DIR "/identity.map\n"
	    "  --trust F           default " SYSCONF_DIR "/trust.conf\n"
	    "  --state-dir D       where locks.map is; default " STATE_DIR
	    "\n"
	    "  --json              print data as JSON\n"
	    "  --help, --version\n"
	    "TIME is like 2026-11-24T00:00:00Z or @1795478400.\n", f);
}

/* Which options a command takes, and how many arguments. */
enum {
	ON_REMOVE = 1, ON_TEST = 2, ON_VERIFY = 4, ON_CHECK = 8, ON_LIST = 16,
	ON_ADD = 32, ON_ALL = 63,
};

static const struct command {
	const char *name;
	unsigned bit;
	bool rule, cert;		/* needs a rule, --cert */
	int (*run)(const struct options *o);
} commands[] = {
	{ "add", ON_ADD, true, false, add_run },
	{ "remove", ON_REMOVE, true, false, remove_run },
	{ "list", ON_LIST, false, false, list_run },
	{ "test", ON_TEST, false, true, test_run },
	{ "verify", ON_VERIFY, false, true, verify_run },
	{ "check", ON_CHECK, false, false, check_run },
};

enum { OPT_MAP = 256, OPT_TRUST, OPT_JSON, OPT_LINE, OPT_EXPECT, OPT_CERT,
    OPT_ACCOUNT, OPT_FROM, OPT_SERVICE, OPT_PRIVILEGED, OPT_AT, OPT_SKIP,
    OPT_HOST, OPT_SERVER, OPT_STRICT, OPT_TOKEN, OPT_MODULE, OPT_CONF,
    OPT_PIN_FILE, OPT_STATE_DIR, OPT_HELP, OPT_VERSION };

static const struct option long_options[] = {
	{ "map", required_argument, NULL, OPT_MAP },
	{ "trust", required_argument, NULL, OPT_TRUST },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "line", required_argument, NULL, OPT_LINE },
	{ "expect", required_argument, NULL, OPT_EXPECT },
	{ "cert", required_argument, NULL, OPT_CERT },
	{ "account", required_argument, NULL, OPT_ACCOUNT },
	{ "from", required_argument, NULL, OPT_FROM },
	{ "service", required_argument, NULL, OPT_SERVICE },
	{ "privileged", required_argument, NULL, OPT_PRIVILEGED },
	{ "at", required_argument, NULL, OPT_AT },
	{ "skip", required_argument, NULL, OPT_SKIP },
	{ "host", required_argument, NULL, OPT_HOST },
	{ "server", no_argument, NULL, OPT_SERVER },
	{ "strict", no_argument, NULL, OPT_STRICT },
	{ "token", no_argument, NULL, OPT_TOKEN },
	{ "module", required_argument, NULL, OPT_MODULE },
	{ "conf", required_argument, NULL, OPT_CONF },
	{ "pin-file", required_argument, NULL, OPT_PIN_FILE },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const unsigned allowed_on[] = {
	[OPT_MAP - OPT_MAP] = ON_ALL,
	[OPT_TRUST - OPT_MAP] = ON_ALL,
	[OPT_JSON - OPT_MAP] = ON_LIST | ON_TEST | ON_VERIFY | ON_CHECK,
	[OPT_LINE - OPT_MAP] = ON_REMOVE,
	[OPT_EXPECT - OPT_MAP] = ON_REMOVE,
	[OPT_CERT - OPT_MAP] = ON_TEST | ON_VERIFY,
	[OPT_ACCOUNT - OPT_MAP] = ON_TEST,
	[OPT_FROM - OPT_MAP] = ON_TEST,
	[OPT_SERVICE - OPT_MAP] = ON_TEST,
	[OPT_PRIVILEGED - OPT_MAP] = ON_TEST,
	[OPT_AT - OPT_MAP] = ON_TEST | ON_VERIFY,
	[OPT_SKIP - OPT_MAP] = ON_VERIFY,
	[OPT_HOST - OPT_MAP] = ON_VERIFY,
	[OPT_SERVER - OPT_MAP] = ON_VERIFY,
	[OPT_STRICT - OPT_MAP] = ON_CHECK,
	[OPT_TOKEN - OPT_MAP] = ON_TEST,
	[OPT_MODULE - OPT_MAP] = ON_TEST,
	[OPT_CONF - OPT_MAP] = ON_TEST,
	[OPT_PIN_FILE - OPT_MAP] = ON_TEST,
	[OPT_STATE_DIR - OPT_MAP] = ON_TEST | ON_CHECK | ON_VERIFY,
};

/* Paths as path.h wants them, links in the current folder's name resolved. */
static int
make_absolute(char dst[PATH_MAX], const char *path)
{
	char cwd[PATH_MAX] = "";

	while (path[0] == '.' && path[1] == '/')
		path += 2;
	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return say_error(EXIT_COULD_NOT, "current folder: %s",
		    strerror(errno));
	if (snprintf(dst, PATH_MAX, "%s%s%s", cwd, path[0] == '/' ? "" : "/",
	    path) >= PATH_MAX)
		return say_error(EXIT_USAGE, "%s: path too long", path);
	return 0;
}

static int
parse_line(const char *text, unsigned *line)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (errno != 0 || text[0] < '0' || text[0] > '9' || *end != '\0' ||
	    v == 0 || v > UINT_MAX)
		return say_error(EXIT_USAGE, "--line %s: expected the number "
		    "of a line", text);
	*line = (unsigned)v;
	return 0;
}

static const char **
place_of(struct options *o, int opt)
{
	switch (opt) {
	case OPT_EXPECT:
		return &o->expect;
	case OPT_CERT:
		return &o->cert;
	case OPT_ACCOUNT:
		return &o->account;
	case OPT_FROM:
		return &o->from;
	case OPT_SERVICE:
		return &o->service;
	case OPT_PRIVILEGED:
		return &o->privileged;
	case OPT_AT:
		return &o->at;
	case OPT_SKIP:
		return &o->skip;
	case OPT_MODULE:
		return &o->module;
	case OPT_CONF:
		return &o->conf;
	case OPT_PIN_FILE:
		return &o->pin_file;
	default:
		return &o->host;
	}
}

static int
take_option(struct options *o, int opt)
{
	switch (opt) {
	case OPT_MAP:
		return make_absolute(o->map, optarg);
	case OPT_TRUST:
		return make_absolute(o->trust, optarg);
	case OPT_STATE_DIR:
		return make_absolute(o->state, optarg);
	case OPT_LINE:
		return parse_line(optarg, &o->line);
	case OPT_JSON:
		o->json = true;
		return 0;
	case OPT_SERVER:
		o->server = true;
		return 0;
	case OPT_STRICT:
		o->strict = true;
		return 0;
	case OPT_TOKEN:
		o->token = true;
		return 0;
	default:
		*place_of(o, opt) = optarg;
		return 0;
	}
}

/* All options, whatever the command; -1 to go on, else an exit status. */
static int
parse_options(struct options *o, int argc, char **argv, unsigned *used)
{
	int opt, r;

	while ((opt = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		if (opt == OPT_HELP) {
			usage(stdout);
			return EXIT_DONE;
		}
		if (opt == OPT_VERSION) {
			(void)puts("certlogin-map " PACKAGE_VERSION);
			return EXIT_DONE;
		}
		if (opt < OPT_MAP) {
			usage(stderr);
			return EXIT_USAGE;
		}
		*used |= 1u << (opt - OPT_MAP);
		if ((r = take_option(o, opt)) != 0)
			return r;
	}
	return -1;
}

static const struct command *
find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	(void)say_error(EXIT_USAGE, "no command '%s'", name);
	return NULL;
}

/* Do options and arguments fit the command? */
static int
check_use(const struct command *c, const struct options *o, unsigned used,
    int n_args)
{
	bool by_line = o->line != 0 || o->expect != NULL;

	for (unsigned i = 0; i < sizeof(allowed_on) / sizeof(allowed_on[0]);
	    i++)
		if ((used & 1u << i) != 0 && (allowed_on[i] & c->bit) == 0)
			return say_error(EXIT_USAGE, "%s does not take --%s",
			    c->name, long_options[i].name);
	if (by_line && (o->line == 0 || o->expect == NULL))
		return say_error(EXIT_USAGE, "--line and --expect go "
		    "together");
	if (n_args != (c->rule && !by_line ? 1 : 0))
		return say_error(EXIT_USAGE, "%s: expected %s", c->name,
		    c->rule && !by_line ? "one argument, the rule; quote it" :
		    "no argument");
	if (o->token && (o->cert != NULL || o->json || o->from != NULL))
		return say_error(EXIT_USAGE, "--token goes without --cert, "
		    "--from and --json");
	if (!o->token && (o->module != NULL || o->conf != NULL ||
	    o->pin_file != NULL))
		return say_error(EXIT_USAGE, "--module, --conf and "
		    "--pin-file go with --token");
	if (c->cert && o->cert == NULL && !o->token)
		return say_error(EXIT_USAGE, "%s needs --cert FILE", c->name);
	if (o->host != NULL && !o->server)
		return say_error(EXIT_USAGE, "--host goes with --server");
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	static struct options o = { .map = SYSCONF_DIR "/identity.map",
	    .trust = SYSCONF_DIR "/trust.conf", .state = STATE_DIR };
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
		return EXIT_USAGE;
	if ((rc = check_use(c, &o, used, argc - optind - 1)) != EXIT_DONE)
		return rc;
	if (c->rule && o.line == 0)
		o.rule = argv[optind + 1];
	rc = c->run(&o);
	if (fflush(stdout) != 0 && rc == EXIT_DONE)
		rc = say_error(EXIT_COULD_NOT, "output: %s", strerror(errno));
	return rc;
}
