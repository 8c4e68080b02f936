/* The judge's job `pam`: facts and proof as functions, and the program itself
 * in its sandbox. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "helped.h"
#include "issue.h"
#include "judge/pam.h"
#include "made.h"
#include "proto/chan.h"
#include "proto/load.h"

#define LIMIT_MS 20000
#define OK(call) ck_assert_int_ge((call), 0)
#define ALICE "spiffe://e/user/alice"
#define HOST "0123456789abcdef0123456789abcdef"
#define CONF(class) "[authority staff]\nclass = " class "\nanchor = ca.crt\n" \
	"revocation = none\nnames = uri=spiffe://e/user/*\n"
#define MAP "allow user staff uri=spiffe://e/user/{name} as {name} " \
	"service=su,login\n" \
	"allow user staff uri=" ALICE " as ops command=\"/bin/true\"\n" \
	"deny user staff uri=spiffe://e/user/mallory\n"

static struct pki ca, leaf;
static const char *locks = "";
static struct buf policy_bytes;
static struct policy policy;
static struct pammsg_offer offer;
static struct pammsg_facts f;
static struct ipc_verdict v;
static struct verify_memo memo;
static int64_t when;			/* of the proof; 0: now */
static uint8_t nonce[PAMMSG_NONCE_LEN];

static void
make_policy(const char *conf_text, const char *map)
{
	const struct trust_file file = { .path = "ca.crt",
	    .bytes = { ca.pem.data, ca.pem.size } };
	int fd = made_policy(7, conf_text, &file, 1, map, locks);

	made_read(&policy, &policy_bytes, fd);
	(void)close(fd);
}

static void
make_all(enum pki_kind kind, const struct issue_spec *x)
{
	issue(&ca, PKI_P256, "ca", NULL, &(struct issue_spec){ .uri = NULL });
	issue(&leaf, kind, "leaf", &ca, x);
	make_policy(CONF("user"), MAP);
	OK(gnutls_rnd(GNUTLS_RND_NONCE, nonce, sizeof(nonce)));
}

static void
end_all(void)
{
	policy_free(&policy);
	buf_free(&policy_bytes);
	pki_free(&leaf);
	pki_free(&ca);
}

static void
ask(const char *service, const char *account)
{
	offer = (struct pammsg_offer){ .n = 1, .der = { pki_der(&leaf) } };
	(void)snprintf(offer.service, sizeof(offer.service), "%s", service);
	(void)snprintf(offer.account, sizeof(offer.account), "%s", account);
	memset(&f, 0xee, sizeof(f));
	memo.n = 0;
	pam_facts(&policy, &offer, &memo, time(NULL), &f);
}

static void
fits(const char *account)
{
	ck_assert_msg(f.state == PAMMSG_FITS, "%s", f.detail);
	ck_assert_str_eq(f.account, account);
	ck_assert_str_eq(f.identity, "staff uri=" ALICE);
	ck_assert_str_eq(f.subject, "CN=leaf");
	ck_assert_str_eq(f.issuer, "CN=ca");
	ck_assert(f.captured);
	ck_assert_uint_eq(f.rule_line, 1);
}

static void
unfit(enum pammsg_state state, const char *detail)
{
	ck_assert_uint_eq(f.state, state);
	ck_assert_msg(strstr(f.detail, detail) != NULL, "'%s' not in '%s'",
	    detail, f.detail);
	ck_assert_str_ne(f.reason, "");
	ck_assert_str_eq(f.account, "");
	ck_assert_str_eq(f.identity, "");
}

static gnutls_sign_algorithm_t
algorithm(uint16_t scheme)
{
	switch (scheme) {
	case 0x0401:
		return GNUTLS_SIGN_RSA_SHA256;
	case 0x0403:
		return GNUTLS_SIGN_ECDSA_SHA256;
	case 0x0503:
		return GNUTLS_SIGN_ECDSA_SHA384;
	default:
		return GNUTLS_SIGN_EDDSA_ED25519;
	}
}

