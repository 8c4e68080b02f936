/* src/x509/slice.c, pem.c, sig.c: cutting, decoding, and whose signature. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki.h"
#include "x509/pem.h"
#include "x509/points.h"
#include "x509/sig.h"
#include "x509/slice.h"

static struct span
str(const char *s)
{
	return (struct span){ (const uint8_t *)s, strlen(s) };
}

/* ---- elements ------------------------------------------------------------ */

static int
element(const void *p, size_t n)
{
	struct rd r = rd_of(p, n);
	struct span content, whole;
	uint8_t tag;
	int e = slice_element(&r, &tag, &content, &whole);

	ck_assert_int_eq(e, r.err);
	if (e == 0) {
		ck_assert_uint_eq(whole.n + r.n, n);
		ck_assert_ptr_eq(content.p + content.n, whole.p + whole.n);
	}
	return e;
}

#define ELEMENT(s) element(s, sizeof(s) - 1)

START_TEST(elements)
{
	uint8_t big[3 + 0x80] = { 0x04, 0x81, 0x80 };

	ck_assert_int_eq(ELEMENT("\x05\x00"), 0);
	ck_assert_int_eq(ELEMENT("\x04\x02zz"), 0);
	ck_assert_int_eq(ELEMENT("\x04\x02zzz"), 0);
	ck_assert_int_eq(element(big, sizeof(big)), 0);
	ck_assert_int_eq(element(big, sizeof(big) - 1), ERR_SHORT);
	ck_assert_int_eq(ELEMENT(""), ERR_SHORT);
	ck_assert_int_eq(ELEMENT("\x05"), ERR_SHORT);
	ck_assert_int_eq(ELEMENT("\x04\x03zz"), ERR_SHORT);
	ck_assert_int_eq(ELEMENT("\x04\x84\xff\xff\xff\xff"), ERR_SHORT);
	/* high tag form, indefinite, not minimal, too wide */
	ck_assert_int_eq(ELEMENT("\x1f\x20\x00"), ERR_MALFORMED);
	ck_assert_int_eq(ELEMENT("\x24\x80\x00\x00"), ERR_MALFORMED);
	ck_assert_int_eq(ELEMENT("\x04\x81\x02zz"), ERR_MALFORMED);
	ck_assert_int_eq(ELEMENT("\x04\x82\x00\x81zz"), ERR_MALFORMED);
	ck_assert_int_eq(ELEMENT("\x04\x85\x01\x00\x00\x00\x00"),
	    ERR_MALFORMED);
	ck_assert_int_eq(ELEMENT("\x04\xff"), ERR_MALFORMED);
}
END_TEST

static const struct {
	const char *der;
	int64_t value;			/* -1: malformed */
} times[] = {
	{ "\x17\x0d" "700101000000Z", 0 },
	{ "\x17\x0d" "500101000000Z", -631152000 },
	{ "\x17\x0d" "491231235959Z", 2524607999 },
	{ "\x17\x0d" "240229120000Z", 1709208000 },
	{ "\x17\x0d" "000229000000Z", 951782400 },
	{ "\x18\x0f" "20500101000000Z", 2524608000 },
	{ "\x18\x0f" "99991231235959Z", 253402300799 },
	/* RFC 5280 4.1.2.5: until 2049 as UTCTime */
	{ "\x18\x0f" "20491231235959Z", -1 },
	{ "\x17\x0d" "230229120000Z", -1 },
	{ "\x18\x0f" "21000229120000Z", -1 },
	{ "\x17\x0d" "240001000000Z", -1 },
	{ "\x17\x0d" "241301000000Z", -1 },
	{ "\x17\x0d" "240100000000Z", -1 },
	{ "\x17\x0d" "240431000000Z", -1 },
	{ "\x17\x0d" "240101240000Z", -1 },
	{ "\x17\x0d" "240101006000Z", -1 },
	{ "\x17\x0d" "240101000060Z", -1 },
	{ "\x17\x0d" "2401010000 0Z", -1 },
	{ "\x17\x0d" "24010100000-Z", -1 },
	{ "\x17\x0d" "/40101000000Z", -1 },
	{ "\x17\x0d" "240101000000z", -1 },
	{ "\x17\x0b" "2401010000Z", -1 },
	{ "\x17\x11" "240101000000+0000", -1 },
	{ "\x18\x11" "20500101000000.5Z", -1 },
	{ "\x17\x0f" "20500101000000Z", -1 },
	{ "\x18\x0d" "500101000000Z", -1 },
	{ "\x17\x0d" "700101000000ZZ", -1 },
	{ "\x16\x0d" "700101000000Z", -1 },
	{ "\x17\x0d" "700101000000", -1 },
	{ "", -1 },
};

