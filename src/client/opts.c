#include "client/opts.h"

#include <getopt.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

#define SYSTEM_CONF SYSCONF_DIR "/certlogin.conf"
#define USER_CONF ".certlogin/config"
#define HOST_MAX 255

enum { LONG_HELP = 256, LONG_VERSION };

/* What the command line said, before the files are read. */
struct line {
	char **set;		/* KEY=VALUE, owned, in order */
	size_t n_set;
	const char *file;	/* -F */
	const char *account;	/* of account@HOST, n bytes */
	size_t account_len;
	unsigned terminal;	/* -t, counted */
	bool no_terminal;
};

/* Letters of ssh's that cannot be honoured, and why. */
static const struct { int letter; const char *why; } refused[] = {
	{ 'A', "there is no agent to forward" },
	{ 'B', "connections are made from any interface" },
	{ 'b', "connections are made from any address" },
	{ 'c', "algorithms are those of TLS 1.3" },
	{ 'D', "ports are not forwarded" },
	{ 'E', "messages go to standard error" },
	{ 'f', "certlogin stays in the foreground; use the shell's &" },
	{ 'I', "use -o module=FILE" },
	{ 'J', "connections are made directly" },
	{ 'K', "there is nothing to delegate" },
	{ 'L', "ports are not forwarded" },
	{ 'M', "each login has a connection of its own" },
	{ 'm', "algorithms are those of TLS 1.3" },
	{ 'N', "without forwarding there must be a command or a shell" },
	{ 'O', "each login has a connection of its own" },
	{ 'Q', "algorithms are those of TLS 1.3" },
	{ 'R', "ports are not forwarded" },
	{ 'W', "ports are not forwarded" },
	{ 'w', "there are no tunnels" },
	{ 'X', "X11 is not forwarded" },
	{ 'Y', "X11 is not forwarded" },
};

static const struct option longs[] = {
	{ "help", no_argument, NULL, LONG_HELP },
	{ "version", no_argument, NULL, LONG_VERSION },
	{ NULL, 0, NULL, 0 },
};

void
opts_usage(FILE *f)
{
	(void)fputs("usage: certlogin [-46nqTtv] [-F CONFIG] [-i IDENTITY] "
	    "[-l ACCOUNT]\n"
	    "           [-o KEY=VALUE] [-p PORT] [-s] [ACCOUNT@]HOST "
	    "[COMMAND...]\n"
	    "  -i IDENTITY  CERT[:KEY], a PKCS#12 file, or a pkcs11: URI\n"
	    "  -l ACCOUNT   there; else the one that the certificate opens\n"
	    "  -p PORT      of the server, 4622 unless given\n"
	    "  -o KEY=VALUE a setting of certlogin.conf(5), e.g. ca=FILE\n"
	    "  -F CONFIG    instead of ~/.certlogin/config and "
	    SYSTEM_CONF "\n"
	    "  -t, -T       a terminal there, or none; -tt without one here\n"
	    "  -n           read no input\n"
	    "  -s           COMMAND is a subsystem, e.g. sftp\n"
	    "  -v, -q       say each step; no warnings\n"
	    "  -G           print the settings and end\n"
	    "  --help, --version\n", f);
}

/* ---- the command line ------------------------------------------------------ */

static int
add(struct line *l, const char *key, const char *value, struct why *why)
{
	char *text = NULL;
	int n = key == NULL ? asprintf(&text, "%s", value) :
	    asprintf(&text, "%s=%s", key, value);

	if (n < 0)
		return why_set(why, ERR_NOMEM, "out of memory");
	l->set[l->n_set++] = text;
	return 0;
}

static int
refuse(int letter, struct why *why)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refused[i].letter == letter)
			return why_set(why, ERR_REFUSED, "-%c is refused: "
			    "%s", letter, refused[i].why);
	return why_set(why, ERR_MALFORMED, "unknown option, or its value is "
	    "missing; see certlogin --help");
}

/* A letter that is a setting by another name. */
static int
as_setting(int c, struct line *l, struct why *why)
{
	static const struct { int letter; const char *key, *value; } rows[] = {
		{ '4', "address-family", "inet" },
		{ '6', "address-family", "inet6" },
		{ 'i', "identity", NULL }, { 'l', "account", NULL },
		{ 'n', "stdin-null", "yes" }, { 'o', NULL, NULL },
		{ 'p', "port", NULL }, { 'q', "quiet", "yes" },
		{ 'v', "verbose", "yes" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].letter == c)
			return add(l, rows[i].key, rows[i].value != NULL ?
			    rows[i].value : optarg, why);
	return refuse(c, why);
}

