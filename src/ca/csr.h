/*
 * Reading a CSR, which comes from anybody: in a child that has given up its
 * privileges and can do nothing but answer, before any key of the CA is
 * opened.  What comes back is a public key, which is checked once more.
 */
#ifndef CA_CSR_H
#define CA_CSR_H

#include <gnutls/abstract.h>

#include "base/buf.h"
#include "base/err.h"

/* Key of a CSR (PEM or DER) whose proof of possession holds and which fits
 * keys_check_leaf().  ERR_REFUSED; ERR_SYS: the child could not be had. */
int csr_key(struct span csr, gnutls_pubkey_t *out, struct why *why);

/* The child's part, also for tests: in this process. */
int csr_parse(struct span csr, gnutls_pubkey_t *out, struct why *why);

#endif