START_TEST(time_forms)
{
	int64_t t = 12345;
	int e = slice_time(str(times[_i].der), &t);

	if (times[_i].value == -1) {
		ck_assert_int_eq(e, ERR_MALFORMED);
		ck_assert_int_eq(t, 12345);
	} else {
		ck_assert_int_eq(e, 0);
		ck_assert_int_eq(t, times[_i].value);
	}
}
END_TEST

#define SPAN(s) ((struct span){ (const uint8_t *)(s), sizeof(s) - 1 })

START_TEST(serials)
{
	struct span s;

	ck_assert_int_eq(slice_serial(SPAN("\x01"), &s), 0);
	ck_assert_int_eq(slice_serial(SPAN("\x00\x80"), &s), 0);
	ck_assert(span_eq(s, SPAN("\x80")));
	ck_assert_int_eq(slice_serial(SPAN("\x00" "\xff" "2345678901234567890"),
	    &s), 0);
	ck_assert_uint_eq(s.n, 20);
	ck_assert_int_eq(slice_serial(SPAN("\x01" "12345678901234567890"),
	    &s), ERR_TOOBIG);
	ck_assert_int_eq(slice_serial(SPAN("\x00"), &s), ERR_MALFORMED);
	ck_assert_int_eq(slice_integer(SPAN("\x00"), &s), 0);
	ck_assert_int_eq(slice_serial(SPAN(""), &s), ERR_MALFORMED);
	ck_assert_int_eq(slice_serial(SPAN("\x80"), &s), ERR_MALFORMED);
	ck_assert_int_eq(slice_serial(SPAN("\x00\x7f"), &s), ERR_MALFORMED);
}
END_TEST

static int
extension(const void *p, size_t n, struct slice_extension *x)
{
	struct rd r = rd_of(p, n);
	int e = slice_extension_next(&r, x);

	if (e == 1)
		ck_assert_int_eq(slice_extension_next(&r, x), 0);
	else if (e < 0)
		ck_assert_int_eq(slice_extension_next(&r, x), e);
	return e;
}

#define EXTENSION(s) extension(s, sizeof(s) - 1, &x)

