/* src/ca: names, DER, CRLs, the store's rows. */
#include <check.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ca/crl.h"
#include "ca/derput.h"
#include "ca/keys.h"
#include "ca/mint.h"
#include "ca/out.h"
#include "ca/store.h"

#define REALM "test.example"

/* ---- names --------------------------------------------------------------- */

#define LABEL21 "aaaaaaaaaaaaaaaaaaaaa"
#define LABEL63 LABEL21 LABEL21 LABEL21

static const struct {
	int (*check)(const char *, struct why *);
	const char *text;
	int good;
} words[] = {
	{ words_check_realm, "corp.example", 1 },
	{ words_check_realm, "a-1.b2", 1 },
	{ words_check_realm, "corp", 0 },
	{ words_check_realm, "Corp.example", 0 },
	{ words_check_realm, "corp..example", 0 },
	{ words_check_realm, "-corp.example", 0 },
	{ words_check_realm, "corp-.example", 0 },
	{ words_check_realm, "corp.example.", 0 },
	{ words_check_realm, "corp_x.example", 0 },
	{ words_check_realm, LABEL63 ".a", 0 },	/* 65 */
	{ words_check_realm, "", 0 },
	{ words_check_name, "a", 1 },
	{ words_check_name, "A.b_c-9", 1 },
	{ words_check_name, LABEL63 "a", 1 },
	{ words_check_name, LABEL63 "ab", 0 },
	{ words_check_name, "", 0 },
	{ words_check_name, ".a", 0 },
	{ words_check_name, "-a", 0 },
	{ words_check_name, "_a", 0 },
	{ words_check_name, "a/b", 0 },
	{ words_check_name, "a%2f", 0 },
	{ words_check_name, "a\n", 0 },
	{ words_check_name, "a\xc3\xa4", 0 },
	{ words_check_email, "a@b", 1 },
	{ words_check_email, "a.b+c@mail.example", 1 },
	{ words_check_email, "a..b@c", 0 },
	{ words_check_email, ".a@b", 0 },
	{ words_check_email, "a@b@c", 0 },
	{ words_check_email, "@b", 0 },
	{ words_check_email, "a@", 0 },
	{ words_check_email, "a", 0 },
	{ words_check_email, "a b@c", 0 },
	{ words_check_email, "a%b@c", 0 },
	{ words_check_email, "{a}@c", 0 },
	{ words_check_email, "a@b..c", 0 },
	{ words_check_upn, "a@CORP.example", 1 },
	{ words_check_upn, "a\\b@c", 0 },
	{ words_check_dns, "localhost", 1 },
	{ words_check_dns, "a.b.c.d.e.f.g.h.i", 1 },
	{ words_check_dns, LABEL63 "." LABEL63 "." LABEL63 "." LABEL63, 0 },
	{ words_check_dns, "*.a", 0 },
	{ words_check_dns, "a_b.c", 0 },
	{ words_check_dns, "192.0.2.1", 0 },
	{ words_check_dns, "1.a", 1 },
	{ words_check_dns, "a.1", 0 },
	{ words_check_dns, LABEL63 ".b", 1 },
	{ words_check_dns, LABEL63 "a.b", 0 },
	{ words_check_dns, "a.", 0 },
	{ words_check_dns, "", 0 },
};

START_TEST(grammar)
{
	struct why why = { .text = "" };
	int r = words[_i].check(words[_i].text, &why);

	ck_assert_msg(r == (words[_i].good ? 0 : ERR_MALFORMED), "'%s': %d",
	    words[_i].text, r);
	ck_assert_int_eq(why.text[0] == '\0', words[_i].good);
}
END_TEST

START_TEST(serials)
{
	uint8_t a[WORDS_SERIAL], b[WORDS_SERIAL];
	char hex[WORDS_HEX];

	ck_assert_int_eq(words_serial("00112233445566778899AABBCCDDEEFF", a,
	    NULL), 0);
	words_hex(a, hex);
	ck_assert_str_eq(hex, "00112233445566778899aabbccddeeff");
	ck_assert_int_eq(words_serial("00:11:22:33:44:55:66:77:88:99:aa:bb:"
	    "cc:dd:ee:ff", b, NULL), 0);
	ck_assert_mem_eq(a, b, WORDS_SERIAL);
	ck_assert_int_lt(words_serial("00112233445566778899aabbccddeef", a,
	    NULL), 0);
	ck_assert_int_lt(words_serial("00112233445566778899aabbccddeeff0", a,
	    NULL), 0);
	ck_assert_int_lt(words_serial("", a, NULL), 0);
	ck_assert_int_lt(words_serial("0x112233445566778899aabbccddeeff", a,
	    NULL), 0);
	for (int i = 0; i < 1000; i++) {
		ck_assert_int_eq(mint_serial(a, NULL), 0);
		ck_assert(a[0] > 0 && a[0] < 0x80);
		ck_assert_mem_ne(a, b, WORDS_SERIAL);
		memcpy(b, a, sizeof(b));
	}
}
END_TEST

