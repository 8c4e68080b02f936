#include "door/judging.h"

#include "proto/chan.h"

static int
start(struct judging *j, const char *from, struct why *why)
{
	const struct doorconf *o = j->o;
	const char *const argv[] = { "certlogin-spawn", "judge",
	    o->judge_user, o->state_dir, o->trust, o->map, from, NULL };

	return child_start(&j->child, argv, why);
}

int
judging_start(struct judging *j, const struct doorconf *o, struct why *why)
{
	*j = (struct judging){ .child = CHILD_NONE, .o = o,
	    .limit_ms = (int)o->timeout * 1000 };
	buf_init(&j->in, CHAN_MSG_MAX);
	buf_init(&j->out, CHAN_MSG_MAX);
	return start(j, "kept", why);
}

static int
receive(struct judging *j, uint8_t type, struct chan_msg *m, struct why *why)
{
	int r = chan_recv_timeout(j->child.fd, &j->in, m, 0, j->limit_ms);

	if (r == 0 && m->type != type)
		r = ERR_TYPE;
	return r == 0 ? 0 : why_set(why, r, "certlogin-judge: %s",
	    err_text(r));
}

/* What stands in j->out. */
static int
send_out(struct judging *j, int encoded, struct why *why)
{
	int r = encoded;

	if (r == 0)
		r = chan_send(j->child.fd, &j->out, NULL, 0);
	return r == 0 ? 0 : why_set(why, r, "certlogin-judge: %s",
	    err_text(r));
}

static int
malformed(struct why *why, int r)
{
	return r == 0 ? 0 : why_set(why, r, "certlogin-judge's answer: %s",
	    err_text(r));
}

/* 1: what was kept is of no use; whoever ended over it was no better off. */
static int
loaded(struct judging *j, struct why *why)
{
	enum pammsg_loaded what = PAMMSG_NO_POLICY;
	char problem[IPC_TEXT_MAX];
	struct chan_msg m;
	int r;

	if ((r = receive(j, IPC_PAM_LOADED, &m, why)) == ERR_EOF)
		return 1;
	if (r != 0 || (r = malformed(why, pammsg_loaded_decode(m.body, &what,
	    problem))) != 0)
		return r;
	if (what == PAMMSG_POLICY)
		return 0;
	(void)why_set(why, ERR_STATE, "%s", problem);
	return what == PAMMSG_NOT_KEPT ? 1 : ERR_STATE;
}

int
judging_ready(struct judging *j, struct why *why)
{
	int r = loaded(j, why);

	if (r == 1) {
		child_end(&j->child);
		if ((r = start(j, "afresh", why)) == 0)
			r = loaded(j, why);
	}
	return r == 1 ? ERR_EOF : r;
}

int
judging_offer(struct judging *j, const struct pammsg_offer *offer,
    struct pammsg_facts *facts, uint32_t *place, struct why *why)
{
	struct chan_msg m;
	int r;

	if (j->n == PAMMSG_OFFERS_MAX)
		return why_set(why, ERR_TOOBIG, "more than %d certificates; "
		    "name one with uri=", PAMMSG_OFFERS_MAX);
	if ((r = send_out(j, pammsg_offer_encode(&j->out, offer), why)) != 0 ||
	    (r = receive(j, IPC_PAM_FACTS, &m, why)) != 0 ||
	    (r = malformed(why, pammsg_facts_decode(m.body, facts))) != 0)
		return r;
	*place = (uint32_t)j->n++;
	return 0;
}

int
judging_prove(struct judging *j, const struct pammsg_prove *proof,
    struct ipc_verdict *verdict, struct why *why)
{
	struct chan_msg m;
	int r;

	if ((r = send_out(j, pammsg_prove_encode(&j->out, proof),
	    why)) != 0 || (r = receive(j, IPC_JUDGE_VERDICT, &m, why)) != 0)
		return r;
	return malformed(why, ipc_verdict_decode(m.body, verdict));
}

void
judging_end(struct judging *j)
{
	child_end(&j->child);
	buf_free(&j->in);
	buf_free(&j->out);
}
