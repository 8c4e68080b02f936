#include "proto/conf.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/path.h"
#include "proto/rundir.h"

static int
bad(const struct ini_pos *pos, const struct ini_key *key, const char *value,
    const char *expected)
{
	diag_add(pos->diag, DIAG_ERROR, pos->file, pos->line, pos->column,
	    "%s = %s: expected %s", key->name, value, expected);
	return ERR_MALFORMED;
}

/* getaddrinfo would cut 99999 to 16 bits. */
static bool
is_port(const char *text)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	return text[0] >= '0' && text[0] <= '9' && *end == '\0' && v >= 1 &&
	    v <= 65535;
}

/* ADDRESS:PORT, [IPv6]:PORT, ADDRESS; numbers only, so that nothing depends
 * on a name server at boot. */
static int
set_listen(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	static const char expected[] = "ADDRESS:PORT, such as 0.0.0.0:4622 "
	    "or [::]:4622";
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST |
	    AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM }, *ai;
	struct conf *c = target;
	struct conf_address *a;
	char host[80], port[8] = "4622";
	const char *colon = strrchr(value, ':');
	size_t n = strlen(value);

	if (c->n_listen == CONF_LISTEN_MAX)
		return bad(pos, key, value, "at most 16 addresses");
	if (n == 0 || n >= sizeof(host))
		return bad(pos, key, value, expected);
	if (value[n - 1] == ']')
		colon = NULL;
	if (colon != NULL) {
		if (strlen(colon + 1) >= sizeof(port) || colon[1] == '\0')
			return bad(pos, key, value, expected);
		(void)snprintf(port, sizeof(port), "%s", colon + 1);
		n = (size_t)(colon - value);
	}
	if (n >= 2 && value[0] == '[' && value[n - 1] == ']') {
		value++;
		n -= 2;
	}
	(void)snprintf(host, sizeof(host), "%.*s", (int)n, value);
	if (!is_port(port) || getaddrinfo(host, port, &hints, &ai) != 0)
		return bad(pos, key, value, expected);
	a = &c->listen[c->n_listen++];
	memcpy(&a->addr, ai->ai_addr, ai->ai_addrlen);
	a->len = ai->ai_addrlen;
	(void)snprintf(a->text, sizeof(a->text), strchr(host, ':') != NULL ?
	    "[%s]:%s" : "%s:%s", host, port);
	freeaddrinfo(ai);
	return 0;
}

/* START:RATE:FULL as sshd's MaxStartups: from START unauthenticated
 * connections on RATE percent are refused, rising to all at FULL. */
static int
set_startups(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct conf *c = target;
	unsigned start, rate, full;
	char end;

	if (sscanf(value, "%5u:%3u:%5u%c", &start, &rate, &full, &end) != 3 ||
	    start < 1 || rate < 1 || rate > 100 || full < start ||
	    full > 10000)
		return bad(pos, key, value, "START:RATE:FULL, such as "
		    "100:30:500");
	c->startups_start = start;
	c->startups_rate = rate;
	c->startups_full = full;
	return 0;
}

/* Words separated by blanks or commas into rows of `size` bytes. */
static int
set_words(char *rows, size_t size, size_t max, size_t *n, const char *value)
{
	*n = 0;
	for (const char *p = value; ; ) {
		size_t len;

		p += strspn(p, ", \t");
		if ((len = strcspn(p, ", \t")) == 0)
			return *n > 0 ? 0 : ERR_MALFORMED;
		if (*n == max || len >= size)
			return ERR_TOOBIG;
		(void)snprintf(rows + *n * size, size, "%.*s", (int)len, p);
		(*n)++;
		p += len;
	}
}

static int
set_privileged(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct conf *c = target;

	if (set_words(c->privileged[0], sizeof(c->privileged[0]),
	    IPC_PRIVILEGED_MAX, &c->n_privileged, value) != 0)
		return bad(pos, key, value, "at most 16 account names");
	return 0;
}

static int
set_groups(void *target, const struct ini_key *key, const char *value,
    const struct ini_pos *pos)
{
	struct conf *c = target;

	if (set_words(c->hostkey_groups[0], sizeof(c->hostkey_groups[0]),
	    CONF_GROUPS_MAX, &c->n_hostkey_groups, value) != 0)
		return bad(pos, key, value, "at most 16 groups");
	return 0;
}

static const char *const levels[] = { "error", "warn", "info", "debug",
    NULL };

#define STR(n, m) { .name = n, .type = INI_STRING, \
    .offset = offsetof(struct conf, m), .max = 250 }
#define NUM(n, m, lo, hi) { .name = n, .type = INI_UINT, \
    .offset = offsetof(struct conf, m), .min = lo, .max = hi }

