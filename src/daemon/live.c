#include "daemon/live.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "proto/chan.h"

#define PATIENCE 20.		/* seconds; a session needs 6 at most, and what
				 * its PAM modules take */

static void
on_patience(struct ev_loop *loop, ev_timer *w, int revents)
{
	const struct live *l = w->data;

	(void)loop;
	(void)revents;
	log_error("session reference=%llu of account=%s was told to end and "
	    "has not within %d s: see what its process %lu and the modules of "
	    "its PAM service are doing", (unsigned long long)l->reg.reference,
	    l->reg.account, (int)PATIENCE, (unsigned long)l->reg.pid);
}

static struct live *
new_live(struct daemon *d, int channel)
{
	struct live *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->d = d;
	l->channel = channel;
	l->proof = -1;
	ev_timer_init(&l->patience, on_patience, PATIENCE, 0.);
	l->patience.data = l;
	l->next = d->sessions;
	l->link = &d->sessions;
	if (l->next != NULL)
		l->next->link = &l->next;
	d->sessions = l;
	l->order = d->next_order++;
	d->live++;
	return l;
}

struct live *
live_add(struct daemon *d, int channel, const struct ipc_register *reg,
    int proof)
{
	struct live *l = new_live(d, channel);

	if (l == NULL) {
		(void)close(proof);
		return NULL;
	}
	l->proof = proof;
	l->reg = *reg;
	return l;
}

struct live *
live_add_other(struct daemon *d, int channel, const struct hello_session *h,
    pid_t pid)
{
	struct live *l = new_live(d, channel);
	struct ipc_register *g;

	if (l == NULL)
		return NULL;
	l->version = h->version;
	l->ends = h->ends;
	g = &l->reg;
	g->reference = h->reference;
	g->since = h->since;
	g->pid = (uint32_t)pid;
	(void)snprintf(g->account, sizeof(g->account), "%s", h->account);
	(void)snprintf(g->identity, sizeof(g->identity), "%s", h->identity);
	(void)snprintf(g->address, sizeof(g->address), "%s", h->address);
	(void)snprintf(g->tty, sizeof(g->tty), "%s", h->tty);
	return l;
}

size_t
live_others(const struct daemon *d, int64_t *ends)
{
	const struct live *l = NULL;
	size_t n = 0;

	*ends = 0;
	while ((l = live_next(d, l)) != NULL) {
		n += l->version != 0;
		if (l->ends > *ends)
			*ends = l->ends;
	}
	return n;
}

void
live_remove(struct live *l)
{
	if (l == NULL)
		return;
	ev_timer_stop(l->d->loop, &l->patience);
	l->d->live--;
	*l->link = l->next;
	if (l->next != NULL)
		l->next->link = l->link;
	if (l->proof >= 0)
		(void)close(l->proof);
	free(l);
}

struct live *
live_next(const struct daemon *d, const struct live *at)
{
	return at == NULL ? d->sessions : at->next;
}

struct live *
live_find(const struct daemon *d, uint64_t order)
{
	struct live *l = NULL;

	while ((l = live_next(d, l)) != NULL)
		if (l->order == order)
			return l;
	return NULL;
}

/* What a certificate may make long, and what a person may have written,
 * comes last. */
static void
log_end(const struct live *l, const char *detail)
{
	char identity[sizeof(l->reg.identity)];

	log_info("ended: account=%s address=%s reference=%llu identity=\"%s\""
	    ": %s", l->reg.account, l->reg.address,
	    (unsigned long long)l->reg.reference,
	    err_unquote(identity, sizeof(identity), l->reg.identity), detail);
}

int
live_end(struct live *l, const char *text, const char *detail)
{
	char bounded[IPC_TEXT_MAX];
	struct buf b;
	int r;

	if (l->ending)
		return 0;
	(void)snprintf(bounded, sizeof(bounded), "%s", text);
	buf_init(&b, CHAN_MSG_MAX);
	r = l->version != 0 ? hello_end_encode(&b, bounded) :
	    ipc_text_encode(&b, IPC_SES_END, bounded);
	if (r == 0)
		r = chan_send(l->channel, &b, NULL, 0);
	buf_free(&b);
	if (r != 0) {
		log_error("session reference=%llu of account=%s could not be "
		    "ended: %s", (unsigned long long)l->reg.reference,
		    l->reg.account, err_text(r));
		return r;
	}
	log_end(l, detail != NULL ? detail : text);
	l->ending = true;
	ev_timer_start(l->d->loop, &l->patience);
	return 0;
}
