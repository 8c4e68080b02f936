/*
 * The client's part of a TLS 1.3 handshake as a transcript shows it: whose
 * certificates, and whether the one who holds the leaf's key signed this very
 * handshake (RFC 8446 sections 4.4.2, 4.4.3).
 */
#ifndef JUDGE_TRANSCRIPT_H
#define JUDGE_TRANSCRIPT_H

#include "proto/ipc.h"
#include "x509/handshake.h"

struct transcript {
	struct handshake_server server;
	struct span hashed;		/* what the signature covers: from
					 * server.rest's start to the end of
					 * the client's Certificate */
	size_t n;
	struct span chain[IPC_CHAIN_MAX];	/* DER, leaf first */
	uint16_t scheme;		/* of the client's CertificateVerify */
	struct span signature;
};

/*
 * Read ClientHello through the client's CertificateVerify, with nothing
 * behind.  random (32 bytes) and own (DER) as for handshake_server().  The
 * client's list has 1 to IPC_CHAIN_MAX certificates of at most IPC_CERT_MAX
 * bytes, an empty context and no extensions.  Views into bytes.
 * 0, or ERR_MALFORMED / ERR_REFUSED / ERR_TOOBIG with why.
 */
int transcript_read(struct span bytes, struct span random, struct span own,
    struct transcript *out, struct why *why);

/*
 * Did the key spki (DER of SubjectPublicKeyInfo) sign it, in the one scheme
 * that fits the key?  0, or ERR_REFUSED / ERR_CRYPTO with why.
 */
int transcript_verify(const struct transcript *t, struct span spki,
    struct why *why);

#endif
