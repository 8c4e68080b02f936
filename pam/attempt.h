/*
 * One authentication on its way: what token and file have in common.  A
 * certificate is offered to the judge before its key is asked for anything;
 * what counts at the end is the judge's verdict about a signature.
 */
#ifndef PAM_ATTEMPT_H
#define PAM_ATTEMPT_H

#include "cred/p11.h"
#include "door/judging.h"
#include "pam/visit.h"

/* Who was authenticated, for the phases that follow. */
struct known {
	char account[IPC_ACCOUNT_MAX];
	char identity[IPC_IDENTITY_MAX];
	char issuer[IPC_TEXT_MAX];
	char serial[64];
	struct buf der;			/* the chain, one behind the other */
	size_t n, len[IPC_CHAIN_MAX];
};

/* certlogin-p11 or certlogin-keyfile. */
struct holder {
	struct child child;
	struct p11 *p11;		/* NULL = not started */
};

struct attempt {
	struct visit *v;
	struct judging judge;
	bool ready;			/* it has a policy */
	struct holder card;
	bool asked;			/* by token_ask */
	char host[PAMMSG_HOST_MAX];	/* id of this machine */
	uint8_t nonce[PAMMSG_NONCE_LEN];	/* for the one signature */
	struct known *known;		/* filled on success */
};

/* A chain and what the judge says of it. */
struct offered {
	struct span der[IPC_CHAIN_MAX];	/* leaf first, owned by the caller */
	size_t n;
	struct pammsg_facts facts;
	uint32_t place;
};

int holder_start(struct holder *h, const struct visit *v,
    const char *const *argv, const char *name, struct why *why);
/* The card is logged out; then the process ends. */
void holder_end(struct holder *h);

/* Whatever a proof needs that nobody has to wait for.  PAM_SUCCESS, or the
 * code to return, and person and log know. */
int attempt_prepare(struct attempt *a);

/* Offer o->der.  PAM_SUCCESS: o->facts says what came of it, held to the uid
 * rule; else the code to return, and person and log know. */
int attempt_offer(struct attempt *a, struct offered *o);

/* Let the key sign, and the judge judge: PAM_SUCCESS in this one place, with
 * a->known filled; else the code, and person and log know.  unlocking: what a
 * person calls the key, if p11_ask_login() still wants its answer; NULL if
 * not. */
int attempt_prove(struct attempt *a, struct p11 *key,
    const char *unlocking, const struct offered *o);

/* A holder failed: log it, tell it, and the code to return. */
int attempt_failed(const struct attempt *a, int code, const char *what,
    const struct why *why);

/* "2026-11-25" */
char *attempt_date(int64_t t, char dst[16]);

void known_free(struct known *k);	/* accepts NULL */

#endif
