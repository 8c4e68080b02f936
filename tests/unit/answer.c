/* What certlogind answers its tools, without a process or a socket. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "daemon/answer.h"
#include "daemon/expiry.h"
#include "daemon/hostkey.h"
#include "daemon/live.h"

#define MANY 10000
#define HEADER 2
#define NOW (int64_t)time(NULL)
#define DAY 86400

static struct daemon d;
static struct setup u;
static struct hostkey hostkey;
static char host[] = "/host.crt";
static char trust[] = "/etc/trust.conf", map[] = "/etc/identity.map";
static struct ctl_tool t;
static int said = -1;		/* what live sessions are told */
static int channel = -1;	/* their end of it */

static void
setup(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK,
	    0, pair), 0);
	said = pair[0];
	channel = pair[1];
	log_open("unit", 1, LOG_LEVEL_ERROR);
	d = (struct daemon){ .setup = &u };
	u = (struct setup){ .conf = { .certificate = host,
	    .trust = trust, .map = map },
	    .hostkey = &hostkey, .loaded = NOW, .done = { .rules = 3,
	    .locks = 1, .n = 1 } };
	u.done.authority[0] = (struct ipc_authority){ .name = "staff",
	    .class = 0, .anchors = 1, .anchors_expire = NOW + 99 * DAY,
	    .has_crl = true, .crl = { .number = { 4, 210 }, .number_len = 2,
	    .this_update = NOW - 60 }, .next_update = NOW + 10 * DAY,
	    .revoked = 7 };
	hostkey = (struct hostkey){ .not_after = NOW + 99 * DAY };
	ck_assert_ptr_nonnull(d.loop = ev_loop_new(EVFLAG_AUTO));
	ck_assert_ptr_nonnull(d.limits = limits_new());
	ck_assert_ptr_nonnull(d.why = why_log_new());
	t = (struct ctl_tool){ .d = &d, .fd = -1 };
	buf_init(&t.out, CHAN_MSG_MAX);
}

static void
teardown(void)
{
	while (d.sessions != NULL)
		live_remove(d.sessions);
	buf_free(&t.out);
	why_log_free(d.why);
	limits_free(d.limits);
	ev_loop_destroy(d.loop);
	(void)close(said);
	(void)close(channel);
}

static struct live *
log_in(uint64_t reference, const char *account, const char *identity)
{
	static struct ipc_register g;
	struct live *l;

	g = (struct ipc_register){ .reference = reference,
	    .since = 1700000000, .rule_line = 4, .port = 40000, .pid = 99 };
	(void)snprintf(g.account, sizeof(g.account), "%s", account);
	(void)snprintf(g.identity, sizeof(g.identity), "%s", identity);
	(void)snprintf(g.issuer, sizeof(g.issuer), "CN=CA");
	(void)snprintf(g.serial, sizeof(g.serial), "4f1a09");
	(void)snprintf(g.address, sizeof(g.address), "192.0.2.1");
	(void)snprintf(g.tty, sizeof(g.tty), "pts/3");
	l = live_add(&d, channel, &g, -1);
	ck_assert_ptr_nonnull(l);
	return l;
}

/* ---- reading answers ---------------------------------------------------- */

struct answer {
	uint8_t status;
	char error[CTLMSG_TEXT_MAX];
	size_t parts, records;
	uint64_t sum;			/* of all references */
	char about[8][CTLMSG_NAME_MAX];	/* the first records */
};

/* The value of a name in the whole of the message in t.out, as text. */
static const char *
value(const char *about, const char *name)
{
	static struct ctlmsg_item item;
	static char text[CTLMSG_TEXT_MAX];
	char error[CTLMSG_TEXT_MAX];
	uint8_t status;
	struct rd r = rd_of(t.out.data + HEADER, t.out.len - HEADER);
	bool here = false;

	ck_assert_int_eq(ctlmsg_head(&r, &status, error), 0);
	while (ctlmsg_next(&r, &item) > 0) {
		if (item.kind == CTLMSG_RECORD)
			here = strcmp(item.name, about) == 0;
		else if (here && strcmp(item.name, name) == 0) {
			(void)snprintf(text, sizeof(text), "%s%.0llu",
			    item.text, (unsigned long long)item.number);
			return text;
		}
	}
	return NULL;
}

