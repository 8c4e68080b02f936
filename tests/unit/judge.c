/* certlogin-judge: its jobs as functions, and the program itself in its
 * sandbox, on real handshakes. */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/path.h"
#include "forge.h"
#include "helped.h"
#include "issue.h"
#include "judge/login.h"
#include "judge/policy.h"
#include "judge/test.h"
#include "made.h"
#include "proto/chan.h"
#include "proto/load.h"
#include "shake.h"
#include "x509/verify.h"

#define LIMIT_MS 20000
#define OK(call) ck_assert_int_ge((call), 0)
#define ALICE "spiffe://e/user/alice"
#define CONF(class) "[authority staff]\nclass = " class "\nanchor = ca.crt\n" \
	"revocation = none\nnames = uri=spiffe://e/user/*\n"
#define MAP "allow user staff uri=spiffe://e/user/{name} as {name}\n" \
	"allow user staff uri=" ALICE " as ops,alice until=2037-12-31 " \
	"command=\"/bin/true\" no-pty\n" \
	"deny user staff uri=spiffe://e/user/mallory\n"

static struct pki ca, leaf;
static struct shake s;
static const char *locks = "";
static struct buf policy_bytes;
static struct policy policy;
static struct ipc_verdict v;

/* ---- a policy and a login ---------------------------------------------------- */

static void
make_policy(const char *conf_text, const char *map, uint64_t number)
{
	const struct trust_file file = { .path = "ca.crt",
	    .bytes = { ca.pem.data, ca.pem.size } };
	int fd = made_policy(number, conf_text, &file, 1, map, locks);

	made_read(&policy, &policy_bytes, fd);
	(void)close(fd);
	ck_assert_uint_eq(policy.number, number);
}

static void
make_all(enum pki_kind kind, const struct issue_spec *x, bool retry)
{
	struct shake_client c = { .n = 1, .retry = retry };

	issue(&ca, PKI_P256, "ca", NULL, &(struct issue_spec){ .uri = NULL });
	issue(&leaf, kind, "leaf", &ca, x);
	make_policy(CONF("user"), MAP, 7);
	shake_init(&s, PKI_P256);
	c.chain[0] = pki_der(&leaf);
	c.key = leaf.key;
	shake_run(&s, &c);
}

static void
end_all(void)
{
	policy_free(&policy);
	buf_free(&policy_bytes);
	shake_free(&s);
	pki_free(&leaf);
	pki_free(&ca);
}

static void
fill(struct ipc_judge_login *ask, const char *account, const char *preferred)
{
	static const uint8_t address[4] = { 192, 0, 2, 7 };

	*ask = (struct ipc_judge_login){ .random = { s.random, 32 },
	    .transcript = { s.transcript.data, s.transcript.len },
	    .address = { address, 4 } };
	(void)snprintf(ask->account, sizeof(ask->account), "%s", account);
	(void)snprintf(ask->preferred, sizeof(ask->preferred), "%s",
	    preferred);
}

static void
judge(const char *account, const char *preferred)
{
	static struct ipc_judge_login ask;

	fill(&ask, account, preferred);
	memset(&v, 0xee, sizeof(v));
	login_judge(&policy, pki_der(&s.host), &ask, time(NULL), &v);
}

static void
admitted(const char *account, unsigned line, bool captured)
{
	ck_assert_msg(v.outcome == IPC_OUTCOME_ADMIT, "%s", v.detail);
	ck_assert_str_eq(v.account, account);
	ck_assert_uint_eq(v.rule_line, line);
	ck_assert(v.captured == captured);
	ck_assert_str_eq(v.authority, "staff");
	ck_assert_str_eq(v.identity, "staff uri=" ALICE);
	ck_assert_str_eq(v.issuer, "CN=ca");
	ck_assert_uint_ge(strlen(v.serial), 2);
	ck_assert_uint_eq(v.policy, 7);
	ck_assert_uint_eq(v.alert, 0);
	ck_assert_str_eq(v.reason, "");
	ck_assert_str_eq(v.detail, "");
}

static void
refused(unsigned alert, const char *detail)
{
	ck_assert_uint_eq(v.outcome, IPC_OUTCOME_REFUSED);
	ck_assert_msg(v.alert == alert, "alert %u: %s", v.alert, v.detail);
	ck_assert_msg(strstr(v.detail, detail) != NULL, "'%s' not in '%s'",
	    detail, v.detail);
	ck_assert_str_ne(v.reason, "");
	ck_assert_str_eq(v.account, "");
	ck_assert_str_eq(v.command, "");
	ck_assert_uint_eq(v.policy, 7);
	ck_assert_uint_eq(v.restrictions, 0);
}

/* ---- login: yes ----------------------------------------------------------------- */