START_TEST(extensions)
{
	struct slice_extension x;

	ck_assert_int_eq(EXTENSION("\x30\x08\x06\x02\x55\x04\x04\x02zz"), 1);
	ck_assert(!x.critical);
	ck_assert(span_eq_str(x.value, "zz"));
	ck_assert(span_eq_str(x.oid, "\x55\x04"));
	ck_assert_int_eq(EXTENSION("\x30\x0b\x06\x02\x55\x04\x01\x01\xff"
	    "\x04\x02zz"), 1);
	ck_assert(x.critical);
	ck_assert_int_eq(EXTENSION(""), 0);
	/* false written out, true as 1, two bytes of it */
	ck_assert_int_eq(EXTENSION("\x30\x0b\x06\x02\x55\x04\x01\x01\x00"
	    "\x04\x02zz"), ERR_MALFORMED);
	ck_assert_int_eq(EXTENSION("\x30\x0b\x06\x02\x55\x04\x01\x01\x01"
	    "\x04\x02zz"), ERR_MALFORMED);
	ck_assert_int_eq(EXTENSION("\x30\x0c\x06\x02\x55\x04\x01\x02\xff\xff"
	    "\x04\x02zz"), ERR_MALFORMED);
	/* something behind, no value, an empty name, another kind */
	ck_assert_int_eq(EXTENSION("\x30\x0a\x06\x02\x55\x04\x04\x02zz"
	    "\x05\x00"), ERR_MALFORMED);
	ck_assert_int_eq(EXTENSION("\x30\x04\x06\x02\x55\x04"), ERR_SHORT);
	ck_assert_int_eq(EXTENSION("\x30\x06\x06\x00\x04\x02zz"),
	    ERR_MALFORMED);
	ck_assert_int_eq(EXTENSION("\x31\x08\x06\x02\x55\x04\x04\x02zz"),
	    ERR_MALFORMED);
	ck_assert_int_eq(EXTENSION("\x30\x09\x06\x02\x55\x04\x04\x02zz"),
	    ERR_SHORT);
}
END_TEST

/* ---- cRLDistributionPoints ------------------------------------------------- */

static void
tlv(struct buf *b, uint8_t tag, const void *p, size_t n)
{
	buf_put_u8(b, tag);
	if (n > 0xff) {
		buf_put_u8(b, 0x82);
		buf_put_u16(b, (uint16_t)n);
	} else {
		if (n > 0x7f)
			buf_put_u8(b, 0x81);
		buf_put_u8(b, (uint8_t)n);
	}
	buf_put_raw(b, p, n);
}

/* Of an extension with this value. */
static int
points(const void *value, size_t n, struct points *out)
{
	struct buf parts, x;
	struct why why = { "" };
	int e;

	buf_init(&parts, 65536);
	buf_init(&x, 65536);
	tlv(&parts, 0x06, "\x55\x1d\x1f", 3);
	tlv(&parts, 0x04, value, n);
	tlv(&x, 0x30, parts.data, parts.len);
	e = points_read((struct span){ x.data, x.len }, out, &why);
	ck_assert_int_eq(e != 0, why.text[0] != '\0');
	buf_free(&parts);
	buf_free(&x);
	return e;
}

#define POINTS(s) points(s, sizeof(s) - 1, &p)

START_TEST(crl_points)
{
	struct points p;

	ck_assert_int_eq(POINTS("\x30\x0b\x30\x09\xa0\x07\xa0\x05\x86\x03"
	    "a:b"), 0);
	ck_assert_uint_eq(p.n, 1);
	ck_assert_str_eq(p.uri[0], "a:b");
	/* two names of one, another kind of name between them; a second one */
	ck_assert_int_eq(POINTS("\x30\x1c\x30\x11\xa0\x0f\xa0\x0d\x86\x03"
	    "a:b" "\x82\x01x" "\x86\x03" "c:d" "\x30\x07\xa0\x05\xa0\x03"
	    "\x86\x01z"), 0);
	ck_assert_uint_eq(p.n, 3);
	ck_assert_str_eq(p.uri[1], "c:d");
	ck_assert_str_eq(p.uri[2], "z");
	/* reasons and issuer alone; a relative name; nothing of all */
	ck_assert_int_eq(POINTS("\x30\x0b\x30\x09\x81\x02\x01\x02\xa2\x03"
	    "\x86\x01x"), 0);
	ck_assert_uint_eq(p.n, 0);
	ck_assert_int_eq(POINTS("\x30\x06\x30\x04\xa0\x02\xa1\x00"), 0);
	ck_assert_int_eq(POINTS("\x30\x02\x30\x00"), 0);
	ck_assert_uint_eq(p.n, 0);
	/* what would reach a terminal */
	ck_assert_int_eq(POINTS("\x30\x0b\x30\x09\xa0\x07\xa0\x05\x86\x03"
	    "\x1b[m"), 0);
	ck_assert_str_eq(p.uri[0], "\\x1b[m");
	/* empty, a name of no kind, order, twice, left over, too short */
	ck_assert_int_eq(POINTS("\x30\x00"), ERR_MALFORMED);
	ck_assert_int_eq(POINTS(""), ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x06\x30\x04\xa0\x02\xa0\x00"),
	    ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x06\x30\x04\xa0\x02\xa2\x00"),
	    ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x09\x30\x07\xa0\x05\xa0\x03\x16\x01"
	    "x"), ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x0d\x30\x0b\x81\x02\x01\x02\xa0\x05"
	    "\xa0\x03\x86\x01x"), ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x0a\x30\x08\x81\x02\x01\x02\x81\x02"
	    "\x01\x02"), ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x06\x30\x04\x83\x02\x01\x02"),
	    ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x02\x30\x00\x05\x00"), ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x03\x31\x01x"), ERR_MALFORMED);
	ck_assert_int_eq(POINTS("\x30\x09\x30\x07\xa0\x05\xa0\x03\x86\x02"
	    "x"), ERR_MALFORMED);
}
END_TEST

