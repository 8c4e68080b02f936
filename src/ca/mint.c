#include "ca/mint.h"

#include <gnutls/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ca/keys.h"

#define OID_UPN "1.3.6.1.4.1.311.20.2.3"
#define KEY_ID 20

/* ---- names --------------------------------------------------------------- */

/* Two of the same in one certificate would make rules ambiguous. */
static int
check_list(const char *const *list, size_t n,
    int (*check)(const char *, struct why *), struct why *why)
{
	char shown[80];

	for (size_t i = 0; i < n; i++) {
		if (check(list[i], why) != 0)
			return ERR_MALFORMED;
		for (size_t k = 0; k < i; k++)
			if (strcmp(list[i], list[k]) == 0)
				return why_set(why, ERR_MALFORMED,
				    "'%s' was given twice", err_escape(shown,
				    sizeof(shown), list[i], strlen(list[i])));
	}
	return 0;
}

static int
check_ip(const char *text, struct why *why)
{
	uint8_t raw[WORDS_IP_MAX];
	size_t n;

	return words_check_ip(text, raw, &n, why);
}

int
mint_check_names(enum words_class c, const char *name,
    const struct mint_names *names, struct why *why)
{
	struct why inner;

	if (words_check_name(name, why) != 0)
		return ERR_MALFORMED;
	if (c == WORDS_HOST && words_check_dns(name, &inner) != 0)
		return why_set(why, ERR_MALFORMED, "a host's name becomes its "
		    "DNS name: %.400s", inner.text);
	if (c != WORDS_HOST && strcmp(name, "ca") == 0)
		return why_set(why, ERR_MALFORMED, "name 'ca': its "
		    "certificate and the host authority's would both be "
		    "ca.crt; expected another name");
	if (names->n_email + names->n_upn + names->n_dns + names->n_ip >
	    MINT_NAMES_MAX)
		return why_set(why, ERR_MALFORMED, "too many names for one "
		    "certificate; at most %d", MINT_NAMES_MAX);
	if (check_list(names->email, names->n_email, words_check_email,
	    why) != 0 ||
	    check_list(names->upn, names->n_upn, words_check_upn, why) != 0 ||
	    check_list(names->dns, names->n_dns, words_check_dns, why) != 0 ||
	    check_list(names->ip, names->n_ip, check_ip, why) != 0)
		return ERR_MALFORMED;
	return 0;
}

static int
add_san(gnutls_x509_crt_t crt, gnutls_x509_subject_alt_name_t type,
    const char *value)
{
	return gnutls_x509_crt_set_subject_alt_name(crt, type, value,
	    (unsigned)strlen(value), GNUTLS_FSAN_APPEND);
}

static int
add_ip(gnutls_x509_crt_t crt, const char *text)
{
	uint8_t raw[WORDS_IP_MAX];
	size_t n;

	if (words_check_ip(text, raw, &n, NULL) != 0)
		return GNUTLS_E_INVALID_REQUEST;
	return gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_IPADDRESS,
	    raw, (unsigned)n, GNUTLS_FSAN_APPEND);
}

static int
add_upn(gnutls_x509_crt_t crt, const char *text)
{
	return gnutls_x509_crt_set_subject_alt_othername(crt, OID_UPN, text,
	    (unsigned)strlen(text), GNUTLS_FSAN_APPEND |
	    GNUTLS_FSAN_ENCODE_UTF8_STRING);
}

static int
put_names(gnutls_x509_crt_t crt, const struct mint_leaf *l)
{
	const struct mint_names *s = l->names;
	char uri[WORDS_URI_MAX];
	int e;

	words_uri(l->realm, l->class, l->name, uri);
	e = add_san(crt, GNUTLS_SAN_URI, uri);
	if (e >= 0 && l->class == WORDS_HOST)
		e = add_san(crt, GNUTLS_SAN_DNSNAME, l->name);
	for (size_t i = 0; e >= 0 && i < s->n_email; i++)
		e = add_san(crt, GNUTLS_SAN_RFC822NAME, s->email[i]);
	for (size_t i = 0; e >= 0 && i < s->n_upn; i++)
		e = add_upn(crt, s->upn[i]);
	for (size_t i = 0; e >= 0 && i < s->n_dns; i++)
		/* the host's own name is there already */
		if (l->class != WORDS_HOST || strcmp(s->dns[i], l->name) != 0)
			e = add_san(crt, GNUTLS_SAN_DNSNAME, s->dns[i]);
	for (size_t i = 0; e >= 0 && i < s->n_ip; i++)
		e = add_ip(crt, s->ip[i]);
	return e;
}

