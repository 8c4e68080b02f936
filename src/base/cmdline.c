#include "base/cmdline.h"

#include <errno.h>
#include <getopt.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/about.h"

/* getopt_long's values; below are letters */
enum { LONG_HELP = 256, LONG_VERSION, LONG_FIRST };

#define SHOWN(row) (row)->name[1] == '\0' ? "-" : "--", (row)->name

struct tables {
	struct option longs[CMDLINE_OPTIONS_MAX + 3];
	char shorts[2 * CMDLINE_OPTIONS_MAX + 4];
};

static void
make_tables(const struct cmdline *l, struct tables *t)
{
	size_t n = 0;
	/* '-': words come in their order among the options */
	char *s = stpcpy(t->shorts, "-:h");

	for (size_t i = 0; i < l->n_options; i++) {
		const char *name = l->options[i].name;
		bool flag = l->options[i].kind == CMDLINE_FLAG;

		if (name[1] == '\0')
			s = stpcpy(stpcpy(s, name), flag ? "" : ":");
		else
			t->longs[n++] = (struct option){ name, flag ?
			    no_argument : required_argument, NULL,
			    LONG_FIRST + (int)i };
	}
	t->longs[n++] = (struct option){ "help", no_argument, NULL,
	    LONG_HELP };
	t->longs[n++] = (struct option){ "version", no_argument, NULL,
	    LONG_VERSION };
	t->longs[n] = (struct option){ NULL, 0, NULL, 0 };
}

/* c: what getopt_long answered; word: where it stands */
static int
mistake(int c, const char *word, struct why *why)
{
	char letter[] = { '-', (char)optopt, '\0' };
	bool is_long = optopt == 0 || optopt >= LONG_HELP;
	const char *name = is_long ? word : letter;

	return why_set(why, ERR_MALFORMED, c == ':' ?
	    "%.*s: its value is missing" : optopt >= LONG_HELP ?
	    "%.*s takes no value" : "there is no option '%.*s'",
	    (int)(is_long ? strcspn(name, "=") : 2), name);
}

static int
take_number(const struct cmdline_option *row, unsigned *to, const char *value,
    struct why *why)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(value, &end, 10);
	if (errno != 0 || value[0] < '0' || value[0] > '9' || *end != '\0' ||
	    v < row->least || v > row->most)
		return why_set(why, ERR_MALFORMED, "%s%s %.100s: expected a "
		    "number from %u to %u", SHOWN(row), value, row->least,
		    row->most);
	*to = (unsigned)v;
	return 0;
}

static int
take_value(const struct cmdline_option *row, void *options, const char *value,
    struct why *why)
{
	void *at = (char *)options + row->at;
	size_t *n;

	switch (row->kind) {
	case CMDLINE_FLAG:
		*(bool *)at = true;
		return 0;
	case CMDLINE_TEXT:
		*(const char **)at = value;
		return 0;
	case CMDLINE_NUMBER:
		return take_number(row, at, value, why);
	case CMDLINE_LIST:
		n = (void *)((char *)options + row->count);
		if (*n == row->most)
			return why_set(why, ERR_MALFORMED, "%s%s is given "
			    "more than %u times", SHOWN(row), row->most);
		((const char **)at)[(*n)++] = value;
		return 0;
	}
	return why_set(why, ERR_INTERNAL, "an option of no kind");
}

static int
take_option(const struct cmdline *l, int c, void *options, uint64_t *given,
    struct why *why)
{
	const struct cmdline_option *row = l->options;
	uint64_t bit;

	if (c >= LONG_FIRST)
		row += c - LONG_FIRST;
	else
		while (row->name[0] != c || row->name[1] != '\0')
			row++;
	bit = UINT64_C(1) << (row - l->options);
	if ((*given & bit) != 0 && row->kind != CMDLINE_LIST)
		return why_set(why, ERR_MALFORMED, "%s%s is given twice",
		    SHOWN(row));
	*given |= bit;
	return take_value(row, options, optarg, why);
}

