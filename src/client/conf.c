#include "client/conf.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/path.h"
#include "client/ssh.h"

#define OPTION_MAX 4096

static int
bad(const struct ini_pos *pos, const struct ini_key *key, const char *value,
    const char *expected)
{
	diag_add(pos->diag, DIAG_ERROR, pos->file, pos->line, pos->column,
	    "%s = %s: expected %s", key->name, value, expected);
	return ERR_MALFORMED;
}

char *
conf_path(const struct conf *c, const char *path)
{
	char *out = NULL;
	int n;

	if (path[0] == '/')
		return strdup(path);
	if (path[0] == '~' && path[1] == '/')
		n = asprintf(&out, "%s%s", c->home, path + 1);
	else {
		while (path[0] == '.' && path[1] == '/')
			path += 2;
		n = asprintf(&out, "%s/%s", c->base, path);
	}
	return n < 0 ? NULL : out;
}

/* ---- values that need more than a type ---------------------------------- */

static int
replace(char **dst, char *value, const struct ini_key *key,
    const struct ini_pos *pos)
{
	if (value == NULL)
		return bad(pos, key, "", "memory");
	free(*dst);
	*dst = value;
	return 0;
}

static int
set_path(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	char **dst = (char **)((char *)target + key->offset);

	if (value[0] == '\0')
		return bad(pos, key, value, "a file");
	return replace(dst, conf_path(target, value), key, pos);
}

static int
set_crl(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct conf *c = target;

	if (strcmp(value, "none") == 0)
		return replace(&c->crl, strdup(value), key, pos);
	return set_path(target, key, value, pos);
}

/* CERT, CERT:KEY or pkcs11:URI */
static int
set_identity(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct conf *c = target;
	const char *colon = strrchr(value, ':');
	char cert[PATH_MAX];
	int r;

	free(c->key);
	c->key = NULL;
	if (strncmp(value, CONF_PKCS11, strlen(CONF_PKCS11)) == 0)
		return replace(&c->identity, strdup(value), key, pos);
	if (colon == NULL)
		return set_path(target, key, value, pos);
	if (colon == value || colon[1] == '\0' ||
	    (size_t)(colon - value) >= sizeof(cert))
		return bad(pos, key, value, "CERT, CERT:KEY or pkcs11:URI");
	memcpy(cert, value, (size_t)(colon - value));
	cert[colon - value] = '\0';
	if ((r = replace(&c->identity, conf_path(c, cert), key, pos)) != 0)
		return r;
	return replace(&c->key, conf_path(c, colon + 1), key, pos);
}

static int
set_module_env(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct conf *c = target;
	const char *eq = strchr(value, '=');

	if (eq == NULL || eq == value)
		return bad(pos, key, value, "NAME=VALUE");
	if (c->n_module_env == CONF_ENV_MAX)
		return bad(pos, key, value, "fewer settings");
	return replace(&c->module_env[c->n_module_env++], strdup(value), key,
	    pos);
}

/* Names between blanks, each with an optional * at its end. */
static int
set_send_env(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct conf *c = target;

	for (;;) {
		size_t n;
		int r;

		value += strspn(value, " \t");
		if ((n = strcspn(value, " \t")) == 0)
			return 0;
		if (c->n_send_env == CONF_ENV_MAX)
			return bad(pos, key, value, "fewer names");
		r = replace(&c->send_env[c->n_send_env++], strndup(value, n),
		    key, pos);
		if (r != 0)
			return r;
		value += n;
	}
}

/* ---- the table ----------------------------------------------------------- */

static const char *const terminal_words[] = { "auto", "no", "yes", "force",
    NULL };
static const char *const family_words[] = { "any", "inet", "inet6", NULL };

