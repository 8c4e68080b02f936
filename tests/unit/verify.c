/* src/x509/verify*.c, cert.c, names.c, constraint.c, ext.c: each check with
 * a control beside it.  Certificates are made on the spot, by the library. */
#include <check.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/cert.h"
#include "x509/constraint.h"
#include "x509/sig.h"
#include "x509/verify.h"

#define OK(call) ck_assert_int_ge((call), 0)
#define NOW INT64_C(1700000000)
#define DAY INT64_C(86400)
#define ALICE "spiffe://lab.example/user/alice"
#define OID_SID "1.3.6.1.4.1.311.25.2"
#define OID_NC "2.5.29.30"
#define CLIENT GNUTLS_KP_TLS_WWW_CLIENT
#define SERVER GNUTLS_KP_TLS_WWW_SERVER

/* ---- DER by hand -------------------------------------------------------- */

/* tag, length, content: appended to out. */
static void
put(struct buf *out, uint8_t tag, const void *p, size_t n)
{
	buf_put_u8(out, tag);
	if (n >= 0x80 && n <= 0xff) {
		buf_put_u8(out, 0x81);
		buf_put_u8(out, (uint8_t)n);
	} else if (n > 0xff) {
		buf_put_u8(out, 0x82);
		buf_put_u16(out, (uint16_t)n);
	} else {
		buf_put_u8(out, (uint8_t)n);
	}
	buf_put_raw(out, p, n);
}

static struct span
wrap(uint8_t tag, struct span s)
{
	static struct buf kept[64];
	static size_t n;
	struct buf *b = &kept[n++ % 64];

	buf_free(b);
	buf_init(b, 20000);
	put(b, tag, s.p, s.n);
	return (struct span){ b->data, b->len };
}

static struct span
bytes(const char *s, size_t n)
{
	return (struct span){ (const uint8_t *)s, n };
}
#define TEXT(s) bytes(s, strlen(s))
#define BYTES(s) bytes(s, sizeof(s) - 1)

static struct span
join(struct span a, struct span b)
{
	static struct buf kept[16];
	static size_t n;
	struct buf *o = &kept[n++ % 16];

	buf_free(o);
	buf_init(o, 20000);
	buf_put_raw(o, a.p, a.n);
	buf_put_raw(o, b.p, b.n);
	return (struct span){ o->data, o->len };
}

/* ---- keys and certificates ---------------------------------------------- */

enum key { K_ROOT, K_OTHER, K_MID, K_MID2, K_MID3, K_LEAF, K_P384, K_ED25519,
    K_RSA, K_RSA_SHORT, K_P521, KEYS };
static gnutls_x509_privkey_t keys[KEYS];

static gnutls_x509_privkey_t
key(enum key k)
{
	static const struct {
		gnutls_pk_algorithm_t algo;
		unsigned bits;
	} kinds[KEYS] = {
		[K_P384] = { GNUTLS_PK_ECDSA,
		    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP384R1) },
		[K_ED25519] = { GNUTLS_PK_EDDSA_ED25519,
		    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519) },
		[K_RSA] = { GNUTLS_PK_RSA, 2048 },
		[K_RSA_SHORT] = { GNUTLS_PK_RSA, 1024 },
		[K_P521] = { GNUTLS_PK_ECDSA,
		    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP521R1) },
	};

	if (keys[k] != NULL)
		return keys[k];
	OK(gnutls_x509_privkey_init(&keys[k]));
	OK(gnutls_x509_privkey_generate(keys[k], kinds[k].algo != 0 ?
	    kinds[k].algo : GNUTLS_PK_ECDSA, kinds[k].bits != 0 ?
	    kinds[k].bits : GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1),
	    0));
	return keys[k];
}

/* A GeneralName's tag, or one of these two; 0 ends a list. */
enum { EMAIL = 0x81, DNS = 0x82, URI = 0x86, IP = 0x87, SAN_UPN = 1,
    SAN_RAW = 2 };	/* a whole GeneralNames */
struct san {
	int type;
	const char *data;
	size_t n;			/* 0: strlen */
};

struct spec {
	const char *subject, *issuer;	/* CN; "" for an empty Name */
	enum key key, by;
	int version;			/* 0: 3 */
	bool ca;
	int path_len;			/* 0: none, else one more than it */
	unsigned usage;			/* 0: as usual; NO_USAGE */
	const char *eku[3];
	struct san san[8];
	int64_t from, to;		/* 0: a day before and after NOW */
	gnutls_digest_algorithm_t hash;
	struct {
		const char *oid;
		const uint8_t *der;
		size_t n;
		bool critical;
	} ext[2];
	unsigned serial;
};
#define NO_USAGE (1u << 30)

struct made {
	gnutls_datum_t der;
};
static struct made all[64];
static size_t n_all;

static void
set_cn(gnutls_x509_crt_t crt, const char *cn)
{
	if (cn[0] != '\0')
		OK(gnutls_x509_crt_set_dn_by_oid(crt,
		    GNUTLS_OID_X520_COMMON_NAME, 0, cn, (unsigned)strlen(cn)));
}

/* By hand: the library makes no malformed ones. */
static void
set_sans(gnutls_x509_crt_t crt, const struct san *san)
{
	struct span names = BYTES("");

	for (; san->type != 0; san++) {
		struct span data = bytes(san->data, san->n != 0 ? san->n :
		    strlen(san->data));

		if (san->type == SAN_RAW) {
			OK(gnutls_x509_crt_set_extension_by_oid(crt,
			    "2.5.29.17", data.p, data.n, 0));
			return;
		}
		if (san->type == SAN_UPN)
			data = wrap(0xa0, join(BYTES("\x06\x0a\x2b\x06\x01\x04"
			    "\x01\x82\x37\x14\x02\x03"), wrap(0xa0, wrap(0x0c,
			    data))));
		else
			data = wrap((uint8_t)san->type, data);
		names = join(names, data);
	}
	if (names.n > 0) {
		names = wrap(0x30, names);
		OK(gnutls_x509_crt_set_extension_by_oid(crt, "2.5.29.17",
		    names.p, names.n, 0));
	}
}

static void
set_extensions(gnutls_x509_crt_t crt, const struct spec *s)
{
	unsigned usage = s->usage != 0 ? s->usage : s->ca ?
	    GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN :
	    GNUTLS_KEY_DIGITAL_SIGNATURE;

	if (s->ca)
		OK(gnutls_x509_crt_set_basic_constraints(crt, 1,
		    s->path_len - 1));
	if (usage != NO_USAGE)
		OK(gnutls_x509_crt_set_key_usage(crt, usage));
	for (size_t i = 0; i < 3 && s->eku[i] != NULL; i++)
		OK(gnutls_x509_crt_set_key_purpose_oid(crt, s->eku[i], 0));
	set_sans(crt, s->san);
	for (size_t i = 0; i < 2 && s->ext[i].oid != NULL; i++)
		OK(gnutls_x509_crt_set_extension_by_oid(crt, s->ext[i].oid,
		    s->ext[i].der, s->ext[i].n, s->ext[i].critical));
}

/* DER of it, which lives until the test ends. */
static struct span
make(const struct spec *s)
{
	gnutls_x509_crt_t crt, by;
	gnutls_privkey_t priv;
	gnutls_datum_t *out = &all[n_all++].der;
	uint8_t serial[2] = { 1, (uint8_t)(s->serial != 0 ? s->serial :
	    n_all) };

	ck_assert_uint_lt(n_all, sizeof(all) / sizeof(all[0]));
	OK(gnutls_x509_crt_init(&crt));
	OK(gnutls_x509_crt_init(&by));
	OK(gnutls_x509_crt_set_key(by, key(s->by)));
	set_cn(by, s->issuer);
	OK(gnutls_privkey_init(&priv));
	OK(gnutls_privkey_import_x509(priv, key(s->by), 0));
	OK(gnutls_x509_crt_set_version(crt, s->version != 0 ?
	    (unsigned)s->version : 3));
	OK(gnutls_x509_crt_set_key(crt, key(s->key)));
	set_cn(crt, s->subject);
	OK(gnutls_x509_crt_set_serial(crt, serial, sizeof(serial)));
	OK(gnutls_x509_crt_set_activation_time(crt, s->from != 0 ? s->from :
	    NOW - DAY));
	OK(gnutls_x509_crt_set_expiration_time(crt, s->to != 0 ? s->to :
	    NOW + DAY));
	if (s->version != 1)
		set_extensions(crt, s);
	OK(gnutls_x509_crt_privkey_sign(crt, by, priv, s->hash != 0 ?
	    s->hash : GNUTLS_DIG_SHA256, 0));
	OK(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, out));
	gnutls_privkey_deinit(priv);
	gnutls_x509_crt_deinit(by);
	gnutls_x509_crt_deinit(crt);
	return (struct span){ out->data, out->size };
}

