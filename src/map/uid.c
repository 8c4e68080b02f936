#include "map/uid.h"

#include <stdio.h>
#include <string.h>

#include "idmap/uidrule.h"
#include "proto/ipc.h"

int
uid_check(const char *privileged, const char *name, uid_t uid, bool captured,
    struct why *why)
{
	const char *listed[IPC_PRIVILEGED_MAX];
	struct uidrule rule = { .privileged = listed };
	char list[IPC_TEXT_MAX] = "", *save = NULL;

	if (privileged != NULL)
		(void)snprintf(list, sizeof(list), "%s", privileged);
	for (char *p = strtok_r(list, ", ", &save);
	    p != NULL && rule.n_privileged < IPC_PRIVILEGED_MAX;
	    p = strtok_r(NULL, ", ", &save))
		listed[rule.n_privileged++] = p;
	uidrule_limits(&rule.uid_min, &rule.uid_max);
	return uidrule_check(&rule, name, uid, captured, why);
}
