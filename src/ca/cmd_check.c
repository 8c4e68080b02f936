/*
 * check: the store against itself.  Database, keys, certificates and CRLs
 * must tell the same story; changes nothing.
 */
#include <dirent.h>
#include <gnutls/x509.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/json.h"
#include "ca/authority.h"
#include "ca/cmd.h"
#include "ca/keys.h"
#include "ca/mint.h"
#include "ca/print.h"

struct check {
	struct authority a;
	const struct opts *o;
	bool alone, keys_closed;
	int64_t now;
	size_t problems, notes, certs;
};

/* ---- findings ------------------------------------------------------------ */

static void
tell(struct check *k, bool problem, const char *fmt, va_list ap)
{
	char text[WHY_MAX], clean[2 * WHY_MAX];
	bool first = k->problems + k->notes == 0;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	err_escape(clean, sizeof(clean), text, strlen(text));
	if (k->o->json) {
		(void)fputs(first ? "{\"kind\":" : ",\n{\"kind\":", stdout);
		json_string(problem ? "problem" : "note");
		print_json_member("text", clean);
		(void)putchar('}');
	} else
		(void)printf("%s: %s\n", problem ? "problem" : "note", clean);
	if (problem)
		k->problems++;
	else
		k->notes++;
}

static void problem(struct check *, const char *, ...)
    __attribute__((format(printf, 2, 3)));
static void note(struct check *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
problem(struct check *k, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(k, true, fmt, ap);
	va_end(ap);
}

static void
note(struct check *k, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(k, false, fmt, ap);
	va_end(ap);
}

/* ---- files --------------------------------------------------------------- */

static void
check_mode(struct check *k, const char *path, bool optional)
{
	struct stat st;

	if (lstat(path, &st) != 0) {
		if (!optional)
			problem(k, "%s is not there", path);
		return;
	}
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		problem(k, "%s is open to others (mode %04o); expected none "
		    "of group's and others' bits", path,
		    (unsigned)st.st_mode & 07777);
}

static bool
known_key(const struct check *k, const char *name)
{
	for (size_t i = 0; i < k->a.cas.n; i++)
		if (strcmp(k->a.cas.ca[i].key_file, name) == 0)
			return true;
	return false;
}

static void
check_files(struct check *k)
{
	static const char *const files[] = { STORE_DB, STORE_DB "-wal",
	    STORE_DB "-shm", "lock" };
	const char *dir = store_dir(k->a.s), *keys = store_keys(k->a.s);
	char path[8192];
	struct dirent *e;
	DIR *d;

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		check_mode(k, path, i > 0);
	}
	check_mode(k, keys, false);
	if ((d = opendir(keys)) == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		(void)snprintf(path, sizeof(path), "%s/%s", keys, e->d_name);
		check_mode(k, path, false);
		if (!known_key(k, e->d_name))
			note(k, "%s belongs to no CA of this realm; it can be "
			    "removed", path);
	}
	(void)closedir(d);
}

/* ---- CAs ----------------------------------------------------------------- */

/* A key is there, opens and fits; the root's may be elsewhere. */
static void
check_key(struct check *k, const struct store_ca *ca)
{
	gnutls_x509_crt_t crt;
	gnutls_privkey_t key;
	char path[8192];
	struct stat st;
	struct why why;
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", store_keys(k->a.s),
	    ca->key_file);
	if (lstat(path, &st) != 0) {
		if (ca->class == WORDS_ROOT)
			note(k, "%s is not here: the root is offline", path);
		else
			problem(k, "%s is not there", path);
		return;
	}
	if (k->keys_closed)
		return;
	if ((r = authority_use(&k->a, ca, &crt, &key, &why)) == 0)
		return;
	if (k->a.pass.len == 0) {
		k->keys_closed = true;
		note(k, "the keys were not opened: %s", why.text);
	} else
		problem(k, "%s", why.text);
}

