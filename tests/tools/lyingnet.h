/*
 * A captured certlogin-net in two files: lyingnet.c speaks for an honest one,
 * lyingnet_foreign.c speaks TLS itself.
 */
#ifndef TOOLS_LYINGNET_H
#define TOOLS_LYINGNET_H

#include "liar.h"
#include "proto/ipc.h"

struct net {
	char lie[LIAR_LIE_MAX];
	int honest;			/* channel to the honest one */
	struct buf in, out;		/* one message each */
	struct ipc_login login;		/* what the honest one submits */
};

/* Open a file of the folder `spoils` beside this program. */
int spoil_open(const char *name, int flags);

/* Messages to the session. */
int tell_login(struct net *n, struct span transcript, const char *account);
int tell_sign(struct net *n, struct span transcript);

/* Be another host to the client whose socket came with join, and relay it;
 * repaired: with this host's certificate in the transcript. */
int foreign_run(struct net *n, const struct chan_msg *join, bool repaired);

#endif
