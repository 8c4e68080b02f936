/*
 * Is the server who it should be?  Its chain against the authority that the
 * person named, or the host authorities of trust.conf(5).
 */
#ifndef CLIENT_SERVER_H
#define CLIENT_SERVER_H

#include <stdbool.h>

#include "client/conf.h"
#include "client/say.h"
#include "x509/trust.h"
#include "x509/verify.h"

struct server {
	struct trust trust;
	char from[512];		/* what it is checked against */
	bool no_crl;		/* revocation is not looked at */
	struct verify verify;	/* of the chain that came */
	bool judged;		/* a chain came */
};

/* Load what the server will be checked against.  s is to be freed either
 * way. */
int server_load(struct server *s, const struct conf *conf, struct diag *diag,
    struct why *why);
void server_free(struct server *s);

/* Judge a chain (DER, leaf first) for this name or address: TLS_ALERT_NONE,
 * or the alert to send.  What was found is in s->verify. */
enum tls_alert server_judge(struct server *s, const char *host,
    const struct span *chain, size_t n);
/* Steps of what was judged. */
void server_show(const struct server *s, const struct say *say);

#endif
