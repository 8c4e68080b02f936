/*
 * Messages between our processes.  Input: byte that is the message's type,
 * then its body.  What decodes encodes to the same bytes again.
 */
#include "fuzz.h"

#include "base/diag.h"
#include "base/err.h"
#include "proto/chan.h"
#include "proto/crlmsg.h"
#include "proto/ctlmsg.h"
#include "proto/hello.h"
#include "proto/ipc.h"
#include "proto/pammsg.h"

#define HEADER 2		/* version and type */

/* Structures that travel in a sealed file and have no type. */
enum { SETTINGS = 200, BEGIN = 201, HOST = 202, PROOF = 203 };

/* Decode r and encode into b: 0 when both went well. */
static int
net_to_session(uint8_t type, struct rd r, struct buf *b)
{
	struct ipc_net_failed failed;
	struct ipc_start start;
	struct ipc_window window;
	struct ipc_login login;
	struct span s;
	uint32_t channel;
	uint8_t index;
	int e;

	switch (type) {
	case IPC_NET_SIGN:
		e = ipc_net_sign_decode(r, &s);
		return e != 0 ? e : ipc_net_sign_encode(b, s);
	case IPC_NET_LOGIN:
		e = ipc_net_login_decode(r, &login);
		return e != 0 ? e : ipc_net_login_encode(b, &login);
	case IPC_NET_FAILED:
		e = ipc_net_failed_decode(r, &failed);
		return e != 0 ? e : ipc_net_failed_encode(b, &failed);
	case IPC_NET_START:
		e = ipc_net_start_decode(r, &start);
		return e != 0 ? e : ipc_net_start_encode(b, &start);
	case IPC_NET_WINCH:
		e = ipc_net_winch_decode(r, &channel, &window);
		return e != 0 ? e : ipc_net_winch_encode(b, channel, &window);
	case IPC_NET_SIGNAL:
		e = ipc_net_signal_decode(r, &channel, &index);
		return e != 0 ? e : ipc_net_signal_encode(b, channel, index);
	case IPC_NET_CLOSED:
		e = ipc_net_closed_decode(r, &channel);
		return e != 0 ? e : ipc_net_closed_encode(b, channel);
	default:
		return ERR_TYPE;
	}
}

static int
session_to_net(uint8_t type, struct rd r, struct buf *b)
{
	uint8_t random[IPC_RANDOM_LEN];
	char text[IPC_TEXT_MAX];
	struct ipc_success success;
	struct ipc_refuse refuse;
	struct ipc_exited exited;
	struct span s;
	uint32_t channel;
	int e;

	switch (type) {
	case IPC_NET_JOIN:
		e = ipc_net_join_decode(r, random);
		return e != 0 ? e : ipc_net_join_encode(b, random);
	case IPC_NET_SIGNED:
		e = ipc_net_signed_decode(r, &s);
		return e != 0 ? e : ipc_net_signed_encode(b, s);
	case IPC_NET_REFUSE:
		e = ipc_net_refuse_decode(r, &refuse);
		return e != 0 ? e : ipc_net_refuse_encode(b, &refuse);
	case IPC_NET_SUCCESS:
		e = ipc_net_success_decode(r, &success);
		return e != 0 ? e : ipc_net_success_encode(b, &success);
	case IPC_NET_STARTED:
		e = ipc_net_started_decode(r, &channel);
		return e != 0 ? e : ipc_net_started_encode(b, channel);
	case IPC_NET_NOT_STARTED:
		e = ipc_net_not_started_decode(r, &channel, text);
		return e != 0 ? e : ipc_net_not_started_encode(b, channel,
		    text);
	case IPC_NET_EXITED:
		e = ipc_net_exited_decode(r, &exited);
		return e != 0 ? e : ipc_net_exited_encode(b, &exited);
	default:
		return ERR_TYPE;
	}
}

static int
load_done(struct rd r, struct buf *b)
{
	struct ipc_load_done *l = calloc(1, sizeof(*l));
	struct diag d;
	int e;

	CHECK(l != NULL);
	diag_init(&d);
	e = ipc_load_done_decode(r, l, &d);
	CHECK(e == 0 || !l->ok);
	if (e == 0)
		e = ipc_load_done_encode(b, l, &d);
	diag_free(&d);
	free(l);
	return e;
}

