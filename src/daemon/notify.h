/*
 * sd_notify(3) without libsystemd: one datagram.  Its library would bring
 * five others into a root process.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

/* Send state ("READY=1") to $NOTIFY_SOCKET, if that is set. */
void notify_send(const char *state);

#endif
