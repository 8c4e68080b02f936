/*
 * Keys on PKCS#11 tokens, behind certlogin-p11.  A build without PKCS#11 has
 * nocard.c in place of card.c.
 */
#ifndef CLIENT_CARD_H
#define CLIENT_CARD_H

#include "base/buf.h"
#include "base/err.h"
#include "client/conf.h"
#include "client/say.h"

struct card;

/* Find the one fitting certificate (uri NULL: of all), let the person choose
 * among several, take the PIN.  Its DER is appended to der; from says which
 * it is. */
int card_open(struct card **out, const char *uri, const struct conf *conf,
    const struct say *say, struct buf *der, char *from, size_t from_size,
    struct why *why);
int card_sign(struct card *c, uint16_t scheme, struct span data,
    struct buf *sig, struct why *why);
/* Logs out; NULL is fine. */
void card_close(struct card *c);

#endif