/* Sign as a card would, then ask for the verdict. */
static void
sign(const struct pki *key, const char *host, const char *service,
    const char *account, const uint8_t nonce_signed[PAMMSG_NONCE_LEN],
    gnutls_datum_t *sig)
{
	gnutls_datum_t data;
	struct buf b;

	buf_init(&b, PAMMSG_SIGNED_MAX);
	ck_assert_int_eq(pammsg_signed(&b, host, service, account, f.sha256,
	    (struct span){ nonce_signed, PAMMSG_NONCE_LEN }), 0);
	data = (gnutls_datum_t){ b.data, (unsigned)b.len };
	OK(gnutls_privkey_sign_data2(key->key, algorithm(f.scheme), 0, &data,
	    sig));
	buf_free(&b);
}

static void
prove(const gnutls_datum_t *sig)
{
	const struct pammsg_prove p = { .index = 0,
	    .nonce = { nonce, sizeof(nonce) }, .host = HOST,
	    .signature = { sig->data, sig->size } };

	memset(&v, 0xee, sizeof(v));
	pam_judge(&policy, &offer, &memo, &p, when != 0 ? when : time(NULL),
	    &v);
}

static void
not_proven(const char *detail)
{
	ck_assert_uint_eq(v.outcome, IPC_OUTCOME_REFUSED);
	ck_assert_msg(strstr(v.detail, detail) != NULL, "'%s' not in '%s'",
	    detail, v.detail);
	ck_assert_str_ne(v.reason, "");
	ck_assert_str_eq(v.account, "");
	ck_assert_str_eq(v.identity, "");
}

static const uint16_t wanted[] = { [PKI_P256] = 0x0403, [PKI_P384] = 0x0503,
    [PKI_ED25519] = 0x0807, [PKI_RSA] = 0x0401 };

START_TEST(kinds)
{
	gnutls_datum_t sig;

	make_all((enum pki_kind)_i, &(struct issue_spec){ .uri = ALICE });
	ask("su", "alice");
	fits("alice");
	ck_assert_uint_eq(f.scheme, wanted[_i]);
	sign(&leaf, HOST, "su", "alice", nonce, &sig);
	prove(&sig);
	ck_assert_msg(v.outcome == IPC_OUTCOME_ADMIT, "%s", v.detail);
	ck_assert_str_eq(v.account, "alice");
	ck_assert_str_eq(v.identity, "staff uri=" ALICE);
	ck_assert_uint_eq(v.policy, 7);
	ck_assert_int_eq(v.expires,
	    gnutls_x509_crt_get_expiration_time(leaf.crt));
	sig.data[sig.size - 1] ^= 1;
	prove(&sig);
	not_proven("signature of staff");
	gnutls_free(sig.data);
	end_all();
}
END_TEST

/* What was found of the CA's signature is kept from offer to proof; of dates
 * and of a signature that does not hold, nothing is. */
START_TEST(judged_again)
{
	gnutls_datum_t sig;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE });
	ask("su", "alice");
	fits("alice");
	ck_assert_uint_eq(memo.n, 1);
	sign(&leaf, HOST, "su", "alice", nonce, &sig);
	prove(&sig);
	ck_assert_uint_eq(memo.n, 1);
	ck_assert_uint_eq(v.outcome, IPC_OUTCOME_ADMIT);
	when = gnutls_x509_crt_get_expiration_time(leaf.crt) + 1;
	prove(&sig);
	not_proven("expired");
	when = 0;
	/* that the outcome is what counts: one that says no */
	memo.edge[0].rc = ERR_REFUSED;
	prove(&sig);
	not_proven("its key did not make the signature");
	gnutls_free(sig.data);
	end_all();
}
END_TEST

/* A signature is for one host, service, account, certificate, nonce and key;
 * the first row is the control. */
static const struct {
	const char *host, *service, *account;
	bool old_nonce, other_key;
} signings[] = {
	{ HOST, "su", "alice", false, false },
	{ "f" HOST, "su", "alice", false, false },
	{ HOST, "login", "alice", false, false },
	{ HOST, "su", "bob", false, false },
	{ HOST, "su", "alice", true, false },
	{ HOST, "su", "alice", false, true },
};

