/* src/base/cmdline: each mistake in a command line, with the control beside
 * it, and what a right one gives. */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cmdline.h"

#define WORDS_MAX 16
#define MORE_MAX 3

struct set {
	const char *text, *must, *letter;
	bool flag;
	unsigned number;
	const char *list[MORE_MAX];
	size_t n_list;
};

enum { ONE, PAIR, MUST, ANY };

static const struct cmdline_command commands[] = {
	[ONE] = { "one", NULL, 0, 0 },
	[PAIR] = { "pair", "two words", 1, 2 },
	[MUST] = { "must", NULL, 0, 0 },
	[ANY] = { "any", "words", 0, SIZE_MAX },
};

#define TO(member) CMDLINE_TO(struct set, member)
static const struct cmdline_option rows[] = {
	{ "must", TO(must), .on = CMDLINE_ON(MUST),
	    .needed = CMDLINE_ON(MUST) },
	{ "text", TO(text), .on = CMDLINE_ON_ALL },
	{ "f", TO(letter), .on = CMDLINE_ON_ALL },
	{ "flag", TO(flag), .on = CMDLINE_ON(ONE) | CMDLINE_ON(ANY) },
	{ "number", TO(number), .on = CMDLINE_ON(ONE), .least = 2,
	    .most = 30 },
	{ "list", TO(list), .on = CMDLINE_ON_ALL, .most = MORE_MAX,
	    .count = offsetof(struct set, n_list) },
	{ "listed", TO(flag), .on = CMDLINE_ON_ALL },
};

static void
usage(FILE *f)
{
	(void)fputs("usage: tool\n", f);
}

static const struct cmdline line = {
	.program = "tool", .sandbox = "no walls", .usage = usage,
	.options = rows, .n_options = sizeof(rows) / sizeof(rows[0]),
	.commands = commands,
	.n_commands = sizeof(commands) / sizeof(commands[0]),
};

static char copy[400], *argv[WORDS_MAX + 1];

/* The words of a line, "_" for an empty one, to argv. */
static int
split(const char *text)
{
	char *save = NULL, *word;
	int argc = 0;

	(void)snprintf(copy, sizeof(copy), "tool %s", text);
	for (word = strtok_r(copy, " ", &save); word != NULL;
	    word = strtok_r(NULL, " ", &save)) {
		ck_assert_int_lt(argc, WORDS_MAX);
		argv[argc++] = strcmp(word, "_") == 0 ? word + 1 : word;
	}
	argv[argc] = NULL;
	return argc;
}

static int
parse(const char *text, struct set *s, struct cmdline_words *w,
    struct why *why)
{
	*s = (struct set){ .text = "default" };
	*w = (struct cmdline_words){ .command = 99 };
	*why = (struct why){ .text = "" };
	return cmdline_parse(&line, s, split(text), argv, w, why);
}

/* ---- mistakes ------------------------------------------------------------ */

