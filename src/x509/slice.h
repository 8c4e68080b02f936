/*
 * Cutting DER of a certificate or CRL (RFC 5280 sections 4.1, 5.1) into the
 * parts that are needed before anybody vouches for it: what is signed, by
 * which algorithm, the signature, and the names that say whose key to try.
 * Strict: definite minimal lengths, nothing left over, the algorithm inside
 * equal to the one outside.  No library, no allocation; views into der.
 *
 * Only what a configured key signed goes on to a certificate parser
 * (cert.h) or to a CRL's list (trust_crl.c).
 */
#ifndef X509_SLICE_H
#define X509_SLICE_H

#include "base/buf.h"
#include "base/err.h"

#define SLICE_CERT_MAX 16384		/* bytes of one certificate */
#define SLICE_CRL_MAX (32u << 20)	/* bytes of one CRL */
#define SLICE_SERIAL_MAX 20		/* bytes, RFC 5280 4.1.2.2 */
#define SLICE_EXTENSIONS_MAX 64		/* of one certificate or CRL */

struct slice_cert {
	struct span whole;		/* the Certificate */
	struct span tbs;		/* TBSCertificate, header included */
	struct span algorithm;		/* AlgorithmIdentifier, with header */
	struct span signature;		/* the BIT STRING's bytes */
	unsigned version;		/* 1..3 */
	struct span serial;		/* INTEGER's bytes, big endian, leading
					 * zero taken off; positive, 1..20 */
	struct span issuer, subject;	/* Names, header included */
	struct span not_before, not_after;	/* whole Times, well formed */
	struct span spki;		/* SubjectPublicKeyInfo, with header */
	struct span extensions;		/* content of Extensions, each well
					 * formed and none twice; n 0: none */
};

/* 0, or ERR_MALFORMED / ERR_SHORT / ERR_TOOBIG with why naming the part. */
int slice_cert(struct span der, struct slice_cert *out, struct why *why);

struct slice_crl {
	struct span whole, tbs, algorithm, signature;	/* as above */
	struct span issuer;		/* Name, header included */
	struct span this_update, next_update;	/* whole Times, well formed;
						 * next n 0: none */
	struct span revoked;		/* content of revokedCertificates */
	struct span extensions;		/* content of crlExtensions, as above */
};

int slice_crl(struct span der, struct slice_crl *out, struct why *why);

/* INTEGER's content as big endian bytes without a leading zero, 0 or positive;
 * or ERR_MALFORMED.  The second, as a serial number: positive, at most
 * SLICE_SERIAL_MAX bytes, else ERR_TOOBIG. */
int slice_integer(struct span content, struct span *out);
int slice_serial(struct span content, struct span *out);

/* One extension of `extensions`: 1 and the next, 0 at the end, or negative.
 * value is the content of extnValue's OCTET STRING. */
struct slice_extension {
	struct span oid;		/* OBJECT IDENTIFIER's bytes */
	bool critical;
	struct span value;
};
int slice_extension_next(struct rd *r, struct slice_extension *out);

/* One element of DER: 0 and its tag (one byte, low form only), content and
 * whole, or a negative code, which also sticks in r. */
int slice_element(struct rd *r, uint8_t *tag, struct span *content,
    struct span *whole);

/* UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 allows it (Z, seconds, no
 * fraction), given whole: seconds since 1970, or ERR_MALFORMED. */
int slice_time(struct span whole, int64_t *out);

#endif
