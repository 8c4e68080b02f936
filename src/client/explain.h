/*
 * Failures in words: which side refused, why, and what to do.
 */
#ifndef CLIENT_EXPLAIN_H
#define CLIENT_EXPLAIN_H

#include "client/server.h"
#include "x509/tls.h"

/* What an alert of the server means for us. */
const char *explain_alert(enum tls_alert alert);

/* Why the TLS session t with host failed, one line.  leaf is our certificate,
 * which is looked at where the alert alone cannot say it. */
char *explain_tls(const struct tls *t, const char *host,
    const struct server *server, struct span leaf, char *dst, size_t size);

#endif
