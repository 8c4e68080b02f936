#include "client/cred.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "client/card.h"
#include "client/secret.h"
#include "cred/keyfile.h"
#include "x509/pem.h"

#define TRIES 3
#define CHAIN_BYTES (TLS_CHAIN_MAX * 16384)

static bool
there(const char *path)
{
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/* ---- passphrases ------------------------------------------------------------ */

/* An open that may need a passphrase: a key, or a PKCS#12. */
struct opening {
	struct cred *c;
	struct span text;
	bool p12;
};

static int
open_with(struct opening *o, const char *passphrase, struct why *why)
{
	if (o->p12)
		return keyfile_p12(o->text, passphrase, &o->c->key, &o->c->der,
		    o->c->chain, &o->c->n, why);
	return keyfile_key(o->text, passphrase, &o->c->key, why);
}

/* Without a passphrase first; then the file's once, or the person's. */
static int
open_asking(struct opening *o, const char *path, const struct conf *conf,
    const struct say *say, struct why *why)
{
	char prompt[PATH_MAX + 32];
	struct secret_ask ask = { .file = conf->passphrase_file,
	    .setting = "passphrase-file", .prompt = prompt,
	    .batch = conf->batchmode, .max = KEYFILE_PASSPHRASE_MAX };
	struct buf pass;
	int r = open_with(o, NULL, why);

	if (r != ERR_STATE)
		return r;
	(void)snprintf(prompt, sizeof(prompt), "Passphrase of %s: ", path);
	secret_init(&pass, KEYFILE_PASSPHRASE_MAX + 2);
	for (int i = 0; i < TRIES; i++) {
		struct why inner;

		if ((r = secret_get(&ask, &pass, &inner)) != 0) {
			(void)why_set(why, r, "its passphrase: %s",
			    inner.text);
			break;
		}
		r = open_with(o, (const char *)pass.data, why);
		if (r != ERR_REFUSED || conf->passphrase_file != NULL)
			break;
		say_error(say, "wrong passphrase of %s", path);
	}
	buf_free(&pass);
	return r;
}

/* why := "PATH: why" */
static int
about(const char *path, int code, struct why *why)
{
	struct why inner = *why;

	return code == 0 ? 0 : why_set(why, code, "%.250s: %.250s", path,
	    inner.text);
}

static int
open_key(struct cred *c, const char *path, const struct conf *conf,
    const struct say *say, struct why *why)
{
	struct opening o = { .c = c };
	struct buf text;
	int r;

	secret_init(&text, KEYFILE_MAX + 1);
	r = path_load(path, PATH_SECRET, KEYFILE_MAX, &text, why);
	if (r == ERR_NOTFOUND)
		r = why_set(why, r, "the key %.300s does not exist; name it "
		    "with -i CERT:KEY", path);
	else if (r == 0) {
		o.text = (struct span){ text.data, text.len };
		r = about(path, open_asking(&o, path, conf, say, why), why);
	}
	buf_free(&text);
	return r;
}

/* ---- files ----------------------------------------------------------------- */

/* X.crt implies X.key; a certificate that holds its own key is both. */
static int
key_of(const char *cert, struct span text, char dst[PATH_MAX],
    struct why *why)
{
	const char *slash = strrchr(cert, '/'), *dot = strrchr(cert, '.');
	size_t n = dot != NULL && dot > slash ? (size_t)(dot - cert) :
	    strlen(cert);

	if (n + sizeof(".key") > PATH_MAX)
		return why_set(why, ERR_TOOBIG, "path too long");
	(void)snprintf(dst, PATH_MAX, "%.*s.key", (int)n, cert);
	if (!there(dst) && keyfile_has_key(text))
		(void)snprintf(dst, PATH_MAX, "%s", cert);
	return 0;
}

static int
open_pair(struct cred *c, const char *cert, struct span text,
    const struct conf *conf, const struct say *say, struct why *why)
{
	char key[PATH_MAX];
	int r = pem_all(text, "CERTIFICATE", &c->der, c->chain, TLS_CHAIN_MAX,
	    &c->n, why);

	if (r != 0)
		return about(cert, r, why);
	if (conf->key != NULL)
		(void)snprintf(key, sizeof(key), "%s", conf->key);
	else if ((r = key_of(cert, text, key, why)) != 0)
		return r;
	if ((r = open_key(c, key, conf, say, why)) != 0)
		return r;
	return about(key, keyfile_fits(c->key, c->chain[0], why), why);
}

static int
open_p12(struct cred *c, const char *path, const struct conf *conf,
    const struct say *say, struct why *why)
{
	struct opening o = { .c = c, .p12 = true };
	struct buf text;
	int r;

	/* afresh: what holds a key must not be readable by others */
	secret_init(&text, KEYFILE_MAX + 1);
	r = path_load(path, PATH_SECRET, KEYFILE_MAX, &text, why);
	if (r == 0) {
		o.text = (struct span){ text.data, text.len };
		r = about(path, open_asking(&o, path, conf, say, why), why);
	}
	buf_free(&text);
	return r;
}

static int
open_file(struct cred *c, const char *path, const struct conf *conf,
    const struct say *say, struct why *why)
{
	struct span text;
	struct buf file;
	int r;

	secret_init(&file, KEYFILE_MAX + 1);
	(void)snprintf(c->from, sizeof(c->from), "%s", path);
	r = path_load(path, 0, KEYFILE_MAX, &file, why);
	text = (struct span){ file.data, file.len };
	if (r == 0)
		r = keyfile_is_p12(text) ?
		    open_p12(c, path, conf, say, why) :
		    open_pair(c, path, text, conf, say, why);
	buf_free(&file);
	return r;
}

/* ---- which ------------------------------------------------------------------- */

static int
open_card(struct cred *c, const char *uri, const struct conf *conf,
    const struct say *say, struct why *why)
{
	int r = card_open(&c->card, uri, conf, say, &c->der, c->from,
	    sizeof(c->from), why);

	if (r == 0) {
		c->chain[0] = (struct span){ c->der.data, c->der.len };
		c->n = 1;
	}
	return r;
}

/* Nothing was named: the usual files, then the configured module. */
static int
open_usual(struct cred *c, const struct conf *conf, const struct say *say,
    struct why *why)
{
	static const char *const names[] = { "id.crt", "id.p12" };
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (snprintf(path, sizeof(path), "%s/.certlogin/%s",
		    conf->home, names[i]) >= (int)sizeof(path))
			continue;
		if (there(path))
			return open_file(c, path, conf, say, why);
	}
	if (conf->module != NULL)
		return open_card(c, NULL, conf, say, why);
	return why_set(why, ERR_NOTFOUND, "no certificate: there is neither "
	    "~/.certlogin/id.crt nor id.p12, and no PKCS#11 module is set; "
	    "name one with -i");
}

int
cred_get(struct cred *c, const struct conf *conf, const struct say *say,
    struct why *why)
{
	*c = (struct cred){ .n = 0 };
	buf_init(&c->der, CHAIN_BYTES);
	if (conf->identity == NULL)
		return open_usual(c, conf, say, why);
	if (strncmp(conf->identity, CONF_PKCS11, strlen(CONF_PKCS11)) == 0)
		return open_card(c, conf->identity, conf, say, why);
	return open_file(c, conf->identity, conf, say, why);
}

void
cred_free(struct cred *c)
{
	keyfile_free(c->key);
	c->key = NULL;
	card_close(c->card);
	c->card = NULL;
	buf_free(&c->der);
	c->n = 0;
}

int
cred_sign(struct cred *c, uint16_t scheme, struct span data, struct buf *sig,
    struct why *why)
{
	return card_sign(c->card, scheme, data, sig, why);
}