const struct ini_key conf_keys[] = {
	{ .name = "listen", .type = INI_CALL, .call = set_listen,
	    .flags = INI_REPEAT },
	STR("certificate", certificate),
	{ .name = "key", .type = INI_STRING,
	    .offset = offsetof(struct conf, key), .max = 1000 },
	STR("key-module", key_module),
	STR("key-pin-file", key_pin_file),
	STR("trust", trust),
	STR("map", map),
	STR("pam-service", pam_service),
	STR("pam-confdir", pam_confdir),
	STR("net-user", net_user),
	STR("judge-user", judge_user),
	STR("key-user", key_user),
	STR("helpers", helpers),
	STR("state-dir", state_dir),
	STR("run-dir", run_dir),
	STR("control-group", control_group),
	{ .name = "login-grace-time", .type = INI_DURATION,
	    .offset = offsetof(struct conf, login_grace_time), .min = 1,
	    .max = 3600 },
	{ .name = "review-grace-time", .type = INI_DURATION,
	    .offset = offsetof(struct conf, review_grace_time), .min = 1,
	    .max = 604800 },
	{ .name = "max-startups", .type = INI_CALL, .call = set_startups },
	NUM("max-per-source", max_per_source, 1, 10000),
	NUM("max-sessions", max_sessions, 1, 100000),
	NUM("spares", spares, 0, 64),
	{ .name = "privileged-accounts", .type = INI_CALL,
	    .call = set_privileged },
	{ .name = "hostkey-groups", .type = INI_CALL, .call = set_groups },
	{ .name = "hostkey-network", .type = INI_BOOL,
	    .offset = offsetof(struct conf, hostkey_network) },
	{ .name = "log-level", .type = INI_ENUM,
	    .offset = offsetof(struct conf, log_level), .words = levels },
	{ .name = NULL },
};

static void *
begin_daemon(void *ctx, const char *sub, const struct ini_pos *pos)
{
	(void)sub;
	(void)pos;
	return ctx;
}

static const struct ini_section sections[] = {
	{ .name = "daemon", .keys = conf_keys, .begin = begin_daemon },
	{ .name = NULL },
};

static int
fill_string(char **s, const char *value)
{
	if (*s == NULL && (*s = strdup(value)) == NULL)
		return ERR_NOMEM;
	return 0;
}

static int
fill_defaults(struct conf *c, const char *path, struct diag *diag)
{
	const struct {
		char **member;
		const char *value;
	} rows[] = {
		{ &c->certificate, SYSCONF_DIR "/host.crt" },
		{ &c->key, SYSCONF_DIR "/host.key" },
		{ &c->trust, SYSCONF_DIR "/trust.conf" },
		{ &c->map, SYSCONF_DIR "/identity.map" },
		{ &c->pam_service, "certlogind" },
		{ &c->net_user, NET_USER },
		{ &c->judge_user, JUDGE_USER },
		{ &c->key_user, KEY_USER },
		{ &c->helpers, HELPER_DIR },
		{ &c->state_dir, STATE_DIR },
	};
	const struct ini_key *listen = &conf_keys[0];
	struct ini_pos pos = { .diag = diag, .file = path };
	char run[256];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (fill_string(rows[i].member, rows[i].value) != 0)
			return ERR_NOMEM;
	if (rundir_default(path, run, sizeof(run)) != 0 ||
	    fill_string(&c->run_dir, run) != 0)
		return ERR_NOMEM;
	if (c->n_listen == 0)
		return set_listen(c, listen, "0.0.0.0:4622", &pos);
	return 0;
}

static void
check_absolute(const struct conf *c, const char *path, struct diag *diag)
{
	const struct {
		const char *name, *value;
	} rows[] = {
		{ "certificate", c->certificate }, { "trust", c->trust },
		{ "map", c->map }, { "pam-confdir", c->pam_confdir },
		{ "helpers", c->helpers }, { "state-dir", c->state_dir },
		{ "run-dir", c->run_dir }, { "key-module", c->key_module },
		{ "key-pin-file", c->key_pin_file },
		{ "key", strncmp(c->key, "pkcs11:", 7) == 0 ? NULL : c->key },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].value != NULL && rows[i].value[0] != '/')
			diag_add(diag, DIAG_ERROR, path, 0, 0, "%s = %s: "
			    "expected an absolute path", rows[i].name,
			    rows[i].value);
	if (strncmp(c->key, "pkcs11:", 7) == 0 && c->key_module == NULL)
		diag_add(diag, DIAG_ERROR, path, 0, 0, "key is a pkcs11: "
		    "URI: expected key-module = /absolute/path/of/driver.so");
}

int
conf_load(struct conf *c, const char *path, const char *const *settings,
    size_t n_settings, struct diag *diag)
{
	size_t before = diag->errors;
	struct buf text;
	struct why why;
	int r;

	*c = (struct conf){ .login_grace_time = 60,
	    .review_grace_time = 86400, .startups_start = 100,
	    .startups_rate = 30, .startups_full = 500, .max_per_source = 64,
	    .max_sessions = 1000, .spares = 4, .log_level = LOG_LEVEL_INFO };
	buf_init(&text, INI_FILE_MAX + 1);
	if ((r = path_load(path, 0, INI_FILE_MAX, &text, &why)) != 0)
		diag_add(diag, DIAG_ERROR, path, 0, 0, "%s", why.text);
	else
		(void)ini_parse(path, (const char *)text.data, text.len,
		    sections, c, diag);
	buf_free(&text);
	for (size_t i = 0; i < n_settings; i++)
		(void)ini_set("-o", settings[i], conf_keys, c, diag);
	if ((r = fill_defaults(c, path, diag)) == ERR_NOMEM) {
		diag_add(diag, DIAG_ERROR, path, 0, 0, "%s", err_text(r));
		return r;
	}
	check_absolute(c, path, diag);
	return diag->errors == before ? 0 : ERR_MALFORMED;
}

void
conf_free(struct conf *c)
{
	ini_free(conf_keys, c);
}