static int
letter(struct opts *o, struct line *l, int c, struct why *why)
{
	switch (c) {
	case 'F':
		l->file = optarg;
		return 0;
	case 'G':
		o->kind = OPTS_SHOW;
		return 0;
	case LONG_HELP:
		o->kind = OPTS_HELP;
		return 0;
	case 'V':
	case LONG_VERSION:
		o->kind = OPTS_VERSION;
		return 0;
	case 's':
		o->subsystem = true;
		return 0;
	case 'T':
		l->no_terminal = true;
		l->terminal = 0;
		return 0;
	case 't':
		l->terminal++;
		l->no_terminal = false;
		return 0;
	case 'S':
		return strcmp(optarg, "none") == 0 ? 0 : why_set(why,
		    ERR_REFUSED, "-S is refused: each login has a connection "
		    "of its own");
	case 'a':	/* nothing of these is there to be turned off */
	case 'C':
	case 'e':
	case 'k':
	case 'x':
	case 'y':
		return 0;
	default:
		return as_setting(c, l, why);
	}
}

/* The options from argv[*at] on; *at is then the first other word. */
static int
letters(struct opts *o, struct line *l, int argc, char **argv, int *at,
    struct why *why)
{
	int c, r = 0;

	argc -= *at - 1;	/* getopt begins behind the first word */
	argv += *at - 1;
	optind = 0;
	opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, "+46aAB:b:Cc:D:E:e:F:f"
	    "GI:i:J:KkL:l:Mm:NnO:o:p:Q:qR:S:sTtVvW:w:XxYy", longs,
	    NULL)) != -1)
		r = letter(o, l, c, why);
	*at += optind - 1;
	return r;
}

