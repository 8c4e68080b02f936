#include "hostkey/serve.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/mono.h"
#include "proto/chan.h"

#define CHANNELS_MAX 10240	/* more than max-startups can be */
#define OVERDUE_MS 4000		/* before the session gives up on us */

struct channel {
	int fd;
	uint8_t source[16];
	uint8_t source_len;
	int64_t waiting_since;	/* ms; 0 = has not asked yet */
};

struct server {
	struct key *key;
	int control;			/* -1 when closed */
	struct buf in, out, sig;
	struct channel channel[CHANNELS_MAX];
	struct pollfd poll[CHANNELS_MAX + 1];
	size_t n;
	uint8_t last[16];		/* source served last */
	uint8_t last_len;
};

static int
compare(const uint8_t *a, size_t an, const uint8_t *b, size_t bn)
{
	int c = memcmp(a, b, an < bn ? an : bn);

	return c != 0 ? c : (an > bn) - (an < bn);
}

static void
drop(struct server *s, size_t i)
{
	(void)close(s->channel[i].fd);
	s->channel[i] = s->channel[--s->n];
}

/* ---- control ------------------------------------------------------------ */

static void
add_channel(struct server *s, struct rd body, int fd)
{
	struct channel *c = &s->channel[s->n];
	struct span source;

	if (ipc_key_channel_decode(body, &source) != 0 ||
	    s->n == CHANNELS_MAX) {
		(void)close(fd);
		return;
	}
	*c = (struct channel){ .fd = fd, .source_len = (uint8_t)source.n };
	memcpy(c->source, source.p, source.n);
	s->n++;
}

static void
control_message(struct server *s)
{
	struct chan_msg m;
	int r = chan_recv(s->control, &s->in, &m, 1);

	if (r == 0 && m.type == IPC_KEY_CHANNEL && m.n_fds == 1) {
		add_channel(s, m.body, m.fds[0]);
		return;
	}
	if (r == 0)
		chan_close_fds(&m);
	/* reloaded or stopped: what was begun is finished */
	(void)close(s->control);
	s->control = -1;
}

/* ---- one signature ------------------------------------------------------ */

static int
sign(struct server *s, struct rd body, struct why *why)
{
	struct span random, transcript;
	int r = ipc_key_sign_decode(body, &random, &transcript);

	buf_reset(&s->sig);
	if (r != 0)
		return why_set(why, r, "request: %s", err_text(r));
	return key_sign(s->key, random, transcript, &s->sig, why);
}

/* One answer a channel, then it is done with. */
static void
reply(struct server *s, size_t i, struct span signature, const char *error)
{
	(void)ipc_key_signed_encode(&s->out, signature, error);
	(void)chan_send(s->channel[i].fd, &s->out, NULL, 0);
	drop(s, i);
}

/* Say no to a request that was not read.  Silence would look like a process
 * that hangs and be answered by replacing it; closing with the request unread
 * would reset the channel and lose our answer. */
static void
refuse(struct server *s, size_t i, const char *error)
{
	struct chan_msg m;

	(void)chan_recv(s->channel[i].fd, &s->in, &m, 0);
	reply(s, i, (struct span){ NULL, 0 }, error);
}

static void
answer(struct server *s, size_t i)
{
	struct why why = { "" };
	struct chan_msg m;
	int r = chan_recv(s->channel[i].fd, &s->in, &m, 0);

	memcpy(s->last, s->channel[i].source, sizeof(s->last));
	s->last_len = s->channel[i].source_len;
	if (r == 0)
		r = m.type == IPC_KEY_SIGN ? sign(s, m.body, &why) :
		    why_set(&why, ERR_TYPE, "%s", err_text(ERR_TYPE));
	else
		(void)why_set(&why, r, "request: %s", err_text(r));
	reply(s, i, r == 0 ? (struct span){ s->sig.data, s->sig.len } :
	    (struct span){ NULL, 0 }, r == 0 ? "" : why.text);
}

/* ---- whose turn --------------------------------------------------------- */

/* One channel's turn to be looked at: who hung up is forgotten, who asks is
 * noted, who waited too long is refused.  A source may ask as often as it has
 * connections (certlogind limits those): others have their turns in between,
 * so all it can hold up is itself. */
static void
look_at(struct server *s, size_t i, short ev, int64_t now)
{
	struct channel *c = &s->channel[i];

	if ((ev & (POLLHUP | POLLERR | POLLNVAL)) != 0)
		drop(s, i);
	else if (c->waiting_since != 0 && now - c->waiting_since > OVERDUE_MS)
		refuse(s, i, "waited too long: more logins than the key can "
		    "sign for");
	else if (c->waiting_since == 0 && (ev & POLLIN) != 0)
		c->waiting_since = now;
}

static void
look_at_all(struct server *s)
{
	int64_t now = mono_ms();

	/* backwards: drop() moves the last one, already seen, into the gap */
	for (size_t i = s->n; i-- > 0; )
		look_at(s, i, s->poll[i + 1].revents, now);
}

/* Is it a's turn before b's?  Sources are served in the order of their
 * addresses, going round from the one served last; within a source the
 * oldest comes first. */
static bool
before(const struct server *s, const struct channel *a,
    const struct channel *b)
{
	bool a_round = compare(a->source, a->source_len, s->last,
	    s->last_len) <= 0;
	bool b_round = compare(b->source, b->source_len, s->last,
	    s->last_len) <= 0;
	int order = compare(a->source, a->source_len, b->source,
	    b->source_len);

	if (a_round != b_round)
		return b_round;
	return order != 0 ? order < 0 : a->waiting_since < b->waiting_since;
}

/* The channel to be served next; s->n when nobody waits. */
static size_t
next_turn(const struct server *s)
{
	size_t best = s->n;

	for (size_t i = 0; i < s->n; i++)
		if (s->channel[i].waiting_since != 0 && (best == s->n ||
		    before(s, &s->channel[i], &s->channel[best])))
			best = i;
	return best;
}

static int
poll_all(struct server *s)
{
	bool work = next_turn(s) < s->n;
	int r;

	s->poll[0] = (struct pollfd){ .fd = s->control, .events = POLLIN };
	for (size_t i = 0; i < s->n; i++)
		s->poll[i + 1] = (struct pollfd){ .fd = s->channel[i].fd,
		    .events = POLLIN };
	r = poll(s->poll, s->n + 1, work ? 0 : -1);
	return r < 0 && errno != EINTR ? ERR_SYS : 0;
}

void
serve_run(struct key *k, int control)
{
	static struct server s;

	s.key = k;
	s.control = control;
	buf_init(&s.in, CHAN_MSG_MAX);
	buf_init(&s.out, CHAN_MSG_MAX);
	buf_init(&s.sig, IPC_SIGNATURE_MAX);
	while ((s.control >= 0 || s.n > 0) && poll_all(&s) == 0) {
		size_t i;

		look_at_all(&s);
		if ((i = next_turn(&s)) < s.n)
			answer(&s, i);
		if (s.control >= 0 && s.poll[0].revents != 0)
			control_message(&s);
	}
	buf_free(&s.in);
	buf_free(&s.out);
	buf_free(&s.sig);
}
