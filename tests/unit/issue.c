#include "issue.h"

#include <check.h>
#include <string.h>
#include <time.h>

#define OK(call) ck_assert_int_ge((call), 0)

static void
set_extensions(gnutls_x509_crt_t crt, const struct issue_spec *x)
{
	if (x->uri == NULL) {
		OK(gnutls_x509_crt_set_basic_constraints(crt, 1, -1));
		OK(gnutls_x509_crt_set_key_usage(crt,
		    GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN));
		return;
	}
	OK(gnutls_x509_crt_set_basic_constraints(crt, 0, -1));
	OK(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE));
	OK(gnutls_x509_crt_set_subject_alt_name(crt, GNUTLS_SAN_URI, x->uri,
	    (unsigned)strlen(x->uri), GNUTLS_FSAN_SET));
	if (!x->no_purpose)
		OK(gnutls_x509_crt_set_key_purpose_oid(crt,
		    GNUTLS_KP_TLS_WWW_CLIENT, 0));
}

void
issue(struct pki *p, enum pki_kind kind, const char *name,
    const struct pki *issuer, const struct issue_spec *x)
{
	static uint8_t serial[4] = { 2 };
	time_t now = time(NULL);
	bool usual = x->from == 0 && x->to == 0;

	serial[3]++;
	pki_make(p, kind, name, issuer);
	gnutls_x509_crt_deinit(p->crt);
	OK(gnutls_x509_crt_init(&p->crt));
	OK(gnutls_x509_crt_set_version(p->crt, 3));
	OK(gnutls_x509_crt_set_key(p->crt, p->x509));
	OK(gnutls_x509_crt_set_dn_by_oid(p->crt, GNUTLS_OID_X520_COMMON_NAME,
	    0, name, (unsigned)strlen(name)));
	OK(gnutls_x509_crt_set_serial(p->crt, serial, sizeof(serial)));
	OK(gnutls_x509_crt_set_activation_time(p->crt,
	    now + (usual ? -300 : x->from)));
	/* a CA outlives what it issues, also a second later */
	OK(gnutls_x509_crt_set_expiration_time(p->crt,
	    now + (!usual ? x->to : x->uri == NULL ? 172800 : 86400)));
	set_extensions(p->crt, x);
	if (issuer == NULL)
		issuer = p;
	OK(gnutls_x509_crt_privkey_sign(p->crt, issuer->crt, issuer->key,
	    gnutls_sign_get_hash_algorithm(issuer->sign), 0));
	gnutls_free(p->der.data);
	gnutls_free(p->pem.data);
	OK(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_DER, &p->der));
	OK(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_PEM, &p->pem));
}
