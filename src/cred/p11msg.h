/*
 * The messages between a program and the certlogin-p11 or certlogin-keyfile
 * that it started (chan.h).  To certlogin-keyfile the driver's file is the key
 * file, the PIN its passphrase.  The program asks, the other answers each
 * question with any number of P11_CERT (only to P11_LIST) and one P11_DONE or
 * P11_SIGNED.
 * Neither side believes the other's sizes: decoders check every limit.
 */
#ifndef CRED_P11MSG_H
#define CRED_P11MSG_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define P11_PATH_MAX 1024	/* with NUL: the driver's file */
#define P11_ENV_MAX 16		/* settings NAME=VALUE for the driver */
#define P11_ENV_LEN 1024	/* with NUL: one of them */
#define P11_URI_MAX 2048	/* with NUL: RFC 7512 */
#define P11_PIN_MAX 256		/* bytes */
#define P11_CERT_MAX 16384	/* bytes of one certificate */
#define P11_CERTS_MAX 32	/* certificates of one list */
#define P11_ID_MAX 255		/* bytes of CKA_ID */
#define P11_LABEL_MAX 256	/* with NUL, escaped */
#define P11_TOKEN_MAX 132	/* with NUL, escaped: 32 bytes of a label */
#define P11_DATA_MAX 16384	/* bytes to be signed */
#define P11_SIG_MAX 1024	/* bytes of a signature */
#define P11_TEXT_MAX 512	/* with NUL: a reason */

enum p11_type {
	/* program -> certlogin-p11 */
	P11_LOAD = 112,
	P11_LIST = 113,
	P11_OPEN = 114,
	P11_LOGIN = 115,
	P11_SIGN = 116,
	P11_LOCAL = 117,	/* before P11_LOAD, or never */
	/* certlogin-p11 -> program */
	P11_DONE = 120,
	P11_CERT = 121,
	P11_SIGNED = 122,
};

/* What is known of a token, in P11_CERT and P11_DONE. */
enum p11_flag {
	P11_F_PIN = 0x01,	/* a PIN is needed before signing */
	P11_F_PINPAD = 0x02,	/* the reader asks for it: send an empty one */
	P11_F_ALWAYS = 0x04,	/* a PIN before each signature */
	P11_F_LOW = 0x08,	/* a wrong PIN was given before */
	P11_F_FINAL = 0x10,	/* one more wrong PIN locks the token */
	P11_F_LOCKED = 0x20,	/* locked: only its administrator can help */
	P11_F_KEY_SEEN = 0x40,	/* its private key shows without a PIN */
	P11_F_NO_READER = 0x80,	/* of a list: there is no reader at all */
};

/* ---- P11_LOAD: string path; uint32 n; n strings NAME=VALUE */
struct p11_load {
	char module[P11_PATH_MAX];
	char env[P11_ENV_MAX][P11_ENV_LEN];
	uint32_t n_env;
};
void p11msg_put_load(struct buf *b, const char *module,
    const char *const *env, size_t n_env);
int p11msg_get_load(struct rd *r, struct p11_load *l);

/* ---- P11_LIST: string uri, empty for everything */
void p11msg_put_list(struct buf *b, const char *uri);
int p11msg_get_list(struct rd *r, char uri[P11_URI_MAX]);

/* ---- P11_OPEN: uint32 place in the last list, from 0 */
void p11msg_put_open(struct buf *b, uint32_t index);
int p11msg_get_open(struct rd *r, uint32_t *index);

/* ---- P11_LOGIN: string PIN; b must be a secret buffer */
void p11msg_put_login(struct buf *b, const void *pin, size_t n);
int p11msg_get_login(struct rd *r, struct span *pin);

/* ---- P11_SIGN: uint16 TLS signature scheme; string what is signed (not
 * its hash) */
void p11msg_put_sign(struct buf *b, uint16_t scheme, struct span data);
int p11msg_get_sign(struct rd *r, uint16_t *scheme, struct span *data);

/* ---- P11_LOCAL: uint32 real uid on whose behalf the starter runs */
void p11msg_put_local(struct buf *b, uint32_t uid);
int p11msg_get_local(struct rd *r, uint32_t *uid);

/* ---- P11_CERT: uint32 flags; uint32 CKA_KEY_TYPE, ~0 if not seen; string
 * token label; string label; string id; string DER */
struct p11_cert {
	uint32_t flags;		/* enum p11_flag */
	uint32_t key_type;	/* CKK_*, ~0 when not seen */
	char token[P11_TOKEN_MAX];	/* printable */
	char label[P11_LABEL_MAX];	/* printable */
	uint8_t id[P11_ID_MAX];
	size_t id_len;
	uint8_t der[P11_CERT_MAX];
	size_t der_len;
};
void p11msg_put_cert(struct buf *b, const struct p11_cert *c);
int p11msg_get_cert(struct rd *r, struct p11_cert *c);

/* ---- P11_DONE: uint32 code, 0 or a negated enum err_code; uint32 flags of
 * the opened token; string reason, empty on success */
struct p11_done {
	int code;
	uint32_t flags;
	char text[P11_TEXT_MAX];
};
void p11msg_put_done(struct buf *b, const struct p11_done *d);
int p11msg_get_done(struct rd *r, struct p11_done *d);

/* ---- P11_SIGNED: string signature, as TLS 1.3 wants it */
void p11msg_put_signed(struct buf *b, struct span sig);
int p11msg_get_signed(struct rd *r, struct span *sig);

#endif
