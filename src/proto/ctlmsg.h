/*
 * What certloginctl asks a running certlogind over RUN_DIR/control (SEQPACKET;
 * version and type as on every channel) and how it answers: any number of
 * CTLMSG_PART, then one CTLMSG_ANSWER.  An answer without its end is none.
 * Both carry records of named values, which the tool prints as text or JSON.
 */
#ifndef PROTO_CTLMSG_H
#define PROTO_CTLMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum ctlmsg_type {
	CTLMSG_WHY = 1,		/* uint64 reference */
	CTLMSG_RELOAD = 2,	/* bool the policy alone */
	CTLMSG_STATUS = 3,
	CTLMSG_SESSIONS = 4,	/* string identity, account */
	CTLMSG_END = 5,		/* see ctlmsg_end_encode() */
	CTLMSG_METRICS = 6,
	CTLMSG_TRY = 7,		/* fd 0: a map; see ctlmsg_try_encode() */
	CTLMSG_ANSWER = 16,	/* byte exit status; string error; items */
	CTLMSG_PART = 17,	/* items */
};

#define CTLMSG_NAME_MAX 64	/* with NUL */
#define CTLMSG_TEXT_MAX 2048	/* with NUL: errors, texts */

/* WHY */
int ctlmsg_why_encode(struct buf *b, uint64_t reference);
int ctlmsg_why_decode(struct rd r, uint64_t *reference);
/* RELOAD: trust, map, CRLs and locks alone, or everything */
int ctlmsg_reload_encode(struct buf *b, bool policy);
int ctlmsg_reload_decode(struct rd r, bool *policy);
/* STATUS, METRICS: nothing */
int ctlmsg_empty_encode(struct buf *b, uint8_t type);
int ctlmsg_empty_decode(struct rd r);

/* SESSIONS: strings identity, account: those that are not empty must be the
 * session's, as it was printed; answered by a record `session` for each.
 * END: uint64 reference; strings identity, account: just one of them is given
 * (not 0, not ""); string message for the people.  Answered by a record `end`
 * with ended, a number. */
#define CTLMSG_MESSAGE_MAX 201	/* with NUL */
struct ctlmsg_pick {
	uint64_t reference;		/* 0 = any */
	char identity[CTLMSG_TEXT_MAX];	/* "" = any */
	char account[CTLMSG_TEXT_MAX];
};
struct ctlmsg_end {
	struct ctlmsg_pick pick;
	char message[CTLMSG_MESSAGE_MAX];	/* anything but NUL */
};
int ctlmsg_sessions_encode(struct buf *b, const struct ctlmsg_pick *p);
int ctlmsg_sessions_decode(struct rd r, struct ctlmsg_pick *p);
int ctlmsg_end_encode(struct buf *b, const struct ctlmsg_end *e);
int ctlmsg_end_decode(struct rd r, struct ctlmsg_end *e);

/*
 * CTLMSG_TRY: what would become of the live sessions if this map were in
 * force?  string name of the map, for findings; uint32 n; n uint32: the pids
 * of whoever asks, its parent and so on, so that it learns whether its own
 * session is among them.  Nobody is ended.
 *
 * Status 0, a record `trial`: sessions (all), ends, unknown (could not be
 * judged), yours (yes or no: it would end the asker's); then for as many as
 * there is room for a record `ends` with reference, pid, account, identity,
 * why.  Status 1: the map has errors; records `finding`: file, line, column,
 * level (error or warning), text.  What counts is a number, the rest texts.
 */
#define CTLMSG_PIDS_MAX 64
struct ctlmsg_try {
	char map[256];
	size_t n;
	uint32_t pid[CTLMSG_PIDS_MAX];
};
int ctlmsg_try_encode(struct buf *b, const struct ctlmsg_try *t);
int ctlmsg_try_decode(struct rd r, struct ctlmsg_try *t);

/* Items: byte kind; string name of a-z, 0-9 and '-', not empty; then by kind.
 * A record holds the items behind it up to the next record. */
enum ctlmsg_kind {
	CTLMSG_RECORD = 1,	/* nothing: the name is what it is about */
	CTLMSG_TEXT = 2,	/* string; "" = none */
	CTLMSG_NUMBER = 3,	/* uint64 */
	CTLMSG_TIME = 4,	/* int64 seconds since 1970, 0 = none */
};
struct ctlmsg_item {
	enum ctlmsg_kind kind;
	char name[CTLMSG_NAME_MAX];
	char text[CTLMSG_TEXT_MAX];	/* anything but NUL: escape it */
	uint64_t number;
	int64_t time;
};

/* An answer is built up: ctlmsg_begin or ctlmsg_part, then for each record
 * ctlmsg_record and its values.  Encoders put as they are called; buf_err()
 * tells at the end. */
void ctlmsg_begin(struct buf *b, uint8_t status, const char *error);
void ctlmsg_part(struct buf *b);
void ctlmsg_record(struct buf *b, const char *about);
void ctlmsg_text(struct buf *b, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void ctlmsg_number(struct buf *b, const char *name, uint64_t value);
void ctlmsg_time(struct buf *b, const char *name, int64_t value);

/* One item, as ctlmsg_next() gave it. */
void ctlmsg_put(struct buf *b, const struct ctlmsg_item *item);

/* ANSWER's head; then, as of a PART, its items. */
int ctlmsg_head(struct rd *r, uint8_t *status, char error[CTLMSG_TEXT_MAX]);
/* 1 and the next item, 0 at the end, or a negative code. */
int ctlmsg_next(struct rd *r, struct ctlmsg_item *item);

#endif