START_TEST(kinds)
{
	make_all((enum pki_kind)(_i / 2), &(struct issue_spec){ .uri = ALICE },
	    _i % 2);
	judge("alice", "");
	admitted("alice", 1, true);
	ck_assert_int_eq(v.expires,
	    gnutls_x509_crt_get_expiration_time(leaf.crt));
	ck_assert_uint_eq(v.restrictions, 0);
	judge("", "alice");
	admitted("alice", 1, true);
	end_all();
}
END_TEST

START_TEST(restrictions)
{
	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	judge("ops", "");
	admitted("ops", 2, false);
	ck_assert_uint_eq(v.restrictions, IPC_NO_PTY | IPC_FORCED_COMMAND);
	ck_assert_str_eq(v.command, "/bin/true");
	end_all();
}
END_TEST

/* A rule that ends before the certificate does. */
START_TEST(until)
{
	time_t day = (time(NULL) / 86400) * 86400;
	char map[200], date[32];
	struct tm tm;

	gmtime_r(&day, &tm);
	(void)strftime(date, sizeof(date), "%Y-%m-%d", &tm);
	(void)snprintf(map, sizeof(map), "allow user staff uri=" ALICE
	    " as alice until=%s\n", date);
	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE, .from = -300,
	    .to = 3 * 86400 }, false);
	policy_free(&policy);
	buf_free(&policy_bytes);
	make_policy(CONF("user"), map, 7);
	judge("alice", "");
	admitted("alice", 1, false);
	ck_assert_int_eq(v.expires, day + 86400);
	/* a CRL of tomorrow was seen: the clock was set back */
	policy.trust.authority[0].verified_time = day + 86400 + 60;
	judge("alice", "");
	refused(0, "ended");
	end_all();
}
END_TEST

/* ---- login: no ------------------------------------------------------------------- */

static void
locked_by(const char *text)
{
	policy_free(&policy);
	buf_free(&policy_bytes);
	locks = text;
	make_policy(CONF("user"), MAP "deny user staff uri=" ALICE "\n", 7);
	locks = "";
	judge("alice", "");
}

/* Locks win over the map, and are said to be locks. */
START_TEST(locked)
{
	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	locked_by("# one\n\ndeny user staff uri=" ALICE "\n");
	refused(0, "locked (locked): locked by line 3 of the locks; "
	    "certificate of staff");
	ck_assert_str_eq(v.reason, "your certificate is trusted, but locked "
	    "here");
	ck_assert_uint_eq(v.rule_line, 3);
	/* an end that is over: the map's deny is the next */
	locked_by("deny user staff uri=" ALICE " until=2020-01-01\n");
	refused(0, "denied by the map (denied): denied by the rule of line 4");
	locked_by("deny user staff uri=" ALICE "x\n");
	refused(0, "denied by the map (denied)");
	end_all();
}
END_TEST

START_TEST(replayed)
{
	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	judge("alice", "");
	admitted("alice", 1, true);
	shake_random(&s);
	judge("alice", "");
	refused(51, "server random");
	end_all();
}
END_TEST

START_TEST(foreign_server)
{
	static struct ipc_judge_login ask;
	struct pki other;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	pki_make(&other, PKI_P256, "host", NULL);
	fill(&ask, "alice", "");
	login_judge(&policy, pki_der(&other), &ask, time(NULL), &v);
	refused(51, "another server certificate");
	pki_free(&other);
	end_all();
}
END_TEST

START_TEST(altered)
{
	make_all((enum pki_kind)_i, &(struct issue_spec){ .uri = ALICE }, false);
	s.transcript.data[s.transcript.len - 2] ^= 1;
	judge("alice", "");
	refused(51, "signature of the handshake");
	ck_assert_str_eq(v.serial, "");
	s.transcript.data[s.transcript.len - 2] ^= 1;
	judge("alice", "");
	admitted("alice", 1, true);
	end_all();
}
END_TEST

START_TEST(truncated)
{
	size_t n;

	make_all(PKI_ED25519, &(struct issue_spec){ .uri = ALICE }, _i != 0);
	n = s.transcript.len;
	for (s.transcript.len = 0; s.transcript.len < n; s.transcript.len++) {
		judge("alice", "");
		refused(51, "transcript: ");
	}
	judge("alice", "");
	admitted("alice", 1, true);
	end_all();
}
END_TEST

