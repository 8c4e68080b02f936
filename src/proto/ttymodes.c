#include "proto/ttymodes.h"

#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include "base/err.h"

#define OP_END 0
#define OP_ISPEED 128
#define OP_OSPEED 129
#define OP_LAST 159		/* from 160 on: not yet defined, stop */
#define CC_NONE 255		/* a control character that is off */

static const struct {
	uint8_t op;
	int index;
} chars[] = {
	{ 1, VINTR }, { 2, VQUIT }, { 3, VERASE }, { 4, VKILL }, { 5, VEOF },
	{ 6, VEOL }, { 7, VEOL2 }, { 8, VSTART }, { 9, VSTOP },
	{ 10, VSUSP }, { 12, VREPRINT }, { 13, VWERASE }, { 14, VLNEXT },
	{ 18, VDISCARD },
};

enum word { IN, LOCAL, OUT, CONTROL };

static const struct {
	uint8_t op;
	enum word word;
	tcflag_t bit, mask;	/* mask 0: the bit itself */
} flags[] = {
	{ 30, IN, IGNPAR, 0 }, { 31, IN, PARMRK, 0 }, { 32, IN, INPCK, 0 },
	{ 33, IN, ISTRIP, 0 }, { 34, IN, INLCR, 0 }, { 35, IN, IGNCR, 0 },
	{ 36, IN, ICRNL, 0 }, { 38, IN, IXON, 0 }, { 39, IN, IXANY, 0 },
	{ 40, IN, IXOFF, 0 }, { 41, IN, IMAXBEL, 0 }, { 42, IN, IUTF8, 0 },
	{ 50, LOCAL, ISIG, 0 }, { 51, LOCAL, ICANON, 0 },
	{ 53, LOCAL, ECHO, 0 }, { 54, LOCAL, ECHOE, 0 },
	{ 55, LOCAL, ECHOK, 0 }, { 56, LOCAL, ECHONL, 0 },
	{ 57, LOCAL, NOFLSH, 0 }, { 58, LOCAL, TOSTOP, 0 },
	{ 59, LOCAL, IEXTEN, 0 }, { 60, LOCAL, ECHOCTL, 0 },
	{ 61, LOCAL, ECHOKE, 0 },
	{ 70, OUT, OPOST, 0 }, { 72, OUT, ONLCR, 0 }, { 73, OUT, OCRNL, 0 },
	{ 74, OUT, ONOCR, 0 }, { 75, OUT, ONLRET, 0 },
	{ 90, CONTROL, CS7, CSIZE }, { 91, CONTROL, CS8, CSIZE },
	{ 92, CONTROL, PARENB, 0 }, { 93, CONTROL, PARODD, 0 },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static tcflag_t *
word_of(struct termios *t, enum word w)
{
	switch (w) {
	case IN:
		return &t->c_iflag;
	case LOCAL:
		return &t->c_lflag;
	case OUT:
		return &t->c_oflag;
	case CONTROL:
		return &t->c_cflag;
	}
	return &t->c_iflag;
}

static const struct {
	speed_t code;
	uint32_t baud;
} speeds[] = {
	{ B1200, 1200 }, { B2400, 2400 }, { B4800, 4800 }, { B9600, 9600 },
	{ B19200, 19200 }, { B38400, 38400 }, { B57600, 57600 },
	{ B115200, 115200 }, { B230400, 230400 },
};

static uint32_t
baud_of(speed_t code)
{
	for (size_t i = 0; i < COUNT(speeds); i++)
		if (speeds[i].code == code)
			return speeds[i].baud;
	return 38400;
}

static speed_t
speed_of(uint32_t baud)
{
	for (size_t i = 0; i < COUNT(speeds); i++)
		if (speeds[i].baud == baud)
			return speeds[i].code;
	return B38400;
}

static void
put_pair(struct buf *b, uint8_t op, uint32_t value)
{
	buf_put_u8(b, op);
	buf_put_u32(b, value);
}

void
ttymodes_put(struct buf *b, const struct termios *t)
{
	struct termios copy = *t;

	put_pair(b, OP_OSPEED, baud_of(cfgetospeed(t)));
	put_pair(b, OP_ISPEED, baud_of(cfgetispeed(t)));
	for (size_t i = 0; i < COUNT(chars); i++) {
		cc_t c = t->c_cc[chars[i].index];

		put_pair(b, chars[i].op, c == _POSIX_VDISABLE ? CC_NONE : c);
	}
	for (size_t i = 0; i < COUNT(flags); i++) {
		tcflag_t mask = flags[i].mask != 0 ? flags[i].mask :
		    flags[i].bit;

		put_pair(b, flags[i].op, (*word_of(&copy, flags[i].word) &
		    mask) == flags[i].bit);
	}
	buf_put_u8(b, OP_END);
}

static void
apply(struct termios *t, uint8_t op, uint32_t value)
{
	for (size_t i = 0; i < COUNT(chars); i++)
		if (chars[i].op == op)
			t->c_cc[chars[i].index] = value >= CC_NONE ?
			    _POSIX_VDISABLE : (cc_t)value;
	for (size_t i = 0; i < COUNT(flags); i++) {
		tcflag_t *w, mask;

		if (flags[i].op != op)
			continue;
		w = word_of(t, flags[i].word);
		mask = flags[i].mask != 0 ? flags[i].mask : flags[i].bit;
		if (value != 0)
			*w = (*w & ~mask) | flags[i].bit;
		else if (flags[i].mask == 0)
			*w &= ~mask;
	}
	if (op == OP_ISPEED)
		(void)cfsetispeed(t, speed_of(value));
	if (op == OP_OSPEED)
		(void)cfsetospeed(t, speed_of(value));
}

int
ttymodes_get(struct span s, struct termios *t)
{
	struct rd r = rd_of_span(s);
	struct termios out = *t;

	while (r.n > 0) {
		uint8_t op = rd_u8(&r);
		uint32_t value;

		if (op == OP_END || op > OP_LAST)
			break;
		value = rd_u32(&r);
		if (r.err != 0)
			return r.err;
		apply(&out, op, value);
	}
	*t = out;
	return 0;
}
