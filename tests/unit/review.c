/* certlogin-judge's job `review`: which sessions still stand, as a function on
 * real handshakes, and the program itself. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "forge.h"
#include "helped.h"
#include "issue.h"
#include "judge/login.h"
#include "judge/review.h"
#include "made.h"
#include "proto/chan.h"
#include "shake.h"

#define LIMIT_MS 20000
#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))
#define OK(call) ck_assert_int_ge((call), 0)
#define DAY 86400
#define CRL_LIFE 7200
#define ALICE "spiffe://e/user/alice"
#define CA_KEYS "[authority staff]\nclass = user\nanchor = ca.crt\n" \
	"crl = ca.crl\n"
#define CONF CA_KEYS "names = uri=spiffe://e/user/*\n"
#define LONG CONF "revocation = grace 300d\n"	/* the CRL is no matter */
#define RULE "allow user staff uri=" ALICE " as alice"
#define MAP RULE "\n"

/* The CRL of the next policy. */
enum list { FRESH, STALE, GONE, REVOKES, OLD_REVOKES };

static struct pki ca, leaf;
static struct shake s;
static int policy_fd;
static struct span policy_bytes;
static struct policy policy;
static struct ipc_proof proof;
static struct ipc_reviewed v;
static int64_t now;

/* ---- a session ---------------------------------------------------------- */

static void
setup(void)
{
	struct shake_client c = { .n = 1 };
	static const uint8_t address[4] = { 192, 0, 2, 7 };

	now = (int64_t)time(NULL);
	issue(&ca, PKI_P256, "ca", NULL, &(struct issue_spec){ .uri = NULL });
	issue(&leaf, PKI_P256, "leaf", &ca, &(struct issue_spec){
	    .uri = ALICE });
	shake_init(&s, PKI_P256);
	c.chain[0] = pki_der(&leaf);
	c.key = leaf.key;
	shake_run(&s, &c);
	proof = (struct ipc_proof){ .random = { s.random, 32 },
	    .transcript = { s.transcript.data, s.transcript.len },
	    .address = { address, 4 }, .account = "alice" };
}

static void
teardown(void)
{
	shake_free(&s);
	pki_free(&leaf);
	pki_free(&ca);
}

/* ---- a policy ----------------------------------------------------------- */

static void
put_crl(struct buf *b, enum list list)
{
	struct forge_crl c = forge_crl(&ca, now, "\x01", 1);
	static uint8_t serial[20];
	size_t n = sizeof(serial);

	c.next_update = now + CRL_LIFE;
	if (list == STALE || list == OLD_REVOKES) {
		c.this_update = now - 2 * DAY;
		c.next_update = now - DAY;
	}
	if (list == REVOKES || list == OLD_REVOKES) {
		OK(gnutls_x509_crt_get_serial(leaf.crt, serial, &n));
		c.n = 1;
		c.entry_serial = (struct span){ serial, n };
	}
	forge_crl_put(b, &c);
}

static void
make_policy(const char *text, const char *map, const char *locks,
    enum list list)
{
	struct trust_file files[2] = { { .path = "ca.crt",
	    .bytes = { ca.pem.data, ca.pem.size } }, { .path = "ca.crl",
	    .error = "no such file" } };
	struct why why = { "" };
	struct buf crl;

	buf_init(&crl, 4096);
	put_crl(&crl, list);
	if (list != GONE)
		files[1] = (struct trust_file){ .path = "ca.crl",
		    .bytes = { crl.data, crl.len } };
	policy_fd = made_policy(7, text, files, 2, map, locks);
	buf_free(&crl);
	ck_assert_msg(policy_map(policy_fd, &policy_bytes, &why) == 0 &&
	    policy_get(&policy, policy_bytes, &why) == 0, "%s", why.text);
}

static void
free_policy(void)
{
	policy_free(&policy);
	memfile_unmap(policy_bytes);
	(void)close(policy_fd);
}

static void
review(const char *conf, const char *map, enum list list, int64_t later)
{
	make_policy(conf, map, "", list);
	memset(&v, 0xee, sizeof(v));
	review_judge(&policy, &proof, now + later, &v);
	free_policy();
}

static void
stands(int64_t expires)
{
	ck_assert_msg(v.outcome == IPC_REVIEW_KEEP, "%s", v.detail);
	ck_assert_uint_eq(v.why, IPC_REVIEW_STANDS);
	ck_assert_uint_eq(v.rule_line, 1);
	ck_assert_int_eq(v.expires, expires);
	ck_assert_str_eq(v.reason, "");
	ck_assert_str_eq(v.detail, "");
}