/* Parts that most of them share; later members win. */
#define CA(...) make(&(struct spec){ .subject = "root", .issuer = "root", \
    .key = K_ROOT, .by = K_ROOT, .ca = true, __VA_ARGS__ })
#define MID(...) make(&(struct spec){ .subject = "mid", .issuer = "root", \
    .key = K_MID, .by = K_ROOT, .ca = true, __VA_ARGS__ })
#define LEAF(...) make(&(struct spec){ .subject = "alice", .issuer = "root", \
    .key = K_LEAF, .by = K_ROOT, .eku = { CLIENT }, \
    .san = { { URI, ALICE, 0 } }, __VA_ARGS__ })
#define UNDER_MID .issuer = "mid", .by = K_MID
#pragma GCC diagnostic ignored "-Woverride-init"

/* ---- trust and question ------------------------------------------------- */

static struct {
	struct trust trust;
	struct trust_authority authority[3];
	struct trust_anchor anchor[3][2];
	struct trust_name names[4];
	struct trust_revoked revoked;
	struct span chain[VERIFY_CHAIN_MAX + 1];
	struct verify_ask ask;
	struct verify v;
} t;

static struct trust_anchor *
anchor(size_t authority, struct span der)
{
	struct trust_authority *a = &t.authority[authority];
	struct trust_anchor *k = &t.anchor[authority][a->n_anchors++];

	a->anchor = t.anchor[authority];
	ck_assert_int_eq(slice_cert(der, &k->cert, NULL), 0);
	ck_assert_int_eq(sig_sha256(k->cert.spki, k->key), 0);
	ck_assert_int_eq(slice_time(k->cert.not_before, &k->not_before), 0);
	ck_assert_int_eq(slice_time(k->cert.not_after, &k->not_after), 0);
	k->crl.usable = true;
	k->crl.next_update = NOW + DAY;
	return k;
}

static struct trust_authority *
authority(const char *name, enum facts_class class)
{
	struct trust_authority *a = &t.authority[t.trust.n++];

	t.trust.authority = t.authority;
	strcpy(a->rules.name, name);
	a->rules.class = class;
	a->rules.names = t.names;
	return a;
}

static void
set_up(void)
{
	memset(&t, 0, sizeof(t));
	n_all = 0;
	(void)authority("lab", FACTS_USER);
	t.ask = (struct verify_ask){ .trust = &t.trust, .chain = t.chain,
	    .now = NOW, .signatures = VERIFY_SIGNATURES_LOGIN };
}

/* With the usual anchor. */
static void
set_up_root(void)
{
	set_up();
	(void)anchor(0, CA(0));
}

static void
tear_down(void)
{
	for (size_t i = 0; i < n_all; i++)
		gnutls_free(all[i].der.data);
	for (size_t i = 0; i < KEYS; i++)
		gnutls_x509_privkey_deinit(keys[i]);
}

static void
name_rule(enum facts_field field, const char *pattern)
{
	struct trust_rules *r = &t.authority[0].rules;

	t.names[r->n_names].field = field;
	strcpy(t.names[r->n_names++].pattern, pattern);
}

static void
judge(size_t n)
{
	t.ask.n = n;
	verify(&t.ask, &t.v);
	ck_assert(t.v.outcome == VERIFY_ACCEPTED ||
	    t.v.outcome == VERIFY_REFUSED);
}

#define CHAIN(...) do { \
	const struct span chain_[] = { __VA_ARGS__ }; \
	memcpy(t.chain, chain_, sizeof(chain_)); \
	judge(sizeof(chain_) / sizeof(chain_[0])); \
} while (0)

#define accepted(...) do { \
	CHAIN(__VA_ARGS__); \
	ck_assert_msg(t.v.outcome == VERIFY_ACCEPTED, "refused: %s", \
	    t.v.detail); \
} while (0)

static void
is_refused(enum verify_check check, enum tls_alert alert, const char *text)
{
	ck_assert_msg(t.v.outcome == VERIFY_REFUSED, "accepted");
	ck_assert_msg(t.v.failed == check, "by %s, not %s: %s",
	    verify_name(t.v.failed), verify_name(check), t.v.detail);
	ck_assert_int_eq(t.v.check[check].result, VERIFY_FAILED);
	ck_assert_int_eq(t.v.alert, alert);
	ck_assert_str_ne(t.v.reason, "");
	ck_assert_msg(strstr(t.v.detail, text) != NULL, "\"%s\" not in: %s",
	    text, t.v.detail);
	ck_assert_msg(strstr(t.v.detail, verify_section(check)) != NULL,
	    "no section in: %s", t.v.detail);
}

#define refused(check, alert, text, ...) do { \
	CHAIN(__VA_ARGS__); \
	is_refused(VERIFY_##check, TLS_ALERT_##alert, text); \
} while (0)

/* ---- more by hand ------------------------------------------------------- */

/* NameConstraints with one subtree; which 0 permitted, 1 excluded */
static struct span
constraint(unsigned which, uint8_t tag, struct span base)
{
	return wrap(0x30, wrap((uint8_t)(0xa0 | which), wrap(0x30, wrap(tag,
	    base))));
}
#define EXT(o, s, c) .ext = { { o, (s).p, (s).n, c } }

/* ---- an honest one ------------------------------------------------------ */

START_TEST(good)
{
	accepted(LEAF());
	ck_assert_int_eq(t.v.alert, TLS_ALERT_NONE);
	ck_assert_str_eq(t.v.reason, "");
	ck_assert_ptr_eq(t.v.authority, &t.authority[0]);
	ck_assert(t.v.have_facts);
	ck_assert_int_eq(t.v.expires, NOW + DAY);
	ck_assert_uint_eq(t.v.facts.n_names, 1);
	ck_assert_str_eq(t.v.facts.names[0].value, ALICE);
	for (int i = 0; i < VERIFY_CHECKS; i++) {
		ck_assert_int_eq(t.v.check[i].result, i == VERIFY_HOST ?
		    VERIFY_NOT_RUN : VERIFY_PASSED);
		ck_assert_int_eq(verify_by_name(verify_name(
		    (enum verify_check)i)), i);
		ck_assert_str_ne(verify_section((enum verify_check)i), "");
	}
	ck_assert_int_eq(verify_by_name("none"), -1);
}
END_TEST

/* ---- form --------------------------------------------------------------- */

START_TEST(form)
{
	struct span leaf = LEAF(), cut = leaf;

	cut.n--;
	judge(0);
	is_refused(VERIFY_FORM, TLS_ALERT_BAD_CERTIFICATE, "expected 1 to 16");
	refused(FORM, BAD_CERTIFICATE, "certificate", cut);
	refused(FORM, BAD_CERTIFICATE, "certificate", BYTES("junk"));
	for (size_t i = 0; i <= VERIFY_CHAIN_MAX; i++)
		t.chain[i] = leaf;
	judge(VERIFY_CHAIN_MAX + 1);
	is_refused(VERIFY_FORM, TLS_ALERT_BAD_CERTIFICATE, "expected 1 to 16");
	judge(VERIFY_CHAIN_MAX);
	ck_assert_int_eq(t.v.outcome, VERIFY_ACCEPTED);
	/* what is no part of the path is not looked at */
	accepted(leaf, BYTES("junk"));
}
END_TEST

/* ---- path --------------------------------------------------------------- */

