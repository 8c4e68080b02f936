#include "proto/hello.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"

static void
begin(struct buf *b, enum hello_type type)
{
	buf_reset(b);
	buf_put_u8(b, HELLO_VERSION);
	buf_put_u8(b, (uint8_t)type);
}

/* Other versions' limits may be higher than these, which stay. */
static void
put_cut(struct buf *b, const char *s, size_t size)
{
	buf_put_string(b, s, strnlen(s, size - 1));
}

int
hello_session_encode(struct buf *b, const struct hello_session *h)
{
	begin(b, HELLO_SESSION);
	buf_put_u8(b, h->version);
	buf_put_u64(b, h->reference);
	buf_put_u64(b, (uint64_t)h->since);
	buf_put_u64(b, (uint64_t)h->ends);
	put_cut(b, h->account, sizeof(h->account));
	put_cut(b, h->identity, sizeof(h->identity));
	put_cut(b, h->address, sizeof(h->address));
	put_cut(b, h->tty, sizeof(h->tty));
	return buf_err(b);
}

static bool
is_tty(const char *s)
{
	return s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	    "0123456789/")] == '\0';
}

int
hello_session_decode(struct rd r, struct hello_session *h)
{
	int e;

	h->version = rd_u8(&r);
	h->reference = rd_u64(&r);
	h->since = (int64_t)rd_u64(&r);
	h->ends = (int64_t)rd_u64(&r);
	rd_cstring(&r, h->account, sizeof(h->account));
	rd_cstring(&r, h->identity, sizeof(h->identity));
	rd_cstring(&r, h->address, sizeof(h->address));
	rd_cstring(&r, h->tty, sizeof(h->tty));
	if ((e = rd_end(&r)) != 0)
		return e;
	return h->version != HELLO_VERSION && h->reference != 0 &&
	    h->account[0] != '\0' && is_tty(h->tty) ? 0 : ERR_MALFORMED;
}

int
hello_welcome_encode(struct buf *b, uint8_t version)
{
	begin(b, HELLO_WELCOME);
	buf_put_u8(b, version);
	return buf_err(b);
}

int
hello_welcome_decode(struct rd r, uint8_t *version)
{
	*version = rd_u8(&r);
	return rd_end(&r);
}

int
hello_end_encode(struct buf *b, const char *text)
{
	begin(b, HELLO_END);
	put_cut(b, text, HELLO_TEXT_MAX);
	return buf_err(b);
}

int
hello_end_decode(struct rd r, char text[HELLO_TEXT_MAX])
{
	rd_cstring(&r, text, HELLO_TEXT_MAX);
	return rd_end(&r);
}

int
hello_ask_encode(struct buf *b)
{
	begin(b, HELLO_ASK);
	return buf_err(b);
}

int
hello_ask_decode(struct rd r)
{
	return rd_end(&r);
}

int
hello_runs_encode(struct buf *b, uint8_t version, uint32_t sessions)
{
	begin(b, HELLO_RUNS);
	buf_put_u8(b, version);
	buf_put_u32(b, sessions);
	return buf_err(b);
}

int
hello_runs_decode(struct rd r, uint8_t *version, uint32_t *sessions)
{
	*version = rd_u8(&r);
	*sessions = rd_u32(&r);
	return rd_end(&r);
}
