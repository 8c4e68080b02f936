#include "client/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/mono.h"
#include "client/conf.h"

#define STAGGER_MS 250

/* Attempts under way; fd -1 where one failed. */
struct attempts {
	struct pollfd p[DIAL_ADDRESSES];
	const struct addrinfo *ai[DIAL_ADDRESSES];
	nfds_t n;
	int error;		/* of the last that failed */
};

static void
begin(struct attempts *a, const struct addrinfo *ai)
{
	int one = 1, fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK |
	    SOCK_CLOEXEC, 0);

	if (fd < 0) {
		a->error = errno;
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) != 0 &&
	    errno != EINPROGRESS) {
		a->error = errno;
		(void)close(fd);
		return;
	}
	a->p[a->n] = (struct pollfd){ .fd = fd, .events = POLLOUT };
	a->ai[a->n++] = ai;
}

/* The first that is connected, or -1; failed ones are dropped. */
static int
connected(struct attempts *a)
{
	for (nfds_t i = 0; i < a->n; i++) {
		int error = 0;
		socklen_t len = sizeof(error);

		if (a->p[i].fd < 0 || a->p[i].revents == 0)
			continue;
		if (getsockopt(a->p[i].fd, SOL_SOCKET, SO_ERROR, &error,
		    &len) == 0 && error == 0)
			return (int)i;
		a->error = error;
		(void)close(a->p[i].fd);
		a->p[i].fd = -1;
	}
	return -1;
}

static bool
pending(const struct attempts *a)
{
	for (nfds_t i = 0; i < a->n; i++)
		if (a->p[i].fd >= 0)
			return true;
	return false;
}

static int
race(struct attempts *a, const struct addrinfo *ai, int64_t end)
{
	while (ai != NULL || pending(a)) {
		int64_t left = end - mono_ms();
		int winner;

		if (left <= 0) {
			a->error = ETIMEDOUT;
			break;
		}
		if (ai != NULL && a->n < DIAL_ADDRESSES) {
			begin(a, ai);
			ai = ai->ai_next;
		} else
			ai = NULL;
		if (!pending(a))
			continue;
		if (ai != NULL && left > STAGGER_MS)
			left = STAGGER_MS;
		if (poll(a->p, a->n, (int)left) < 0 && errno != EINTR) {
			a->error = errno;
			break;
		}
		if ((winner = connected(a)) >= 0)
			return winner;
	}
	return -1;
}

static int
look_up(const char *host, uint16_t port, int family, struct addrinfo **out,
    struct why *why)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
	    .ai_family = family == CONF_INET ? AF_INET :
	    family == CONF_INET6 ? AF_INET6 : AF_UNSPEC,
	    .ai_flags = AI_NUMERICSERV };
	char service[8];
	int rc;

	(void)snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, out);
	if (rc == 0)
		return 0;
	return why_set(why, ERR_NOTFOUND, "%s cannot be found: %s; is the "
	    "name right?", host, rc == EAI_SYSTEM ? strerror(errno) :
	    gai_strerror(rc));
}

int
dial(const char *host, uint16_t port, int family, int *left,
    char address[DIAL_TEXT_MAX], struct why *why)
{
	struct attempts a = { .error = ECONNREFUSED };
	int64_t end = mono_ms() + *left;
	struct addrinfo *list;
	int winner, fd, r;

	if ((r = look_up(host, port, family, &list, why)) != 0)
		return r;
	winner = race(&a, list, end);
	fd = winner >= 0 ? a.p[winner].fd : -1;
	for (nfds_t i = 0; i < a.n; i++)
		if ((int)i != winner && a.p[i].fd >= 0)
			(void)close(a.p[i].fd);
	if (fd < 0 || getnameinfo(a.ai[winner]->ai_addr,
	    a.ai[winner]->ai_addrlen, address, DIAL_TEXT_MAX, NULL, 0,
	    NI_NUMERICHOST) != 0)
		address[0] = '\0';
	freeaddrinfo(list);
	end -= mono_ms();
	*left = end > 0 ? (int)end : 0;
	if (fd >= 0)
		return fd;
	return why_set(why, ERR_SYS, "no connection to %s port %u: %s; does "
	    "certlogind run there, and does a firewall let this through?",
	    host, port, strerror(a.error));
}
