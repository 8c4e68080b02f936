/*
 * The folder of running state: made if missing, locked so that there is one
 * certlogind in it, with an empty folder for helpers to chroot to.
 */
#ifndef DAEMON_PLACES_H
#define DAEMON_PLACES_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* test: do not take the lock (certlogind -t beside a running one).  *lock
 * and *empty are descriptors kept for the life of the process. */
int places_open(const char *run_dir, bool test, int *lock, int *empty,
    struct why *why);

/* Let the members of group through run_dir, to what in it is theirs; nobody
 * else, and with (gid_t)-1 nobody.  A folder that lets everybody through was
 * made so on purpose and stays as it is. */
int places_permit(const char *run_dir, gid_t group, struct why *why);

#endif
