/* Fetched CRLs: the messages about them, and certlogin-judge's job `crl` in
 * its sandbox, asked by its real caller. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "ctl/crls.h"
#include "forge.h"
#include "helped.h"
#include "proto/chan.h"

#define OK(call) ck_assert_int_ge((call), 0)
#define N(a) (sizeof(a) / sizeof(a[0]))
#define A "[authority a]\nclass = user\nanchor = a.crt\nnames = dns=*\n"
#define GOOD A "crl = a.crl\ncrl-url = http://pki.e/a.crl\n"

static struct pki ca, other;
static int64_t now;
static char folder[64], trust[128];
static struct helped h;

/* ---- messages -------------------------------------------------------------- */

static struct rd
body_of(const struct buf *b)
{
	return rd_of(b->data + 2, b->len - 2);
}

START_TEST(listed)
{
	static struct crlmsg_listed in, out;
	struct diag none, d;
	struct buf b;

	diag_init(&none);
	diag_init(&d);
	buf_init(&b, CHAN_MSG_MAX);
	in.ok = true;
	in.n = IPC_LOAD_FILES_MAX;
	for (size_t i = 0; i < in.n; i++) {
		memset(in.item[i].authority, 'a', 79);
		memset(in.item[i].file, 'f', 255);
		memset(in.item[i].url, 'u', CRLMSG_URL_MAX - 1);
	}
	ck_assert_int_eq(crlmsg_listed_encode(&b, &in, &none), 0);
	ck_assert_int_eq(crlmsg_listed_decode(body_of(&b), &out, &d), 0);
	ck_assert(out.ok);
	ck_assert_uint_eq(out.n, in.n);
	ck_assert_int_eq(memcmp(&in, &out, sizeof(in)), 0);
	/* a list, and no list, each with the other's mark */
	in.n = 1;
	in.ok = false;
	ck_assert_int_eq(crlmsg_listed_encode(&b, &in, &none), 0);
	ck_assert_int_eq(crlmsg_listed_decode(body_of(&b), &out, &d),
	    ERR_MALFORMED);
	ck_assert_uint_eq(out.n, 0);
	in.ok = true;
	diag_add(&none, DIAG_ERROR, "t", 1, 1, "wrong");
	ck_assert_int_eq(crlmsg_listed_encode(&b, &in, &none), 0);
	ck_assert_int_eq(crlmsg_listed_decode(body_of(&b), &out, &d),
	    ERR_MALFORMED);
	ck_assert(!out.ok);
	diag_free(&d);
	diag_init(&d);
	in.ok = false;
	in.n = 0;
	ck_assert_int_eq(crlmsg_listed_encode(&b, &in, &none), 0);
	ck_assert_int_eq(crlmsg_listed_decode(body_of(&b), &out, &d), 0);
	ck_assert(!out.ok);
	ck_assert_uint_eq(d.errors, 1);
	diag_free(&d);
	diag_free(&none);
	buf_free(&b);
}
END_TEST

static const struct {
	struct crlmsg_judged j;
	int result;
} judgeds[] = {
	{ { CRLMSG_REPLACE, "", "gone", true, 1, 9, 5 }, 0 },
	{ { CRLMSG_SAME, "", "", true, 1, 9, 5 }, 0 },
	{ { CRLMSG_KEEP, "forged", "", true, 1, 9, 5 }, 0 },
	{ { CRLMSG_KEEP, "forged", "gone", false, 0, 0, 0 }, 0 },
	{ { CRLMSG_KEEP, "", "", false, 0, 0, 0 }, 0 },
	{ { CRLMSG_REPLACE, "forged", "", true, 1, 9, 5 }, ERR_MALFORMED },
	{ { CRLMSG_REPLACE, "", "", false, 0, 0, 0 }, ERR_MALFORMED },
	{ { CRLMSG_SAME, "", "", false, 0, 0, 0 }, ERR_MALFORMED },
	{ { CRLMSG_KEEP, "", "", false, 1, 0, 0 }, ERR_MALFORMED },
	{ { CRLMSG_KEEP, "", "", false, 0, 0, 5 }, ERR_MALFORMED },
	{ { 2, "", "", true, 1, 9, 5 }, ERR_MALFORMED },
	{ { CRLMSG_KEEP, "a\nb", "", true, 1, 9, 5 }, ERR_MALFORMED },
	{ { CRLMSG_KEEP, "", "\x1b[1m", true, 1, 9, 5 }, ERR_MALFORMED },
};

