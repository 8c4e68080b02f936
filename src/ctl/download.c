#include "ctl/download.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/oneshot.h"
#include "proto/chan.h"
#include "proto/crlmsg.h"

#define GRACE_MS 12000		/* behind the time that the helper keeps */
#define DONE_MS 5000		/* from the end of the bytes to the answer */

/* Until there is something to read. */
static int
wait_until(int fd, int64_t deadline, struct why *why)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t left;
	int n;

	do {
		left = deadline - mono_ms();
		n = poll(&p, 1, left > 0 ? (int)left : 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return why_errno(why, "certlogin-fetch");
	return n != 0 ? 0 : why_set(why, ERR_TIMEOUT, "certlogin-fetch does "
	    "not end in time");
}

static int
drain(int fd, unsigned seconds, struct buf *out, struct why *why)
{
	int64_t deadline = mono_ms() + (int64_t)seconds * 1000 +
	    GRACE_MS;
	char chunk[65536];
	ssize_t n;
	int r;

	for (;;) {
		if ((r = wait_until(fd, deadline, why)) != 0)
			return r;
		if ((n = read(fd, chunk, sizeof(chunk))) == 0)
			return 0;
		if (n < 0 && errno != EINTR && errno != EAGAIN)
			return why_errno(why, "certlogin-fetch");
		if (n > 0)
			buf_put_raw(out, chunk, (size_t)n);
		if (buf_err(out) == ERR_TOOBIG)
			return why_set(why, ERR_TOOBIG, "is too big; at most "
			    "%zu bytes are taken", out->max);
		if (buf_err(out) != 0)
			return why_set(why, buf_err(out), "out of memory");
	}
}

static int
put_question(int channel, const char *url, unsigned seconds, struct why *why)
{
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	if ((r = crlmsg_get_encode(&b, url, seconds)) == 0)
		r = chan_send(channel, &b, NULL, 0);
	buf_free(&b);
	return r == 0 ? 0 : why_set(why, r, "certlogin-fetch: %s",
	    err_text(r));
}

/* How it went, by the helper's word. */
static int
get_answer(int channel, struct why *why)
{
	char problem[IPC_TEXT_MAX];
	struct chan_msg m;
	struct buf b;
	bool ok = false;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	if ((r = chan_recv_timeout(channel, &b, &m, 0, DONE_MS)) == 0)
		r = m.type == IPC_FETCH_DONE ?
		    crlmsg_done_decode(m.body, &ok, problem) : ERR_TYPE;
	buf_free(&b);
	if (r != 0)
		return why_set(why, r, "certlogin-fetch did not answer: %s",
		    err_text(r));
	return ok ? 0 : why_set(why, ERR_REFUSED, "%s", problem);
}

int
download(const char *url, unsigned seconds, struct buf *out, struct why *why)
{
	static const char *const argv[] = { "certlogin-fetch", NULL };
	struct oneshot_spec s = { .argv = argv, .user = FETCH_USER };
	struct oneshot o;
	int ends[2], r;

	if (pipe2(ends, O_CLOEXEC) != 0)
		return why_errno(why, "pipe");
	s.fd = ends[1];
	r = oneshot_start(&o, &s, why) != 0 ? ERR_STATE : 0;
	(void)close(ends[1]);
	if (r == 0) {
		if ((r = put_question(o.channel, url, seconds, why)) == 0 &&
		    (r = drain(ends[0], seconds, out, why)) == 0)
			r = get_answer(o.channel, why);
		oneshot_end(&o);
	}
	(void)close(ends[0]);
	return r;
}