START_TEST(signed_for)
{
	uint8_t old[PAMMSG_NONCE_LEN];
	gnutls_datum_t sig;
	struct pki other;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE });
	issue(&other, PKI_P256, "leaf", &ca,
	    &(struct issue_spec){ .uri = ALICE });
	OK(gnutls_rnd(GNUTLS_RND_NONCE, old, sizeof(old)));
	ask("su", "alice");
	fits("alice");
	sign(signings[_i].other_key ? &other : &leaf, signings[_i].host,
	    signings[_i].service, signings[_i].account,
	    signings[_i].old_nonce ? old : nonce, &sig);
	prove(&sig);
	if (_i == 0)
		ck_assert_uint_eq(v.outcome, IPC_OUTCOME_ADMIT);
	else
		not_proven("signature of staff");
	gnutls_free(sig.data);
	pki_free(&other);
	end_all();
}
END_TEST

static const struct {
	struct issue_spec spec;
	enum pammsg_state state;
	const char *service, *account, *detail;
} bads[] = {
	{ { .uri = ALICE, .from = -7200, .to = -3600 }, PAMMSG_EXPIRED, "su",
	    "alice", "4.1.2.5" },
	{ { .uri = ALICE, .from = 3600, .to = 7200 }, PAMMSG_EARLY, "su",
	    "alice", "4.1.2.5" },
	{ { .uri = ALICE, .no_purpose = true }, PAMMSG_REFUSED, "su", "alice",
	    "4.2.1.12" },
	{ { .uri = "spiffe://f/user/alice" }, PAMMSG_REFUSED, "su", "alice",
	    "names" },
	{ { .uri = "spiffe://e/user/mallory" }, PAMMSG_REFUSED, "su",
	    "mallory", "denied by the map" },
	{ { .uri = ALICE }, PAMMSG_REFUSED, "su", "root", "other-account" },
	{ { .uri = ALICE }, PAMMSG_REFUSED, "sudo", "alice", "elsewhere" },
	{ { .uri = ALICE }, PAMMSG_REFUSED, "su", "ops", "no rule allows" },
	{ { .uri = ALICE }, PAMMSG_REFUSED, "su", "", "" },
};

/* What does not fit is not admitted either, whoever signs. */
START_TEST(bad)
{
	gnutls_datum_t sig;

	make_all(PKI_P256, &bads[_i].spec);
	ask(bads[_i].service, bads[_i].account);
	if (bads[_i].account[0] == '\0') {
		/* control: without a name the one account is found */
		fits("alice");
		end_all();
		return;
	}
	unfit(bads[_i].state, bads[_i].detail);
	if (bads[_i].state != PAMMSG_REFUSED)
		ck_assert_str_eq(f.subject, "CN=leaf");
	f.scheme = 0x0403;
	sign(&leaf, HOST, bads[_i].service, "", nonce, &sig);
	prove(&sig);
	not_proven(bads[_i].detail);
	gnutls_free(sig.data);
	end_all();
}
END_TEST

/* Locks win over the map here, too. */
START_TEST(locked)
{
	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE });
	ask("su", "alice");
	fits("alice");
	policy_free(&policy);
	buf_free(&policy_bytes);
	locks = "deny user staff uri=" ALICE "\n";
	make_policy(CONF("user"), MAP);
	locks = "";
	ask("su", "alice");
	unfit(PAMMSG_REFUSED, "locked (locked): locked by line 1 of the "
	    "locks");
	ck_assert_str_eq(f.reason, "your certificate is trusted, but locked "
	    "here");
	end_all();
}
END_TEST

/* The same name and serial from another CA: not parsed, nothing said. */
START_TEST(other_ca)
{
	struct pki other;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE });
	issue(&other, PKI_P256, "ca", NULL,
	    &(struct issue_spec){ .uri = NULL });
	pki_free(&leaf);
	issue(&leaf, PKI_P256, "leaf", &other,
	    &(struct issue_spec){ .uri = ALICE });
	ask("su", "alice");
	unfit(PAMMSG_REFUSED, "");
	ck_assert_str_eq(f.subject, "");
	ck_assert_str_eq(f.serial, "");
	pki_free(&other);
	end_all();
}
END_TEST

START_TEST(device)
{
	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE });
	policy_free(&policy);
	buf_free(&policy_bytes);
	make_policy(CONF("device"), "allow device staff uri=" ALICE
	    " as alice\n");
	ask("su", "alice");
	unfit(PAMMSG_REFUSED, "(class)");
	end_all();
}
END_TEST

