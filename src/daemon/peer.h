/*
 * Who is at the other end of a local socket, as the kernel says.
 */
#ifndef DAEMON_PEER_H
#define DAEMON_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

#define PEER_NO_GROUP ((gid_t)-1)

struct peer {
	uid_t uid;
	pid_t pid;		/* may have ended meanwhile */
};

/* 0, or ERR_SYS with why. */
int peer_of(int fd, struct peer *p, struct why *why);

/* Was the peer a member of group when it connected, by its primary group or a
 * supplementary one?  Nobody is of PEER_NO_GROUP.  0 or 1; negative with why:
 * nobody knows. */
int peer_has_group(int fd, gid_t group, struct why *why);

/* "uid=0 login-uid=1000 pid=4711": who it is and, where the kernel keeps that,
 * who logged in as such; for the log. */
#define PEER_TEXT_MAX 80
char *peer_text(const struct peer *p, char dst[PEER_TEXT_MAX]);

#endif