START_TEST(crl_points_limits)
{
	struct buf names, full, name, point, all;
	char uri[600];
	struct points p;

	memset(uri, 'u', sizeof(uri));
	buf_init(&names, 65536);
	buf_init(&full, 65536);
	buf_init(&name, 65536);
	buf_init(&point, 65536);
	buf_init(&all, 65536);
	tlv(&names, 0x86, uri, POINTS_URI_MAX - 8);
	tlv(&names, 0x86, uri, sizeof(uri));
	for (int i = 2; i < POINTS_MAX + 3; i++)
		tlv(&names, 0x86, "x", 1);
	tlv(&full, 0xa0, names.data, names.len);
	tlv(&name, 0xa0, full.data, full.len);
	tlv(&point, 0x30, name.data, name.len);
	tlv(&all, 0x30, point.data, point.len);
	ck_assert_int_eq(points(all.data, all.len, &p), 0);
	ck_assert_uint_eq(p.n, POINTS_MAX);
	ck_assert_uint_eq(p.more, 3);
	ck_assert_uint_eq(strlen(p.uri[0]), POINTS_URI_MAX - 8);
	ck_assert_ptr_null(strstr(p.uri[0], "..."));
	ck_assert_ptr_nonnull(strstr(p.uri[1], "u..."));
	buf_free(&names);
	buf_free(&full);
	buf_free(&name);
	buf_free(&point);
	buf_free(&all);
	/* no such extension */
	ck_assert_int_eq(points_read((struct span){ (const uint8_t *)
	    "\x30\x08\x06\x02\x55\x04\x04\x02zz", 10 }, &p, NULL), 0);
	ck_assert_uint_eq(p.n, 0);
	ck_assert_int_eq(points_read((struct span){ (const uint8_t *)
	    "\x30\x08\x06\x02\x55\x04\x04\x02z", 9 }, &p, NULL),
	    ERR_MALFORMED);
}
END_TEST

/* ---- certificates -------------------------------------------------------- */

START_TEST(certificate)
{
	struct pki p;
	struct slice_cert c;
	struct why why;
	uint8_t id[64];
	size_t n = sizeof(id);
	int64_t t;
	gnutls_datum_t dn;

	pki_make(&p, PKI_P256, "leaf", NULL);
	ck_assert_int_eq(slice_cert(pki_der(&p), &c, &why), 0);
	ck_assert_uint_eq(c.version, 3);
	ck_assert_int_ge(gnutls_x509_crt_get_serial(p.crt, id, &n), 0);
	ck_assert(span_eq(c.serial, (struct span){ id, n }));
	ck_assert_int_ge(gnutls_x509_crt_get_raw_dn(p.crt, &dn), 0);
	ck_assert(span_eq(c.subject, (struct span){ dn.data, dn.size }));
	ck_assert(span_eq(c.subject, c.issuer));
	gnutls_free(dn.data);
	ck_assert_int_eq(slice_time(c.not_after, &t), 0);
	ck_assert_int_eq(t, gnutls_x509_crt_get_expiration_time(p.crt));
	ck_assert_int_eq(slice_time(c.not_before, &t), 0);
	ck_assert_int_eq(t, gnutls_x509_crt_get_activation_time(p.crt));
	pki_free(&p);
}
END_TEST

