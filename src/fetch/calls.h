/*
 * The system calls that certlogin-fetch may make.
 */
#ifndef FETCH_CALLS_H
#define FETCH_CALLS_H

#include "base/sandbox.h"

/* For a file of this machine that is open already. */
#define CALLS_FILE 3
extern const struct sandbox_call calls_file[CALLS_FILE];

/* For a URL: sockets of IPv4 and IPv6, and none by which a local service could
 * be spoken to. */
#define CALLS_URL 35
extern const struct sandbox_call calls_url[CALLS_URL];

#endif
