/*
 * Frames of the connection protocol (PROTOCOL.md "Frames"): uint32 length of
 * what follows, byte type, body in RFC 4251 types.  All limits count the
 * whole frame with its length field, so that a full frame of data is exactly
 * four full TLS records.
 */
#ifndef PROTO_FRAME_H
#define PROTO_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FRAME_MAX 65536		/* bytes of a frame after LOGIN_SUCCESS */
#define FRAME_LOGIN_MAX 4096	/* before */
#define FRAME_HEADER 5		/* length and type */
#define FRAME_DATA_HEADER 13	/* of CHANNEL_DATA: + channel, length */
#define FRAME_EXTENDED_HEADER 17	/* of CHANNEL_EXTENDED_DATA */

enum frame_type {
	FRAME_DISCONNECT = 1,
	FRAME_LOGIN = 50,
	FRAME_LOGIN_FAILURE = 51,
	FRAME_LOGIN_SUCCESS = 52,
	FRAME_BANNER = 53,
	FRAME_GLOBAL_REQUEST = 80,
	FRAME_REQUEST_SUCCESS = 81,
	FRAME_REQUEST_FAILURE = 82,
	FRAME_OPEN = 90,
	FRAME_OPEN_CONFIRMATION = 91,
	FRAME_OPEN_FAILURE = 92,
	FRAME_WINDOW_ADJUST = 93,
	FRAME_DATA = 94,
	FRAME_EXTENDED_DATA = 95,
	FRAME_EOF = 96,
	FRAME_CLOSE = 97,
	FRAME_CHANNEL_REQUEST = 98,
	FRAME_CHANNEL_SUCCESS = 99,
	FRAME_CHANNEL_FAILURE = 100,
	FRAME_WINDOW_BLOCKED = 192,
};

/* Who sends, and when: the states of a connection as both sides see them. */
enum frame_role { FRAME_CLIENT = 1, FRAME_SERVER = 2 };
enum frame_state {
	FRAME_ST_LOGIN = 1,	/* LOGIN not sent yet */
	FRAME_ST_PENDING = 2,	/* LOGIN sent, no answer yet */
	FRAME_ST_OPEN = 4,	/* LOGIN_SUCCESS sent */
};

/*
 * May a frame of this type come from this sender in this state, as the
 * receiver counts states?  0; ERR_TYPE: no such type; ERR_REFUSED: never from
 * this side; ERR_STATE: not now.  Looks at nothing but the type.
 */
int frame_allowed(uint8_t type, enum frame_role sender,
    enum frame_state state);

/* Name as in PROTOCOL.md, or "unknown". */
const char *frame_name(uint8_t type);

/* Put a frame: frame_begin() returns its offset, then put the body, then
 * frame_end() fills in the length.  Errors stick in b. */
size_t frame_begin(struct buf *b, uint8_t type);
void frame_end(struct buf *b, size_t start);

/* Write v big endian to p. */
void frame_put_u32(uint8_t *p, uint32_t v);
uint32_t frame_get_u32(const uint8_t *p);

#endif
