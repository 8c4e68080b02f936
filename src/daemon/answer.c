#include "daemon/answer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/expiry.h"
#include "daemon/hostkey.h"
#include "daemon/live.h"
#include "daemon/reload.h"
#include "daemon/review.h"
#include "daemon/setup.h"

#define SESSION_ROOM 4096	/* bytes that one session's record may take */

static void
malformed(struct ctl_tool *t)
{
	ctlmsg_begin(&t->out, 3, "malformed request");
}

void
answer_why(struct ctl_tool *t, struct chan_msg *m)
{
	struct buf *b = &t->out;
	const struct why_entry *e;
	uint64_t number;

	if (ctlmsg_why_decode(m->body, &number) != 0) {
		malformed(t);
		return;
	}
	if ((e = why_log_find(t->d->why, number)) == NULL) {
		ctlmsg_begin(b, 1, "no refusal of that number is kept (the "
		    "last 4096 since certlogind was started are, and 1024 of "
		    "strangers); search the log for reference=NUMBER");
		return;
	}
	ctlmsg_begin(b, 0, "");
	ctlmsg_record(b, "refusal");
	ctlmsg_number(b, "reference", number);
	ctlmsg_time(b, "when", e->when);
	ctlmsg_text(b, "address", "%s", e->address);
	ctlmsg_text(b, "account", "%s", e->account);
	ctlmsg_text(b, "why", "%s", e->detail);
}

void
answer_reload(struct ctl_tool *t, struct chan_msg *m)
{
	char who[PEER_TEXT_MAX];
	struct daemon *d = t->d;
	bool policy;

	if (ctlmsg_reload_decode(m->body, &policy) != 0) {
		malformed(t);
		return;
	}
	log_info("reload%s asked for by %s", policy ? " of the policy" : "",
	    peer_text(&t->peer, who));
	reload_ask(d, policy ? SETUP_POLICY : SETUP_ALL, ctl_take(t));
}

/* What counts where an authority's CRLs are not as they should be. */
static void
crl_outcome(char dst[160], const struct ipc_authority *a)
{
	char when[32] = "unknown";
	time_t t = (time_t)a->next_update;
	struct tm tm;

	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (a->crl_missing)
		(void)snprintf(dst, 160, "certificates that no CRL covers are "
		    "refused");
	else
		(void)snprintf(dst, 160, "the CRL that was loaded before "
		    "stays in force, its nextUpdate is %s", when);
}

static void
loaded_text(char *dst, size_t size, const struct ipc_load_done *l,
    const struct ipc_authority *first, size_t n)
{
	char outcome[160];
	size_t len;

	crl_outcome(outcome, first);
	(void)snprintf(dst, size, "loaded: %u rule%s, %u lock%s, %zu "
	    "authorit%s; but authority %s: %s; %s; put the CA's newest CRL "
	    "in its place", l->rules, l->rules == 1 ? "" : "s", l->locks,
	    l->locks == 1 ? "" : "s", l->n, l->n == 1 ? "y" : "ies",
	    first->name, first->crl_problem, outcome);
	len = strlen(dst);
	if (n > 1)
		(void)snprintf(dst + len, size - len, "; %zu more have a "
		    "problem, see `certloginctl status'", n - 1);
}

static void
put_crl_problem(struct buf *b, const struct ipc_authority *a)
{
	char outcome[160];

	crl_outcome(outcome, a);
	ctlmsg_record(b, "crl");
	ctlmsg_text(b, "authority", "%s", a->name);
	ctlmsg_text(b, "problem", "%s", a->crl_problem);
	ctlmsg_text(b, "outcome", "%s", outcome);
	ctlmsg_text(b, "carried", "%s", a->crl_carried ? "yes" : "");
}

static void
put_loaded(struct buf *b, const struct ipc_load_done *l)
{
	const struct ipc_authority *first = NULL;
	char text[CTLMSG_TEXT_MAX] = "";
	size_t n = 0;

	for (size_t i = l->n; i-- > 0;)
		if (l->authority[i].crl_problem[0] != '\0') {
			first = &l->authority[i];
			n++;
		}
	if (first != NULL)
		loaded_text(text, sizeof(text), l, first, n);
	ctlmsg_begin(b, first != NULL ? 1 : 0, text);
	ctlmsg_record(b, "reload");
	ctlmsg_text(b, "reload", "done");
	for (size_t i = 0; i < l->n; i++)
		if (l->authority[i].crl_problem[0] != '\0')
			put_crl_problem(b, &l->authority[i]);
}

