/*
 * The messages between pam_certlogin.so, certlogin-spawn and a judge with the
 * job `pam` (numbers in ipc.h), and the bytes that a person's key signs.  The
 * verdict is struct ipc_verdict.
 */
#ifndef PROTO_PAMMSG_H
#define PROTO_PAMMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/ipc.h"

#define PAMMSG_OFFERS_MAX 16		/* chains that one judge looks at */
#define PAMMSG_NONCE_LEN 32
#define PAMMSG_HASH_LEN 32
#define PAMMSG_HOST_MAX 65		/* with NUL: machine-id or boot_id */
#define PAMMSG_SIGNED_MAX 1024		/* bytes of pammsg_signed() */

/* ---- PAM_OFFER: string service; string account (may be empty); uint32 n; n
 * strings of DER, leaf first */
struct pammsg_offer {
	char service[IPC_ACCOUNT_MAX];
	char account[IPC_ACCOUNT_MAX];
	size_t n;			/* 1..IPC_CHAIN_MAX */
	struct span der[IPC_CHAIN_MAX];
};
int pammsg_offer_encode(struct buf *b, const struct pammsg_offer *o);
int pammsg_offer_decode(struct rd r, struct pammsg_offer *o);

/* ---- PAM_FACTS: members in order; enum as byte; texts are printable.
 * Nothing but reason and detail counts unless the state says otherwise:
 * EXPIRED and EARLY set what a person needs to see which certificate it is,
 * FITS sets all. */
enum pammsg_state {
	PAMMSG_REFUSED = 0,
	PAMMSG_EXPIRED = 1,	/* a CA of ours signed it; its time is over */
	PAMMSG_EARLY = 2,	/* the same; its time has not come */
	PAMMSG_FITS = 0x5a,	/* trusted, and the map allows it */
};
struct pammsg_facts {
	uint8_t state;			/* enum pammsg_state, no other value */
	uint16_t scheme;		/* how its key is to sign */
	uint8_t sha256[PAMMSG_HASH_LEN];	/* of the certificate */
	bool captured;			/* account came from a capture */
	uint32_t rule_line;
	int64_t not_before, not_after;
	char account[IPC_ACCOUNT_MAX];	/* that a signature is for */
	char authority[80];
	char identity[IPC_IDENTITY_MAX];
	char subject[IPC_TEXT_MAX];
	char issuer[IPC_TEXT_MAX];
	char serial[64];
	char reason[IPC_TEXT_MAX];	/* for the person; "" when it fits */
	char detail[IPC_TEXT_MAX];	/* for the log */
};
int pammsg_facts_encode(struct buf *b, const struct pammsg_facts *f);
int pammsg_facts_decode(struct rd r, struct pammsg_facts *f);

/* ---- PAM_PROVE: uint32 place of the offer, from 0; string nonce; string
 * host id; string signature */
struct pammsg_prove {
	uint32_t index;
	struct span nonce;		/* PAMMSG_NONCE_LEN */
	char host[PAMMSG_HOST_MAX];
	struct span signature;
};
int pammsg_prove_encode(struct buf *b, const struct pammsg_prove *p);
int pammsg_prove_decode(struct rd r, struct pammsg_prove *p);

enum pammsg_loaded {
	PAMMSG_NO_POLICY = 0,
	PAMMSG_POLICY = 1,
	PAMMSG_NOT_KEPT = 2,		/* what was kept is none: load it */
};
/* ---- PAM_LOADED: byte enum pammsg_loaded; string problem, "" if there is a
 * policy */
int pammsg_loaded_encode(struct buf *b, enum pammsg_loaded what,
    const char *problem);
int pammsg_loaded_decode(struct rd r, enum pammsg_loaded *what,
    char problem[IPC_TEXT_MAX]);

/* What the key signs: "certlogin-pam-v1" 0x00, then as strings host id,
 * service, account, SHA-256 of the certificate, nonce.  b is empty with the
 * limit PAMMSG_SIGNED_MAX.  0 or the buffer's error. */
int pammsg_signed(struct buf *b, const char *host, const char *service,
    const char *account, const uint8_t sha256[PAMMSG_HASH_LEN],
    struct span nonce);

#endif
