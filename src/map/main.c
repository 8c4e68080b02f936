/*
 * certlogin-map: administers the identity map.  It reads text; whatever holds
 * certificates is read by certlogin-judge, a child without privilege.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
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

enum { ADD, REMOVE, EDIT, LIST, WHO, TEST, VERIFY, CHECK };

static const struct cmdline_command commands[] = {
	[ADD] = { "add", "one argument, the rule; quote it", 0, 1 },
	[REMOVE] = { "remove", "one argument, the rule; quote it", 0, 1 },
	[EDIT] = { "edit", NULL, 0, 0 },
	[LIST] = { "list", NULL, 0, 0 },
	[WHO] = { "who", "one argument, the account", 1, 1 },
	[TEST] = { "test", NULL, 0, 0 },
	[VERIFY] = { "verify", NULL, 0, 0 },
	[CHECK] = { "check", NULL, 0, 0 },
};

static int (*const runs[])(const struct options *o) = {
	[ADD] = add_run, [REMOVE] = remove_run, [EDIT] = edit_run,
	[LIST] = list_run, [WHO] = who_run, [TEST] = test_run,
	[VERIFY] = verify_run, [CHECK] = check_run,
};

#define TO(member) CMDLINE_TO(struct options, member)
#define ON(command) CMDLINE_ON(command)
#define ON_CHANGE (ON(ADD) | ON(REMOVE) | ON(EDIT))
static const struct cmdline_option rows[] = {
	{ "map", TO(map), .on = CMDLINE_ON_ALL },
	{ "trust", TO(trust), .on = CMDLINE_ON_ALL },
	{ "state-dir", TO(state), .on = ON(TEST) | ON(CHECK) | ON(VERIFY) |
	    ON(WHO) },
	{ "json", TO(json), .on = ON(LIST) | ON(WHO) | ON(TEST) | ON(VERIFY) |
	    ON(CHECK) },
	{ "line", TO(line), .on = ON(REMOVE), .least = 1, .most = UINT_MAX },
	{ "expect", TO(expect), .on = ON(REMOVE) },
	{ "cert", TO(cert), .on = ON(TEST) | ON(VERIFY) },
	{ "account", TO(account), .on = ON(TEST) | ON(LIST) | ON(ADD) },
	{ "identity", TO(identity), .on = ON(LIST) },
	{ "authority", TO(authority), .on = ON(LIST) },
	{ "from", TO(from), .on = ON(TEST) },
	{ "service", TO(service), .on = ON(TEST) },
	{ "privileged", TO(privileged), .on = ON(TEST) | ON(WHO) },
	{ "at", TO(at), .on = ON(TEST) | ON(VERIFY) },
	{ "skip", TO(skip), .on = ON(VERIFY) },
	{ "host", TO(host), .on = ON(VERIFY) },
	{ "server", TO(server), .on = ON(VERIFY) },
	{ "strict", TO(strict), .on = ON(CHECK) },
	{ "from-cert", TO(from_cert), .on = ON(ADD) },
	{ "from-token", TO(from_token), .on = ON(ADD) },
	{ "label", TO(label), .on = ON(ADD) },
	{ "id", TO(id), .on = ON(ADD) },
	{ "dry-run", TO(dry_run), .on = ON_CHANGE },
	{ "yes", TO(yes), .on = ON_CHANGE },
	{ "run-dir", TO(run_dir), .on = ON_CHANGE },
	{ "token", TO(token), .on = ON(TEST) },
	{ "module", TO(module), .on = ON(TEST) | ON(ADD) },
	{ "conf", TO(conf), .on = ON(TEST) | ON(ADD) },
	{ "pin-file", TO(pin_file), .on = ON(TEST) },
};

static const struct cmdline line = {
	.program = "certlogin-map", .usage = usage,
	.options = rows, .n_options = sizeof(rows) / sizeof(rows[0]),
	.commands = commands,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
};

/* A path as path.h wants it, links in the current folder's name resolved; in
 * dst. */