/* Do options and words fit the command? */
static int
check_use(const struct cmdline *l, uint64_t given,
    const struct cmdline_words *w, struct why *why)
{
	const struct cmdline_command *c = &l->commands[w->command];
	const struct cmdline_option *missing = NULL;

	for (size_t i = 0; i < l->n_options; i++) {
		const struct cmdline_option *row = &l->options[i];
		bool is = (given >> i & 1) != 0;

		if (is && (row->on & CMDLINE_ON(w->command)) == 0)
			return why_set(why, ERR_MALFORMED, "%s does not take "
			    "%s%s", c->name, SHOWN(row));
		if (!is && (row->needed & CMDLINE_ON(w->command)) != 0)
			missing = row;
	}
	if (missing != NULL)
		return why_set(why, ERR_MALFORMED, "%s needs %s%s", c->name,
		    SHOWN(missing));
	if (w->n < c->least || w->n > c->most)
		return why_set(why, ERR_MALFORMED, "%s: expected %s", c->name,
		    c->words != NULL ? c->words : "no argument");
	return 0;
}

/* name: NULL where there was no word at all */
static int
find_command(const struct cmdline *l, const char *name, size_t *command,
    struct why *why)
{
	if (name == NULL)
		return why_set(why, ERR_MALFORMED, "expected a command");
	for (size_t i = 0; i < l->n_commands; i++)
		if (strcmp(l->commands[i].name, name) == 0) {
			*command = i;
			return 0;
		}
	return why_set(why, ERR_MALFORMED, "there is no command '%.100s'",
	    name);
}

int
cmdline_parse(const struct cmdline *l, void *options, int argc, char **argv,
    struct cmdline_words *out, struct why *why)
{
	struct cmdline_words w = { 0 };
	struct tables t;
	uint64_t given = 0;
	int c, r = 0, n = 0;	/* words, put together at argv[1] */

	if (argc < 1 || l->n_options > CMDLINE_OPTIONS_MAX ||
	    l->n_commands > CMDLINE_COMMANDS_MAX)
		return why_set(why, ERR_INTERNAL, "no command line");
	make_tables(l, &t);
	optind = opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, t.shorts, t.longs,
	    NULL)) != -1) {
		if (c == LONG_HELP || c == 'h')
			return CMDLINE_HELP;
		if (c == LONG_VERSION)
			return CMDLINE_VERSION;
		if (c == 1)
			argv[++n] = optarg;
		else if (c == '?' || c == ':')
			r = mistake(c, argv[optind - 1], why);
		else
			r = take_option(l, c, options, &given, why);
	}
	if (r != 0)
		return r;
	while (optind < argc)		/* behind -- */
		argv[++n] = argv[optind++];
	if (n + 1 < argc)
		argv[n + 1] = NULL;
	w.word = argv + (n > 0 ? 2 : 1);
	w.n = n > 0 ? (size_t)n - 1 : 0;
	if ((r = find_command(l, argv[1], &w.command, why)) == 0 &&
	    (r = check_use(l, given, &w, why)) == 0)
		*out = w;
	return r;
}

int
cmdline_take(const struct cmdline *l, void *options, int argc, char **argv,
    struct cmdline_words *out)
{
	char text[4 * WHY_MAX];
	struct why why = { .text = "" };

	switch (cmdline_parse(l, options, argc, argv, out, &why)) {
	case 0:
		return -1;
	case CMDLINE_HELP:
		l->usage(stdout);
		return cmdline_end(l, EXIT_DONE);
	case CMDLINE_VERSION:
		about_version(l->program, l->sandbox);
		return cmdline_end(l, EXIT_DONE);
	default:
		(void)fprintf(stderr, "%s: %s; see %s --help\n", l->program,
		    err_escape(text, sizeof(text), why.text,
		    strlen(why.text)), l->program);
		return EXIT_USAGE;
	}
}

int
cmdline_end(const struct cmdline *l, int status)
{
	if ((fflush(stdout) == 0 && ferror(stdout) == 0) ||
	    status == EXIT_COULD_NOT)
		return status;
	(void)fprintf(stderr, "%s: output: %s\n", l->program,
	    strerror(errno));
	return EXIT_COULD_NOT;
}
