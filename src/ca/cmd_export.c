/*
 * export: what a host needs to trust this realm.  Anchors and CRLs first,
 * a rename per file, so that trust.conf never names what is not there; an
 * edited trust.conf is left alone.
 */
#include <gnutls/crypto.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "ca/authority.h"
#include "ca/cmd.h"
#include "ca/keys.h"
#include "ca/out.h"
#include "ca/print.h"

#define CONF_MAX (256 * 1024)	/* as much as certlogind reads */
#define SUM_HEX 65
/* the first line: how an edited file is told from one of ours */
static const char mark[] = "# by certlogin-ca export; unedited while the "
    "rest has sha256:";

/* ---- the text ------------------------------------------------------------ */

static void
put(struct buf *b, const char *text)
{
	buf_put_raw(b, text, strlen(text));
}

/* The URI says who it is and is fenced; further names of any leaf are the
 * admin's to give, and every form that issue takes must be let by. */
static void
put_names(struct buf *b, const char *realm, const char *class)
{
	put(b, "names      = uri=spiffe://");
	put(b, realm);
	put(b, "/");
	put(b, class);
	put(b, "/*, dns=*, ip=*, email=*@*, upn=*@*\n");
}

static void
put_authority(struct buf *b, const char *realm, const char *class)
{
	put(b, "\n[authority ");
	put(b, class);
	put(b, "]\nclass      = ");
	put(b, class);
	put(b, "\nanchor     = ca/");
	put(b, class);
	put(b, ".crt\n");
	put_names(b, realm, class);
	put(b, "revocation = require\ncrl        = crl/");
	put(b, class);
	put(b, ".crl\n");
}

static int
sum(const void *p, size_t n, char hex[SUM_HEX], struct why *why)
{
	uint8_t raw[32];
	int e = gnutls_hash_fast(GNUTLS_DIG_SHA256, p, n, raw);

	if (e < 0)
		return keys_crypto(why, "SHA-256", e);
	for (size_t i = 0; i < sizeof(raw); i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

static int
make_conf(const char *realm, struct buf *out, struct why *why)
{
	char hex[SUM_HEX];
	struct buf body;
	int r;

	buf_init(&body, CONF_MAX);
	put(&body, "# trust.conf(5): the realm ");
	put(&body, realm);
	put(&body, "\n");
	for (int c = 0; c < WORDS_CLASSES; c++)
		put_authority(&body, realm, words_class((enum words_class)c));
	if ((r = buf_err(&body)) == 0 &&
	    (r = sum(body.data, body.len, hex, why)) == 0) {
		put(out, mark);
		put(out, hex);
		put(out, "\n");
		buf_put_raw(out, body.data, body.len);
		r = buf_err(out);
	}
	buf_free(&body);
	return r;
}

/* Does its first line still speak the truth about the rest? */
static bool
unedited(const struct buf *old)
{
	const uint8_t *end = memchr(old->data, '\n', old->len);
	size_t head = end != NULL ? (size_t)(end - old->data) : 0;
	char hex[SUM_HEX];

	if (head != sizeof(mark) - 1 + SUM_HEX - 1 ||
	    memcmp(old->data, mark, sizeof(mark) - 1) != 0 ||
	    sum(end + 1, old->len - head - 1, hex, NULL) != 0)
		return false;
	return memcmp(old->data + sizeof(mark) - 1, hex, SUM_HEX - 1) == 0;
}

/* ---- the files ----------------------------------------------------------- */

/* Where the new text goes: trust.conf, trust.conf.new, or nowhere ("") */
static int
choose_conf(const char *dir, const struct buf *text, char path[PATH_MAX],
    struct why *why)
{
	struct buf old;
	int fd, r = 0;

	(void)snprintf(path, PATH_MAX, "%s/trust.conf", dir);
	if ((fd = path_open(path, 0, why)) < 0)
		return fd == ERR_NOTFOUND ? 0 : fd;
	buf_init(&old, CONF_MAX + 1);
	if ((r = path_read(fd, CONF_MAX, &old, why)) == 0) {
		if (old.len == text->len &&
		    memcmp(old.data, text->data, old.len) == 0)
			path[0] = '\0';
		else if (!unedited(&old))
			(void)snprintf(path, PATH_MAX, "%s/trust.conf.new",
			    dir);
	}
	buf_free(&old);
	(void)close(fd);
	return r;
}

static int
write_conf(const struct authority *a, const char *dir, bool *beside,
    struct why *why)
{
	char path[PATH_MAX];
	struct buf text;
	int r;

	buf_init(&text, CONF_MAX);
	if ((r = make_conf(store_realm(a->s), &text, why)) == 0 &&
	    (r = choose_conf(dir, &text, path, why)) == 0 && path[0] != '\0')
		r = path_replace(path, 0644, text.data, text.len, why);
	*beside = r == 0 && strstr(path, "trust.conf.new") != NULL;
	buf_free(&text);
	return r;
}

static int
write_anchors(const struct authority *a, const char *dir, int64_t now,
    struct why *why)
{
	char path[PATH_MAX + 32];
	struct buf pem;
	int r;

	(void)snprintf(path, sizeof(path), "%s/ca", dir);
	r = out_mkdir(path, 0755, why);
	for (int c = 0; r == 0 && c < WORDS_CLASSES; c++) {
		(void)snprintf(path, sizeof(path), "%s/ca/%s.crt", dir,
		    words_class((enum words_class)c));
		if ((r = authority_anchors(a, (enum words_class)c, now, &pem,
		    why)) == 0)
			r = path_replace(path, 0644, pem.data, pem.len, why);
		buf_free(&pem);
	}
	return r;
}

int
cmd_export(const struct opts *o, struct why *why)
{
	int64_t now = time(NULL);
	struct authority a;
	char dir[PATH_MAX];
	bool beside = false;
	int r;

	if ((r = authority_open(&a, o->dir, STORE_USE, o->passphrase_file,
	    why)) == 0 &&
	    (r = out_mkdir(o->out, 0755, why)) == 0 &&
	    (r = out_real(o->out, dir, why)) == 0 &&
	    (r = write_anchors(&a, dir, now, why)) == 0 &&
	    (r = authority_write_crls(&a, dir, now, why)) == 0)
		r = write_conf(&a, dir, &beside, why);
	if (r == 0)
		(void)printf("exported realm %s to %s\n", store_realm(a.s),
		    dir);
	if (beside)
		(void)printf("trust.conf there was edited and stays as it is; "
		    "the new one is %s/trust.conf.new\n", dir);
	authority_close(&a);
	return r == 0 ? print_end(why) : r;
}