START_TEST(ids)
{
	enum words_class c;
	const char *name;
	int reason;

	ck_assert_int_eq(words_id("device/m-1", &c, &name, NULL), 0);
	ck_assert_int_eq(c, WORDS_DEVICE);
	ck_assert_str_eq(name, "m-1");
	ck_assert_int_lt(words_id("root/m", &c, &name, NULL), 0);
	ck_assert_int_lt(words_id("user", &c, &name, NULL), 0);
	ck_assert_int_lt(words_id("user/", &c, &name, NULL), 0);
	ck_assert_int_lt(words_id("user/a/b", &c, &name, NULL), 0);
	ck_assert_int_eq(words_reason("key-Compromise", &reason, NULL), 0);
	ck_assert_int_eq(reason, 1);
	ck_assert_int_lt(words_reason("cACompromise", &reason, NULL), 0);
	ck_assert_int_lt(words_reason("", &reason, NULL), 0);
}
END_TEST

START_TEST(together)
{
	struct mint_names n = { .n_dns = 2, .dns = { "a.example",
	    "a.example" } };

	ck_assert_int_eq(mint_check_names(WORDS_HOST, "h", &n, NULL),
	    ERR_MALFORMED);
	n.dns[1] = "b.example";
	ck_assert_int_eq(mint_check_names(WORDS_HOST, "h", &n, NULL), 0);
	ck_assert_int_eq(mint_check_names(WORDS_HOST, "h_1", &n, NULL),
	    ERR_MALFORMED);
	ck_assert_int_eq(mint_check_names(WORDS_USER, "h_1", &n, NULL), 0);
	ck_assert_int_eq(mint_check_names(WORDS_USER, "ca", &n, NULL),
	    ERR_MALFORMED);
	ck_assert_int_eq(mint_check_names(WORDS_HOST, "ca", &n, NULL), 0);
}
END_TEST

/* ---- DER and CRLs -------------------------------------------------------- */

START_TEST(encoding)
{
	static const uint8_t small[] = { 0x02, 0x01, 0x7f };
	static const uint8_t padded[] = { 0x02, 0x02, 0x00, 0x80 };
	static const uint8_t utc[] = "\x17\x0d" "491231235959Z";
	static const uint8_t late[] = "\x18\x0f" "20500101000000Z";
	struct buf b;

	buf_init(&b, 1000);
	derput_number(&b, 127);
	ck_assert_mem_eq(b.data, small, sizeof(small));
	buf_reset(&b);
	derput_number(&b, 128);
	ck_assert_mem_eq(b.data, padded, sizeof(padded));
	buf_reset(&b);
	derput_time(&b, 2524607999);
	ck_assert_uint_eq(b.len, sizeof(utc) - 1);
	ck_assert_mem_eq(b.data, utc, b.len);
	buf_reset(&b);
	derput_time(&b, 2524608000);
	ck_assert_uint_eq(b.len, sizeof(late) - 1);
	ck_assert_mem_eq(b.data, late, b.len);
	buf_reset(&b);
	for (int i = 0; i < 200; i++)
		buf_put_u8(&b, 1);
	derput_wrap(&b, DERPUT_SEQUENCE, 0);
	ck_assert_uint_eq(b.len, 203);
	ck_assert_mem_eq(b.data, "\x30\x81\xc8\x01", 4);
	ck_assert_int_eq(buf_err(&b), 0);
	buf_reset(&b);
	derput_time(&b, -1);
	ck_assert_int_ne(buf_err(&b), 0);
	buf_free(&b);
}
END_TEST

/* A CA of its own: certificate, key. */
struct ca {
	gnutls_privkey_t key;
	gnutls_x509_crt_t crt;
};