/* ---- certificates -------------------------------------------------------- */

static int
put_dn(gnutls_x509_crt_t crt, const char *realm, const char *name)
{
	int e = gnutls_x509_crt_set_dn_by_oid(crt,
	    GNUTLS_OID_X520_ORGANIZATION_NAME, 0, realm,
	    (unsigned)strlen(realm));

	if (e >= 0)
		e = gnutls_x509_crt_set_dn_by_oid(crt,
		    GNUTLS_OID_X520_COMMON_NAME, 0, name,
		    (unsigned)strlen(name));
	return e;
}

/* Version, serial, times, key and both key ids. */
static int
put_common(gnutls_x509_crt_t crt, gnutls_pubkey_t key, const uint8_t *serial,
    int64_t not_before, int64_t not_after, gnutls_x509_crt_t issuer)
{
	uint8_t id[KEYS_ID], issuer_id[64];
	size_t n = sizeof(id), issuer_n = sizeof(issuer_id);
	int e;

	if ((e = gnutls_x509_crt_set_version(crt, 3)) < 0 ||
	    (e = gnutls_x509_crt_set_serial(crt, serial, WORDS_SERIAL)) < 0 ||
	    (e = gnutls_x509_crt_set_activation_time(crt,
	    (time_t)not_before)) < 0 ||
	    (e = gnutls_x509_crt_set_expiration_time(crt,
	    (time_t)not_after)) < 0 ||
	    (e = gnutls_x509_crt_set_pubkey(crt, key)) < 0 ||
	    (e = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id,
	    &n)) < 0 ||
	    /* RFC 7093 2 (1): the leftmost 160 bits of SHA-256 */
	    (e = gnutls_x509_crt_set_subject_key_id(crt, id, KEY_ID)) < 0)
		return e;
	if (issuer == NULL)
		return gnutls_x509_crt_set_authority_key_id(crt, id, KEY_ID);
	if ((e = gnutls_x509_crt_get_subject_key_id(issuer, issuer_id,
	    &issuer_n, NULL)) < 0)
		return e;
	return gnutls_x509_crt_set_authority_key_id(crt, issuer_id, issuer_n);
}

static int
sign(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer, gnutls_privkey_t key,
    struct buf *out)
{
	gnutls_datum_t der;
	int e = gnutls_x509_crt_privkey_sign(crt, issuer, key,
	    GNUTLS_DIG_SHA384, 0);

	if (e < 0 || (e = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER,
	    &der)) < 0)
		return e;
	buf_put_raw(out, der.data, der.size);
	gnutls_free(der.data);
	return buf_err(out) == 0 ? 0 : GNUTLS_E_MEMORY_ERROR;
}

int
mint_leaf(const struct mint_leaf *l, gnutls_pubkey_t key,
    gnutls_x509_crt_t issuer, gnutls_privkey_t issuer_key, struct buf *out,
    struct why *why)
{
	const char *purpose = l->class == WORDS_HOST ?
	    GNUTLS_KP_TLS_WWW_SERVER : GNUTLS_KP_TLS_WWW_CLIENT;
	gnutls_x509_crt_t crt;
	int e;

