/*
 * revoke: by serial, by the certificate itself, or all live certificates of
 * a name.  Rows and CRL change in one transaction, so no CRL ever says less
 * than the database.
 */
#include <errno.h>
#include <fcntl.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "ca/authority.h"
#include "ca/cmd.h"
#include "ca/print.h"

#define CERT_FILE_MAX 65536
#define TARGETS_MAX (WORDS_SERIAL * 100000)

/* What is to be revoked, found before anything is changed. */
struct targets {
	const struct opts *o;
	struct authority *a;
	int64_t now;
	int reason;
	uint8_t serial[WORDS_SERIAL];
	struct store_query q;
	struct buf der;			/* --cert: the row holds this */
	struct buf serials;		/* WORDS_SERIAL bytes each */
	bool affected[STORE_CAS_MAX];
	bool seen, before;		/* a row; one revoked earlier */
};

/* ---- which --------------------------------------------------------------- */

static int
load_cert(const char *file, struct buf *b, struct why *why)
{
	struct why inner;
	struct stat st;
	int fd, r = 0;

	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return why_errno(why, "%.300s", file);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		r = why_set(why, ERR_SYS, "%.300s: not a regular file", file);
	else if ((r = path_read(fd, CERT_FILE_MAX, b, &inner)) != 0)
		r = why_set(why, r, "%.200s: %.250s", file, inner.text);
	(void)close(fd);
	return r;
}

/* DER of the first certificate in a PEM file; else the file is DER.  It is
 * never parsed: it is one of ours when a row holds the same bytes. */
static int
take_der(const struct buf *file, struct buf *der, struct why *why)
{
	gnutls_datum_t d = { file->data, (unsigned)file->len }, out;

	if (gnutls_pem_base64_decode2("CERTIFICATE", &d, &out) >= 0) {
		buf_put_raw(der, out.data, out.size);
		gnutls_free(out.data);
	} else
		buf_put_raw(der, file->data, file->len);
	return der->err == 0 && der->len > 0 ? 0 : why_set(why, ERR_REFUSED,
	    "no certificate in it");
}

static int
by_cert(struct targets *t, struct why *why)
{
	struct buf file;
	int r;

	buf_init(&file, CERT_FILE_MAX + 1);
	if ((r = load_cert(t->o->cert, &file, why)) == 0)
		r = take_der(&file, &t->der, why);
	t->q.der = (struct span){ t->der.data, t->der.len };
	buf_free(&file);
	return r;
}

static int
by_id(struct targets *t, struct why *why)
{
	enum words_class class;

	if (words_id(t->o->id, &class, &t->q.name, why) != 0)
		return ERR_MALFORMED;
	t->q.class = (int)class;
	t->q.state = STORE_ISSUED;
	t->q.after = t->now;
	return 0;
}

static int
choose(struct targets *t, struct why *why)
{
	const struct opts *o = t->o;

	if ((o->serial != NULL) + (o->cert != NULL) + (o->id != NULL) != 1)
		return why_set(why, ERR_MALFORMED, "expected one of --serial, "
		    "--cert and --id");
	if (o->reason != NULL &&
	    words_reason(o->reason, &t->reason, why) != 0)
		return ERR_MALFORMED;
	if (o->id != NULL)
		return by_id(t, why);
	if (o->cert != NULL)
		return by_cert(t, why);
	t->q.serial = t->serial;
	return words_serial(o->serial, t->serial, why);
}

/* ---- rows ---------------------------------------------------------------- */

static int
collect(void *arg, const struct store_cert *c, struct why *why)
{
	struct targets *t = arg;
	char hex[WORDS_HEX];

	words_hex(c->serial, hex);
	if (c->state == STORE_PENDING || c->state == STORE_ABANDONED)
		return why_set(why, ERR_REFUSED, "nothing was ever signed "
		    "with serial %s", hex);
	t->seen = true;
	if (c->state == STORE_REVOKED) {
		t->before = true;
		return 0;
	}
	for (size_t i = 0; i < t->a->cas.n; i++)
		if (t->a->cas.ca[i].id == c->ca)
			t->affected[i] = true;
	buf_put_raw(&t->serials, c->serial, WORDS_SERIAL);
	return buf_err(&t->serials) == 0 ? 0 : why_set(why, ERR_TOOBIG,
	    "too many certificates at once");
}

static int
find(struct targets *t, struct why *why)
{
	int r = store_each(t->a->s, &t->q, collect, t, why);

	if (r != 0 || t->seen)
		return r;
	return t->o->id != NULL ? why_set(why, ERR_NOTFOUND, "%.100s has no "
	    "live certificate; see certlogin-ca list --id %.100s", t->o->id,
	    t->o->id) : why_set(why, ERR_NOTFOUND, "this CA never gave out "
	    "that %s", t->o->cert != NULL ? "certificate" : "serial");
}

/* The keys before the transaction: nobody waits for a passphrase with the
 * store locked. */
static int
open_keys(struct targets *t, struct why *why)
{
	gnutls_x509_crt_t crt;
	gnutls_privkey_t key;
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->a->cas.n; i++)
		if (t->affected[i])
			r = authority_use(t->a, &t->a->cas.ca[i], &crt, &key,
			    why);
	return r;
}

static int
change(struct targets *t, struct why *why)
{
	int r = store_begin(t->a->s, why);

	/* only now: another process may have had the store for a while */
	t->now = time(NULL);
	for (size_t k = 0; r == 0 && k < t->serials.len; k += WORDS_SERIAL)
		r = store_set_revoked(t->a->s, t->serials.data + k, t->now,
		    t->reason, why);
	for (size_t i = 0; r == 0 && i < t->a->cas.n; i++)
		if (t->affected[i])
			r = authority_crl(t->a, &t->a->cas.ca[i], t->now,
			    why);
	return r == 0 ? store_commit(t->a->s, why) : r;
}

static void
say(const struct targets *t)
{
	char hex[WORDS_HEX];

	if (t->o->json)
		(void)fputs("{\"revoked\":[", stdout);
	for (size_t k = 0; k < t->serials.len; k += WORDS_SERIAL) {
		words_hex(t->serials.data + k, hex);
		if (t->o->json)
			(void)printf("%s\"%s\"", k > 0 ? "," : "", hex);
		else
			(void)printf("revoked %s\n", hex);
	}
	if (t->o->json)
		(void)puts("]}");
	else if (t->serials.len == 0)
		(void)puts("was revoked before");
	else
		(void)puts("the new CRL reaches hosts by: certlogin-ca crl "
		    "--out DIR, or export");
}

int
cmd_revoke(const struct opts *o, struct why *why)
{
	struct targets t = { .o = o, .q = STORE_ANY, .now = time(NULL) };
	struct authority a = { .s = NULL };
	int r;

	t.a = &a;
	buf_init(&t.der, CERT_FILE_MAX);
	buf_init(&t.serials, TARGETS_MAX);
	if ((r = choose(&t, why)) == 0 &&
	    (r = authority_open(&a, o->dir, STORE_USE, o->passphrase_file,
	    why)) == 0 &&
	    (r = find(&t, why)) == 0 && (t.serials.len == 0 ||
	    ((r = open_keys(&t, why)) == 0 && (r = change(&t, why)) == 0)))
		say(&t);
	buf_free(&t.der);
	buf_free(&t.serials);
	authority_close(&a);
	return r == 0 ? print_end(why) : r;
}