/* No prefix and no extension of a certificate is one, and no changed byte of
 * its signed part verifies. */
START_TEST(certificate_damaged)
{
	struct pki p;
	struct slice_cert c;
	struct why why;
	struct span der;
	uint8_t *copy;

	pki_make(&p, PKI_ED25519, "leaf", NULL);
	der = pki_der(&p);
	for (size_t n = 0; n < der.n; n++) {
		/* exact size, for the sanitizer */
		copy = malloc(n + 1);
		memcpy(copy, der.p, n);
		ck_assert_int_ne(slice_cert((struct span){ copy, n }, &c,
		    &why), 0);
		free(copy);
	}
	copy = calloc(1, der.n + 1);
	memcpy(copy, der.p, der.n);
	ck_assert_int_eq(slice_cert((struct span){ copy, der.n + 1 }, &c,
	    &why), ERR_MALFORMED);
	for (size_t i = 0; i < der.n; i++) {
		copy[i] ^= 0x40;
		if (slice_cert((struct span){ copy, der.n }, &c, &why) == 0)
			ck_assert_int_ne(sig_verify(c.spki, c.algorithm,
			    c.tbs, c.signature, &why), 0);
		copy[i] ^= 0x40;
	}
	ck_assert_int_eq(slice_cert((struct span){ copy, der.n }, &c, &why), 0);
	ck_assert_int_eq(sig_verify(c.spki, c.algorithm, c.tbs, c.signature,
	    &why), 0);
	free(copy);
	copy = calloc(1, SLICE_CERT_MAX + 1);
	ck_assert_int_eq(slice_cert((struct span){ copy, SLICE_CERT_MAX + 1 },
	    &c, &why), ERR_TOOBIG);
	free(copy);
	pki_free(&p);
}
END_TEST

/* RFC 5280 4.1.1.2: one algorithm, inside and outside. */
START_TEST(algorithm_twice)
{
	struct pki p;
	struct slice_cert c;
	struct why why;
	uint8_t *last;

	pki_make(&p, PKI_P256, "leaf", NULL);
	ck_assert_int_eq(slice_cert(pki_der(&p), &c, &why), 0);
	last = p.der.data + (c.algorithm.p - p.der.data) + c.algorithm.n - 1;
	ck_assert_uint_eq(*last, 0x02);
	*last = 0x03;
	ck_assert_int_eq(slice_cert(pki_der(&p), &c, &why), ERR_MALFORMED);
	ck_assert_ptr_nonnull(strstr(why.text, "stands outside"));
	pki_free(&p);
}
END_TEST

/* ---- signatures ---------------------------------------------------------- */

/* A certificate of key, signed anew by it with this hash and these flags. */
static void
sign_again(struct pki *p, gnutls_digest_algorithm_t hash, unsigned flags)
{
	ck_assert_int_ge(gnutls_x509_crt_privkey_sign(p->crt, p->crt, p->key,
	    hash, flags), 0);
	gnutls_free(p->der.data);
	ck_assert_int_ge(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_DER,
	    &p->der), 0);
}

static int
verify_self(struct pki *p, struct why *why)
{
	struct slice_cert c;

	ck_assert_int_eq(slice_cert(pki_der(p), &c, why), 0);
	return sig_verify(c.spki, c.algorithm, c.tbs, c.signature, why);
}