/* ---- messages -------------------------------------------------------------------- */

START_TEST(facts_decode)
{
	struct pammsg_facts a = { .state = PAMMSG_FITS, .scheme = 0x0403,
	    .account = "alice", .subject = "CN=leaf" }, b;
	struct buf out;

	buf_init(&out, CHAN_MSG_MAX);
	ck_assert_int_eq(pammsg_facts_encode(&out, &a), 0);
	ck_assert_int_eq(pammsg_facts_decode(rd_of(out.data + 2, out.len - 2),
	    &b), 0);
	ck_assert_uint_eq(b.state, PAMMSG_FITS);
	ck_assert_str_eq(b.subject, "CN=leaf");
	for (size_t n = 0; n < out.len - 2; n++) {
		ck_assert_int_ne(pammsg_facts_decode(rd_of(out.data + 2, n),
		    &b), 0);
		ck_assert_uint_eq(b.state, PAMMSG_REFUSED);
	}
	/* a text that would reach a terminal; a state that is none; no account */
	a.subject[0] = '\033';
	ck_assert_int_eq(pammsg_facts_encode(&out, &a), 0);
	ck_assert_int_eq(pammsg_facts_decode(rd_of(out.data + 2, out.len - 2),
	    &b), ERR_MALFORMED);
	a = (struct pammsg_facts){ .state = 1 + PAMMSG_EARLY };
	ck_assert_int_eq(pammsg_facts_encode(&out, &a), 0);
	ck_assert_int_ne(pammsg_facts_decode(rd_of(out.data + 2, out.len - 2),
	    &b), 0);
	a = (struct pammsg_facts){ .state = PAMMSG_FITS };
	ck_assert_int_eq(pammsg_facts_encode(&out, &a), 0);
	ck_assert_int_ne(pammsg_facts_decode(rd_of(out.data + 2, out.len - 2),
	    &b), 0);
	buf_free(&out);
}
END_TEST

/* ---- the program ------------------------------------------------------------------ */

static char folder[64];
static struct helped h;
static int loading;

static void
start(void)
{
	int pair[2];

	OK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
	helped_start(&h, "pam", &pair[1], 1);
	(void)close(pair[1]);
	loading = pair[0];
}

static void
load(const char *map)
{
	static struct load_result result;
	char trust_path[128], map_path[128];
	const struct load_from from = { .trust = trust_path,
	    .map = map_path, .state = folder, .policy = 7 };
	struct diag diag;
	struct why why = { "" };

	(void)snprintf(folder, sizeof(folder), "/tmp/certlogin-pam.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	helped_write(folder, "trust.conf", CONF("user"), strlen(CONF("user")));
	helped_write(folder, "identity.map", map, strlen(map));
	helped_write(folder, "locks.map", locks, strlen(locks));
	helped_write(folder, "ca.crt", ca.pem.data, ca.pem.size);
	(void)snprintf(trust_path, sizeof(trust_path), "%s/trust.conf",
	    folder);
	(void)snprintf(map_path, sizeof(map_path), "%s/identity.map", folder);
	diag_init(&diag);
	ck_assert_msg(load_run(loading, &from, LIMIT_MS, &result,
	    &diag, &why) == 0, "%s", why.text);
	diag_free(&diag);
	if (result.policy >= 0)
		(void)close(result.policy);
	(void)close(loading);
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = { "trust.conf",
		    "identity.map", "locks.map", "ca.crt" };

		(void)snprintf(trust_path, sizeof(trust_path), "%s/%s",
		    folder, names[i]);
		OK(unlink(trust_path));
	}
	OK(rmdir(folder));
}

static int
question(uint8_t type, struct chan_msg *m)
{
	int r = chan_send(h.channel, &h.out, NULL, 0);

	if (r == 0)
		r = chan_recv_timeout(h.channel, &h.in, m, 0, LIMIT_MS);
	if (r == 0)
		ck_assert_uint_eq(m->type, type);
	return r;
}

