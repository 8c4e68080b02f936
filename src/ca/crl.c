#include "ca/crl.h"

#include <gnutls/x509.h>
#include <libtasn1.h>
#include <stdbool.h>
#include <string.h>

#include "ca/derput.h"
#include "ca/keys.h"

#define OID_ECDSA_SHA384 "1.2.840.10045.4.3.3"
#define OID_CRL_NUMBER "2.5.29.20"
#define OID_REASON "2.5.29.21"
#define OID_AUTHORITY_KEY_ID "2.5.29.35"
#define KEY_ID_MAX 64

void
crl_init(struct crl *c)
{
	buf_init(&c->entries, CRL_MAX);
	c->n = 0;
}

void
crl_free(struct crl *c)
{
	buf_free(&c->entries);
}

/* SEQUENCE { OID, OCTET STRING { what was written since value } } */
static void
extension(struct buf *b, const char *oid, const struct buf *value)
{
	size_t start = b->len;

	derput_oid(b, oid);
	derput_octets(b, value->data, value->len);
	derput_wrap(b, DERPUT_SEQUENCE, start);
	if (b->err == 0)
		b->err = value->err;
}

void
crl_add(struct crl *c, const uint8_t serial[WORDS_SERIAL], int64_t when,
    int reason)
{
	struct buf *b = &c->entries, value;
	size_t start = b->len, extensions;

	derput_integer(b, serial, WORDS_SERIAL);
	derput_time(b, when);
	if (reason != 0) {
		buf_init(&value, 16);
		derput_enumerated(&value, (uint8_t)reason);
		extensions = b->len;
		extension(b, OID_REASON, &value);
		derput_wrap(b, DERPUT_SEQUENCE, extensions);
		buf_free(&value);
	}
	derput_wrap(b, DERPUT_SEQUENCE, start);
	c->n++;
}

static void
algorithm(struct buf *b)
{
	size_t start = b->len;

	derput_oid(b, OID_ECDSA_SHA384);
	derput_wrap(b, DERPUT_SEQUENCE, start);
}

static int
put_issuer(struct buf *b, gnutls_x509_crt_t issuer)
{
	gnutls_datum_t dn;
	int e = gnutls_x509_crt_get_raw_dn(issuer, &dn);

	if (e < 0)
		return e;
	buf_put_raw(b, dn.data, dn.size);
	gnutls_free(dn.data);
	return 0;
}

/* [0] { SEQUENCE { AKI, CRLNumber } } */
static int
put_extensions(struct buf *b, gnutls_x509_crt_t issuer, int64_t number)
{
	uint8_t id[KEY_ID_MAX];
	size_t n = sizeof(id), start = b->len;
	struct buf value;
	int e;

	if ((e = gnutls_x509_crt_get_subject_key_id(issuer, id, &n,
	    NULL)) < 0)
		return e;
	buf_init(&value, 128);
	buf_put_raw(&value, id, n);
	derput_wrap(&value, DERPUT_CONTEXT_0_PRIMITIVE, 0);
	derput_wrap(&value, DERPUT_SEQUENCE, 0);
	extension(b, OID_AUTHORITY_KEY_ID, &value);
	buf_reset(&value);
	derput_number(&value, number);
	extension(b, OID_CRL_NUMBER, &value);
	buf_free(&value);
	derput_wrap(b, DERPUT_SEQUENCE, start);
	derput_wrap(b, DERPUT_CONTEXT_0, start);
	return 0;
}

/* RFC 5280 5.1: TBSCertList */
static int
put_tbs(const struct crl *c, gnutls_x509_crt_t issuer, int64_t number,
    int64_t this_update, int64_t next_update, struct buf *b)
{
	size_t start = b->len, list;
	int e;

	derput_number(b, 1);	/* v2 */
	algorithm(b);
	if ((e = put_issuer(b, issuer)) < 0)
		return e;
	derput_time(b, this_update);
	derput_time(b, next_update);
	if (c->n > 0) {		/* never an empty list: 5.1.2.6 */
		list = b->len;
		buf_put_raw(b, c->entries.data, c->entries.len);
		derput_wrap(b, DERPUT_SEQUENCE, list);
	}
	if ((e = put_extensions(b, issuer, number)) < 0)
		return e;
	derput_wrap(b, DERPUT_SEQUENCE, start);
	return 0;
}

int
crl_sign(const struct crl *c, gnutls_x509_crt_t issuer, gnutls_privkey_t key,
    int64_t number, int64_t this_update, int64_t next_update, struct buf *out,
    struct why *why)
{
	gnutls_datum_t tbs, sig = { 0 };
	struct buf b;
	int e, r;

