/*
 * Does this chain prove an identity, by which authority, and if not, why?
 * A flat list of named checks, read top to bottom; each has its RFC section,
 * the first that fails ends it.  Pure (memo aside): chain, trust, purpose and
 * time in, result out; no file, no clock, no network.  (libc's gmtime_r() opens the
 * time zone's file once: call tzset() before a sandbox is closed.)
 */
#ifndef X509_VERIFY_H
#define X509_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x509/facts.h"
#include "x509/tls.h"
#include "x509/trust.h"

#define VERIFY_CHAIN_MAX 16	/* certificates given (4 come on the wire) */
#define VERIFY_DEPTH_MAX 4	/* certificates of a path, anchor included */
#define VERIFY_SIGNATURES_LOGIN 8
#define VERIFY_SIGNATURES_TOOL 32

/* In order.  Names as printed and as given to --skip: verify_name(). */
enum verify_check {
	VERIFY_FORM,		/* DER, sizes			RFC 5280 4.1 */
	VERIFY_PATH,		/* issuer's name, signature	6.1.3 (a)(1) */
	VERIFY_PROFILE,		/* SHA-2, RSA >= 2048 (multiple of 8), P-256,
				 * P-384, Ed25519		RFC 8446 4.2.3 */
	VERIFY_ISSUERS,		/* CA, keyCertSign, path length, name
				 * constraints, validity of what lies between
				 * leaf and anchor		6.1.4 */
	VERIFY_VALIDITY,	/*				4.1.2.5 */
	VERIFY_VERSION,		/* v3				4.1.2.1 */
	VERIFY_NOT_CA,		/* not a CA, not the anchor	4.2.1.9 */
	VERIFY_PURPOSE,		/* EKU there, fits, no anyEKU	4.2.1.12 */
	VERIFY_USAGE,		/* digitalSignature, no keyCertSign 4.2.1.3 */
	VERIFY_CRITICAL,	/* no unknown critical extension  4.2 */
	VERIFY_NAME_FORMS,	/* no wildcard, NUL, control or non-ASCII byte,
				 * well-formed entries		4.2.1.6 */
	VERIFY_NAMES,		/* each within the authority's names=, where
				 * it has any: a name of a field that is not
				 * listed is outside, so is a certificate
				 * without names; `dns=*` is any DNS name; a
				 * sid counts only where one is listed */
	VERIFY_LIFETIME,	/* max-lifetime= */
	VERIFY_REVOCATION,	/* a usable, fresh CRL that does not list it
				 * or an issuer below the anchor  6.3 */
	VERIFY_HOST,		/* server only: SAN DNS or IP	RFC 9525 6.3 */
	VERIFY_CHECKS
};
#define VERIFY_BIT(check) (1u << (check))

enum verify_outcome { VERIFY_REFUSED = 0, VERIFY_ACCEPTED = 0x5a };

enum verify_result { VERIFY_NOT_RUN, VERIFY_PASSED, VERIFY_SKIPPED,
    VERIFY_FAILED };

/* Signatures that were checked, by where certificate and key lie: for runs
 * over the same chain and trust, which stay as they are meanwhile. */
struct verify_memo {
	size_t n;
	struct {
		const uint8_t *child, *key;	/* certificate, SPKI */
		int rc;
	} edge[VERIFY_SIGNATURES_TOOL];
};

struct verify_ask {
	const struct trust *trust;
	const struct span *chain;	/* DER, leaf first, others in any order */
	size_t n;
	bool server;			/* the leaf is to be a server: class
					 * host, serverAuth; else user or device,
					 * clientAuth */
	const char *host;		/* server: DNS name or IP address asked
					 * for; NULL leaves VERIFY_HOST out */
	int64_t now;			/* the clock; trust_time() is applied */
	bool any_time;			/* the dates of the path do not refuse:
					 * for a session that is logged in
					 * already.  `expires` has them. */
	unsigned signatures;		/* signature checks at most */
	struct verify_memo *memo;	/* of earlier runs, and for later ones;
					 * NULL: none */
	unsigned skip;			/* VERIFY_BITs: run and reported, but not
					 * deciding.  0 wherever anybody logs
					 * in.  FORM, PATH and an algorithm of
					 * PROFILE that cannot be verified are
					 * never skipped. */
};

struct verify {
	enum verify_outcome outcome;	/* set to ACCEPTED in one place */
	enum verify_check failed;	/* first that failed, if refused */
	struct {
		enum verify_result result;
		char text[256];		/* what was found; printable */
	} check[VERIFY_CHECKS];
	char reason[256];		/* for the person; says nothing of what a
					 * stranger should not learn */
	char detail[512];		/* for log and admin: which certificate,
					 * what, expected, section */
	enum tls_alert alert;		/* that fits, if refused; CERTIFICATE_
					 * UNKNOWN (46): not known whether it
					 * is revoked, for want of a CRL, and
					 * nothing else */
	const struct trust_authority *authority;	/* NULL: none */
	bool have_facts;		/* the leaf was signed below an anchor
					 * and parsed */
	struct facts facts;
	int64_t expires;		/* earliest notAfter of the path */
};

/* Never fails: out is a refusal first. */
void verify(const struct verify_ask *ask, struct verify *out);

/* "signatures" style short name, and section text "RFC 5280 4.2.1.12". */
const char *verify_name(enum verify_check check);
const char *verify_section(enum verify_check check);
/* By name, or -1. */
int verify_by_name(const char *name);

#endif
