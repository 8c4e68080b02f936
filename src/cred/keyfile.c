#include "cred/keyfile.h"

#include <gnutls/abstract.h>
#include <gnutls/pkcs12.h>
#include <gnutls/x509.h>
#include <string.h>

#define KEY_ID_MAX 64

static gnutls_datum_t
datum(struct span s)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)s.p,
	    (unsigned)s.n };
}

static bool
has(struct span text, const char *word)
{
	return text.n > 0 &&
	    memmem(text.p, text.n, word, strlen(word)) != NULL;
}

bool
keyfile_has_key(struct span text)
{
	return has(text, "PRIVATE KEY-----");
}

static bool
is_pem(struct span text)
{
	return has(text, "-----BEGIN ");
}

/* PFX begins with version 3 (RFC 7292 section 4), a key with 0 or 1. */
bool
keyfile_is_p12(struct span text)
{
	struct rd r = rd_of_span(text);
	uint8_t length;

	if (text.n < 8 || rd_u8(&r) != 0x30)
		return false;
	if ((length = rd_u8(&r)) >= 0x80)
		(void)rd_raw(&r, length & 0x7f);
	return rd_u8(&r) == 2 && rd_u8(&r) == 1 && rd_u8(&r) == 3 &&
	    r.err == 0;
}

static bool
is_encrypted(struct span text)
{
	return has(text, "-----BEGIN ENCRYPTED PRIVATE KEY-----") ||
	    has(text, "Proc-Type: 4,ENCRYPTED");
}

static int
failed(int rc, struct why *why)
{
	if (rc == GNUTLS_E_DECRYPTION_FAILED ||
	    rc == GNUTLS_E_MAC_VERIFY_FAILED)
		return why_set(why, ERR_REFUSED, "wrong passphrase");
	return why_set(why, ERR_MALFORMED, "%s", gnutls_strerror(rc));
}

/* Put the key into the clothes that a TLS session takes; takes over x. */
static int
dress(gnutls_x509_privkey_t x, struct gnutls_privkey_st **key,
    struct why *why)
{
	gnutls_privkey_t k;
	int rc;

	if ((rc = gnutls_privkey_init(&k)) < 0) {
		gnutls_x509_privkey_deinit(x);
		return failed(rc, why);
	}
	rc = gnutls_privkey_import_x509(k, x,
	    GNUTLS_PRIVKEY_IMPORT_AUTO_RELEASE);
	if (rc < 0) {
		gnutls_x509_privkey_deinit(x);
		gnutls_privkey_deinit(k);
		return failed(rc, why);
	}
	*key = k;
	return 0;
}

int
keyfile_key(struct span text, const char *passphrase,
    struct gnutls_privkey_st **key, struct why *why)
{
	gnutls_x509_crt_fmt_t format = is_pem(text) ? GNUTLS_X509_FMT_PEM :
	    GNUTLS_X509_FMT_DER;
	gnutls_datum_t d = datum(text);
	gnutls_x509_privkey_t x;
	int rc;

	if (passphrase == NULL && is_encrypted(text))
		return why_set(why, ERR_STATE, "it is encrypted");
	if ((rc = gnutls_x509_privkey_init(&x)) < 0)
		return failed(rc, why);
	rc = gnutls_x509_privkey_import2(x, &d, format, passphrase,
	    passphrase == NULL ? GNUTLS_PKCS_PLAIN : 0);
	if (rc == 0)
		return dress(x, key, why);
	gnutls_x509_privkey_deinit(x);
	/* in DER only a try tells whether it is encrypted */
	if (passphrase == NULL && format == GNUTLS_X509_FMT_DER &&
	    rc == GNUTLS_E_DECRYPTION_FAILED)
		return why_set(why, ERR_STATE, "it is encrypted");
	return failed(rc, why);
}

/* ---- PKCS#12 ---------------------------------------------------------------- */

static int
put_chain(gnutls_x509_crt_t *crt, unsigned n_crt, struct buf *der,
    struct span *chain, size_t *n, struct why *why)
{
	size_t at[KEYFILE_CHAIN_MAX + 1] = { 0 };