static bool
same_serial(gnutls_x509_crt_t crt, const uint8_t serial[WORDS_SERIAL])
{
	uint8_t raw[64];
	size_t n = sizeof(raw);

	return gnutls_x509_crt_get_serial(crt, raw, &n) >= 0 &&
	    n == WORDS_SERIAL && memcmp(raw, serial, n) == 0;
}

static bool
signed_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
	unsigned status = 0;

	return gnutls_x509_crt_verify(crt, &issuer, 1,
	    GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
	    GNUTLS_VERIFY_DO_NOT_ALLOW_SAME, &status) >= 0 && status == 0 &&
	    gnutls_x509_crt_check_issuer(crt, issuer) != 0;
}

static gnutls_x509_crt_t
crt_of(struct check *k, const struct store_ca *ca)
{
	gnutls_x509_crt_t crt;

	return authority_use(&k->a, ca, &crt, NULL, NULL) == 0 ? crt : NULL;
}

/* Signed by any root of ours; the root by itself. */
static bool
below_root(struct check *k, const struct store_ca *ca, gnutls_x509_crt_t crt)
{
	for (size_t i = 0; i < k->a.cas.n; i++) {
		const struct store_ca *root = &k->a.cas.ca[i];

		if (root->class != WORDS_ROOT ||
		    (ca->class == WORDS_ROOT && root != ca))
			continue;
		if (crt_of(k, root) != NULL && signed_by(crt,
		    crt_of(k, root)) && ca->not_after <= root->not_after)
			return true;
	}
	return false;
}

static void
check_ca(struct check *k, const struct store_ca *ca)
{
	const char *class = words_class(ca->class);
	gnutls_x509_crt_t crt = crt_of(k, ca);
	long long gen = (long long)ca->generation;

	if (crt == NULL) {
		problem(k, "%s CA %lld: its certificate cannot be read",
		    class, gen);
		return;
	}
	if (!same_serial(crt, ca->serial) ||
	    gnutls_x509_crt_get_activation_time(crt) != ca->not_before ||
	    gnutls_x509_crt_get_expiration_time(crt) != ca->not_after)
		problem(k, "%s CA %lld: database and certificate differ in "
		    "serial or dates", class, gen);
	if (!below_root(k, ca, crt))
		problem(k, "%s CA %lld: its certificate does not verify with "
		    "a root of this store", class, gen);
	if (ca->not_after <= k->now)
		note(k, "%s CA %lld is over", class, gen);
	check_key(k, ca);
}

/* ---- CRLs ---------------------------------------------------------------- */

static void
check_crl(struct check *k, const struct store_ca *ca)
{
	const char *class = words_class(ca->class);
	long long gen = (long long)ca->generation;
	struct why why;

	if (authority_check_crl(&k->a, ca, &why) != 0)
		problem(k, "%s CA %lld: %s; run: certlogin-ca crl", class,
		    gen, why.text);
	else if (ca->crl_next <= k->now && ca->not_after > k->now)
		problem(k, "%s CA %lld: its CRL is over; run: certlogin-ca "
		    "crl", class, gen);
}

/* ---- certificates -------------------------------------------------------- */

/* The one URI is the one that the row stands for. */
static bool
right_uri(struct check *k, const struct store_cert *c, gnutls_x509_crt_t crt)
{
	char uri[WORDS_URI_MAX], san[1024];
	unsigned found = 0;
	int type;

	words_uri(store_realm(k->a.s), c->class, c->name, uri);
	for (unsigned i = 0;; i++) {
		size_t n = sizeof(san);

		type = gnutls_x509_crt_get_subject_alt_name(crt, i, san, &n,
		    NULL);
		if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			return found == 1;
		if (type < 0)
			return false;
		if (type == GNUTLS_SAN_URI) {
			found++;
			if (n != strlen(uri) || memcmp(san, uri, n) != 0)
				return false;
		}
	}
}

