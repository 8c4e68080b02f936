#include "daemon/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/conn.h"

#define BACKLOG 512
#define BIND_TRIES 100
#define BIND_PAUSE_MS 50
#define FIRST_FD 3		/* sd_listen_fds(3) */
#define PAUSE_SECONDS 1.	/* without descriptors */
#define ACCEPTS 32		/* a round, so that other events get their turn */

static void
accepted(struct daemon *d, int fd, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *v4 = (const void *)ss;
	const struct sockaddr_in6 *v6 = (const void *)ss;
	struct span a;
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (ss->ss_family == AF_INET) {
		a = (struct span){ (const uint8_t *)&v4->sin_addr, 4 };
		conn_accept(d, fd, a, ntohs(v4->sin_port));
	} else if (ss->ss_family == AF_INET6) {
		a = (struct span){ (const uint8_t *)&v6->sin6_addr, 16 };
		if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
			a = (struct span){ a.p + 12, 4 };
		conn_accept(d, fd, a, ntohs(v6->sin6_port));
	} else
		(void)close(fd);
}

static bool
out_of_descriptors(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM;
}

static void
on_pause(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;

	(void)revents;
	for (size_t i = 0; i < CONF_LISTEN_MAX; i++)
		if (d->listeners[i].data != NULL)
			ev_io_start(loop, &d->listeners[i]);
}

/* The socket stays readable: without a pause we would spin. */
static void
pause_listening(struct daemon *d)
{
	for (size_t i = 0; i < CONF_LISTEN_MAX; i++)
		if (d->listeners[i].data != NULL)
			ev_io_stop(d->loop, &d->listeners[i]);
	ev_timer_init(&d->pause, on_pause, PAUSE_SECONDS, 0.);
	d->pause.data = d;
	ev_timer_start(d->loop, &d->pause);
}

static void
on_listen(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop;
	(void)revents;
	for (int i = 0; i < ACCEPTS; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		int fd = accept4(w->fd, (struct sockaddr *)&ss, &len,
		    SOCK_CLOEXEC | SOCK_NONBLOCK), e = errno;

		if (fd < 0) {
			if (e != EAGAIN && e != EINTR && e != ECONNABORTED)
				log_error("accept: %s", strerror(e));
			if (out_of_descriptors(e))
				pause_listening(w->data);
			return;
		}
		accepted(w->data, fd, &ss);
	}
}

static void
start(struct daemon *d, size_t i, int fd)
{
	ev_io_init(&d->listeners[i], on_listen, fd, EV_READ);
	d->listeners[i].data = d;
	ev_io_start(d->loop, &d->listeners[i]);
}

/* One who was killed may have left a child that is not yet a helper, and has
 * the address in use for another moment. */
static int
bind_soon(int fd, const struct conf_address *a)
{
	const struct timespec pause = { .tv_nsec = BIND_PAUSE_MS * 1000000L };
	int r;

	for (int i = 0; (r = bind(fd, (const struct sockaddr *)&a->addr,
	    a->len)) != 0 && errno == EADDRINUSE && i < BIND_TRIES; i++)
		(void)nanosleep(&pause, NULL);
	return r;
}

static int
open_one(const struct conf_address *a, struct why *why)
{
	int on = 1, fd = socket(a->addr.ss_family, SOCK_STREAM |
	    SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return why_errno(why, "listen %s", a->text);
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->addr.ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	if (bind_soon(fd, a) != 0 || listen(fd, BACKLOG) != 0) {
		(void)why_errno(why, "listen %s", a->text);
		(void)close(fd);
		return ERR_SYS;
	}
	return fd;
}

size_t
listener_inherited(void)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	unsigned long n;

	if (pid == NULL || fds == NULL ||
	    strtoul(pid, NULL, 10) != (unsigned long)getpid())
		return 0;
	n = strtoul(fds, NULL, 10);
	return n <= CONF_LISTEN_MAX ? n : 0;
}

int
listener_open(struct daemon *d, struct why *why)
{
	const struct conf *c = &d->setup->conf;
	size_t n = listener_inherited();

	for (size_t i = 0; i < n; i++) {
		int fd = FIRST_FD + (int)i;

		if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 ||
		    fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
			return why_errno(why, "LISTEN_FDS");
		start(d, i, fd);
	}
	for (size_t i = 0; n == 0 && i < c->n_listen; i++) {
		int fd = open_one(&c->listen[i], why);

		if (fd < 0)
			return fd;
		start(d, i, fd);
	}
	return 0;
}

void
listener_close(struct daemon *d)
{
	ev_timer_stop(d->loop, &d->pause);
	for (size_t i = 0; i < CONF_LISTEN_MAX; i++)
		if (d->listeners[i].data != NULL) {
			ev_io_stop(d->loop, &d->listeners[i]);
			/* also where a child that is not yet a helper has it;
			 * systemd's stays as it is */
			if (listener_inherited() == 0)
				(void)shutdown(d->listeners[i].fd, SHUT_RDWR);
			(void)close(d->listeners[i].fd);
		}
}
