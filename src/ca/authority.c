#include "ca/authority.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "ca/crl.h"
#include "ca/keys.h"
#include "ca/mint.h"
#include "ca/out.h"
#include "ca/pass.h"

#define ANCHORS_MAX (STORE_CAS_MAX * 8192)

int
authority_open(struct authority *a, const char *dir, enum store_mode mode,
    const char *pass_file, struct why *why)
{
	int r;

	*a = (struct authority){ .pass_file = pass_file };
	pass_init(&a->pass);
	if ((r = store_open(&a->s, dir, mode, why)) != 0)
		/* not a refusal: without a CA nothing can be done */
		return r == ERR_NOTFOUND ? ERR_SYS : r;
	(void)fputs(store_healed(a->s), stderr);
	return mode == STORE_USE ? store_cas(a->s, &a->cas, why) : 0;
}

void
authority_close(struct authority *a)
{
	for (size_t i = 0; i < STORE_CAS_MAX; i++) {
		if (a->crt[i] != NULL)
			gnutls_x509_crt_deinit(a->crt[i]);
		if (a->key[i] != NULL)
			gnutls_privkey_deinit(a->key[i]);
	}
	store_cas_free(&a->cas);
	store_close(a->s);
	buf_free(&a->pass);
}

static int
open_key(struct authority *a, const struct store_ca *ca, size_t i,
    struct why *why)
{
	gnutls_privkey_t key;
	int r;

	if (a->pass.len == 0 && (r = pass_get(a->pass_file,
	    "Passphrase of the CA", 0, &a->pass, why)) != 0)
		return r;
	if ((r = keys_open(store_keys(a->s), ca->key_file,
	    (const char *)a->pass.data, &key, why)) != 0)
		return r == ERR_NOTFOUND ? ERR_SYS : r;
	if ((r = keys_match(key, a->crt[i], why)) != 0) {
		gnutls_privkey_deinit(key);
		return why_set(why, r, "%.300s/%s: key and certificate do not "
		    "belong together; run: certlogin-ca check",
		    store_keys(a->s), ca->key_file);
	}
	a->key[i] = key;
	return 0;
}

int
authority_use(struct authority *a, const struct store_ca *ca,
    gnutls_x509_crt_t *crt, gnutls_privkey_t *key, struct why *why)
{
	size_t i = (size_t)(ca - a->cas.ca);
	int r;

	if (a->crt[i] == NULL &&
	    (r = mint_import(ca->der, &a->crt[i], why)) != 0) {
		a->crt[i] = NULL;
		return r;
	}
	if (key != NULL && a->key[i] == NULL &&
	    (r = open_key(a, ca, i, why)) != 0)
		return r;
	*crt = a->crt[i];
	if (key != NULL)
		*key = a->key[i];
	return 0;
}

int
authority_current(struct authority *a, enum words_class class, int64_t now,
    const struct store_ca **ca, struct why *why)
{
	*ca = store_cas_current(&a->cas, class, now);
	if (*ca == NULL)
		return why_set(why, ERR_REFUSED, "no CA of this realm issues "
		    "for class %s any more: its certificate is over",
		    words_class(class));
	return 0;
}

/* ---- CRLs ---------------------------------------------------------------- */

struct collect {
	struct crl crl;
	int64_t since;
};

static int
collect_one(void *arg, const struct store_cert *c, struct why *why)
{
	struct collect *k = arg;

	(void)why;
	if (c->not_after > k->since)
		crl_add(&k->crl, c->serial, c->revoked, c->reason);
	return 0;
}

/* What a CRL of this moment lists. */
static int
collect(struct authority *a, const struct store_ca *ca, int64_t this_update,
    struct crl *crl, struct why *why)
{
	struct store_query q = STORE_ANY;
	struct collect k = { .since = this_update - CRL_KEEP };
	int r;

	crl_init(&k.crl);
	q.ca = ca->id;
	q.state = STORE_REVOKED;
	if ((r = store_each(a->s, &q, collect_one, &k, why)) == 0)
		*crl = k.crl;
	else
		crl_free(&k.crl);
	return r;
}

int
authority_crl(struct authority *a, const struct store_ca *ca, int64_t now,
    struct why *why)
{
	int64_t number = 0, next = now + CRL_DAYS * 86400;
	gnutls_x509_crt_t crt;
	gnutls_privkey_t key;
	struct crl crl;
	struct buf der;
	int r;

	if ((r = authority_use(a, ca, &crt, &key, why)) != 0 ||
	    (r = collect(a, ca, now, &crl, why)) != 0)
		return r;
	buf_init(&der, CRL_MAX);
	if ((r = store_next_crl_number(a->s, ca->id, &number, why)) == 0 &&
	    (r = crl_sign(&crl, crt, key, number, now, next, &der,
	    why)) == 0)
		r = store_set_crl(a->s, ca->id, number, now, next,
		    (struct span){ der.data, der.len }, why);
	crl_free(&crl);
	buf_free(&der);
	return r;
}

int
authority_check_crl(struct authority *a, const struct store_ca *ca,
    struct why *why)
{
	gnutls_x509_crt_t crt;
	struct crl crl;
	int r;

	if (ca->crl.n == 0)
		return why_set(why, ERR_REFUSED, "there is no CRL");
	if ((r = authority_use(a, ca, &crt, NULL, why)) != 0 ||
	    (r = collect(a, ca, ca->crl_this, &crl, why)) != 0)
		return r;
	r = crl_same(&crl, crt, ca->crl_number, ca->crl_this, ca->crl_next,
	    ca->crl, why);
	crl_free(&crl);
	return r;
}

int
authority_anchors(const struct authority *a, enum words_class class,
    int64_t now, struct buf *out, struct why *why)
{
	int r = 0;

	buf_init(out, ANCHORS_MAX);
	for (size_t i = 0; r == 0 && i < a->cas.n; i++)
		if (a->cas.ca[i].class == class &&
		    a->cas.ca[i].not_after > now)
			r = mint_pem("CERTIFICATE", a->cas.ca[i].der, out,
			    why);
	if (r == 0 && out->len == 0)
		r = why_set(why, ERR_REFUSED, "no CA of class %s is left: all "
		    "are over", words_class(class));
	if (r != 0)
		buf_free(out);
	return r;
}

static int
write_crl(const struct authority *a, const char *dir, enum words_class class,
    int64_t now, struct why *why)
{
	char path[PATH_MAX + 32];
	struct buf b;
	int r = 0;

	buf_init(&b, 2 * CRL_MAX);
	for (size_t i = 0; r == 0 && i < a->cas.n; i++)
		if (a->cas.ca[i].class == class && a->cas.ca[i].crl.n > 0 &&
		    a->cas.ca[i].not_after > now)
			r = mint_pem("X509 CRL", a->cas.ca[i].crl, &b, why);
	(void)snprintf(path, sizeof(path), "%s/crl/%s.crl", dir,
	    words_class(class));
	if (r == 0 && b.len > 0)
		r = path_replace(path, 0644, b.data, b.len, why);
	buf_free(&b);
	return r;
}

int
authority_write_crls(const struct authority *a, const char *dir, int64_t now,
    struct why *why)
{
	char path[PATH_MAX + 8];
	int r;

	if (snprintf(path, sizeof(path), "%s/crl", dir) >= PATH_MAX)
		return why_set(why, ERR_SYS, "--out: path too long");
	r = out_mkdir(path, 0755, why);
	for (int c = 0; r == 0 && c < WORDS_CLASSES; c++)
		r = write_crl(a, dir, (enum words_class)c, now, why);
	return r;
}