static void
read_message(struct answer *a)
{
	struct ctlmsg_item item;
	struct rd r;
	int e;

	ck_assert_int_eq(buf_err(&t.out), 0);
	ck_assert_uint_le(t.out.len, CHAN_MSG_MAX);
	r = rd_of(t.out.data + HEADER, t.out.len - HEADER);
	if (t.out.data[1] == CTLMSG_ANSWER)
		ck_assert_int_eq(ctlmsg_head(&r, &a->status, a->error), 0);
	else
		a->parts++;
	while ((e = ctlmsg_next(&r, &item)) > 0) {
		if (item.kind == CTLMSG_RECORD && a->records < 8)
			(void)snprintf(a->about[a->records],
			    sizeof(a->about[0]), "%s", item.name);
		a->records += item.kind == CTLMSG_RECORD;
		if (strcmp(item.name, "reference") == 0)
			a->sum += item.number;
	}
	ck_assert_int_eq(e, 0);
}

/* One message is in t.out: the next one; false behind the last. */
static bool
next(void)
{
	void (*more)(struct ctl_tool *) = t.more;

	ck_assert_int_eq(more != NULL, t.out.data[1] == CTLMSG_PART);
	t.more = NULL;
	if (more == NULL)
		return false;
	more(&t);
	return true;
}

static void
ask(void (*answer)(struct ctl_tool *, struct chan_msg *),
    const struct buf *request)
{
	struct chan_msg m = { .type = request->data[1] };

	ck_assert_int_eq(buf_err(request), 0);
	m.body = rd_of(request->data + HEADER, request->len - HEADER);
	answer(&t, &m);
}

static struct answer
ask_sessions(const char *identity, const char *account)
{
	static struct ctlmsg_pick p;
	struct answer a = { .status = 0xff };
	struct buf b;

	p = (struct ctlmsg_pick){ .reference = 0 };
	(void)snprintf(p.identity, sizeof(p.identity), "%s", identity);
	(void)snprintf(p.account, sizeof(p.account), "%s", account);
	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ctlmsg_sessions_encode(&b, &p), 0);
	ask(answer_sessions, &b);
	buf_free(&b);
	do
		read_message(&a);
	while (next());
	return a;
}

/* ---- sessions ----------------------------------------------------------- */

START_TEST(no_sessions)
{
	struct answer a = ask_sessions("", "");

	ck_assert_uint_eq(a.status, 0);
	ck_assert_uint_eq(a.records, 0);
}
END_TEST

/* All of them, each once. */
START_TEST(many_sessions)
{
	struct answer a;

	for (uint64_t i = 1; i <= MANY; i++)
		(void)log_in(i, "alice", "staff uri=spiffe://x.example/a");
	a = ask_sessions("", "");
	ck_assert_uint_eq(a.status, 0);
	ck_assert_uint_eq(a.records, MANY);
	ck_assert_uint_eq(a.sum, (uint64_t)MANY * (MANY + 1) / 2);
	ck_assert_uint_gt(a.parts, 10);
}
END_TEST

/* Between two messages some log in and some leave, also the one where the
 * answer stands: who stays is in it once. */
START_TEST(sessions_come_and_go)
{
	struct answer a = { .status = 0xff };
	struct live *l;
	struct buf b;
	uint64_t sum = 0;
	size_t n = 0;

	for (size_t i = 0; i < 1000; i++)
		(void)log_in(i + 1, "alice", "staff uri=x:a");
	buf_init(&b, CHAN_MSG_MAX);
	t.pick = (struct ctlmsg_pick){ .reference = 0 };
	ck_assert_int_eq(ctlmsg_sessions_encode(&b, &t.pick), 0);
	ask(answer_sessions, &b);
	buf_free(&b);
	do {
		read_message(&a);
		(void)log_in(1000000 + n, "bob", "staff uri=x:b");
		/* the one that was told last, and the next */
		for (l = d.sessions; l != NULL && l->order != t.order; )
			l = l->next;
		if (l != NULL && l->next != NULL && l->next->next != NULL) {
			live_remove(l->next);
			live_remove(l);
			n++;
		}
	} while (next());
	ck_assert_uint_gt(n, 2);
	for (l = d.sessions; l != NULL; l = l->next)
		sum += l->reg.reference < 1000000 ? l->reg.reference : 0;
	/* each that stayed, those told before they left, none that came */
	ck_assert_uint_ge(a.sum, sum);
	ck_assert_uint_le(a.records, 1000);
	ck_assert_uint_ge(a.records, 1000 - n);
	ck_assert_uint_eq(a.status, 0);
}
END_TEST

