/*
 * What processes of different versions of certlogin say to each other: a live
 * session to the certlogind that it comes back to, and certloginctl to one
 * that runs since before an upgrade.
 *
 * Nothing here ever changes, whatever IPC_VERSION is: one datagram a message,
 * byte HELLO_VERSION where others have IPC_VERSION, byte type, body in
 * RFC 4251 types.  No descriptors.
 */
#ifndef PROTO_HELLO_H
#define PROTO_HELLO_H

#include <stdint.h>

#include "base/buf.h"

#define HELLO_VERSION 0		/* never an IPC_VERSION */

enum hello_type {
	/* on `register`, by the session, first: struct hello_session */
	HELLO_SESSION = 1,
	/* the answer: byte IPC_VERSION of certlogind.  The same as the
	 * session's: SES_REGISTER follows.  Another: nothing does, but for
	 * HELLO_END whenever it is to end. */
	HELLO_WELCOME = 2,
	HELLO_END = 3,		/* string text for the person */
	/* on `control`, by certloginctl: nothing */
	HELLO_ASK = 4,
	/* the answer: byte IPC_VERSION of certlogind; uint32 number of live
	 * sessions of that version */
	HELLO_RUNS = 5,
};

/* With NUL.  What is longer is cut by hello_session_encode(). */
#define HELLO_NAME_MAX 256
#define HELLO_IDENTITY_MAX 640
#define HELLO_ADDRESS_MAX 64
#define HELLO_TTY_MAX 32
#define HELLO_TEXT_MAX 1024

/* byte version; uint64 reference; int64 since; int64 ends; strings account,
 * identity, address, terminal ("" = none) */
struct hello_session {
	uint8_t version;		/* its IPC_VERSION, not 0 */
	uint64_t reference;		/* not 0 */
	int64_t since;			/* seconds since 1970 */
	int64_t ends;			/* the same: by itself, unless a
					 * certlogind registers it before */
	char account[HELLO_NAME_MAX];	/* not "" */
	char identity[HELLO_IDENTITY_MAX];
	char address[HELLO_ADDRESS_MAX];
	char tty[HELLO_TTY_MAX];	/* of a-z, A-Z, 0-9 and / */
};
int hello_session_encode(struct buf *b, const struct hello_session *h);
int hello_session_decode(struct rd r, struct hello_session *h);

int hello_welcome_encode(struct buf *b, uint8_t version);
int hello_welcome_decode(struct rd r, uint8_t *version);

int hello_end_encode(struct buf *b, const char *text);
int hello_end_decode(struct rd r, char text[HELLO_TEXT_MAX]);

int hello_ask_encode(struct buf *b);
int hello_ask_decode(struct rd r);

int hello_runs_encode(struct buf *b, uint8_t version, uint32_t sessions);
int hello_runs_decode(struct rd r, uint8_t *version, uint32_t *sessions);

#endif
