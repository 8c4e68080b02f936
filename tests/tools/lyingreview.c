/*
 * A captured certlogin-judge in a review: does every other job as the honest
 * one, and answers each question about a session as its lie tells it to
 * (liar.h):
 *
 *	keep end	well formed, whoever it is
 *	admit		the verdict of a login
 *	other		ends another session than the one asked about
 *	reasonless	an end without a reason
 *	outcome N	this byte as the outcome, else well formed
 *	loaded		the answer to a question that was not asked
 *	twice		keep, and an end behind it that nobody asked for
 *	short version	cut off; of another version
 *	silence crash	no answer
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/helper.h"
#include "liar.h"
#include "proto/ipc.h"

static void
put(struct buf *b, uint64_t session, uint8_t outcome, uint8_t why)
{
	static struct ipc_reviewed v;

	v = (struct ipc_reviewed){ .session = session, .outcome = outcome,
	    .why = why, .rule_line = 1 };
	if (outcome == IPC_REVIEW_END) {
		(void)snprintf(v.reason, sizeof(v.reason), "a lie");
		(void)snprintf(v.detail, sizeof(v.detail), "a lie");
	}
	(void)ipc_reviewed_encode(b, &v);
}

static void
admit(struct buf *b)
{
	static struct ipc_verdict v;

	v = (struct ipc_verdict){ .outcome = IPC_OUTCOME_ADMIT };
	(void)snprintf(v.account, sizeof(v.account), "root");
	(void)ipc_verdict_encode(b, &v);
}

static void
loaded(struct buf *b)
{
	static struct ipc_load_done done;
	struct diag none;

	diag_init(&none);
	done.ok = true;
	(void)ipc_load_done_encode(b, &done, &none);
	diag_free(&none);
}

/* What is said about session; nothing for an unknown lie. */
static void
say(struct buf *b, const char *lie, uint64_t session)
{
	unsigned n;

	put(b, session, IPC_REVIEW_KEEP, IPC_REVIEW_STANDS);
	if (strcmp(lie, "end") == 0)
		put(b, session, IPC_REVIEW_END, IPC_REVIEW_REVOKED);
	else if (strcmp(lie, "admit") == 0)
		admit(b);
	else if (strcmp(lie, "other") == 0)
		put(b, session + 1, IPC_REVIEW_END, IPC_REVIEW_REVOKED);
	else if (strcmp(lie, "reasonless") == 0)
		put(b, session, IPC_REVIEW_END, IPC_REVIEW_STANDS);
	else if (sscanf(lie, "outcome %u", &n) == 1)
		/* behind version, type and session */
		b->data[2 + 8] = (uint8_t)n;
	else if (strcmp(lie, "loaded") == 0)
		loaded(b);
	else if (strcmp(lie, "short") == 0)
		b->len /= 2;
	else if (strcmp(lie, "version") == 0)
		b->data[0]++;
}

static int
answer(struct buf *in, struct buf *out)
{
	char lie[LIAR_LIE_MAX];
	struct pollfd p = { .fd = HELPER_CHANNEL };	/* until it closes */
	uint64_t session = 0;
	struct chan_msg m;
	int r = chan_recv(HELPER_CHANNEL, in, &m, 1);

	if (r != 0)
		return r;
	chan_close_fds(&m);
	(void)ipc_review_decode(m.body, &session);
	if (strcmp(liar_lie(lie), "crash") == 0)
		abort();
	if (strcmp(lie, "silence") == 0) {
		while (poll(&p, 1, -1) < 0 && errno == EINTR)
			;
		return ERR_EOF;
	}
	say(out, lie, session);
	if ((r = chan_send(HELPER_CHANNEL, out, NULL, 0)) == 0 &&
	    strcmp(lie, "twice") == 0) {
		put(out, session, IPC_REVIEW_END, IPC_REVIEW_REVOKED);
		r = chan_send(HELPER_CHANNEL, out, NULL, 0);
	}
	return r;
}

int
main(int argc, char **argv)
{
	char lie[LIAR_LIE_MAX];
	struct buf in, out;

	if (argc < 2 || strcmp(argv[1], "review") != 0)
		liar_honest(argv);
	if (helper_begin("certlogin-judge") != 0)
		return 2;
	liar_wait(HELPER_CHANNEL);
	if (strcmp(liar_lie(lie), "honest") == 0)
		liar_honest(argv);
	buf_init(&in, CHAN_MSG_MAX);
	buf_init(&out, CHAN_MSG_MAX);
	while (answer(&in, &out) == 0)
		;
	buf_free(&in);
	buf_free(&out);
	return 0;
}
