/* Is a fetched file of CRLs to replace the one in place? */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "forge.h"
#include "x509/trust_fresh.h"

#define N(a) (sizeof(a) / sizeof(a[0]))
#define DAY 86400
#define SPAN(s) ((struct span){ (const uint8_t *)(s), sizeof(s) - 1 })

/* An authority with two anchors, and somebody else. */
static struct world {
	int64_t now;
	struct pki ca, next, other;
	struct trust t;
	struct ipc_seen seen[1];
	size_t n_seen;
} w;

static void
setup(void)
{
	struct trust_rules rules = { .name = "a", .revocation = TRUST_NONE };
	struct span anchors[2];
	struct why why;

	memset(&w, 0, sizeof(w));
	w.now = time(NULL);
	forge_ca(&w.ca, PKI_P256, "a", NULL, NULL);
	forge_ca(&w.next, PKI_P256, "a2", NULL, NULL);
	forge_ca(&w.other, PKI_P256, "b", NULL, NULL);
	anchors[0] = pki_der(&w.ca);
	anchors[1] = pki_der(&w.next);
	ck_assert_int_eq(trust_single(&w.t, &rules, anchors, 2, NULL, 0,
	    w.now, &why), 0);
}

static void
teardown(void)
{
	trust_free(&w.t);
	pki_free(&w.ca);
	pki_free(&w.next);
	pki_free(&w.other);
}

/* What a file is made of: number of a CRL of each CA, 0 for none. */
struct made {
	uint8_t ca, next, other;
	int64_t from, to;		/* from now; 0, 0: the usual */
	enum { GOOD, FORGED, TEXT, CUT, EMPTY, NOTHING } how;
};

static void
put(struct buf *out, const struct made *m, const struct pki *ca, uint8_t n)
{
	struct forge_crl c = forge_crl(ca, w.now, (const char *)&n, 1);
	struct buf der;

	if (n == 0)
		return;
	if (m->from != 0 || m->to != 0) {
		c.this_update = w.now + m->from;
		c.next_update = w.now + m->to;
	}
	if (m->how == FORGED) {
		c.signer = &w.other;
		c.issuer = ca;
	}
	buf_init(&der, 100000);
	forge_crl_put(&der, &c);
	if (m->how == CUT)
		der.len -= 20;
	forge_pem(out, "X509 CRL", (struct span){ der.data, der.len });
	buf_free(&der);
}

static void
make(struct trust_fresh *f, const struct made *m)
{
	struct buf file;

	buf_init(&file, 100000);
	put(&file, m, &w.other, m->other);
	put(&file, m, &w.ca, m->ca);
	put(&file, m, &w.next, m->next);
	if (m->how == TEXT)
		buf_put_raw(&file, "<html>404</html>\n", 17);
	trust_fresh_read(f, &w.t.authority[0], m->how == NOTHING ?
	    SPAN("") : (struct span){ file.data, file.len }, w.seen,
	    w.n_seen, w.now);
	buf_free(&file);
}

static const struct {
	const char *what;
	struct made old, new;
	uint32_t grace;
	int result;
	const char *why;
} cases[] = {
	{ "newer", { .ca = 7 }, { .ca = 8 }, 0, 1, NULL },
	{ "same", { .ca = 7 }, { .ca = 7 }, 0, 0, NULL },
	{ "same number, later", { .ca = 7 }, { .ca = 7, .from = -60,
	    .to = DAY }, 0, 1, NULL },
	{ "older", { .ca = 7 }, { .ca = 6 }, 0, ERR_REFUSED, "rolled back" },
	{ "same number, earlier", { .ca = 7, .from = -60, .to = DAY },
	    { .ca = 7 }, 0, ERR_REFUSED, "rolled back" },
	{ "none in place", { .how = NOTHING }, { .ca = 1 }, 0, 1, NULL },
	{ "text in place", { .how = TEXT }, { .ca = 1 }, 0, 1, NULL },
	{ "damaged in place", { .ca = 7, .how = CUT }, { .ca = 7 }, 0, 1,
	    NULL },
	{ "forged in place", { .ca = 9, .how = FORGED }, { .ca = 7 }, 0, 1,
	    NULL },
	{ "stale in place", { .ca = 7, .from = -2 * DAY, .to = -DAY },
	    { .ca = 8 }, 0, 1, NULL },
	{ "forged", { .ca = 7 }, { .ca = 8, .how = FORGED }, 0, ERR_REFUSED,
	    "forged or damaged" },
	{ "cut", { .ca = 7 }, { .ca = 8, .how = CUT }, 0, ERR_REFUSED, "" },
	{ "text", { .ca = 7 }, { .how = TEXT }, 0, ERR_REFUSED,
	    "expected -----BEGIN X509 CRL----- or DER" },
	{ "empty", { .ca = 7 }, { .how = NOTHING }, 0, ERR_REFUSED,
	    "expected -----BEGIN X509 CRL----- or DER" },
	{ "of another CA", { .ca = 7 }, { .other = 8 }, 0, ERR_REFUSED,
	    "of another issuer" },
	{ "beside another CA's", { .ca = 7 }, { .ca = 8, .other = 1 }, 0, 1,
	    NULL },
	{ "future", { .ca = 7 }, { .ca = 8, .from = 2 * DAY, .to = 9 * DAY },
	    0, ERR_REFUSED, "more than a day in the future" },
	{ "stale", { .ca = 7 }, { .ca = 8, .from = -2 * DAY, .to = -60 },
	    0, ERR_REFUSED, "stale, its nextUpdate was 20" },
	{ "within its grace", { .ca = 7 }, { .ca = 8, .from = -2 * DAY,
	    .to = -60 }, 3600, 1, NULL },
	{ "both newer", { .ca = 7, .next = 1 }, { .ca = 8, .next = 2 }, 0, 1,
	    NULL },
	{ "one newer", { .ca = 7, .next = 1 }, { .ca = 7, .next = 2 }, 0, 1,
	    NULL },
	{ "both same", { .ca = 7, .next = 1 }, { .ca = 7, .next = 1 }, 0, 0,
	    NULL },
	{ "one more", { .ca = 7 }, { .ca = 7, .next = 1 }, 0, 1, NULL },
	{ "one less", { .ca = 7, .next = 1 }, { .ca = 8 }, 0, ERR_REFUSED,
	    "lacks the CRL of one of the anchors" },
	{ "one newer, one older", { .ca = 7, .next = 2 },
	    { .ca = 8, .next = 1 }, 0, ERR_REFUSED, "rolled back" },
	{ "of the other anchor", { .ca = 7 }, { .next = 1 }, 0, ERR_REFUSED,
	    "lacks the CRL of one of the anchors" },
};