void
answer_reloaded(struct buf *b, const struct daemon *d, const char *error)
{
	char text[CTLMSG_TEXT_MAX];

	if (error[0] == '\0') {
		put_loaded(b, &d->setup->done);
		return;
	}
	(void)snprintf(text, sizeof(text), "not reloaded: %s; what was loaded "
	    "before stays in force", error);
	ctlmsg_begin(b, 1, text);
}

/* ---- status ------------------------------------------------------------------- */

/* In decimal where a number can be so long, else in hexadecimal: a CRL's has
 * up to 160 bits. */
static void
put_crl_number(struct buf *b, const struct ipc_seen *crl)
{
	char hex[2 * sizeof(crl->number) + 1] = "";
	uint64_t v = 0;

	for (size_t i = 0; i < crl->number_len; i++) {
		v = v << 8 | crl->number[i];
		(void)snprintf(hex + 2 * i, 3, "%02x", crl->number[i]);
	}
	if (crl->number_len <= sizeof(v))
		ctlmsg_text(b, "crl-number", "%llu", (unsigned long long)v);
	else
		ctlmsg_text(b, "crl-number", "0x%s", hex);
}

static void
put_authority(struct buf *b, const struct ipc_authority *a, int64_t now)
{
	static const char *const classes[] = { "user", "device", "host" };

	ctlmsg_record(b, "authority");
	ctlmsg_text(b, "name", "%s", a->name);
	ctlmsg_text(b, "class", "%s", a->class < 3 ? classes[a->class] : "");
	ctlmsg_number(b, "anchors", a->anchors);
	ctlmsg_time(b, "anchors-expire", a->anchors_expire);
	if (a->has_crl) {
		put_crl_number(b, &a->crl);
		ctlmsg_time(b, "crl-this-update", a->crl.this_update);
		/* of a clock set back: no age */
		ctlmsg_number(b, "crl-age", now > a->crl.this_update ?
		    (uint64_t)(now - a->crl.this_update) : 0);
		ctlmsg_time(b, "crl-next-update", a->next_update);
		ctlmsg_number(b, "revoked", a->revoked);
	}
	ctlmsg_text(b, "crl-problem", "%s", a->crl_problem);
	ctlmsg_text(b, "crl-carried", "%s", a->crl_carried ? "yes" : "");
}

static void
put_daemon(struct buf *b, const struct daemon *d, const char *error)
{
	const struct setup *u = d->setup;

	ctlmsg_record(b, "daemon");
	ctlmsg_text(b, "version", "%s", PACKAGE_VERSION);
	ctlmsg_number(b, "pid", (uint64_t)getpid());
	ctlmsg_text(b, "trust", "%s", u->conf.trust);
	ctlmsg_text(b, "map", "%s", u->conf.map);
	ctlmsg_time(b, "started", d->started);
	ctlmsg_time(b, "loaded", u->loaded);
	ctlmsg_time(b, "last-reload", d->metrics.last_reload);
	ctlmsg_text(b, "last-error", "%s", error);
	ctlmsg_time(b, "host-certificate-expires", u->hostkey->not_after);
	ctlmsg_number(b, "rules", u->done.rules);
	ctlmsg_number(b, "locks", u->done.locks);
	ctlmsg_number(b, "sessions", d->live);
	ctlmsg_number(b, "waiting", limits_waiting(d->limits));
	ctlmsg_number(b, "logins", d->metrics.result[METRICS_ADMITTED]);
	ctlmsg_number(b, "refusals", metrics_refused(&d->metrics));
}

static void
put_expiry(struct buf *b, const struct expiry *e)
{
	ctlmsg_record(b, e->problem ? "problem" : "expires-soon");
	if (e->line != 0)
		ctlmsg_text(b, "what", "%s %s:%u", e->what, e->name, e->line);
	else
		ctlmsg_text(b, "what", "%s %s", e->what, e->name);
	ctlmsg_time(b, "when", e->when);
	ctlmsg_text(b, "why", "%s", e->problem ? e->why : "");
	ctlmsg_text(b, "remedy", "%s", e->remedy);
}

static void
put_unjudged(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	ctlmsg_record(b, "problem");
	ctlmsg_text(b, "what", "live sessions");
	ctlmsg_text(b, "why", "%zu could not be judged by the policy in force, "
	    "and stay", n);
	ctlmsg_text(b, "remedy", "see the log; certloginctl end");
}

static void
put_others(struct buf *b, size_t n, int64_t ends)
{
	if (n == 0)
		return;
	ctlmsg_record(b, "problem");
	ctlmsg_text(b, "what", "live sessions");
	ctlmsg_time(b, "when", ends);
	ctlmsg_text(b, "why", "%zu are of another version of certlogin: no "
	    "judge of this one can look at them", n);
	ctlmsg_text(b, "remedy", "they end by themselves (when: the last of "
	    "them), or by certloginctl end; see certloginctl sessions");
}

