/*
 * Bodies of the messages of the connection protocol (PROTOCOL.md has each
 * byte).  Encoders put a body, without the frame's header, behind what is in
 * the buffer; errors stick there.  Decoders return 0 or a negative code,
 * check every limit and that nothing is left over; views point into the
 * bytes given.  Texts are NUL-terminated and come as the peer sent them:
 * escape them before printing.
 */
#ifndef PROTO_MSG_H
#define PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define MSG_ACCOUNT_MAX 256	/* with NUL */
#define MSG_IDENTITY_MAX 640	/* with NUL */
#define MSG_TEXT_MAX 1024	/* with NUL: reasons */
#define MSG_BANNER_MAX 3584	/* with NUL */
#define MSG_NAME_MAX 64		/* with NUL: kinds of channels, requests */
#define MSG_PATH_MAX 108	/* with NUL: a socket's path */
#define MSG_TERM_MAX 64		/* with NUL */
#define MSG_MODES_MAX 1024	/* bytes of encoded terminal modes */
#define MSG_ENV_NAME_MAX 256	/* with NUL */

/* Codes of DISCONNECT (RFC 4253 section 11.1). */
enum msg_disconnect_code {
	MSG_PROTOCOL_ERROR = 2,
	MSG_CONNECTION_LOST = 10,
	MSG_BY_APPLICATION = 11,
};
/* Codes of OPEN_FAILURE (RFC 4254 section 5.1). */
enum msg_open_code {
	MSG_OPEN_PROHIBITED = 1,
	MSG_OPEN_CONNECT_FAILED = 2,
	MSG_OPEN_UNKNOWN_TYPE = 3,
	MSG_OPEN_SHORTAGE = 4,
};

/* LOGIN: string account (may be empty); string preferred */
struct msg_login {
	char account[MSG_ACCOUNT_MAX];
	char preferred[MSG_ACCOUNT_MAX];
};
void msg_login_put(struct buf *b, const struct msg_login *m);
int msg_login_get(struct rd r, struct msg_login *m);

/* LOGIN_FAILURE: string reason; uint64 reference */
struct msg_failure {
	char reason[MSG_TEXT_MAX];
	uint64_t reference;
};
void msg_failure_put(struct buf *b, const struct msg_failure *m);
int msg_failure_get(struct rd r, struct msg_failure *m);

/* LOGIN_SUCCESS: string account; string identity */
struct msg_success {
	char account[MSG_ACCOUNT_MAX];
	char identity[MSG_IDENTITY_MAX];
};
void msg_success_put(struct buf *b, const struct msg_success *m);
int msg_success_get(struct rd r, struct msg_success *m);

/* BANNER: string text (what does not fit is cut) */
void msg_banner_put(struct buf *b, const char *text);
int msg_banner_get(struct rd r, char text[MSG_BANNER_MAX]);

/* DISCONNECT: uint32 code; string text */
struct msg_disconnect {
	uint32_t code;
	char text[MSG_TEXT_MAX];
};
void msg_disconnect_put(struct buf *b, const struct msg_disconnect *m);
int msg_disconnect_get(struct rd r, struct msg_disconnect *m);

/* OPEN: string kind; uint32 channel; what the kind adds.
 * session: nothing.  direct-streamlocal@openssh.com: string path; string
 * reserved; uint32 reserved.  forwarded-streamlocal@openssh.com: string path;
 * string reserved. */
enum msg_open_kind { MSG_OPEN_OTHER, MSG_OPEN_SESSION,
    MSG_OPEN_DIRECT_STREAMLOCAL, MSG_OPEN_FORWARDED_STREAMLOCAL };
struct msg_open {
	enum msg_open_kind kind;
	char name[MSG_NAME_MAX];
	uint32_t channel;
	char path[MSG_PATH_MAX];	/* streamlocal, else "" */
};
void msg_open_put(struct buf *b, const struct msg_open *m);
int msg_open_get(struct rd r, struct msg_open *m);

/* OPEN_FAILURE: uint32 channel; uint32 code; string text */
struct msg_open_failure {
	uint32_t channel;
	uint32_t code;
	char text[MSG_TEXT_MAX];
};
void msg_open_failure_put(struct buf *b, const struct msg_open_failure *m);
int msg_open_failure_get(struct rd r, struct msg_open_failure *m);