START_TEST(unknown)
{
	struct span leaf = LEAF(.issuer = "stranger", .by = K_OTHER);

	accepted(LEAF());
	refused(PATH, UNKNOWN_CA, "no anchor", leaf);
	ck_assert(!t.v.have_facts);
	ck_assert_ptr_null(t.v.authority);
	ck_assert_ptr_null(strstr(t.v.detail, "alice"));
	refused(PATH, UNKNOWN_CA, "no anchor", leaf, CA(.subject = "stranger",
	    .issuer = "stranger", .key = K_OTHER, .by = K_OTHER));
	refused(PATH, UNKNOWN_CA, "no anchor", LEAF(.issuer = "alice",
	    .by = K_LEAF));
	refused(PATH, UNKNOWN_CA, "key did not make the signature",
	    LEAF(.by = K_OTHER));
	ck_assert(!t.v.have_facts);
	refused(PATH, UNKNOWN_CA, "key did not make the signature",
	    LEAF(.by = K_P384));
	refused(PATH, UNKNOWN_CA, "no anchor", LEAF(.issuer = ""));
}
END_TEST

START_TEST(empty_anchor_name)
{
	(void)anchor(0, CA(.subject = "", .issuer = "", .key = K_OTHER,
	    .by = K_OTHER));
	refused(PATH, UNKNOWN_CA, "no anchor", LEAF(.issuer = "",
	    .by = K_OTHER));
}
END_TEST

START_TEST(tampered)
{
	struct span leaf = LEAF();
	uint8_t *p = all[n_all - 1].der.data;

	accepted(leaf);
	for (size_t i = 0; i < leaf.n; i++) {
		p[i] ^= 1;
		CHAIN(leaf);
		ck_assert_int_eq(t.v.outcome, VERIFY_REFUSED);
		ck_assert(!t.v.have_facts);
		p[i] ^= 1;
	}
	accepted(leaf);
}
END_TEST

START_TEST(same_name_other_key)
{
	struct span leaf = LEAF();

	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(.key = K_OTHER, .by = K_OTHER));
	refused(PATH, UNKNOWN_CA, "signature", leaf);
	(void)anchor(0, CA(0));
	accepted(leaf);
	/* in an authority of its own */
	t.authority[0].n_anchors = 1;
	(void)authority("second", FACTS_DEVICE);
	(void)anchor(1, CA(0));
	accepted(leaf);
	ck_assert_ptr_eq(t.v.authority, &t.authority[1]);
}
END_TEST

START_TEST(class)
{
	struct span leaf = LEAF(.eku = { CLIENT, SERVER });

	accepted(leaf);
	t.ask.server = true;
	refused(PATH, UNKNOWN_CA, "authority lab", leaf);
	t.authority[0].rules.class = FACTS_HOST;
	accepted(leaf);
	t.ask.server = false;
	refused(PATH, UNKNOWN_CA, "authority lab", leaf);
	t.authority[0].rules.class = FACTS_DEVICE;
	accepted(leaf);
}
END_TEST

START_TEST(order)
{
	struct span root = t.anchor[0][0].cert.whole, mid = MID();
	struct span mid2 = MID(.subject = "mid2", .issuer = "mid",
	    .key = K_MID2, .by = K_MID);
	struct span leaf = LEAF(.issuer = "mid2", .by = K_MID2);
	struct span cross = CA(.issuer = "elsewhere", .by = K_OTHER);

	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(leaf, mid2, mid);
	accepted(leaf, mid, mid2);
	accepted(leaf, mid, mid2, root);
	accepted(leaf, root, mid, leaf, mid2, mid, cross, mid2);
	ck_assert_int_eq(t.v.expires, NOW + DAY);
	refused(PATH, UNKNOWN_CA, "no anchor", leaf, mid2);
	refused(PATH, UNKNOWN_CA, "no anchor", leaf, mid);
	refused(NOT_CA, BAD_CERTIFICATE, "CA:TRUE", mid);
}
END_TEST

START_TEST(depth)
{
	struct span mid = MID();
	struct span mid2 = MID(.subject = "mid2", .issuer = "mid",
	    .key = K_MID2, .by = K_MID);
	struct span mid3 = MID(.subject = "mid3", .issuer = "mid2",
	    .key = K_MID3, .by = K_MID2);

	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(LEAF(.issuer = "mid2", .by = K_MID2), mid, mid2);
	refused(PATH, UNKNOWN_CA, "within 4", LEAF(.issuer = "mid3",
	    .by = K_MID3), mid, mid2, mid3);
}
END_TEST

START_TEST(loop)
{
	struct span a = MID(.subject = "a", .issuer = "b", .by = K_MID2);
	struct span b = MID(.subject = "b", .issuer = "a", .key = K_MID2,
	    .by = K_MID);
	struct span self = MID(.subject = "a", .issuer = "a", .by = K_MID);
	struct span leaf = LEAF(.issuer = "a", .by = K_MID);

	t.authority[0].rules.revocation = TRUST_NONE;
	refused(PATH, UNKNOWN_CA, "no anchor", leaf, a, b, self);
	accepted(leaf, a, b, self, MID(.subject = "a"));
}
END_TEST

START_TEST(budget)
{
	struct span chain[VERIFY_CHAIN_MAX];

	chain[0] = LEAF(UNDER_MID);
	t.authority[0].rules.revocation = TRUST_NONE;
	for (size_t i = 1; i < VERIFY_CHAIN_MAX - 1; i++)
		chain[i] = MID(.by = K_OTHER);
	chain[VERIFY_CHAIN_MAX - 1] = MID();
	memcpy(t.chain, chain, sizeof(chain));
	judge(VERIFY_CHAIN_MAX);
	is_refused(VERIFY_PATH, TLS_ALERT_UNKNOWN_CA, "more than 8");
	t.ask.signatures = 15;
	judge(VERIFY_CHAIN_MAX);
	is_refused(VERIFY_PATH, TLS_ALERT_UNKNOWN_CA, "more than 15");
	t.ask.signatures = 16;
	judge(VERIFY_CHAIN_MAX);
	ck_assert_int_eq(t.v.outcome, VERIFY_ACCEPTED);
	t.ask.signatures = UINT32_MAX;
	judge(VERIFY_CHAIN_MAX);
	ck_assert_int_eq(t.v.outcome, VERIFY_ACCEPTED);
	t.ask.signatures = 0;
	judge(VERIFY_CHAIN_MAX);
	is_refused(VERIFY_PATH, TLS_ALERT_UNKNOWN_CA, "more than 0");
}
END_TEST

START_TEST(second_path)
{
	struct span leaf = LEAF(UNDER_MID);
	struct span old = MID(.to = NOW - 1), other = MID(.key = K_MID2);

	t.authority[0].rules.revocation = TRUST_NONE;
	refused(ISSUERS, CERTIFICATE_EXPIRED, "expired", leaf, other, old);
	accepted(leaf, other, old, MID());
}
END_TEST

/* ---- profile ------------------------------------------------------------ */

START_TEST(profile)
{
	static const enum key good_keys[] = { K_LEAF, K_P384, K_ED25519,
	    K_RSA };

	for (size_t i = 0; i < 4; i++)
		accepted(LEAF(.key = good_keys[i]));
	refused(PROFILE, UNSUPPORTED_CERTIFICATE, "RSA key of 1024 bits",
	    LEAF(.key = K_RSA_SHORT));
	refused(PROFILE, UNSUPPORTED_CERTIFICATE, "expected RSA, P-256",
	    LEAF(.key = K_P521));
	refused(PROFILE, UNSUPPORTED_CERTIFICATE, "SHA-1",
	    LEAF(.hash = GNUTLS_DIG_SHA1));
	ck_assert(!t.v.have_facts);
	t.ask.skip = VERIFY_BIT(VERIFY_PROFILE);
	accepted(LEAF(.key = K_RSA_SHORT));
	ck_assert_int_eq(t.v.check[VERIFY_PROFILE].result, VERIFY_SKIPPED);
	refused(PROFILE, UNSUPPORTED_CERTIFICATE, "SHA-1",
	    LEAF(.hash = GNUTLS_DIG_SHA1));
}
END_TEST

