/*
 * Bodies of the connection protocol's messages, and terminal modes.  Input:
 * byte that chooses the decoder, then the body.  What decodes encodes to the
 * same bytes again, where the message has one form only.
 */
#include "fuzz.h"

#include <termios.h>

#include "base/err.h"
#include "proto/msg.h"
#include "proto/ttymodes.h"

#define OUT_MAX (1u << 20)

/* Decode s; on success encode it into b.  1: b must equal s, 0: not. */
typedef int both_fn(struct span s, struct buf *b);

static int
login(struct span s, struct buf *b)
{
	struct msg_login m;

	if (msg_login_get(rd_of_span(s), &m) != 0)
		return 0;
	msg_login_put(b, &m);
	return 1;
}

static int
failure(struct span s, struct buf *b)
{
	struct msg_failure m;

	if (msg_failure_get(rd_of_span(s), &m) != 0)
		return 0;
	msg_failure_put(b, &m);
	return 1;
}

static int
success(struct span s, struct buf *b)
{
	struct msg_success m;

	if (msg_success_get(rd_of_span(s), &m) != 0)
		return 0;
	msg_success_put(b, &m);
	return 1;
}

static int
banner(struct span s, struct buf *b)
{
	char text[MSG_BANNER_MAX];

	if (msg_banner_get(rd_of_span(s), text) != 0)
		return 0;
	msg_banner_put(b, text);
	return 1;
}

static int
disconnect(struct span s, struct buf *b)
{
	struct msg_disconnect m;

	if (msg_disconnect_get(rd_of_span(s), &m) != 0)
		return 0;
	msg_disconnect_put(b, &m);
	return 1;
}

/* Reserved fields and kinds that are not ours are dropped. */
static int
open_(struct span s, struct buf *b)
{
	struct msg_open m;

	if (msg_open_get(rd_of_span(s), &m) != 0)
		return 0;
	msg_open_put(b, &m);
	return m.kind == MSG_OPEN_SESSION;
}

static int
open_failure(struct span s, struct buf *b)
{
	struct msg_open_failure m;

	if (msg_open_failure_get(rd_of_span(s), &m) != 0)
		return 0;
	msg_open_failure_put(b, &m);
	return 1;
}

static int
channel(struct span s, struct buf *b)
{
	uint32_t id;

	if (msg_channel_get(rd_of_span(s), &id) != 0)
		return 0;
	buf_put_u32(b, id);
	return 1;
}

static int
adjust(struct span s, struct buf *b)
{
	uint32_t id, n;

	if (msg_adjust_get(rd_of_span(s), &id, &n) != 0)
		return 0;
	buf_put_u32(b, id);
	buf_put_u32(b, n);
	return 1;
}

static int
global(struct span s, struct buf *b)
{
	struct msg_global m;

	if (msg_global_get(rd_of_span(s), &m) != 0)
		return 0;
	msg_global_put(b, &m);
	return m.kind != MSG_GLOBAL_OTHER;
}

static int
request(struct span s, struct buf *b)
{
	struct msg_request m;

	if (msg_request_get(rd_of_span(s), &m) != 0)
		return 0;
	(void)msg_request_check(m.kind, m.body);
	msg_request_put(b, &m);
	return 1;
}

static int
window(struct span s, struct buf *b)
{
	struct msg_window m;

	if (msg_window_get(s, &m) != 0)
		return 0;
	msg_window_put(b, &m);
	return 1;
}

static int
pty(struct span s, struct buf *b)
{
	struct msg_pty m;

	if (msg_pty_get(s, &m) != 0)
		return 0;
	msg_pty_put(b, &m);
	return 1;
}

static int
env(struct span s, struct buf *b)
{
	struct msg_env m;
	char *value;

	if (msg_env_get(s, &m) != 0)
		return 0;
	value = strndup((const char *)m.value.p, m.value.n);
	CHECK(value != NULL);
	msg_env_put(b, m.name, value);
	free(value);
	return 1;
}

static int
text(struct span s, struct buf *b)
{
	struct span t;

	if (msg_text_get(s, &t) != 0)
		return 0;
	buf_put_string(b, t.p, t.n);
	return 1;
}

static int
signal_(struct span s, struct buf *b)
{
	char name[MSG_NAME_MAX];

	if (msg_signal_get(s, name) != 0)
		return 0;
	buf_put_cstring(b, name);
	return 1;
}

static int
exit_status(struct span s, struct buf *b)
{
	uint32_t status;

	if (msg_exit_status_get(s, &status) != 0)
		return 0;
	buf_put_u32(b, status);
	return 1;
}

static int
exit_signal(struct span s, struct buf *b)
{
	struct msg_exit_signal m;

	if (msg_exit_signal_get(s, &m) != 0)
		return 0;
	msg_exit_signal_put(b, &m);
	return 1;
}

static int
check_all(struct span s, struct buf *b)
{
	(void)b;
	for (int k = MSG_REQ_OTHER; k <= MSG_REQ_EOW; k++)
		(void)msg_request_check((enum msg_request_kind)k, s);
	return 0;
}

/* The speed itself is in c_cflag; c_ispeed and c_ospeed only follow it. */
static int
same_modes(const struct termios *a, const struct termios *b)
{
	return a->c_iflag == b->c_iflag && a->c_oflag == b->c_oflag &&
	    a->c_cflag == b->c_cflag && a->c_lflag == b->c_lflag &&
	    memcmp(a->c_cc, b->c_cc, sizeof(a->c_cc)) == 0;
}

/* Modes that were applied travel and come back as they are. */
static int
modes(struct span s, struct buf *b)
{
	struct termios t = { .c_cflag = CS8 }, back;

	CHECK(cfsetspeed(&t, B38400) == 0);
	back = t;
	if (ttymodes_get(s, &t) != 0) {
		CHECK(same_modes(&t, &back));
		return 0;
	}
	ttymodes_put(b, &t);
	CHECK(buf_err(b) == 0);
	CHECK(b->len <= MSG_MODES_MAX);
	back = t;
	CHECK(ttymodes_get((struct span){ b->data, b->len }, &back) == 0);
	CHECK(same_modes(&t, &back));
	return 0;
}

static both_fn *const all[] = { login, failure, success, banner, disconnect,
    open_, open_failure, channel, adjust, global, request, window, pty, env,
    text, signal_, exit_status, exit_signal, check_all, modes };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t which = fuzz_u8(&data, &size);
	uint8_t *copy = fuzz_copy(data, size);
	struct span s = { copy, size };
	struct buf b;

	buf_init(&b, OUT_MAX);
	if (size < OUT_MAX && all[which % (sizeof(all) / sizeof(all[0]))](s,
	    &b) == 1)
		fuzz_same(&b, 0, s);
	buf_free(&b);
	free(copy);
	return 0;
}
