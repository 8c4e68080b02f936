#include "forge.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define OK(call) ck_assert_int_ge((call), 0)
#define ROOM (32u << 20)

/* ---- CAs ---------------------------------------------------------------- */

static void
set_constraints(gnutls_x509_crt_t crt, const struct forge_how *how)
{
	if (!how->no_constraints)
		OK(gnutls_x509_crt_set_basic_constraints(crt, !how->not_ca,
		    -1));
	if (!how->no_usage)
		OK(gnutls_x509_crt_set_key_usage(crt, how->usage != 0 ?
		    how->usage : GNUTLS_KEY_KEY_CERT_SIGN |
		    GNUTLS_KEY_CRL_SIGN));
	if (how->unknown)
		OK(gnutls_x509_crt_set_extension_by_oid(crt, "1.2.3",
		    "\5", 2, 1));
}

/* A fresh one: the library adds no extension to what it has signed. */
static gnutls_x509_crt_t
unsigned_crt(const struct pki *p, const char *name,
    const struct forge_how *how)
{
	static uint8_t serial[4] = { 2 };
	int64_t now = time(NULL);
	gnutls_x509_crt_t crt;

	serial[3]++;
	OK(gnutls_x509_crt_init(&crt));
	OK(gnutls_x509_crt_set_version(crt, how->version != 0 ?
	    (unsigned)how->version : 3));
	OK(gnutls_x509_crt_set_key(crt, p->x509));
	OK(gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
	    name, (unsigned)strlen(name)));
	OK(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)));
	OK(gnutls_x509_crt_set_activation_time(crt, how->from != 0 ?
	    how->from : now - 300));
	OK(gnutls_x509_crt_set_expiration_time(crt, how->to != 0 ? how->to :
	    now + 86400));
	if (how->version == 0)
		set_constraints(crt, how);
	return crt;
}

static void
take_key(struct pki *p, const struct pki *from)
{
	gnutls_privkey_deinit(p->key);
	gnutls_x509_privkey_deinit(p->x509);
	OK(gnutls_x509_privkey_init(&p->x509));
	OK(gnutls_x509_privkey_cpy(p->x509, from->x509));
	OK(gnutls_privkey_init(&p->key));
	OK(gnutls_privkey_import_x509(p->key, p->x509, 0));
}

void
forge_ca(struct pki *p, enum pki_kind kind, const char *name,
    const struct pki *issuer, const struct forge_how *how)
{
	static const struct forge_how good;
	const struct pki *by = issuer != NULL ? issuer : p;

	if (how == NULL)
		how = &good;
	pki_make(p, kind, name, NULL);
	if (how->key != NULL)
		take_key(p, how->key);
	gnutls_x509_crt_deinit(p->crt);
	p->crt = unsigned_crt(p, name, how);
	OK(gnutls_x509_crt_privkey_sign(p->crt, by->crt, by->key,
	    gnutls_sign_get_hash_algorithm(by->sign), 0));
	gnutls_free(p->der.data);
	gnutls_free(p->pem.data);
	OK(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_DER, &p->der));
	OK(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_PEM, &p->pem));
}

/* ---- DER ---------------------------------------------------------------- */

static void
put(struct buf *b, uint8_t tag, const void *p, size_t n)
{
	buf_put_u8(b, tag);
	if (n < 0x80) {
		buf_put_u8(b, (uint8_t)n);
	} else if (n <= 0xff) {
		buf_put_u16(b, (uint16_t)(0x8100 | n));
	} else if (n <= 0xffff) {
		buf_put_u8(b, 0x82);
		buf_put_u16(b, (uint16_t)n);
	} else {
		buf_put_u8(b, 0x84);
		buf_put_u32(b, (uint32_t)n);
		/* 0x84 is minimal from 16 MiB on, 0x83 before */
		if (n <= 0xffffff) {
			uint8_t *end = b->data + b->len;

			memmove(end - 4, end - 3, 3);
			end[-5] = 0x83;
			b->len--;
		}
	}
	buf_put_raw(b, p, n);
}

static void
put_span(struct buf *b, uint8_t tag, struct span s)
{
	put(b, tag, s.p, s.n);
}

/* b within a tag */
static void
wrap(struct buf *b, uint8_t tag)
{
	struct buf in;

	buf_init(&in, ROOM);
	put(&in, tag, b->data, b->len);
	ck_assert_int_eq(buf_err(&in), 0);
	buf_free(b);
	*b = in;
}

static void
append(struct buf *b, struct buf *in)
{
	buf_put_raw(b, in->data, in->len);
	ck_assert_int_eq(buf_err(in), 0);
	buf_free(in);
}

static void
put_time(struct buf *b, int64_t t)
{
	time_t tt = (time_t)t;
	char text[32];
	struct tm tm;
	size_t skip;

	ck_assert_ptr_nonnull(gmtime_r(&tt, &tm));
	ck_assert_uint_eq(strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm),
	    15);
	/* UTCTime until 2049 */
	skip = tm.tm_year < 150 ? 2 : 0;
	put(b, skip > 0 ? 0x17 : 0x18, text + skip, 15 - skip);
}

