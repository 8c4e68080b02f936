#include "client/server.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"

#define TRUST_CONF SYSCONF_DIR "/trust.conf"
#define ANCHORS_MAX (256 * 1024)	/* bytes of one file */
#define FILES_MAX (2 * TRUST_PATHS_MAX * TRUST_AUTHORITIES_MAX)

/* ---- an authority in a file --------------------------------------------- */

/* ~/.certlogin/NAME if it is there, else NULL; false: out of memory, which
 * must not look like a file that is not there. */
static bool
usual(const struct conf *conf, const char *name, char **out)
{
	char *path = NULL;

	*out = NULL;
	if (asprintf(&path, "%s/.certlogin/%s", conf->home, name) < 0)
		return false;
	if (access(path, F_OK) == 0 || errno != ENOENT)
		*out = path;
	else
		free(path);
	return true;
}

/* The CRL to go with it: named, or the usual one; NULL where there is none. */
static bool
find_crl(const struct conf *conf, char **out)
{
	*out = NULL;
	if (conf->crl == NULL)
		return usual(conf, "ca.crl", out);
	return strcmp(conf->crl, "none") == 0 ||
	    (*out = strdup(conf->crl)) != NULL;
}

/* The authority: named, or the usual one; NULL: trust.conf has it. */
static bool
find_ca(const struct conf *conf, char **out)
{
	*out = NULL;
	if (conf->ca == NULL)
		return conf->trust != NULL || usual(conf, "ca.crt", out);
	return (*out = strdup(conf->ca)) != NULL;
}

static int
load_single(struct server *s, const char *ca, const char *crl,
    struct why *why)
{
	struct trust_rules rules = { .name = "ca", .class = FACTS_HOST,
	    .revocation = crl != NULL ? TRUST_REQUIRE : TRUST_NONE };
	struct buf ca_text, crl_text;
	struct span anchors, crls;
	int r;

	buf_init(&ca_text, ANCHORS_MAX + 1);
	buf_init(&crl_text, SLICE_CRL_MAX + 1);
	r = path_load(ca, 0, ANCHORS_MAX, &ca_text, why);
	if (r == 0 && crl != NULL)
		r = path_load(crl, 0, SLICE_CRL_MAX, &crl_text, why);
	if (r == 0) {
		struct why inner;

		anchors = (struct span){ ca_text.data, ca_text.len };
		crls = (struct span){ crl_text.data, crl_text.len };
		r = trust_single(&s->trust, &rules, &anchors, 1, &crls,
		    crl != NULL, time(NULL), &inner);
		if (r != 0)
			(void)why_set(why, r, "%.250s: %.250s", ca,
			    inner.text);
	}
	(void)snprintf(s->from, sizeof(s->from), "%s%s%s", ca,
	    crl != NULL ? " and " : "", crl != NULL ? crl : "");
	s->no_crl = crl == NULL;
	buf_free(&ca_text);
	buf_free(&crl_text);
	return r;
}

/* ---- trust.conf ----------------------------------------------------------- */

/* Only its authorities of class host count here. */
static void
keep_hosts(struct trust_conf *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct trust_conf_authority *a = &c->authority[i];

		if (a->rules.class != FACTS_HOST) {
			free(a->rules.names);
			a->rules.names = NULL;
			continue;
		}
		if (n != i) {
			c->authority[n] = *a;
			a->rules.names = NULL;
		}
		n++;
	}
	c->n = n;
}

/* The files that an authority names; a CRL may be missing. */
struct files {
	struct trust_file file[FILES_MAX];
	struct buf bytes[FILES_MAX];
	struct why why[FILES_MAX];
	size_t n;
};

static void
add_file(struct files *f, const char *folder, const char *rel, size_t max)
{
	char path[PATH_MAX];
	struct buf *b = &f->bytes[f->n];
	struct trust_file *t = &f->file[f->n];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, rel);
	buf_init(b, max + 1);
	*t = (struct trust_file){ .path = rel };
	if (path_load(path, 0, max, b, &f->why[f->n]) == 0)
		t->bytes = (struct span){ b->data, b->len };
	else
		t->error = f->why[f->n].text;
	f->n++;
}

static void
load_files(struct files *f, const struct trust_conf *c, const char *folder)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct trust_conf_authority *a = &c->authority[i];

		for (size_t k = 0; k < a->n_anchors; k++)
			add_file(f, folder, a->anchor[k], ANCHORS_MAX);
		for (size_t k = 0; k < a->n_crls; k++)
			add_file(f, folder, a->crl[k], SLICE_CRL_MAX);
	}
}

