/*
 * A captured certlogin-judge at a local door: the honest one judges behind it,
 * and its answers are changed as the lie says (liar.h):
 *
 *	fits ACCOUNT literal|captured	every certificate fits, every signature
 *			holds, for this account
 *	other ACCOUNT	the verdict admits another account than the facts
 *	state N		facts with this byte as their state
 *	escape		a subject that would reach the terminal
 *	early		a verdict in the place of facts
 *	short		a verdict that ends too early
 *	outcome N	a verdict with this byte as its outcome
 *	silence crash	no verdict
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/helper.h"
#include "liar.h"
#include "proto/pammsg.h"

static struct buf in, out;
static char lie[LIAR_LIE_MAX], account[64], how[16];
static unsigned number;

static bool
lies(const char *what)
{
	return strncmp(lie, what, strlen(what)) == 0;
}

static void
send_out(void)
{
	if (chan_send(HELPER_CHANNEL, &out, NULL, 0) != 0)
		exit(1);
}

static void
verdict(const char *name, uint8_t outcome)
{
	static struct ipc_verdict v;

	v = (struct ipc_verdict){ .outcome = outcome, .rule_line = 1,
	    .captured = strcmp(how, "captured") == 0, .policy = 1,
	    .expires = (int64_t)time(NULL) + 86400 };
	(void)snprintf(v.account, sizeof(v.account), "%s", name);
	(void)snprintf(v.identity, sizeof(v.identity), "liar uri=x:y");
	(void)ipc_verdict_encode(&out, &v);
	if (lies("short"))
		out.len -= 3;
	send_out();
}

static void
change(struct pammsg_facts *f)
{
	if (lies("fits")) {
		f->state = PAMMSG_FITS;
		f->scheme = 0x0403;
		f->captured = strcmp(how, "captured") == 0;
		(void)snprintf(f->account, sizeof(f->account), "%s", account);
	}
	if (lies("state"))
		f->state = (uint8_t)number;
	if (lies("escape"))
		f->subject[0] = '\033';
}

static void
answer_offer(int honest)
{
	static struct pammsg_facts f;
	struct chan_msg m;

	if (liar_pass(HELPER_CHANNEL, honest, &in) != 0 ||
	    chan_recv(honest, &in, &m, 0) != 0 ||
	    pammsg_facts_decode(m.body, &f) != 0)
		exit(1);
	if (lies("early")) {
		verdict("alice", IPC_OUTCOME_ADMIT);
		return;
	}
	change(&f);
	(void)pammsg_facts_encode(&out, &f);
	send_out();
}

static void
answer_prove(void)
{
	struct chan_msg m;

	if (chan_recv(HELPER_CHANNEL, &in, &m, 0) != 0)
		exit(0);
	if (lies("crash"))
		abort();
	if (lies("silence"))
		for (;;)
			(void)pause();
	verdict(lies("fits") || lies("other") ? account : "alice",
	    lies("outcome") ? (uint8_t)number : IPC_OUTCOME_ADMIT);
}

int
main(int argc, char **argv)
{
	int honest;

	liar_lie(lie);
	if (argc != 2 || strcmp(lie, "honest") == 0 || lie[0] == '\0')
		liar_honest(argv);
	(void)sscanf(lie, "%*s %63s %15s", account, how);
	(void)sscanf(lie, "%*s %u", &number);
	buf_init(&in, CHAN_MSG_MAX);
	buf_init(&out, CHAN_MSG_MAX);
	honest = liar_start_honest(argv);
	/* the load is between the honest one and its caller; of what was kept
	 * it speaks itself */
	(void)close(HELPER_FD);
	if (strcmp(argv[1], "pam-kept") == 0 &&
	    liar_pass(honest, HELPER_CHANNEL, &in) != 0)
		return 1;
	liar_wait(HELPER_CHANNEL);
	answer_offer(honest);
	answer_prove();
	return 0;
}
