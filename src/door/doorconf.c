#include "door/doorconf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/path.h"

#define ARGUMENTS "PAM arguments"	/* place of messages */

static int
bad(const struct ini_pos *pos, const struct ini_key *key, const char *value,
    const char *expected)
{
	diag_add(pos->diag, DIAG_ERROR, pos->file, pos->line, pos->column,
	    "%s = %s: expected %s", key->name, value, expected);
	return ERR_MALFORMED;
}

/* The next word between blanks and commas, or 0 at the end. */
static size_t
next_word(const char **p)
{
	*p += strspn(*p, ", \t");
	return strcspn(*p, ", \t");
}

static int
set_source(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	static const char *const names[] = { [DOORCONF_TOKEN] = "token",
	    [DOORCONF_KEYFILE] = "file" };
	struct doorconf *o = target;
	const char *p = value;
	size_t n;

	o->n_sources = 0;
	for (; (n = next_word(&p)) > 0; p += n) {
		int s = n == 5 && memcmp(p, names[DOORCONF_TOKEN], n) == 0 ?
		    DOORCONF_TOKEN :
		    n == 4 && memcmp(p, names[DOORCONF_KEYFILE], n) == 0 ?
		    DOORCONF_KEYFILE : -1;

		if (s < 0 || o->n_sources == DOORCONF_SOURCES_MAX ||
		    (o->n_sources == 1 && (int)o->source[0] == s))
			return bad(pos, key, value, "token, file, or both");
		o->source[o->n_sources++] = (enum doorconf_source)s;
	}
	return o->n_sources > 0 ? 0 : bad(pos, key, value,
	    "token, file, or both");
}

static int
set_env(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct doorconf *o = target;
	const char *eq = strchr(value, '=');

	if (eq == NULL || eq == value || strlen(value) >= P11_ENV_LEN)
		return bad(pos, key, value, "NAME=VALUE");
	if (o->n_env == P11_ENV_MAX)
		return bad(pos, key, value, "at most 16 settings");
	if ((o->env[o->n_env] = strdup(value)) == NULL)
		return bad(pos, key, value, "enough memory");
	o->n_env++;
	return 0;
}

static int
set_privileged(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct doorconf *o = target;
	const char *p = value;
	size_t n;

	o->n_privileged = 0;
	for (; (n = next_word(&p)) > 0; p += n) {
		char *row = o->privileged[o->n_privileged];

		if (o->n_privileged == IPC_PRIVILEGED_MAX ||
		    n >= sizeof(o->privileged[0]))
			return bad(pos, key, value, "at most 16 account "
			    "names");
		(void)snprintf(row, sizeof(o->privileged[0]), "%.*s", (int)n,
		    p);
		o->n_privileged++;
	}
	return 0;
}

static const char *const remotes[] = { "deny", "allow", NULL };

#define STR(n, m, max_) { .name = n, .type = INI_STRING, \
    .offset = offsetof(struct doorconf, m), .max = max_ }
#define TIME(n, m, lo, hi) { .name = n, .type = INI_DURATION, \
    .offset = offsetof(struct doorconf, m), .min = lo, .max = hi }

const struct ini_key doorconf_keys[] = {
	{ .name = "source", .type = INI_CALL, .call = set_source },
	STR("module", module, P11_PATH_MAX - 1),
	{ .name = "module-env", .type = INI_CALL, .call = set_env,
	    .flags = INI_REPEAT },
	STR("uri", uri, P11_URI_MAX - 1),
	STR("file", file, P11_PATH_MAX - 1),
	TIME("wait", wait, 0, 300),
	TIME("timeout", timeout, 1, 600),
	{ .name = "remote", .type = INI_ENUM,
	    .offset = offsetof(struct doorconf, remote), .words = remotes },
	STR("p11-user", p11_user, 250),
	STR("judge-user", judge_user, 250),
	STR("map", map, 250),
	STR("trust", trust, 250),
	STR("state-dir", state_dir, 250),
	{ .name = "privileged-accounts", .type = INI_CALL,
	    .call = set_privileged },
	{ .name = "debug", .type = INI_BOOL,
	    .offset = offsetof(struct doorconf, debug) },
	{ .name = NULL },
};

static void *
begin_pam(void *ctx, const char *sub, const struct ini_pos *pos)
{
	(void)sub;
	(void)pos;
	return ctx;
}

