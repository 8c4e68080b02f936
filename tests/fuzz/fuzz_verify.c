/*
 * A chain against a fixed trust.  What is behind a signature is reached by
 * making the signatures here: the input holds TBSCertificates, each signed
 * with the key of the anchor or of the CA below it (the two of RFC 8032
 * 7.1's first tests), or not at all.
 *
 * Input: byte who (2 bits a certificate: 0 anchor, 1 CA, 2 whole as it is),
 * byte how (1 server, 2 names=, 4 revocation); then uint16 length and bytes of
 * each.
 */
#include "fuzz.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "x509/sig.h"
#include "x509/verify.h"

#define CHAIN 4
#define NOW 1700000000

static const struct {
	uint8_t secret[32], public[32];
} keys[2] = {
	{ { 0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
	    0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
	    0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 },
	  { 0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe,
	    0xd3, 0xc9, 0x64, 0x07, 0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6,
	    0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a } },
	{ { 0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
	    0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
	    0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb },
	  { 0x3d, 0x40, 0x17, 0xc3, 0xe8, 0x43, 0x89, 0x5a, 0x92, 0xb7, 0x0a,
	    0xa7, 0x4d, 0x1b, 0x7e, 0xbc, 0x9c, 0x98, 0x2c, 0xcf, 0x2e, 0xc4,
	    0x96, 0x8c, 0xc0, 0xcd, 0x55, 0xf1, 0x2a, 0xf4, 0x66, 0x0c } },
};
static const uint8_t ed25519[] = { 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70 };

static struct {
	gnutls_privkey_t key[2];
	struct buf der;			/* of the anchor */
	struct trust trust;
	struct trust_authority authority[2];	/* user, host */
	struct trust_anchor anchor;
	struct trust_name name;
} f;

/* ---- what does not change ----------------------------------------------- */

static void
put(struct buf *b, uint8_t tag, const void *p, size_t n)
{
	buf_put_u8(b, tag);
	if (n >= 0x100) {
		buf_put_u8(b, 0x82);
		buf_put_u16(b, (uint16_t)n);
	} else {
		if (n >= 0x80)
			buf_put_u8(b, 0x81);
		buf_put_u8(b, (uint8_t)n);
	}
	buf_put_raw(b, p, n);
}

static gnutls_privkey_t
import(int i)
{
	gnutls_datum_t x = { (unsigned char *)(uintptr_t)keys[i].public, 32 };
	gnutls_datum_t k = { (unsigned char *)(uintptr_t)keys[i].secret, 32 };
	gnutls_privkey_t key;

	CHECK(gnutls_privkey_init(&key) >= 0);
	CHECK(gnutls_privkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_ED25519, &x,
	    NULL, &k) >= 0);
	return key;
}

/* The certificate of these bytes, signed by key i. */
static void
sign(struct buf *out, int i, const uint8_t *tbs, size_t n)
{
	gnutls_datum_t data = { (unsigned char *)(uintptr_t)tbs, (unsigned)n };
	gnutls_datum_t sig = { NULL, 0 };
	uint8_t bits[65] = { 0 };
	struct buf in;

	CHECK(gnutls_privkey_sign_data2(f.key[i], GNUTLS_SIGN_EDDSA_ED25519, 0,
	    &data, &sig) >= 0 && sig.size == 64);
	memcpy(bits + 1, sig.data, 64);
	gnutls_free(sig.data);
	buf_init(&in, SIZE_MAX / 2);
	buf_put_raw(&in, tbs, n);
	buf_put_raw(&in, ed25519, sizeof(ed25519));
	put(&in, 0x03, bits, sizeof(bits));
	put(out, 0x30, in.data, in.len);
	buf_free(&in);
}

