#include "pki.h"

#include <check.h>
#include <string.h>
#include <time.h>

#include "base/memfile.h"

static const struct {
	uint16_t scheme;
	gnutls_sign_algorithm_t sign;
	gnutls_pk_algorithm_t algo;
	unsigned bits;
} kinds[PKI_KINDS] = {
	[PKI_P256] = { 0x0403, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256,
	    GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1) },
	[PKI_P384] = { 0x0503, GNUTLS_SIGN_ECDSA_SECP384R1_SHA384,
	    GNUTLS_PK_ECDSA,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
	[PKI_ED25519] = { 0x0807, GNUTLS_SIGN_EDDSA_ED25519,
	    GNUTLS_PK_EDDSA_ED25519,
	    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519) },
	[PKI_RSA] = { 0x0804, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256,
	    GNUTLS_PK_RSA, 2048 },
	[PKI_RSA_SHORT] = { 0x0804, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256,
	    GNUTLS_PK_RSA, 1024 },
};

#define OK(call) ck_assert_int_ge((call), 0)

void
pki_make(struct pki *p, enum pki_kind kind, const char *name,
    const struct pki *issuer)
{
	static uint8_t serial[4] = { 1 };
	time_t now = time(NULL);

	memset(p, 0, sizeof(*p));
	serial[3]++;
	p->scheme = kinds[kind].scheme;
	p->sign = kinds[kind].sign;
	if (issuer == NULL)
		issuer = p;
	OK(gnutls_x509_privkey_init(&p->x509));
	OK(gnutls_x509_privkey_generate(p->x509, kinds[kind].algo,
	    kinds[kind].bits, 0));
	OK(gnutls_privkey_init(&p->key));
	OK(gnutls_privkey_import_x509(p->key, p->x509, 0));
	OK(gnutls_x509_crt_init(&p->crt));
	OK(gnutls_x509_crt_set_version(p->crt, 3));
	OK(gnutls_x509_crt_set_key(p->crt, p->x509));
	OK(gnutls_x509_crt_set_dn_by_oid(p->crt, GNUTLS_OID_X520_COMMON_NAME,
	    0, name, (unsigned)strlen(name)));
	OK(gnutls_x509_crt_set_serial(p->crt, serial, sizeof(serial)));
	OK(gnutls_x509_crt_set_activation_time(p->crt, now - 300));
	/* an issuer outlives what it signs, however long the test takes */
	OK(gnutls_x509_crt_set_expiration_time(p->crt, now +
	    (issuer == p ? 2 * 86400 : 86400)));
	OK(gnutls_x509_crt_privkey_sign(p->crt, issuer->crt, issuer->key,
	    gnutls_sign_get_hash_algorithm(issuer->sign), 0));
	OK(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_DER, &p->der));
	OK(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_PEM, &p->pem));
	OK(gnutls_x509_privkey_export2_pkcs8(p->x509, GNUTLS_X509_FMT_PEM,
	    NULL, GNUTLS_PKCS_PLAIN, &p->key_pem));
}

void
pki_free(struct pki *p)
{
	gnutls_free(p->der.data);
	gnutls_free(p->pem.data);
	gnutls_free(p->key_pem.data);
	gnutls_x509_crt_deinit(p->crt);
	gnutls_privkey_deinit(p->key);
	gnutls_x509_privkey_deinit(p->x509);
}

struct span
pki_der(const struct pki *p)
{
	return (struct span){ p->der.data, p->der.size };
}

int
pki_file(const gnutls_datum_t *text)
{
	int fd = memfile_make("pki", text->data, text->size);

	OK(fd);
	return fd;
}
