#include "x509/cert.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <string.h>

#include "x509/ext.h"
#include "x509/names.h"
#include "x509/sig.h"
#include "x509/slice.h"

/* As printable text and whole: who reads the start of a longer one reads
 * somebody else's name. */
static int
keep_text(char dst[FACTS_DN_MAX], const gnutls_datum_t *text,
    const char *which, struct why *why)
{
	char all[4 * FACTS_DN_MAX];	/* an escaped byte is four */

	if (text->size < FACTS_DN_MAX &&
	    strlen(err_escape(all, sizeof(all), text->data, text->size)) <
	    FACTS_DN_MAX) {
		(void)strcpy(dst, all);
		return 0;
	}
	return why_set(why, ERR_TOOBIG, "%s longer than %d bytes", which,
	    FACTS_DN_MAX - 1);
}

/* A Name as text; the library knows the attributes and their strings. */
static int
name_text(char dst[FACTS_DN_MAX], struct span name, const char *which,
    struct why *why)
{
	gnutls_datum_t in = { (unsigned char *)(uintptr_t)name.p,
	    (unsigned)name.n }, text = { NULL, 0 };
	gnutls_x509_dn_t dn;
	int rc = gnutls_x509_dn_init(&dn);

	if (rc < 0)
		return why_set(why, ERR_NOMEM, "%s: %s", which,
		    gnutls_strerror(rc));
	rc = gnutls_x509_dn_import(dn, &in);
	if (rc >= 0)
		rc = gnutls_x509_dn_get_str2(dn, &text, 0);
	gnutls_x509_dn_deinit(dn);
	if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) {
		dst[0] = '\0';		/* an empty Name */
		return 0;
	}
	if (rc < 0)
		return why_set(why, ERR_MALFORMED, "%s: %s", which,
		    gnutls_strerror(rc));
	rc = keep_text(dst, &text, which, why);
	gnutls_free(text.data);
	return rc;
}

static int
fill(struct facts *f, const struct slice_cert *cut, struct why *why)
{
	int rc;

	memcpy(f->serial, cut->serial.p, cut->serial.n);
	f->serial_len = cut->serial.n;
	if (slice_time(cut->not_before, &f->not_before) != 0 ||
	    slice_time(cut->not_after, &f->not_after) != 0)
		return why_set(why, ERR_MALFORMED, "validity: expected times "
		    "of RFC 5280 4.1.2.5");
	if (sig_sha256(cut->whole, f->cert_sha256) != 0 ||
	    sig_sha256(cut->spki, f->spki_sha256) != 0)
		return why_set(why, ERR_CRYPTO, "SHA-256: %s",
		    err_text(ERR_CRYPTO));
	if ((rc = name_text(f->issuer, cut->issuer, "issuer", why)) != 0)
		return rc;
	return name_text(f->subject, cut->subject, "subject", why);
}

int
cert_facts(struct facts *out, struct span der, struct why *why)
{
	struct facts f = { .n_names = 0 };
	struct names names = { .name = f.names };
	struct slice_cert cut;
	struct ext e;
	int rc;

	if ((rc = slice_cert(der, &cut, why)) != 0 ||
	    (rc = ext_read(cut.extensions, &e, why)) != 0 ||
	    (rc = names_read(&e, &names, why)) != 0 ||
	    (rc = fill(&f, &cut, why)) != 0)
		return rc;
	f.n_names = names.n;
	*out = f;
	return 0;
}