static int
load(uint8_t type, struct rd r, struct buf *b)
{
	static struct ipc_load_begin begin;	/* too large for a stack */
	static struct ipc_load_files files;
	static struct ipc_load_want want;
	static struct ipc_sources sources;
	int e;

	switch (type) {
	case IPC_LOAD_BEGIN:
		e = ipc_load_begin_decode(r, &begin);
		return e != 0 ? e : ipc_load_begin_encode(b, &begin);
	case IPC_LOAD_WANT:
		e = ipc_load_want_decode(r, &want);
		return e != 0 ? e : ipc_load_want_encode(b, &want);
	case IPC_LOAD_FILES:
		e = ipc_load_files_decode(r, &files);
		return e != 0 ? e : ipc_load_files_encode(b, &files);
	case IPC_LOAD_DONE:
		return load_done(r, b);
	case IPC_LOAD_SOURCES:
		e = ipc_load_sources_decode(r, &sources);
		return e != 0 ? e : ipc_load_sources_encode(b, &sources);
	default:
		return ERR_TYPE;
	}
}

/* What contradicts a refusal is dropped, so the first bytes may differ; what
 * was made of them may not. */
static int
tested(struct rd r, struct buf *b)
{
	struct ipc_tested *t = calloc(1, sizeof(*t));
	struct rd again;
	struct buf first;
	int e;

	CHECK(t != NULL);
	e = ipc_tested_decode(r, t);
	CHECK(e == 0 || (!t->accepted && !t->allowed));
	CHECK(!t->allowed || t->accepted);
	if (e == 0) {
		buf_init(&first, CHAN_MSG_MAX);
		CHECK(ipc_tested_encode(&first, t) == 0);
		again = rd_of(first.data + HEADER, first.len - HEADER);
		CHECK(ipc_tested_decode(again, t) == 0);
		CHECK(ipc_tested_encode(b, t) == 0);
		fuzz_same(b, 0, (struct span){ first.data, first.len });
		buf_free(&first);
	}
	free(t);
	return ERR_TYPE;
}

static int
judge_test(uint8_t type, struct rd r, struct buf *b)
{
	struct ipc_test test;
	int e;

	if (type == IPC_JUDGE_TESTED)
		return tested(r, b);
	if (type != IPC_JUDGE_TEST)
		return ERR_TYPE;
	e = ipc_test_decode(r, &test);
	return e != 0 ? e : ipc_test_encode(b, &test);
}

static int
judge(uint8_t type, struct rd r, struct buf *b)
{
	struct ipc_judge_login login;
	struct ipc_verdict v;
	int e;

	if (type == IPC_JUDGE_LOGIN) {
		e = ipc_judge_login_decode(r, &login);
		return e != 0 ? e : ipc_judge_login_encode(b, &login);
	}
	if (type != IPC_JUDGE_VERDICT)
		return ERR_TYPE;
	e = ipc_verdict_decode(r, &v);
	CHECK(e == 0 || v.outcome == IPC_OUTCOME_REFUSED);
	return e != 0 ? e : ipc_verdict_encode(b, &v);
}

static int
review(uint8_t type, struct rd r, struct buf *b)
{
	struct ipc_reviewed v;
	uint64_t session;
	int e;

	if (type == IPC_JUDGE_REVIEW) {
		e = ipc_review_decode(r, &session);
		return e != 0 ? e : ipc_review_encode(b, session);
	}
	if (type != IPC_JUDGE_REVIEWED)
		return ERR_TYPE;
	e = ipc_reviewed_decode(r, &v);
	CHECK(e == 0 || v.outcome == IPC_REVIEW_NONE);
	CHECK(v.outcome != IPC_OUTCOME_ADMIT);
	return e != 0 ? e : ipc_reviewed_encode(b, &v);
}

static int
pam(uint8_t type, struct rd r, struct buf *b)
{
	char text[IPC_TEXT_MAX];
	struct pammsg_offer offer;
	struct pammsg_facts facts;
	struct pammsg_prove prove;
	enum pammsg_loaded loaded;
	int e;

	switch (type) {
	case IPC_PAM_OFFER:
		e = pammsg_offer_decode(r, &offer);
		CHECK(e != 0 || (offer.n >= 1 && offer.n <= IPC_CHAIN_MAX));
		return e != 0 ? e : pammsg_offer_encode(b, &offer);
	case IPC_PAM_PROVE:
		e = pammsg_prove_decode(r, &prove);
		CHECK(e != 0 || prove.nonce.n == PAMMSG_NONCE_LEN);
		return e != 0 ? e : pammsg_prove_encode(b, &prove);
	case IPC_PAM_FACTS:
		e = pammsg_facts_decode(r, &facts);
		CHECK(e == 0 || facts.state == PAMMSG_REFUSED);
		return e != 0 ? e : pammsg_facts_encode(b, &facts);
	case IPC_PAM_LOADED:
		e = pammsg_loaded_decode(r, &loaded, text);
		CHECK(e == 0 || loaded == PAMMSG_NO_POLICY);
		return e != 0 ? e : pammsg_loaded_encode(b, loaded, text);
	default:
		return ERR_TYPE;
	}
}