static const struct {
	enum pki_kind kind;
	gnutls_digest_algorithm_t hash;
	unsigned flags;
	int result;
} signers[] = {
	{ PKI_P256, GNUTLS_DIG_SHA256, 0, 0 },
	{ PKI_P256, GNUTLS_DIG_SHA512, 0, 0 },
	{ PKI_P384, GNUTLS_DIG_SHA384, 0, 0 },
	{ PKI_ED25519, GNUTLS_DIG_SHA512, 0, 0 },
	{ PKI_RSA, GNUTLS_DIG_SHA256, 0, 0 },
	{ PKI_RSA, GNUTLS_DIG_SHA384, 0, 0 },
	{ PKI_RSA, GNUTLS_DIG_SHA512, 0, 0 },
	{ PKI_RSA, GNUTLS_DIG_SHA256, GNUTLS_PRIVKEY_SIGN_FLAG_RSA_PSS, 0 },
	{ PKI_RSA, GNUTLS_DIG_SHA384, GNUTLS_PRIVKEY_SIGN_FLAG_RSA_PSS, 0 },
	{ PKI_RSA, GNUTLS_DIG_SHA512, GNUTLS_PRIVKEY_SIGN_FLAG_RSA_PSS, 0 },
	{ PKI_RSA, GNUTLS_DIG_SHA1, 0, ERR_REFUSED },
	{ PKI_P256, GNUTLS_DIG_SHA1, 0, ERR_REFUSED },
	{ PKI_RSA, GNUTLS_DIG_SHA224, 0, ERR_REFUSED },
	{ PKI_RSA_SHORT, GNUTLS_DIG_SHA256, 0, ERR_REFUSED },
};

START_TEST(signature)
{
	struct pki p;
	struct why why = { "" };

	pki_make(&p, signers[_i].kind, "ca", NULL);
	sign_again(&p, signers[_i].hash, signers[_i].flags);
	ck_assert_msg(verify_self(&p, &why) == signers[_i].result, "%s",
	    why.text);
	pki_free(&p);
}
END_TEST

static int
family(enum pki_kind k)
{
	return k == PKI_P384 ? PKI_P256 : (int)k;
}

/* Another key of the same kind, and of another kind, did not sign it. */
START_TEST(signature_of_others)
{
	struct pki p, q;
	struct slice_cert c, other;
	struct why why;

	pki_make(&p, (enum pki_kind)_i, "ca", NULL);
	ck_assert_int_eq(verify_self(&p, &why), 0);
	ck_assert_int_eq(slice_cert(pki_der(&p), &c, &why), 0);
	for (int k = 0; k < PKI_RSA_SHORT; k++) {
		pki_make(&q, (enum pki_kind)k, "ca", NULL);
		ck_assert_int_eq(slice_cert(pki_der(&q), &other, &why), 0);
		ck_assert_int_ne(sig_verify(other.spki, c.algorithm, c.tbs,
		    c.signature, &why), 0);
		if (family((enum pki_kind)k) != family((enum pki_kind)_i))
			ck_assert_ptr_nonnull(strstr(why.text,
			    "does not fit"));
		pki_free(&q);
	}
	pki_free(&p);
}
END_TEST

static const struct {
	gnutls_pk_algorithm_t algo;
	unsigned bits;
	int result;
} key_kinds[] = {
	{ GNUTLS_PK_RSA, 2048, 0 },
	{ GNUTLS_PK_RSA, 3072, 0 },
	{ GNUTLS_PK_RSA, 2040, ERR_REFUSED },
	{ GNUTLS_PK_RSA, 2052, ERR_REFUSED },
	{ GNUTLS_PK_DSA, 2048, ERR_REFUSED },
	{ GNUTLS_PK_RSA_PSS, 2048, ERR_REFUSED },
	{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
	    0 },
	{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1),
	    0 },
	{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1),
	    ERR_REFUSED },
	{ GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP224R1),
	    ERR_REFUSED },
	{ GNUTLS_PK_EDDSA_ED25519, 0, 0 },
	{ GNUTLS_PK_EDDSA_ED448, 0, ERR_REFUSED },
};

