/*
 * certloginctl: looks at and steers a running certlogind over its local
 * socket.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/say.h"
#include "proto/rundir.h"

static void
usage(FILE *f)
{
	(void)fputs("usage: certloginctl [-f CONF] [--run-dir DIR] [--json] "
	    "COMMAND\n"
	    "  why NUMBER   why a login was refused (the number is in the "
	    "person's message)\n"
	    "  status       what is loaded, when it expires, who is logged "
	    "in\n"
	    "  reload       load configuration, trust, map and host key "
	    "afresh\n"
	    "  -f CONF      the configuration certlogind was started with\n"
	    "  --run-dir D  its run-dir, where CONF names one\n"
	    "  --json       print JSON\n"
	    "  --help, --version\n", f);
}

/* getopt_long's values; from OPT_FIRST on, a command says which it takes. */
enum { OPT_HELP = 256, OPT_VERSION, OPT_RUN_DIR, OPT_FIRST,
    OPT_JSON = OPT_FIRST };
#define TAKES(opt) (1u << ((opt) - OPT_FIRST))

static const struct option long_options[] = {
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ "run-dir", required_argument, NULL, OPT_RUN_DIR },
	{ "json", no_argument, NULL, OPT_JSON },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	const char *argument;		/* what it is, or NULL: none */
	unsigned takes;			/* options of its own */
	int (*run)(const struct options *);
} commands[] = {
	{ "why", "the NUMBER of a refusal", TAKES(OPT_JSON), ask_why },
	{ "status", NULL, TAKES(OPT_JSON), ask_status },
	{ "reload", NULL, TAKES(OPT_JSON), ask_reload },
};

static void
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
	}
}

/* -1 to go on, else an exit status. */
static int
parse_options(struct options *o, int argc, char **argv, unsigned *used)
{
	int opt;

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
		take_option(o, opt);
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
	if (n_args != (c->argument != NULL ? 1 : 0))
		return say_error(EXIT_USAGE, "%s: expected %s; see --help "
		    "for usage", c->name, c->argument != NULL ? c->argument :
		    "no argument");
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	struct options o = { .conf = RUNDIR_DEFAULT_CONF };
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
	if (c->argument != NULL)
		o.argument = argv[optind + 1];
	rc = c->run(&o);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		return say_error(EXIT_COULD_NOT, "output: %s",
		    strerror(errno));
	return rc;
}