static void
ends(enum ipc_review_why why, const char *reason, const char *detail)
{
	ck_assert_uint_eq(v.outcome, IPC_REVIEW_END);
	ck_assert_msg(v.why == (uint8_t)why, "%s, not %s: %s",
	    ipc_review_why_name(v.why), ipc_review_why_name(why), v.detail);
	ck_assert_msg(strstr(v.reason, reason) != NULL, "'%s' not in '%s'",
	    reason, v.reason);
	ck_assert_msg(strstr(v.detail, detail) != NULL, "'%s' not in '%s'",
	    detail, v.detail);
}

static int64_t
not_after(void)
{
	return gnutls_x509_crt_get_expiration_time(leaf.crt);
}

/* ---- the list of outcomes ----------------------------------------------- */

static const struct row {
	const char *conf, *map;
	enum list list;
	int64_t later;			/* seconds from now */
	enum ipc_review_why why;	/* STANDS: it is kept */
	const char *reason, *detail;
} rows[] = {
	{ CONF, MAP, FRESH, 0, IPC_REVIEW_STANDS, NULL, NULL },
	/* revocation */
	{ CONF, MAP, REVOKES, 0, IPC_REVIEW_REVOKED, "is revoked",
	    "revoked, says the CRL of authority staff" },
	{ CONF, MAP, OLD_REVOKES, 0, IPC_REVIEW_REVOKED, "is revoked",
	    "5280 6.3" },
	/* nothing is looked at */
	{ CONF "revocation = none\n", MAP, REVOKES, 0, IPC_REVIEW_STANDS,
	    NULL, NULL },
	/* no fresh CRL */
	{ CONF, MAP, STALE, 0, IPC_REVIEW_STANDS, NULL, NULL },
	{ CONF, MAP, GONE, 0, IPC_REVIEW_STANDS, NULL, NULL },
	{ CONF "on-stale = keep\n", MAP, GONE, 0, IPC_REVIEW_STANDS, NULL,
	    NULL },
	{ CONF "on-stale = end\n", MAP, STALE, 0, IPC_REVIEW_STALE,
	    "cannot be told", "stale since" },
	{ CONF "on-stale = end\n", MAP, GONE, 0, IPC_REVIEW_STALE,
	    "cannot be told", "on-stale of authority staff is end" },
	{ CONF "on-stale = end\n", MAP, FRESH, 0, IPC_REVIEW_STANDS, NULL,
	    NULL },
	{ CONF "on-stale = end\nrevocation = none\n", MAP, GONE, 0,
	    IPC_REVIEW_STANDS, NULL, NULL },
	/* also without one the map counts */
	{ CONF, "deny user staff uri=" ALICE "\n" MAP, GONE, 0,
	    IPC_REVIEW_DENIED, "barred here", "denied by the rule of line 1" },
	/* the map */
	{ CONF, "\n", FRESH, 0, IPC_REVIEW_NO_RULE, "mapped to no account",
	    "no rule fits" },
	{ CONF, "allow user staff uri=" ALICE " as bob\n", FRESH, 0,
	    IPC_REVIEW_NO_RULE, "not for that account", "not 'alice'" },
	{ CONF, "allow user staff uri=spiffe://e/user/{n} as {n}\n", FRESH, 0,
	    IPC_REVIEW_STANDS, NULL, NULL },
	{ CONF, RULE " from=192.0.2.0/24\n", FRESH, 0, IPC_REVIEW_STANDS,
	    NULL, NULL },
	{ CONF, RULE " from=198.51.100.0/24\n", FRESH, 0, IPC_REVIEW_NO_RULE,
	    "from where you are", "does not hold here" },
	{ CONF, RULE " service=sudo\n", FRESH, 0, IPC_REVIEW_NO_RULE,
	    "login of this kind", "service=" },
	{ CONF, RULE " service=certlogind\n", FRESH, 0, IPC_REVIEW_STANDS,
	    NULL, NULL },
	{ CONF, RULE " no-pty\n", FRESH, 0, IPC_REVIEW_RESTRICTED,
	    "log in again", "line 1 now has a restriction" },
	{ CONF, RULE " no-forwarding\n", FRESH, 0, IPC_REVIEW_RESTRICTED,
	    "log in again", "a restriction" },
	{ CONF, RULE " command=\"/bin/true\"\n", FRESH, 0,
	    IPC_REVIEW_RESTRICTED, "log in again", "another command=" },
	/* who vouches for it */
	{ CA_KEYS "names = uri=spiffe://f/*\n", MAP, FRESH, 0,
	    IPC_REVIEW_UNTRUSTED, "not its issuer's to give",
	    "outside names=" },
	{ CONF "max-lifetime = 1h\n", MAP, FRESH, 0, IPC_REVIEW_UNTRUSTED,
	    "valid for longer", "lifetime" },
	/* dates: the leaf's, then those of all */
	{ LONG, MAP, FRESH, 2 * DAY - 7200, IPC_REVIEW_EXPIRED, "has expired",
	    "on-expiry of authority staff is end" },
	{ LONG, MAP, FRESH, 3 * DAY, IPC_REVIEW_EXPIRED, "has expired",
	    "on-expiry" },
	{ LONG "on-expiry = keep\n", MAP, FRESH, 0, IPC_REVIEW_STANDS, NULL,
	    NULL },
	{ LONG "on-expiry = end\n", MAP, REVOKES, 3 * DAY, IPC_REVIEW_REVOKED,
	    "is revoked", "revoked" },
	{ LONG "on-expiry = keep\n", MAP, REVOKES, 3 * DAY,
	    IPC_REVIEW_REVOKED, "is revoked", "revoked" },
	{ LONG "on-expiry = keep\n", "\n", FRESH, 3 * DAY,
	    IPC_REVIEW_NO_RULE, "mapped to no account", "no rule fits" },
	/* a clock that was set back: not valid yet, which it was */
	{ CONF, MAP, FRESH, -90 * DAY, IPC_REVIEW_STANDS, NULL, NULL },
};