static const struct {
	const char *identity, *account;
	size_t records;
} filters[] = {
	{ "", "", 4 },
	{ "staff uri=x:a", "", 2 },
	{ "", "alice", 2 },
	{ "staff uri=x:a", "bob", 1 },
	{ "staff uri=x:b", "bob", 0 },
	{ "staff uri=x:", "", 0 },
	{ "", "alic", 0 },
	{ "staff upn=CORP\\c@x", "", 1 },
	{ "staff upn=CORP\\x5cc@x", "", 1 },
};

START_TEST(filter)
{
	(void)log_in(1, "alice", "staff uri=x:a");
	(void)log_in(2, "bob", "staff uri=x:a");
	(void)log_in(3, "alice", "staff uri=x:b");
	(void)log_in(4, "carol", "staff upn=CORP\\c@x");
	ck_assert_uint_eq(ask_sessions(filters[_i].identity,
	    filters[_i].account).records, filters[_i].records);
}
END_TEST

/* ---- end ---------------------------------------------------------------- */

static const struct {
	struct ctlmsg_end e;
	uint8_t status;
	const char *ended;	/* number */
	size_t told;
} ends[] = {
	{ { .pick = { .reference = 2 } }, 0, "1", 1 },
	{ { .pick = { .reference = 9 } }, 1, "", 0 },
	{ { .pick = { .account = "alice" } }, 0, "2", 2 },
	{ { .pick = { .identity = "staff uri=x:a" } }, 0, "2", 2 },
	{ { .pick = { .identity = "staff" } }, 1, "", 0 },
	/* nothing, and more than one: nobody */
	{ { .pick = { .reference = 0 } }, 3, NULL, 0 },
	{ { .pick = { .reference = 1, .account = "alice" } }, 3, NULL, 0 },
};

static size_t
told(const char *text)
{
	char seen[IPC_TEXT_MAX];
	struct chan_msg m;
	struct buf in;
	size_t n = 0;

	buf_init(&in, CHAN_MSG_MAX);
	while (chan_recv(said, &in, &m, 0) == 0) {
		ck_assert_int_eq(m.type, IPC_SES_END);
		ck_assert_int_eq(ipc_text_decode(m.body, seen), 0);
		ck_assert_str_eq(seen, text);
		n++;
	}
	buf_free(&in);
	return n;
}

START_TEST(end)
{
	struct answer a = { .status = 0xff };
	const char *ended;
	struct buf b;

	(void)log_in(1, "alice", "staff uri=x:a");
	(void)log_in(2, "bob", "staff uri=x:a");
	(void)log_in(3, "alice", "staff uri=x:b");
	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ctlmsg_end_encode(&b, &ends[_i].e), 0);
	ask(answer_end, &b);
	buf_free(&b);
	read_message(&a);
	ck_assert_uint_eq(a.status, ends[_i].status);
	ended = value("end", "ended");
	if (ends[_i].ended == NULL)
		ck_assert_ptr_null(ended);
	else
		ck_assert_str_eq(ended, ends[_i].ended);
	ck_assert_uint_eq(told("ended by an administrator"), ends[_i].told);
}
END_TEST

START_TEST(end_message)
{
	struct ctlmsg_end e = { .pick = { .reference = 1 } };
	struct buf b;

	(void)snprintf(e.message, sizeof(e.message), "at \x1b[2J 12\n");
	(void)log_in(1, "alice", "staff uri=x:a");
	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ctlmsg_end_encode(&b, &e), 0);
	ask(answer_end, &b);
	ck_assert_uint_eq(told("ended by an administrator: at \x1b[2J 12\n"),
	    1);
	/* once is enough */
	ask(answer_end, &b);
	ck_assert_str_eq(value("end", "ended"), "1");
	ck_assert_uint_eq(told(""), 0);
	buf_free(&b);
}
END_TEST

/* ---- status ------------------------------------------------------------- */

static struct answer
ask_status(void)
{
	struct answer a = { .status = 0xff };
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ctlmsg_empty_encode(&b, CTLMSG_STATUS), 0);
	ask(answer_status, &b);
	buf_free(&b);
	read_message(&a);
	return a;
}