static const struct {
	const char *good, *bad, *why;
} mistakes[] = {
	{ "one", "", "expected a command" },
	{ "one --text a", "--text a", "expected a command" },
	{ "one", "_", "there is no command ''" },
	{ "one", "On", "there is no command 'On'" },
	{ "one", "o --flag", "there is no command 'o'" },
	{ "one", "--flag -- --flag", "there is no command '--flag'" },
	{ "one --text a", "one --texts a", "there is no option '--texts'" },
	{ "one --text a", "one --texts=a", "there is no option '--texts'" },
	{ "one --listed", "one --lis", "there is no option '--lis'" },
	{ "one --flag", "one --flagg", "there is no option '--flagg'" },
	{ "one -f a", "one -g", "there is no option '-g'" },
	{ "one -fgg", "one -%f", "there is no option '-%'" },
	{ "one -f a", "-: one", "there is no option '-:'" },
	{ "one -f a", "-- one -g", "one: expected no argument" },
	{ "one --text a", "one --text", "--text: its value is missing" },
	{ "one --text=", "one --tex", "--tex: its value is missing" },
	{ "one -f a", "one -f", "-f: its value is missing" },
	{ "one --list _", "one --list", "--list: its value is missing" },
	{ "one --number 2", "one --number", "--number: its value is missing" },
	{ "one --flag", "one --flag=yes", "--flag takes no value" },
	{ "--flag one", "--help=me one", "--help takes no value" },
	{ "one --flag", "one --version=", "--version takes no value" },
	{ "one --text a", "one --text a --text a", "--text is given twice" },
	{ "one --text=", "--text= one --text=", "--text is given twice" },
	{ "one -f a", "one -fa -f b", "-f is given twice" },
	{ "one --flag", "one --flag --fl", "--flag is given twice" },
	{ "one --number 7", "one --number 7 --number 8",
	    "--number is given twice" },
	{ "one --list a --list b --list c",
	    "one --list a --list b --list c --list d",
	    "--list is given more than 3 times" },
	{ "one --number 2", "one --number 1",
	    "--number 1: expected a number from 2 to 30" },
	{ "one --number 30", "one --number 31", "--number 31: expected" },
	{ "one --number 007", "one --number -7", "--number -7: expected" },
	{ "one --number 7", "one --number +7", "--number +7: expected" },
	{ "one --number 7", "one --number _", "--number : expected" },
	{ "one --number 7", "one --number 7s", "--number 7s: expected" },
	{ "one --number 7", "one --number 0x7", "--number 0x7: expected" },
	{ "one --number 7", "one --number 4294967303", "4294967303: exp" },
	{ "one --number 7", "one --number 99999999999999999999999",
	    "99999999999999999999999: expected" },
	{ "one --flag", "pair a --flag", "pair does not take --flag" },
	{ "any --flag", "--flag pair a", "pair does not take --flag" },
	{ "one --number 7", "any --number 7", "any does not take --number" },
	{ "must --must a", "must", "must needs --must" },
	{ "must --must a", "must --text a", "must needs --must" },
	{ "must --must a", "must --number 7", "must does not take --number" },
	{ "must --must a", "one --must a", "one does not take --must" },
	{ "one", "one a", "one: expected no argument" },
	{ "one", "one _", "one: expected no argument" },
	{ "one", "one -- --text", "one: expected no argument" },
	{ "pair a", "pair", "pair: expected two words" },
	{ "pair a b", "pair a b c", "pair: expected two words" },
};

START_TEST(each_mistake)
{
	struct set s;
	struct cmdline_words w;
	struct why why;

	ck_assert_msg(parse(mistakes[_i].good, &s, &w, &why) == 0,
	    "%s: %s", mistakes[_i].good, why.text);
	ck_assert_int_eq(parse(mistakes[_i].bad, &s, &w, &why),
	    ERR_MALFORMED);
	ck_assert_msg(strstr(why.text, mistakes[_i].why) != NULL,
	    "%s: %s", mistakes[_i].bad, why.text);
	ck_assert_uint_eq(w.command, 99);	/* nothing was found */
}
END_TEST

/* ---- what is right ------------------------------------------------------- */

static const struct {
	const char *line;
	size_t command, n;
	const char *first, *last;
} orders[] = {
	{ "pair a b --text X", PAIR, 2, "a", "b" },
	{ "--text X pair a b", PAIR, 2, "a", "b" },
	{ "pair --text X a b", PAIR, 2, "a", "b" },
	{ "pair a --text=X b", PAIR, 2, "a", "b" },
	{ "pair a --te X b", PAIR, 2, "a", "b" },
	{ "pair --text X -- a b", PAIR, 2, "a", "b" },
	{ "pair a --text X -- --text", PAIR, 2, "a", "--text" },
	{ "pair -- a --text", PAIR, 2, "a", "--text" },
	{ "-- pair a --help", PAIR, 2, "a", "--help" },
	{ "pair --text X - --", PAIR, 1, "-", "-" },
	{ "pair -- --", PAIR, 1, "--", "--" },
	{ "pair one", PAIR, 1, "one", "one" },
	{ "pair _", PAIR, 1, "", "" },
	{ "any 1 2 3 4 5 6 7 8 9 10", ANY, 10, "1", "10" },
	{ "any", ANY, 0, NULL, NULL },
	{ "any --", ANY, 0, NULL, NULL },
	{ "--flag any", ANY, 0, NULL, NULL },
};

START_TEST(any_order)
{
	struct set s;
	struct cmdline_words w;
	struct why why;

	ck_assert_int_eq(parse(orders[_i].line, &s, &w, &why), 0);
	ck_assert_uint_eq(w.command, orders[_i].command);
	ck_assert_uint_eq(w.n, orders[_i].n);
	ck_assert_ptr_null(w.word[w.n]);
	if (w.n == 0)
		return;
	ck_assert_str_eq(w.word[0], orders[_i].first);
	ck_assert_str_eq(w.word[w.n - 1], orders[_i].last);
	ck_assert_str_eq(s.text, strchr(orders[_i].line, 'X') != NULL ? "X" :
	    "default");
}
END_TEST

