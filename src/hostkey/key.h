/*
 * The host's key and certificate chain, in certlogin-hostkey only.
 */
#ifndef HOSTKEY_KEY_H
#define HOSTKEY_KEY_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/ipc.h"

struct key;

/* Where the key is: a PEM file (descriptor), or a token. */
struct key_source {
	int key_fd, cert_fd, pin_fd;	/* -1 = none */
	const char *uri, *module;	/* pkcs11: URI and pinned driver */
};

/* Load and check that key and leaf belong together.  NULL with why. */
struct key *key_load(const struct key_source *src, struct why *why);
void key_free(struct key *k);

/* The chain as told to everybody else; valid as long as k. */
const struct ipc_host *key_host(const struct key *k);
int64_t key_not_after(const struct key *k);

/*
 * Sign the server's CertificateVerify (RFC 8446 4.4.3) for a transcript that
 * ends with the server's Certificate: it must carry random (32 bytes) as
 * ServerHello.random and our certificate.  The signature is appended to sig.
 */
int key_sign(struct key *k, struct span random, struct span transcript,
    struct buf *sig, struct why *why);

#endif
