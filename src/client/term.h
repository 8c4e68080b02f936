/*
 * The local terminal while a session has it: raw, and as it was on every way
 * out.
 */
#ifndef CLIENT_TERM_H
#define CLIENT_TERM_H

#include <stdbool.h>
#include <termios.h>

#include "base/buf.h"
#include "proto/msg.h"

struct term {
	int fd;
	bool raw;		/* it is raw now */
	struct termios before;
};

/* Look at the terminal fd: 0, or negative when it is none. */
int term_init(struct term *t, int fd);
/* Make it raw; nothing while another job has it.  A crash puts it back. */
void term_enter(struct term *t);
/* Put it back. */
void term_leave(struct term *t);

/* The body of pty-req for this terminal, or (t NULL) for none. */
void term_put_request(struct buf *b, const struct term *t);
/* Its size; a terminal without one is 80 by 24. */
void term_window(const struct term *t, struct msg_window *w);

#endif
