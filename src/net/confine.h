/*
 * The system calls that certlogin-net is left with.
 */
#ifndef NET_CONFINE_H
#define NET_CONFINE_H

#include "base/err.h"

/* sandbox_enter() with them. */
int confine_enter(struct why *why);

#endif