START_TEST(compare)
{
	struct trust_fresh old, new;
	struct why why = { "" };
	int r;

	make(&old, &cases[_i].old);
	make(&new, &cases[_i].new);
	r = trust_fresh_compare(&new, &old, cases[_i].grace, w.now, &why);
	ck_assert_msg(r == cases[_i].result, "%s: %d %s", cases[_i].what, r,
	    why.text);
	if (cases[_i].why != NULL)
		ck_assert_msg(strstr(why.text, cases[_i].why) != NULL,
		    "%s: %s", cases[_i].what, why.text);
	ck_assert_int_eq(r < 0, why.text[0] != '\0');
}
END_TEST

/* What was seen before counts, whatever is in place. */
START_TEST(seen)
{
	const struct made nothing = { .how = NOTHING }, six = { .ca = 6 },
	    seven = { .ca = 7 };
	struct trust_fresh old, new;
	struct why why = { "" };

	memcpy(w.seen[0].issuer_key, w.t.authority[0].anchor[0].key, 32);
	w.seen[0].number[0] = 7;
	w.seen[0].number_len = 1;
	w.n_seen = 1;
	make(&old, &nothing);
	make(&new, &six);
	ck_assert_int_eq(trust_fresh_compare(&new, &old, 0, w.now, &why),
	    ERR_REFUSED);
	ck_assert_ptr_nonnull(strstr(why.text, "rolled back: a later CRL"));
	make(&new, &seven);
	ck_assert_int_eq(trust_fresh_compare(&new, &old, 0, w.now, &why), 1);
	/* nor does such a one in place */
	make(&old, &six);
	ck_assert_uint_eq(old.n, 0);
	ck_assert_int_eq(trust_fresh_compare(&new, &old, 0, w.now, &why), 1);
}
END_TEST

/* Nothing comes of two empty ones. */
START_TEST(nothing)
{
	struct trust_fresh none = { .n = 0 };
	struct why why;

	ck_assert_int_eq(trust_fresh_compare(&none, &none, 0, w.now, &why),
	    ERR_REFUSED);
	ck_assert_ptr_null(trust_fresh_oldest(&none));
}
END_TEST

START_TEST(half)
{
	struct trust_fresh f = { .n = 3 };

	f.crl[0] = (struct trust_crl){ .this_update = 100,
	    .next_update = 301 };
	f.crl[1] = (struct trust_crl){ .this_update = 100,
	    .next_update = 200 };
	f.crl[2] = (struct trust_crl){ .this_update = 50,
	    .next_update = 400 };
	ck_assert_int_eq(trust_fresh_half(&f.crl[0]), 200);
	ck_assert_int_eq(trust_fresh_half(&f.crl[1]), 150);
	ck_assert_ptr_eq(trust_fresh_oldest(&f), &f.crl[1]);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("fresh");
	TCase *t = tcase_create("file");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, compare, 0, N(cases));
	tcase_add_test(t, seen);
	tcase_add_test(t, nothing);
	tcase_add_test(t, half);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