/* Its paths are relative to its folder. */
static int
load_hosts(struct server *s, struct trust_conf *c, const char *path,
    struct diag *diag, struct why *why)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX];
	struct files *f;
	int r;

	keep_hosts(c);
	if (c->n == 0)
		return why_set(why, ERR_NOTFOUND, "%s has no authority of "
		    "class host; name the server's with -o ca=FILE", path);
	if ((f = calloc(1, sizeof(*f))) == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	(void)snprintf(folder, sizeof(folder), "%.*s", (int)(slash - path),
	    path);
	load_files(f, c, folder);
	r = trust_load(&s->trust, path, c, f->file, f->n, NULL,
	    time(NULL), diag);
	if (r != 0)
		(void)why_set(why, r, "%s is not as expected", path);
	for (size_t i = 0; i < f->n; i++)
		buf_free(&f->bytes[i]);
	free(f);
	return r;
}

static int
load_conf(struct server *s, const char *path, struct diag *diag,
    struct why *why)
{
	struct trust_conf c = { .n = 0 };
	struct buf text;
	int r;

	buf_init(&text, TRUST_FILE_MAX + 1);
	(void)snprintf(s->from, sizeof(s->from), "%s", path);
	r = path_load(path, 0, TRUST_FILE_MAX, &text, why);
	if (r == ERR_NOTFOUND)
		r = why_set(why, r, "nothing to check the server against: "
		    "there is neither ~/.certlogin/ca.crt nor %s; name its "
		    "authority with -o ca=FILE", path);
	if (r == 0) {
		r = trust_conf_parse(&c, path, (const char *)text.data,
		    text.len, diag);
		if (r == 0)
			r = load_hosts(s, &c, path, diag, why);
		else
			(void)why_set(why, r, "%s is not as expected", path);
		trust_conf_free(&c);
	}
	buf_free(&text);
	return r;
}

/* What is named counts before what is usual. */
int
server_load(struct server *s, const struct conf *conf, struct diag *diag,
    struct why *why)
{
	char *ca = NULL, *crl = NULL;
	int r;

	memset(s, 0, sizeof(*s));
	if (!find_ca(conf, &ca))
		return why_set(why, ERR_NOMEM, "out of memory");
	if (ca == NULL)
		return load_conf(s, conf->trust != NULL ? conf->trust :
		    TRUST_CONF, diag, why);
	r = find_crl(conf, &crl) ? load_single(s, ca, crl, why) :
	    why_set(why, ERR_NOMEM, "out of memory");
	free(ca);
	free(crl);
	return r;
}

void
server_free(struct server *s)
{
	trust_free(&s->trust);
	memset(&s->trust, 0, sizeof(s->trust));
}

/* ---- judging ---------------------------------------------------------------- */

enum tls_alert
server_judge(struct server *s, const char *host, const struct span *chain,
    size_t n)
{
	struct verify_ask ask = { .trust = &s->trust, .chain = chain, .n = n,
	    .server = true, .host = host, .now = time(NULL),
	    .signatures = VERIFY_SIGNATURES_LOGIN };

	verify(&ask, &s->verify);
	s->judged = true;
	if (s->verify.outcome == VERIFY_ACCEPTED)
		return TLS_ALERT_NONE;
	return s->verify.alert != TLS_ALERT_NONE ? s->verify.alert :
	    TLS_ALERT_BAD_CERTIFICATE;
}

void
server_show(const struct server *s, const struct say *say)
{
	const struct verify *v = &s->verify;
	char until[32] = "?";
	time_t t = (time_t)v->expires;
	struct tm tm;

	if (!say->verbose || !s->judged)
		return;
	for (size_t i = 0; v->have_facts && i < v->facts.n_names; i++)
		say_step(say, "<- the server's certificate says: %s=%s",
		    facts_field_name(v->facts.names[i].field),
		    v->facts.names[i].value);
	if (v->have_facts)
		say_step(say, "   issued by %s", v->facts.issuer);
	say_step(say, "   checked against %s", s->from);
	if (v->outcome != VERIFY_ACCEPTED)
		return;
	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(until, sizeof(until), "%Y-%m-%d %H:%M UTC",
		    &tm);
	say_step(say, "   it holds, until %s%s", until, s->no_crl ?
	    "; whether it was revoked was not checked, for want of a CRL "
	    "(crl=FILE)" : "");
}