static int
listed(struct rd r, struct buf *b)
{
	static struct crlmsg_listed l;
	struct diag d;
	int e;

	diag_init(&d);
	e = crlmsg_listed_decode(r, &l, &d);
	CHECK(e != 0 || l.ok == (d.errors == 0));
	CHECK(l.ok || l.n == 0);
	if (e == 0)
		e = crlmsg_listed_encode(b, &l, &d);
	diag_free(&d);
	return e;
}

static int
crl(uint8_t type, struct rd r, struct buf *b)
{
	static struct crlmsg_judge judge;
	struct crlmsg_judged judged;
	char text[IPC_TEXT_MAX];
	uint32_t seconds;
	bool ok;
	int e;

	switch (type) {
	case IPC_CRL_LIST:
		e = crlmsg_list_decode(r, text);
		return e != 0 ? e : crlmsg_list_encode(b, text);
	case IPC_CRL_LISTED:
		return listed(r, b);
	case IPC_CRL_JUDGE:
		e = crlmsg_judge_decode(r, &judge);
		return e != 0 ? e : crlmsg_judge_encode(b, &judge);
	case IPC_CRL_JUDGED:
		e = crlmsg_judged_decode(r, &judged);
		CHECK(e == 0 || judged.outcome == CRLMSG_KEEP);
		return e != 0 ? e : crlmsg_judged_encode(b, &judged);
	case IPC_FETCH_GET:
		e = crlmsg_get_decode(r, text, &seconds);
		CHECK(e != 0 || seconds > 0);
		return e != 0 ? e : crlmsg_get_encode(b, text, seconds);
	case IPC_FETCH_DONE:
		e = crlmsg_done_decode(r, &ok, text);
		CHECK(e == 0 || !ok);
		return e != 0 ? e : crlmsg_done_encode(b, ok, text);
	default:
		return ERR_TYPE;
	}
}

static int
key(uint8_t type, struct rd r, struct buf *b)
{
	char text[IPC_TEXT_MAX];
	struct span random, s;
	struct ipc_host host;
	int64_t not_after;
	int e;

	switch (type) {
	case IPC_KEY_SIGN:
		e = ipc_key_sign_decode(r, &random, &s);
		CHECK(e != 0 || random.n == IPC_RANDOM_LEN);
		return e != 0 ? e : ipc_key_sign_encode(b, random.p, s);
	case IPC_KEY_SIGNED:
		e = ipc_key_signed_decode(r, &s, text);
		return e != 0 ? e : ipc_key_signed_encode(b, s, text);
	case IPC_KEY_CHANNEL:
		e = ipc_key_channel_decode(r, &s);
		return e != 0 ? e : ipc_key_channel_encode(b, s);
	case IPC_KEY_READY:
		e = ipc_key_ready_decode(r, &host, &not_after);
		CHECK(e != 0 || (host.n >= 1 && host.n <= IPC_CHAIN_MAX));
		return e != 0 ? e : ipc_key_ready_encode(b, &host, not_after);
	default:
		return ERR_TYPE;
	}
}

static int
session(uint8_t type, struct rd r, struct buf *b)
{
	char text[IPC_TEXT_MAX];
	struct ipc_ses_refused refused;
	struct ipc_register reg;
	struct ipc_ses_join join;
	char tty[IPC_TTY_MAX];
	int e;

	switch (type) {
	case IPC_SES_JOIN:
		e = ipc_ses_join_decode(r, &join);
		return e != 0 ? e : ipc_ses_join_encode(b, &join);
	case IPC_SES_REFUSED:
		e = ipc_ses_refused_decode(r, &refused);
		return e != 0 ? e : ipc_ses_refused_encode(b, &refused);
	case IPC_SES_REGISTER:
		e = ipc_register_decode(r, &reg);
		return e != 0 ? e : ipc_register_encode(b, &reg);
	case IPC_SES_TTY:
		e = ipc_ses_tty_decode(r, tty);
		return e != 0 ? e : ipc_ses_tty_encode(b, tty);
	case IPC_SES_JUDGE:
	case IPC_SES_REGISTERED:
	case IPC_SES_NEED_JUDGE:
	case IPC_SES_ASK:
		e = ipc_empty_decode(r);
		return e != 0 ? e : ipc_empty_encode(b, type);
	case IPC_NET_END:
	case IPC_KEY_FAILED:
	case IPC_SES_END:
	case IPC_SES_LOG:
		e = ipc_text_decode(r, text);
		return e != 0 ? e : ipc_text_encode(b, type, text);
	default:
		return ERR_TYPE;
	}
}