/* [ACCOUNT@]HOST, an IPv6 address with or without brackets */
static int
destination(struct opts *o, struct line *l, const char *text, struct why *why)
{
	const char *at = strrchr(text, '@'), *host = text;
	size_t n;

	if (at != NULL) {
		l->account = text;
		l->account_len = (size_t)(at - text);
		host = at + 1;
	}
	n = strlen(host);
	if (n >= 2 && host[0] == '[' && host[n - 1] == ']') {
		host++;
		n -= 2;
	}
	if (n == 0 || n > HOST_MAX || host[0] == '-' ||
	    l->account_len > HOST_MAX || (at != NULL && at == text))
		return why_set(why, ERR_MALFORMED, "'%.300s': expected "
		    "[ACCOUNT@]HOST", text);
	for (size_t i = 0; i < n; i++)
		if (host[i] <= ' ' || host[i] > '~' ||
		    strchr("/\\[]", host[i]) != NULL)
			return why_set(why, ERR_MALFORMED, "'%.300s': a host "
			    "is a DNS name or an IP address", text);
	if ((o->host = strndup(host, n)) == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	return 0;
}

static int
join(struct opts *o, int argc, char **argv, struct why *why)
{
	size_t size = 1, at = 0;

	for (int i = 0; i < argc; i++)
		size += strlen(argv[i]) + 1;
	if (argc == 0)
		return o->subsystem ? why_set(why, ERR_MALFORMED, "-s: which "
		    "subsystem?") : 0;
	if ((o->command = calloc(1, size)) == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	for (int i = 0; i < argc; i++)
		at += (size_t)snprintf(o->command + at, size - at, "%s%s",
		    i > 0 ? " " : "", argv[i]);
	return 0;
}

/* Options, the host, more options, the command: as ssh takes them. */
static int
words(struct opts *o, struct line *l, int argc, char **argv, struct why *why)
{
	int at = 1, r = letters(o, l, argc, argv, &at, why);
	bool ended;

	if (r != 0 || o->kind == OPTS_HELP || o->kind == OPTS_VERSION)
		return r;
	if (at >= argc)
		return why_set(why, ERR_MALFORMED, "which host? see certlogin "
		    "--help");
	ended = strcmp(argv[at - 1], "--") == 0;
	if ((r = destination(o, l, argv[at++], why)) != 0)
		return r;
	if (!ended && at < argc && argv[at][0] == '-' &&
	    (r = letters(o, l, argc, argv, &at, why)) != 0)
		return r;
	return join(o, argc - at, argv + at, why);
}

/* ---- settings ----------------------------------------------------------------- */

/* The caller's home, without symbolic links on the way. */
static int
find_home(struct opts *o, struct why *why)
{
	const char *home = getenv("HOME");
	const struct passwd *pw;

	if (home == NULL || home[0] != '/') {
		pw = getpwuid(getuid());
		home = pw != NULL ? pw->pw_dir : "/";
	}
	if (realpath(home, o->home) == NULL)
		(void)snprintf(o->home, sizeof(o->home), "%s", home);
	if (getcwd(o->cwd, sizeof(o->cwd)) == NULL)
		return why_errno(why, "the current folder");
	return 0;
}

static int
read_files(struct opts *o, const struct line *l, struct diag *diag,
    struct why *why)
{
	char *path;
	int r;

	if (l->file != NULL && (strcmp(l->file, "/dev/null") == 0 ||
	    strcmp(l->file, "none") == 0))
		return 0;
	if (l->file == NULL) {
		r = conf_file(&o->conf, SYSTEM_CONF, diag, why);
		if (r != 0 && r != ERR_NOTFOUND)
			return r;
	}
	path = conf_path(&o->conf, l->file != NULL ? l->file :
	    "~/" USER_CONF);
	if (path == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	r = conf_file(&o->conf, path, diag, why);
	free(path);
	return r == ERR_NOTFOUND && l->file == NULL ? 0 : r;
}

/* Account of account@HOST, then -o and letters in order: later wins. */
static int
apply(struct opts *o, const struct line *l, struct diag *diag,
    struct why *why)
{
	struct conf *c = &o->conf;

	if (l->account != NULL) {
		free(c->account);
		c->account = strndup(l->account, l->account_len);
		if (c->account == NULL)
			return why_set(why, ERR_NOMEM, "out of memory");
	}
	for (size_t i = 0; i < l->n_set; i++)
		(void)conf_option(c, l->set[i], diag);
	if (diag->errors > 0)
		return why_set(why, ERR_MALFORMED, "a setting is not as "
		    "expected");
	if (l->no_terminal)
		c->terminal = CONF_TTY_NO;
	else if (l->terminal > 0)
		c->terminal = l->terminal > 1 ? CONF_TTY_FORCE : CONF_TTY_YES;
	return 0;
}

int
opts_get(struct opts *o, int argc, char **argv, struct diag *diag,
    struct why *why)
{
	struct line l = { .set = NULL };
	size_t most = 1;
	int r;

	*o = (struct opts){ .kind = OPTS_RUN };
	conf_init(&o->conf, o->home, o->cwd);
	for (int i = 1; i < argc; i++)
		most += strlen(argv[i]);	/* each letter a setting */
	if ((l.set = calloc(most, sizeof(*l.set))) == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	r = words(o, &l, argc, argv, why);
	if (r == 0 && (o->kind == OPTS_RUN || o->kind == OPTS_SHOW)) {
		if ((r = find_home(o, why)) == 0 &&
		    (r = read_files(o, &l, diag, why)) == 0)
			r = apply(o, &l, diag, why);
	}
	for (size_t i = 0; i < l.n_set; i++)
		free(l.set[i]);
	free(l.set);
	return r;
}

void
opts_free(struct opts *o)
{
	conf_free(&o->conf);
	free(o->host);
	free(o->command);
	o->host = o->command = NULL;
}

/* ---- -G ------------------------------------------------------------------------- */

static void
show(FILE *f, const char *key, const char *value)
{
	if (value != NULL)
		(void)fprintf(f, "%s %s\n", key, value);
}

void
opts_show(const struct opts *o, FILE *f)
{
	const struct conf *c = &o->conf;

	show(f, "host", o->host);
	(void)fprintf(f, "port %u\n", c->port);
	show(f, "account", c->account);
	show(f, "identity", c->identity);
	show(f, "key", c->key);
	show(f, "ca", c->ca);
	show(f, "crl", c->crl);
	show(f, "trust", c->trust);
	show(f, "module", c->module);
	show(f, "batchmode", c->batchmode ? "yes" : "no");
	(void)fprintf(f, "connect-timeout %u\n", c->timeout);
}