/* The same name, another key: not parsed, so nothing is said of it. */
START_TEST(other_ca)
{
	struct shake_client c = { .n = 1 };
	struct pki other, own;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	issue(&other, PKI_P256, "ca", NULL, &(struct issue_spec){ .uri = NULL });
	own = leaf;
	issue(&leaf, PKI_P256, "leaf", &other, &(struct issue_spec){ .uri = ALICE });
	c.chain[0] = pki_der(&leaf);
	c.key = leaf.key;
	shake_run(&s, &c);
	judge("alice", "");
	refused(48, "");
	ck_assert_str_eq(v.authority, "");
	ck_assert_str_eq(v.issuer, "");
	ck_assert_str_eq(v.serial, "");
	ck_assert_ptr_null(strstr(v.detail, ALICE));
	pki_free(&other);
	pki_free(&own);
	end_all();
}
END_TEST

static const struct bad {
	struct issue_spec spec;
	unsigned alert;
	const char *detail;
} bads[] = {
	{ { .uri = ALICE, .from = -7200, .to = -3600 }, 45, "4.1.2.5" },
	{ { .uri = ALICE, .from = 3600, .to = 7200 }, 45, "4.1.2.5" },
	{ { .uri = ALICE, .no_purpose = true }, 0, "4.2.1.12" },
	{ { .uri = "spiffe://f/user/alice" }, 0, "names" },
};

/* A trust alert comes only once the signature holds. */
START_TEST(bad_certificates)
{
	const struct bad *b = &bads[_i];

	make_all(PKI_P256, &b->spec, false);
	judge("alice", "");
	ck_assert_uint_ne(v.alert, 0);
	ck_assert_uint_ne(v.alert, 51);
	refused(b->alert != 0 ? b->alert : v.alert, b->detail);
	ck_assert_str_eq(v.authority, "staff");
	ck_assert_str_ne(v.serial, "");
	s.transcript.data[s.transcript.len - 2] ^= 1;
	judge("alice", "");
	refused(51, "signature of the handshake");
	end_all();
}
END_TEST

START_TEST(unmapped)
{
	make_all(PKI_P256, &(struct issue_spec){ .uri = "spiffe://e/user/mallory" },
	    false);
	judge("mallory", "");
	refused(0, "denied by the map");
	ck_assert_uint_eq(v.rule_line, 3);
	end_all();

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	judge("root", "");
	refused(0, "no rule allows this login (other-account)");
	ck_assert_ptr_nonnull(strstr(v.reason, "it is for: alice, ops"));
	ck_assert_ptr_nonnull(strstr(v.detail, "uri=" ALICE));
	judge("", "");
	refused(0, "(several)");
	judge("nosuchaccount", "alice");
	refused(0, "(other-account)");
	end_all();
}
END_TEST

/* ---- the policy -------------------------------------------------------------------- */

static int
read_policy(size_t n, struct why *why)
{
	struct policy p;
	int r = policy_get(&p, (struct span){ policy_bytes.data, n }, why);

	if (r == 0)
		policy_free(&p);
	return r;
}

START_TEST(policies)
{
	static const char magic[] = "certlogin-policy";
	struct why why;
	uint8_t *at;
	size_t whole;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	whole = policy_bytes.len;
	at = memmem(policy_bytes.data, whole, magic, strlen(magic));
	ck_assert_ptr_nonnull(at);
	/* its index is at its end */
	for (size_t n = 0; n < (size_t)(at - policy_bytes.data) + 64; n++)
		ck_assert_int_eq(read_policy(n, &why), ERR_MALFORMED);
	for (size_t n = 0; n < whole; n += 7)
		(void)read_policy(n, &why);
	at[3] ^= 1;
	ck_assert_int_eq(read_policy(whole, &why), ERR_MALFORMED);
	ck_assert_str_eq(why.text, "not a policy");
	at[3] ^= 1;
	at[strlen(magic)]++;
	ck_assert_int_eq(read_policy(whole, &why), ERR_VERSION);
	at[strlen(magic)]--;
	ck_assert_int_eq(read_policy(whole, &why), 0);
	/* whatever else root writes behind it */
	buf_put_raw(&policy_bytes, magic, sizeof(magic));
	ck_assert_int_eq(read_policy(policy_bytes.len, &why), 0);
	end_all();
}
END_TEST

/* ---- the program --------------------------------------------------------------------- */

static struct helped h;

static void
start(const char *job, int policy_fd, int host_fd)
{
	const int fds[] = { policy_fd, host_fd };

	helped_start(&h, job, fds, policy_fd < 0 ? 0 : host_fd < 0 ? 1 : 2);
	if (policy_fd >= 0)
		(void)close(policy_fd);
	if (host_fd >= 0)
		(void)close(host_fd);
}

static int
policy_file(void)
{
	int fd = memfile_make("policy", policy_bytes.data, policy_bytes.len);

	OK(fd);
	return fd;
}

