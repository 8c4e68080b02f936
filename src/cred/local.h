/*
 * Does a person sit at this machine?  For the PAM module: a card in the
 * reader proves nothing about who types over the network.
 */
#ifndef CRED_LOCAL_H
#define CRED_LOCAL_H

#include <sys/types.h>

#include "base/err.h"

/*
 * Is process pid, on behalf of the real uid `caller`, local?  Where logind
 * is: uid 0 outside any session (login, a display manager), or an active
 * session with a seat.  Elsewhere: uid 0, or a virtual console as the
 * controlling terminal.  0, or ERR_REFUSED with what was found and expected.
 */
int local_check(pid_t pid, uid_t caller, struct why *why);

#endif