	buf_init(&b, CRL_MAX);
	e = put_tbs(c, issuer, number, this_update, next_update, &b);
	tbs = (gnutls_datum_t){ b.data, (unsigned)b.len };
	r = c->entries.err != 0 ? c->entries.err : buf_err(&b);
	if (r == 0 && e >= 0)
		e = gnutls_privkey_sign_data2(key,
		    GNUTLS_SIGN_ECDSA_SHA384, 0, &tbs, &sig);
	if (r == 0 && e >= 0) {
		algorithm(&b);
		derput_bits(&b, sig.data, sig.size);
		derput_wrap(&b, DERPUT_SEQUENCE, 0);
		if ((r = buf_err(&b)) == 0) {
			buf_put_raw(out, b.data, b.len);
			r = buf_err(out);
		}
	}
	gnutls_free(sig.data);
	buf_free(&b);
	if (r != 0)
		return why_set(why, r, "CRL: %s", err_text(r));
	return e >= 0 ? 0 : keys_crypto(why, "CRL", e);
}

/* ---- against what was signed earlier ------------------------------------- */

/* Contents of the element of this tag at the front of *s, which moves on. */
static bool
take(struct span *s, uint8_t tag, struct span *out)
{
	int used = 0;
	long n;

	if (s->n < 2 || s->p[0] != tag || s->n > INT32_MAX)
		return false;
	n = asn1_get_length_der(s->p + 1, (int)s->n - 1, &used);
	if (n < 0 || (size_t)n > s->n - 1 - (size_t)used)
		return false;
	*out = (struct span){ s->p + 1 + used, (size_t)n };
	s->p = out->p + n;
	s->n -= 1 + (size_t)used + (size_t)n;
	return true;
}

/* CertificateList: exactly this tbs, our algorithm, a signature. */
static bool
split(struct span der, const struct buf *tbs, struct span *signature)
{
	struct span list, bits;
	struct buf alg;
	bool same;

	if (!take(&der, DERPUT_SEQUENCE, &list) || der.n != 0 ||
	    list.n < tbs->len ||
	    memcmp(list.p, tbs->data, tbs->len) != 0)
		return false;
	list = (struct span){ list.p + tbs->len, list.n - tbs->len };
	buf_init(&alg, 64);
	algorithm(&alg);
	same = alg.err == 0 && list.n >= alg.len &&
	    memcmp(list.p, alg.data, alg.len) == 0;
	if (same)
		list = (struct span){ list.p + alg.len, list.n - alg.len };
	buf_free(&alg);
	if (!same || !take(&list, ASN1_TAG_BIT_STRING, &bits) ||
	    list.n != 0 || bits.n < 2 || bits.p[0] != 0)
		return false;
	*signature = (struct span){ bits.p + 1, bits.n - 1 };
	return true;
}

static int
check_signature(gnutls_x509_crt_t issuer, const struct buf *tbs,
    struct span signature)
{
	gnutls_datum_t data = { tbs->data, (unsigned)tbs->len };
	gnutls_datum_t sig = { (void *)(uintptr_t)signature.p,
	    (unsigned)signature.n };
	gnutls_pubkey_t key;
	int e;

	if ((e = gnutls_pubkey_init(&key)) < 0)
		return e;
	if ((e = gnutls_pubkey_import_x509(key, issuer, 0)) >= 0)
		e = gnutls_pubkey_verify_data2(key,
		    GNUTLS_SIGN_ECDSA_SHA384, 0, &data, &sig);
	gnutls_pubkey_deinit(key);
	return e;
}

int
crl_same(const struct crl *c, gnutls_x509_crt_t issuer, int64_t number,
    int64_t this_update, int64_t next_update, struct span der,
    struct why *why)
{
	struct span signature;
	struct buf tbs;
	int e, r = 0;

	buf_init(&tbs, CRL_MAX);
	e = put_tbs(c, issuer, number, this_update, next_update, &tbs);
	if (e < 0)
		r = keys_crypto(why, "CRL", e);
	else if (c->entries.err != 0 || buf_err(&tbs) != 0)
		r = why_set(why, ERR_TOOBIG, "CRL: too big");
	else if (!split(der, &tbs, &signature))
		r = why_set(why, ERR_REFUSED, "CRL and database say different "
		    "things");
	else if (check_signature(issuer, &tbs, signature) < 0)
		r = why_set(why, ERR_REFUSED, "the CRL's signature does not "
		    "hold");
	buf_free(&tbs);
	return r;
}