START_TEST(outcomes)
{
	const struct row *r = &rows[_i];

	review(r->conf, r->map, r->list, r->later);
	if (r->why == IPC_REVIEW_STANDS && r->list == FRESH &&
	    strstr(r->conf, "on-stale = end") != NULL)
		stands(v.expires);	/* see fresh_until */
	else if (r->why == IPC_REVIEW_STANDS)
		stands(not_after());
	else
		ends(r->why, r->reason, r->detail);
}
END_TEST

/* What is kept beyond its date is not looked at again for that. */
START_TEST(kept_beyond)
{
	review(LONG "on-expiry = keep\n", MAP, FRESH, 2 * DAY - 7200);
	stands(0);
	review(LONG "on-expiry = keep\n", MAP, FRESH, 3 * DAY);
	stands(0);
}
END_TEST

/* The very last second counts as valid, the next one does not. */
START_TEST(to_the_second)
{
	review(LONG, MAP, FRESH, not_after() - now);
	stands(not_after());
	review(LONG, MAP, FRESH, not_after() - now + 1);
	ends(IPC_REVIEW_EXPIRED, "has expired", "on-expiry");
}
END_TEST

/* Where a stale CRL ends sessions, its last second is one to look at. */
START_TEST(fresh_until)
{
	int64_t next = now + CRL_LIFE;

	ck_assert_int_lt(next, not_after());
	review(CONF "on-stale = end\n", MAP, FRESH, 0);
	stands(next);
	review(CONF "on-stale = end\n", MAP, FRESH, next - now);
	stands(next);
	review(CONF "on-stale = end\n", MAP, FRESH, next - now + 1);
	ends(IPC_REVIEW_STALE, "cannot be told", "stale since");
	review(CONF "on-stale = end\nrevocation = grace 600s\n", MAP, FRESH,
	    next - now + 1);
	stands(next + 600);
	review(CONF "on-stale = end\nrevocation = none\n", MAP, FRESH, 0);
	stands(not_after());
}
END_TEST

/* The login's own verdict says the same. */
START_TEST(fresh_at_login)
{
	struct ipc_judge_login q = { .random = proof.random,
	    .transcript = proof.transcript, .address = proof.address,
	    .account = "alice" };
	static struct ipc_verdict login;

	make_policy(CONF "on-stale = end\n", MAP, "", FRESH);
	login_judge(&policy, pki_der(&s.host), &q, now, &login);
	ck_assert_msg(login.outcome == IPC_OUTCOME_ADMIT, "%s", login.detail);
	ck_assert_int_eq(login.expires, now + CRL_LIFE);
	free_policy();
	make_policy(CONF, MAP, "", FRESH);
	login_judge(&policy, pki_der(&s.host), &q, now, &login);
	ck_assert_int_eq(login.expires, not_after());
	free_policy();
}
END_TEST

