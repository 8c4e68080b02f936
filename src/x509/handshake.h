/*
 * Walking a TLS 1.3 handshake transcript (RFC 8446 section 4) without a TLS
 * library: messages with their 4-byte headers, in order.  Used by
 * certlogin-hostkey and certlogin-judge; no GnuTLS here.
 */
#ifndef X509_HANDSHAKE_H
#define X509_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum handshake_type {
	HANDSHAKE_CLIENT_HELLO = 1,
	HANDSHAKE_SERVER_HELLO = 2,
	HANDSHAKE_ENCRYPTED_EXTENSIONS = 8,
	HANDSHAKE_CERTIFICATE = 11,
	HANDSHAKE_CERTIFICATE_REQUEST = 13,
	HANDSHAKE_CERTIFICATE_VERIFY = 15,
	HANDSHAKE_FINISHED = 20,
	HANDSHAKE_MESSAGE_HASH = 254,
};

/* One message: body without header, whole with it. */
struct handshake_msg {
	uint8_t type;
	struct span body, whole;
};

/* The next message of r; errors stick in r as for rd_*. */
struct handshake_msg handshake_next(struct rd *r);

/*
 * The server's part, ClientHello through the server's Certificate, in the
 * only order that we speak: ClientHello, [HelloRetryRequest, ClientHello,]
 * ServerHello, EncryptedExtensions, CertificateRequest, Certificate.
 */
struct handshake_server {
	bool sha384;			/* hash of the suite, else SHA-256 */
	bool retried;			/* HelloRetryRequest took place */
	struct span first_hello;	/* whole ClientHello before the retry */
	struct span rest;		/* what is hashed behind it: everything
					 * from the HelloRetryRequest on, or
					 * all when there was none; ends behind
					 * the server's Certificate */
	struct span extensions;		/* body of EncryptedExtensions */
	struct span leaf;		/* DER of the server's certificate */
};

/*
 * Read it from r, leaving r behind the server's Certificate.  Checks: TLS 1.3
 * with a known suite, no PSK, ServerHello's random equals random (32 bytes)
 * and is not HelloRetryRequest's, a client certificate is asked for with an
 * empty context, the leaf equals own.  own.p NULL: any leaf, for a handshake
 * that was judged before.  0, or ERR_MALFORMED / ERR_REFUSED with
 * why.
 */
int handshake_server(struct rd *r, struct span random, struct span own,
    struct handshake_server *out, struct why *why);

#endif
