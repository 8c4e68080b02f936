/*
 * A wire that takes time: passes TCP connections on, every byte later by the
 * given time, each way.
 *
 *	delay LISTEN TARGET MILLISECONDS	ports of 127.0.0.1
 *
 * Connecting takes no time.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define CHUNK 65536
#define HELD_MAX (512UL * 1024 * 1024)	/* bytes under way each way */
#define MS 1000000

struct chunk {
	struct chunk *next;
	int64_t due;			/* ns of the monotonic clock */
	size_t at, n;			/* n = 0: the end */
	uint8_t data[];
};

/* One direction of a connection. */
struct way {
	int from, to;
	struct chunk *first, **last;
	size_t held;
	bool ended, done;		/* read, passed on */
};

struct wire {
	int listener;
	struct sockaddr_in target;
	int64_t delay;
	size_t n;
	struct way way[CONNECTIONS_MAX][2];
};

static int64_t
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* ---- one way --------------------------------------------------------------- */

static void
take(struct way *w, int64_t delay)
{
	static uint8_t space[CHUNK];
	ssize_t n = recv(w->from, space, sizeof(space), MSG_DONTWAIT);
	struct chunk *c;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		n = 0;
	if ((c = malloc(sizeof(*c) + (size_t)n)) == NULL)
		abort();
	*c = (struct chunk){ .due = now() + delay, .n = (size_t)n };
	memcpy(c->data, space, (size_t)n);
	*w->last = c;
	w->last = &c->next;
	w->held += (size_t)n;
	w->ended = n == 0;
}

static void
drop_first(struct way *w)
{
	struct chunk *c = w->first;

	w->held -= c->n;
	if ((w->first = c->next) == NULL)
		w->last = &w->first;
	free(c);
}

static void
give(struct way *w)
{
	struct chunk *c = w->first;
	ssize_t n;

	if (c->n == 0) {
		(void)shutdown(w->to, SHUT_WR);
		drop_first(w);
		w->done = true;
		return;
	}
	n = send(w->to, c->data + c->at, c->n - c->at,
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		w->ended = w->done = true;
	else if ((c->at += (size_t)n) == c->n)
		drop_first(w);
}

/* ---- connections ------------------------------------------------------------ */

static void
way_init(struct way *w, int from, int to)
{
	int one = 1;

	*w = (struct way){ .from = from, .to = to, .last = &w->first };
	(void)setsockopt(to, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
accept_one(struct wire *x)
{
	int a = accept4(x->listener, NULL, NULL, SOCK_CLOEXEC);
	int b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (a < 0 || b < 0 || x->n == CONNECTIONS_MAX ||
	    connect(b, (struct sockaddr *)&x->target,
	    sizeof(x->target)) != 0) {
		(void)close(a);
		(void)close(b);
		return;
	}
	way_init(&x->way[x->n][0], a, b);
	way_init(&x->way[x->n][1], b, a);
	x->n++;
}

static void
forget(struct wire *x, size_t i)
{
	struct way *w = x->way[i];

	(void)close(w[0].from);
	(void)close(w[0].to);
	while (w[0].first != NULL)
		drop_first(&w[0]);
	while (w[1].first != NULL)
		drop_first(&w[1]);
	if (i == --x->n)
		return;
	for (int k = 0; k < 2; k++) {
		w[k] = x->way[x->n][k];
		if (w[k].first == NULL)
			w[k].last = &w[k].first;
	}
}

/* ---- all ---------------------------------------------------------------------- */

/* When the next chunk is due: sets p, lowers *next. */
static void
look(struct pollfd p[2], const struct way *w, int64_t t, int64_t *next)
{
	p[0] = (struct pollfd){ .fd = w->ended || w->held > HELD_MAX ? -1 :
	    w->from, .events = POLLIN };
	p[1] = (struct pollfd){ .fd = w->done || w->first == NULL ||
	    w->first->due > t ? -1 : w->to, .events = POLLOUT };
	if (!w->done && w->first != NULL && w->first->due > t &&
	    w->first->due < *next)
		*next = w->first->due;
}

static void
work(struct wire *x, const struct pollfd *p)
{
	for (size_t i = x->n; i-- > 0; ) {
		for (size_t k = 0; k < 2; k++) {
			const struct pollfd *q = p + i * 4 + k * 2;

			if (q[0].fd >= 0 && q[0].revents != 0)
				take(&x->way[i][k], x->delay);
			if (q[1].fd >= 0 && q[1].revents != 0)
				give(&x->way[i][k]);
		}
		if (x->way[i][0].done && x->way[i][1].done)
			forget(x, i);
	}
}

_Noreturn static void
run(struct wire *x)
{
	static struct pollfd p[1 + CONNECTIONS_MAX * 4];

	for (;;) {
		int64_t t = now(), next = t + 1000000000;
		struct timespec limit;

		p[0] = (struct pollfd){ .fd = x->listener, .events = POLLIN };
		for (size_t i = 0; i < x->n * 2; i++)
			look(&p[1 + i * 2], &x->way[i / 2][i % 2], t, &next);
		limit = (struct timespec){ .tv_nsec = (next - t) % 1000000000,
		    .tv_sec = (next - t) / 1000000000 };
		if (ppoll(p, 1 + x->n * 4, &limit, NULL) < 0)
			continue;
		work(x, p + 1);
		if (p[0].revents != 0)
			accept_one(x);
	}
}

int
main(int argc, char **argv)
{
	static struct wire x;
	struct sockaddr_in here = { .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	if (argc != 4) {
		(void)fputs("usage: delay LISTEN TARGET MILLISECONDS\n",
		    stderr);
		return 2;
	}
	(void)prctl(PR_SET_TIMERSLACK, 1);
	x.target = here;
	here.sin_port = htons((uint16_t)atoi(argv[1]));
	x.target.sin_port = htons((uint16_t)atoi(argv[2]));
	x.delay = (int64_t)atoi(argv[3]) * MS;
	x.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (setsockopt(x.listener, SOL_SOCKET, SO_REUSEADDR, &one,
	    sizeof(one)) != 0 ||
	    bind(x.listener, (struct sockaddr *)&here, sizeof(here)) != 0 ||
	    listen(x.listener, CONNECTIONS_MAX) != 0) {
		perror("delay");
		return 3;
	}
	run(&x);
}