START_TEST(status_good)
{
	struct answer a = ask_status();

	ck_assert_uint_eq(a.status, 0);
	ck_assert_uint_eq(a.records, 2);
	ck_assert_str_eq(a.about[0], "daemon");
	ck_assert_str_eq(a.about[1], "authority");
	ck_assert_str_eq(value("daemon", "trust"), "/etc/trust.conf");
	ck_assert_str_eq(value("daemon", "map"), "/etc/identity.map");
	ck_assert_str_eq(value("daemon", "rules"), "3");
	ck_assert_str_eq(value("daemon", "locks"), "1");
	ck_assert_str_eq(value("authority", "crl-number"), "1234");
	ck_assert_str_eq(value("authority", "crl-age"), "60");
	ck_assert_str_eq(value("authority", "revoked"), "7");
}
END_TEST

static void host_soon(void) { hostkey.not_after = NOW + 29 * DAY; }
static void host_over(void) { hostkey.not_after = NOW - 1; }
static void crl_soon(void)
{ u.done.authority[0].next_update = NOW + 2 * DAY; }
static void crl_over(void) { u.done.authority[0].next_update = NOW - 1; }
static void crl_bad(void)
{ memcpy(u.done.authority[0].crl_problem, "forged", 7); }
static void anchor_soon(void)
{ u.done.authority[0].anchors_expire = NOW + 29 * DAY; }
static void anchor_over(void)
{ u.done.authority[0].anchors_expire = NOW - 1; }
static void
rule_ends(void)
{
	u.done.n_ending = 3;
	u.done.ending[0] = (struct ipc_ending){ 3, NOW - 1 };
	u.done.ending[1] = (struct ipc_ending){ 5, NOW + 29 * DAY };
	u.done.ending[2] = (struct ipc_ending){ 7, NOW + 31 * DAY };
}
static void not_loaded(void) { memcpy(d.error[2], "map", 4); }

static const struct {
	void (*change)(void);
	uint8_t status;
	const char *about;	/* of the second record */
	const char *what;
} states[] = {
	{ host_soon, 0, "expires-soon", "host certificate /host.crt" },
	{ host_over, 1, "problem", "host certificate /host.crt" },
	{ crl_soon, 0, "expires-soon", "CRL of authority staff" },
	{ crl_over, 1, "problem", "CRL of authority staff" },
	{ crl_bad, 1, "problem", "CRL of authority staff" },
	{ anchor_soon, 0, "expires-soon", "anchor of authority staff" },
	{ anchor_over, 1, "problem", "anchor of authority staff" },
	{ rule_ends, 0, "expires-soon", "rule /etc/identity.map:5" },
	{ not_loaded, 1, "authority", NULL },
};

START_TEST(status_states)
{
	struct answer a;

	states[_i].change();
	a = ask_status();
	ck_assert_uint_eq(a.status, states[_i].status);
	ck_assert_str_eq(a.about[1], states[_i].about);
	if (states[_i].what != NULL)
		ck_assert_str_eq(value(states[_i].about, "what"),
		    states[_i].what);
}
END_TEST

START_TEST(crl_number_long)
{
	u.done.authority[0].crl.number_len = 9;
	(void)ask_status();
	ck_assert_str_eq(value("authority", "crl-number"),
	    "0x04d200000000000000");
}
END_TEST

static void
fill(void)
{
	struct ipc_authority *a = u.done.authority;
	for (size_t i = 0; i < SETUP_ERRORS; i++)
		memset(d.error[i], 'e', sizeof(d.error[i]) - 1);
	memset(a->name, 'n', sizeof(a->name) - 1);
	memset(a->crl_problem, 'p', sizeof(a->crl_problem) - 1);
	a->crl.number_len = sizeof(a->crl.number);
	a->anchors_expire = a->next_update = 1;
	for (size_t i = 1; i < IPC_LOAD_AUTHORITIES_MAX; i++)
		a[i] = a[0];
	u.done.n = IPC_LOAD_AUTHORITIES_MAX;
	hostkey.not_after = 1;
	u.done.n_ending = IPC_LOAD_ENDING_MAX;
	for (size_t i = 0; i < IPC_LOAD_ENDING_MAX; i++)
		u.done.ending[i] = (struct ipc_ending){ 1, NOW + 60 };
}

/* All that can be said at once is one message. */
START_TEST(status_full)
{
	struct answer got;

	fill();
	got = ask_status();
	ck_assert_uint_eq(got.records, 1 + EXPIRY_MAX +
	    IPC_LOAD_AUTHORITIES_MAX);
	ck_assert_uint_eq(got.status, 1);
}
END_TEST

/* ---- metrics ------------------------------------------------------------ */

