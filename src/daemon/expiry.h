/*
 * A warning each day, from 30 days on before anything loaded expires.
 */
#ifndef DAEMON_EXPIRY_H
#define DAEMON_EXPIRY_H

#include "daemon/daemon.h"

/* Log what expires within 30 days. */
void expiry_warn(const struct daemon *d);

#endif