START_TEST(key_profile)
{
	gnutls_privkey_t key;
	gnutls_pubkey_t pub;
	gnutls_datum_t der;
	struct why why = { "" };

	ck_assert_int_ge(gnutls_privkey_init(&key), 0);
	ck_assert_int_ge(gnutls_pubkey_init(&pub), 0);
	ck_assert_int_ge(gnutls_privkey_generate(key, key_kinds[_i].algo,
	    key_kinds[_i].bits, 0), 0);
	ck_assert_int_ge(gnutls_pubkey_import_privkey(pub, key, 0, 0), 0);
	ck_assert_int_ge(gnutls_pubkey_export2(pub, GNUTLS_X509_FMT_DER, &der),
	    0);
	ck_assert_msg(sig_key_check((struct span){ der.data, der.size }, NULL,
	    &why) == key_kinds[_i].result, "%s", why.text);
	for (size_t n = 0; n < der.size; n++)
		ck_assert_int_ne(sig_key_check((struct span){ der.data, n },
		    NULL, &why), 0);
	gnutls_free(der.data);
	gnutls_pubkey_deinit(pub);
	gnutls_privkey_deinit(key);
}
END_TEST

/* ---- PEM ----------------------------------------------------------------- */

#define B(label) "-----BEGIN " label "-----\n"
#define E(label) "-----END " label "-----\n"

static const struct {
	const char *text;
	const char *out;		/* NULL: malformed */
} pems[] = {
	{ B("X") "YWJj\n" E("X"), "abc" },
	{ B("X") "YWI=\n" E("X"), "ab" },
	{ B("X") "YQ==\n" E("X"), "a" },
	{ B("X") "YW\nJj\r\nZGVm \n" E("X"), "abcdef" },
	{ "Subject: me\n" B("X") "YWJj\n" E("X") "tail", "abc" },
	{ "-----BEGIN X-----\r\nYWJj\r\n-----END X-----\r\n", "abc" },
	{ B("X") "YWJj\n-----END X-----", "abc" },
	{ B("Y") "this is not base64\n" E("Y") B("X") "YWJj\n" E("X"), "abc" },
	{ "0\n" B("X") "YWJj\n" E("X"), "abc" },
	{ B("X") "YWJj\n" E("Y"), NULL },
	{ B("X") "YWJj\n", NULL },
	{ B("Y") "YWJj\n" B("X") "YWJj\n" E("X"), NULL },
	{ B("Y") "YWJj\n", NULL },
	{ B("X") "YWJ\n" E("X"), NULL },
	{ B("X") E("X"), NULL },
	{ B("X") "YWJj=\n" E("X"), NULL },
	{ B("X") "YQ=a\n" E("X"), NULL },
	{ B("X") "Y===\n" E("X"), NULL },
	{ B("X") "YQ==\nYWJj\n" E("X"), NULL },
	{ B("X") "YR==\n" E("X"), NULL },
	{ B("X") "YWJ=\n" E("X"), NULL },
	{ B("X") "Proc-Type: 4\n\nYWJj\n" E("X"), NULL },
	{ B("X") "YW Jj\n" E("X"), NULL },
	{ B("X") "YW\xc3\xa4\n" E("X"), NULL },
};

START_TEST(pem_forms)
{
	struct span text = str(pems[_i].text);
	struct buf out;
	struct why why = { "" };
	int r;

	buf_init(&out, 100);
	r = pem_next(&text, "X", &out, &why);
	if (pems[_i].out == NULL) {
		ck_assert_int_eq(r, ERR_MALFORMED);
		ck_assert_int_eq(strncmp(why.text, "line ", 5), 0);
	} else {
		ck_assert_msg(r == 1, "%s", why.text);
		ck_assert_uint_eq(out.len, strlen(pems[_i].out));
		ck_assert_int_eq(memcmp(out.data, pems[_i].out, out.len), 0);
		ck_assert_int_eq(pem_next(&text, "X", &out, &why), 0);
	}
	buf_free(&out);
}
END_TEST

