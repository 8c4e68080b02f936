/*
 * What a map would do to the live sessions if it were in force, asked by
 * CTLMSG_TRY.  A judge of reviews gets it in the place of the policy's, and
 * its answers are counted; nobody is ended.
 */
#ifndef DAEMON_TRIAL_H
#define DAEMON_TRIAL_H

#include "daemon/ctl.h"

/* Answered when all sessions were judged, by the policy that is in force once
 * all that changed before is. */
void answer_try(struct ctl_tool *t, struct chan_msg *m);

/* A child ended: was it the judge of a trial? */
bool trial_ended(struct daemon *d, pid_t pid, int status);

void trial_close(struct daemon *d);	/* nothing if there was none */

#endif
