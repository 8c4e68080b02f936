#include "certs.h"

#include <arpa/inet.h>
#include <check.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/pkcs12.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"

#define OK(call) ck_assert_int_ge((call), 0)
#define DAY 86400

static void
set_names(struct certs *c, const struct certs_spec *s)
{
	unsigned char a[16];
	bool v6;

	if (s->dns != NULL)
		OK(gnutls_x509_crt_set_subject_alt_name(c->crt,
		    GNUTLS_SAN_DNSNAME, s->dns, (unsigned)strlen(s->dns),
		    GNUTLS_FSAN_APPEND));
	if (s->uri != NULL)
		OK(gnutls_x509_crt_set_subject_alt_name(c->crt,
		    GNUTLS_SAN_URI, s->uri, (unsigned)strlen(s->uri),
		    GNUTLS_FSAN_APPEND));
	if (s->ip == NULL)
		return;
	v6 = strchr(s->ip, ':') != NULL;
	ck_assert_int_eq(inet_pton(v6 ? AF_INET6 : AF_INET, s->ip, a), 1);
	OK(gnutls_x509_crt_set_subject_alt_name(c->crt, GNUTLS_SAN_IPADDRESS,
	    a, v6 ? 16 : 4, GNUTLS_FSAN_APPEND));
}

static void
set_identifiers(struct certs *c, const struct certs *issuer)
{
	uint8_t id[64];
	size_t n = sizeof(id);

	OK(gnutls_x509_crt_get_key_id(c->crt, 0, id, &n));
	OK(gnutls_x509_crt_set_subject_key_id(c->crt, id, n));
	n = sizeof(id);
	OK(gnutls_x509_crt_get_key_id(issuer->crt, 0, id, &n));
	OK(gnutls_x509_crt_set_authority_key_id(c->crt, id, n));
}

static void
set_extensions(struct certs *c, const struct certs_spec *s)
{
	OK(gnutls_x509_crt_set_basic_constraints(c->crt, s->ca, -1));
	OK(gnutls_x509_crt_set_key_usage(c->crt,
	    GNUTLS_KEY_DIGITAL_SIGNATURE | (s->ca ?
	    GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN : 0)));
	if (s->purpose != NULL)
		OK(gnutls_x509_crt_set_key_purpose_oid(c->crt, s->purpose,
		    0));
	set_names(c, s);
}

void
certs_make(struct certs *c, const struct certs_spec *s,
    const struct certs *issuer)
{
	uint8_t serial[12];
	time_t now = time(NULL);

	memset(c, 0, sizeof(*c));
	if (issuer == NULL)
		issuer = c;
	OK(gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial)));
	serial[0] = 1;
	OK(gnutls_x509_privkey_init(&c->x509));
	OK(gnutls_x509_privkey_generate(c->x509, s->algo != 0 ? s->algo :
	    GNUTLS_PK_ECDSA, s->bits != 0 ? s->bits :
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0));
	OK(gnutls_privkey_init(&c->key));
	OK(gnutls_privkey_import_x509(c->key, c->x509, 0));
	OK(gnutls_x509_crt_init(&c->crt));
	OK(gnutls_x509_crt_set_version(c->crt, 3));
	OK(gnutls_x509_crt_set_key(c->crt, c->x509));
	OK(gnutls_x509_crt_set_dn_by_oid(c->crt, GNUTLS_OID_X520_COMMON_NAME,
	    0, s->cn, (unsigned)strlen(s->cn)));
	OK(gnutls_x509_crt_set_serial(c->crt, serial, sizeof(serial)));
	OK(gnutls_x509_crt_set_activation_time(c->crt, now + (s->from != 0 ?
	    s->from : -300)));
	OK(gnutls_x509_crt_set_expiration_time(c->crt, now + (s->to != 0 ?
	    s->to : 30 * DAY)));
	set_extensions(c, s);
	set_identifiers(c, issuer);
	OK(gnutls_x509_crt_privkey_sign(c->crt, issuer->crt, issuer->key,
	    GNUTLS_DIG_SHA256, 0));
	OK(gnutls_x509_crt_export2(c->crt, GNUTLS_X509_FMT_DER, &c->der));
}

void
certs_free(struct certs *c)
{
	gnutls_free(c->der.data);
	gnutls_x509_crt_deinit(c->crt);
	gnutls_privkey_deinit(c->key);
	gnutls_x509_privkey_deinit(c->x509);
	memset(c, 0, sizeof(*c));
}

struct span
certs_der(const struct certs *c)
{
	return (struct span){ c->der.data, c->der.size };
}

