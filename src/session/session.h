/*
 * One connection as root sees it.
 *
 * What certlogin-session does: chooses the server random, lets one signature
 * be made, hands transcript and names to the judge, re-checks its verdict,
 * runs PAM, starts the user's processes.  What it never sees: a parsed
 * handshake, a parsed certificate, the host key, what the person asks for.
 * It believes net nothing, and the judge only an ordinary account.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/ipc.h"
#include "session/account.h"
#include "session/child.h"
#include "session/pam.h"

struct session {
	int listener;			/* channel to certlogind, or -1 */
	bool understood;		/* it is of our version: else there is
					 * nothing that could be said to it */
	bool told;			/* it said of which it is */
	bool registered;		/* it has this session */
	bool waits;			/* for its answer whether it does */
	bool sent;			/* that question is in the channel */
	int64_t next_question;		/* monotonic ms */
	int64_t lost;			/* since when none had this session
					 * judged, monotonic ms; 0 = one does */
	int64_t next_look;		/* for a new one, monotonic ms */
	int64_t pause;			/* ms behind a look in vain */
	int net;			/* channel to certlogin-net */
	int net_process;		/* pidfd of it */
	int hostkey;			/* one signature, then closed: -1 */
	int judge;			/* one verdict, then closed: -1 */
	int start_exe;			/* certlogin-start */
	int signals;			/* signalfd: SIGCHLD, SIGTERM */
	struct buf in, out;		/* one message each */
	struct ipc_settings set;
	uint8_t random[IPC_RANDOM_LEN];
	uint64_t reference;		/* number for log and why */
	uint8_t address[16];
	size_t address_len;
	char host[64];			/* the peer's address as text */
	uint16_t port;
	char from[80];			/* address and port */
	char asked[IPC_ACCOUNT_MAX];	/* account of LOGIN, may be "" */
	struct ipc_verdict verdict;
	struct account account;
	struct pam *pam;
	int64_t since;
	int proof;			/* sealed file, see struct ipc_proof,
					 * or -1 */
	char tty[IPC_TTY_MAX];		/* the last one, "" = none */
	struct child child[CHILD_MAX];
	unsigned complaints;		/* lines about requests that failed */
};

/* Tell certlogind a line for its log; without one that answers and is of this
 * version, the system's log. */
void session_log(struct session *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Refuse: tell certlogind the full story and the person the reason, wait
 * until net has passed it on.  Returns ERR_REFUSED. */
int session_refuse(struct session *s, uint8_t alert, enum ipc_refusal kind,
    const char *reason, const char *detail);

/* login.c: from the joined socket to LOGIN_SUCCESS; 0 only then. */
int login_run(struct session *s);

/* What net says went wrong with the client, in words. */
const char *login_failed_text(const struct ipc_net_failed *f, char *dst,
    size_t size);

/* serve.c: the rest of the connection; returns when it is over. */
void serve_run(struct session *s);

/* Register with the certlogind at the other end of channel. */
int session_register(struct session *s, int channel);

#endif
