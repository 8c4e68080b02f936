/*
 * Reading a certificate with GnuTLS.  Only bytes whose signature by a
 * configured CA was verified come here (verify.c), or an anchor's.
 */
#ifndef X509_CERT_H
#define X509_CERT_H

#include "base/buf.h"
#include "base/err.h"
#include "x509/facts.h"

/*
 * The facts of a certificate.  ERR_MALFORMED, ERR_TOOBIG, or ERR_REFUSED (a
 * byte or form that no name may have) with why naming field and byte.
 */
int cert_facts(struct facts *out, struct span der, struct why *why);

#endif
