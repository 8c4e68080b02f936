#include "proto/ipc.h"

#include <signal.h>
#include <string.h>

#include "base/diag.h"
#include "base/err.h"
#include "proto/chan.h"

/* ---- the host's certificate ---------------------------------------------- */

static bool
scheme_known(uint16_t s)
{
	return s == 0x0403 || s == 0x0503 || s == 0x0807 || s == 0x0804;
}

void
ipc_host_put(struct buf *b, const struct ipc_host *h)
{
	buf_put_u16(b, h->scheme);
	buf_put_u32(b, (uint32_t)h->n);
	for (size_t i = 0; i < h->n; i++)
		buf_put_string(b, h->der[i].p, h->der[i].n);
}

void
ipc_host_get(struct rd *r, struct ipc_host *h)
{
	uint32_t n;

	h->scheme = rd_u16(r);
	n = rd_u32(r);
	h->n = 0;
	if (r->err == 0 && (n < 1 || n > IPC_CHAIN_MAX ||
	    !scheme_known(h->scheme)))
		r->err = ERR_MALFORMED;
	for (uint32_t i = 0; r->err == 0 && i < n; i++)
		h->der[h->n++] = rd_string(r, IPC_CERT_MAX);
}

/* ---- parts ----------------------------------------------------------------- */

static struct span
get_exactly(struct rd *r, size_t n)
{
	struct span s = rd_string(r, n);

	if (r->err == 0 && s.n != n)
		r->err = ERR_MALFORMED;
	return s;
}

static struct span
get_nonempty(struct rd *r, size_t max)
{
	struct span s = rd_string(r, max);

	if (r->err == 0 && s.n == 0)
		r->err = ERR_MALFORMED;
	return s;
}

static size_t
get_count(struct rd *r, size_t max)
{
	uint32_t n = rd_u32(r);

	if (r->err == 0 && n > max)
		r->err = ERR_TOOBIG;
	return r->err == 0 ? n : 0;
}

/* IPv4 or IPv6, network order */
static struct span
get_address(struct rd *r)
{
	struct span s = rd_string(r, 16);

	if (r->err == 0 && s.n != 4 && s.n != 16)
		r->err = ERR_MALFORMED;
	return s;
}

static void
put_window(struct buf *b, const struct ipc_window *w)
{
	buf_put_u32(b, w->columns);
	buf_put_u32(b, w->rows);
	buf_put_u32(b, w->width);
	buf_put_u32(b, w->height);
}

static void
get_window(struct rd *r, struct ipc_window *w)
{
	w->columns = rd_u32(r);
	w->rows = rd_u32(r);
	w->width = rd_u32(r);
	w->height = rd_u32(r);
	if (r->err == 0 && (w->columns > UINT16_MAX || w->rows > UINT16_MAX ||
	    w->width > UINT16_MAX || w->height > UINT16_MAX))
		r->err = ERR_TOOBIG;
}

static void
put_seen(struct buf *b, const struct ipc_seen *s)
{
	buf_put_string(b, s->issuer_key, sizeof(s->issuer_key));
	buf_put_string(b, s->number, s->number_len);
	buf_put_u64(b, (uint64_t)s->this_update);
	buf_put_u64(b, (uint64_t)s->newest);
}

static void
get_seen(struct rd *r, struct ipc_seen *s)
{
	struct span key = get_exactly(r, sizeof(s->issuer_key));
	struct span number = rd_string(r, sizeof(s->number));

	s->this_update = (int64_t)rd_u64(r);
	s->newest = (int64_t)rd_u64(r);
	if (r->err != 0)
		return;
	memcpy(s->issuer_key, key.p, key.n);
	memcpy(s->number, number.p, number.n);
	s->number_len = (uint8_t)number.n;
}

/* ---- net <-> session ------------------------------------------------------- */

int
ipc_net_join_encode(struct buf *b, const uint8_t random[IPC_RANDOM_LEN])
{
	chan_begin(b, IPC_NET_JOIN);
	buf_put_string(b, random, IPC_RANDOM_LEN);
	return buf_err(b);
}

int
ipc_net_join_decode(struct rd r, uint8_t random[IPC_RANDOM_LEN])
{
	struct span s = get_exactly(&r, IPC_RANDOM_LEN);

	if (rd_end(&r) == 0)
		memcpy(random, s.p, IPC_RANDOM_LEN);
	return rd_end(&r);
}

int
ipc_net_sign_encode(struct buf *b, struct span transcript)
{
	chan_begin(b, IPC_NET_SIGN);
	buf_put_string(b, transcript.p, transcript.n);
	return buf_err(b);
}

int
ipc_net_sign_decode(struct rd r, struct span *transcript)
{
	*transcript = get_nonempty(&r, IPC_TRANSCRIPT_MAX);
	return rd_end(&r);
}

int
ipc_net_signed_encode(struct buf *b, struct span signature)
{
	chan_begin(b, IPC_NET_SIGNED);
	buf_put_string(b, signature.p, signature.n);
	return buf_err(b);
}

int
ipc_net_signed_decode(struct rd r, struct span *signature)
{
	*signature = get_nonempty(&r, IPC_SIGNATURE_MAX);
	return rd_end(&r);
}

int
ipc_net_login_encode(struct buf *b, const struct ipc_login *l)
{
	chan_begin(b, IPC_NET_LOGIN);
	buf_put_string(b, l->transcript.p, l->transcript.n);
	buf_put_cstring(b, l->account);
	buf_put_cstring(b, l->preferred);
	return buf_err(b);
}

int
ipc_net_login_decode(struct rd r, struct ipc_login *l)
{
	l->transcript = get_nonempty(&r, IPC_TRANSCRIPT_MAX);
	rd_cstring(&r, l->account, sizeof(l->account));
	rd_cstring(&r, l->preferred, sizeof(l->preferred));
	return rd_end(&r);
}

