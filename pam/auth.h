/*
 * The phases of the module, one function each; the entry points unpack, call,
 * and return what these return.
 */
#ifndef PAM_AUTH_H
#define PAM_AUTH_H

#include "pam/attempt.h"

/* Authenticate.  PAM_SUCCESS with *known, to be freed by known_free(). */
int auth_run(struct visit *v, struct known **known);

/* Does what was true at the authentication still hold? */
int auth_recheck(struct visit *v, const struct known *known);

#endif