START_TEST(values)
{
	struct set s;
	struct cmdline_words w;
	struct why why;

	ck_assert_int_eq(parse("one", &s, &w, &why), 0);
	ck_assert_str_eq(s.text, "default");
	ck_assert_ptr_null(s.letter);
	ck_assert(!s.flag);
	ck_assert_uint_eq(s.number, 0);
	ck_assert_uint_eq(s.n_list, 0);
	ck_assert_int_eq(parse("--list a one -f=b --flag --text _ --list=--c "
	    "--number 30", &s, &w, &why), 0);
	ck_assert_str_eq(s.text, "");
	ck_assert_str_eq(s.letter, "=b");
	ck_assert(s.flag);
	ck_assert_uint_eq(s.number, 30);
	ck_assert_uint_eq(s.n_list, 2);
	ck_assert_str_eq(s.list[0], "a");
	ck_assert_str_eq(s.list[1], "--c");
	ck_assert_ptr_null(s.list[2]);
}
END_TEST

/* It is answered wherever it stands, but not behind a mistake. */
START_TEST(help)
{
	struct set s;
	struct cmdline_words w;
	struct why why;

	ck_assert_int_eq(parse("--help", &s, &w, &why), CMDLINE_HELP);
	ck_assert_int_eq(parse("-h", &s, &w, &why), CMDLINE_HELP);
	ck_assert_int_eq(parse("pair --hel --none", &s, &w, &why),
	    CMDLINE_HELP);
	ck_assert_int_eq(parse("frob --version", &s, &w, &why),
	    CMDLINE_VERSION);
	ck_assert_int_eq(parse("--none --help", &s, &w, &why), ERR_MALFORMED);
	ck_assert_int_eq(parse("pair -- --help", &s, &w, &why), 0);
	ck_assert_int_eq(parse("one --text --help", &s, &w, &why), 0);
	ck_assert_str_eq(s.text, "--help");
}
END_TEST

/* Whoever sets this has no say in what a tool takes. */
START_TEST(posixly_correct)
{
	struct set s;
	struct cmdline_words w;
	struct why why;

	ck_assert_int_eq(setenv("POSIXLY_CORRECT", "1", 1), 0);
	ck_assert_int_eq(parse("pair a --text x", &s, &w, &why), 0);
	ck_assert_uint_eq(w.n, 1);
	ck_assert_str_eq(s.text, "x");
}
END_TEST

/* ---- what a person sees -------------------------------------------------- */

/* Exit status; both outputs one behind the other in got, which holds 4096. */
static int
take(const char *text, struct cmdline_words *w, char *got, FILE **which)
{
	struct set s = { .flag = false };
	FILE *f = tmpfile();
	int r, saved = dup(fileno(*which)), argc = split(text);
	size_t n;

	ck_assert_ptr_nonnull(f);
	(void)fflush(*which);
	ck_assert_int_ge(dup2(fileno(f), fileno(*which)), 0);
	r = cmdline_take(&line, &s, argc, argv, w);
	(void)fflush(*which);
	ck_assert_int_ge(dup2(saved, fileno(*which)), 0);
	(void)close(saved);
	rewind(f);
	n = fread(got, 1, 4095, f);
	got[n] = '\0';
	(void)fclose(f);
	return r;
}

START_TEST(said)
{
	struct cmdline_words w;
	char got[4096], text[300];

	ck_assert_int_eq(take("pair a", &w, got, &stderr), -1);
	ck_assert_str_eq(got, "");
	ck_assert_uint_eq(w.command, PAIR);
	ck_assert_int_eq(take("pair --help", &w, got, &stdout), EXIT_DONE);
	ck_assert_str_eq(got, "usage: tool\n");
	ck_assert_int_eq(take("--version", &w, got, &stdout), EXIT_DONE);
	ck_assert_str_eq(got, "tool " PACKAGE_VERSION ", no walls\n");
	ck_assert_int_eq(take("pair", &w, got, &stderr), EXIT_USAGE);
	ck_assert_str_eq(got, "tool: pair: expected two words; see tool "
	    "--help\n");
	/* what was typed does not reach the terminal */
	ck_assert_int_eq(take("a\033[31m\nb\xff", &w, got, &stderr),
	    EXIT_USAGE);
	ck_assert_str_eq(got, "tool: there is no command 'a\\x1b[31m\\x0ab"
	    "\\xff'; see tool --help\n");
	ck_assert_int_eq(take("-\xc3", &w, got, &stderr), EXIT_USAGE);
	ck_assert_str_eq(got, "tool: there is no option '-\\xc3'; see tool "
	    "--help\n");
	(void)memset(text, '\001', sizeof(text) - 1);
	text[0] = text[1] = '-';
	text[sizeof(text) - 1] = '\0';
	ck_assert_int_eq(take(text, &w, got, &stderr), EXIT_USAGE);
	ck_assert_ptr_nonnull(strstr(got, "; see tool --help\n"));
}
END_TEST