static struct answer
ask_metrics(void)
{
	struct answer a = { .status = 0xff };
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ctlmsg_empty_encode(&b, CTLMSG_METRICS), 0);
	ask(answer_metrics, &b);
	buf_free(&b);
	read_message(&a);
	return a;
}

START_TEST(metrics_full)
{
	struct answer got;

	fill();
	memset(&d.metrics, 0xff, sizeof(d.metrics));
	got = ask_metrics();
	ck_assert_uint_eq(got.status, 0);
	/* host certificate, three of each authority, and the reload */
	ck_assert_str_eq(value("health", "problems"), "98");
}
END_TEST

/* 3 ms, 30 ms, half an hour */
START_TEST(metrics_times)
{
	struct metrics_times *took = &d.metrics.login;

	metrics_took(took, mono_us() - 3000);
	metrics_took(took, mono_us() - 30000);
	metrics_took(took, mono_us() - INT64_C(1800000000));
	ck_assert_uint_eq(took->count[0], 1);
	ck_assert_uint_eq(took->count[3], 1);
	ck_assert_uint_eq(took->count[METRICS_BOUNDS], 1);
	ck_assert_uint_ge(took->sum, 1800033000);
	ck_assert_uint_lt(took->sum, 1801000000);
	(void)ask_metrics();
	/* cumulative: the first bound's */
	ck_assert_str_eq(value("login-time", "count"), "1");
	ck_assert_str_eq(value("login-time-all", "count"), "3");
	ck_assert_str_eq(value("handshake-time-all", "seconds"), "0.000000");
}
END_TEST

static const struct {
	uint8_t kind;
	enum metrics_result result;
} refusals[] = {
	{ IPC_REFUSAL_HANDSHAKE, METRICS_HANDSHAKE },
	{ IPC_REFUSAL_CERTIFICATE, METRICS_CERTIFICATE },
	{ IPC_REFUSAL_EXPIRED, METRICS_EXPIRED },
	{ IPC_REFUSAL_REVOKED, METRICS_REVOKED },
	{ IPC_REFUSAL_MAP, METRICS_MAP },
	{ IPC_REFUSAL_ACCOUNT, METRICS_ACCOUNT },
	{ IPC_REFUSAL_FAULT, METRICS_FAULT },
	{ IPC_REFUSAL_HOSTKEY, METRICS_FAULT },
	{ 0, METRICS_FAULT },
};

START_TEST(metrics_refusals)
{
	ck_assert_int_eq(metrics_refusal(refusals[_i].kind),
	    refusals[_i].result);
	d.metrics.result[METRICS_ADMITTED] = 5;
	d.metrics.result[refusals[_i].result] = 2;
	ck_assert_uint_eq(metrics_refused(&d.metrics), 2);
}
END_TEST

/* ---- why ---------------------------------------------------------------- */

START_TEST(why)
{
	static struct ipc_ses_refused f;
	struct answer a = { .status = 0xff };
	struct buf b;

	memcpy(f.detail, "no rule", 8);
	why_log_add(d.why, 7, "192.0.2.1", false, &f);
	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ctlmsg_why_encode(&b, 7), 0);
	ask(answer_why, &b);
	ck_assert_str_eq(value("refusal", "why"), "no rule");
	ck_assert_int_eq(ctlmsg_why_encode(&b, 8), 0);
	ask(answer_why, &b);
	read_message(&a);
	ck_assert_uint_eq(a.status, 1);
	buf_put_u8(&b, 0);
	ask(answer_why, &b);
	read_message(&a);
	ck_assert_uint_eq(a.status, 3);
	buf_free(&b);
}
END_TEST

/* ---- the end of a reload --------------------------------------------------- */

static struct answer
reloaded(const char *error)
{
	struct answer a = { .status = 0xff };

	answer_reloaded(&t.out, &d, error);
	read_message(&a);
	return a;
}

static void
spoil(struct ipc_authority *a, const char *name, bool carried)
{
	*a = (struct ipc_authority){ .crl_carried = carried,
	    .crl_missing = !carried, .next_update = NOW };
	(void)snprintf(a->name, sizeof(a->name), "%s", name);
	(void)snprintf(a->crl_problem, sizeof(a->crl_problem),
	    "CRL %s.crl: forged", name);
}

