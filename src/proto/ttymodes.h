/*
 * Terminal modes as they travel in pty-req (RFC 4254 section 8): pairs of
 * byte opcode and uint32 value, ended by opcode 0.  Unknown opcodes below 160
 * are skipped, 160 and above end the list.
 */
#ifndef PROTO_TTYMODES_H
#define PROTO_TTYMODES_H

#include <termios.h>

#include "base/buf.h"

/* Append t in wire form. */
void ttymodes_put(struct buf *b, const struct termios *t);

/* Change t by the modes in s.  0 or ERR_MALFORMED, ERR_SHORT; t is changed
 * only on success. */
int ttymodes_get(struct span s, struct termios *t);

#endif
