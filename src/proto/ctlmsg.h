/*
 * What certloginctl asks a running certlogind over its root-only socket
 * (RUN_DIR/control, SEQPACKET; version and type as on every channel) and how
 * it answers: records of name and value, which the tool prints as text or
 * JSON.
 */
#ifndef PROTO_CTLMSG_H
#define PROTO_CTLMSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum ctlmsg_type {
	CTLMSG_WHY = 1,		/* uint64 number */
	CTLMSG_RELOAD = 2,
	CTLMSG_STATUS = 3,
	CTLMSG_TRY = 7,		/* fd 0: a map; see ctlmsg_try_encode() */
	CTLMSG_ANSWER = 16,	/* byte exit status; string error; records */
};

/* An answer is built up: ctlmsg_begin, then for each record ctlmsg_record and
 * ctlmsg_pair; printed by walking it with ctlmsg_next.
 * Layout: byte status; string error; then until the end pairs of string name,
 * string value; a record begins with a pair whose name is "[" and whose value
 * is the record's kind. */
void ctlmsg_begin(struct buf *b, uint8_t status, const char *error);
void ctlmsg_record(struct buf *b, const char *kind);
void ctlmsg_pair(struct buf *b, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

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
 * level (error or warning), text.
 */
#define CTLMSG_PIDS_MAX 64
struct ctlmsg_try {
	char map[256];
	size_t n;
	uint32_t pid[CTLMSG_PIDS_MAX];
};
int ctlmsg_try_encode(struct buf *b, const struct ctlmsg_try *t);
int ctlmsg_try_decode(struct rd r, struct ctlmsg_try *t);

#define CTLMSG_TEXT_MAX 2048
struct ctlmsg_item {
	bool record;			/* value is the kind of a new record */
	char name[64];
	char value[CTLMSG_TEXT_MAX];
};

int ctlmsg_head(struct rd *r, uint8_t *status, char error[CTLMSG_TEXT_MAX]);
/* 1 and the next item, 0 at the end, or a negative code. */
int ctlmsg_next(struct rd *r, struct ctlmsg_item *item);

#endif
