/*
 * The two local sockets in RUN_DIR: `control`, where certloginctl asks, for
 * root and the members of control-group; `register`, root's alone, where
 * sessions that outlived an earlier certlogind come back.
 *
 * Nobody on `control` can hold certlogind up: each question and each message
 * of an answer has its time, and the number of tools at once its bound.
 */
#ifndef DAEMON_CTL_H
#define DAEMON_CTL_H

#include "base/err.h"
#include "daemon/daemon.h"
#include "daemon/peer.h"
#include "proto/chan.h"
#include "proto/ctlmsg.h"

/* A tool that asks. */
struct ctl_tool {
	struct daemon *d;
	struct peer peer;
	int fd;
	ev_io io;
	ev_timer limit;
	struct buf out;		/* the message that goes next */
	/* makes the one behind it in out; NULL: out ends the answer */
	void (*more)(struct ctl_tool *);
	struct ctlmsg_pick pick;	/* of sessions: which */
	uint64_t order;			/* those below it were not told yet */
};

/* Make the sockets and watch them. */
int ctl_open(struct daemon *d, struct why *why);
/* The setup changed: who may reach `control` as well. */
void ctl_permit(struct daemon *d);
/* Close and remove them. */
void ctl_close(struct daemon *d);

/* Whoever answers t later, when this is over: its socket is the caller's now,
 * which sends one CTLMSG_ANSWER and closes it. */
int ctl_take(struct ctl_tool *t);

/* Answer a certloginctl that waits for the end of a reload, and close fd;
 * error is "" if all that was loaded is in force. */
void ctl_reload_ended(const struct daemon *d, int fd, const char *error);

#endif