START_TEST(another_ca)
{
	struct pki own = ca;

	issue(&ca, PKI_P256, "ca", NULL, &(struct issue_spec){ .uri = NULL });
	review(CONF, MAP, FRESH, 0);
	ends(IPC_REVIEW_UNTRUSTED, "", "5280 6.1.3");
	pki_free(&ca);
	issue(&ca, PKI_P256, "other", NULL, &(struct issue_spec){
	    .uri = NULL });
	review(CONF, MAP, FRESH, 0);
	ends(IPC_REVIEW_UNTRUSTED, "unknown certificate authority",
	    "no anchor of class");
	pki_free(&ca);
	ca = own;
	review(CONF, MAP, FRESH, 0);
	stands(not_after());
}
END_TEST

static void
until(char *text, size_t size, const char *rule, int64_t when)
{
	time_t t = (time_t)when;
	struct tm tm;
	char day[32];

	ck_assert_ptr_nonnull(gmtime_r(&t, &tm));
	(void)strftime(day, sizeof(day), "%Y-%m-%d", &tm);
	(void)snprintf(text, size, "%s until=%s\n", rule, day);
}

/* until= of the rule is an expiry, too; a deny's is none of it. */
START_TEST(rule_ends)
{
	int64_t end = (now / DAY + 1) * DAY;
	char map[256], other[256], both[600];

	until(map, sizeof(map), RULE, now);
	if (end > now + 60) {
		review(CONF, map, FRESH, 0);
		stands(end < not_after() ? end : not_after());
	}
	review(CONF, map, FRESH, end - now);
	ends(IPC_REVIEW_EXPIRED, "has ended", "line 1 has ended (until=)");
	review(CONF "on-expiry = keep\n", map, FRESH, end - now);
	stands(end <= not_after() ? not_after() : 0);
	/* the first rule that fits still is the one */
	(void)snprintf(both, sizeof(both), "%s%s", map, RULE " no-pty\n");
	review(CONF "on-expiry = keep\n", both, FRESH, end - now);
	stands(end <= not_after() ? not_after() : 0);
	review(CONF, both, FRESH, end - now);
	ends(IPC_REVIEW_RESTRICTED, "log in again", "line 2 now has");
	until(other, sizeof(other), "deny user staff uri=" ALICE, now);
	(void)snprintf(both, sizeof(both), "%s%s", other, map);
	if (end > now + 60) {
		review(CONF "on-expiry = keep\n", both, FRESH, 0);
		ends(IPC_REVIEW_DENIED, "barred", "line 1");
	}
	review(CONF "on-expiry = keep\n", both, FRESH, end - now);
	ck_assert_msg(v.outcome == IPC_REVIEW_KEEP, "%s", v.detail);
}
END_TEST

/* A CRL from ahead of the clock: it was set back, which revives nothing. */
START_TEST(clock_set_back)
{
	make_policy(LONG, MAP, "", FRESH);
	policy.trust.authority[0].verified_time = not_after() + 60;
	review_judge(&policy, &proof, now, &v);
	ends(IPC_REVIEW_EXPIRED, "has expired", "on-expiry");
	free_policy();
}
END_TEST

START_TEST(locked)
{
	make_policy(CONF, MAP, "#\ndeny user staff uri=" ALICE "\n", FRESH);
	review_judge(&policy, &proof, now, &v);
	ends(IPC_REVIEW_LOCKED, "locked", "locked by line 2 of the locks");
	free_policy();
	make_policy(CONF, MAP, "deny user staff uri=" ALICE "x\n", FRESH);
	review_judge(&policy, &proof, now, &v);
	stands(not_after());
	free_policy();
}
END_TEST

/* ---- what was in force in the session ----------------------------------- */

