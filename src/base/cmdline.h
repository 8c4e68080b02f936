/*
 * The command line of a tool with commands: TOOL [OPTION...] COMMAND
 * [WORD...].  Two tables say what there is; every mistake is told in the same
 * words by all tools.  Options and words may come in any order, behind `--`
 * stand words alone, and a long option may be shortened to what is its own.
 * Each option but a list is given once.  --help, -h and --version belong to
 * no table.
 */
#ifndef BASE_CMDLINE_H
#define BASE_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

/* Exit status of tools. */
enum { EXIT_DONE, EXIT_PROBLEM, EXIT_USAGE, EXIT_COULD_NOT };

/* The member of the tool's struct that a value goes to: bool, const char *,
 * unsigned, const char *[]. */
enum cmdline_kind { CMDLINE_FLAG, CMDLINE_TEXT, CMDLINE_NUMBER, CMDLINE_LIST };

/* Kind and place, one behind the other, of a member. */
#define CMDLINE_TO(type, member) _Generic(((type *)NULL)->member, \
    bool: CMDLINE_FLAG, const char *: CMDLINE_TEXT, \
    unsigned: CMDLINE_NUMBER, const char **: CMDLINE_LIST), \
    offsetof(type, member)

struct cmdline_option {
	const char *name;		/* without dashes; "f" is -f */
	enum cmdline_kind kind;
	size_t at;
	unsigned on;			/* commands that take it: a bit each, */
	unsigned needed;		/* and cannot do without */
	unsigned least, most;		/* NUMBER: it; LIST: most, how many */
	size_t count;			/* LIST: place of the size_t of it */
};

struct cmdline_command {
	const char *name;
	const char *words;		/* what is expected; NULL: nothing */
	size_t least, most;		/* how many words */
};

#define CMDLINE_ON(command) (1u << (command))	/* by place in the table */
#define CMDLINE_ON_ALL (~0u)
#define CMDLINE_OPTIONS_MAX 64
#define CMDLINE_COMMANDS_MAX 32

struct cmdline {
	const char *program;
	const char *sandbox;		/* of --version, see about.h */
	void (*usage)(FILE *f);
	const struct cmdline_option *options;
	size_t n_options;
	const struct cmdline_command *commands;
	size_t n_commands;
};

struct cmdline_words {
	size_t command;			/* its place in the table */
	char *const *word;		/* behind the command, and a NULL */
	size_t n;
};

/*
 * Put the values of options into the tool's struct, which holds the defaults
 * (options that are not given leave it alone), and find the command.  argv is
 * put into another order; values and words are argv's.  0; CMDLINE_HELP or
 * CMDLINE_VERSION, with what stands behind it unread; ERR_MALFORMED with why.
 */
enum { CMDLINE_HELP = 1, CMDLINE_VERSION };
int cmdline_parse(const struct cmdline *l, void *options, int argc,
    char **argv, struct cmdline_words *out, struct why *why);

/* The same for a main(), which is to return what is not -1: help or version
 * are on stdout then, or the mistake is on stderr. */
int cmdline_take(const struct cmdline *l, void *options, int argc,
    char **argv, struct cmdline_words *out);

/* What a main() returns for status: EXIT_COULD_NOT, and why on stderr, if what
 * stands on stdout could not be written. */
int cmdline_end(const struct cmdline *l, int status);

#endif