int
ipc_net_failed_encode(struct buf *b, const struct ipc_net_failed *f)
{
	chan_begin(b, IPC_NET_FAILED);
	buf_put_u8(b, f->what);
	buf_put_u32(b, (uint32_t)f->gnutls);
	buf_put_u8(b, f->alert);
	return buf_err(b);
}

int
ipc_net_failed_decode(struct rd r, struct ipc_net_failed *f)
{
	f->what = rd_u8(&r);
	f->gnutls = (int32_t)rd_u32(&r);
	f->alert = rd_u8(&r);
	if (r.err == 0 && (f->what < IPC_FAILED_EOF ||
	    f->what > IPC_FAILED_USAGE))
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

int
ipc_net_refuse_encode(struct buf *b, const struct ipc_refuse *f)
{
	chan_begin(b, IPC_NET_REFUSE);
	buf_put_u8(b, f->alert);
	buf_put_u64(b, f->reference);
	buf_put_cstring(b, f->reason);
	return buf_err(b);
}

int
ipc_net_refuse_decode(struct rd r, struct ipc_refuse *f)
{
	f->alert = rd_u8(&r);
	f->reference = rd_u64(&r);
	rd_cstring(&r, f->reason, sizeof(f->reason));
	return rd_end(&r);
}

int
ipc_net_success_encode(struct buf *b, const struct ipc_success *s)
{
	chan_begin(b, IPC_NET_SUCCESS);
	buf_put_cstring(b, s->account);
	buf_put_cstring(b, s->identity);
	buf_put_cstring(b, s->banner);
	return buf_err(b);
}

int
ipc_net_success_decode(struct rd r, struct ipc_success *s)
{
	rd_cstring(&r, s->account, sizeof(s->account));
	rd_cstring(&r, s->identity, sizeof(s->identity));
	rd_cstring(&r, s->banner, sizeof(s->banner));
	return rd_end(&r);
}

int
ipc_net_start_encode(struct buf *b, const struct ipc_start *s)
{
	chan_begin(b, IPC_NET_START);
	buf_put_u32(b, s->channel);
	buf_put_u8(b, s->kind);
	buf_put_bool(b, s->pty);
	put_window(b, &s->window);
	buf_put_string(b, s->opaque.p, s->opaque.n);
	return buf_err(b);
}

int
ipc_net_start_decode(struct rd r, struct ipc_start *s)
{
	s->channel = rd_u32(&r);
	s->kind = rd_u8(&r);
	s->pty = rd_bool(&r);
	get_window(&r, &s->window);
	s->opaque = rd_string(&r, IPC_START_MAX);
	if (r.err == 0 && (s->kind < IPC_START_SHELL ||
	    s->kind > IPC_START_SUBSYSTEM))
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

static int
channel_encode(struct buf *b, uint8_t type, uint32_t channel)
{
	chan_begin(b, type);
	buf_put_u32(b, channel);
	return buf_err(b);
}

static int
channel_decode(struct rd r, uint32_t *channel)
{
	*channel = rd_u32(&r);
	return rd_end(&r);
}

int
ipc_net_started_encode(struct buf *b, uint32_t channel)
{
	return channel_encode(b, IPC_NET_STARTED, channel);
}

int
ipc_net_started_decode(struct rd r, uint32_t *channel)
{
	return channel_decode(r, channel);
}

int
ipc_net_closed_encode(struct buf *b, uint32_t channel)
{
	return channel_encode(b, IPC_NET_CLOSED, channel);
}

int
ipc_net_closed_decode(struct rd r, uint32_t *channel)
{
	return channel_decode(r, channel);
}

int
ipc_net_not_started_encode(struct buf *b, uint32_t channel,
    const char *reason)
{
	chan_begin(b, IPC_NET_NOT_STARTED);
	buf_put_u32(b, channel);
	buf_put_cstring(b, reason);
	return buf_err(b);
}

int
ipc_net_not_started_decode(struct rd r, uint32_t *channel,
    char reason[IPC_TEXT_MAX])
{
	*channel = rd_u32(&r);
	rd_cstring(&r, reason, IPC_TEXT_MAX);
	return rd_end(&r);
}

int
ipc_net_winch_encode(struct buf *b, uint32_t channel,
    const struct ipc_window *w)
{
	chan_begin(b, IPC_NET_WINCH);
	buf_put_u32(b, channel);
	put_window(b, w);
	return buf_err(b);
}

int
ipc_net_winch_decode(struct rd r, uint32_t *channel, struct ipc_window *w)
{
	*channel = rd_u32(&r);
	get_window(&r, w);
	return rd_end(&r);
}

/* RFC 4254 section 6.10, and what else a person's keyboard or a supervisor
 * sends. */
const struct ipc_signal ipc_signals[] = {
	{ "ABRT", SIGABRT }, { "ALRM", SIGALRM }, { "FPE", SIGFPE },
	{ "HUP", SIGHUP }, { "ILL", SIGILL }, { "INT", SIGINT },
	{ "KILL", SIGKILL }, { "PIPE", SIGPIPE }, { "QUIT", SIGQUIT },
	{ "SEGV", SIGSEGV }, { "TERM", SIGTERM }, { "USR1", SIGUSR1 },
	{ "USR2", SIGUSR2 }, { "BUS", SIGBUS }, { "TRAP", SIGTRAP },
	{ "SYS", SIGSYS }, { "XCPU", SIGXCPU }, { "XFSZ", SIGXFSZ },
	{ "STOP", SIGSTOP }, { "TSTP", SIGTSTP }, { "CONT", SIGCONT },
	{ "WINCH", SIGWINCH }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF },
	{ "IO", SIGIO }, { "PWR", SIGPWR }, { NULL, 0 },
};
#define N_SIGNALS (sizeof(ipc_signals) / sizeof(ipc_signals[0]) - 1)

int
ipc_signal_by_number(int number)
{
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (ipc_signals[i].number == number)
			return (int)i;
	return -1;
}

int
ipc_signal_by_name(const char *name)
{
	for (size_t i = 0; i < N_SIGNALS; i++)
		if (strcmp(ipc_signals[i].name, name) == 0)
			return (int)i;
	return -1;
}

int
ipc_net_signal_encode(struct buf *b, uint32_t channel, uint8_t index)
{
	chan_begin(b, IPC_NET_SIGNAL);
	buf_put_u32(b, channel);
	buf_put_u8(b, index);
	return buf_err(b);
}

int
ipc_net_signal_decode(struct rd r, uint32_t *channel, uint8_t *index)
{
	*channel = rd_u32(&r);
	*index = rd_u8(&r);
	if (r.err == 0 && *index >= N_SIGNALS)
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

int
ipc_net_exited_encode(struct buf *b, const struct ipc_exited *e)
{
	chan_begin(b, IPC_NET_EXITED);
	buf_put_u32(b, e->channel);
	buf_put_bool(b, e->by_signal);
	buf_put_u32(b, e->status);
	buf_put_bool(b, e->core);
	return buf_err(b);
}

int
ipc_net_exited_decode(struct rd r, struct ipc_exited *e)
{
	e->channel = rd_u32(&r);
	e->by_signal = rd_bool(&r);
	e->status = rd_u32(&r);
	e->core = rd_bool(&r);
	if (r.err == 0 && e->status >= (e->by_signal ? N_SIGNALS : 256))
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

/* A line of text, used by several types: string text */
int
ipc_text_encode(struct buf *b, uint8_t type, const char *text)
{
	chan_begin(b, type);
	buf_put_cstring(b, text);
	return buf_err(b);
}

int
ipc_text_decode(struct rd r, char text[IPC_TEXT_MAX])
{
	rd_cstring(&r, text, IPC_TEXT_MAX);
	return rd_end(&r);
}

int
ipc_empty_encode(struct buf *b, uint8_t type)
{
	chan_begin(b, type);
	return buf_err(b);
}

int
ipc_empty_decode(struct rd r)
{
	return rd_end(&r);
}

/* ---- session <-> judge ----------------------------------------------------- */

int
ipc_judge_login_encode(struct buf *b, const struct ipc_judge_login *l)
{
	chan_begin(b, IPC_JUDGE_LOGIN);
	buf_put_string(b, l->random.p, l->random.n);
	buf_put_string(b, l->transcript.p, l->transcript.n);
	buf_put_cstring(b, l->account);
	buf_put_cstring(b, l->preferred);
	buf_put_string(b, l->address.p, l->address.n);
	return buf_err(b);
}

int
ipc_judge_login_decode(struct rd r, struct ipc_judge_login *l)
{
	l->random = get_exactly(&r, IPC_RANDOM_LEN);
	l->transcript = get_nonempty(&r, IPC_TRANSCRIPT_MAX);
	rd_cstring(&r, l->account, sizeof(l->account));
	rd_cstring(&r, l->preferred, sizeof(l->preferred));
	l->address = get_address(&r);
	return rd_end(&r);
}

int
ipc_verdict_encode(struct buf *b, const struct ipc_verdict *v)
{
	chan_begin(b, IPC_JUDGE_VERDICT);
	buf_put_u8(b, v->outcome);
	buf_put_u8(b, v->alert);
	buf_put_bool(b, v->captured);
	buf_put_u32(b, v->rule_line);
	buf_put_u32(b, v->restrictions);
	buf_put_u64(b, (uint64_t)v->expires);
	buf_put_u64(b, v->policy);
	buf_put_cstring(b, v->account);
	buf_put_cstring(b, v->authority);
	buf_put_cstring(b, v->identity);
	buf_put_cstring(b, v->issuer);
	buf_put_cstring(b, v->serial);
	buf_put_cstring(b, v->command);
	buf_put_cstring(b, v->reason);
	buf_put_cstring(b, v->detail);
	return buf_err(b);
}

int
ipc_verdict_decode(struct rd r, struct ipc_verdict *v)
{
	v->outcome = IPC_OUTCOME_REFUSED;
	uint8_t outcome = rd_u8(&r);

	v->alert = rd_u8(&r);
	v->captured = rd_bool(&r);
	v->rule_line = rd_u32(&r);
	v->restrictions = rd_u32(&r);
	v->expires = (int64_t)rd_u64(&r);
	v->policy = rd_u64(&r);
	rd_cstring(&r, v->account, sizeof(v->account));
	rd_cstring(&r, v->authority, sizeof(v->authority));
	rd_cstring(&r, v->identity, sizeof(v->identity));
	rd_cstring(&r, v->issuer, sizeof(v->issuer));
	rd_cstring(&r, v->serial, sizeof(v->serial));
	rd_cstring(&r, v->command, sizeof(v->command));
	rd_cstring(&r, v->reason, sizeof(v->reason));
	rd_cstring(&r, v->detail, sizeof(v->detail));
	if (r.err == 0 && ((outcome != IPC_OUTCOME_REFUSED &&
	    outcome != IPC_OUTCOME_ADMIT) ||
	    (v->restrictions & ~(uint32_t)IPC_RESTRICT_ALL) != 0))
		r.err = ERR_MALFORMED;
	if (rd_end(&r) == 0)
		v->outcome = outcome;
	return rd_end(&r);
}

/* ---- certlogin-map <-> judge --------------------------------------------------- */

int
ipc_test_encode(struct buf *b, const struct ipc_test *t)
{
	chan_begin(b, IPC_JUDGE_TEST);
	buf_put_cstring(b, t->skip);
	buf_put_bool(b, t->verify_only);
	buf_put_bool(b, t->server);
	buf_put_cstring(b, t->host);
	buf_put_u64(b, (uint64_t)t->now);
	buf_put_cstring(b, t->account);
	buf_put_cstring(b, t->service);
	buf_put_string(b, t->address.p, t->address.n);
	return buf_err(b);
}

int
ipc_test_decode(struct rd r, struct ipc_test *t)
{
	rd_cstring(&r, t->skip, sizeof(t->skip));
	t->verify_only = rd_bool(&r);
	t->server = rd_bool(&r);
	rd_cstring(&r, t->host, sizeof(t->host));
	t->now = (int64_t)rd_u64(&r);
	rd_cstring(&r, t->account, sizeof(t->account));
	rd_cstring(&r, t->service, sizeof(t->service));
	t->address = rd_string(&r, 16);
	if (r.err == 0 && t->address.n != 0 && t->address.n != 4 &&
	    t->address.n != 16)
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

static void
put_check(struct buf *b, const struct ipc_check *c)
{
	buf_put_cstring(b, c->name);
	buf_put_cstring(b, c->section);
	buf_put_u8(b, c->result);
	buf_put_cstring(b, c->text);
}

/* For the admin's terminal, where a captured judge is to reach nothing.  What
 * the admin asked for and is not printable comes back in these texts, too. */
static void
get_shown(struct rd *r, char *dst, size_t size)
{
	rd_cstring(r, dst, size);
	for (char *p = dst; *p != '\0'; p++)
		if ((*p < 0x20 || *p > 0x7e) && *p != '\t')
			*p = '?';
}

static void
get_check(struct rd *r, struct ipc_check *c)
{
	get_shown(r, c->name, sizeof(c->name));
	get_shown(r, c->section, sizeof(c->section));
	c->result = rd_u8(r);
	get_shown(r, c->text, sizeof(c->text));
	if (r->err == 0 && c->result > IPC_CHECK_FAILED)
		r->err = ERR_MALFORMED;
}

/* The trust checks' part. */
static void
put_verified(struct buf *b, const struct ipc_tested *t)
{
	buf_put_cstring(b, t->problem);
	buf_put_bool(b, t->accepted);
	buf_put_u8(b, t->failed);
	buf_put_u32(b, (uint32_t)t->n);
	for (size_t i = 0; i < t->n; i++)
		put_check(b, &t->check[i]);
	buf_put_cstring(b, t->reason);
	buf_put_cstring(b, t->detail);
	buf_put_cstring(b, t->authority);
	buf_put_cstring(b, t->subject);
	buf_put_cstring(b, t->issuer);
	buf_put_cstring(b, t->serial);
	buf_put_cstring(b, t->spki);
	buf_put_cstring(b, t->cert);
	buf_put_u64(b, (uint64_t)t->not_before);
	buf_put_u64(b, (uint64_t)t->not_after);
	buf_put_u32(b, (uint32_t)t->n_names);
	for (size_t i = 0; i < t->n_names; i++)
		buf_put_cstring(b, t->name[i]);
	buf_put_u32(b, (uint32_t)t->n_points);
	for (size_t i = 0; i < t->n_points; i++)
		buf_put_cstring(b, t->point[i]);
	buf_put_cstring(b, t->points_problem);
	buf_put_u64(b, (uint64_t)t->expires);
}

static void
get_verified(struct rd *r, struct ipc_tested *t)
{
	get_shown(r, t->problem, sizeof(t->problem));
	t->accepted = rd_bool(r);
	t->failed = rd_u8(r);
	t->n = get_count(r, IPC_CHECKS_MAX);
	for (size_t i = 0; r->err == 0 && i < t->n; i++)
		get_check(r, &t->check[i]);
	get_shown(r, t->reason, sizeof(t->reason));
	get_shown(r, t->detail, sizeof(t->detail));
	get_shown(r, t->authority, sizeof(t->authority));
	get_shown(r, t->subject, sizeof(t->subject));
	get_shown(r, t->issuer, sizeof(t->issuer));
	get_shown(r, t->serial, sizeof(t->serial));
	get_shown(r, t->spki, sizeof(t->spki));
	get_shown(r, t->cert, sizeof(t->cert));
	t->not_before = (int64_t)rd_u64(r);
	t->not_after = (int64_t)rd_u64(r);
	t->n_names = get_count(r, IPC_NAMES_MAX);
	for (size_t i = 0; r->err == 0 && i < t->n_names; i++)
		get_shown(r, t->name[i], sizeof(t->name[i]));
	t->n_points = get_count(r, IPC_POINTS_MAX);
	for (size_t i = 0; r->err == 0 && i < t->n_points; i++)
		get_shown(r, t->point[i], sizeof(t->point[i]));
	get_shown(r, t->points_problem, sizeof(t->points_problem));
	t->expires = (int64_t)rd_u64(r);
}

int
ipc_tested_encode(struct buf *b, const struct ipc_tested *t)
{
	chan_begin(b, IPC_JUDGE_TESTED);
	put_verified(b, t);
	buf_put_bool(b, t->decided);
	buf_put_bool(b, t->allowed);
	buf_put_cstring(b, t->why);
	buf_put_cstring(b, t->text);
	buf_put_cstring(b, t->advice);
	buf_put_u32(b, t->rule_line);
	buf_put_cstring(b, t->account);
	buf_put_bool(b, t->captured);
	buf_put_cstring(b, t->identity);
	buf_put_u32(b, t->restrictions);
	buf_put_cstring(b, t->command);
	buf_put_u64(b, (uint64_t)t->until);
	return buf_err(b);
}

int
ipc_tested_decode(struct rd r, struct ipc_tested *t)
{
	bool accepted, allowed;

	get_verified(&r, t);
	accepted = t->accepted;
	t->decided = rd_bool(&r);
	allowed = rd_bool(&r);
	t->accepted = t->allowed = false;
	get_shown(&r, t->why, sizeof(t->why));
	get_shown(&r, t->text, sizeof(t->text));
	get_shown(&r, t->advice, sizeof(t->advice));
	t->rule_line = rd_u32(&r);
	get_shown(&r, t->account, sizeof(t->account));
	t->captured = rd_bool(&r);
	get_shown(&r, t->identity, sizeof(t->identity));
	t->restrictions = rd_u32(&r);
	get_shown(&r, t->command, sizeof(t->command));
	t->until = (int64_t)rd_u64(&r);
	if (r.err == 0 && ((t->n > 0 && t->failed >= t->n) ||
	    (t->restrictions & ~(uint32_t)IPC_RESTRICT_ALL) != 0))
		r.err = ERR_MALFORMED;
	if (rd_end(&r) == 0) {
		t->accepted = accepted && t->problem[0] == '\0';
		t->allowed = allowed && t->decided && t->accepted;
	}
	return rd_end(&r);
}

/* ---- certlogind <-> judge of a review -------------------------------------- */

int
ipc_review_encode(struct buf *b, uint64_t session)
{
	chan_begin(b, IPC_JUDGE_REVIEW);
	buf_put_u64(b, session);
	return buf_err(b);
}

int
ipc_review_decode(struct rd r, uint64_t *session)
{
	*session = rd_u64(&r);
	return rd_end(&r);
}

int
ipc_reviewed_encode(struct buf *b, const struct ipc_reviewed *v)
{
	chan_begin(b, IPC_JUDGE_REVIEWED);
	buf_put_u64(b, v->session);
	buf_put_u8(b, v->outcome);
	buf_put_u8(b, v->why);
	buf_put_u32(b, v->rule_line);
	buf_put_u64(b, (uint64_t)v->expires);
	buf_put_cstring(b, v->reason);
	buf_put_cstring(b, v->detail);
	return buf_err(b);
}

static bool
review_fits(uint8_t outcome, const struct ipc_reviewed *v)
{
	switch (outcome) {
	case IPC_REVIEW_END:
		return v->why != IPC_REVIEW_STANDS &&
		    v->why < IPC_REVIEW_WHYS && v->reason[0] != '\0' &&
		    v->detail[0] != '\0';
	case IPC_REVIEW_KEEP:
		return v->why == IPC_REVIEW_STANDS && v->reason[0] == '\0' &&
		    v->detail[0] == '\0' && v->expires >= 0;
	case IPC_REVIEW_NONE:
		return v->why == IPC_REVIEW_STANDS && v->reason[0] == '\0' &&
		    v->detail[0] != '\0';
	default:
		return false;
	}
}

int
ipc_reviewed_decode(struct rd r, struct ipc_reviewed *v)
{
	uint8_t outcome;

	v->outcome = IPC_REVIEW_NONE;
	v->session = rd_u64(&r);
	outcome = rd_u8(&r);
	v->why = rd_u8(&r);
	v->rule_line = rd_u32(&r);
	v->expires = (int64_t)rd_u64(&r);
	rd_cstring(&r, v->reason, sizeof(v->reason));
	rd_cstring(&r, v->detail, sizeof(v->detail));
	if (r.err == 0 && !review_fits(outcome, v))
		r.err = ERR_MALFORMED;
	if (rd_end(&r) == 0)
		v->outcome = outcome;
	return rd_end(&r);
}

const char *
ipc_review_why_name(uint8_t why)
{
	static const char *const names[IPC_REVIEW_WHYS] = {
		[IPC_REVIEW_STANDS] = "stands",
		[IPC_REVIEW_REVOKED] = "revoked",
		[IPC_REVIEW_LOCKED] = "locked",
		[IPC_REVIEW_DENIED] = "denied",
		[IPC_REVIEW_NO_RULE] = "no-rule",
		[IPC_REVIEW_EXPIRED] = "expired",
		[IPC_REVIEW_UNTRUSTED] = "untrusted",
		[IPC_REVIEW_RESTRICTED] = "restricted",
		[IPC_REVIEW_STALE] = "stale",
	};

	return why < IPC_REVIEW_WHYS ? names[why] : "?";
}

/* ---- load ------------------------------------------------------------------ */

void
ipc_seen_put(struct buf *b, const struct ipc_seen *s, size_t n)
{
	buf_put_u32(b, (uint32_t)n);
	for (size_t i = 0; i < n; i++)
		put_seen(b, &s[i]);
}

void
ipc_seen_get(struct rd *r, struct ipc_seen s[IPC_LOAD_SEEN_MAX], size_t *n)
{
	*n = get_count(r, IPC_LOAD_SEEN_MAX);
	for (size_t i = 0; r->err == 0 && i < *n; i++)
		get_seen(r, &s[i]);
}

int
ipc_load_begin_encode(struct buf *b, const struct ipc_load_begin *l)
{
	chan_begin(b, IPC_LOAD_BEGIN);
	buf_put_u64(b, l->policy);
	buf_put_cstring(b, l->trust);
	buf_put_cstring(b, l->map);
	buf_put_cstring(b, l->locks);
	ipc_seen_put(b, l->seen, l->n_seen);
	return buf_err(b);
}

int
ipc_load_begin_decode(struct rd r, struct ipc_load_begin *l)
{
	l->policy = rd_u64(&r);
	rd_cstring(&r, l->trust, sizeof(l->trust));
	rd_cstring(&r, l->map, sizeof(l->map));
	rd_cstring(&r, l->locks, sizeof(l->locks));
	ipc_seen_get(&r, l->seen, &l->n_seen);
	return rd_end(&r);
}

int
ipc_load_want_encode(struct buf *b, const struct ipc_load_want *w)
{
	chan_begin(b, IPC_LOAD_WANT);
	buf_put_u32(b, (uint32_t)w->n);
	for (size_t i = 0; i < w->n; i++) {
		buf_put_cstring(b, w->path[i]);
		buf_put_bool(b, w->crl[i]);
	}
	return buf_err(b);
}

int
ipc_load_want_decode(struct rd r, struct ipc_load_want *w)
{
	w->n = get_count(&r, IPC_LOAD_FILES_MAX);
	for (size_t i = 0; r.err == 0 && i < w->n; i++) {
		rd_cstring(&r, w->path[i], sizeof(w->path[i]));
		w->crl[i] = rd_bool(&r);
	}
	return rd_end(&r);
}

int
ipc_load_files_encode(struct buf *b, const struct ipc_load_files *f)
{
	chan_begin(b, IPC_LOAD_FILES);
	buf_put_u32(b, (uint32_t)f->n);
	for (size_t i = 0; i < f->n; i++) {
		buf_put_bool(b, f->file[i].opened);
		buf_put_cstring(b, f->file[i].error);
	}
	return buf_err(b);
}

int
ipc_load_files_decode(struct rd r, struct ipc_load_files *f)
{
	f->n = get_count(&r, IPC_LOAD_FILES_MAX);
	for (size_t i = 0; r.err == 0 && i < f->n; i++) {
		f->file[i].opened = rd_bool(&r);
		rd_cstring(&r, f->file[i].error, sizeof(f->file[i].error));
	}
	return rd_end(&r);
}

/* string name; byte class; uint32 anchors; int64 expiry; bool has_crl; seen;
 * int64 nextUpdate; uint32 revoked; string problem; bool missing, carried;
 * uint32 n; n strings key */
static void
put_authority(struct buf *b, const struct ipc_authority *a)
{
	buf_put_cstring(b, a->name);
	buf_put_u8(b, a->class);
	buf_put_u32(b, a->anchors);
	buf_put_u64(b, (uint64_t)a->anchors_expire);
	buf_put_bool(b, a->has_crl);
	put_seen(b, &a->crl);
	buf_put_u64(b, (uint64_t)a->next_update);
	buf_put_u32(b, a->revoked);
	buf_put_cstring(b, a->crl_problem);
	buf_put_bool(b, a->crl_missing);
	buf_put_bool(b, a->crl_carried);
	buf_put_u32(b, (uint32_t)a->n_keys);
	for (size_t i = 0; i < a->n_keys; i++)
		buf_put_string(b, a->key[i], sizeof(a->key[i]));
}

static void
get_authority(struct rd *r, struct ipc_authority *a)
{
	rd_cstring(r, a->name, sizeof(a->name));
	a->class = rd_u8(r);
	a->anchors = rd_u32(r);
	a->anchors_expire = (int64_t)rd_u64(r);
	a->has_crl = rd_bool(r);
	get_seen(r, &a->crl);
	a->next_update = (int64_t)rd_u64(r);
	a->revoked = rd_u32(r);
	rd_cstring(r, a->crl_problem, sizeof(a->crl_problem));
	a->crl_missing = rd_bool(r);
	a->crl_carried = rd_bool(r);
	if (r->err == 0 && (a->crl_missing || a->crl_carried) !=
	    (a->crl_problem[0] != '\0'))
		r->err = ERR_MALFORMED;
	a->n_keys = get_count(r, IPC_KEYS_MAX);
	for (size_t i = 0; r->err == 0 && i < a->n_keys; i++) {
		struct span key = get_exactly(r, sizeof(a->key[i]));

		if (r->err == 0)
			memcpy(a->key[i], key.p, key.n);
	}
}

static void
put_ending(struct buf *b, const struct ipc_load_done *l)
{
	buf_put_u32(b, (uint32_t)l->n_ending);
	for (size_t i = 0; i < l->n_ending; i++) {
		buf_put_u32(b, l->ending[i].line);
		buf_put_u64(b, (uint64_t)l->ending[i].until);
	}
}

static void
get_ending(struct rd *r, struct ipc_load_done *l)
{
	l->n_ending = get_count(r, IPC_LOAD_ENDING_MAX);
	for (size_t i = 0; r->err == 0 && i < l->n_ending; i++) {
		l->ending[i].line = rd_u32(r);
		l->ending[i].until = (int64_t)rd_u64(r);
	}
}

int
ipc_load_done_encode(struct buf *b, const struct ipc_load_done *l,
    const struct diag *d)
{
	chan_begin(b, IPC_LOAD_DONE);
	buf_put_bool(b, l->ok);
	buf_put_u32(b, l->rules);
	buf_put_u32(b, l->locks);
	buf_put_u64(b, (uint64_t)l->again);
	put_ending(b, l);
	buf_put_u32(b, (uint32_t)l->n);
	for (size_t i = 0; i < l->n; i++)
		put_authority(b, &l->authority[i]);
	ipc_seen_put(b, l->seen, l->n_seen);
	diag_encode(d, b);
	return buf_err(b);
}

int
ipc_load_done_decode(struct rd r, struct ipc_load_done *l, struct diag *d)
{
	bool ok = rd_bool(&r);

	l->ok = false;
	l->rules = rd_u32(&r);
	l->locks = rd_u32(&r);
	l->again = (int64_t)rd_u64(&r);
	get_ending(&r, l);
	l->n = get_count(&r, IPC_LOAD_AUTHORITIES_MAX);
	for (size_t i = 0; r.err == 0 && i < l->n; i++)
		get_authority(&r, &l->authority[i]);
	ipc_seen_get(&r, l->seen, &l->n_seen);
	if (r.err == 0)
		(void)diag_decode(&r, d);
	if (rd_end(&r) == 0)
		l->ok = ok;
	return rd_end(&r);
}

static void
put_time(struct buf *b, const struct timespec *t)
{
	buf_put_u64(b, (uint64_t)t->tv_sec);
	buf_put_u32(b, (uint32_t)t->tv_nsec);
}

static struct timespec
get_time(struct rd *r)
{
	struct timespec t = { .tv_sec = (time_t)rd_u64(r) };

	t.tv_nsec = rd_u32(r);
	return t;
}

void
ipc_sources_put(struct buf *b, const struct ipc_sources *s)
{
	buf_put_u32(b, (uint32_t)s->n);
	for (size_t i = 0; i < s->n; i++) {
		const struct path_mark *m = &s->source[i].state.mark;

		buf_put_cstring(b, s->source[i].path);
		buf_put_u8(b, s->source[i].flags);
		buf_put_bool(b, s->source[i].crl);
		buf_put_bool(b, s->source[i].state.opened);
		buf_put_u64(b, m->dev);
		buf_put_u64(b, m->ino);
		buf_put_u64(b, (uint64_t)m->size);
		put_time(b, &m->mtime);
		put_time(b, &m->ctime);
	}
}

void
ipc_sources_get(struct rd *r, struct ipc_sources *s)
{
	s->n = get_count(r, IPC_SOURCES_MAX);
	for (size_t i = 0; r->err == 0 && i < s->n; i++) {
		struct path_mark *m = &s->source[i].state.mark;

		rd_cstring(r, s->source[i].path, sizeof(s->source[i].path));
		s->source[i].flags = rd_u8(r);
		s->source[i].crl = rd_bool(r);
		s->source[i].state.opened = rd_bool(r);
		m->dev = rd_u64(r);
		m->ino = rd_u64(r);
		m->size = (off_t)rd_u64(r);
		m->mtime = get_time(r);
		m->ctime = get_time(r);
	}
}

int
ipc_load_sources_encode(struct buf *b, const struct ipc_sources *s)
{
	chan_begin(b, IPC_LOAD_SOURCES);
	ipc_sources_put(b, s);
	return buf_err(b);
}

int
ipc_load_sources_decode(struct rd r, struct ipc_sources *s)
{
	ipc_sources_get(&r, s);
	return rd_end(&r);
}

int
ipc_sources_add(struct ipc_sources *s, const char *path, int flags, int fd)
{
	struct ipc_source *e = &s->source[s->n];

	if (s->n == IPC_SOURCES_MAX || strlen(path) >= sizeof(e->path))
		return ERR_TOOBIG;
	memcpy(e->path, path, strlen(path) + 1);
	e->flags = (uint8_t)flags;
	e->crl = false;
	path_state_of(fd, path, &e->state);
	s->n++;
	return 0;
}

/* ---- hostkey --------------------------------------------------------------- */

int
ipc_key_sign_encode(struct buf *b, const uint8_t random[IPC_RANDOM_LEN],
    struct span transcript)
{
	chan_begin(b, IPC_KEY_SIGN);
	buf_put_string(b, random, IPC_RANDOM_LEN);
	buf_put_string(b, transcript.p, transcript.n);
	return buf_err(b);
}

int
ipc_key_sign_decode(struct rd r, struct span *random,
    struct span *transcript)
{
	*random = get_exactly(&r, IPC_RANDOM_LEN);
	*transcript = get_nonempty(&r, IPC_TRANSCRIPT_MAX);
	return rd_end(&r);
}

int
ipc_key_signed_encode(struct buf *b, struct span signature,
    const char *error)
{
	chan_begin(b, IPC_KEY_SIGNED);
	buf_put_string(b, signature.p, signature.n);
	buf_put_cstring(b, error);
	return buf_err(b);
}

int
ipc_key_signed_decode(struct rd r, struct span *signature,
    char error[IPC_TEXT_MAX])
{
	*signature = rd_string(&r, IPC_SIGNATURE_MAX);
	rd_cstring(&r, error, IPC_TEXT_MAX);
	/* exactly one of them */
	if (r.err == 0 && (signature->n == 0) == (error[0] == '\0'))
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

int
ipc_key_channel_encode(struct buf *b, struct span source)
{
	chan_begin(b, IPC_KEY_CHANNEL);
	buf_put_string(b, source.p, source.n);
	return buf_err(b);
}

int
ipc_key_channel_decode(struct rd r, struct span *source)
{
	*source = get_nonempty(&r, 16);
	return rd_end(&r);
}

int
ipc_key_ready_encode(struct buf *b, const struct ipc_host *h,
    int64_t not_after)
{
	chan_begin(b, IPC_KEY_READY);
	ipc_host_put(b, h);
	buf_put_u64(b, (uint64_t)not_after);
	return buf_err(b);
}

int
ipc_key_ready_decode(struct rd r, struct ipc_host *h, int64_t *not_after)
{
	ipc_host_get(&r, h);
	*not_after = (int64_t)rd_u64(&r);
	return rd_end(&r);
}

/* ---- session <-> certlogind -------------------------------------------------- */

int
ipc_ses_join_encode(struct buf *b, const struct ipc_ses_join *j)
{
	chan_begin(b, IPC_SES_JOIN);
	buf_put_u64(b, j->reference);
	buf_put_string(b, j->address.p, j->address.n);
	buf_put_u16(b, j->port);
	return buf_err(b);
}

int
ipc_ses_join_decode(struct rd r, struct ipc_ses_join *j)
{
	j->reference = rd_u64(&r);
	j->address = get_address(&r);
	j->port = rd_u16(&r);
	return rd_end(&r);
}

int
ipc_register_encode(struct buf *b, const struct ipc_register *g)
{
	chan_begin(b, IPC_SES_REGISTER);
	buf_put_u64(b, g->reference);
	buf_put_u64(b, g->policy);
	buf_put_u64(b, (uint64_t)g->since);
	buf_put_u64(b, (uint64_t)g->expires);
	buf_put_u32(b, g->pid);
	buf_put_u32(b, g->rule_line);
	buf_put_u16(b, g->port);
	buf_put_cstring(b, g->account);
	buf_put_cstring(b, g->identity);
	buf_put_cstring(b, g->issuer);
	buf_put_cstring(b, g->serial);
	buf_put_cstring(b, g->address);
	buf_put_cstring(b, g->tty);
	return buf_err(b);
}

/* It is printed as it is. */
static bool
tty_form(const char *tty)
{
	for (; *tty != '\0'; tty++)
		if ((*tty < 'a' || *tty > 'z') && (*tty < 'A' || *tty > 'Z') &&
		    (*tty < '0' || *tty > '9') && *tty != '/')
			return false;
	return true;
}

int
ipc_register_decode(struct rd r, struct ipc_register *g)
{
	g->reference = rd_u64(&r);
	g->policy = rd_u64(&r);
	g->since = (int64_t)rd_u64(&r);
	g->expires = (int64_t)rd_u64(&r);
	g->pid = rd_u32(&r);
	g->rule_line = rd_u32(&r);
	g->port = rd_u16(&r);
	rd_cstring(&r, g->account, sizeof(g->account));
	rd_cstring(&r, g->identity, sizeof(g->identity));
	rd_cstring(&r, g->issuer, sizeof(g->issuer));
	rd_cstring(&r, g->serial, sizeof(g->serial));
	rd_cstring(&r, g->address, sizeof(g->address));
	rd_cstring(&r, g->tty, sizeof(g->tty));
	if (r.err == 0 && !tty_form(g->tty))
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

int
ipc_ses_tty_encode(struct buf *b, const char *tty)
{
	chan_begin(b, IPC_SES_TTY);
	buf_put_cstring(b, tty);
	return buf_err(b);
}

int
ipc_ses_tty_decode(struct rd r, char tty[IPC_TTY_MAX])
{
	char name[IPC_TTY_MAX];

	rd_cstring(&r, name, sizeof(name));
	if (r.err == 0 && (name[0] == '\0' || !tty_form(name)))
		r.err = ERR_MALFORMED;
	if (rd_end(&r) == 0)
		memcpy(tty, name, sizeof(name));
	return rd_end(&r);
}

void
ipc_proof_put(struct buf *b, const struct ipc_proof *p)
{
	buf_put_string(b, p->random.p, p->random.n);
	buf_put_string(b, p->transcript.p, p->transcript.n);
	buf_put_cstring(b, p->account);
	buf_put_bool(b, p->literal);
	buf_put_string(b, p->address.p, p->address.n);
	buf_put_u32(b, p->restrictions);
	buf_put_cstring(b, p->command);
}

int
ipc_proof_get(struct rd r, struct ipc_proof *p)
{
	p->random = get_exactly(&r, IPC_RANDOM_LEN);
	p->transcript = get_nonempty(&r, IPC_TRANSCRIPT_MAX);
	rd_cstring(&r, p->account, sizeof(p->account));
	p->literal = rd_bool(&r);
	p->address = get_address(&r);
	p->restrictions = rd_u32(&r);
	rd_cstring(&r, p->command, sizeof(p->command));
	if (r.err == 0 && (p->account[0] == '\0' ||
	    (p->restrictions & ~(uint32_t)IPC_RESTRICT_ALL) != 0))
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

int
ipc_ses_refused_encode(struct buf *b, const struct ipc_ses_refused *f)
{
	chan_begin(b, IPC_SES_REFUSED);
	buf_put_u8(b, f->kind);
	buf_put_cstring(b, f->account);
	buf_put_cstring(b, f->reason);
	buf_put_cstring(b, f->detail);
	return buf_err(b);
}

int
ipc_ses_refused_decode(struct rd r, struct ipc_ses_refused *f)
{
	int e;

	f->kind = rd_u8(&r);
	rd_cstring(&r, f->account, sizeof(f->account));
	rd_cstring(&r, f->reason, sizeof(f->reason));
	rd_cstring(&r, f->detail, sizeof(f->detail));
	if ((e = rd_end(&r)) != 0)
		return e;
	return f->kind >= IPC_REFUSAL_HANDSHAKE &&
	    f->kind <= IPC_REFUSAL_HOSTKEY ? 0 : ERR_MALFORMED;
}

void
ipc_settings_put(struct buf *b, const struct ipc_settings *s)
{
	buf_put_cstring(b, s->service);
	buf_put_cstring(b, s->confdir);
	buf_put_cstring(b, s->run_dir);
	buf_put_u32(b, s->grace);
	buf_put_u32(b, s->uid_min);
	buf_put_u32(b, s->uid_max);
	buf_put_u64(b, s->open_files);
	buf_put_u32(b, (uint32_t)s->n_privileged);
	for (size_t i = 0; i < s->n_privileged; i++)
		buf_put_cstring(b, s->privileged[i]);
}

int
ipc_settings_get(struct rd r, struct ipc_settings *s)
{
	rd_cstring(&r, s->service, sizeof(s->service));
	rd_cstring(&r, s->confdir, sizeof(s->confdir));
	rd_cstring(&r, s->run_dir, sizeof(s->run_dir));
	s->grace = rd_u32(&r);
	s->uid_min = rd_u32(&r);
	s->uid_max = rd_u32(&r);
	s->open_files = rd_u64(&r);
	s->n_privileged = get_count(&r, IPC_PRIVILEGED_MAX);
	for (size_t i = 0; r.err == 0 && i < s->n_privileged; i++)
		rd_cstring(&r, s->privileged[i], sizeof(s->privileged[i]));
	return rd_end(&r);
}

/* ---- session -> certlogin-start ------------------------------------------------ */

void
ipc_begin_put(struct buf *b, const struct ipc_begin *g)
{
	buf_put_u8(b, g->kind);
	buf_put_bool(b, g->pty);
	buf_put_cstring(b, g->name);
	buf_put_cstring(b, g->home);
	buf_put_cstring(b, g->shell);
	buf_put_cstring(b, g->command);
	buf_put_cstring(b, g->identity);
	buf_put_cstring(b, g->issuer);
	buf_put_cstring(b, g->serial);
	buf_put_cstring(b, g->from);
	buf_put_u32(b, (uint32_t)g->n_env);
	for (size_t i = 0; i < g->n_env; i++)
		buf_put_string(b, g->env[i].p, g->env[i].n);
	buf_put_string(b, g->opaque.p, g->opaque.n);
}

int
ipc_begin_get(struct rd r, struct ipc_begin *g)
{
	g->kind = rd_u8(&r);
	g->pty = rd_bool(&r);
	rd_cstring(&r, g->name, sizeof(g->name));
	rd_cstring(&r, g->home, sizeof(g->home));
	rd_cstring(&r, g->shell, sizeof(g->shell));
	rd_cstring(&r, g->command, sizeof(g->command));
	rd_cstring(&r, g->identity, sizeof(g->identity));
	rd_cstring(&r, g->issuer, sizeof(g->issuer));
	rd_cstring(&r, g->serial, sizeof(g->serial));
	rd_cstring(&r, g->from, sizeof(g->from));
	g->n_env = get_count(&r, IPC_ENV_MAX);
	for (size_t i = 0; r.err == 0 && i < g->n_env; i++)
		g->env[i] = rd_string(&r, IPC_COMMAND_MAX);
	g->opaque = rd_string(&r, IPC_START_MAX);
	return rd_end(&r);
}
