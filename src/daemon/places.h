/*
 * The folder of running state: made if missing, locked so that there is one
 * certlogind in it, with an empty folder for helpers to chroot to.
 */
#ifndef DAEMON_PLACES_H
#define DAEMON_PLACES_H

#include <stdbool.h>

#include "base/err.h"

/* test: do not take the lock (certlogind -t beside a running one).  *lock
 * and *empty are descriptors kept for the life of the process. */
int places_open(const char *run_dir, bool test, int *lock, int *empty,
    struct why *why);

#endif