void
answer_status(struct ctl_tool *t, struct chan_msg *m)
{
	const struct ipc_load_done *done = &t->d->setup->done;
	struct expiry item[EXPIRY_MAX];
	int64_t now = (int64_t)time(NULL), ends;
	size_t n, others = live_others(t->d, &ends);
	char error[CTLMSG_TEXT_MAX];
	bool problem;

	if (ctlmsg_empty_decode(m->body) != 0) {
		malformed(t);
		return;
	}
	problem = setup_last_error(t->d, error, sizeof(error))[0] != '\0' ||
	    review_unjudged(t->d) > 0 || others > 0;
	n = expiry_list(t->d, now, item);
	for (size_t i = 0; i < n; i++)
		problem |= item[i].problem;
	ctlmsg_begin(&t->out, problem ? 1 : 0, "");
	put_daemon(&t->out, t->d, error);
	put_unjudged(&t->out, review_unjudged(t->d));
	put_others(&t->out, others, ends);
	for (size_t i = 0; i < n; i++)
		put_expiry(&t->out, &item[i]);
	for (size_t i = 0; i < done->n; i++)
		put_authority(&t->out, &done->authority[i], now);
}

/* ---- metrics ------------------------------------------------------------------ */

static void
put_closed(struct buf *b, const struct limits *l)
{
	static const char *const reasons[LIMITS_KINDS] = {
		[LIMITS_REFUSED_SOURCE] = "max-per-source",
		[LIMITS_REFUSED_STARTUPS] = "max-startups",
		[LIMITS_REFUSED_SESSIONS] = "max-sessions",
		[LIMITS_SILENT] = "silent",
	};

	for (size_t i = 0; i < LIMITS_KINDS; i++) {
		ctlmsg_record(b, "closed");
		ctlmsg_text(b, "reason", "%s", reasons[i]);
		ctlmsg_number(b, "count", limits_total(l,
		    (enum limits_verdict)i));
	}
}

static bool
is_carried(const struct ipc_load_done *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->authority[i].crl_carried)
			return true;
	return false;
}

/* Of those that have one, or should. */
static void
put_usable(struct buf *b, const struct ipc_authority *a)
{
	if (!a->has_crl && a->crl_problem[0] == '\0')
		return;
	ctlmsg_record(b, "crl");
	ctlmsg_text(b, "authority", "%s", a->name);
	ctlmsg_number(b, "usable", a->crl_problem[0] == '\0');
	ctlmsg_number(b, "carried", a->crl_carried);
}

/* What status has, and what only machines want to know. */
void
answer_metrics(struct ctl_tool *t, struct chan_msg *m)
{
	const struct ipc_load_done *done = &t->d->setup->done;
	struct expiry item[EXPIRY_MAX];
	int64_t now = (int64_t)time(NULL), ends;
	char error[CTLMSG_TEXT_MAX];
	uint64_t problems = 0;
	size_t n;

	if (ctlmsg_empty_decode(m->body) != 0) {
		malformed(t);
		return;
	}
	(void)setup_last_error(t->d, error, sizeof(error));
	n = expiry_list(t->d, now, item);
	for (size_t i = 0; i < n; i++)
		problems += item[i].problem;
	ctlmsg_begin(&t->out, 0, "");
	put_daemon(&t->out, t->d, error);
	ctlmsg_record(&t->out, "health");
	ctlmsg_number(&t->out, "problems", problems + (error[0] != '\0') +
	    (review_unjudged(t->d) > 0) + (live_others(t->d, &ends) > 0));
	ctlmsg_number(&t->out, "reload-good", error[0] == '\0' &&
	    !is_carried(done));
	metrics_put(&t->out, &t->d->metrics);
	put_closed(&t->out, t->d->limits);
	for (size_t i = 0; i < done->n; i++) {
		put_authority(&t->out, &done->authority[i], now);
		put_usable(&t->out, &done->authority[i]);
	}
}

/* ---- sessions ----------------------------------------------------------------- */

/* As it was printed: as it is, or escaped for a terminal. */
static bool
is_printed(const char *given, const char *value)
{
	char escaped[4 * IPC_IDENTITY_MAX];

	return strcmp(given, value) == 0 || (strchr(given, '\\') != NULL &&
	    strcmp(given, err_escape(escaped, sizeof(escaped), value,
	    strlen(value))) == 0);
}

static bool
fits(const struct ctlmsg_pick *p, const struct ipc_register *g)
{
	return (p->reference == 0 || p->reference == g->reference) &&
	    (p->account[0] == '\0' || is_printed(p->account, g->account)) &&
	    (p->identity[0] == '\0' || is_printed(p->identity, g->identity));
}

