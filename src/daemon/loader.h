/*
 * Loading a policy: a child opens the files as root and runs the dialogue
 * with an unprivileged judge (proto/load.h), so that logins go on meanwhile.
 */
#ifndef DAEMON_LOADER_H
#define DAEMON_LOADER_H

#include "base/err.h"
#include "daemon/daemon.h"

#define LOADER_MS 60000		/* for each of the judge's answers */
#define LOADER_SECONDS 90	/* for all; the child ends then */

/* Start loading what `with` names, as policy number `number`.  Returns the
 * channel on which the result will come, or a negative code with why. */
int loader_start(struct daemon *d, const struct setup *with, uint64_t number,
    struct why *why);

/*
 * Take the result from that channel, waiting at most ms: u's policy, done and
 * sources; what the judge found is logged.  0; ERR_REFUSED if the files are
 * wrong (u->sources says which they were); any other negative code if they
 * could not be judged (u->sources is empty).
 */
int loader_take(struct setup *u, int fd, int ms, struct why *why);

/* The policy from that channel is in force: the child keeps it (proto/kept.h),
 * since the disk may take long. */
void loader_keep(int fd);

/* Log findings, each with its place. */
void loader_log(const struct diag *diag);

#endif
