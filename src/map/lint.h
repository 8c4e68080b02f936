/*
 * What is suspicious in a valid map: rules that never match, that an earlier
 * one hides, and accounts that a rule names in vain or at a risk.
 */
#ifndef MAP_LINT_H
#define MAP_LINT_H

#include <stdint.h>
#include <sys/types.h>

#include "base/diag.h"
#include "idmap/map.h"
#include "x509/trust.h"

struct lint {
	const struct map *map;
	const char *file;		/* for messages */
	const struct trust_conf *conf;
	int64_t now;
	unsigned only;			/* this line alone; 0 = all */
	/* uid of an account: 0 or ERR_NOTFOUND; NULL = ask the system */
	int (*find)(const char *name, uid_t *uid);
	struct diag *diag;		/* warnings are added */
};

void lint_run(const struct lint *l);

#endif
