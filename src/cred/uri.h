/*
 * Which tokens and certificates a pkcs11: URI means (RFC 7512), by libp11-kit.
 * That library is loaded when there is a URI to read, and not before.
 */
#ifndef CRED_URI_H
#define CRED_URI_H

#include <p11-kit/pkcs11.h>
#include <stdbool.h>

#include "base/err.h"

struct uri;

/* "" means everything.  ERR_MALFORMED; ERR_REFUSED where there is a PIN in
 * it.  *out is to be freed. */
int uri_parse(const char *text, struct uri **out, struct why *why);
void uri_free(struct uri *u);		/* accepts NULL */

bool uri_fits_module(const struct uri *u, CK_INFO *info);
bool uri_fits_token(const struct uri *u, CK_TOKEN_INFO *token);
/* The id and label of a certificate, as a[0] and a[1]. */
bool uri_fits_object(const struct uri *u, CK_ATTRIBUTE a[2]);

#endif