/* OPEN_CONFIRMATION, EOF, CLOSE, CHANNEL_SUCCESS, CHANNEL_FAILURE and
 * WINDOW_BLOCKED: uint32 channel.  WINDOW_ADJUST: uint32 channel; uint32 n */
int msg_channel_get(struct rd r, uint32_t *channel);
int msg_adjust_get(struct rd r, uint32_t *channel, uint32_t *n);

/* GLOBAL_REQUEST: string name; bool want_reply; body.
 * streamlocal-forward@openssh.com and cancel-streamlocal-forward@openssh.com:
 * string path.  keepalive@certlogin: nothing. */
enum msg_global_kind { MSG_GLOBAL_OTHER, MSG_GLOBAL_KEEPALIVE,
    MSG_GLOBAL_FORWARD, MSG_GLOBAL_CANCEL };
struct msg_global {
	enum msg_global_kind kind;
	char name[MSG_NAME_MAX];
	bool want_reply;
	char path[MSG_PATH_MAX];
};
void msg_global_put(struct buf *b, const struct msg_global *m);
int msg_global_get(struct rd r, struct msg_global *m);

/* CHANNEL_REQUEST: uint32 channel; string name; bool want_reply; body.
 * msg_request_get leaves the body undecoded. */
enum msg_request_kind {
	MSG_REQ_OTHER,
	MSG_REQ_PTY,		/* pty-req */
	MSG_REQ_ENV,		/* env */
	MSG_REQ_SHELL,		/* shell */
	MSG_REQ_EXEC,		/* exec */
	MSG_REQ_SUBSYSTEM,	/* subsystem */
	MSG_REQ_WINDOW_CHANGE,	/* window-change */
	MSG_REQ_SIGNAL,		/* signal */
	MSG_REQ_EXIT_STATUS,	/* exit-status */
	MSG_REQ_EXIT_SIGNAL,	/* exit-signal */
	MSG_REQ_EOW,		/* eow@openssh.com */
};
struct msg_request {
	uint32_t channel;
	enum msg_request_kind kind;
	char name[MSG_NAME_MAX];
	bool want_reply;
	struct span body;
};
void msg_request_put(struct buf *b, const struct msg_request *m);
int msg_request_get(struct rd r, struct msg_request *m);
/* The name of a kind, "" for MSG_REQ_OTHER. */
const char *msg_request_name(enum msg_request_kind kind);
/* Decode the body by its kind and forget the result: 0 if it is well formed
 * (bodies of MSG_REQ_OTHER always are). */
int msg_request_check(enum msg_request_kind kind, struct span body);

/* window-change: uint32 columns, rows, width, height (pixels), each at most
 * 65535 */
struct msg_window {
	uint32_t columns, rows, width, height;
};
void msg_window_put(struct buf *b, const struct msg_window *m);
int msg_window_get(struct span body, struct msg_window *m);

/* pty-req: string TERM; uint32 columns, rows, width, height; string modes
 * (ttymodes.h) */
struct msg_pty {
	char term[MSG_TERM_MAX];
	struct msg_window window;
	struct span modes;
};
void msg_pty_put(struct buf *b, const struct msg_pty *m);
int msg_pty_get(struct span body, struct msg_pty *m);

/* env: string name; string value */
struct msg_env {
	char name[MSG_ENV_NAME_MAX];
	struct span value;		/* no NUL inside */
};
void msg_env_put(struct buf *b, const char *name, const char *value);
int msg_env_get(struct span body, struct msg_env *m);

/* exec: string command; subsystem: string name.  No NUL inside. */
int msg_text_get(struct span body, struct span *text);

/* signal: string name without SIG (RFC 4254 section 6.9) */
int msg_signal_get(struct span body, char name[MSG_NAME_MAX]);

/* exit-status: uint32 status */
int msg_exit_status_get(struct span body, uint32_t *status);

/* exit-signal: string name; bool core; string text */
struct msg_exit_signal {
	char name[MSG_NAME_MAX];
	bool core;
	char text[MSG_TEXT_MAX];
};
void msg_exit_signal_put(struct buf *b, const struct msg_exit_signal *m);
int msg_exit_signal_get(struct span body, struct msg_exit_signal *m);

#endif