static int
make_absolute(const char **where, char dst[PATH_MAX])
{
	const char *path = *where;
	char cwd[PATH_MAX] = "";

	while (path[0] == '.' && path[1] == '/')
		path += 2;
	if (path[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return say_error(EXIT_COULD_NOT, "current folder: %s",
		    strerror(errno));
	if (snprintf(dst, PATH_MAX, "%s%s%s", cwd, path[0] == '/' ? "" : "/",
	    path) >= PATH_MAX)
		return say_error(EXIT_USAGE, "%s: path too long", path);
	*where = dst;
	return EXIT_DONE;
}

/* Is the rule there, or what stands for it? */
static int
check_argument(const struct cmdline_words *w, const struct options *o)
{
	const struct cmdline_command *c = &commands[w->command];

	if ((o->line != 0) != (o->expect != NULL))
		return say_error(EXIT_USAGE, "--line and --expect go "
		    "together");
	if (o->line != 0 && w->n != 0)
		return say_error(EXIT_USAGE, "--line and --expect go without "
		    "a rule beside them");
	if (o->line == 0 && o->from_cert == NULL && !o->from_token &&
	    w->n < c->most)
		return say_error(EXIT_USAGE, "%s: expected %s", c->name,
		    c->words);
	return EXIT_DONE;
}

/* Do the options fit each other? */
static int
check_token(size_t command, const struct options *o)
{
	bool needs = command == TEST || command == VERIFY;

	if (o->token && (o->cert != NULL || o->from != NULL))
		return say_error(EXIT_USAGE, "--token goes without --cert "
		    "and --from");
	if (!o->token && !o->from_token &&
	    (o->module != NULL || o->conf != NULL || o->pin_file != NULL))
		return say_error(EXIT_USAGE, "--module, --conf and "
		    "--pin-file are for cards: --token or --from-token");
	if (needs && o->cert == NULL && !o->token)
		return say_error(EXIT_USAGE, "%s needs --cert FILE",
		    commands[command].name);
	return EXIT_DONE;
}

static int
check_hand(size_t command, const struct options *o)
{
	bool in_hand = o->from_cert != NULL || o->from_token;

	if (o->from_cert != NULL && o->from_token)
		return say_error(EXIT_USAGE, "expected one of --from-cert and "
		    "--from-token");
	if (command == ADD && in_hand != (o->account != NULL))
		return say_error(EXIT_USAGE, in_hand ? "--from-cert and "
		    "--from-token need --account NAME,..." : "--account goes "
		    "with --from-cert and --from-token");
	if (!o->from_token && (o->label != NULL || o->id != NULL))
		return say_error(EXIT_USAGE, "--label and --id go with "
		    "--from-token");
	return EXIT_DONE;
}

/* Do options and arguments fit each other? */
static int
check_use(const struct cmdline_words *w, const struct options *o)
{
	int rc;

	if ((rc = check_argument(w, o)) != EXIT_DONE ||
	    (rc = check_token(w->command, o)) != EXIT_DONE ||
	    (rc = check_hand(w->command, o)) != EXIT_DONE)
		return rc;
	if ((o->identity != NULL) + (o->authority != NULL) +
	    (w->command == LIST && o->account != NULL) > 1)
		return say_error(EXIT_USAGE, "list: expected one of "
		    "--account, --identity and --authority");
	if (o->host != NULL && !o->server)
		return say_error(EXIT_USAGE, "--host goes with --server");
	return EXIT_DONE;
}

int
main(int argc, char **argv)
{
	struct options o = { .map = SYSCONF_DIR "/identity.map",
	    .trust = SYSCONF_DIR "/trust.conf", .state = STATE_DIR };
	char map[PATH_MAX], trust[PATH_MAX], state[PATH_MAX];
	struct cmdline_words w;
	int rc = cmdline_take(&line, &o, argc, argv, &w);

	if (rc >= 0)
		return rc;
	if ((rc = make_absolute(&o.map, map)) != EXIT_DONE ||
	    (rc = make_absolute(&o.trust, trust)) != EXIT_DONE ||
	    (rc = make_absolute(&o.state, state)) != EXIT_DONE ||
	    (rc = check_use(&w, &o)) != EXIT_DONE)
		return rc;
	o.argument = w.word[0];
	return cmdline_end(&line, runs[w.command](&o));
}