/* CN=root, valid for ever, CA:TRUE; tests/fuzz/seeds.py makes the same. */
static void
make_anchor(void)
{
	static const uint8_t head[] = "\xa0\x03\x02\x01\x02\x02\x01\x01"
	    "\x30\x05\x06\x03\x2b\x65\x70"
	    "\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04root"
	    "\x30\x1e\x17\x0d" "700101000000Z" "\x17\x0d" "491231235959Z"
	    "\x30\x0f\x31\x0d\x30\x0b\x06\x03\x55\x04\x03\x0c\x04root"
	    "\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00";
	static const uint8_t tail[] = "\xa3\x13\x30\x11\x30\x0f\x06\x03"
	    "\x55\x1d\x13\x01\x01\xff\x04\x05\x30\x03\x01\x01\xff";
	struct buf in, tbs;

	buf_init(&in, 4096);
	buf_init(&tbs, 4096);
	buf_init(&f.der, 4096);
	buf_put_raw(&in, head, sizeof(head) - 1);
	buf_put_raw(&in, keys[0].public, 32);
	buf_put_raw(&in, tail, sizeof(tail) - 1);
	put(&tbs, 0x30, in.data, in.len);
	sign(&f.der, 0, tbs.data, tbs.len);
	buf_free(&in);
	buf_free(&tbs);
}

static void
set_up(void)
{
	struct trust_anchor *a = &f.anchor;

	if (f.der.len > 0)
		return;
	f.key[0] = import(0);
	f.key[1] = import(1);
	make_anchor();
	CHECK(slice_cert((struct span){ f.der.data, f.der.len }, &a->cert,
	    NULL) == 0);
	CHECK(sig_sha256(a->cert.spki, a->key) == 0);
	a->not_after = INT64_C(2524607999);
	a->crl = (struct trust_crl){ .usable = true, .next_update = NOW };
	f.name.field = FACTS_URI;
	strcpy(f.name.pattern, "spiffe://lab.example/user/*");
	for (int i = 0; i < 2; i++) {
		f.authority[i].n_anchors = 1;
		f.authority[i].anchor = a;
		f.authority[i].rules.names = &f.name;
	}
	strcpy(f.authority[0].rules.name, "user");
	strcpy(f.authority[1].rules.name, "host");
	f.authority[1].rules.class = FACTS_HOST;
}

/* ---- one input ---------------------------------------------------------- */

static void
printable(const char *text)
{
	for (; *text != '\0'; text++)
		CHECK(*text >= 0x20 && *text <= 0x7e);
}

static void
check(const struct verify *v)
{
	for (int i = 0; i < VERIFY_CHECKS; i++)
		printable(v->check[i].text);
	printable(v->reason);
	printable(v->detail);
	if (v->outcome == VERIFY_ACCEPTED) {
		CHECK(v->authority != NULL && v->have_facts);
		CHECK(v->alert == TLS_ALERT_NONE && v->expires >= NOW);
		for (int i = 0; i < VERIFY_HOST; i++)
			CHECK(v->check[i].result == VERIFY_PASSED);
		return;
	}
	CHECK(v->outcome == VERIFY_REFUSED && v->failed < VERIFY_CHECKS);
	CHECK(v->check[v->failed].result == VERIFY_FAILED);
	CHECK(v->alert != TLS_ALERT_NONE && v->reason[0] != '\0');
	CHECK(strstr(v->detail, verify_section(v->failed)) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verify v;
	struct buf der[CHAIN];
	struct span chain[CHAIN];
	struct verify_ask ask = { .trust = &f.trust, .chain = chain,
	    .now = NOW, .signatures = VERIFY_SIGNATURES_LOGIN };
	uint8_t who = fuzz_u8(&data, &size), how = fuzz_u8(&data, &size);
	struct rd r = rd_of(data, size);

	set_up();
	f.trust = (struct trust){ .n = 1,
	    .authority = &f.authority[how & 1] };
	ask.server = (how & 1) != 0;
	ask.host = ask.server ? "web.example.org" : NULL;
	f.trust.authority->rules.n_names = (how & 2) != 0;
	f.trust.authority->rules.revocation = (how & 4) != 0 ? TRUST_REQUIRE :
	    TRUST_NONE;
	for (; ask.n < CHAIN && r.n > 0; ask.n++, who = (uint8_t)(who >> 2)) {
		struct span s = rd_vector(&r, 2);

		buf_init(&der[ask.n], 1 << 20);
		if ((who & 3) < 2)
			sign(&der[ask.n], who & 1, s.p, s.n);
		else
			buf_put_raw(&der[ask.n], s.p, s.n);
		chain[ask.n] = (struct span){ der[ask.n].data,
		    der[ask.n].len };
	}
	verify(&ask, &v);
	check(&v);
	for (size_t i = 0; i < ask.n; i++)
		buf_free(&der[i]);
	return 0;
}
