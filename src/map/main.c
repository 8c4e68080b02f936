/*
 * certlogin-map: administers the identity map.  It reads text; whatever holds
 * certificates is read by certlogin-judge, a child without privilege.
 */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdint.h>
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
	    "  add --from-cert F   the rule for this certificate, shown and "
	    "asked for\n"
	    "      --account A,... ['MORE OF THE RULE']\n"
	    "  add --from-token    the same for a card in a reader\n"
	    "      --account A,... [--module M] [--conf F] [--label L] [--id "
	    "HEX]\n"
	    "  remove 'RULE'       take a rule out; or --line N --expect "
	    "'RULE'\n"
	    "  edit                the map in $VISUAL or $EDITOR, checked "
	    "before it counts\n"
	    "      add, remove and edit: [--dry-run] [--yes] [--run-dir "
	    "D]\n"
	    "  list                show the rules with their lines; those "
	    "that concern\n"
	    "      [--account A | --identity 'AUTHORITY MATCHER=VALUE' |\n"
	    "      --authority N]\n"
	    "  who ACCOUNT         every rule that reaches it, and what "
	    "cuts each\n"
	    "      [--privileged A,...]\n"
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

/* Which commands take an option. */
enum {
	ON_REMOVE = 1, ON_TEST = 2, ON_VERIFY = 4, ON_CHECK = 8, ON_LIST = 16,
	ON_ADD = 32, ON_WHO = 64, ON_EDIT = 128, ON_ALL = 255,
	ON_CHANGE = ON_ADD | ON_REMOVE | ON_EDIT,
};

static const struct command {
	const char *name;
	unsigned bit;
	const char *argument;		/* NULL: takes none */
	int (*run)(const struct options *o);
} commands[] = {
	{ "add", ON_ADD, "one argument, the rule; quote it", add_run },
	{ "remove", ON_REMOVE, "one argument, the rule; quote it",
	    remove_run },
	{ "edit", ON_EDIT, NULL, edit_run },
	{ "list", ON_LIST, NULL, list_run },
	{ "who", ON_WHO, "one argument, the account", who_run },
	{ "test", ON_TEST, NULL, test_run },
	{ "verify", ON_VERIFY, NULL, verify_run },
	{ "check", ON_CHECK, NULL, check_run },
};

enum kind { FLAG, TEXT, FILE_NAME, LINE_NUMBER };

#define AT(member) offsetof(struct options, member)
static const struct row {
	const char *name;
	enum kind kind;
	size_t at;			/* in struct options */
	unsigned on;
} rows[] = {
	{ "map", FILE_NAME, AT(map), ON_ALL },
	{ "trust", FILE_NAME, AT(trust), ON_ALL },
	{ "state-dir", FILE_NAME, AT(state), ON_TEST | ON_CHECK | ON_VERIFY |
	    ON_WHO },
	{ "json", FLAG, AT(json), ON_LIST | ON_WHO | ON_TEST | ON_VERIFY |
	    ON_CHECK },
	{ "line", LINE_NUMBER, AT(line), ON_REMOVE },
	{ "expect", TEXT, AT(expect), ON_REMOVE },
	{ "cert", TEXT, AT(cert), ON_TEST | ON_VERIFY },
	{ "account", TEXT, AT(account), ON_TEST | ON_LIST | ON_ADD },
	{ "identity", TEXT, AT(identity), ON_LIST },
	{ "authority", TEXT, AT(authority), ON_LIST },
	{ "from", TEXT, AT(from), ON_TEST },
	{ "service", TEXT, AT(service), ON_TEST },
	{ "privileged", TEXT, AT(privileged), ON_TEST | ON_WHO },
	{ "at", TEXT, AT(at), ON_TEST | ON_VERIFY },
	{ "skip", TEXT, AT(skip), ON_VERIFY },
	{ "host", TEXT, AT(host), ON_VERIFY },
	{ "server", FLAG, AT(server), ON_VERIFY },
	{ "strict", FLAG, AT(strict), ON_CHECK },
	{ "from-cert", TEXT, AT(from_cert), ON_ADD },
	{ "from-token", FLAG, AT(from_token), ON_ADD },
	{ "label", TEXT, AT(label), ON_ADD },
	{ "id", TEXT, AT(id), ON_ADD },
	{ "dry-run", FLAG, AT(dry_run), ON_CHANGE },
	{ "yes", FLAG, AT(yes), ON_CHANGE },
	{ "run-dir", TEXT, AT(run_dir), ON_CHANGE },
	{ "token", FLAG, AT(token), ON_TEST },
	{ "module", TEXT, AT(module), ON_TEST | ON_ADD },
	{ "conf", TEXT, AT(conf), ON_TEST | ON_ADD },
	{ "pin-file", TEXT, AT(pin_file), ON_TEST },
};
#undef AT
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))
_Static_assert(N_ROWS <= 64, "a bit for each");

enum { OPT_ROW = 256, OPT_HELP = OPT_ROW + N_ROWS, OPT_VERSION };

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