START_TEST(restrictions)
{
	proof.restrictions = IPC_NO_PTY | IPC_FORCED_COMMAND;
	(void)strcpy(proof.command, "/bin/true");
	review(CONF, RULE " command=\"/bin/true\" no-pty\n", FRESH, 0);
	stands(not_after());
	/* less is forbidden now: it goes on as it was begun */
	review(CONF, RULE " command=\"/bin/true\"\n", FRESH, 0);
	stands(not_after());
	review(CONF, MAP, FRESH, 0);
	stands(not_after());
	review(CONF, RULE " command=\"/bin/false\" no-pty\n", FRESH, 0);
	ends(IPC_REVIEW_RESTRICTED, "log in again", "another command=");
	review(CONF, RULE " command=\"/bin/true\" no-pty no-forwarding\n",
	    FRESH, 0);
	ends(IPC_REVIEW_RESTRICTED, "log in again", "a restriction");
}
END_TEST

/* A privileged account is never given by a capture. */
START_TEST(literal)
{
	proof.literal = true;
	review(CONF, MAP, FRESH, 0);
	stands(not_after());
	review(CONF, "allow user staff uri=spiffe://e/user/{n} as {n}\n",
	    FRESH, 0);
	ends(IPC_REVIEW_NO_RULE, "mapped to no account",
	    "does not name it literally");
}
END_TEST

/* The host's certificate is no part of it, the client's signature is. */
START_TEST(handshake)
{
	struct pki host = s.host;
	uint8_t random[32] = { 0 };

	pki_make(&s.host, PKI_P256, "another", NULL);
	review(CONF, MAP, FRESH, 0);
	stands(not_after());
	pki_free(&s.host);
	s.host = host;
	s.transcript.data[s.transcript.len - 2] ^= 1;
	review(CONF, MAP, FRESH, 0);
	ends(IPC_REVIEW_UNTRUSTED, "does not prove", "signature of the "
	    "handshake");
	s.transcript.data[s.transcript.len - 2] ^= 1;
	proof.transcript.n--;
	review(CONF, MAP, FRESH, 0);
	ends(IPC_REVIEW_UNTRUSTED, "does not prove", "transcript: ");
	proof.transcript.n++;
	proof.random.p = random;
	review(CONF, MAP, FRESH, 0);
	ends(IPC_REVIEW_UNTRUSTED, "does not prove", "server random");
}
END_TEST

/* ---- the program -------------------------------------------------------- */

static struct helped h;

static void
start(const char *job)
{
	const int fds[] = { policy_fd, policy_fd };

	helped_start(&h, job, fds, 2);
}

/* It ends without an answer. */
static void
no_answer(void)
{
	struct chan_msg m;

	ck_assert_int_eq(chan_recv_timeout(h.channel, &h.in, &m, 0,
	    LIMIT_MS), ERR_EOF);
	ck_assert_int_eq(helped_end(&h), 3);
}

static void
send_file(const void *p, size_t n)
{
	int fd = memfile_make("proof", p, n);

	OK(fd);
	ck_assert_int_eq(chan_send(h.channel, &h.out, &fd, 1), 0);
	(void)close(fd);
}

static void
ask(uint64_t session)
{
	struct buf b;

	buf_init(&b, IPC_PROOF_MAX);
	ipc_proof_put(&b, &proof);
	ck_assert_int_eq(ipc_review_encode(&h.out, session), 0);
	send_file(b.data, b.len);
	buf_free(&b);
}

static void
answered(uint64_t session)
{
	struct chan_msg m;

	ck_assert_int_eq(chan_recv_timeout(h.channel, &h.in, &m, 0,
	    LIMIT_MS), 0);
	ck_assert_uint_eq(m.type, IPC_JUDGE_REVIEWED);
	ck_assert_int_eq(ipc_reviewed_decode(m.body, &v), 0);
	ck_assert_uint_eq(v.session, session);
}

START_TEST(program)
{
	make_policy(CONF, MAP, "", FRESH);
	start("review");
	ask(5);
	answered(5);
	stands(not_after());
	(void)strcpy(proof.account, "bob");
	ask(6);
	answered(6);
	ends(IPC_REVIEW_NO_RULE, "not for that account", "not 'bob'");
	/* several on their way */
	(void)strcpy(proof.account, "alice");
	ask(7);
	ask(8);
	answered(7);
	answered(8);
	stands(not_after());
	/* what cannot be read is neither */
	ck_assert_int_eq(ipc_review_encode(&h.out, 9), 0);
	send_file("junk", 4);
	answered(9);
	ck_assert_uint_eq(v.outcome, IPC_REVIEW_NONE);
	ck_assert_ptr_nonnull(strstr(v.detail, "no proof"));
	ask(10);
	answered(10);
	stands(not_after());
	ck_assert_int_eq(helped_end(&h), 0);
	free_policy();
}
END_TEST

