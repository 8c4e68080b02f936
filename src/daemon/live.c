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

struct live *
live_add(struct daemon *d, int channel, const struct ipc_register *reg,
    int proof)
{
	struct live *l = calloc(1, sizeof(*l));

	if (l == NULL) {
		(void)close(proof);
		return NULL;
	}
	l->d = d;
	l->channel = channel;
	l->proof = proof;
	l->reg = *reg;
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
	(void)close(l->proof);
	free(l);
}

struct live *
live_next(const struct daemon *d, const struct live *at)
{
	return at == NULL ? d->sessions : at->next;
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
	if ((r = ipc_text_encode(&b, IPC_SES_END, bounded)) == 0)
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