START_TEST(signed_by)
{
	static const enum key good_keys[] = { K_P384, K_ED25519, K_RSA };

	for (size_t i = 0; i < 3; i++) {
		enum key k = good_keys[i];

		t.authority[0].n_anchors = 0;
		(void)anchor(0, CA(.key = k, .by = k, .hash = k == K_ED25519 ?
		    GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA256));
		accepted(LEAF(.by = k, .hash = k == K_ED25519 ?
		    GNUTLS_DIG_SHA512 : GNUTLS_DIG_SHA384));
		refused(PATH, UNKNOWN_CA, "signature", LEAF(.by = K_ROOT));
	}
	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(.key = K_RSA_SHORT, .by = K_RSA_SHORT));
	refused(PROFILE, UNSUPPORTED_CERTIFICATE, "anchor of authority lab",
	    LEAF(.by = K_RSA_SHORT));
}
END_TEST

START_TEST(weak_issuer)
{
	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(LEAF(.issuer = "mid", .by = K_RSA), MID(.key = K_RSA));
	refused(PROFILE, UNSUPPORTED_CERTIFICATE, "1024", LEAF(
	    .issuer = "mid", .by = K_RSA_SHORT), MID(.key = K_RSA_SHORT));
}
END_TEST

/* ---- issuers ------------------------------------------------------------ */

/* The leaf below a CA that has a fault; the leaf itself was not parsed. */
#define mid_refused(alert, text, ...) do { \
	refused(ISSUERS, alert, text, LEAF(UNDER_MID), MID(__VA_ARGS__)); \
	ck_assert(!t.v.have_facts); \
} while (0)

START_TEST(issuers)
{
	static const uint8_t null[] = { 5, 0 }, zero[] = { 2, 1, 0 };

	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(LEAF(UNDER_MID), MID());
	mid_refused(BAD_CERTIFICATE, "is no CA", .ca = false);
	mid_refused(BAD_CERTIFICATE, "not v3", .version = 1);
	mid_refused(BAD_CERTIFICATE, "keyCertSign",
	    .usage = GNUTLS_KEY_DIGITAL_SIGNATURE);
	accepted(LEAF(UNDER_MID), MID(.usage = NO_USAGE));
	mid_refused(CERTIFICATE_EXPIRED, "expired", .to = NOW - 1);
	accepted(LEAF(UNDER_MID), MID(.to = NOW));
	ck_assert_int_eq(t.v.expires, NOW);
	mid_refused(CERTIFICATE_EXPIRED, "not yet valid", .from = NOW + 1);
	accepted(LEAF(UNDER_MID), MID(.from = NOW));
	mid_refused(BAD_CERTIFICATE, "extKeyUsage", .eku = { SERVER });
	accepted(LEAF(UNDER_MID), MID(.eku = { SERVER, CLIENT }));
	accepted(LEAF(UNDER_MID), MID(.eku = { GNUTLS_KP_ANY }));
	mid_refused(BAD_CERTIFICATE, "1.3.6.1.4.1.99999.1",
	    .ext = { { "1.3.6.1.4.1.99999.1", null, 2, true } });
	accepted(LEAF(UNDER_MID), MID(.ext = { { "1.3.6.1.4.1.99999.1", null,
	    2, false } }));
	mid_refused(BAD_CERTIFICATE, "inhibitAnyPolicy",
	    .ext = { { "2.5.29.54", zero, 3, false } });
	mid_refused(BAD_CERTIFICATE, "dns name", .san = { { DNS, "a b", 0 } });
	accepted(LEAF(UNDER_MID), MID(.san = { { DNS, "a-b", 0 } }));
}
END_TEST

START_TEST(path_length)
{
	struct span leaf = LEAF(UNDER_MID);
	struct span mid2 = MID(.subject = "mid2", .issuer = "mid",
	    .key = K_MID2, .by = K_MID);
	struct span leaf2 = LEAF(.issuer = "mid2", .by = K_MID2);
	struct span self = MID(.issuer = "mid", .key = K_MID2, .by = K_MID);
	struct span leaf_self = LEAF(.issuer = "mid", .by = K_MID2);

	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(leaf, MID(.path_len = 1));
	refused(ISSUERS, BAD_CERTIFICATE, "path length is 0", leaf2, mid2,
	    MID(.path_len = 1));
	accepted(leaf2, mid2, MID(.path_len = 2));
	/* a rollover of the CA's own key does not count */
	accepted(leaf_self, self, MID(.path_len = 1));
	/* the anchor's own */
	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(.path_len = 1));
	refused(ISSUERS, BAD_CERTIFICATE, "anchor of authority lab", leaf,
	    MID());
	accepted(LEAF());
}
END_TEST

START_TEST(bad_anchor)
{
	static const uint8_t null[] = { 5, 0 };
	struct span leaf = LEAF();

	accepted(leaf);
	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(.ca = false));
	refused(ISSUERS, BAD_CERTIFICATE, "is no CA", leaf);
	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(.to = NOW - 1));
	refused(ISSUERS, CERTIFICATE_EXPIRED, "expired", leaf);
	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(.ext = { { "1.3.6.1.4.1.99999.1", null, 2,
	    true } }));
	refused(ISSUERS, BAD_CERTIFICATE, "critical", leaf);
	/* its own policies are its issuer's affair */
	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(.ext = { { "2.5.29.36", null, 2, true } }));
	accepted(leaf);
	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(.ext = { { "2.5.29.15", null, 2, true } },
	    .usage = NO_USAGE));
	refused(ISSUERS, BAD_CERTIFICATE, "keyUsage", leaf);
}
END_TEST

/* A leaf that signs another. */
START_TEST(leaf_below_leaf)
{
	struct span leaf = LEAF();

	accepted(leaf);
	refused(ISSUERS, BAD_CERTIFICATE, "is no CA", LEAF(.issuer = "alice",
	    .by = K_LEAF, .key = K_MID), leaf);
	ck_assert(!t.v.have_facts);
}
END_TEST

/* ---- name constraints --------------------------------------------------- */

static const struct {
	unsigned which;			/* 0 permitted, 1 excluded */
	uint8_t tag;
	const char *base;
	struct san san;
	bool good;
} constraints[] = {
	{ 0, 0x82, "example.org", { DNS, "example.org", 0 }, true },
	{ 0, 0x82, "Example.org", { DNS, "a.b.eXample.org", 0 }, true },
	{ 0, 0x82, "example.org", { DNS, "badexample.org", 0 }, false },
	{ 0, 0x82, "example.org", { DNS, "example.com", 0 }, false },
	{ 0, 0x82, "example.org", { EMAIL, "a@example.com", 0 }, true },
	{ 1, 0x82, "example.org", { DNS, "example.org", 0 }, false },
	{ 1, 0x82, "example.org", { DNS, "a.example.org", 0 }, false },
	{ 1, 0x82, "example.org", { DNS, "example.com", 0 }, true },
	{ 1, 0x82, "", { DNS, "example.com", 0 }, false },
	{ 0, 0x82, ".example.org", { DNS, "a.example.org", 0 }, false },
	{ 0, 0x82, "*.example.org", { DNS, "a.example.org", 0 }, false },
	{ 0, 0x81, "example.org", { EMAIL, "a@example.org", 0 }, true },
	{ 0, 0x81, "example.org", { EMAIL, "a@b.example.org", 0 }, false },
	{ 0, 0x81, ".example.org", { EMAIL, "a@b.example.org", 0 }, true },
	{ 0, 0x81, ".example.org", { EMAIL, "a@example.org", 0 }, false },
	{ 0, 0x81, "a@example.org", { EMAIL, "a@EXAMPLE.org", 0 }, true },
	{ 0, 0x81, "a@example.org", { EMAIL, "A@example.org", 0 }, false },
	{ 0, 0x81, "a@example.org", { EMAIL, "aa@example.org", 0 }, false },
	{ 1, 0x81, "example.org", { EMAIL, "a@example.org", 0 }, false },
	{ 0, 0x86, "lab.example", { URI, ALICE, 0 }, true },
	{ 0, 0x86, "example", { URI, ALICE, 0 }, false },
	{ 0, 0x86, ".example", { URI, ALICE, 0 }, true },
	{ 0, 0x86, ".lab.example", { URI, ALICE, 0 }, false },
	{ 0, 0x86, "lab.example", { URI, "https://x@lab.example:8", 0 }, true },
	{ 0, 0x86, "lab.example", { URI, "https://lab.example@x/", 0 }, false },
	{ 0, 0x86, "lab.example", { URI, "urn:lab.example", 0 }, false },
	{ 1, 0x86, "lab.example", { URI, "urn:lab.example", 0 }, false },
	{ 0, 0x86, "lab.example", { URI, "urn:x://lab.example/y", 0 }, false },
	{ 1, 0x86, "lab.example", { URI, "https://[::1]/", 0 }, false },
	{ 1, 0x86, "lab.example", { URI, ALICE, 0 }, false },
	{ 1, 0x86, "a.example", { URI, ALICE, 0 }, true },
	{ 0, 0xa4, "", { URI, ALICE, 0 }, false },
	{ 1, 0xa4, "", { URI, ALICE, 0 }, false },
	{ 0, 0xa0, "", { SAN_UPN, "a@b", 0 }, false },
	{ 0, 0x88, "*", { URI, ALICE, 0 }, false },
};