START_TEST(program_too_big)
{
	uint8_t *big = calloc(1, IPC_PROOF_MAX + 1);

	ck_assert_ptr_nonnull(big);
	make_policy(CONF, MAP, "", FRESH);
	start("review");
	ck_assert_int_eq(ipc_review_encode(&h.out, 9), 0);
	send_file(big, IPC_PROOF_MAX + 1);
	answered(9);
	ck_assert_uint_eq(v.outcome, IPC_REVIEW_NONE);
	ck_assert_ptr_nonnull(strstr(v.detail, "too big"));
	ck_assert_int_eq(helped_end(&h), 0);
	free(big);
	free_policy();
}
END_TEST

/* Other questions than its own. */
START_TEST(program_junk)
{
	static const struct {
		const char *job;
		uint8_t type;
		bool file;
	} junk[] = {
		{ "review", IPC_JUDGE_LOGIN, false },
		{ "review", IPC_JUDGE_TEST, true },
		{ "review", IPC_JUDGE_REVIEWED, false },
		{ "review", IPC_PAM_PROVE, false },
		{ "review", IPC_JUDGE_REVIEW, false },
		{ "review", IPC_JUDGE_REVIEW, true },
		{ "review", IPC_LOAD_BEGIN, true },
		{ "login", IPC_JUDGE_REVIEW, false },
		{ "login", IPC_JUDGE_REVIEW, true },
		{ "test", IPC_JUDGE_REVIEW, true },
	};

	make_policy(CONF, MAP, "", FRESH);
	for (size_t i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		start(junk[i].job);
		chan_begin(&h.out, junk[i].type);
		buf_put_u32(&h.out, 77);
		if (junk[i].file)
			send_file("x", 1);
		else
			ck_assert_int_eq(chan_send(h.channel, &h.out, NULL,
			    0), 0);
		no_answer();
	}
	/* the right question, but not to a judge of logins */
	start("login");
	ask(5);
	no_answer();
	/* the control */
	start("review");
	ask(5);
	answered(5);
	stands(not_after());
	ck_assert_int_eq(helped_end(&h), 0);
	free_policy();
}
END_TEST

/* ---- a trial ------------------------------------------------------------ */

static bool
try_map(const char *map, struct diag *diag)
{
	static struct ipc_load_begin begin;
	static struct ipc_load_done done;
	struct chan_msg m;

	(void)snprintf(begin.map, sizeof(begin.map), "new.map");
	ck_assert_int_eq(ipc_load_begin_encode(&h.out, &begin), 0);
	send_file(map, strlen(map));
	ck_assert_int_eq(chan_recv_timeout(h.channel, &h.in, &m, 0,
	    LIMIT_MS), 0);
	ck_assert_uint_eq(m.type, IPC_LOAD_DONE);
	diag_init(diag);
	ck_assert_int_eq(ipc_load_done_decode(m.body, &done, diag), 0);
	return done.ok;
}

START_TEST(program_trial)
{
	struct diag diag;
	struct buf b;

	make_policy(CONF, MAP, "", FRESH);
	start("review");
	ck_assert(try_map("# nobody\n", &diag));
	diag_free(&diag);
	ask(5);
	answered(5);
	ends(IPC_REVIEW_NO_RULE, "mapped to no account", "no rule fits");
	/* never a second time, nor behind a question */
	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ipc_load_begin_encode(&h.out,
	    &(struct ipc_load_begin){ .policy = 1 }), 0);
	send_file(MAP, strlen(MAP));
	no_answer();
	buf_free(&b);
	free_policy();
}
END_TEST

/* A map with errors leaves the one in force. */
START_TEST(program_trial_damaged)
{
	struct diag diag;

	make_policy(CONF, MAP, "", FRESH);
	start("review");
	ck_assert(!try_map(MAP "allow user nobody uri=" ALICE " as alice\n",
	    &diag));
	ck_assert_uint_eq(diag.errors, 1);
	ck_assert_str_eq(diag.items[0].file, "new.map");
	ck_assert_uint_eq(diag.items[0].line, 2);
	diag_free(&diag);
	ask(5);
	answered(5);
	stands(not_after());
	ck_assert_int_eq(helped_end(&h), 0);
	free_policy();
}
END_TEST

/* ---- the messages ------------------------------------------------------- */

