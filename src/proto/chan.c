#include "proto/chan.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mono.h"
#include "proto/hello.h"

union control {
	struct cmsghdr align;
	char space[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
};

void
chan_begin(struct buf *b, uint8_t type)
{
	buf_reset(b);
	buf_put_u8(b, IPC_VERSION);
	buf_put_u8(b, type);
}

int
chan_send(int fd, const struct buf *b, const int *fds, size_t n)
{
	struct iovec iov = { .iov_base = b->data, .iov_len = b->len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	union control ctl;

	if (buf_err(b) != 0)
		return buf_err(b);
	if (b->len > CHAN_MSG_MAX || n > CHAN_FDS_MAX)
		return ERR_TOOBIG;
	if (n > 0) {
		struct cmsghdr *c;

		memset(&ctl, 0, sizeof(ctl));
		mh.msg_control = ctl.space;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * n);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	}
	while (sendmsg(fd, &mh, MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN)
			return ERR_AGAIN;
		return errno == EPIPE || errno == ECONNRESET ? ERR_EOF :
		    ERR_SYS;
	}
	return 0;
}

void
chan_close_fds(struct chan_msg *m)
{
	for (size_t i = 0; i < m->n_fds; i++)
		if (m->fds[i] >= 0)
			(void)close(m->fds[i]);
	m->n_fds = 0;
}

static void
take_fds(struct msghdr *mh, struct chan_msg *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c != NULL;
	    c = CMSG_NXTHDR(mh, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n && m->n_fds < CHAN_FDS_MAX; i++)
			memcpy(&m->fds[m->n_fds++], CMSG_DATA(c) +
			    i * sizeof(int), sizeof(int));
	}
}

static int
receive(int fd, struct buf *b, struct chan_msg *m, size_t max_fds,
    bool hello_too)
{
	struct iovec iov;
	union control ctl;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1,
	    .msg_control = ctl.space, .msg_controllen = sizeof(ctl.space) };
	ssize_t n;

	m->n_fds = 0;
	buf_reset(b);
	iov.iov_len = b->max < CHAN_MSG_MAX ? b->max : CHAN_MSG_MAX;
	if ((iov.iov_base = buf_reserve(b, iov.iov_len)) == NULL)
		return buf_err(b);
	while ((n = recvmsg(fd, &mh, MSG_CMSG_CLOEXEC)) < 0) {
		/* a peer that ended without having read all is said once, ahead
		 * of what it had sent before */
		if (errno == EINTR || errno == ECONNRESET)
			continue;
		return errno == EAGAIN ? ERR_AGAIN : ERR_SYS;
	}
	take_fds(&mh, m);
	if (n == 0) {
		/* the end, or an empty message, which may carry some */
		chan_close_fds(m);
		return ERR_EOF;
	}
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 || n < 2 ||
	    m->n_fds > max_fds) {
		chan_close_fds(m);
		return ERR_MALFORMED;
	}
	buf_commit(b, (size_t)n);
	m->hello = b->data[0] == HELLO_VERSION && hello_too;
	if (b->data[0] != IPC_VERSION && !m->hello) {
		chan_close_fds(m);
		return ERR_VERSION;
	}
	m->type = b->data[1];
	m->body = rd_of(b->data + 2, (size_t)n - 2);
	return 0;
}

int
chan_recv(int fd, struct buf *b, struct chan_msg *m, size_t max_fds)
{
	return receive(fd, b, m, max_fds, false);
}

int
chan_recv_hello(int fd, struct buf *b, struct chan_msg *m, size_t max_fds)
{
	return receive(fd, b, m, max_fds, true);
}

int
chan_wait(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int64_t end = mono_ms() + ms, left = ms;
	int r;

	while ((r = poll(&p, 1, (int)left)) < 0 && errno == EINTR)
		if (ms >= 0 && (left = end - mono_ms()) < 0)
			left = 0;
	return r > 0 ? 0 : r == 0 ? ERR_TIMEOUT : ERR_SYS;
}

int
chan_recv_timeout(int fd, struct buf *b, struct chan_msg *m, size_t max_fds,
    int ms)
{
	int r = chan_wait(fd, ms);

	return r == 0 ? chan_recv(fd, b, m, max_fds) : r;
}