static void
make_ca(struct ca *ca)
{
	uint8_t serial[WORDS_SERIAL] = { 1 };
	int64_t now = time(NULL);
	struct mint_ca m = { .realm = REALM, .class = WORDS_ROOT,
	    .generation = 1, .serial = serial, .not_before = now,
	    .not_after = now + 1000 };
	gnutls_x509_privkey_t x;
	struct buf der;

	buf_init(&der, MINT_CERT_MAX);
	ck_assert_int_eq(keys_make(KEYS_P384, &x, NULL), 0);
	ck_assert_int_ge(gnutls_privkey_init(&ca->key), 0);
	ck_assert_int_ge(gnutls_privkey_import_x509(ca->key, x,
	    GNUTLS_PRIVKEY_IMPORT_COPY), 0);
	ck_assert_int_eq(mint_ca(&m, ca->key, NULL, NULL, &der, NULL), 0);
	ck_assert_int_eq(mint_import((struct span){ der.data, der.len },
	    &ca->crt, NULL), 0);
	gnutls_x509_privkey_deinit(x);
	buf_free(&der);
}

static void
free_ca(struct ca *ca)
{
	gnutls_privkey_deinit(ca->key);
	gnutls_x509_crt_deinit(ca->crt);
}

#define THIS 1750000000
#define NEXT (THIS + 1209600)

/* n entries, signed. */
static void
make_crl(const struct ca *ca, uint32_t n, int64_t number, struct crl *c,
    struct buf *out)
{
	uint8_t serial[WORDS_SERIAL] = { 0x7f };

	crl_init(c);
	buf_init(out, CRL_MAX);
	for (uint32_t i = 0; i < n; i++) {
		memcpy(serial + 8, &i, sizeof(i));
		crl_add(c, serial, 1700000000 + i, (int)(i % 2));
	}
	ck_assert_int_eq(crl_sign(c, ca->crt, ca->key, number, THIS, NEXT,
	    out, NULL), 0);
}

static int
same(const struct ca *ca, const struct crl *c, int64_t number,
    const struct buf *der)
{
	return crl_same(c, ca->crt, number, THIS, NEXT, (struct span){
	    der->data, der->len }, NULL);
}

/* Sign n entries; what GnuTLS reads back is what went in. */
static void
crl_of(uint32_t n, int64_t number)
{
	unsigned status = 0, critical;
	size_t len;
	uint8_t raw[32];
	gnutls_x509_crl_t crl;
	gnutls_datum_t d;
	struct buf out;
	struct crl c;
	struct ca ca;

	len = sizeof(raw);
	make_ca(&ca);
	make_crl(&ca, n, number, &c, &out);
	d = (gnutls_datum_t){ out.data, (unsigned)out.len };
	ck_assert_int_ge(gnutls_x509_crl_init(&crl), 0);
	ck_assert_int_ge(gnutls_x509_crl_import(crl, &d,
	    GNUTLS_X509_FMT_DER), 0);
	ck_assert_int_ge(gnutls_x509_crl_verify(crl, &ca.crt, 1,
	    GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
	    GNUTLS_VERIFY_DISABLE_CRL_CHECKS, &status), 0);
	/* over it is: the times are fixed */
	ck_assert_uint_eq(status, GNUTLS_CERT_INVALID |
	    GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED);
	ck_assert_int_eq(gnutls_x509_crl_get_crt_count(crl), (int)n);
	ck_assert_int_ge(gnutls_x509_crl_get_number(crl, raw, &len,
	    &critical), 0);
	ck_assert_int_eq(raw[len - 1], (uint8_t)number);
	ck_assert_int_eq(gnutls_x509_crl_get_this_update(crl), THIS);
	gnutls_x509_crl_deinit(crl);
	crl_free(&c);
	buf_free(&out);
	free_ca(&ca);
}

START_TEST(crls)
{
	crl_of(0, 1);
	crl_of(1000, 200);
}
END_TEST

/* Linear: a hundred thousand in a moment. */
START_TEST(crl_large)
{
	struct buf out;
	struct crl c;
	struct ca ca;

	make_ca(&ca);
	make_crl(&ca, 100000, 3, &c, &out);
	ck_assert_uint_gt(out.len, 100000 * 30);
	ck_assert_int_eq(same(&ca, &c, 3, &out), 0);
	crl_free(&c);
	buf_free(&out);
	free_ca(&ca);
}
END_TEST

