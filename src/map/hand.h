/*
 * A certificate in hand: the rule that fits it and no other.
 */
#ifndef MAP_HAND_H
#define MAP_HAND_H

#include "map/context.h"
#include "proto/ipc.h"

/* What a judge says of the certificate of --from-cert or --from-token.  An
 * exit status; EXIT_DONE only if the trust checks accept it. */
int hand_find(const struct context *c, struct ipc_tested *out);

/*
 * "allow CLASS AUTHORITY uri=... as ACCOUNTS [MORE]": by the certificate's
 * one URI, where its authority's names= lists URIs; else by its key, spki=.
 * *why_so says why, for a person.  more may be NULL.  0, or ERR_REFUSED or
 * ERR_TOOBIG with why.
 */
int hand_rule(const struct trust_conf *conf, const struct ipc_tested *t,
    const char *accounts, const char *more, char dst[MAP_LINE_MAX + 1],
    const char **why_so, struct why *why);

#endif
