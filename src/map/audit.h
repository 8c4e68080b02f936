/*
 * Who changed what, for the log (authpriv).  Who is told by the kernel, not by
 * the environment.
 */
#ifndef MAP_AUDIT_H
#define MAP_AUDIT_H

#include <stdint.h>
#include <sys/types.h>

#include "map/diff.h"

struct audit_who {
	int64_t login;		/* uid that logged in, -1 = not known */
	int64_t uid;		/* real uid, -1 = not known */
	char name[64];		/* of login, else of uid; a number where there
				 * is no name */
};

/* Of a process. */
void audit_who(long pid, struct audit_who *out);

/* One line in the log for each line of d that is about to change in map; and
 * one if it did not change after all. */
void audit_change(const char *map, const struct diff *d);
void audit_failed(const char *map, const char *why);

#endif