	if (n_crt == 0 || n_crt > KEYFILE_CHAIN_MAX)
		return why_set(why, ERR_MALFORMED, "%u certificates inside; "
		    "expected 1 to %d, that of the key first", n_crt,
		    KEYFILE_CHAIN_MAX);
	for (unsigned i = 0; i < n_crt; i++) {
		gnutls_datum_t d;
		int rc = gnutls_x509_crt_export2(crt[i], GNUTLS_X509_FMT_DER,
		    &d);

		if (rc < 0)
			return failed(rc, why);
		at[i] = der->len;
		buf_put_raw(der, d.data, d.size);
		gnutls_free(d.data);
	}
	at[n_crt] = der->len;
	if (buf_err(der) != 0)
		return why_set(why, buf_err(der), "%s",
		    err_text(buf_err(der)));
	for (unsigned i = 0; i < n_crt; i++)
		chain[i] = (struct span){ der->data + at[i],
		    at[i + 1] - at[i] };
	*n = n_crt;
	return 0;
}

static void
free_chain(gnutls_x509_crt_t *crt, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(crt[i]);
	gnutls_free(crt);
}

static int
unpack(gnutls_pkcs12_t p12, const char *passphrase,
    struct gnutls_privkey_st **key, struct buf *der, struct span *chain,
    size_t *n, struct why *why)
{
	gnutls_x509_privkey_t x = NULL;
	gnutls_x509_crt_t *crt = NULL;
	unsigned n_crt = 0;
	int rc, r;

	rc = gnutls_pkcs12_simple_parse(p12, passphrase, &x, &crt, &n_crt,
	    NULL, NULL, NULL, 0);
	if (rc < 0)
		return failed(rc, why);
	r = x == NULL ? why_set(why, ERR_MALFORMED, "no private key inside") :
	    put_chain(crt, n_crt, der, chain, n, why);
	free_chain(crt, n_crt);
	if (r == 0)
		return dress(x, key, why);
	if (x != NULL)
		gnutls_x509_privkey_deinit(x);
	return r;
}

int
keyfile_p12(struct span text, const char *passphrase,
    struct gnutls_privkey_st **key, struct buf *der, struct span *chain,
    size_t *n, struct why *why)
{
	const char *used = passphrase != NULL ? passphrase : "";
	gnutls_datum_t d = datum(text);
	gnutls_pkcs12_t p12;
	int rc, r;

	if ((rc = gnutls_pkcs12_init(&p12)) < 0)
		return failed(rc, why);
	if ((rc = gnutls_pkcs12_import(p12, &d, GNUTLS_X509_FMT_DER, 0)) < 0)
		r = failed(rc, why);
	else if ((rc = gnutls_pkcs12_verify_mac(p12, used)) < 0)
		r = passphrase == NULL && rc == GNUTLS_E_MAC_VERIFY_FAILED ?
		    why_set(why, ERR_STATE, "it is encrypted") :
		    failed(rc, why);
	else
		r = unpack(p12, used, key, der, chain, n, why);
	gnutls_pkcs12_deinit(p12);
	return r;
}

/* ---- is it encrypted ---------------------------------------------------------- */

static int
not_encrypted(struct why *why)
{
	return why_set(why, ERR_REFUSED, "the key is not encrypted; expected "
	    "PKCS#8 or PKCS#12 with a passphrase");
}

static int
pem_encrypted(struct span text, struct why *why)
{
	static const char word[] = "PRIVATE KEY-----";
	const uint8_t *p = text.p, *end = text.p + text.n;
	struct gnutls_privkey_st *key = NULL;
	unsigned lines = 0;
	int r;

	while ((p = memmem(p, (size_t)(end - p), word,
	    sizeof(word) - 1)) != NULL) {
		p += sizeof(word) - 1;
		lines++;
	}
	/* BEGIN and END of one block */
	if (lines != 2)
		return why_set(why, ERR_MALFORMED, "expected one private key "
		    "in PEM, or a PKCS#12");
	r = keyfile_key(text, NULL, &key, why);
	keyfile_free(key);
	return r == ERR_STATE ? 0 : r == 0 ? not_encrypted(why) : r;
}

