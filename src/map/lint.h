/*
 * What is suspicious in a valid map: rules that never match, that an earlier
 * one hides, that end soon or match by a weaker field than they could, and
 * accounts that a rule names in vain or at a risk; as a note, rules that a
 * deny cuts.
 */
#ifndef MAP_LINT_H
#define MAP_LINT_H

#include <stdint.h>

#include "base/diag.h"
#include "map/accounts.h"
#include "map/diff.h"
#include "x509/trust.h"

struct lint {
	const struct map *map;
	const char *file;		/* for messages */
	const struct trust_conf *conf;
	int64_t now;
	const struct diff *only;	/* its added lines alone; NULL = all */
	accounts_find *find;		/* NULL = ask the system */
	struct diag *diag;		/* warnings and notes are added */
};

void lint_run(const struct lint *l);

#endif