static int
in_files(uint8_t type, struct rd r, struct buf *b)
{
	struct ipc_settings settings;
	struct ipc_begin begin;
	struct ipc_proof proof;
	struct ipc_host host;
	int e = ERR_TYPE;

	chan_begin(b, type);
	if (type == SETTINGS && (e = ipc_settings_get(r, &settings)) == 0)
		ipc_settings_put(b, &settings);
	if (type == BEGIN && (e = ipc_begin_get(r, &begin)) == 0)
		ipc_begin_put(b, &begin);
	if (type == PROOF && (e = ipc_proof_get(r, &proof)) == 0)
		ipc_proof_put(b, &proof);
	if (type == HOST) {
		ipc_host_get(&r, &host);
		if ((e = rd_end(&r)) == 0)
			ipc_host_put(b, &host);
	}
	return e;
}

static int
ctl_items(struct rd *r, struct buf *b)
{
	struct ctlmsg_item item;
	int e;

	while ((e = ctlmsg_next(r, &item)) == 1)
		ctlmsg_put(b, &item);
	return e;
}

/* certloginctl's questions and certlogind's answers: their types stand 128
 * higher here, for some are those of others. */
static int
ctl(uint8_t type, struct rd r, struct buf *b)
{
	char error[CTLMSG_TEXT_MAX];
	static struct ctlmsg_pick pick;	/* too large for a stack */
	static struct ctlmsg_end end;
	struct ctlmsg_try try;
	uint64_t number;
	uint8_t status;
	bool policy;
	int e;

	switch (type - 128) {
	case CTLMSG_WHY:
		e = ctlmsg_why_decode(r, &number);
		return e != 0 ? e : ctlmsg_why_encode(b, number);
	case CTLMSG_RELOAD:
		e = ctlmsg_reload_decode(r, &policy);
		return e != 0 ? e : ctlmsg_reload_encode(b, policy);
	case CTLMSG_STATUS:
	case CTLMSG_METRICS:
		e = ctlmsg_empty_decode(r);
		return e != 0 ? e : ctlmsg_empty_encode(b,
		    (uint8_t)(type - 128));
	case CTLMSG_SESSIONS:
		e = ctlmsg_sessions_decode(r, &pick);
		return e != 0 ? e : ctlmsg_sessions_encode(b, &pick);
	case CTLMSG_END:
		e = ctlmsg_end_decode(r, &end);
		CHECK(e != 0 || end.pick.reference != 0 ||
		    end.pick.identity[0] != '\0' ||
		    end.pick.account[0] != '\0');
		return e != 0 ? e : ctlmsg_end_encode(b, &end);
	case CTLMSG_TRY:
		e = ctlmsg_try_decode(r, &try);
		CHECK(e != 0 || try.n <= CTLMSG_PIDS_MAX);
		return e != 0 ? e : ctlmsg_try_encode(b, &try);
	case CTLMSG_ANSWER:
		if ((e = ctlmsg_head(&r, &status, error)) != 0)
			return e;
		ctlmsg_begin(b, status, error);
		return ctl_items(&r, b);
	case CTLMSG_PART:
		ctlmsg_part(b);
		return ctl_items(&r, b);
	default:
		return ERR_TYPE;
	}
}

/* What versions say to each other: 220 higher here. */
static int
hello(uint8_t type, struct rd r, struct buf *b)
{
	struct hello_session session;
	char text[HELLO_TEXT_MAX];
	uint32_t sessions;
	uint8_t version;
	int e;

	switch (type - 220) {
	case HELLO_SESSION:
		e = hello_session_decode(r, &session);
		return e != 0 ? e : hello_session_encode(b, &session);
	case HELLO_WELCOME:
		e = hello_welcome_decode(r, &version);
		return e != 0 ? e : hello_welcome_encode(b, version);
	case HELLO_END:
		e = hello_end_decode(r, text);
		return e != 0 ? e : hello_end_encode(b, text);
	case HELLO_ASK:
		e = hello_ask_decode(r);
		return e != 0 ? e : hello_ask_encode(b);
	case HELLO_RUNS:
		e = hello_runs_decode(r, &version, &sessions);
		return e != 0 ? e : hello_runs_encode(b, version, sessions);
	default:
		return ERR_TYPE;
	}
}

typedef int channel_fn(uint8_t type, struct rd r, struct buf *b);
static channel_fn *const channels[] = { net_to_session, session_to_net, judge,
    judge_test, review, pam, load, crl, key, session, in_files, ctl,
    hello };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t type = fuzz_u8(&data, &size);
	uint8_t *copy;
	struct span s;
	struct buf b;

	/* what a channel carries at most */
	if (size > CHAN_MSG_MAX - HEADER)
		return 0;
	copy = fuzz_copy(data, size);
	s = (struct span){ copy, size };
	for (size_t i = 0; i < sizeof(channels) / sizeof(channels[0]); i++) {
		buf_init(&b, CHAN_MSG_MAX);
		if (channels[i](type, rd_of_span(s), &b) == 0)
			fuzz_same(&b, HEADER, s);
		buf_free(&b);
	}
	free(copy);
	return 0;
}
