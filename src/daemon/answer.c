#include "daemon/answer.h"

#include <unistd.h>

#include "base/log.h"
#include "daemon/hostkey.h"
#include "daemon/live.h"
#include "daemon/setup.h"
#include "proto/ctlmsg.h"

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

	if (ctlmsg_empty_decode(m->body) != 0) {
		malformed(t);
		return;
	}
	log_info("reload asked for by %s", peer_text(&t->peer, who));
	setup_reload(d, SETUP_ALL, ctl_take(t));
}

static void
put_authority(struct buf *b, const struct ipc_authority *a)
{
	static const char *const classes[] = { "user", "device", "host" };

	ctlmsg_record(b, "authority");
	ctlmsg_text(b, "name", "%s", a->name);
	ctlmsg_text(b, "class", "%s", a->class < 3 ? classes[a->class] : "");
	ctlmsg_number(b, "anchors", a->anchors);
	ctlmsg_time(b, "anchors-expire", a->anchors_expire);
	if (a->has_crl) {
		ctlmsg_time(b, "crl-this-update", a->crl.this_update);
		ctlmsg_time(b, "crl-next-update", a->next_update);
		ctlmsg_number(b, "revoked", a->revoked);
	}
	if (a->crl_problem[0] != '\0')
		ctlmsg_text(b, "crl-problem", "%s", a->crl_problem);
}

static void
put_sessions(const struct daemon *d, struct buf *b)
{
	const struct live *l = NULL;

	/* an answer holds one message; the count above is complete */
	while (b->len < CHAN_MSG_MAX - SESSION_ROOM &&
	    (l = live_next(d, l)) != NULL) {
		const struct ipc_register *g = &l->reg;

		ctlmsg_record(b, "session");
		ctlmsg_number(b, "reference", g->reference);
		ctlmsg_text(b, "account", "%s", g->account);
		ctlmsg_text(b, "identity", "%s", g->identity);
		ctlmsg_text(b, "address", "%s", g->address);
		ctlmsg_time(b, "since", g->since);
	}
}

void
answer_status(struct ctl_tool *t, struct chan_msg *m)
{
	const struct daemon *d = t->d;
	const struct setup *u = d->setup;
	char error[CTLMSG_TEXT_MAX];
	struct buf *b = &t->out;

	if (ctlmsg_empty_decode(m->body) != 0) {
		malformed(t);
		return;
	}
	ctlmsg_begin(b, 0, "");
	ctlmsg_record(b, "daemon");
	ctlmsg_number(b, "pid", (uint64_t)getpid());
	ctlmsg_time(b, "loaded", u->loaded);
	ctlmsg_text(b, "last-error", "%s", setup_last_error(d, error,
	    sizeof(error)));
	ctlmsg_time(b, "host-certificate-expires", u->hostkey->not_after);
	ctlmsg_number(b, "rules", u->done.rules);
	ctlmsg_number(b, "waiting", limits_waiting(d->limits));
	ctlmsg_number(b, "sessions", d->live);
	ctlmsg_number(b, "logins", d->logins);
	ctlmsg_number(b, "refusals", d->refusals);
	for (size_t i = 0; i < u->done.n; i++)
		put_authority(b, &u->done.authority[i]);
	put_sessions(d, b);
}
