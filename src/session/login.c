/*
 * From the joined socket to LOGIN_SUCCESS.  The one place where a refusal
 * becomes a success is the end of decide(): no session is registered and no
 * word of success sent but there.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "proto/chan.h"
#include "session/session.h"

#define SIGN_MS 5000		/* a hostkey process that hangs is replaced */
#define JUDGE_MS 10000
#define LISTENER_MS 10000
#define JUDGED_AGAIN_MAX 3	/* policies that may come during one login */

#define NOT_NOW "login is not possible now; tell the administrator"

static int
internal(struct session *s, const char *detail)
{
	return session_refuse(s, 0, IPC_REFUSAL_FAULT, NOT_NOW, detail);
}

/* ---- one signature ----------------------------------------------------------- */

static int
ask_hostkey(struct session *s, struct span transcript, struct span *signature,
    char *error)
{
	struct chan_msg m;
	int r;

	if ((r = ipc_key_sign_encode(&s->out, s->random, transcript)) != 0 ||
	    (r = chan_send(s->hostkey, &s->out, NULL, 0)) != 0 ||
	    (r = chan_recv_timeout(s->hostkey, &s->in, &m, 0, SIGN_MS)) != 0)
		return r;
	if (m.type != IPC_KEY_SIGNED)
		return ERR_TYPE;
	return ipc_key_signed_decode(m.body, signature, error);
}

static int
answer_sign(struct session *s, struct rd body)
{
	char error[IPC_TEXT_MAX] = "", detail[IPC_TEXT_MAX + 64];
	struct span transcript, signature;
	int r;

	/* not the fault of the hostkey process, which would be replaced */
	if (ipc_net_sign_decode(body, &transcript) != 0)
		return internal(s, "certlogin-net sent a malformed request for "
		    "a signature");
	r = ask_hostkey(s, transcript, &signature, error);
	(void)close(s->hostkey);
	s->hostkey = -1;
	if (r == 0 && error[0] == '\0') {
		(void)ipc_net_signed_encode(&s->out, signature);
		return chan_send(s->net, &s->out, NULL, 0);
	}
	if (r == 0) {
		(void)snprintf(detail, sizeof(detail),
		    "host key: signature refused: %s", error);
		return session_refuse(s, 0, IPC_REFUSAL_FAULT, NOT_NOW,
		    detail);
	}
	(void)snprintf(detail, sizeof(detail), "host key process: %s",
	    r == ERR_TIMEOUT ? "no signature within 5 s" : err_text(r));
	return session_refuse(s, 0, IPC_REFUSAL_HOSTKEY, NOT_NOW, detail);
}

/* ---- the verdict --------------------------------------------------------------- */

static int
get_judge(struct session *s)
{
	struct chan_msg m;
	int r;

	(void)ipc_empty_encode(&s->out, IPC_SES_NEED_JUDGE);
	if ((r = chan_send(s->listener, &s->out, NULL, 0)) == 0)
		r = chan_recv_timeout(s->listener, &s->in, &m, 1, LISTENER_MS);
	if (r == 0 && (m.type != IPC_SES_JUDGE || m.n_fds != 1 ||
	    ipc_empty_decode(m.body) != 0)) {
		chan_close_fds(&m);
		r = ERR_TYPE;
	}
	if (r == 0)
		s->judge = m.fds[0];
	return r;
}

static int
ask_judge(struct session *s, const struct ipc_login *l)
{
	struct ipc_judge_login q = { .random = { s->random, IPC_RANDOM_LEN },
	    .transcript = l->transcript,
	    .address = { s->address, s->address_len } };
	struct chan_msg m;
	int r;

	s->verdict.outcome = IPC_OUTCOME_REFUSED;
	memcpy(q.account, l->account, sizeof(q.account));
	memcpy(q.preferred, l->preferred, sizeof(q.preferred));
	/* only now: a stranger without a key costs no judge */
	if ((r = get_judge(s)) != 0)
		return r;
	if ((r = ipc_judge_login_encode(&s->out, &q)) == 0 &&
	    (r = chan_send(s->judge, &s->out, NULL, 0)) == 0 &&
	    (r = chan_recv_timeout(s->judge, &s->in, &m, 0, JUDGE_MS)) == 0)
		r = m.type != IPC_JUDGE_VERDICT ? ERR_TYPE :
		    ipc_verdict_decode(m.body, &s->verdict);
	(void)close(s->judge);
	s->judge = -1;
	if (r != 0)
		s->verdict.outcome = IPC_OUTCOME_REFUSED;
	return r;
}

static int
refuse_judge(struct session *s, int code)
{
	struct why why;

	(void)why_set(&why, code, "judge: %s", code == ERR_TIMEOUT ?
	    "no verdict within 10 s" : err_text(code));
	return internal(s, why.text);
}

/* ---- registration and the answer --------------------------------------------- */

