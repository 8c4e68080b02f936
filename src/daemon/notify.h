/*
 * sd_notify(3) and sd_watchdog_enabled(3) without libsystemd: one datagram.  Its
 * library would bring five others into a root process.
 */
#ifndef DAEMON_NOTIFY_H
#define DAEMON_NOTIFY_H

#include <stdbool.h>

/* Send READY=1 to $NOTIFY_SOCKET, if that is set; may wait. */
void notify_ready(void);

/* The same with state ("STOPPING=1", "WATCHDOG=1"), which is lost rather than
 * waited for: one who does not listen must not make us hang.  False: it is
 * lost. */
bool notify_send(const char *state);

/* How often whoever started us wants to hear WATCHDOG=1: seconds, half of what
 * $WATCHDOG_USEC allows; 0 = never, also where $WATCHDOG_PID is another process
 * or one of them is no number. */
double notify_watchdog(void);

#endif
