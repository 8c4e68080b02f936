/*
 * The local account that a verdict names, as root sees it: looked up in NSS
 * under exactly that name and held to the uid rule.
 */
#ifndef SESSION_ACCOUNT_H
#define SESSION_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "proto/ipc.h"

struct account {
	char name[IPC_ACCOUNT_MAX];
	char home[IPC_COMMAND_MAX];
	char shell[IPC_COMMAND_MAX];
	uid_t uid;
	gid_t gid;
	bool privileged;		/* only a rule that names it may give
					 * it */
};

/* Look the verdict's account up and apply the uid rule.  asked is what the
 * person asked for ("" = nothing).  Any refusal is ERR_REFUSED with the full
 * story in why (for the log; never for the person). */
int account_check(const struct ipc_verdict *v, const char *asked,
    const struct ipc_settings *set, struct account *a, struct why *why);

#endif
