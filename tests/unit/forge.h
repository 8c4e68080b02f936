/*
 * CAs and CRLs of any shape for unit tests, also of shapes that no CA would
 * make.  CRLs are written byte by byte: the library makes neither large nor
 * wrong ones.
 */
#ifndef UNIT_FORGE_H
#define UNIT_FORGE_H

#include "pki.h"

/* How a CA differs from a good one. */
struct forge_how {
	const struct pki *key;		/* has the key of this one */
	bool no_constraints;		/* no basicConstraints */
	bool not_ca;			/* CA false */
	bool no_usage;			/* no keyUsage */
	unsigned usage;			/* instead of certSign and crlSign */
	int version;			/* instead of 3 */
	bool unknown;			/* critical extension 1.2.3 */
	int64_t from, to;		/* instead of a day around now */
};

/* A CA; how may be NULL.  pki_free() frees it. */
void forge_ca(struct pki *p, enum pki_kind kind, const char *name,
    const struct pki *issuer, const struct forge_how *how);

struct forge_crl {
	const struct pki *signer;
	const struct pki *issuer;	/* name, if not the signer's */
	int64_t this_update, next_update;	/* next 0: none */
	const char *number;		/* its bytes; NULL: no cRLNumber */
	size_t number_len;
	bool number_critical;
	struct span extensions;		/* more of them, DER */
	unsigned first, n;		/* serials of entries */
	struct span entry_extensions;	/* of the last entry, DER */
	struct span entry_serial;	/* of the last entry, instead */
	bool v1;			/* no version */
	uint8_t version;		/* instead of 1, which is v2 */
};

/* A CRL with number, from an hour ago for a day. */
struct forge_crl forge_crl(const struct pki *signer, int64_t now,
    const char *number, size_t number_len);
/* Its DER, appended to out. */
void forge_crl_put(struct buf *out, const struct forge_crl *c);

/* The same as PEM. */
void forge_pem(struct buf *out, const char *label, struct span der);

#endif
