/*
 * init: a root, an issuing CA for each class, their first CRLs.  Everything
 * is one transaction; key files are on disk before it is committed, so a
 * killed init leaves at most keys without certificates, which the next one
 * replaces.
 */
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "base/path.h"
#include "ca/authority.h"
#include "ca/cmd.h"
#include "ca/keys.h"
#include "ca/mint.h"
#include "ca/pass.h"
#include "ca/print.h"

#define DAY 86400
#define ROOT_DAYS 7305		/* 20 years */
#define ISSUING_DAYS 1826	/* 5 years */

/* Certificate and key that the issuing CAs are signed with. */
struct root {
	gnutls_x509_crt_t crt;
	gnutls_privkey_t key;
};

static int
save_key(struct authority *a, gnutls_x509_privkey_t key, const char *file,
    struct why *why)
{
	char path[PATH_MAX + 40];
	struct buf pem;
	int r;

	buf_init_secret(&pem, KEYS_FILE_MAX);
	(void)snprintf(path, sizeof(path), "%s/%s", store_keys(a->s), file);
	if ((r = keys_pem(key, (const char *)a->pass.data, &pem, why)) == 0)
		r = path_replace(path, 0600, pem.data, pem.len, why);
	buf_free(&pem);
	return r;
}

static int
sign_ca(struct authority *a, enum words_class class, gnutls_privkey_t key,
    const struct root *root, const char *file, struct buf *der,
    struct why *why)
{
	int64_t now = time(NULL), id;
	uint8_t serial[WORDS_SERIAL];
	struct mint_ca m = { .realm = store_realm(a->s), .class = class,
	    .generation = 1, .serial = serial, .not_before = now - MINT_BACK,
	    .not_after = now + (int64_t)DAY * (class == WORDS_ROOT ?
	    ROOT_DAYS : ISSUING_DAYS) };
	struct store_ca ca = { .class = class, .generation = 1,
	    .not_before = m.not_before, .not_after = m.not_after };
	int r;

	if ((r = mint_serial(serial, why)) != 0 ||
	    (r = mint_ca(&m, key, root->crt, root->key, der, why)) != 0)
		return r;
	for (size_t i = 0; i < WORDS_SERIAL; i++)
		ca.serial[i] = serial[i];
	(void)snprintf(ca.key_file, sizeof(ca.key_file), "%s", file);
	ca.der = (struct span){ der->data, der->len };
	return store_add_ca(a->s, &ca, &id, why);
}

/* A new CA; the root hands its certificate and key to *root. */
static int
make_ca(struct authority *a, enum words_class class, struct root *root,
    struct why *why)
{
	gnutls_x509_privkey_t x509 = NULL;
	gnutls_privkey_t key = NULL;
	char file[32];
	struct buf der;
	int r, e;

	buf_init(&der, MINT_CERT_MAX);
	(void)snprintf(file, sizeof(file), "%s-1.key", words_class(class));
	if ((r = keys_make(KEYS_P384, &x509, why)) != 0)
		return r;
	if ((r = save_key(a, x509, file, why)) != 0)
		goto out;
	if ((e = gnutls_privkey_init(&key)) < 0 ||
	    (e = gnutls_privkey_import_x509(key, x509,
	    GNUTLS_PRIVKEY_IMPORT_COPY)) < 0) {
		r = keys_crypto(why, "new key", e);
		goto out;
	}
	if ((r = sign_ca(a, class, key, root, file, &der, why)) != 0 ||
	    class != WORDS_ROOT)
		goto out;
	r = mint_import((struct span){ der.data, der.len }, &root->crt, why);
	root->key = key;
	key = NULL;
out:
	gnutls_x509_privkey_deinit(x509);
	if (key != NULL)
		gnutls_privkey_deinit(key);
	buf_free(&der);
	return r;
}

static int
make_all(struct authority *a, const char *realm, struct why *why)
{
	struct root root = { NULL, NULL };
	int64_t now = time(NULL);
	int r;

	if ((r = store_make_realm(a->s, realm, why)) == 0)
		r = make_ca(a, WORDS_ROOT, &root, why);
	for (int c = 0; r == 0 && c < WORDS_CLASSES; c++)
		r = make_ca(a, (enum words_class)c, &root, why);
	if (root.crt != NULL)
		gnutls_x509_crt_deinit(root.crt);
	if (root.key != NULL)
		gnutls_privkey_deinit(root.key);
	if (r == 0)
		r = store_cas(a->s, &a->cas, why);
	/* reads the keys back from their files, too */
	for (size_t i = 0; r == 0 && i < a->cas.n; i++)
		if (a->cas.ca[i].class != WORDS_ROOT)
			r = authority_crl(a, &a->cas.ca[i], now, why);
	return r;
}

int
cmd_init(const struct opts *o, struct why *why)
{
	struct authority a;
	int r;

	if ((r = words_check_realm(o->realm, why)) != 0)
		return r;
	if ((r = authority_open(&a, o->dir, STORE_MAKE, o->passphrase_file,
	    why)) != 0)
		goto out;
	if (store_realm(a.s)[0] != '\0')
		r = why_set(why, ERR_EXISTS, "there is a CA in %.300s "
		    "already, of realm %s", store_dir(a.s), store_realm(a.s));
	else if ((r = pass_get(o->passphrase_file, "New passphrase for the "
	    "CA's keys", 1, &a.pass, why)) == 0 &&
	    (r = store_begin(a.s, why)) == 0 &&
	    (r = make_all(&a, o->realm, why)) == 0)
		r = store_commit(a.s, why);
	if (r == 0)
		(void)printf("made the CA of realm %s in %s\nits root key, "
		    "%s/root-1.key, can be taken offline\n", o->realm,
		    store_dir(a.s), store_keys(a.s));
out:
	authority_close(&a);
	return r == 0 ? print_end(why) : r;
}