static int
take_option(struct options *o, const struct row *row)
{
	char *at = (char *)o + row->at;

	switch (row->kind) {
	case FLAG:
		*(bool *)at = true;
		return 0;
	case TEXT:
		*(const char **)(void *)at = optarg;
		return 0;
	case FILE_NAME:
		return make_absolute(at, optarg);
	case LINE_NUMBER:
		return parse_line(optarg, (unsigned *)(void *)at);
	}
	return EXIT_USAGE;
}

static void
make_long_options(struct option longs[N_ROWS + 3])
{
	size_t n = 0;

	for (; n < N_ROWS; n++)
		longs[n] = (struct option){ rows[n].name,
		    rows[n].kind == FLAG ? no_argument : required_argument,
		    NULL, OPT_ROW + (int)n };
	longs[n++] = (struct option){ "help", no_argument, NULL, OPT_HELP };
	longs[n++] = (struct option){ "version", no_argument, NULL,
	    OPT_VERSION };
	longs[n] = (struct option){ NULL, 0, NULL, 0 };
}

/* All options, whatever the command; -1 to go on, else an exit status. */
static int
parse_options(struct options *o, int argc, char **argv, uint64_t *used)
{
	struct option longs[N_ROWS + 3];
	int opt, r;

	make_long_options(longs);
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == OPT_HELP) {
			usage(stdout);
			return EXIT_DONE;
		}
		if (opt == OPT_VERSION) {
			(void)puts("certlogin-map " PACKAGE_VERSION);
			return EXIT_DONE;
		}
		if (opt < OPT_ROW) {
			usage(stderr);
			return EXIT_USAGE;
		}
		*used |= UINT64_C(1) << (opt - OPT_ROW);
		if ((r = take_option(o, &rows[opt - OPT_ROW])) != 0)
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

/* Is the argument there, and no other? */
static int
check_argument(const struct command *c, const struct options *o, int n_args)
{
	const char *want = c->argument;

	if ((o->line != 0) != (o->expect != NULL))
		return say_error(EXIT_USAGE, "--line and --expect go "
		    "together");
	if (o->line != 0)
		want = NULL;
	/* more of the rule, or nothing */
	if ((o->from_cert != NULL || o->from_token) && n_args <= 1)
		return EXIT_DONE;
	if (n_args != (want != NULL ? 1 : 0))
		return say_error(EXIT_USAGE, "%s: expected %s", c->name,
		    want != NULL ? want : "no argument");
	return EXIT_DONE;
}

/* Do the options fit each other? */
static int
check_token(const struct command *c, const struct options *o)
{
	bool needs = c->bit == ON_TEST || c->bit == ON_VERIFY;

	if (o->token && (o->cert != NULL || o->from != NULL))
		return say_error(EXIT_USAGE, "--token goes without --cert "
		    "and --from");
	if (!o->token && !o->from_token &&
	    (o->module != NULL || o->conf != NULL || o->pin_file != NULL))
		return say_error(EXIT_USAGE, "--module, --conf and "
		    "--pin-file are for cards: --token or --from-token");
	if (needs && o->cert == NULL && !o->token)
		return say_error(EXIT_USAGE, "%s needs --cert FILE", c->name);
	return EXIT_DONE;
}

static int
check_hand(const struct command *c, const struct options *o)
{
	bool in_hand = o->from_cert != NULL || o->from_token;

	if (o->from_cert != NULL && o->from_token)
		return say_error(EXIT_USAGE, "expected one of --from-cert and "
		    "--from-token");
	if (c->bit == ON_ADD && in_hand != (o->account != NULL))
		return say_error(EXIT_USAGE, in_hand ? "--from-cert and "
		    "--from-token need --account NAME,..." : "--account goes "
		    "with --from-cert and --from-token");
	if (!o->from_token && (o->label != NULL || o->id != NULL))
		return say_error(EXIT_USAGE, "--label and --id go with "
		    "--from-token");
	return EXIT_DONE;
}

/* Do options and arguments fit the command? */
static int
check_use(const struct command *c, const struct options *o, uint64_t used,
    int n_args)
{
	int rc;

	for (unsigned i = 0; i < N_ROWS; i++)
		if ((used >> i & 1) != 0 && (rows[i].on & c->bit) == 0)
			return say_error(EXIT_USAGE, "%s does not take --%s",
			    c->name, rows[i].name);
	if ((rc = check_argument(c, o, n_args)) != EXIT_DONE ||
	    (rc = check_token(c, o)) != EXIT_DONE ||
	    (rc = check_hand(c, o)) != EXIT_DONE)
		return rc;
	if ((o->identity != NULL) + (o->authority != NULL) +
	    (c->bit == ON_LIST && o->account != NULL) > 1)
		return say_error(EXIT_USAGE, "list: expected one of "
		    "--account, --identity and --authority");
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
	uint64_t used = 0;
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
	o.argument = argv[optind + 1];
	rc = c->run(&o);
	if (fflush(stdout) != 0 && rc == EXIT_DONE)
		rc = say_error(EXIT_COULD_NOT, "output: %s", strerror(errno));
	return rc;
}
