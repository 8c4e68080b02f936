/*
 * One TLS 1.3 session of the connection protocol on a non-blocking socket:
 * ALPN certlogin/1, certificates on both sides, no tickets, no early data.
 * GnuTLS stays behind this header.
 *
 * The library judges no certificate: the client's caller does so in verify,
 * the server's from the transcript.
 */
#ifndef X509_TLS_H
#define X509_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

#define TLS_ALPN "certlogin/1"
#define TLS_CHAIN_MAX 4		/* certificates on the wire */
#define TLS_HANDSHAKE_MAX 16384	/* bytes of one handshake message */
#define TLS_TRANSCRIPT_MAX 32768	/* bytes of a whole handshake */
#define TLS_RECORD 16384	/* plaintext of a full record */
#define TLS_RANDOM_LEN 32
#define TLS_SIGNATURE_MAX 1024

struct tls;
struct gnutls_privkey_st;

/* Alerts (RFC 8446 section 6.2) that these programs send or explain. */
enum tls_alert {
	TLS_ALERT_NONE = 0,	/* also close_notify */
	TLS_ALERT_HANDSHAKE_FAILURE = 40,
	TLS_ALERT_BAD_CERTIFICATE = 42,
	TLS_ALERT_UNSUPPORTED_CERTIFICATE = 43,
	TLS_ALERT_CERTIFICATE_REVOKED = 44,
	TLS_ALERT_CERTIFICATE_EXPIRED = 45,
	TLS_ALERT_CERTIFICATE_UNKNOWN = 46,
	TLS_ALERT_UNKNOWN_CA = 48,
	TLS_ALERT_ACCESS_DENIED = 49,
	TLS_ALERT_DECRYPT_ERROR = 51,
	TLS_ALERT_PROTOCOL_VERSION = 70,
	TLS_ALERT_INTERNAL_ERROR = 80,
	TLS_ALERT_CERTIFICATE_REQUIRED = 116,
	TLS_ALERT_NO_APPLICATION_PROTOCOL = 120,
};

/* What a failure was. */
enum tls_failure {
	TLS_FAIL_NONE,
	TLS_FAIL_EOF,		/* the connection broke off */
	TLS_FAIL_ALERT,		/* the peer sent an alert: tls_alert_got */
	TLS_FAIL_NO_CERT,	/* the client has no certificate */
	TLS_FAIL_NO_ALPN,	/* the peer does not speak certlogin/1 */
	TLS_FAIL_SIZE,		/* a message, transcript or chain too long */
	TLS_FAIL_USAGE,		/* the peer's certificate may not sign: its
				 * keyUsage, RFC 5280 4.2.1.3 */
	TLS_FAIL_SIGN,		/* our own signature could not be made */
	TLS_FAIL_VERIFY,	/* the caller refused the server's chain */
	TLS_FAIL_OTHER,		/* see tls_code, tls_error */
};

/* ---- the client's side -------------------------------------------------- */

struct tls_client {
	const char *host;		/* sent as SNI unless an address */
	const struct span *chain;	/* own certificates, DER, leaf first */
	size_t n;
	/* Own key, either in memory (stays the caller's) or behind a call
	 * that appends to sig the signature of data (RFC 8446 4.4.3, not
	 * hashed yet) in a TLS 1.3 scheme. */
	struct gnutls_privkey_st *key;
	int (*sign)(void *ctx, uint16_t scheme, struct span data,
	    struct buf *sig);
	/* Judge the server's chain (DER, leaf first) before ours is shown:
	 * TLS_ALERT_NONE to go on, else the alert to send. */
	enum tls_alert (*verify)(void *ctx, const struct span *chain,
	    size_t n);
	/* The server asked for our certificate; it follows when verify says
	 * so.  May be NULL. */
	void (*asked)(void *ctx);
	void *ctx;
};

/* A client's session on fd, which stays the caller's and is non-blocking.
 * What spec points to must outlive it. */
int tls_client_new(struct tls **out, const struct tls_client *spec, int fd,
    struct why *why);

/* ---- the server's side -------------------------------------------------- */

struct tls_server {
	uint16_t scheme;		/* the host key's only one: 0x0403,
					 * 0x0503, 0x0807 or 0x0804 */
	const struct span *chain;	/* own certificates, DER, leaf first */
	size_t n;
	/* Append to sig the signature of CertificateVerify for a transcript
	 * that ends with our Certificate.  Called once, blocks. */
	int (*sign)(void *ctx, struct span transcript, struct buf *sig);
	void *ctx;
};

/* Everything that can be made before there is a connection; chain is copied. */
int tls_server_new(struct tls **out, const struct tls_server *spec,
    struct why *why);
/* Take the non-blocking socket, which stays the caller's, and ServerHello's
 * random. */
int tls_server_begin(struct tls *t, int fd,
    const uint8_t random[TLS_RANDOM_LEN]);
/* The handshake so far: messages with their 4-byte headers (RFC 8446 section
 * 4), a HelloRetryRequest as ServerHello; ends with the client's
 * CertificateVerify. */
struct span tls_server_transcript(const struct tls *t);

/* ---- both --------------------------------------------------------------- */

void tls_free(struct tls *t);		/* accepts NULL; sends nothing */

/* 0 done; ERR_AGAIN (poll for tls_wants_write() ? write : read); ERR_EOF the
 * peer closed; ERR_REFUSED verify said no; ERR_CRYPTO anything else.  The
 * alert that fits was sent. */
int tls_handshake(struct tls *t);
bool tls_wants_write(const struct tls *t);
/* After the handshake: give back what only it needed, transcript included. */
void tls_settle(struct tls *t);

/* Up to n bytes of plaintext, at least TLS_RECORD so that none stay inside:
 * > 0; 0: the peer ended properly; ERR_AGAIN; ERR_EOF: the connection broke
 * off; ERR_CRYPTO. */
ssize_t tls_read(struct tls *t, void *p, size_t n);
/* Take up to n bytes to send, in full records, four of them as one: how many
 * were taken (they may still wait inside: tls_unsent); ERR_AGAIN; ERR_EOF;
 * ERR_CRYPTO. */
ssize_t tls_write(struct tls *t, const void *p, size_t n);
bool tls_unsent(const struct tls *t);
/* Send what waits inside: 0, ERR_AGAIN, ERR_EOF, ERR_CRYPTO. */
int tls_flush(struct tls *t);
/* New sending keys after so many records (default 2^22, far below the limit
 * of AES-GCM, RFC 8446 section 5.5). */
void tls_set_rekey(struct tls *t, uint64_t records);

/* Ending properly: tls_bye, or tls_alert, until it is 0; then tls_drain until
 * it is 0; then close.  Without the drain, bytes that the peer sent meanwhile
 * become a reset and our last ones are lost. */
/* Say that nothing more comes (close_notify, FIN): 0, ERR_AGAIN, or another
 * code when the connection is dead. */
int tls_bye(struct tls *t);
/* Send a fatal alert instead, and FIN: the same. */
int tls_alert(struct tls *t, enum tls_alert alert);
/* Throw away what the peer still sends: 0 at its end, ERR_AGAIN. */
int tls_drain(struct tls *t);

/* What went wrong: kind, the alert that the peer sent (TLS_ALERT_NONE if it
 * sent none), the library's code and text. */
enum tls_failure tls_failure(const struct tls *t);
enum tls_alert tls_alert_got(const struct tls *t);
int tls_code(const struct tls *t);
const char *tls_error(const struct tls *t);
/* E.g. "TLS1.3 X25519 AES-128-GCM"; after the handshake. */
char *tls_describe(const struct tls *t, char *dst, size_t size);

#endif
