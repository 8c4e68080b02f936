/*
 * The settings of ssh_config(5) that programs made for ssh pass on: which of
 * them mean something here, which make no difference, which are refused.
 */
#ifndef CLIENT_SSH_H
#define CLIENT_SSH_H

#include "base/err.h"

enum ssh_answer {
	SSH_OURS,	/* a setting of ours, or nobody's: look there */
	SSH_IGNORED,	/* makes no difference */
};

/*
 * What becomes of name = value.  SSH_OURS: *as is the name of ours, or NULL
 * for the same name; SSH_IGNORED; or ERR_REFUSED with why.
 */
int ssh_option(const char *name, const char *value, const char **as,
    struct why *why);

#endif
