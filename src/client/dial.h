/*
 * Connecting: all addresses of a host, the next one a moment later while an
 * earlier one does not answer (RFC 8305).
 */
#ifndef CLIENT_DIAL_H
#define CLIENT_DIAL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define DIAL_ADDRESSES 8	/* tried at most */
#define DIAL_TEXT_MAX 64

/* A connected, non-blocking socket without delay for small packets, or a
 * negative code; family as in enum conf_family; address is filled with the
 * one that answered.  *left is the time limit in milliseconds, and what of it
 * is left over. */
int dial(const char *host, uint16_t port, int family, int *left,
    char address[DIAL_TEXT_MAX], struct why *why);

#endif
