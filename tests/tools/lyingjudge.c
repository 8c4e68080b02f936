/*
 * A captured certlogin-judge: loads policies as the honest one does, and then
 * says whatever its lie tells it to (liar.h):
 *
 *	admit ACCOUNT literal|captured	asked for or not, whoever it is
 *	old		admits alice under another policy than that in force
 *	nobody		admits without an account
 *	outcome N	a verdict with this byte as its outcome
 *	type		an answer that is no verdict
 *	short		a verdict that ends too early
 *	version		a message of another version
 *	silence crash	no answer
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/memfile.h"
#include "idmap/db.h"
#include "liar.h"
#include "proto/ipc.h"

#define FD_POLICY HELPER_FD
#define POLICY_MAX (512UL * 1024 * 1024)

/* The number of the loaded policy, which stands in its record v (judge's
 * policy.h). */
static uint64_t
policy_number(void)
{
	const struct span key = { (const uint8_t *)"v", 1 };
	struct span bytes, value;
	uint64_t number = 0;
	struct db db;
	struct rd r;

	if (memfile_map(FD_POLICY, POLICY_MAX, &bytes) != 0)
		return 0;
	if (db_open(&db, bytes) == 0 && db_get(&db, key, &value) == 1) {
		r = rd_of_span(value);
		(void)rd_string(&r, 16);
		(void)rd_u8(&r);
		number = rd_u64(&r);
	}
	memfile_unmap(bytes);
	return number;
}

static void
verdict(struct buf *b, uint8_t outcome, const char *account, bool captured)
{
	static struct ipc_verdict v;

	v = (struct ipc_verdict){ .outcome = outcome, .captured = captured,
	    .rule_line = 1, .policy = policy_number(),
	    .expires = (int64_t)time(NULL) + 86400 };
	(void)snprintf(v.account, sizeof(v.account), "%s", account);
	(void)snprintf(v.authority, sizeof(v.authority), "user");
	(void)snprintf(v.identity, sizeof(v.identity), "user uri=spiffe://"
	    "lie.example/user/liar");
	(void)snprintf(v.issuer, sizeof(v.issuer), "CN=liar");
	(void)snprintf(v.serial, sizeof(v.serial), "01");
	(void)ipc_verdict_encode(b, &v);
}

/* What is said; nothing for an unknown lie. */
static void
say(struct buf *b, const char *lie)
{
	char account[64], how[16];
	unsigned n;

	if (sscanf(lie, "admit %63s %15s", account, how) == 2)
		verdict(b, IPC_OUTCOME_ADMIT, account,
		    strcmp(how, "captured") == 0);
	else if (strcmp(lie, "old") == 0) {
		verdict(b, IPC_OUTCOME_ADMIT, "alice", false);
		/* behind outcome, alert, captured, rule and restrictions and
		 * expires */
		b->data[2 + 3 + 4 + 4 + 8 + 7]--;
	} else if (strcmp(lie, "nobody") == 0)
		verdict(b, IPC_OUTCOME_ADMIT, "", false);
	else if (sscanf(lie, "outcome %u", &n) == 1) {
		verdict(b, IPC_OUTCOME_ADMIT, "alice", false);
		/* behind version and type */
		b->data[2] = (uint8_t)n;
	} else if (strcmp(lie, "type") == 0)
		(void)ipc_empty_encode(b, IPC_JUDGE_LOGIN);
	else if (strcmp(lie, "short") == 0) {
		verdict(b, IPC_OUTCOME_ADMIT, "alice", false);
		b->len /= 2;
	} else if (strcmp(lie, "version") == 0) {
		verdict(b, IPC_OUTCOME_ADMIT, "alice", false);
		b->data[0]++;
	}
}

int
main(int argc, char **argv)
{
	char lie[LIAR_LIE_MAX];
	struct chan_msg m;
	struct buf b;

	if (argc < 2 || strcmp(argv[1], "login") != 0)
		liar_honest(argv);
	if (helper_begin("certlogin-judge") != 0)
		return 2;
	liar_wait(HELPER_CHANNEL);
	if (strcmp(liar_lie(lie), "honest") == 0)
		liar_honest(argv);
	if (strcmp(lie, "crash") == 0)
		abort();
	while (strcmp(lie, "silence") == 0)
		(void)pause();
	buf_init(&b, CHAN_MSG_MAX);
	/* a question left unread would reset the channel and lose the answer */
	(void)chan_recv(HELPER_CHANNEL, &b, &m, 0);
	say(&b, lie);
	(void)chan_send(HELPER_CHANNEL, &b, NULL, 0);
	buf_free(&b);
	return 0;
}