/* What a later judge is to see of this login, the same bytes that were judged
 * now. */
static int
keep_proof(struct session *s, const struct ipc_login *l)
{
	static struct ipc_proof p;
	struct buf b;
	int r;

	p = (struct ipc_proof){ .random = { s->random, IPC_RANDOM_LEN },
	    .transcript = l->transcript, .literal = s->account.privileged,
	    .address = { s->address, s->address_len },
	    .restrictions = s->verdict.restrictions };
	memcpy(p.account, s->account.name, sizeof(p.account));
	memcpy(p.command, s->verdict.command, sizeof(p.command));
	if (s->proof >= 0)
		(void)close(s->proof);
	s->proof = -1;
	buf_init(&b, IPC_PROOF_MAX);
	ipc_proof_put(&b, &p);
	r = buf_err(&b) != 0 ? buf_err(&b) :
	    memfile_make("certlogin-proof", b.data, b.len);
	buf_free(&b);
	if (r < 0)
		return r;
	s->proof = r;
	return 0;
}

static int
register_session(struct session *s, const struct ipc_login *l)
{
	struct chan_msg m;
	int r;

	s->since = (int64_t)time(NULL);
	if ((r = keep_proof(s, l)) != 0 ||
	    (r = session_register(s, s->listener)) != 0 ||
	    (r = chan_recv_timeout(s->listener, &s->in, &m, 0,
	    LISTENER_MS)) != 0)
		return r;
	if (m.type == IPC_SES_STALE)
		return ERR_AGAIN;
	return m.type == IPC_SES_REGISTERED ? ipc_empty_decode(m.body) :
	    ERR_REFUSED;
}

static int
send_success(struct session *s)
{
	static struct ipc_success ok;

	(void)snprintf(ok.account, sizeof(ok.account), "%s", s->account.name);
	(void)snprintf(ok.identity, sizeof(ok.identity), "%s",
	    s->verdict.identity);
	(void)snprintf(ok.banner, sizeof(ok.banner), "%s",
	    pam_banner(s->pam));
	(void)ipc_net_success_encode(&s->out, &ok);
	return chan_send(s->net, &s->out, NULL, 0);
}

/* A certificate that is trusted and mapped, and still may not: the person
 * learns no more than from an account that does not exist. */
static int
refuse_account(struct session *s, const char *detail)
{
	char reason[IPC_TEXT_MAX];
	const char *text = pam_banner(s->pam);

	(void)snprintf(reason, sizeof(reason), "this certificate may not log "
	    "in to that account now%s%.500s", text[0] != '\0' ? ": " : "",
	    text);
	return session_refuse(s, 0, IPC_REFUSAL_ACCOUNT, reason, detail);
}

/* For those who count; alerts of RFC 8446 6, 0 is a trusted certificate that
 * nothing maps. */
static enum ipc_refusal
refusal_of(uint8_t alert)
{
	switch (alert) {
	case 0:
		return IPC_REFUSAL_MAP;
	case 44:
		return IPC_REFUSAL_REVOKED;
	case 45:
		return IPC_REFUSAL_EXPIRED;
	default:
		return IPC_REFUSAL_CERTIFICATE;
	}
}

/* What a verdict must be, whenever it was made. */
static int
check_verdict(struct session *s)
{
	struct why why;

	if (s->verdict.outcome != IPC_OUTCOME_ADMIT &&
	    s->verdict.reason[0] == '\0')
		return internal(s, "judge: a refusal without a reason");
	if (s->verdict.outcome != IPC_OUTCOME_ADMIT)
		return session_refuse(s, s->verdict.alert,
		    refusal_of(s->verdict.alert), s->verdict.reason,
		    s->verdict.detail);
	if (account_check(&s->verdict, s->asked, &s->set, &s->account,
	    &why) != 0)
		return refuse_account(s, why.text);
	return 0;
}

/* The policy changed while PAM was at work: the same proof, judged again, for
 * the account that PAM was asked about. */
static int
judge_again(struct session *s, const struct ipc_login *l)
{
	const struct account before = s->account;
	int r;

	if ((r = ask_judge(s, l)) != 0)
		return refuse_judge(s, r);
	if ((r = check_verdict(s)) != 0)
		return r;
	if (strcmp(before.name, s->account.name) != 0 ||
	    before.uid != s->account.uid)
		return internal(s, "the map changed during the login: it now "
		    "gives another account");
	return 0;
}

/* No registration, no login. */
static int
be_registered(struct session *s, const struct ipc_login *l)
{
	struct why why;
	int r = register_session(s, l);

	for (int i = 0; r == ERR_AGAIN && i < JUDGED_AGAIN_MAX; i++) {
		if ((r = judge_again(s, l)) != 0)
			return r;
		r = register_session(s, l);
	}
	if (r == 0)
		return 0;
	(void)why_set(&why, r, "certlogind did not register the session: %s",
	    r == ERR_AGAIN ? "the policy changed again and again" :
	    err_text(r));
	return internal(s, why.text);
}