START_TEST(pem_several)
{
	struct span der[2], one;
	size_t n = 0;
	struct buf out;
	struct why why;
	char line[PEM_LINE_MAX + 100];

	buf_init(&out, 1000);
	buf_put_cstring(&out, "before");
	ck_assert_int_eq(pem_all(str(B("X") "YWJj\n" E("X") B("Y") "YQ==\n"
	    E("Y") B("X") "YQ==\n" E("X")), "X", &out, der, 2, &n, &why), 0);
	ck_assert_uint_eq(n, 2);
	ck_assert(span_eq_str(der[0], "abc"));
	ck_assert(span_eq_str(der[1], "a"));
	ck_assert_int_eq(pem_all(str(B("X") "YWJj\n" E("X") B("X") "YQ==\n"
	    E("X")), "X", &out, der, 1, &n, &why), ERR_TOOBIG);
	ck_assert_int_eq(pem_all(str("nothing\n"), "X", &out, der, 2, &n,
	    &why), ERR_NOTFOUND);
	ck_assert_int_eq(pem_all(str(""), "X", &out, der, 2, &n, &why),
	    ERR_NOTFOUND);
	ck_assert_int_eq(pem_all(str(B("X") "YWJj\n" E("X") B("X") "\n\n?\n"),
	    "X", &out, der, 2, &n, &why), ERR_MALFORMED);
	ck_assert_str_eq(why.text, "line 7: expected base64");
	/* DER is one block, whatever is in it */
	one = SPAN("\x30\x82\x01\x00-----BEGIN X-----\n");
	ck_assert_int_eq(pem_all(one, "X", &out, der, 2, &n, &why), 0);
	ck_assert_uint_eq(n, 1);
	ck_assert(span_eq(der[0], one));
	/* a line of a block has a limit, one of the text around has none */
	memset(line, 'Y', sizeof(line));
	memcpy(line + sizeof(line) - 20, "\n" B("X"), 19);
	line[sizeof(line) - 1] = '\0';
	ck_assert_int_eq(pem_all(str(line), "X", &out, der, 2, &n, &why),
	    ERR_MALFORMED);
	ck_assert_ptr_nonnull(strstr(why.text, "before the end of the file"));
	memset(line, 'Y', sizeof(line));
	memcpy(line, B("X"), 18);
	line[sizeof(line) - 1] = '\0';
	ck_assert_int_eq(pem_all(str(line), "X", &out, der, 2, &n, &why),
	    ERR_MALFORMED);
	ck_assert_str_eq(why.text, "line 2: expected a shorter line");
	buf_free(&out);
	buf_init(&out, 2);
	ck_assert_int_eq(pem_all(str(B("X") "YWJj\n" E("X")), "X", &out, der,
	    2, &n, &why), ERR_TOOBIG);
	buf_free(&out);
}
END_TEST

#define N(a) ((int)(sizeof(a) / sizeof((a)[0])))

static Suite *
suite(void)
{
	Suite *s = suite_create("slice");
	TCase *t = tcase_create("slice");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, elements);
	tcase_add_loop_test(t, time_forms, 0, N(times));
	tcase_add_test(t, serials);
	tcase_add_test(t, extensions);
	tcase_add_test(t, crl_points);
	tcase_add_test(t, crl_points_limits);
	tcase_add_test(t, certificate);
	tcase_add_test(t, certificate_damaged);
	tcase_add_test(t, algorithm_twice);
	suite_add_tcase(s, t);
	t = tcase_create("sig");
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, signature, 0, N(signers));
	tcase_add_loop_test(t, signature_of_others, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(t, key_profile, 0, N(key_kinds));
	suite_add_tcase(s, t);
	t = tcase_create("pem");
	tcase_add_loop_test(t, pem_forms, 0, N(pems));
	tcase_add_test(t, pem_several);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *sr = srunner_create(suite());
	int failed;

	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