START_TEST(judged)
{
	struct crlmsg_judged out = { .outcome = CRLMSG_REPLACE };
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(crlmsg_judged_encode(&b, &judgeds[_i].j), 0);
	ck_assert_int_eq(crlmsg_judged_decode(body_of(&b), &out),
	    judgeds[_i].result);
	ck_assert_uint_eq(out.outcome, judgeds[_i].result == 0 ?
	    judgeds[_i].j.outcome : CRLMSG_KEEP);
	buf_free(&b);
}
END_TEST

START_TEST(get_and_done)
{
	char url[CRLMSG_URL_MAX], text[IPC_TEXT_MAX];
	uint32_t seconds;
	struct buf b;
	bool ok = true;

	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(crlmsg_get_encode(&b, "http://e", 60), 0);
	ck_assert_int_eq(crlmsg_get_decode(body_of(&b), url, &seconds), 0);
	ck_assert_str_eq(url, "http://e");
	ck_assert_uint_eq(seconds, 60);
	for (uint32_t bad = 0; bad < 3601 * 2; bad += 3601) {
		ck_assert_int_eq(crlmsg_get_encode(&b, "http://e", bad), 0);
		ck_assert_int_eq(crlmsg_get_decode(body_of(&b), url,
		    &seconds), ERR_MALFORMED);
	}
	ck_assert_int_eq(crlmsg_get_encode(&b, "", 60), 0);
	ck_assert_int_eq(crlmsg_get_decode(body_of(&b), url, &seconds),
	    ERR_MALFORMED);
	ck_assert_int_eq(crlmsg_done_encode(&b, false, "404"), 0);
	ck_assert_int_eq(crlmsg_done_decode(body_of(&b), &ok, text), 0);
	ck_assert(!ok);
	ck_assert_str_eq(text, "404");
	ck_assert_int_eq(crlmsg_done_encode(&b, true, ""), 0);
	ck_assert_int_eq(crlmsg_done_decode(body_of(&b), &ok, text), 0);
	ck_assert(ok);
	/* success with a problem, failure without one */
	ck_assert_int_eq(crlmsg_done_encode(&b, true, "404"), 0);
	ck_assert_int_eq(crlmsg_done_decode(body_of(&b), &ok, text),
	    ERR_MALFORMED);
	ck_assert(!ok);
	ck_assert_int_eq(crlmsg_done_encode(&b, false, ""), 0);
	ck_assert_int_eq(crlmsg_done_decode(body_of(&b), &ok, text),
	    ERR_MALFORMED);
	buf_free(&b);
}
END_TEST

/* ---- the program ------------------------------------------------------------- */