START_TEST(name_constraints)
{
	struct span base = TEXT(constraints[_i].base);
	struct span nc = constraint(constraints[_i].which,
	    constraints[_i].tag, base);
	struct span mid = MID(EXT(OID_NC, nc, true));
	struct span leaf = LEAF(UNDER_MID, .san = { constraints[_i].san });

	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(leaf, MID());
	if (constraints[_i].good)
		accepted(leaf, mid);
	else
		refused(ISSUERS, BAD_CERTIFICATE, "constraint", leaf, mid);
	/* in the anchor, and not critical: the same */
	t.authority[0].n_anchors = 0;
	(void)anchor(0, CA(EXT(OID_NC, nc, false)));
	CHAIN(LEAF(.san = { constraints[_i].san }));
	ck_assert_int_eq(t.v.outcome, constraints[_i].good ? VERIFY_ACCEPTED :
	    VERIFY_REFUSED);
}
END_TEST

static int
ip_constraint(unsigned which, const char *base, size_t n, const char *ip)
{
	struct facts_name name = { .field = FACTS_IP };
	struct names names = { &name, 1 };

	strcpy(name.value, ip);
	return constraint_check(constraint(which, 0x87, bytes(base, n)),
	    &names, NULL);
}

START_TEST(ip_constraints)
{
	static const char net[] = "\xc0\x00\x02\x00\xff\xff\xff\x00";
	static const char six[32] = "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0"
	    "\xff\xff\xff\xff";

	ck_assert_int_eq(ip_constraint(0, net, 8, "192.0.2.7"), 0);
	ck_assert_int_eq(ip_constraint(0, net, 8, "192.0.3.7"), ERR_REFUSED);
	ck_assert_int_eq(ip_constraint(1, net, 8, "192.0.2.7"), ERR_REFUSED);
	ck_assert_int_eq(ip_constraint(1, net, 8, "192.0.3.7"), 0);
	ck_assert_int_eq(ip_constraint(0, six, 32, "2001:db8::1"), 0);
	ck_assert_int_eq(ip_constraint(0, six, 32, "2001:db9::1"),
	    ERR_REFUSED);
	ck_assert_int_eq(ip_constraint(0, six, 32, "192.0.2.7"), ERR_REFUSED);
	ck_assert_int_eq(ip_constraint(1, six, 32, "192.0.2.7"), 0);
	ck_assert_int_eq(ip_constraint(0, net, 7, "192.0.2.7"), ERR_MALFORMED);
	ck_assert_int_eq(ip_constraint(0, "\xc0\0\2\0\xff\0\xff\0", 8,
	    "192.0.2.7"), ERR_MALFORMED);
}
END_TEST

START_TEST(constraint_forms)
{
	struct names none = { .n = 0 };
	struct span dns = wrap(0x30, wrap(0x82, TEXT("a.example")));
	struct span minimum = wrap(0x30, join(wrap(0x82, TEXT("a.example")),
	    wrap(0x80, BYTES("\1"))));

	ck_assert_int_eq(constraint_check(wrap(0x30, join(wrap(0xa0, dns),
	    wrap(0xa1, dns))), &none, NULL), 0);
	ck_assert_int_eq(constraint_check(wrap(0x30, BYTES("")), &none, NULL),
	    ERR_MALFORMED);
	ck_assert_int_eq(constraint_check(wrap(0x30, wrap(0xa0, BYTES(""))),
	    &none, NULL), ERR_MALFORMED);
	ck_assert_int_eq(constraint_check(wrap(0x30, join(wrap(0xa0, dns),
	    wrap(0xa1, BYTES("")))), &none, NULL), ERR_MALFORMED);
	ck_assert_int_eq(constraint_check(wrap(0x30, wrap(0xa0, minimum)),
	    &none, NULL), ERR_MALFORMED);
	ck_assert_int_eq(constraint_check(wrap(0x30, join(wrap(0xa1, dns),
	    wrap(0xa0, dns))), &none, NULL), ERR_MALFORMED);
}
END_TEST

/* Each narrows what stands above it; a CA's own names count, unless it issued
 * itself. */
START_TEST(constraints_below)
{
	struct span wide = constraint(0, 0x82, TEXT("example.org"));
	struct span narrow = constraint(0, 0x82, TEXT("a.example.org"));
	struct span mid = MID(EXT(OID_NC, narrow, true));
	struct span mid2 = MID(.subject = "mid2", .issuer = "mid",
	    .key = K_MID2, .by = K_MID, EXT(OID_NC, wide, true));
	struct span named = MID(.subject = "mid2", .issuer = "mid",
	    .key = K_MID2, .by = K_MID, .san = { { DNS, "elsewhere", 0 } });
	struct span self = MID(.issuer = "mid", .key = K_MID2, .by = K_MID,
	    .san = { { DNS, "elsewhere", 0 } });
	struct span leaf = LEAF(.issuer = "mid2", .by = K_MID2,
	    .san = { { DNS, "x.a.example.org", 0 } });

	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(leaf, mid, mid2);
	refused(ISSUERS, BAD_CERTIFICATE, "permitted", LEAF(.issuer = "mid2",
	    .by = K_MID2, .san = { { DNS, "b.example.org", 0 } }), mid, mid2);
	refused(ISSUERS, BAD_CERTIFICATE, "permitted", leaf, mid, named);
	accepted(LEAF(.issuer = "mid", .by = K_MID2,
	    .san = { { DNS, "a.example.org", 0 } }), mid, self);
}
END_TEST

/* ---- the leaf ----------------------------------------------------------- */

START_TEST(validity)
{
	struct span leaf = LEAF(.from = NOW - 10, .to = NOW + 10);

	accepted(leaf);
	t.ask.now = NOW - 10;
	accepted(leaf);
	t.ask.now = NOW - 11;
	refused(VALIDITY, CERTIFICATE_EXPIRED, "not yet valid", leaf);
	ck_assert_ptr_nonnull(strstr(t.v.reason, "not yet"));
	ck_assert(t.v.have_facts);
	t.ask.now = NOW + 10;
	accepted(leaf);
	ck_assert_int_eq(t.v.expires, NOW + 10);
	t.ask.now = NOW + 11;
	refused(VALIDITY, CERTIFICATE_EXPIRED, "expired on 2023-11-14", leaf);
	ck_assert_ptr_nonnull(strstr(t.v.reason, "expired on 2023-11-14"));
	/* what the CA's lists have shown to be past, is past */
	t.ask.now = NOW;
	t.authority[0].verified_time = NOW + 11;
	refused(VALIDITY, CERTIFICATE_EXPIRED, "expired", leaf);
	t.authority[0].verified_time = NOW - 11;
	accepted(leaf);
}
END_TEST