/* Everything that stands between a verdict and a login, in order. */
static int
decide(struct session *s, const struct ipc_login *l)
{
	struct why why;
	int r;

	if ((r = check_verdict(s)) != 0)
		return r;
	if (pam_begin(s->pam, &s->account, s->host, &why) != 0)
		return refuse_account(s, why.text);
	if ((r = be_registered(s, l)) != 0)
		return r;
	return send_success(s);
}

/* s->in is needed for answers, so the transcript moves out of it. */
static int
answer_login(struct session *s, struct rd body)
{
	static struct ipc_login l;
	struct buf kept;
	int r = ipc_net_login_decode(body, &l);

	s->verdict.outcome = IPC_OUTCOME_REFUSED;
	if (r != 0)
		return internal(s, "certlogin-net sent a malformed login");
	memcpy(s->asked, l.account, sizeof(s->asked));
	buf_init(&kept, IPC_TRANSCRIPT_MAX);
	buf_put_raw(&kept, l.transcript.p, l.transcript.n);
	l.transcript = (struct span){ kept.data, kept.len };
	if ((r = buf_err(&kept)) != 0)
		r = internal(s, err_text(r));
	else if ((r = ask_judge(s, &l)) != 0)
		r = refuse_judge(s, r);
	else
		r = decide(s, &l);
	buf_free(&kept);
	return r;
}

/* ---- net's messages before success ----------------------------------------- */

const char *
login_failed_text(const struct ipc_net_failed *f, char *dst, size_t size)
{
	static const char *const texts[] = {
		[IPC_FAILED_EOF] = "closed before the handshake was complete",
		[IPC_FAILED_TLS] = "TLS handshake failed",
		[IPC_FAILED_NO_CERT] = "no client certificate",
		[IPC_FAILED_NO_ALPN] = "no ALPN certlogin/1",
		[IPC_FAILED_ALERT] = "the client refused",
		[IPC_FAILED_FRAME] = "malformed or oversized frame",
		[IPC_FAILED_ORDER] = "message out of turn",
		[IPC_FAILED_SIZE] = "handshake too big",
		[IPC_FAILED_USAGE] = "the client's certificate may not sign: "
		    "keyUsage without digitalSignature [RFC 5280 4.2.1.3]",
	};

	(void)snprintf(dst, size, "%s (TLS error %d, alert %u)",
	    texts[f->what], (int)f->gnutls, f->alert);
	return dst;
}

static int
answer_failed(struct session *s, struct rd body)
{
	struct ipc_net_failed f;
	char text[IPC_TEXT_MAX];
	int r = ipc_net_failed_decode(body, &f);

	(void)snprintf(text, sizeof(text), "net: %s", err_text(r));
	return session_refuse(s, 0, r == 0 ? IPC_REFUSAL_HANDSHAKE :
	    IPC_REFUSAL_FAULT, "", r == 0 ?
	    login_failed_text(&f, text, sizeof(text)) : text);
}

/* What net may say, and when: a row is good for one message. */
static const struct {
	uint8_t type;
	bool after_sign;		/* only once a signature was made */
	int (*answer)(struct session *, struct rd);
} rows[] = {
	{ IPC_NET_SIGN, false, answer_sign },
	{ IPC_NET_LOGIN, true, answer_login },
	{ IPC_NET_FAILED, false, answer_failed },
};

/* certlogind keeps the time of a login; without it there is none. */
static int
wait_for_message(const struct session *s)
{
	struct pollfd p[] = {
		{ .fd = s->net, .events = POLLIN },
		{ .fd = s->listener, .events = 0 },
	};

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return ERR_SYS;
	return (p[1].revents & (POLLHUP | POLLERR)) != 0 ? ERR_STATE : 0;
}

static int
one_message(struct session *s, bool *signed_once, bool *done)
{
	struct chan_msg m;
	int r;

	if ((r = wait_for_message(s)) != 0)
		return r;
	r = chan_recv(s->net, &s->in, &m, 0);
	if (r != 0)
		return internal(s, r == ERR_EOF ?
		    "certlogin-net ended before the login" :
		    "certlogin-net sent what is not a message");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].type != m.type ||
		    (m.type == IPC_NET_SIGN && *signed_once) ||
		    (rows[i].after_sign && !*signed_once))
			continue;
		*done = m.type == IPC_NET_LOGIN;
		*signed_once = true;
		return rows[i].answer(s, m.body);
	}
	return internal(s, "certlogin-net sent a message out of turn");
}

int
login_run(struct session *s)
{
	bool signed_once = false, done = false;
	int r = 0;

	while (r == 0 && !done)
		r = one_message(s, &signed_once, &done);
	return r;
}