static int
host_file(void)
{
	struct ipc_host host = { .scheme = s.host.scheme, .n = 1,
	    .der = { pki_der(&s.host) } };
	struct buf b;
	int fd;

	buf_init(&b, 65536);
	ipc_host_put(&b, &host);
	OK(fd = memfile_make("host", b.data, b.len));
	buf_free(&b);
	return fd;
}

static void
ask_program(const char *account)
{
	static struct ipc_judge_login ask;
	struct chan_msg m;

	fill(&ask, account, "");
	ck_assert_int_eq(ipc_judge_login_encode(&h.out, &ask), 0);
	ck_assert_int_eq(chan_send(h.channel, &h.out, NULL, 0), 0);
	ck_assert_int_eq(chan_recv_timeout(h.channel, &h.in, &m, 0,
	    LIMIT_MS), 0);
	ck_assert_uint_eq(m.type, IPC_JUDGE_VERDICT);
	ck_assert_int_eq(ipc_verdict_decode(m.body, &v), 0);
}

START_TEST(program_login)
{
	struct chan_msg m;

	make_all((enum pki_kind)_i, &(struct issue_spec){ .uri = ALICE }, false);
	start("login", policy_file(), host_file());
	ask_program("alice");
	admitted("alice", 1, true);
	ck_assert_int_eq(chan_recv_timeout(h.channel, &h.in, &m, 0,
	    LIMIT_MS), ERR_EOF);
	ck_assert_int_eq(helped_end(&h), 0);
	s.transcript.data[s.transcript.len - 2] ^= 1;
	start("login", policy_file(), host_file());
	ask_program("alice");
	refused(51, "signature of the handshake");
	ck_assert_int_eq(helped_end(&h), 0);
	end_all();
}
END_TEST

START_TEST(program_junk)
{
	struct chan_msg m;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	start("login", policy_file(), host_file());
	chan_begin(&h.out, _i == 0 ? IPC_JUDGE_LOGIN : IPC_JUDGE_TEST);
	buf_put_u32(&h.out, 77);
	ck_assert_int_eq(chan_send(h.channel, &h.out, NULL, 0), 0);
	ck_assert_int_eq(chan_recv_timeout(h.channel, &h.in, &m, 0,
	    LIMIT_MS), ERR_EOF);
	ck_assert_int_eq(helped_end(&h), 3);
	end_all();
}
END_TEST

/* A policy that is none: every login is refused, and says so. */
START_TEST(program_bad_policy)
{
	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	memset(policy_bytes.data, 0, 2048);
	start("login", policy_file(), host_file());
	ask_program("alice");
	ck_assert_uint_eq(v.outcome, IPC_OUTCOME_REFUSED);
	ck_assert_uint_eq(v.alert, 80);
	ck_assert_ptr_nonnull(strstr(v.detail, "judge: "));
	ck_assert_int_eq(helped_end(&h), 0);
	end_all();
}
END_TEST

START_TEST(program_by_hand)
{
	start("no-such-job", -1, -1);
	ck_assert_int_eq(helped_end(&h), 2);
}
END_TEST

/* ---- load, by its real caller ---------------------------------------------------------- */

static char folder[64];

