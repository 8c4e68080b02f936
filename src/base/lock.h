/*
 * Locks between our own processes, by flock(2), never waited for without end.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include "base/err.h"

/* Lock the open file fd, waiting at most ms milliseconds.  0; ERR_TIMEOUT or
 * ERR_SYS with why, which names it path. */
int lock_wait(int fd, const char *path, unsigned ms, struct why *why);

/* Lock the file path, made where it is missing, that only its owner can open:
 * whoever can open a file can hold its lock.  A descriptor, whose close ends
 * the lock, or as above. */
int lock_file(const char *path, unsigned ms, struct why *why);

#endif
