#include "client/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* What a blocking pipe or terminal takes at once when poll says that it can
 * be written. */
#define SMALL 1024
#define MEMORY_MAJOR 1		/* devices of mem(4) */

void
stream_open(struct stream *s, int standard, bool out)
{
	int flags = (out ? O_WRONLY : O_RDONLY) | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC;
	char path[32];
	struct stat st;
	int fd;

	*s = (struct stream){ .fd = standard, .standard = standard };
	if (fstat(standard, &st) != 0)
		return;
	s->socket = S_ISSOCK(st.st_mode);
	s->tty = isatty(standard) == 1;
	/* no file, but /dev/null and its like never make us wait either */
	s->file = S_ISREG(st.st_mode) || S_ISBLK(st.st_mode) ||
	    (S_ISCHR(st.st_mode) && major(st.st_rdev) == MEMORY_MAJOR);
	/* a file opened again would begin at its start */
	if (!S_ISFIFO(st.st_mode) && !s->tty)
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", standard);
	if ((fd = open(path, flags)) < 0)
		return;
	s->fd = fd;
	s->own = true;
}

void
stream_free(struct stream *s)
{
	if (s->own)
		(void)close(s->fd);
	s->own = false;
	s->fd = -1;
}

void
stream_close(struct stream *s)
{
	int null;

	if (s->fd < 0)
		return;
	stream_free(s);
	if ((null = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0)
		return;
	(void)dup2(null, s->standard);
	if (null != s->standard)
		(void)close(null);
}

static ssize_t
result(ssize_t n)
{
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? ERR_AGAIN : ERR_SYS;
}

ssize_t
stream_read(struct stream *s, void *p, size_t n)
{
	if (s->socket)
		return result(recv(s->fd, p, n, MSG_DONTWAIT));
	return result(read(s->fd, p, n));
}

ssize_t
stream_write(struct stream *s, const void *p, size_t n)
{
	if (s->socket)
		return result(send(s->fd, p, n, MSG_DONTWAIT |
		    MSG_NOSIGNAL));
	if (!s->own && !s->file && n > SMALL)
		n = SMALL;
	return result(write(s->fd, p, n));
}