static void
setup(void)
{
	now = time(NULL);
	forge_ca(&ca, PKI_P256, "a", NULL, NULL);
	forge_ca(&other, PKI_P256, "b", NULL, NULL);
	(void)snprintf(folder, sizeof(folder), "/tmp/certlogin-crls.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	(void)snprintf(trust, sizeof(trust), "%s/trust.conf", folder);
	helped_write(folder, "a.crt", ca.pem.data, ca.pem.size);
	helped_write(folder, "trust.conf", GOOD, strlen(GOOD));
}

static void
teardown(void)
{
	static const char *const names[] = { "trust.conf", "a.crt", "a.crl" };
	char path[128];

	for (size_t i = 0; i < N(names); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
	pki_free(&ca);
	pki_free(&other);
}

static void
make_crl(struct buf *b, const struct pki *signer, char number)
{
	struct forge_crl c = forge_crl(signer, now, &number, 1);

	buf_init(b, 100000);
	forge_crl_put(b, &c);
}

static void
place(const struct pki *signer, char number)
{
	struct buf b;

	make_crl(&b, signer, number);
	helped_write(folder, "a.crl", b.data, b.len);
	buf_free(&b);
}

/* Ask about text of n bytes, NULL for none, of authority and file. */
static void
ask_about(const char *authority, const char *file, const void *text, size_t n,
    const struct ipc_seen *seen, struct crlmsg_judged *out)
{
	static struct crlmsg_item it;
	struct why why = { "" };
	int fd = text != NULL ? memfile_make("fetched", text, n) : -1;

	(void)snprintf(it.authority, sizeof(it.authority), "%s", authority);
	(void)snprintf(it.file, sizeof(it.file), "%s", file);
	helped_start(&h, "crl", NULL, 0);
	ck_assert_msg(crls_judge(h.channel, trust, &it, fd, seen,
	    seen != NULL ? 1 : 0, out, &why) == 0, "%s", why.text);
	ck_assert_int_eq(helped_end(&h), 0);
	if (fd >= 0)
		(void)close(fd);
}

static void
ask(const struct pki *signer, char number, struct crlmsg_judged *out)
{
	struct buf b;

	make_crl(&b, signer, number);
	ask_about("a", "a.crl", b.data, b.len, NULL, out);
	buf_free(&b);
}

static int
ask_list(struct crlmsg_listed *out, struct diag *d)
{
	struct why why = { "" };

	diag_init(d);
	helped_start(&h, "crl", NULL, 0);
	ck_assert_msg(crls_list(h.channel, trust, out, d, &why) == 0, "%s",
	    why.text);
	return helped_end(&h);
}

START_TEST(program_list)
{
	static const char text[] = A "crl = a.crl\ncrl = b.crl\n"
	    "crl-url = https://e/b\ncrl = c.crl\ncrl-url = /srv/c\n"
	    "[authority n]\nclass=user\nanchor=n\nnames=dns=*\n"
	    "revocation = none\ncrl=n.crl\ncrl-url=http://e/n\n"
	    "[authority h]\nclass=host\nanchor=h\nnames=dns=*\n"
	    "crl=h.crl\ncrl-url=http://e/h\n";
	static struct crlmsg_listed l;
	struct diag d;

	helped_write(folder, "trust.conf", text, sizeof(text) - 1);
	ck_assert_int_eq(ask_list(&l, &d), 0);
	ck_assert(l.ok);
	ck_assert_uint_eq(l.n, 3);
	ck_assert_str_eq(l.item[0].authority, "a");
	ck_assert_str_eq(l.item[0].file, "b.crl");
	ck_assert_str_eq(l.item[0].url, "https://e/b");
	ck_assert_str_eq(l.item[1].url, "/srv/c");
	ck_assert_str_eq(l.item[2].authority, "h");
	ck_assert_uint_eq(d.errors, 0);
	diag_free(&d);
	helped_write(folder, "trust.conf", "[authority a]\n", 14);
	ck_assert_int_eq(ask_list(&l, &d), 0);
	ck_assert(!l.ok);
	ck_assert_uint_eq(l.n, 0);
	ck_assert_uint_ge(d.errors, 1);
	ck_assert_str_eq(d.items[0].file, trust);
	diag_free(&d);
}
END_TEST

START_TEST(program_judge)
{
	struct crlmsg_judged j;

	ask(&ca, 7, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_REPLACE);
	ck_assert_ptr_nonnull(strstr(j.in_place, "does not exist"));
	ck_assert(j.usable);
	ck_assert_int_eq(j.this_update, now - 3600);
	ck_assert_int_eq(j.half, (j.this_update + j.next_update) / 2);
	place(&ca, 7);
	ask(&ca, 7, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_SAME);
	ck_assert_str_eq(j.in_place, "");
	ask(&ca, 8, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_REPLACE);
	ask(&ca, 6, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_ptr_nonnull(strstr(j.problem, "rolled back"));
	ck_assert(j.usable);
	ask(&other, 8, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_ptr_nonnull(strstr(j.problem, "of another issuer"));
	/* nothing could be fetched */
	ask_about("a", "a.crl", NULL, 0, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_str_eq(j.problem, "");
	ck_assert(j.usable);
	ask_about("a", "a.crl", "<html>", 6, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_str_ne(j.problem, "");
	ask_about("a", "a.crl", "", 0, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_str_ne(j.problem, "");
}
END_TEST

START_TEST(program_seen)
{
	struct ipc_seen seen = { .number = { 7 }, .number_len = 1 };
	struct crlmsg_judged j;
	struct buf b;
	gnutls_datum_t spki;
	gnutls_pubkey_t key;

	ck_assert_int_eq(gnutls_pubkey_init(&key), 0);
	ck_assert_int_eq(gnutls_pubkey_import_x509(key, ca.crt, 0), 0);
	ck_assert_int_eq(gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER,
	    &spki), 0);
	ck_assert_int_eq(gnutls_hash_fast(GNUTLS_DIG_SHA256, spki.data,
	    spki.size, seen.issuer_key), 0);
	for (char number = 6; number <= 7; number++) {
		make_crl(&b, &ca, number);
		ask_about("a", "a.crl", b.data, b.len, &seen, &j);
		ck_assert_uint_eq(j.outcome, number == 7 ? CRLMSG_REPLACE :
		    CRLMSG_KEEP);
		buf_free(&b);
	}
	gnutls_free(spki.data);
	gnutls_pubkey_deinit(key);
}
END_TEST

/* trust.conf or an anchor was changed since the list was made. */
START_TEST(program_changed)
{
	struct crlmsg_judged j;
	struct buf b;

	make_crl(&b, &ca, 7);
	ask_about("b", "a.crl", b.data, b.len, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_ptr_nonnull(strstr(j.problem, "has nothing fetched"));
	ask_about("a", "a.crt", b.data, b.len, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_ptr_nonnull(strstr(j.problem, "has nothing fetched"));
	helped_write(folder, "trust.conf", A "crl = a.crl\n", strlen(A) + 12);
	ask_about("a", "a.crl", b.data, b.len, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	helped_write(folder, "trust.conf", "[", 1);
	ask_about("a", "a.crl", b.data, b.len, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_str_ne(j.problem, "");
	helped_write(folder, "trust.conf", GOOD, strlen(GOOD));
	helped_write(folder, "a.crt", "x", 1);
	ask_about("a", "a.crl", b.data, b.len, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_str_ne(j.problem, "");
	helped_write(folder, "a.crt", ca.pem.data, ca.pem.size);
	ask_about("a", "a.crl", b.data, b.len, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_REPLACE);
	buf_free(&b);
}
END_TEST

START_TEST(program_too_big)
{
	size_t n = IPC_LOAD_FILE_MAX + 1;
	struct crlmsg_judged j;
	char *text = malloc(n);

	ck_assert_ptr_nonnull(text);
	memset(text, '\n', n);
	ask_about("a", "a.crl", text, n, NULL, &j);
	ck_assert_uint_eq(j.outcome, CRLMSG_KEEP);
	ck_assert_ptr_nonnull(strstr(j.problem, "too big"));
	ask_about("a", "a.crl", text, n - 1, NULL, &j);
	ck_assert_ptr_nonnull(strstr(j.problem, "expected -----BEGIN"));
	free(text);
}
END_TEST

/* A message that is not of this job, or with other descriptors. */
START_TEST(program_junk)
{
	static struct crlmsg_judge judge = { .authority = "a", .file = "f",
	    .fetched = true };
	struct chan_msg m;
	struct buf b;
	int fd;

	buf_init(&b, CHAN_MSG_MAX);
	OK(fd = open("/dev/null", O_RDONLY | O_CLOEXEC));
	switch (_i) {
	case 0:
		chan_begin(&b, IPC_LOAD_BEGIN);
		break;
	case 1:
		OK(crlmsg_judge_encode(&b, &judge));
		break;
	default:
		chan_begin(&b, IPC_CRL_LIST);
		buf_put_u8(&b, 7);
	}
	helped_start(&h, "crl", NULL, 0);
	ck_assert_int_eq(chan_send(h.channel, &b, &fd, 1), 0);
	ck_assert_int_eq(chan_recv_timeout(h.channel, &b, &m, 0, 20000),
	    ERR_EOF);
	ck_assert_int_eq(helped_end(&h), 3);
	(void)close(fd);
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("crls");
	TCase *m = tcase_create("messages"), *p = tcase_create("program");
	SRunner *sr;
	int failed;

	tcase_add_test(m, listed);
	tcase_add_loop_test(m, judged, 0, N(judgeds));
	tcase_add_test(m, get_and_done);
	suite_add_tcase(s, m);
	tcase_set_timeout(p, 60);
	tcase_add_checked_fixture(p, setup, teardown);
	tcase_add_test(p, program_list);
	tcase_add_test(p, program_judge);
	tcase_add_test(p, program_seen);
	tcase_add_test(p, program_changed);
	tcase_add_test(p, program_too_big);
	tcase_add_loop_test(p, program_junk, 0, 3);
	suite_add_tcase(s, p);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
