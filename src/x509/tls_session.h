/*
 * The inside of struct tls, for tls.c, tls_client.c and tls_server.c only.
 */
#ifndef X509_TLS_SESSION_H
#define X509_TLS_SESSION_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#include "x509/tls.h"

struct tls {
	gnutls_session_t session;
	gnutls_certificate_credentials_t cred;
	int fd;				/* -1 until there is one */
	bool client;
	bool complete;			/* the handshake is done */
	bool more;			/* another record follows at once */
	bool unsent;			/* a record waits inside the library */
	bool renewing;			/* new sending keys are on their way */
	bool said;			/* our last word was said */
	uint64_t sent, rekey;		/* records since, and until, new keys */
	enum tls_failure failure;
	enum tls_alert refusal;		/* what verify said */
	enum tls_alert got;
	int code;			/* of the library */

	struct buf transcript;
	bool capture;			/* messages are appended to it */
	size_t first_hello;		/* length of the ClientHello that a
					 * HelloRetryRequest answered, or 0 */
	gnutls_pcert_st own[TLS_CHAIN_MAX];
	size_t n_own;			/* of them to be freed by us */
	struct tls_client as_client;
	struct tls_server as_server;
	gnutls_privkey_t key;		/* client: a call in a key's clothes,
					 * owned */
};

/* One signature scheme, as TLS and as the library number it. */
struct tls_scheme {
	uint16_t tls;
	gnutls_sign_algorithm_t sign;
};
const struct tls_scheme *tls_scheme_find(uint16_t scheme);
const struct tls_scheme *tls_scheme_of(gnutls_sign_algorithm_t sign);

/* Make credentials and session with everything that both sides share. */
int tls_session_init(struct tls *t, const struct span *chain, size_t n,
    struct why *why);
/* From now on the messages of the handshake are appended to transcript. */
void tls_session_capture(struct tls *t);
/* why with the library's text; ERR_CRYPTO. */
int tls_session_why(struct why *why, const char *what, int rc);

#endif