/* Tables that do not fit are refused, not overrun. */
START_TEST(too_large)
{
	static struct cmdline_option many[CMDLINE_OPTIONS_MAX + 1];
	static struct cmdline_command more[CMDLINE_COMMANDS_MAX + 1];
	struct cmdline l = line;
	struct cmdline_words w;
	struct set s = { .flag = false };

	for (size_t i = 0; i <= CMDLINE_OPTIONS_MAX; i++)
		many[i] = rows[i == 0 ? 0 : 1];
	for (size_t i = 0; i <= CMDLINE_COMMANDS_MAX; i++)
		more[i] = commands[i == CMDLINE_COMMANDS_MAX - 1 ? ANY : ONE];
	l.options = many;
	l.commands = more;
	l.n_options = CMDLINE_OPTIONS_MAX;
	l.n_commands = CMDLINE_COMMANDS_MAX;
	ck_assert_int_eq(cmdline_parse(&l, &s, split("any --text a"), argv,
	    &w, NULL), 0);
	ck_assert_uint_eq(w.command, CMDLINE_COMMANDS_MAX - 1);
	l.n_options++;
	ck_assert_int_eq(cmdline_parse(&l, &s, split("any"), argv, &w, NULL),
	    ERR_INTERNAL);
	l.n_options--;
	l.n_commands++;
	ck_assert_int_eq(cmdline_parse(&l, &s, split("any"), argv, &w, NULL),
	    ERR_INTERNAL);
	ck_assert_int_eq(cmdline_parse(&line, &s, 0, argv, &w, NULL),
	    ERR_INTERNAL);
}
END_TEST

/* What a main() returns that prints to the file: help, or a line of its own and
 * status. */
static int
printed(const char *file, const char *text, int status)
{
	struct cmdline_words w;
	struct set s;
	pid_t pid = fork();
	int rc;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (freopen(file, "w", stdout) == NULL ||
		    freopen("/dev/null", "w", stderr) == NULL)
			_exit(99);
		rc = cmdline_take(&line, &s, split(text), argv, &w);
		if (rc < 0 && puts("something") >= 0)
			rc = cmdline_end(&line, status);
		_exit(rc);
	}
	ck_assert_int_eq(waitpid(pid, &rc, 0), pid);
	ck_assert(WIFEXITED(rc));
	return WEXITSTATUS(rc);
}

START_TEST(disk_full)
{
	ck_assert_int_eq(printed("/dev/null", "any", EXIT_DONE), EXIT_DONE);
	ck_assert_int_eq(printed("/dev/full", "any", EXIT_DONE),
	    EXIT_COULD_NOT);
	ck_assert_int_eq(printed("/dev/null", "any", EXIT_PROBLEM),
	    EXIT_PROBLEM);
	ck_assert_int_eq(printed("/dev/full", "any", EXIT_PROBLEM),
	    EXIT_COULD_NOT);
	ck_assert_int_eq(printed("/dev/null", "--help", 0), EXIT_DONE);
	ck_assert_int_eq(printed("/dev/full", "--help", 0), EXIT_COULD_NOT);
	ck_assert_int_eq(printed("/dev/null", "--version", 0), EXIT_DONE);
	ck_assert_int_eq(printed("/dev/full", "--version", 0),
	    EXIT_COULD_NOT);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("cmdline");
	TCase *t = tcase_create("cmdline");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, each_mistake, 0,
	    (int)(sizeof(mistakes) / sizeof(mistakes[0])));
	tcase_add_loop_test(t, any_order, 0,
	    (int)(sizeof(orders) / sizeof(orders[0])));
	tcase_add_test(t, values);
	tcase_add_test(t, help);
	tcase_add_test(t, posixly_correct);
	tcase_add_test(t, said);
	tcase_add_test(t, too_large);
	tcase_add_test(t, disk_full);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