START_TEST(version)
{
	accepted(LEAF());
	refused(VERSION, UNSUPPORTED_CERTIFICATE, "v1", LEAF(.version = 1));
}
END_TEST

START_TEST(not_ca)
{
	struct span nc = constraint(0, 0x82, TEXT("a.example"));

	accepted(LEAF());
	refused(NOT_CA, BAD_CERTIFICATE, "CA:TRUE", LEAF(.ca = true));
	refused(NOT_CA, BAD_CERTIFICATE, "nameConstraints", LEAF(EXT(OID_NC,
	    nc, true)));
	refused(NOT_CA, BAD_CERTIFICATE, "anchor",
	    t.anchor[0][0].cert.whole);
	refused(NOT_CA, BAD_CERTIFICATE, "anchor", LEAF(.key = K_ROOT));
	ck_assert(!t.v.have_facts);
}
END_TEST

START_TEST(purpose)
{
	accepted(LEAF(.eku = { SERVER, CLIENT }));
	refused(PURPOSE, UNSUPPORTED_CERTIFICATE, "no extKeyUsage",
	    LEAF(.eku = { NULL }));
	refused(PURPOSE, UNSUPPORTED_CERTIFICATE, "something else",
	    LEAF(.eku = { SERVER }));
	ck_assert_ptr_nonnull(strstr(t.v.reason, "purpose"));
	refused(PURPOSE, UNSUPPORTED_CERTIFICATE, "anyExtendedKeyUsage",
	    LEAF(.eku = { CLIENT, GNUTLS_KP_ANY }));
	t.ask.skip = VERIFY_BIT(VERIFY_PURPOSE);
	accepted(LEAF(.eku = { SERVER }));
	ck_assert_int_eq(t.v.check[VERIFY_PURPOSE].result, VERIFY_SKIPPED);
	ck_assert_ptr_nonnull(strstr(t.v.check[VERIFY_PURPOSE].text,
	    "something else"));
	refused(PATH, UNKNOWN_CA, "signature", LEAF(.by = K_OTHER));
	t.ask.skip = VERIFY_BIT(VERIFY_PATH) | VERIFY_BIT(VERIFY_FORM);
	refused(PATH, UNKNOWN_CA, "signature", LEAF(.by = K_OTHER));
	t.ask.skip = 0;
	t.ask.server = true;
	t.authority[0].rules.class = FACTS_HOST;
	accepted(LEAF(.eku = { SERVER }));
	refused(PURPOSE, UNSUPPORTED_CERTIFICATE, "something else", LEAF());
}
END_TEST

START_TEST(usage)
{
	accepted(LEAF(.usage = NO_USAGE));
	accepted(LEAF(.usage = GNUTLS_KEY_DIGITAL_SIGNATURE |
	    GNUTLS_KEY_KEY_AGREEMENT));
	refused(USAGE, UNSUPPORTED_CERTIFICATE, "digitalSignature",
	    LEAF(.usage = GNUTLS_KEY_KEY_ENCIPHERMENT));
	refused(USAGE, UNSUPPORTED_CERTIFICATE, "keyCertSign",
	    LEAF(.usage = GNUTLS_KEY_DIGITAL_SIGNATURE |
	    GNUTLS_KEY_KEY_CERT_SIGN));
}
END_TEST

START_TEST(critical)
{
	static const uint8_t null[] = { 5, 0 };
	struct span access;

	accepted(LEAF(.ext = { { "1.3.6.1.4.1.99999.1", null, 2, false } }));
	refused(CRITICAL, UNSUPPORTED_CERTIFICATE, "1.3.6.1.4.1.99999.1",
	    LEAF(.ext = { { "1.3.6.1.4.1.99999.1", null, 2, true } }));
	refused(CRITICAL, UNSUPPORTED_CERTIFICATE, "certificatePolicies",
	    LEAF(.ext = { { "2.5.29.32", null, 2, true } }));
	accepted(LEAF(.ext = { { "2.5.29.32", null, 2, false } }));
	access = wrap(0x30, wrap(0x30, join(BYTES("\x06\x01\x2a"),
	    wrap(0x86, TEXT("http://a")))));
	accepted(LEAF(EXT("1.3.6.1.5.5.7.1.1", access, false)));
	refused(CRITICAL, UNSUPPORTED_CERTIFICATE, "1.3.6.1.5.5.7.1.1",
	    LEAF(EXT("1.3.6.1.5.5.7.1.1", access, true)));
	refused(FORM, BAD_CERTIFICATE, "authorityInfoAccess",
	    LEAF(.ext = { { "1.3.6.1.5.5.7.1.1", null, 2, false } }));
}
END_TEST

/* ---- names -------------------------------------------------------------- */

#define LONG32 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG64 LONG32 LONG32

static const struct {
	struct san san;
	bool good;
} forms[] = {
	{ { URI, "spiffe://a/b", 0 }, true },
	{ { URI, "urn:uuid:0b5", 0 }, true },
	{ { URI, "https://a/%41", 0 }, true },
	{ { URI, "https://a/%4g", 0 }, false },
	{ { URI, "spiffe://a/b\0c", 14 }, false },
	{ { URI, "spiffe://a/b\nc", 0 }, false },
	{ { URI, "spiffe://a/b c", 0 }, false },
	{ { URI, "spiffe://a/\xe4", 0 }, false },
	{ { URI, "spiffe://a/b\x7f", 0 }, false },
	{ { URI, "spiffe://a/*", 0 }, false },
	{ { URI, "noscheme", 0 }, false },
	{ { URI, "spiffe:", 0 }, false },
	{ { URI, "1a:b", 0 }, false },
	{ { URI, "a:<b>", 0 }, false },
	{ { DNS, "a-1.Example.org", 0 }, true },
	{ { DNS, "localhost", 0 }, true },
	{ { DNS, "*.example.org", 0 }, false },
	{ { DNS, "*", 0 }, false },
	{ { DNS, "a*.example.org", 0 }, false },
	{ { DNS, ".example.org", 0 }, false },
	{ { DNS, "example.org.", 0 }, false },
	{ { DNS, "a..b", 0 }, false },
	{ { DNS, "-a.b", 0 }, false },
	{ { DNS, "a-.b", 0 }, false },
	{ { DNS, "a_b.c", 0 }, false },
	{ { DNS, "192.0.2.1", 0 }, false },
	{ { DNS, "a.example\0.org", 14 }, false },
	{ { DNS, LONG64, 0 }, false },
	{ { DNS, LONG64, 63 }, true },
	{ { EMAIL, "a.b+c@example.org", 0 }, true },
	{ { EMAIL, "example.org", 0 }, false },
	{ { EMAIL, "@example.org", 0 }, false },
	{ { EMAIL, "a@", 0 }, false },
	{ { EMAIL, "a@b@c", 0 }, false },
	{ { EMAIL, "a..b@c", 0 }, false },
	{ { EMAIL, "\"a b\"@c", 0 }, false },
	{ { EMAIL, "*@c", 0 }, false },
	{ { EMAIL, LONG64 "@c", 0 }, true },
	{ { EMAIL, LONG64 "a@c", 0 }, false },
	{ { SAN_UPN, "alice@corp", 0 }, true },
	{ { SAN_UPN, "alice", 0 }, false },
	{ { SAN_UPN, "a@b@c", 0 }, false },
	{ { SAN_UPN, "alice@corp\xc3\xa4", 0 }, false },
	{ { IP, "\xc0\0\2\1", 4 }, true },
	{ { IP, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 }, true },
	{ { SAN_RAW, "\x30\7\x87\5\xc0\0\2\1\0", 9 }, false },
	{ { SAN_RAW, "\x30\0", 2 }, false },
	{ { SAN_RAW, "\x30\3\x82\1", 4 }, false },
	{ { SAN_RAW, "\x30\3\x82\1" "a\0", 6 }, false },
	{ { SAN_RAW, "\x30\4\xa4\2\x30\0", 6 }, true },
	{ { SAN_RAW, "\x30\4\xa4\2\x30\1", 6 }, false },
	{ { SAN_RAW, "\x30\4\x88\2\x2a\3", 6 }, true },
	{ { SAN_RAW, "\x30\x4\xa3\2\x30\0", 6 }, false },
	{ { SAN_RAW, "\x30\xb\xa0\x9\6\3\x2a\3\4\xa0\2\5\0", 13 }, true },
	{ { SAN_RAW, "\x30\x9\xa0\x7\6\3\x2a\3\4\5\0", 11 }, false },
};