/* ---- files ------------------------------------------------------------------ */

static void
put(const char *path, const gnutls_datum_t *d, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);

	OK(fd);
	OK(path_write_all(fd, d->data, d->size));
	(void)close(fd);
}

void
certs_write(const char *path, const struct certs *c, const struct certs *more)
{
	const struct certs *all[] = { c, more };
	gnutls_datum_t d;

	for (int i = 0; i < 2 && all[i] != NULL; i++) {
		OK(gnutls_x509_crt_export2(all[i]->crt, GNUTLS_X509_FMT_PEM,
		    &d));
		put(path, &d, i == 0 ? O_TRUNC : O_APPEND);
		gnutls_free(d.data);
	}
}

void
certs_write_key(const char *path, const struct certs *c,
    const char *passphrase)
{
	gnutls_datum_t d;

	OK(gnutls_x509_privkey_export2_pkcs8(c->x509, GNUTLS_X509_FMT_PEM,
	    passphrase, passphrase == NULL ? GNUTLS_PKCS_PLAIN :
	    GNUTLS_PKCS_PBES2_AES_256, &d));
	put(path, &d, O_TRUNC);
	gnutls_free(d.data);
}

static void
add_bag(gnutls_pkcs12_t p12, const struct certs *c, bool key,
    const char *passphrase)
{
	uint8_t id[64];
	gnutls_pkcs12_bag_t bag;
	gnutls_datum_t der = c->der, d = { id, 0 };
	size_t n = sizeof(id);

	OK(gnutls_x509_crt_get_key_id(c->crt, 0, id, &n));
	d.size = (unsigned)n;
	OK(gnutls_pkcs12_bag_init(&bag));
	if (key) {
		OK(gnutls_x509_privkey_export2_pkcs8(c->x509,
		    GNUTLS_X509_FMT_DER, passphrase, GNUTLS_PKCS_PBES2_AES_256,
		    &der));
		OK(gnutls_pkcs12_bag_set_data(bag,
		    GNUTLS_BAG_PKCS8_ENCRYPTED_KEY, &der));
		gnutls_free(der.data);
	} else
		OK(gnutls_pkcs12_bag_set_data(bag, GNUTLS_BAG_CERTIFICATE,
		    &der));
	OK(gnutls_pkcs12_bag_set_key_id(bag, 0, &d));
	if (!key)
		OK(gnutls_pkcs12_bag_encrypt(bag, passphrase,
		    GNUTLS_PKCS_PBES2_AES_256));
	OK(gnutls_pkcs12_set_bag(p12, bag));
	gnutls_pkcs12_bag_deinit(bag);
}

void
certs_write_p12(const char *path, const struct certs *c,
    const struct certs *more, const char *passphrase)
{
	gnutls_pkcs12_t p12;
	gnutls_datum_t d;

	OK(gnutls_pkcs12_init(&p12));
	add_bag(p12, c, false, passphrase);
	if (more != NULL)
		add_bag(p12, more, false, passphrase);
	add_bag(p12, c, true, passphrase);
	OK(gnutls_pkcs12_generate_mac2(p12, GNUTLS_MAC_SHA256, passphrase));
	OK(gnutls_pkcs12_export2(p12, GNUTLS_X509_FMT_DER, &d));
	put(path, &d, O_TRUNC);
	gnutls_free(d.data);
	gnutls_pkcs12_deinit(p12);
}

void
certs_write_crl(const char *path, const struct certs *ca,
    const struct certs *revoked)
{
	time_t now = time(NULL);
	uint8_t id[64], one = 1;
	size_t n = sizeof(id);
	gnutls_x509_crl_t crl;
	gnutls_datum_t d;

	OK(gnutls_x509_crl_init(&crl));
	OK(gnutls_x509_crl_set_version(crl, 2));
	OK(gnutls_x509_crl_set_this_update(crl, now - 60));
	OK(gnutls_x509_crl_set_next_update(crl, now + DAY));
	OK(gnutls_x509_crt_get_key_id(ca->crt, 0, id, &n));
	OK(gnutls_x509_crl_set_authority_key_id(crl, id, n));
	OK(gnutls_x509_crl_set_number(crl, &one, 1));
	if (revoked != NULL)
		OK(gnutls_x509_crl_set_crt(crl, revoked->crt, now - 60));
	OK(gnutls_x509_crl_privkey_sign(crl, ca->crt, ca->key,
	    GNUTLS_DIG_SHA256, 0));
	OK(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &d));
	put(path, &d, O_TRUNC);
	gnutls_free(d.data);
	gnutls_x509_crl_deinit(crl);
}