static const struct {
	uint8_t outcome, why;
	const char *reason, *detail;
	int64_t expires;
	int rc;
} messages[] = {
	{ IPC_REVIEW_KEEP, 0, "", "", 5, 0 },
	{ IPC_REVIEW_KEEP, 0, "", "", 0, 0 },
	{ IPC_REVIEW_KEEP, 0, "", "", -1, ERR_MALFORMED },
	{ IPC_REVIEW_KEEP, IPC_REVIEW_REVOKED, "", "", 0, ERR_MALFORMED },
	{ IPC_REVIEW_KEEP, 0, "why", "", 0, ERR_MALFORMED },
	{ IPC_REVIEW_KEEP, 0, "", "why", 0, ERR_MALFORMED },
	{ IPC_REVIEW_END, IPC_REVIEW_REVOKED, "why", "why", 0, 0 },
	{ IPC_REVIEW_END, IPC_REVIEW_STALE, "why", "why", 0, 0 },
	{ IPC_REVIEW_END, IPC_REVIEW_WHYS, "why", "why", 0, ERR_MALFORMED },
	{ IPC_REVIEW_END, 0, "why", "why", 0, ERR_MALFORMED },
	{ IPC_REVIEW_END, IPC_REVIEW_REVOKED, "", "why", 0, ERR_MALFORMED },
	{ IPC_REVIEW_END, IPC_REVIEW_REVOKED, "why", "", 0, ERR_MALFORMED },
	{ IPC_REVIEW_NONE, 0, "", "why", 0, 0 },
	{ IPC_REVIEW_NONE, 0, "", "", 0, ERR_MALFORMED },
	{ IPC_REVIEW_NONE, 0, "why", "why", 0, ERR_MALFORMED },
	{ IPC_OUTCOME_ADMIT, 0, "", "", 0, ERR_MALFORMED },
	{ 1, 0, "", "", 0, ERR_MALFORMED },
	{ 0xff, 0, "", "", 0, ERR_MALFORMED },
};

START_TEST(reviewed_message)
{
	struct ipc_reviewed in = { .session = 9,
	    .outcome = messages[_i].outcome, .why = messages[_i].why,
	    .expires = messages[_i].expires, .rule_line = 3 }, out;
	struct buf b;

	(void)strcpy(in.reason, messages[_i].reason);
	(void)strcpy(in.detail, messages[_i].detail);
	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ipc_reviewed_encode(&b, &in), 0);
	memset(&out, 0xee, sizeof(out));
	ck_assert_int_eq(ipc_reviewed_decode(rd_of(b.data + 2, b.len - 2),
	    &out), messages[_i].rc);
	ck_assert_uint_eq(out.outcome, messages[_i].rc == 0 ? in.outcome :
	    IPC_REVIEW_NONE);
	for (size_t n = 0; n < b.len - 2; n++) {
		ck_assert_int_ne(ipc_reviewed_decode(rd_of(b.data + 2, n),
		    &out), 0);
		ck_assert_uint_eq(out.outcome, IPC_REVIEW_NONE);
	}
	buf_free(&b);
}
END_TEST

int
main(void)
{
	Suite *su = suite_create("review");
	TCase *l = tcase_create("review"), *p = tcase_create("program");
	SRunner *r;
	int failed;

	tcase_set_timeout(l, 60);
	tcase_set_timeout(p, 60);
	tcase_add_checked_fixture(l, setup, teardown);
	tcase_add_checked_fixture(p, setup, teardown);
	tcase_add_loop_test(l, outcomes, 0, COUNT(rows));
	tcase_add_test(l, kept_beyond);
	tcase_add_test(l, to_the_second);
	tcase_add_test(l, fresh_until);
	tcase_add_test(l, fresh_at_login);
	tcase_add_test(l, another_ca);
	tcase_add_test(l, rule_ends);
	tcase_add_test(l, clock_set_back);
	tcase_add_test(l, locked);
	tcase_add_test(l, restrictions);
	tcase_add_test(l, literal);
	tcase_add_test(l, handshake);
	tcase_add_loop_test(l, reviewed_message, 0, COUNT(messages));
	tcase_add_test(p, program);
	tcase_add_test(p, program_too_big);
	tcase_add_test(p, program_junk);
	tcase_add_test(p, program_trial);
	tcase_add_test(p, program_trial_damaged);
	suite_add_tcase(su, l);
	suite_add_tcase(su, p);
	r = srunner_create(su);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