START_TEST(name_forms)
{
	struct span leaf = LEAF(.san = { forms[_i].san });

	CHAIN(leaf);
	if (forms[_i].good)
		ck_assert_msg(t.v.outcome == VERIFY_ACCEPTED, "%s",
		    t.v.detail);
	else if (t.v.failed != VERIFY_FORM)
		is_refused(VERIFY_NAME_FORMS, TLS_ALERT_BAD_CERTIFICATE,
		    "expected");
	else
		is_refused(VERIFY_FORM, TLS_ALERT_BAD_CERTIFICATE,
		    "subjectAltName");
	/* it does not matter which of several it is */
	if (forms[_i].san.type != SAN_RAW) {
		CHAIN(LEAF(.san = { { URI, ALICE, 0 }, forms[_i].san }));
		ck_assert_int_eq(t.v.outcome, forms[_i].good ?
		    VERIFY_ACCEPTED : VERIFY_REFUSED);
	}
}
END_TEST

START_TEST(many_names)
{
	struct buf b;
	char longest[FACTS_NAME_MAX + 2];

	buf_init(&b, 20000);
	for (int i = 0; i < FACTS_NAMES_MAX; i++)
		put(&b, 0x82, "a", 1);
	accepted(LEAF(.san = { { SAN_RAW, (const char *)wrap(0x30,
	    (struct span){ b.data, b.len }).p, b.len + 2 } }));
	ck_assert_uint_eq(t.v.facts.n_names, FACTS_NAMES_MAX);
	put(&b, 0x82, "a", 1);
	refused(NAME_FORMS, BAD_CERTIFICATE, "more than 32", LEAF(.san = { {
	    SAN_RAW, (const char *)wrap(0x30, (struct span){ b.data,
	    b.len }).p, b.len + 2 } }));
	buf_free(&b);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "a:", 2);
	accepted(LEAF(.san = { { URI, longest, FACTS_NAME_MAX } }));
	refused(NAME_FORMS, BAD_CERTIFICATE, "513", LEAF(.san = { { URI,
	    longest, FACTS_NAME_MAX + 1 } }));
}
END_TEST

START_TEST(empty_subject)
{
	struct span san = wrap(0x30, wrap(0x86, TEXT(ALICE)));

	refused(NAME_FORMS, BAD_CERTIFICATE, "critical", LEAF(.subject = ""));
	accepted(LEAF(.subject = "", .san = { { 0 } }, EXT("2.5.29.17", san,
	    true)));
}
END_TEST

/* A CN that makes the subject n bytes long as text. */
static const char *
cn_of(char *dst, size_t n)
{
	memset(dst, 'a', n - strlen("CN="));
	dst[n - strlen("CN=")] = '\0';
	return dst;
}

START_TEST(long_subject)
{
	char cn[10000];

	accepted(LEAF(.subject = cn_of(cn, FACTS_DN_MAX - 1)));
	ck_assert_uint_eq(strlen(t.v.facts.subject), FACTS_DN_MAX - 1);
	refused(NAME_FORMS, BAD_CERTIFICATE, "subject longer than 1023 bytes",
	    LEAF(.subject = cn_of(cn, FACTS_DN_MAX)));
	refused(NAME_FORMS, BAD_CERTIFICATE, "subject longer than 1023 bytes",
	    LEAF(.subject = cn_of(cn, sizeof(cn))));
	/* escaped, each of these bytes is four */
	for (size_t i = 0; i < 400; i += 2)
		memcpy(cn + i, "\xc3\xa4", 2);
	cn[400] = '\0';
	refused(NAME_FORMS, BAD_CERTIFICATE, "subject longer than 1023 bytes",
	    LEAF(.subject = cn));
	cn[200] = '\0';
	accepted(LEAF(.subject = cn));
}
END_TEST

static struct span
sid_extension(const char *sid)
{
	return wrap(0x30, wrap(0xa0, join(BYTES("\x06\x0a\x2b\x06\x01\x04\x01"
	    "\x82\x37\x19\x02\x01"), wrap(0xa0, wrap(0x04, TEXT(sid))))));
}

START_TEST(facts)
{
	struct span sid = sid_extension("S-1-5-21-1-2-3-1104");
	struct span leaf = LEAF(.serial = 7, .san = { { SAN_UPN,
	    "alice@corp.example", 0 }, { EMAIL, "alice@example.org", 0 },
	    { DNS, "host.example.org", 0 }, { IP, "\xc0\0\2\1", 4 },
	    { IP, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 },
	    { URI, ALICE, 0 } }, .subject = "a,\"\xc3\xa4\"",
	    EXT(OID_SID, sid, false));
	static const struct {
		enum facts_field field;
		const char *value;
	} want[] = {
		{ FACTS_UPN, "alice@corp.example" },
		{ FACTS_EMAIL, "alice@example.org" },
		{ FACTS_DNS, "host.example.org" }, { FACTS_IP, "192.0.2.1" },
		{ FACTS_IP, "2001:db8::1" }, { FACTS_URI, ALICE },
		{ FACTS_SID, "S-1-5-21-1-2-3-1104" },
	};
	static struct facts f;
	uint8_t hash[32];
	struct why why;

	ck_assert_msg(cert_facts(&f, leaf, &why) == 0, "%s", why.text);
	ck_assert_uint_eq(f.n_names, 7);
	for (size_t i = 0; i < f.n_names; i++) {
		ck_assert_int_eq(f.names[i].field, want[i].field);
		ck_assert_str_eq(f.names[i].value, want[i].value);
	}
	ck_assert_uint_eq(f.serial_len, 2);
	ck_assert_mem_eq(f.serial, "\1\7", 2);
	ck_assert_int_eq(f.not_before, NOW - DAY);
	ck_assert_int_eq(f.not_after, NOW + DAY);
	ck_assert_int_eq(sig_sha256(leaf, hash), 0);
	ck_assert_mem_eq(f.cert_sha256, hash, 32);
	ck_assert_str_eq(f.issuer, "CN=root");
	for (const char *p = f.subject; *p != '\0'; p++)
		ck_assert(*p >= 0x20 && *p <= 0x7e);
	ck_assert_ptr_nonnull(strstr(f.subject, "CN=a"));
	ck_assert_int_eq(cert_facts(&f, LEAF(EXT(OID_SID,
	    sid_extension("S-1-5-x"), false)), &why), ERR_REFUSED);
	ck_assert_int_eq(cert_facts(&f, LEAF(EXT(OID_SID, wrap(0x30,
	    BYTES("")), false)), &why), ERR_MALFORMED);
	ck_assert_int_eq(cert_facts(&f, BYTES("x"), &why), ERR_SHORT);
	ck_assert_uint_eq(f.n_names, 7);
}
END_TEST

START_TEST(names)
{
	struct span sid = sid_extension("S-1-5-21-1-2-3-1104");

	accepted(LEAF(.san = { { 0 } }));
	accepted(LEAF());
	name_rule(FACTS_URI, "spiffe://lab.example/user/*");
	accepted(LEAF());
	refused(NAMES, BAD_CERTIFICATE, "outside names=", LEAF(.san = { {
	    URI, "spiffe://elsewhere.example/user/alice", 0 } }));
	refused(NAMES, BAD_CERTIFICATE, "outside names=", LEAF(.san = { {
	    URI, ALICE, 0 }, { URI, "spiffe://lab.example/host/a", 0 } }));
	refused(NAMES, BAD_CERTIFICATE, "no name", LEAF(.san = { { 0 } }));
	/* a field that is not listed */
	refused(NAMES, BAD_CERTIFICATE, "email name", LEAF(.san = { { URI,
	    ALICE, 0 }, { EMAIL, "root@lab.example", 0 } }));
	name_rule(FACTS_EMAIL, "*@lab.example");
	accepted(LEAF(.san = { { URI, ALICE, 0 }, { EMAIL,
	    "a@lab.example", 0 } }));
	refused(NAMES, BAD_CERTIFICATE, "email name", LEAF(.san = { { URI,
	    ALICE, 0 }, { EMAIL, "a@LAB.example", 0 } }));
	t.authority[0].rules.fold = 1u << FACTS_EMAIL;
	accepted(LEAF(.san = { { URI, ALICE, 0 }, { EMAIL,
	    "a@LAB.example", 0 } }));
	/* a SID goes along, until it is listed */
	accepted(LEAF(EXT(OID_SID, sid, false)));
	name_rule(FACTS_SID, "S-1-5-21-1-2-3-1105");
	refused(NAMES, BAD_CERTIFICATE, "sid name", LEAF(EXT(OID_SID, sid,
	    false)));
}
END_TEST