START_TEST(program)
{
	struct pammsg_prove p = { .nonce = { nonce, sizeof(nonce) },
	    .host = HOST };
	gnutls_datum_t sig;
	struct chan_msg m;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE });
	start();
	load(MAP);
	offer = (struct pammsg_offer){ .service = "su", .account = "alice",
	    .n = 1, .der = { pki_der(&leaf) } };
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(pammsg_offer_encode(&h.out, &offer), 0);
		ck_assert_int_eq(question(IPC_PAM_FACTS, &m), 0);
		ck_assert_int_eq(pammsg_facts_decode(m.body, &f), 0);
		fits("alice");
	}
	sign(&leaf, HOST, "su", "alice", nonce, &sig);
	p.index = 1;
	p.signature = (struct span){ sig.data, sig.size };
	ck_assert_int_eq(pammsg_prove_encode(&h.out, &p), 0);
	ck_assert_int_eq(question(IPC_JUDGE_VERDICT, &m), 0);
	ck_assert_int_eq(ipc_verdict_decode(m.body, &v), 0);
	ck_assert_uint_eq(v.outcome, IPC_OUTCOME_ADMIT);
	/* one verdict, then it is gone */
	ck_assert_int_eq(chan_recv_timeout(h.channel, &h.in, &m, 0, LIMIT_MS),
	    ERR_EOF);
	ck_assert_int_eq(helped_end(&h), 0);
	gnutls_free(sig.data);
	end_all();
}
END_TEST

/* What is out of turn or too much ends the judge without an answer. */
START_TEST(program_out_of_turn)
{
	struct pammsg_prove p = { .index = 1,
	    .nonce = { nonce, sizeof(nonce) }, .host = HOST,
	    .signature = { nonce, 8 } };
	struct chan_msg m;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE });
	start();
	load(MAP);
	offer = (struct pammsg_offer){ .service = "su", .account = "alice",
	    .n = 1, .der = { pki_der(&leaf) } };
	for (int i = 0; i < (_i == 0 ? 1 : PAMMSG_OFFERS_MAX); i++) {
		ck_assert_int_eq(pammsg_offer_encode(&h.out, &offer), 0);
		ck_assert_int_eq(question(IPC_PAM_FACTS, &m), 0);
	}
	if (_i == 0)	/* an offer that was not made */
		ck_assert_int_eq(pammsg_prove_encode(&h.out, &p), 0);
	else if (_i == 1)	/* one offer too many */
		ck_assert_int_eq(pammsg_offer_encode(&h.out, &offer), 0);
	else		/* another job's question */
		ck_assert_int_eq(ipc_empty_encode(&h.out, IPC_JUDGE_TEST), 0);
	ck_assert_int_eq(question(0, &m), ERR_EOF);
	ck_assert_int_eq(helped_end(&h), 3);
	end_all();
}
END_TEST

/* Without a policy nobody fits, and nothing is proven. */
START_TEST(program_no_policy)
{
	struct chan_msg m;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE });
	start();
	load("allow user nobody uri=" ALICE " as alice\n");
	offer = (struct pammsg_offer){ .service = "su", .account = "alice",
	    .n = 1, .der = { pki_der(&leaf) } };
	ck_assert_int_eq(pammsg_offer_encode(&h.out, &offer), 0);
	ck_assert_int_eq(question(IPC_PAM_FACTS, &m), 0);
	ck_assert_int_eq(pammsg_facts_decode(m.body, &f), 0);
	unfit(PAMMSG_REFUSED, "no policy");
	ck_assert_int_eq(helped_end(&h), 0);
	end_all();
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("pamjudge");
	TCase *t = tcase_create("pamjudge");
	SRunner *r;
	int failed;

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, kinds, 0, PKI_RSA + 1);
	tcase_add_test(t, judged_again);
	tcase_add_loop_test(t, signed_for, 0,
	    sizeof(signings) / sizeof(signings[0]));
	tcase_add_loop_test(t, bad, 0, sizeof(bads) / sizeof(bads[0]));
	tcase_add_test(t, locked);
	tcase_add_test(t, other_ca);
	tcase_add_test(t, device);
	tcase_add_test(t, facts_decode);
	tcase_add_test(t, program);
	tcase_add_loop_test(t, program_out_of_turn, 0, 3);
	tcase_add_test(t, program_no_policy);
	suite_add_tcase(s, t);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
