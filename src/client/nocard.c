#include "client/card.h"

int
card_open(struct card **out, const char *uri, const struct conf *conf,
    const struct say *say, struct buf *der, char *from, size_t from_size,
    struct why *why)
{
	(void)out;
	(void)uri;
	(void)conf;
	(void)say;
	(void)der;
	(void)from;
	(void)from_size;
	return why_set(why, ERR_REFUSED, "this certlogin was built without "
	    "PKCS#11; use a key file, or a build with PKCS#11");
}

int
card_sign(struct card *c, uint16_t scheme, struct span data, struct buf *sig,
    struct why *why)
{
	(void)c;
	(void)scheme;
	(void)data;
	(void)sig;
	return why_set(why, ERR_STATE, "there is no card");
}

void
card_close(struct card *c)
{
	(void)c;
}
