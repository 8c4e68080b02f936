#include "daemon/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUPS_MAX 65536	/* NGROUPS_MAX of Linux */

int
peer_of(int fd, struct peer *p, struct why *why)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return why_errno(why, "SO_PEERCRED");
	*p = (struct peer){ .uid = cred.uid, .pid = cred.pid };
	return 0;
}

/* The supplementary groups: their number, in memory of malloc(). */
static ssize_t
groups_of(int fd, gid_t **groups, struct why *why)
{
	socklen_t len = 64 * sizeof(gid_t);

	/* the kernel says how much room it wants */
	for (int i = 0; i < 2 && len <= GROUPS_MAX * sizeof(gid_t); i++) {
		if ((*groups = malloc(len)) == NULL)
			return why_set(why, ERR_NOMEM, "out of memory");
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, *groups,
		    &len) == 0)
			return (ssize_t)(len / sizeof(gid_t));
		free(*groups);
		if (errno != ERANGE)
			break;
	}
	return why_errno(why, "SO_PEERGROUPS");
}

int
peer_has_group(int fd, gid_t group, struct why *why)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	gid_t *groups;
	ssize_t n;
	int r = 0;

	if (group == PEER_NO_GROUP)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return why_errno(why, "SO_PEERCRED");
	if (cred.gid == group)
		return 1;
	if ((n = groups_of(fd, &groups, why)) < 0)
		return (int)n;
	for (ssize_t i = 0; i < n; i++)
		if (groups[i] == group)
			r = 1;
	free(groups);
	return r;
}

/* The uid that a login gave to the process; false where there is none. */
static bool
login_uid(pid_t pid, unsigned long *uid)
{
	char path[64], text[16];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%ld/loginuid", (long)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	*uid = strtoul(text, NULL, 10);
	return *uid != 0xffffffffUL;
}

char *
peer_text(const struct peer *p, char dst[PEER_TEXT_MAX])
{
	unsigned long login;
	char text[24] = "none";

	if (login_uid(p->pid, &login))
		(void)snprintf(text, sizeof(text), "%lu", login);
	(void)snprintf(dst, PEER_TEXT_MAX, "uid=%lu login-uid=%s pid=%ld",
	    (unsigned long)p->uid, text, (long)p->pid);
	return dst;
}
