/*
 * One connection: waiting until the peer says something, then joined to a
 * session and a net, then a live session until its channel closes.
 */
#ifndef DAEMON_CONN_H
#define DAEMON_CONN_H

#include "daemon/daemon.h"

/* A socket was accepted (taken over). */
void conn_accept(struct daemon *d, int fd, struct span address,
    uint16_t port);

/* A session of an earlier certlogind came back over the register socket
 * (taken over); pid is its process, by the kernel. */
void conn_adopt(struct daemon *d, int fd, pid_t pid);

/* A child ended: forget its pid.  status is as of waitpid. */
void conn_ended(struct daemon *d, pid_t pid, int status);

/* At exit: let go of all; live sessions stay. */
void conn_free_all(struct daemon *d);

#endif
