/*
 * A certlogin-hostkey that fails.  Between certlogind and the honest one,
 * which it starts; its lie (liar.h) counts when a connection's channel comes:
 *
 *	hang		does nothing more at all
 *	crash		dies once a signature is asked for
 *	drop		closes that channel without an answer
 *	garbage		answers with a signature that is none
 *	type		answers with another message
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/helper.h"
#include "liar.h"
#include "proto/ipc.h"

#define GIVEN 3			/* key, certificate, PIN: not for us */

static void
answer(int channel, const char *lie)
{
	static const uint8_t noise[64] = { 0x30, 0x3e };
	struct chan_msg m;
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	(void)chan_recv(channel, &b, &m, 0);
	if (strcmp(lie, "garbage") == 0)
		(void)ipc_key_signed_encode(&b, (struct span){ noise,
		    sizeof(noise) }, "");
	else
		(void)ipc_empty_encode(&b, IPC_KEY_CHANNEL);
	(void)chan_send(channel, &b, NULL, 0);
	buf_free(&b);
}

/* A new connection's channel: lie about it, or leave it to the honest one. */
static int
lie_about(int honest, struct chan_msg *m)
{
	char lie[LIAR_LIE_MAX];

	if (m->type != IPC_KEY_CHANNEL || m->n_fds != 1 ||
	    strcmp(liar_lie(lie), "honest") == 0)
		return liar_forward(honest, m);
	while (strcmp(lie, "hang") == 0)
		(void)pause();
	liar_wait(m->fds[0]);
	if (strcmp(lie, "crash") == 0)
		abort();
	if (strcmp(lie, "drop") != 0)
		answer(m->fds[0], lie);
	chan_close_fds(m);
	return 0;
}

int
main(int argc, char **argv)
{
	struct pollfd p[2] = { { .fd = HELPER_CHANNEL, .events = POLLIN },
	    { .events = POLLIN } };
	struct chan_msg m;
	struct buf in;
	int r = 0;

	(void)argc;
	if (helper_begin("certlogin-hostkey") != 0 ||
	    (p[1].fd = liar_start_honest(argv)) < 0)
		return 2;
	for (int i = 0; i < GIVEN; i++)
		(void)close(HELPER_FD + i);
	buf_init(&in, CHAN_MSG_MAX);
	while (r == 0 && poll(p, 2, -1) > 0) {
		if (p[1].revents != 0)
			r = liar_pass(p[1].fd, HELPER_CHANNEL, &in);
		else if ((r = chan_recv(HELPER_CHANNEL, &in, &m, 1)) == 0)
			r = lie_about(p[1].fd, &m);
	}
	buf_free(&in);
	return 0;
}