#define AT(member) offsetof(struct conf, member)
const struct ini_key conf_keys[] = {
	{ "account", INI_STRING, AT(account), 1, 255, NULL, NULL, 0 },
	{ "address-family", INI_ENUM, AT(family), 0, 0, family_words, NULL,
	    0 },
	{ "batchmode", INI_BOOL, AT(batchmode), 0, 0, NULL, NULL, 0 },
	{ "ca", INI_CALL, AT(ca), 0, 0, NULL, set_path, 0 },
	{ "connect-timeout", INI_DURATION, AT(timeout), 1, 3600, NULL, NULL,
	    0 },
	{ "crl", INI_CALL, AT(crl), 0, 0, NULL, set_crl, 0 },
	{ "identity", INI_CALL, AT(identity), 0, 0, NULL, set_identity, 0 },
	{ "module", INI_CALL, AT(module), 0, 0, NULL, set_path, 0 },
	{ "module-env", INI_CALL, 0, 0, 0, NULL, set_module_env,
	    INI_REPEAT },
	{ "passphrase-file", INI_CALL, AT(passphrase_file), 0, 0, NULL,
	    set_path, 0 },
	{ "pin-file", INI_CALL, AT(pin_file), 0, 0, NULL, set_path, 0 },
	{ "port", INI_UINT, AT(port), 1, 65535, NULL, NULL, 0 },
	{ "quiet", INI_BOOL, AT(quiet), 0, 0, NULL, NULL, 0 },
	{ "send-env", INI_CALL, 0, 0, 0, NULL, set_send_env, INI_REPEAT },
	{ "server-alive-count-max", INI_UINT, AT(alive_count), 1, 1000, NULL,
	    NULL, 0 },
	{ "server-alive-interval", INI_DURATION, AT(alive_interval), 0,
	    86400, NULL, NULL, 0 },
	{ "stdin-null", INI_BOOL, AT(no_input), 0, 0, NULL, NULL, 0 },
	{ "terminal", INI_ENUM, AT(terminal), 0, 0, terminal_words, NULL, 0 },
	{ "trust", INI_CALL, AT(trust), 0, 0, NULL, set_path, 0 },
	{ "verbose", INI_BOOL, AT(verbose), 0, 0, NULL, NULL, 0 },
	{ NULL, INI_STRING, 0, 0, 0, NULL, NULL, 0 },
};

void
conf_init(struct conf *c, const char *home, const char *base)
{
	*c = (struct conf){ .home = home, .base = base, .port = CONF_PORT,
	    .timeout = CONF_TIMEOUT, .alive_count = 3 };
}

void
conf_free(struct conf *c)
{
	free(c->account);
	free(c->identity);
	free(c->key);
	free(c->ca);
	free(c->crl);
	free(c->trust);
	free(c->module);
	free(c->pin_file);
	free(c->passphrase_file);
	for (size_t i = 0; i < c->n_module_env; i++)
		free(c->module_env[i]);
	for (size_t i = 0; i < c->n_send_env; i++)
		free(c->send_env[i]);
	*c = (struct conf){ .port = 0 };
}

static void *
begin(void *ctx, const char *sub, const struct ini_pos *pos)
{
	(void)sub;
	(void)pos;
	return ctx;
}

int
conf_file(struct conf *c, const char *path, struct diag *diag,
    struct why *why)
{
	static const struct ini_section sections[] = {
		{ "certlogin", false, conf_keys, begin },
		{ NULL, false, NULL, NULL },
	};
	const char *base = c->base, *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct buf text;
	int r;

	buf_init(&text, INI_FILE_MAX + 1);
	r = path_load(path, 0, INI_FILE_MAX, &text, why);
	if (r == 0) {
		(void)snprintf(folder, sizeof(folder), "%.*s", slash == path ?
		    1 : (int)(slash - path), path);
		c->base = folder;
		r = ini_parse(path, (const char *)text.data, text.len,
		    sections, c, diag);
		c->base = base;
		if (r != 0)
			(void)why_set(why, r, "%s is not as expected", path);
	}
	buf_free(&text);
	return r;
}

/* ---- -o ------------------------------------------------------------------- */

/* Name, then blanks with or without one '=', as ssh has it; then a value that
 * may be quoted. */
static int
split(const char *option, char name[OPTION_MAX], const char **value)
{
	const char *p = option + strcspn(option, "= \t");
	size_t n = (size_t)(p - option), len;
	char *v;

	if (n == 0 || *p == '\0' || strlen(option) >= OPTION_MAX)
		return ERR_MALFORMED;
	memcpy(name, option, strlen(option) + 1);
	name[n] = '\0';
	p += strspn(p, " \t");
	p += *p == '=';
	p += strspn(p, " \t");
	v = name + (p - option);
	len = strlen(v);
	while (len > 0 && (v[len - 1] == ' ' || v[len - 1] == '\t'))
		v[--len] = '\0';
	if (len >= 2 && v[0] == '"' && v[len - 1] == '"') {
		v[len - 1] = '\0';
		v++;
	}
	*value = v;
	return 0;
}

/* Every value is printable, as in a file. */
static bool
printable(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e)
			return false;
	return true;
}

int
conf_option(struct conf *c, const char *option, struct diag *diag)
{
	char name[OPTION_MAX], own[OPTION_MAX + 32];
	const char *value, *as;
	struct why why;
	int r;

	if (!printable(option) || split(option, name, &value) != 0) {
		diag_add(diag, DIAG_ERROR, "-o", 0, 0, "'%s': expected "
		    "KEY=VALUE", option);
		return ERR_MALFORMED;
	}
	r = ssh_option(name, value, &as, &why);
	if (r < 0) {
		diag_add(diag, DIAG_ERROR, "-o", 0, 0, "%s", why.text);
		return r;
	}
	if (r == SSH_IGNORED)
		return 0;
	(void)snprintf(own, sizeof(own), "%s=%s", as != NULL ? as : name,
	    value);
	return ini_set("-o", own, conf_keys, c, diag);
}