static const struct ini_section sections[] = {
	{ .name = "pam", .keys = doorconf_keys, .begin = begin_pam },
	{ .name = NULL },
};

/* A file that was not named may be missing. */
static void
read_file(struct doorconf *o, const char *named, struct diag *diag)
{
	const char *path = named != NULL ? named : DOORCONF_FILE;
	struct buf text;
	struct why why;
	int r;

	buf_init(&text, INI_FILE_MAX + 1);
	r = path_load(path, 0, INI_FILE_MAX, &text, &why);
	if (r == 0)
		(void)ini_parse(path, text.data != NULL ?
		    (const char *)text.data : "", text.len, sections, o,
		    diag);
	else if (named != NULL || r != ERR_NOTFOUND)
		diag_add(diag, DIAG_ERROR, path, 0, 0, "%s", why.text);
	buf_free(&text);
}

static void
read_arguments(struct doorconf *o, int argc, const char **argv,
    struct diag *diag)
{
	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "conf=", 5) != 0)
			(void)ini_set(ARGUMENTS, strcmp(argv[i], "debug") ==
			    0 ? "debug=yes" : argv[i], doorconf_keys, o, diag);
}

static int
fill_defaults(struct doorconf *o)
{
	const struct {
		char **member;
		const char *value;
	} rows[] = {
		{ &o->uri, "" }, { &o->p11_user, P11_USER },
		{ &o->judge_user, JUDGE_USER },
		{ &o->map, SYSCONF_DIR "/identity.map" },
		{ &o->trust, SYSCONF_DIR "/trust.conf" },
		{ &o->state_dir, STATE_DIR },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (*rows[i].member == NULL &&
		    (*rows[i].member = strdup(rows[i].value)) == NULL)
			return ERR_NOMEM;
	if (o->n_sources == 0)
		o->source[o->n_sources++] = DOORCONF_TOKEN;
	return 0;
}

static bool
has_source(const struct doorconf *o, enum doorconf_source s)
{
	for (size_t i = 0; i < o->n_sources; i++)
		if (o->source[i] == s)
			return true;
	return false;
}

static void
check(const struct doorconf *o, struct diag *diag)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "module", o->module }, { "map", o->map },
		{ "trust", o->trust }, { "state-dir", o->state_dir },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value != NULL && rows[i].value[0] != '/')
			diag_add(diag, DIAG_ERROR, ARGUMENTS, 0, 0, "%s = %s: "
			    "expected an absolute path", rows[i].name,
			    rows[i].value);
	if (o->file != NULL && o->file[0] != '/' &&
	    strncmp(o->file, "%h/", 3) != 0)
		diag_add(diag, DIAG_ERROR, ARGUMENTS, 0, 0, "file = %s: "
		    "expected an absolute path or %%h/...", o->file);
	if (has_source(o, DOORCONF_TOKEN) && o->module == NULL)
		diag_add(diag, DIAG_ERROR, ARGUMENTS, 0, 0, "source token "
		    "needs module=/absolute/path/of/driver.so");
	if (has_source(o, DOORCONF_KEYFILE) && o->file == NULL)
		diag_add(diag, DIAG_ERROR, ARGUMENTS, 0, 0, "source file "
		    "needs file=/path/with/%%u or file=%%h/...");
}

int
doorconf_load(struct doorconf *o, int argc, const char **argv,
    struct diag *diag)
{
	size_t before = diag->errors;
	const char *named = NULL;

	*o = (struct doorconf){ .timeout = 30 };
	for (int i = 0; i < argc; i++)
		if (strncmp(argv[i], "conf=", 5) == 0)
			named = argv[i] + 5;
	read_file(o, named, diag);
	read_arguments(o, argc, argv, diag);
	if (fill_defaults(o) != 0) {
		diag_add(diag, DIAG_ERROR, ARGUMENTS, 0, 0, "out of memory");
		return ERR_NOMEM;
	}
	check(o, diag);
	return diag->errors == before ? 0 : ERR_MALFORMED;
}

void
doorconf_free(struct doorconf *o)
{
	ini_free(doorconf_keys, o);
	for (size_t i = 0; i < o->n_env; i++)
		free(o->env[i]);
	o->n_env = 0;
}
