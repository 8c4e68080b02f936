/*
 * The uid rule: which local accounts a verdict may reach at all.  One
 * function, used by session, PAM module and certlogin-map.
 */
#ifndef IDMAP_UIDRULE_H
#define IDMAP_UIDRULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct uidrule {
	uint32_t uid_min, uid_max;	/* ordinary accounts, both included */
	const char *const *privileged;	/* privileged-accounts */
	size_t n_privileged;
};

/* UID_MIN and UID_MAX of /etc/login.defs, else 1000 and 60000. */
void uidrule_limits(uint32_t *min, uint32_t *max);

/*
 * May name (as NSS returned it, with uid) be reached?  Yes if uid is within
 * uid_min..uid_max; otherwise only if name is listed as privileged and the
 * rule named it literally.  0, or ERR_REFUSED with why.
 */
int uidrule_check(const struct uidrule *rule, const char *name, uid_t uid,
    bool captured, struct why *why);

#endif