START_TEST(host_names)
{
	struct span leaf = LEAF(.san = { { URI, "spiffe://lab.example/host/a",
	    0 }, { DNS, "a.b.Example.org", 0 }, { DNS, "localhost", 0 },
	    { IP, "\xc0\0\2\1", 4 } });

	name_rule(FACTS_URI, "spiffe://lab.example/host/*");
	refused(NAMES, BAD_CERTIFICATE, "dns name", leaf);
	name_rule(FACTS_DNS, "*.b.example.org");
	refused(NAMES, BAD_CERTIFICATE, "localhost", leaf);
	name_rule(FACTS_IP, "*");
	strcpy(t.names[1].pattern, "*");
	accepted(leaf);
}
END_TEST

START_TEST(lifetime)
{
	struct span leaf = LEAF();

	t.authority[0].rules.max_lifetime = 2 * DAY;
	accepted(leaf);
	t.authority[0].rules.max_lifetime--;
	refused(LIFETIME, BAD_CERTIFICATE, "expected at most", leaf);
}
END_TEST

/* ---- revocation --------------------------------------------------------- */

START_TEST(revocation)
{
	struct trust_crl *crl = &t.anchor[0][0].crl;
	struct span leaf = LEAF(.serial = 9, .to = NOW + 100 * DAY);

	accepted(leaf);
	crl->usable = false;
	strcpy(crl->problem, "forged");
	refused(REVOCATION, CERTIFICATE_UNKNOWN, "forged", leaf);
	ck_assert_ptr_nonnull(strstr(t.v.reason, "CRL"));
	crl->usable = true;
	t.ask.now = crl->next_update;
	t.anchor[0][0].not_after = NOW + 100 * DAY;
	accepted(leaf);
	t.ask.now++;
	refused(REVOCATION, CERTIFICATE_UNKNOWN, "stale since 2023-11-15",
	    leaf);
	t.authority[0].rules.revocation = TRUST_GRACE;
	t.authority[0].rules.grace = 10;
	accepted(leaf);
	t.ask.now = crl->next_update + 10;
	accepted(leaf);
	t.ask.now++;
	refused(REVOCATION, CERTIFICATE_UNKNOWN, "stale", leaf);
	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(leaf);
	crl->usable = false;
	accepted(leaf);
	ck_assert_ptr_nonnull(strstr(t.v.check[VERIFY_REVOCATION].text,
	    "not checked"));
}
END_TEST

START_TEST(revoked)
{
	struct span leaf = LEAF(.serial = 9), other = LEAF(.serial = 10);

	t.trust.revoked = &t.revoked;
	t.trust.n_revoked = 1;
	memcpy(t.revoked.key, t.anchor[0][0].key, 32);
	t.revoked.serial_len = 2;
	memcpy(t.revoked.serial, "\1\12", 2);
	accepted(leaf);
	refused(REVOCATION, CERTIFICATE_REVOKED, "revoked", other);
	/* however old the list, and whatever the rule */
	t.anchor[0][0].crl.next_update = NOW - DAY;
	refused(REVOCATION, CERTIFICATE_REVOKED, "revoked", other);
	t.authority[0].rules.revocation = TRUST_NONE;
	refused(REVOCATION, CERTIFICATE_REVOKED, "revoked", other);
	t.revoked.key[0] ^= 1;
	accepted(other);
}
END_TEST

START_TEST(revoked_below)
{
	struct span leaf = LEAF(UNDER_MID), mid = MID(.serial = 10);

	refused(REVOCATION, CERTIFICATE_UNKNOWN, "as anchor=", leaf, mid);
	t.authority[0].rules.revocation = TRUST_GRACE;
	refused(REVOCATION, CERTIFICATE_UNKNOWN, "as anchor=", leaf, mid);
	t.authority[0].rules.revocation = TRUST_NONE;
	accepted(leaf, mid);
	t.trust.revoked = &t.revoked;
	t.trust.n_revoked = 1;
	memcpy(t.revoked.key, t.anchor[0][0].key, 32);
	t.revoked.serial_len = 2;
	memcpy(t.revoked.serial, "\1\12", 2);
	refused(REVOCATION, CERTIFICATE_REVOKED, "revoked", leaf, mid);
	/* advice taken: the issuing CA is an anchor as well */
	t.trust.n_revoked = 0;
	t.authority[0].rules.revocation = TRUST_REQUIRE;
	(void)anchor(0, mid);
	accepted(leaf, mid);
	accepted(leaf);
}
END_TEST

/* ---- host --------------------------------------------------------------- */

static const struct {
	const char *host;
	bool good;
} hosts[] = {
	{ "web.example.org", true }, { "WEB.example.ORG", true },
	{ "web.example.org.", true }, { "192.0.2.1", true },
	{ "2001:DB8:0::1", true }, { "cn.example.org", false },
	{ "example.org", false }, { "x.web.example.org", false },
	{ "web.example.or", false }, { "192.0.2.2", false },
	{ "2001:db8::2", false }, { "", false }, { ".", false },
	{ "web.example.org\n", false }, { "x:y", false },
};

START_TEST(host)
{
	struct span leaf = LEAF(.subject = "cn.example.org", .eku = { SERVER },
	    .san = { { DNS, "web.example.org", 0 }, { URI, "x:y", 0 },
	    { IP, "\xc0\0\2\1", 4 },
	    { IP, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1", 16 } });
	struct span cn = LEAF(.subject = "cn.example.org", .eku = { SERVER },
	    .san = { { 0 } });

	t.ask.server = true;
	t.authority[0].rules.class = FACTS_HOST;
	t.ask.host = hosts[_i].host;
	if (hosts[_i].good)
		accepted(leaf);
	else
		refused(HOST, BAD_CERTIFICATE, "expected dns or ip", leaf);
	refused(HOST, BAD_CERTIFICATE, "no name of a host", cn);
	ck_assert_ptr_nonnull(strstr(t.v.reason, "name"));
}
END_TEST

static void
add_tests(TCase *c)
{
	const TTest *const tests[] = { good, form, unknown,
	    empty_anchor_name, tampered, same_name_other_key, class, order,
	    depth, loop, budget, second_path, profile, signed_by, weak_issuer,
	    issuers, path_length, bad_anchor, leaf_below_leaf, ip_constraints,
	    constraint_forms, constraints_below, validity, version, not_ca,
	    purpose, usage, critical, many_names, empty_subject, long_subject,
	    facts, names, host_names, lifetime, revocation, revoked,
	    revoked_below };

	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tcase_add_test(c, tests[i]);
	tcase_add_loop_test(c, name_constraints, 0,
	    sizeof(constraints) / sizeof(constraints[0]));
	tcase_add_loop_test(c, name_forms, 0,
	    sizeof(forms) / sizeof(forms[0]));
	tcase_add_loop_test(c, host, 0, sizeof(hosts) / sizeof(hosts[0]));
}

int
main(void)
{
	Suite *s = suite_create("verify");
	TCase *c = tcase_create("verify");
	SRunner *r = srunner_create(s);
	int failed;

	tcase_add_checked_fixture(c, set_up_root, tear_down);
	tcase_set_timeout(c, 60);
	add_tests(c);
	suite_add_tcase(s, c);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