static void
make_folder(const char *conf, const char *map, const char *l)
{
	(void)snprintf(folder, sizeof(folder), "/tmp/certlogin-judge.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	helped_write(folder, "trust.conf", conf, strlen(conf));
	helped_write(folder, "identity.map", map, strlen(map));
	if (l != NULL)
		helped_write(folder, "locks.map", l, strlen(l));
	helped_write(folder, "ca.crt", ca.pem.data, ca.pem.size);
}

static void
remove_folder(void)
{
	static const char *const names[] = { "trust.conf", "identity.map",
	    "locks.map", "ca.crt", "ca.crl" };
	char path[128];

	for (size_t i = 0; i < 5; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	ck_assert_int_eq(rmdir(folder), 0);
}

static int
load_behind(const int *in_force, struct load_result *out, struct diag *diag)
{
	char trust[128], map[128];
	const struct load_from from = { .trust = trust, .map = map,
	    .state = folder, .policy = 7, .in_force = in_force };
	struct why why = { "" };
	int r;

	(void)snprintf(trust, sizeof(trust), "%s/trust.conf", folder);
	(void)snprintf(map, sizeof(map), "%s/identity.map", folder);
	diag_init(diag);
	start("load", -1, -1);
	r = load_run(h.channel, &from, LIMIT_MS, out, diag, &why);
	ck_assert_msg(r == 0, "%s", why.text);
	return helped_end(&h);
}

static int
run_load(struct load_result *out, struct diag *diag)
{
	return load_behind(NULL, out, diag);
}

START_TEST(program_load_no_locks)
{
	char trust[128], map[128];
	const struct load_from from = { .trust = trust, .map = map,
	    .state = folder, .policy = 7 };
	static struct load_result out;
	struct why why = { "" };
	struct diag diag;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	make_folder(CONF("user"), MAP, NULL);
	(void)snprintf(trust, sizeof(trust), "%s/trust.conf", folder);
	(void)snprintf(map, sizeof(map), "%s/identity.map", folder);
	diag_init(&diag);
	ck_assert_int_eq(load_run(-1, &from, LIMIT_MS, &out, &diag, &why),
	    ERR_NOTFOUND);
	ck_assert_ptr_nonnull(strstr(why.text, "locks.map is missing"));
	ck_assert_ptr_nonnull(strstr(why.text, "install -m 644 /dev/null "));
	/* not root's, as far as anybody can tell */
	helped_write(folder, "locks.map", "", 0);
	(void)snprintf(map, sizeof(map), "%s/locks.map", folder);
	OK(chmod(map, 0666));
	(void)snprintf(map, sizeof(map), "%s/identity.map", folder);
	ck_assert_int_eq(load_run(-1, &from, LIMIT_MS, &out, &diag, &why),
	    ERR_UNSAFE);
	ck_assert_ptr_nonnull(strstr(why.text, "locks.map"));
	diag_free(&diag);
	remove_folder();
	/* the control */
	make_folder(CONF("user"), MAP, "# nobody\ndeny user gone serial=1\n");
	ck_assert_int_eq(run_load(&out, &diag), 0);
	ck_assert(out.done.ok);
	ck_assert_uint_eq(out.done.locks, 1);
	ck_assert_uint_eq(diag.errors, 0);
	ck_assert_ptr_nonnull(strstr(diag.items[diag.n - 1].text,
	    "'gone' is no "
	    "authority of trust.conf (staff): this locks nobody"));
	(void)close(out.policy);
	diag_free(&diag);
	remove_folder();
	end_all();
}
END_TEST

/* What was opened is told with what it was, and it is that still. */
static void
sources_are(const struct load_result *out, size_t n, size_t opened)
{
	const struct ipc_sources *all = &out->sources;
	struct path_state now;
	size_t found = 0;

	ck_assert_uint_eq(all->n, n);
	for (size_t i = 0; i < all->n; i++) {
		int fd = path_open(all->source[i].path, all->source[i].flags,
		    NULL);

		path_state_of(fd, all->source[i].path, &now);
		ck_assert(path_state_eq(&now, &all->source[i].state));
		found += now.opened;
		if (fd >= 0)
			(void)close(fd);
	}
	ck_assert_uint_eq(found, opened);
}

START_TEST(program_load)
{
	static struct load_result out;
	struct diag diag;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	make_folder(CONF("user"), MAP, "");
	ck_assert_int_eq(run_load(&out, &diag), 0);
	ck_assert_msg(out.done.ok, "%s", diag.n > 0 ? diag.items[0].text :
	    "");
	ck_assert_uint_eq(out.done.rules, 3);
	ck_assert_uint_eq(out.done.n, 1);
	ck_assert_str_eq(out.done.authority[0].name, "staff");
	sources_are(&out, 4, 4);
	diag_free(&diag);
	start("login", out.policy, host_file());
	ask_program("alice");
	admitted("alice", 1, true);
	ck_assert_int_eq(helped_end(&h), 0);
	remove_folder();
	end_all();
}
END_TEST

#define CRL_CONF "[authority staff]\nclass = user\nanchor = ca.crt\n" \
    "names = uri=spiffe://e/user/*\ncrl = ca.crl\n"

/* With or without the leaf. */
static void
write_crl(bool revoke)
{
	struct forge_crl c = forge_crl(&ca, time(NULL), "\x07", 1);
	uint8_t serial[32];
	size_t n = sizeof(serial);
	struct buf b;

	OK(gnutls_x509_crt_get_serial(leaf.crt, serial, &n));
	c.n = 2;
	if (revoke)
		c.entry_serial = (struct span){ serial, n };
	buf_init(&b, 1 << 16);
	forge_crl_put(&b, &c);
	helped_write(folder, "ca.crl", b.data, b.len);
	buf_free(&b);
}

static void
login_under(int fd, bool revoke, bool have_crl)
{
	start("login", fd, host_file());
	ask_program("alice");
	if (revoke && have_crl)
		refused(44, "revoked, says the CRL");
	else if (have_crl)
		admitted("alice", 1, true);
	else
		refused(46, "no usable CRL");
	ck_assert_int_eq(helped_end(&h), 0);
}

static bool
is_carried(const struct load_result *l)
{
	ck_assert(l->done.ok);
	ck_assert_uint_eq(l->done.n, 1);
	ck_assert_int_eq(l->carried, l->done.authority[0].crl_carried);
	return l->carried;
}

/* The CRL is gone: as the policy in force has it, if there is one. */
START_TEST(program_load_carried)
{
	static struct load_result out;
	char path[128];
	struct diag diag;
	int in_force;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	make_folder(CRL_CONF, MAP, "");
	write_crl(_i != 0);
	ck_assert_int_eq(run_load(&out, &diag), 0);
	ck_assert(!is_carried(&out));
	ck_assert_uint_eq(out.done.n_seen, 1);
	diag_free(&diag);
	in_force = out.policy;
	login_under(dup(in_force), _i != 0, true);
	(void)snprintf(path, sizeof(path), "%s/ca.crl", folder);
	OK(unlink(path));
	for (int i = 0; i < 2; i++) {
		ck_assert_int_eq(load_behind(&in_force, &out, &diag), 0);
		ck_assert(is_carried(&out));
		ck_assert(!out.done.authority[0].crl_missing);
		ck_assert_uint_eq(out.done.n_seen, 0);
		diag_free(&diag);
		(void)close(in_force);
		in_force = out.policy;
		login_under(dup(in_force), _i != 0, true);
	}
	ck_assert_int_eq(run_load(&out, &diag), 0);
	ck_assert(!is_carried(&out));
	ck_assert(out.done.authority[0].crl_missing);
	diag_free(&diag);
	login_under(out.policy, _i != 0, false);
	/* back again, it is nothing of before */
	write_crl(_i != 0);
	ck_assert_int_eq(load_behind(&in_force, &out, &diag), 0);
	ck_assert(!is_carried(&out));
	ck_assert_str_eq(out.done.authority[0].crl_problem, "");
	diag_free(&diag);
	(void)close(in_force);
	login_under(out.policy, _i != 0, true);
	remove_folder();
	end_all();
}
END_TEST

/* What is no policy is none to carry anything over from. */
START_TEST(program_load_no_policy)
{
	static struct load_result out;
	char path[128];
	struct diag diag;
	int fd = -1;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	make_folder(CRL_CONF, MAP, "");
	write_crl(false);
	(void)snprintf(path, sizeof(path), "%s/ca.crl", folder);
	switch (_i) {
	case 0:
		fd = memfile_make("none", "", 0);
		break;
	case 1:		/* half of one */
		fd = memfile_make("half", policy_bytes.data,
		    policy_bytes.len / 2);
		break;
	case 2:		/* whoever has it open could change it */
		fd = open(path, O_RDONLY);
	}
	ck_assert_int_ge(fd, 0);
	OK(unlink(path));
	ck_assert_int_eq(load_behind(&fd, &out, &diag), 0);
	ck_assert(!is_carried(&out));
	ck_assert(out.done.authority[0].crl_missing);
	ck_assert_ptr_nonnull(strstr(diag.items[0].text,
	    "the policy in force cannot be read: "));
	diag_free(&diag);
	(void)close(fd);
	login_under(out.policy, false, false);
	remove_folder();
	end_all();
}
END_TEST

/* The first rules to end, in that order; none that has ended. */
START_TEST(program_load_ending)
{
	static struct load_result out;
	char text[8192];
	size_t n = 0;
	struct diag diag;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	/* the rule of line i + 1 ends in the year 2080 + i * 7 % 20 */
	for (int i = 0; i < 20; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "allow user "
		    "staff serial=%02x as a%d until=%d-06-30\n", i + 1, i,
		    2080 + i * 7 % 20);
	(void)snprintf(text + n, sizeof(text) - n, "allow user staff "
	    "serial=40 as b\ndeny user staff serial=41 until=2001-06-30\n");
	make_folder(CONF("user"), text, "");
	ck_assert_int_eq(run_load(&out, &diag), 0);
	ck_assert_msg(out.done.ok, "%s", diag.n > 0 ? diag.items[0].text :
	    "");
	ck_assert_uint_eq(out.done.n_ending, IPC_LOAD_ENDING_MAX);
	for (size_t i = 0; i < out.done.n_ending; i++) {
		ck_assert_uint_eq((out.done.ending[i].line - 1) * 7 % 20, i);
		ck_assert(i == 0 || out.done.ending[i - 1].until <
		    out.done.ending[i].until);
	}
	(void)close(out.policy);
	diag_free(&diag);
	remove_folder();
	end_all();
}
END_TEST

static const struct damage {
	const char *conf, *map, *file;
	unsigned line;
	const char *text, *locks;
} damages[] = {
	{ CONF("user"), MAP "allow user nobody uri=" ALICE " as alice\n",
	    "identity.map", 4, "nobody", NULL },
	{ CONF("user"), "\nallow user staff as alice\n", "identity.map", 2,
	    "expected", NULL },
	{ CONF("user") "colour = blue\n", MAP, "trust.conf", 6, "colour", NULL },
	{ "[authority staff]\nclass = user\nanchor = nothere.crt\n"
	    "revocation = none\n", MAP, "trust.conf", 3, "nothere.crt", NULL },
	{ "[authority staff]\nclass = user\nanchor = identity.map\n"
	    "revocation = none\n", MAP, "trust.conf", 3, "", NULL },
	{ CONF("device"), MAP, "identity.map", 1, "device", NULL },
	{ CONF("user"), MAP, "locks.map", 2, "expected deny",
	    "#\nallow user staff uri=" ALICE " as alice\n" },
	{ CONF("user"), MAP, "locks.map", 1, "printable", "\1\n" },
	{ CONF("user"), MAP, "locks.map", 1, "of class user",
	    "deny device staff serial=1\n" },
};

START_TEST(program_load_damaged)
{
	const struct damage *d = &damages[_i];
	static struct load_result out;
	struct diag diag;
	size_t found = 0;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	make_folder(d->conf, d->map, d->locks != NULL ? d->locks :
	    "");
	ck_assert_int_eq(run_load(&out, &diag), 0);
	ck_assert(!out.done.ok);
	ck_assert_int_eq(out.policy, -1);
	ck_assert_uint_ge(diag.errors, 1);
	for (size_t i = 0; i < diag.n; i++)
		found += diag.items[i].level == DIAG_ERROR &&
		    strstr(diag.items[i].file, d->file) != NULL &&
		    diag.items[i].line == d->line &&
		    strstr(diag.items[i].text, d->text) != NULL;
	sources_are(&out, strstr(d->conf, "colour") != NULL ? 3 : 4,
	    strstr(d->conf, "nothere") != NULL ||
	    strstr(d->conf, "colour") != NULL ? 3 : 4);
	ck_assert_msg(found == 1, "%s:%u %s", diag.items[0].file,
	    diag.items[0].line, diag.items[0].text);
	diag_free(&diag);
	remove_folder();
	end_all();
}
END_TEST

/* More findings than a message holds are still an answer. */
START_TEST(program_load_many)
{
	static struct load_result out;
	struct diag diag;
	struct buf map;

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	buf_init(&map, MAP_FILE_MAX);
	for (int i = 0; i < 300; i++) {
		buf_put_raw(&map, "allow user ", 11);
		for (int k = 0; k < 300; k++)
			buf_put_u8(&map, 'z');
		buf_put_u8(&map, '\n');
	}
	buf_put_u8(&map, '\0');
	make_folder(CONF("user"), (const char *)map.data, "");
	ck_assert_int_eq(run_load(&out, &diag), 0);
	ck_assert(!out.done.ok);
	ck_assert_uint_eq(diag.errors, 300);
	ck_assert_uint_ge(diag.n, 30);
	diag_free(&diag);
	buf_free(&map);
	remove_folder();
	end_all();
}
END_TEST

/* ---- test -------------------------------------------------------------------------------- */

static struct ipc_tested t;

static void
ask_test(const struct ipc_test *ask)
{
	struct chan_msg m;
	int fd = pki_file(&leaf.pem);

	start("test", policy_file(), -1);
	ck_assert_int_eq(ipc_test_encode(&h.out, ask), 0);
	ck_assert_int_eq(chan_send(h.channel, &h.out, &fd, 1), 0);
	ck_assert_int_eq(chan_recv_timeout(h.channel, &h.in, &m, 0,
	    LIMIT_MS), 0);
	ck_assert_uint_eq(m.type, IPC_JUDGE_TESTED);
	ck_assert_int_eq(ipc_tested_decode(m.body, &t), 0);
	ck_assert_int_eq(helped_end(&h), 0);
	(void)close(fd);
}

/* A captured judge writes nothing to a terminal but text. */
START_TEST(tested_is_text)
{
	struct buf b;

	t = (struct ipc_tested){ .n = 1, .n_names = 1, .n_points = 1 };
	(void)strcpy(t.check[0].text, "a\nb");
	(void)strcpy(t.subject, "CN=\033[2Ja\x9bz~");
	(void)strcpy(t.spki, "sha256:0\177");
	(void)strcpy(t.name[0], "uri=a\rb");
	(void)strcpy(t.point[0], "http://\bx/");
	(void)strcpy(t.command, "a\tb\033");
	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ipc_tested_encode(&b, &t), 0);
	ck_assert_int_eq(ipc_tested_decode(rd_of(b.data + 2, b.len - 2), &t),
	    0);
	buf_free(&b);
	ck_assert_str_eq(t.check[0].text, "a?b");
	ck_assert_str_eq(t.subject, "CN=?[2Ja?z~");
	ck_assert_str_eq(t.spki, "sha256:0?");
	ck_assert_str_eq(t.name[0], "uri=a?b");
	ck_assert_str_eq(t.point[0], "http://?x/");
	ck_assert_str_eq(t.command, "a\tb?");
}
END_TEST

START_TEST(program_test)
{
	struct ipc_test ask = { .now = time(NULL), .account = "alice",
	    .service = "certlogind" };

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE, .from = -300,
	    .to = 3600 }, false);
	ask_test(&ask);
	ck_assert_msg(t.accepted && t.decided && t.allowed, "%s %s",
	    t.detail, t.text);
	ck_assert_str_eq(t.account, "alice");
	ck_assert_uint_eq(t.n, VERIFY_CHECKS);
	ck_assert_str_eq(t.identity, "staff uri=" ALICE);
	ck_assert_uint_eq(t.n_names, 1);
	ck_assert_str_eq(t.name[0], "uri=" ALICE);
	ck_assert_uint_eq(strlen(t.spki), 7 + 64);
	ck_assert_int_eq(strncmp(t.spki, "sha256:", 7), 0);
	ck_assert_uint_eq(strlen(t.cert), 7 + 64);
	ck_assert_str_ne(t.spki, t.cert);
	ask.verify_only = true;
	ask_test(&ask);
	ck_assert(t.accepted && !t.decided && !t.allowed);
	ask.verify_only = false;
	(void)strcpy(ask.account, "bob");
	ask_test(&ask);
	ck_assert(t.accepted && t.decided && !t.allowed);
	ck_assert_str_eq(t.why, "other-account");
	ask.now += 7200;
	ask_test(&ask);
	ck_assert(!t.accepted && !t.decided && !t.allowed);
	ck_assert_uint_eq(t.failed, VERIFY_VALIDITY);
	ck_assert_uint_eq(t.check[VERIFY_VALIDITY].result, IPC_CHECK_FAILED);
	(void)strcpy(ask.skip, verify_name(VERIFY_VALIDITY));
	ask.verify_only = true;
	ask_test(&ask);
	ck_assert_msg(t.accepted, "%s", t.detail);
	ck_assert_uint_eq(t.check[VERIFY_VALIDITY].result,
	    IPC_CHECK_SKIPPED);
	(void)strcpy(ask.skip, "form");
	ask_test(&ask);
	ck_assert_str_ne(t.problem, "");
	ck_assert(!t.accepted);
	end_all();
}
END_TEST

