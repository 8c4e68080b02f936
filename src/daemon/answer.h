/*
 * What certlogind answers a tool: each fills out, and more where one message
 * is not enough.  The body was not read yet.
 */
#ifndef DAEMON_ANSWER_H
#define DAEMON_ANSWER_H

#include "daemon/ctl.h"

void answer_why(struct ctl_tool *t, struct chan_msg *m);
void answer_status(struct ctl_tool *t, struct chan_msg *m);
void answer_metrics(struct ctl_tool *t, struct chan_msg *m);
void answer_sessions(struct ctl_tool *t, struct chan_msg *m);
void answer_end(struct ctl_tool *t, struct chan_msg *m);
/* Answered when it has ended. */
void answer_reload(struct ctl_tool *t, struct chan_msg *m);
/* That answer, as ctl_reload_ended().  What was loaded is in force where it has
 * a record `reload`, which may all the same have problems. */
void answer_reloaded(struct buf *b, const struct daemon *d,
    const char *error);

#endif