/* ---- CRLs --------------------------------------------------------------- */

struct forge_crl
forge_crl(const struct pki *signer, int64_t now, const char *number,
    size_t number_len)
{
	return (struct forge_crl){ .signer = signer, .number = number,
	    .number_len = number_len, .this_update = now - 3600,
	    .next_update = now + 86400 };
}

static struct span
algorithm_of(const struct pki *p)
{
	static const uint8_t p256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
	    0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	static const uint8_t ed[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65,
	    0x70 };

	if (p->sign == GNUTLS_SIGN_EDDSA_ED25519)
		return (struct span){ ed, sizeof(ed) };
	ck_assert_int_eq(p->sign, GNUTLS_SIGN_ECDSA_SECP256R1_SHA256);
	return (struct span){ p256, sizeof(p256) };
}

static void
put_entries(struct buf *b, const struct forge_crl *c)
{
	struct buf list, entry;

	buf_init(&list, ROOM);
	for (unsigned i = 0; i < c->n; i++) {
		uint32_t v = c->first + i;
		uint8_t serial[5] = { 0x40, (uint8_t)(v >> 24),
		    (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };
		bool last = i + 1 == c->n;

		buf_init(&entry, 1000);
		if (last && c->entry_serial.p != NULL)
			put_span(&entry, 0x02, c->entry_serial);
		else
			put(&entry, 0x02, serial, sizeof(serial));
		put_time(&entry, c->this_update);
		if (last && c->entry_extensions.n > 0)
			put_span(&entry, 0x30, c->entry_extensions);
		put(&list, 0x30, entry.data, entry.len);
		buf_free(&entry);
	}
	if (c->n > 0)
		wrap(&list, 0x30);
	append(b, &list);
}

static void
put_number(struct buf *b, const struct forge_crl *c)
{
	struct buf x, value;

	if (c->number == NULL)
		return;
	buf_init(&x, 1000);
	buf_init(&value, 1000);
	put(&x, 0x06, "\x55\x1d\x14", 3);
	if (c->number_critical)
		put(&x, 0x01, "\xff", 1);
	put(&value, 0x02, c->number, c->number_len);
	put(&x, 0x04, value.data, value.len);
	buf_free(&value);
	wrap(&x, 0x30);
	append(b, &x);
}

static void
put_extensions(struct buf *b, const struct forge_crl *c)
{
	struct buf x;

	buf_init(&x, 2000);
	put_number(&x, c);
	buf_put_raw(&x, c->extensions.p, c->extensions.n);
	if (x.len > 0) {
		wrap(&x, 0x30);
		wrap(&x, 0xa0);
	}
	append(b, &x);
}

static void
put_issuer(struct buf *b, const struct pki *p)
{
	gnutls_datum_t dn;

	OK(gnutls_x509_crt_get_raw_dn(p->crt, &dn));
	buf_put_raw(b, dn.data, dn.size);
	gnutls_free(dn.data);
}

void
forge_crl_put(struct buf *out, const struct forge_crl *c)
{
	struct span algorithm = algorithm_of(c->signer);
	gnutls_datum_t data, sig;
	struct buf tbs, bits;

	buf_init(&tbs, ROOM);
	if (!c->v1)
		put(&tbs, 0x02, c->version != 0 ? &c->version :
		    (const uint8_t *)"\x01", 1);
	buf_put_raw(&tbs, algorithm.p, algorithm.n);
	put_issuer(&tbs, c->issuer != NULL ? c->issuer : c->signer);
	put_time(&tbs, c->this_update);
	if (c->next_update != 0)
		put_time(&tbs, c->next_update);
	put_entries(&tbs, c);
	put_extensions(&tbs, c);
	wrap(&tbs, 0x30);
	data = (gnutls_datum_t){ tbs.data, (unsigned)tbs.len };
	OK(gnutls_privkey_sign_data2(c->signer->key,
	    c->signer->sign == GNUTLS_SIGN_EDDSA_ED25519 ?
	    GNUTLS_SIGN_EDDSA_ED25519 : GNUTLS_SIGN_ECDSA_SHA256, 0, &data,
	    &sig));
	buf_init(&bits, 1000);
	buf_put_u8(&bits, 0);
	buf_put_raw(&bits, sig.data, sig.size);
	gnutls_free(sig.data);
	buf_put_raw(&tbs, algorithm.p, algorithm.n);
	put(&tbs, 0x03, bits.data, bits.len);
	buf_free(&bits);
	wrap(&tbs, 0x30);
	append(out, &tbs);
	ck_assert_int_eq(buf_err(out), 0);
}

void
forge_pem(struct buf *out, const char *label, struct span der)
{
	gnutls_datum_t in = { (unsigned char *)(uintptr_t)der.p,
	    (unsigned)der.n }, text;

	OK(gnutls_pem_base64_encode2(label, &in, &text));
	buf_put_raw(out, text.data, text.size);
	gnutls_free(text.data);
	ck_assert_int_eq(buf_err(out), 0);
}