static void
put_session(struct buf *b, const struct live *l)
{
	const struct ipc_register *g = &l->reg;

	ctlmsg_record(b, "session");
	ctlmsg_number(b, "reference", g->reference);
	ctlmsg_text(b, "account", "%s", g->account);
	ctlmsg_text(b, "identity", "%s", g->identity);
	ctlmsg_text(b, "issuer", "%s", g->issuer);
	ctlmsg_text(b, "serial", "%s", g->serial);
	ctlmsg_text(b, "address", "%s", g->address);
	ctlmsg_number(b, "port", g->port);
	ctlmsg_text(b, "tty", "%s", g->tty);
	ctlmsg_time(b, "since", g->since);
	ctlmsg_time(b, "expires", l->version == 0 ? g->expires : l->ends);
	ctlmsg_number(b, "rule", g->rule_line);
	ctlmsg_number(b, "pid", g->pid);
	if (l->version == 0)
		ctlmsg_text(b, "problem", "%s", "");
	else
		ctlmsg_text(b, "problem", "of version %u, cannot be judged by "
		    "this one, %u", l->version, IPC_VERSION);
}

/* Sessions come and go between two messages, so the place is kept as a
 * number; whoever logs in meanwhile is in front of it. */
static void
more_sessions(struct ctl_tool *t)
{
	const struct live *l = live_next(t->d, NULL);

	while (l != NULL && l->order >= t->order)
		l = live_next(t->d, l);
	if (l == NULL) {
		ctlmsg_begin(&t->out, 0, "");
		return;
	}
	ctlmsg_part(&t->out);
	for (; l != NULL && t->out.len < CHAN_MSG_MAX - SESSION_ROOM;
	    l = live_next(t->d, l)) {
		t->order = l->order;
		if (fits(&t->pick, &l->reg))
			put_session(&t->out, l);
	}
	t->more = more_sessions;
}

void
answer_sessions(struct ctl_tool *t, struct chan_msg *m)
{
	if (ctlmsg_sessions_decode(m->body, &t->pick) != 0) {
		malformed(t);
		return;
	}
	t->order = UINT64_MAX;
	more_sessions(t);
}

/* ---- end ------------------------------------------------------------------------ */

/* What the people see, and what the log says of each; client and log escape
 * what does not print. */
static void
end_texts(const struct ctlmsg_end *e, const char *who, char *text,
    char *detail, size_t size)
{
	const char *colon = e->message[0] != '\0' ? ": " : "";

	(void)snprintf(text, size, "ended by an administrator%s%s", colon,
	    e->message);
	(void)snprintf(detail, size, "by an administrator, %s%s%s", who,
	    colon, e->message);
}

/* How many fit; *ended of them are ending now. */
static size_t
end_all(struct daemon *d, const struct ctlmsg_pick *p, const char *text,
    const char *detail, size_t *ended)
{
	size_t n = 0;

	*ended = 0;
	for (struct live *l = live_next(d, NULL); l != NULL;
	    l = live_next(d, l))
		if (fits(p, &l->reg)) {
			n++;
			*ended += live_end(l, text, detail) == 0;
		}
	return n;
}

static void
log_asked(const struct ctlmsg_pick *p, const char *who, size_t n)
{
	char account[sizeof(p->account)], identity[sizeof(p->identity)];

	log_info("end asked for by %s: %zu sessions of reference=%llu "
	    "account=\"%s\" identity=\"%s\"", who, n,
	    (unsigned long long)p->reference, err_unquote(account,
	    sizeof(account), p->account), err_unquote(identity,
	    sizeof(identity), p->identity));
}

void
answer_end(struct ctl_tool *t, struct chan_msg *m)
{
	char who[PEER_TEXT_MAX], text[IPC_TEXT_MAX], detail[IPC_TEXT_MAX];
	struct ctlmsg_end e;
	size_t n, ended;

	if (ctlmsg_end_decode(m->body, &e) != 0) {
		malformed(t);
		return;
	}
	end_texts(&e, peer_text(&t->peer, who), text, detail, sizeof(text));
	n = end_all(t->d, &e.pick, text, detail, &ended);
	log_asked(&e.pick, who, n);
	if (n == 0)
		ctlmsg_begin(&t->out, 1, "no live session fits");
	else if (ended < n)
		ctlmsg_begin(&t->out, 3, "some could not be told to end; the "
		    "log says which");
	else
		ctlmsg_begin(&t->out, 0, "");
	ctlmsg_record(&t->out, "end");
	ctlmsg_number(&t->out, "ended", ended);
}