static const struct store_ca *
ca_of(const struct check *k, int64_t id)
{
	for (size_t i = 0; i < k->a.cas.n; i++)
		if (k->a.cas.ca[i].id == id)
			return &k->a.cas.ca[i];
	return NULL;
}

static void
check_signed(struct check *k, const struct store_cert *c, const char *hex)
{
	const struct store_ca *ca = ca_of(k, c->ca);
	gnutls_x509_crt_t crt, issuer = ca != NULL ? crt_of(k, ca) : NULL;
	struct why why;

	if (mint_import(c->der, &crt, &why) != 0) {
		problem(k, "%s: its certificate cannot be read", hex);
		return;
	}
	if (!same_serial(crt, c->serial) ||
	    gnutls_x509_crt_get_activation_time(crt) != c->not_before ||
	    gnutls_x509_crt_get_expiration_time(crt) != c->not_after)
		problem(k, "%s: database and certificate differ in serial or "
		    "dates", hex);
	if (!right_uri(k, c, crt))
		problem(k, "%s: its URI is not that of %s/%s", hex,
		    words_class(c->class), c->name);
	if (issuer == NULL || ca->class != c->class ||
	    !signed_by(crt, issuer) || c->not_after > ca->not_after)
		problem(k, "%s: not signed by, or not within the time of, its "
		    "issuer in this store", hex);
	gnutls_x509_crt_deinit(crt);
}

static int
check_cert(void *arg, const struct store_cert *c, struct why *why)
{
	struct check *k = arg;
	char hex[WORDS_HEX];

	(void)why;
	words_hex(c->serial, hex);
	if (c->state == STORE_ISSUED || c->state == STORE_REVOKED) {
		k->certs++;
		check_signed(k, c, hex);
	}
	if (c->state != STORE_PENDING && c->target == NULL)
		return 0;
	if (k->alone)
		problem(k, "%s of %s/%s was left unfinished; the next command "
		    "but check puts it right", hex, words_class(c->class),
		    c->name);
	else
		note(k, "%s of %s/%s is in the making", hex,
		    words_class(c->class), c->name);
	return 0;
}

/* ---- all ----------------------------------------------------------------- */

static void
check_all(struct check *k)
{
	struct store_query q = STORE_ANY;
	struct why why;

	if (store_integrity(k->a.s, &why) != 0)
		problem(k, "%s", why.text);
	check_files(k);
	for (size_t i = 0; i < k->a.cas.n; i++)
		check_ca(k, &k->a.cas.ca[i]);
	for (size_t i = 0; i < k->a.cas.n; i++)
		if (k->a.cas.ca[i].class != WORDS_ROOT)
			check_crl(k, &k->a.cas.ca[i]);
	if (store_each(k->a.s, &q, check_cert, k, &why) != 0)
		problem(k, "%s", why.text);
}

/* The picture is taken while it is known whether anybody is at work. */
static int
look(struct check *k, struct why *why)
{
	int r;

	k->alone = store_alone(k->a.s);
	r = store_freeze(k->a.s, why);
	store_not_alone(k->a.s);
	return r == 0 ? store_cas(k->a.s, &k->a.cas, why) : r;
}

int
cmd_check(const struct opts *o, struct why *why)
{
	struct check k = { .o = o, .now = time(NULL) };
	int r;

	if ((r = authority_open(&k.a, o->dir, STORE_LOOK, o->passphrase_file,
	    why)) == 0 &&
	    (r = look(&k, why)) == 0) {
		if (o->json)
			(void)putchar('[');
		check_all(&k);
		if (o->json)
			(void)puts("]");
		else
			(void)printf("%zu certificates, %zu problems\n",
			    k.certs, k.problems);
	}
	authority_close(&k.a);
	if (r == 0 && (r = print_end(why)) == 0 && k.problems > 0)
		r = EXIT_PROBLEM;
	return r;
}