/* The MAC may need a passphrase although the key lies open. */
static int
bags_encrypted(gnutls_pkcs12_t p12, struct why *why)
{
	gnutls_pkcs12_bag_t bag;
	int rc = 0;

	for (int i = 0; rc >= 0; i++) {
		if ((rc = gnutls_pkcs12_bag_init(&bag)) < 0)
			return failed(rc, why);
		rc = gnutls_pkcs12_get_bag(p12, i, bag);
		for (int k = 0; rc >= 0 &&
		    k < gnutls_pkcs12_bag_get_count(bag); k++)
			if (gnutls_pkcs12_bag_get_type(bag, (unsigned)k) ==
			    GNUTLS_BAG_PKCS8_KEY)
				rc = GNUTLS_E_INSUFFICIENT_SECURITY;
		gnutls_pkcs12_bag_deinit(bag);
	}
	if (rc == GNUTLS_E_INSUFFICIENT_SECURITY)
		return not_encrypted(why);
	return rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE ? 0 :
	    failed(rc, why);
}

int
keyfile_encrypted(struct span text, struct why *why)
{
	gnutls_datum_t d = datum(text);
	gnutls_pkcs12_t p12;
	int rc, r;

	if (!keyfile_is_p12(text))
		return pem_encrypted(text, why);
	if ((rc = gnutls_pkcs12_init(&p12)) < 0)
		return failed(rc, why);
	if ((rc = gnutls_pkcs12_import(p12, &d, GNUTLS_X509_FMT_DER, 0)) < 0)
		r = failed(rc, why);
	else if (gnutls_pkcs12_verify_mac(p12, "") >= 0)
		r = not_encrypted(why);
	else
		r = bags_encrypted(p12, why);
	gnutls_pkcs12_deinit(p12);
	return r;
}

/* ---- does it fit ------------------------------------------------------------- */

static int
key_id(gnutls_pubkey_t k, uint8_t id[KEY_ID_MAX], size_t *n)
{
	*n = KEY_ID_MAX;
	return gnutls_pubkey_get_key_id(k, GNUTLS_KEYID_USE_SHA256, id, n);
}

int
keyfile_fits(struct gnutls_privkey_st *key, struct span cert,
    struct why *why)
{
	uint8_t a[KEY_ID_MAX], b[KEY_ID_MAX];
	gnutls_pubkey_t of_key = NULL, of_cert = NULL;
	gnutls_datum_t d = datum(cert);
	size_t na = 0, nb = 0;
	gnutls_x509_crt_t crt;
	int rc;

	if ((rc = gnutls_x509_crt_init(&crt)) < 0)
		return failed(rc, why);
	if ((rc = gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_DER)) >= 0 &&
	    (rc = gnutls_pubkey_init(&of_key)) >= 0 &&
	    (rc = gnutls_pubkey_init(&of_cert)) >= 0 &&
	    (rc = gnutls_pubkey_import_x509(of_cert, crt, 0)) >= 0 &&
	    (rc = gnutls_pubkey_import_privkey(of_key, key, 0, 0)) >= 0 &&
	    (rc = key_id(of_key, a, &na)) >= 0)
		rc = key_id(of_cert, b, &nb);
	gnutls_x509_crt_deinit(crt);
	if (of_key != NULL)
		gnutls_pubkey_deinit(of_key);
	if (of_cert != NULL)
		gnutls_pubkey_deinit(of_cert);
	if (rc < 0)
		return failed(rc, why);
	return na > 0 && na == nb && memcmp(a, b, na) == 0 ? 0 :
	    why_set(why, ERR_REFUSED, "the key is not that of the "
	    "certificate");
}

void
keyfile_free(struct gnutls_privkey_st *key)
{
	if (key != NULL)
		gnutls_privkey_deinit(key);
}