START_TEST(reload_answers)
{
	struct answer a = reloaded("");

	ck_assert_uint_eq(a.status, 0);
	ck_assert_str_eq(a.error, "");
	ck_assert_uint_eq(a.records, 1);
	ck_assert_str_eq(value("reload", "reload"), "done");
	a = reloaded("map: line 3");
	ck_assert_uint_eq(a.status, 1);
	ck_assert_uint_eq(a.records, 0);
	ck_assert_ptr_nonnull(strstr(a.error, "not reloaded: map: line 3; "));
	/* a CRL is no reason not to be in force */
	u.done.n = 2;
	spoil(&u.done.authority[1], "b", true);
	a = reloaded("");
	ck_assert_uint_eq(a.status, 1);
	ck_assert_str_eq(value("reload", "reload"), "done");
	ck_assert_uint_eq(a.records, 2);
	ck_assert_str_eq(value("crl", "authority"), "b");
	ck_assert_str_eq(value("crl", "problem"), "CRL b.crl: forged");
	ck_assert_str_eq(value("crl", "carried"), "yes");
	ck_assert_ptr_nonnull(strstr(a.error, "loaded: 3 rules, 1 lock, 2 "
	    "authorities; but authority b: CRL b.crl: forged; the CRL that "
	    "was loaded before stays in force, its nextUpdate is 20"));
	ck_assert_ptr_null(strstr(a.error, "more"));
	/* one that there is not, first, and more of them */
	spoil(&u.done.authority[0], "a", false);
	a = reloaded("");
	ck_assert_uint_eq(a.records, 3);
	ck_assert_ptr_nonnull(strstr(a.error, "but authority a: CRL a.crl: "
	    "forged; certificates that no CRL covers are refused; "));
	ck_assert_ptr_nonnull(strstr(a.error, "; 1 more have a problem"));
	/* all that can be said at once is one message */
	fill();
	a = reloaded("");
	ck_assert_uint_eq(a.status, 1);
	ck_assert_uint_eq(a.records, 1 + IPC_LOAD_AUTHORITIES_MAX);
}
END_TEST

START_TEST(carried)
{
	struct answer a = ask_status();

	ck_assert_uint_eq(a.status, 0);
	ck_assert_str_eq(value("authority", "crl-carried"), "");
	(void)ask_metrics();
	ck_assert_str_eq(value("crl", "carried"), "");
	ck_assert_str_eq(value("health", "reload-good"), "1");
	spoil(&u.done.authority[0], "a", true);
	u.done.authority[0].next_update = NOW + 10 * DAY;
	a = ask_status();
	ck_assert_uint_eq(a.status, 1);
	ck_assert_str_eq(value("problem", "why"), "CRL a.crl: forged");
	ck_assert_ptr_nonnull(strstr(value("problem", "remedy"),
	    "stays in force"));
	ck_assert_str_eq(value("authority", "crl-carried"), "yes");
	(void)ask_metrics();
	ck_assert_str_eq(value("crl", "carried"), "1");
	ck_assert_str_eq(value("crl", "usable"), "");
	ck_assert_str_eq(value("health", "reload-good"), "");
	/* there is none: what is in force is what the files say */
	spoil(&u.done.authority[0], "a", false);
	a = ask_status();
	ck_assert_uint_eq(a.status, 1);
	ck_assert_ptr_null(strstr(value("problem", "remedy"),
	    "stays in force"));
	(void)ask_metrics();
	ck_assert_str_eq(value("crl", "carried"), "");
	ck_assert_str_eq(value("health", "reload-good"), "1");
}
END_TEST

#define LOOP(t, test, rows) tcase_add_loop_test(t, test, 0, \
    (int)(sizeof(rows) / sizeof(rows[0])))

static Suite *
answer_suite(void)
{
	Suite *s = suite_create("answer");
	TCase *c = tcase_create("answers");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, no_sessions);
	tcase_add_test(c, many_sessions);
	tcase_add_test(c, sessions_come_and_go);
	LOOP(c, filter, filters);
	LOOP(c, end, ends);
	tcase_add_test(c, end_message);
	tcase_add_test(c, status_good);
	LOOP(c, status_states, states);
	tcase_add_test(c, crl_number_long);
	tcase_add_test(c, status_full);
	tcase_add_test(c, metrics_full);
	tcase_add_test(c, metrics_times);
	LOOP(c, metrics_refusals, refusals);
	tcase_add_test(c, why);
	tcase_add_test(c, reload_answers);
	tcase_add_test(c, carried);
	suite_add_tcase(s, c);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(answer_suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