/* At a local door: no address, and the rules that hold there. */
START_TEST(program_test_local)
{
	struct ipc_test ask = { .now = time(NULL), .account = "ops",
	    .service = "sudo" };

	make_all(PKI_P256, &(struct issue_spec){ .uri = ALICE }, false);
	ask_test(&ask);
	ck_assert(t.accepted && t.decided && !t.allowed);
	(void)strcpy(ask.account, "alice");
	ask_test(&ask);
	ck_assert(t.allowed);
	end_all();
}
END_TEST

#define COUNT(a) (int)(sizeof(a) / sizeof((a)[0]))

int
main(void)
{
	Suite *su = suite_create("judge");
	TCase *l = tcase_create("login"), *p = tcase_create("program");
	SRunner *r;
	int failed;

	tcase_set_timeout(l, 60);
	tcase_set_timeout(p, 60);
	tcase_add_loop_test(l, kinds, 0, 2 * PKI_RSA_SHORT);
	tcase_add_test(l, restrictions);
	tcase_add_test(l, until);
	tcase_add_test(l, locked);
	tcase_add_test(l, replayed);
	tcase_add_test(l, foreign_server);
	tcase_add_loop_test(l, altered, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(l, truncated, 0, 2);
	tcase_add_test(l, other_ca);
	tcase_add_loop_test(l, bad_certificates, 0, COUNT(bads));
	tcase_add_test(l, unmapped);
	tcase_add_test(l, policies);
	tcase_add_loop_test(p, program_login, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(p, program_junk, 0, 2);
	tcase_add_test(p, program_bad_policy);
	tcase_add_test(p, program_by_hand);
	tcase_add_test(p, program_load);
	tcase_add_test(p, program_load_no_locks);
	tcase_add_loop_test(p, program_load_damaged, 0, COUNT(damages));
	tcase_add_test(p, program_load_many);
	tcase_add_loop_test(p, program_load_carried, 0, 2);
	tcase_add_loop_test(p, program_load_no_policy, 0, 3);
	tcase_add_test(p, program_load_ending);
	tcase_add_test(p, tested_is_text);
	tcase_add_test(p, program_test);
	tcase_add_test(p, program_test_local);
	suite_add_tcase(su, l);
	suite_add_tcase(su, p);
	r = srunner_create(su);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
