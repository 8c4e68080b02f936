/*
 * Helpers executed ahead: pairs of session and net, and judges.  They hide
 * the cost of exec from a login and are thrown away at each reload.
 */
#ifndef DAEMON_SPARE_H
#define DAEMON_SPARE_H

#include "daemon/daemon.h"

struct spare_pair {
	pid_t session, net;
	int channel;		/* to the session */
};

struct spares *spare_new(struct daemon *d);
void spare_free(struct spares *s);

/* Forget what was made for an older setup and fill up again soon. */
void spare_renew(struct spares *s);
/* The same for judges alone: the policy is another. */
void spare_renew_judges(struct spares *s);

/* Take one, or make one now.  0, or a negative code with why. */
int spare_take_pair(struct spares *s, struct spare_pair *p,
    struct why *why);

/* A judge's channel (owned by the caller) and pid, or a negative code with
 * why.  The login goes to the host with this certificate. */
int spare_take_judge(struct spares *s, const struct hostkey *host, pid_t *pid,
    struct why *why);

/* A child ended: forget it if it was a spare.  Returns true then. */
bool spare_ended(struct spares *s, pid_t pid);

#endif
