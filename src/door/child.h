/*
 * Starting a helper in a process that is not ours: by posix_spawn, so
 * that no atfork handler runs and no memory is copied, with an empty
 * environment, default signals and no descriptor but the channel.
 */
#ifndef DOOR_CHILD_H
#define DOOR_CHILD_H

#include <sys/types.h>

#include "base/err.h"

struct child {
	pid_t pid;		/* 0 = none */
	int pidfd;		/* of it; -1 = none, or there are no pidfds */
	int fd;			/* channel; -1 = none or given away */
};

#define CHILD_NONE { .pid = 0, .pidfd = -1, .fd = -1 }

/* argv begins with the name of one that puts right what our process left
 * (certlogin-spawn, certlogin-p11) and ends with NULL.  A failure leaves no
 * process, and c as it was. */
int child_start(struct child *c, const char *const *argv, struct why *why);

/* Close the channel and kill it; child_end is still due. */
void child_kill(struct child *c);
/* The same, and wait for it.  What it said counts, not how it ended; and a
 * caller that ignores SIGCHLD or waits for everybody takes its status. */
void child_end(struct child *c);

#endif