/* Any difference is seen: number, entry, signature, issuer, length. */
START_TEST(crl_differs)
{
	uint8_t serial[WORDS_SERIAL] = { 1 };
	struct buf out;
	struct crl c;
	struct ca ca, other;

	make_ca(&ca);
	make_ca(&other);
	make_crl(&ca, 2, 3, &c, &out);
	ck_assert_int_eq(same(&ca, &c, 3, &out), 0);
	ck_assert_int_eq(same(&ca, &c, 4, &out), ERR_REFUSED);
	ck_assert_int_eq(same(&other, &c, 3, &out), ERR_REFUSED);
	for (size_t i = 0; i < out.len; i++) {
		out.data[i] ^= 1;
		ck_assert_int_eq(same(&ca, &c, 3, &out), ERR_REFUSED);
		out.data[i] ^= 1;
	}
	for (size_t n = out.len; out.len > 0; out.len--)
		ck_assert_int_eq(same(&ca, &c, 3, &out),
		    out.len == n ? 0 : ERR_REFUSED);
	crl_add(&c, serial, 1, 0);
	ck_assert_int_eq(same(&ca, &c, 3, &out), ERR_REFUSED);
	crl_free(&c);
	buf_free(&out);
	free_ca(&ca);
	free_ca(&other);
}
END_TEST

/* ---- the store ----------------------------------------------------------- */

static char dir[PATH_MAX];

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/certlogin-ca-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	char command[PATH_MAX + 16];

	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static struct store *
open_store(enum store_mode mode)
{
	struct store *s = NULL;
	struct why why;

	ck_assert_msg(store_open(&s, dir, mode, &why) == 0, "%s", why.text);
	return s;
}

/* A realm with one CA, whose certificate is not looked at. */
static struct store *
new_store(void)
{
	struct store *s = open_store(STORE_MAKE);
	struct store_ca ca = { .class = WORDS_USER, .generation = 1,
	    .key_file = "user-1.key", .not_before = 1, .not_after = 1000,
	    .der = { (const uint8_t *)"ca", 2 } };
	int64_t id;

	ck_assert_int_eq(store_begin(s, NULL), 0);
	ck_assert_int_eq(store_make_realm(s, REALM, NULL), 0);
	ck_assert_int_eq(store_add_ca(s, &ca, &id, NULL), 0);
	ck_assert_int_eq(id, 1);
	ck_assert_int_eq(store_commit(s, NULL), 0);
	return s;
}

static struct store_cert
row(uint8_t number, const char *target)
{
	return (struct store_cert){ .serial = { number }, .ca = 1,
	    .class = WORDS_USER, .name = "alice", .requested = 1,
	    .not_before = 1, .not_after = 100, .target = target };
}

static int
take_state(void *arg, const struct store_cert *c, struct why *why)
{
	(void)why;
	*(int *)arg = (int)c->state + (c->target != NULL ? 100 : 0);
	return 0;
}

static int
state_of(struct store *s, uint8_t number)
{
	uint8_t serial[WORDS_SERIAL] = { number };
	struct store_query q = STORE_ANY;
	int state = -1;

	q.serial = serial;
	ck_assert_int_eq(store_each(s, &q, take_state, &state, NULL), 0);
	return state;
}

START_TEST(rows)
{
	struct store *s = new_store();
	struct store_cert c = row(1, NULL), ca_serial = row(0, NULL);
	struct span der = { (const uint8_t *)"der", 3 };

	ck_assert_int_eq(store_add_pending(s, &c, NULL), 0);
	ck_assert_int_eq(state_of(s, 1), STORE_PENDING);
	/* never again, whatever became of it */
	ck_assert_int_eq(store_add_pending(s, &c, NULL), ERR_EXISTS);
	ck_assert_int_lt(store_set_revoked(s, c.serial, 5, 1, NULL), 0);
	ck_assert_int_eq(store_set_issued(s, c.serial, der, NULL), 0);
	ck_assert_int_lt(store_set_issued(s, c.serial, der, NULL), 0);
	ck_assert_int_lt(store_set_abandoned(s, c.serial, NULL), 0);
	ck_assert_int_eq(store_add_pending(s, &c, NULL), ERR_EXISTS);
	ck_assert_int_eq(store_set_revoked(s, c.serial, 5, 1, NULL), 0);
	ck_assert_int_lt(store_set_revoked(s, c.serial, 6, 2, NULL), 0);
	ck_assert_int_eq(state_of(s, 1), STORE_REVOKED);
	ck_assert_int_eq(store_add_pending(s, &c, NULL), ERR_EXISTS);
	/* a CA has this one */
	ck_assert_int_lt(store_add_pending(s, &ca_serial, NULL), 0);
	store_close(s);
}
END_TEST

START_TEST(realm_once)
{
	struct store *s = new_store();

	ck_assert_int_eq(store_begin(s, NULL), 0);
	ck_assert_int_eq(store_make_realm(s, "b.example", NULL), ERR_EXISTS);
	store_rollback(s);
	store_close(s);
	s = open_store(STORE_LOOK);
	ck_assert_str_eq(store_realm(s), REALM);
	store_close(s);
}
END_TEST

