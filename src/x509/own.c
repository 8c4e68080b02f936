#include "x509/own.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAMES_MAX 32
#define PURPOSES_MAX 16
#define OID_UPN "1.3.6.1.4.1.311.20.2.3"
#define ANY_PURPOSE "2.5.29.37.0"

static void fault(struct own *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
fault(struct own *o, const char *fmt, ...)
{
	va_list ap;

	if (o->n_faults == OWN_FAULTS_MAX)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(o->fault[o->n_faults++], OWN_TEXT_MAX, fmt, ap);
	va_end(ap);
}

static char *
show_time(char dst[32], time_t t)
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(dst, 32, "%Y-%m-%d %H:%M UTC", &tm) == 0)
		(void)snprintf(dst, 32, "?");
	return dst;
}

/* ---- names ---------------------------------------------------------------- */

static const char *
kind_name(int kind, const char *oid)
{
	switch (kind) {
	case GNUTLS_SAN_URI:
		return "uri";
	case GNUTLS_SAN_RFC822NAME:
		return "email";
	case GNUTLS_SAN_DNSNAME:
		return "dns";
	case GNUTLS_SAN_OTHERNAME:
		return strcmp(oid, OID_UPN) == 0 ? "upn" : NULL;
	default:
		return NULL;
	}
}

static void
add_name(struct own *o, const char *kind, const char *value, size_t n)
{
	size_t at = strlen(o->names);
	char safe[256];

	(void)snprintf(o->names + at, sizeof(o->names) - at, "%s%s=%s",
	    at > 0 ? ", " : "", kind, err_escape(safe, sizeof(safe), value,
	    n));
}

static void
look_at_names(struct own *o, gnutls_x509_crt_t crt)
{
	for (unsigned i = 0; i < NAMES_MAX; i++) {
		char value[512], oid[128] = "";
		size_t n = sizeof(value), n_oid = sizeof(oid);
		int kind = gnutls_x509_crt_get_subject_alt_name(crt, i, value,
		    &n, NULL);
		const char *name;

		if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
			break;
		if (kind == GNUTLS_SAN_OTHERNAME) {
			(void)gnutls_x509_crt_get_subject_alt_othername_oid(
			    crt, i, oid, &n_oid);
			if (strcmp(oid, OID_UPN) == 0 && n > 2) {
				/* a UTF8String: header first */
				add_name(o, "upn", value + 2, n - 2);
				continue;
			}
		}
		if (kind >= 0 && (name = kind_name(kind, oid)) != NULL)
			add_name(o, name, value, n);
	}
	if (o->names[0] == '\0')
		fault(o, "your certificate has no name that a server could "
		    "map (RFC 5280 4.2.1.6)");
}

/* ---- faults --------------------------------------------------------------- */

static void
look_at_times(struct own *o, gnutls_x509_crt_t crt, int64_t now)
{
	time_t from = gnutls_x509_crt_get_activation_time(crt);
	time_t to = gnutls_x509_crt_get_expiration_time(crt);
	char text[32];

	(void)show_time(o->until, to);
	if (now < (int64_t)from)
		fault(o, "your certificate is not yet valid: not before %s "
		    "(RFC 5280 4.1.2.5)", show_time(text, from));
	if (now > (int64_t)to)
		fault(o, "your certificate has expired: not valid after %s "
		    "(RFC 5280 4.1.2.5)", o->until);
}

static void
look_at_purpose(struct own *o, gnutls_x509_crt_t crt)
{
	bool any = false, client = false;
	unsigned n = 0;

	for (; n < PURPOSES_MAX; n++) {
		char oid[128];
		size_t size = sizeof(oid);

		if (gnutls_x509_crt_get_key_purpose_oid(crt, n, oid, &size,
		    NULL) < 0)
			break;
		any = any || strcmp(oid, ANY_PURPOSE) == 0;
		client = client || strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0;
	}
	if (n == 0)
		fault(o, "your certificate has no extended key usage; the "
		    "purpose clientAuth is needed (RFC 5280 4.2.1.12)");
	else if (!client)
		fault(o, "your certificate lacks the purpose clientAuth in "
		    "its extended key usage (RFC 5280 4.2.1.12)");
	if (any)
		fault(o, "your certificate has the purpose "
		    "anyExtendedKeyUsage, which is refused (RFC 5280 "
		    "4.2.1.12)");
}

static void
look_at_usage(struct own *o, gnutls_x509_crt_t crt)
{
	unsigned usage = 0, critical, ca = 0;
	int path;

	if (gnutls_x509_crt_get_basic_constraints(crt, &critical, &ca,
	    &path) >= 0 && ca != 0)
		fault(o, "your certificate is that of a CA (RFC 5280 "
		    "4.2.1.9)");
	if (gnutls_x509_crt_get_key_usage(crt, &usage, &critical) < 0)
		return;
	if ((usage & GNUTLS_KEY_DIGITAL_SIGNATURE) == 0)
		fault(o, "your certificate lacks digitalSignature in its key "
		    "usage (RFC 5280 4.2.1.3)");
	if ((usage & GNUTLS_KEY_KEY_CERT_SIGN) != 0)
		fault(o, "your certificate has keyCertSign in its key usage "
		    "(RFC 5280 4.2.1.3)");
}

static void
look_at_strength(struct own *o, gnutls_x509_crt_t crt)
{
	unsigned bits = 0;
	int algo = gnutls_x509_crt_get_pk_algorithm(crt, &bits);
	int sign = gnutls_x509_crt_get_signature_algorithm(crt);
	const char *hash;

	if (algo == GNUTLS_PK_RSA && bits < 2048)
		fault(o, "your certificate has an RSA key of %u bits; 2048 "
		    "are needed", bits);
	else if (algo != GNUTLS_PK_RSA && algo != GNUTLS_PK_ECDSA &&
	    algo != GNUTLS_PK_EDDSA_ED25519)
		fault(o, "your certificate has a key of a kind that is not "
		    "accepted; RSA, P-256, P-384 and Ed25519 are");
	hash = gnutls_digest_get_name(gnutls_sign_get_hash_algorithm(
	    (gnutls_sign_algorithm_t)sign));
	if (hash != NULL && (strcmp(hash, "SHA1") == 0 ||
	    strcmp(hash, "MD5") == 0))
		fault(o, "your certificate was signed with %s; SHA-256 or "
		    "better is needed", hash);
}

static void
look_at_issuer(struct own *o, gnutls_x509_crt_t crt)
{
	gnutls_datum_t dn;

	if (gnutls_x509_crt_check_issuer(crt, crt) != 0)
		fault(o, "your certificate is issued by itself, not by an "
		    "authority");
	if (gnutls_x509_crt_get_issuer_dn3(crt, &dn, 0) < 0)
		return;
	(void)err_escape(o->issuer, sizeof(o->issuer), dn.data, dn.size);
	gnutls_free(dn.data);
}

void
own_look(struct own *o, struct span cert, int64_t now)
{
	gnutls_datum_t d = { (unsigned char *)(uintptr_t)cert.p,
	    (unsigned)cert.n };
	gnutls_x509_crt_t crt;

	memset(o, 0, sizeof(*o));
	if (gnutls_x509_crt_init(&crt) < 0)
		return;
	if (gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_DER) < 0)
		fault(o, "your certificate cannot be read (RFC 5280 4.1)");
	else {
		look_at_times(o, crt, now);
		look_at_purpose(o, crt);
		look_at_usage(o, crt);
		look_at_strength(o, crt);
		look_at_issuer(o, crt);
		look_at_names(o, crt);
	}
	gnutls_x509_crt_deinit(crt);
}
