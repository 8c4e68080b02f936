/*
 * The uid rule as certlogin-map asks it, with --privileged in the place of
 * privileged-accounts.
 */
#ifndef MAP_UID_H
#define MAP_UID_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/* As uidrule_check(); privileged: names with commas, NULL = none. */
int uid_check(const char *privileged, const char *name, uid_t uid,
    bool captured, struct why *why);

#endif