START_TEST(crl_numbers)
{
	struct store *s = new_store();
	struct span crl = { (const uint8_t *)"crl", 3 };
	int64_t n = 0;

	ck_assert_int_eq(store_next_crl_number(s, 1, &n, NULL), 0);
	ck_assert_int_eq(n, 1);
	ck_assert_int_eq(store_set_crl(s, 1, 1, 10, 20, crl, NULL), 0);
	ck_assert_int_lt(store_set_crl(s, 1, 1, 11, 21, crl, NULL), 0);
	ck_assert_int_eq(store_next_crl_number(s, 1, &n, NULL), 0);
	ck_assert_int_eq(n, 2);
	store_close(s);
}
END_TEST

/* What a process that is gone left: healed by the next, unless another is
 * still at work. */
START_TEST(healing)
{
	struct span der = { (const uint8_t *)"der", 3 };
	char staged[PATH_MAX + 80], final[PATH_MAX + 80];
	struct store *s = new_store(), *other;
	struct store_cert pending = row(1, dir), issued = row(2, dir);
	struct stat st;
	struct out o;

	ck_assert_int_eq(store_add_pending(s, &pending, NULL), 0);
	ck_assert_int_eq(store_add_pending(s, &issued, NULL), 0);
	for (uint8_t i = 1; i <= 2; i++) {
		uint8_t serial[WORDS_SERIAL] = { i };

		ck_assert_int_eq(out_open(&o, dir, "alice", NULL), 0);
		out_serial(&o, serial);
		ck_assert_int_eq(out_stage(&o, OUT_KEY, der, NULL), 0);
		ck_assert_int_eq(out_stage(&o, OUT_CRT, der, NULL), 0);
		out_close(&o);
	}
	ck_assert_int_eq(store_set_issued(s, issued.serial, der, NULL), 0);
	(void)snprintf(staged, sizeof(staged), "%s/.alice.key.%s", dir,
	    "01000000000000000000000000000000");
	(void)snprintf(final, sizeof(final), "%s/alice.key", dir);
	ck_assert_int_eq(stat(staged, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);

	/* at work: nothing is touched */
	ck_assert_int_eq(state_of(s, 1), STORE_PENDING + 100);
	other = open_store(STORE_USE);
	ck_assert_str_eq(store_healed(other), "");
	store_close(other);
	ck_assert_int_eq(state_of(s, 1), STORE_PENDING + 100);
	ck_assert_int_ne(stat(final, &st), 0);
	store_close(s);

	/* gone: a look changes nothing, use does */
	s = open_store(STORE_LOOK);
	ck_assert_int_eq(state_of(s, 1), STORE_PENDING + 100);
	store_close(s);
	s = open_store(STORE_USE);
	ck_assert_str_ne(store_healed(s), "");
	ck_assert_int_eq(state_of(s, 1), STORE_ABANDONED);
	ck_assert_int_eq(state_of(s, 2), STORE_ISSUED);
	ck_assert_int_ne(stat(staged, &st), 0);
	ck_assert_int_eq(stat(final, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(store_add_pending(s, &pending, NULL), ERR_EXISTS);
	store_close(s);
}
END_TEST

START_TEST(not_ours)
{
	struct store *s = NULL;

	ck_assert_int_eq(store_open(&s, dir, STORE_USE, NULL), ERR_NOTFOUND);
	ck_assert_int_eq(chmod(dir, 0755), 0);
	ck_assert_int_eq(store_open(&s, dir, STORE_USE, NULL), ERR_UNSAFE);
	ck_assert_ptr_null(s);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("ca");
	TCase *t = tcase_create("pure"), *d = tcase_create("store");
	SRunner *sr;
	int failed;

	tcase_add_loop_test(t, grammar, 0,
	    (int)(sizeof(words) / sizeof(words[0])));
	tcase_add_test(t, serials);
	tcase_add_test(t, ids);
	tcase_add_test(t, together);
	tcase_add_test(t, encoding);
	tcase_add_test(t, crls);
	/* under valgrind, too */
	tcase_set_timeout(t, 120);
	tcase_add_test(t, crl_large);
	tcase_add_test(t, crl_differs);
	suite_add_tcase(s, t);
	tcase_add_checked_fixture(d, setup, teardown);
	tcase_add_test(d, rows);
	tcase_add_test(d, realm_once);
	tcase_add_test(d, crl_numbers);
	tcase_add_test(d, healing);
	tcase_add_test(d, not_ours);
	suite_add_tcase(s, d);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