	if ((e = gnutls_x509_crt_init(&crt)) < 0)
		return keys_crypto(why, "certificate", e);
	if ((e = put_common(crt, key, l->serial, l->not_before, l->not_after,
	    issuer)) >= 0 &&
	    (e = put_dn(crt, l->realm, l->name)) >= 0 &&
	    (e = put_names(crt, l)) >= 0 &&
	    (e = gnutls_x509_crt_set_basic_constraints(crt, 0, -1)) >= 0 &&
	    (e = gnutls_x509_crt_set_key_usage(crt,
	    GNUTLS_KEY_DIGITAL_SIGNATURE)) >= 0 &&
	    (e = gnutls_x509_crt_set_key_purpose_oid(crt, purpose, 0)) >= 0)
		e = sign(crt, issuer, issuer_key, out);
	gnutls_x509_crt_deinit(crt);
	return e >= 0 ? 0 : keys_crypto(why, "certificate", e);
}

static int
build_ca(gnutls_x509_crt_t crt, const struct mint_ca *c, gnutls_pubkey_t pub,
    gnutls_x509_crt_t issuer)
{
	bool root = c->class == WORDS_ROOT;
	char name[40];
	int e;

	(void)snprintf(name, sizeof(name), "%s CA %d", words_class(c->class),
	    c->generation);
	if ((e = put_common(crt, pub, c->serial, c->not_before, c->not_after,
	    issuer)) >= 0 &&
	    (e = put_dn(crt, c->realm, name)) >= 0 &&
	    (e = gnutls_x509_crt_set_basic_constraints(crt, 1,
	    root ? 1 : 0)) >= 0)
		e = gnutls_x509_crt_set_key_usage(crt,
		    GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
	return e;
}

int
mint_ca(const struct mint_ca *c, gnutls_privkey_t key,
    gnutls_x509_crt_t issuer, gnutls_privkey_t issuer_key, struct buf *out,
    struct why *why)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_pubkey_t pub = NULL;
	int e;

	if ((e = gnutls_x509_crt_init(&crt)) >= 0 &&
	    (e = gnutls_pubkey_init(&pub)) >= 0 &&
	    (e = gnutls_pubkey_import_privkey(pub, key, 0, 0)) >= 0 &&
	    (e = build_ca(crt, c, pub, issuer)) >= 0)
		e = sign(crt, issuer != NULL ? issuer : crt,
		    issuer != NULL ? issuer_key : key, out);
	if (crt != NULL)
		gnutls_x509_crt_deinit(crt);
	if (pub != NULL)
		gnutls_pubkey_deinit(pub);
	return e >= 0 ? 0 : keys_crypto(why, "CA certificate", e);
}

/* ---- serials and forms --------------------------------------------- */

int
mint_serial(uint8_t serial[WORDS_SERIAL], struct why *why)
{
	int e;

	/* positive and of full length: a set top bit would be a sign, a zero
	 * first byte a shorter number */
	do {
		if ((e = gnutls_rnd(GNUTLS_RND_KEY, serial,
		    WORDS_SERIAL)) < 0)
			return keys_crypto(why, "serial", e);
		serial[0] &= 0x7f;
	} while (serial[0] == 0);
	return 0;
}

int
mint_import(struct span der, gnutls_x509_crt_t *out, struct why *why)
{
	gnutls_datum_t d = { (void *)(uintptr_t)der.p, (unsigned)der.n };
	gnutls_x509_crt_t crt;
	int e;

	if ((e = gnutls_x509_crt_init(&crt)) < 0)
		return keys_crypto(why, "certificate", e);
	if ((e = gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_DER)) < 0) {
		gnutls_x509_crt_deinit(crt);
		return keys_crypto(why, "certificate", e);
	}
	*out = crt;
	return 0;
}

int
mint_pem(const char *label, struct span der, struct buf *out, struct why *why)
{
	gnutls_datum_t d = { (void *)(uintptr_t)der.p, (unsigned)der.n }, pem;
	int e = gnutls_pem_base64_encode2(label, &d, &pem);

	if (e < 0)
		return keys_crypto(why, "PEM", e);
	buf_put_raw(out, pem.data, pem.size);
	gnutls_free(pem.data);
	return buf_err(out) == 0 ? 0 : why_set(why, buf_err(out), "PEM: %s",
	    err_text(buf_err(out)));
}
