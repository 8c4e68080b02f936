/*
 * The inside of a verification, for verify*.c only: verify.c searches paths,
 * verify_path.c walks one from its anchor down, verify_leaf.c checks the
 * leaf that it led to.
 */
#ifndef X509_VERIFY_RUN_H
#define X509_VERIFY_RUN_H

#include "x509/ext.h"
#include "x509/names.h"
#include "x509/verify.h"

/* One certificate of the chain. */
struct verify_cert {
	bool usable;			/* sliced, and neither a duplicate nor
					 * an anchor */
	struct slice_cert cut;
	struct ext ext;			/* once its signature was verified */
	int64_t not_before, not_after;
};

struct verify_run {
	const struct verify_ask *ask;
	unsigned skip;			/* VERIFY_BITs */
	struct verify_cert cert[VERIFY_CHAIN_MAX];
	size_t n;
	struct verify_memo *memo, own;	/* signature checks made; own: where the
					 * caller keeps none */
	size_t budget;			/* checks allowed */
	bool exhausted;			/* budget was not enough */

	/* the path in hand */
	size_t path[VERIFY_DEPTH_MAX];	/* indices of cert, the leaf first */
	size_t depth;
	const struct trust_authority *authority;
	const struct trust_anchor *anchor;
	int64_t now;			/* effective time of authority */
	struct verify at;		/* its report, first a refusal */
	char where[160];		/* the certificate in hand, in words */
	int facts_rc;			/* of cert_facts() for the leaf */
	struct why facts_why;
};

/* The check failed: false, and the report says so; true if it is to be
 * skipped.  text: what was found and expected, for log and admin. */
bool verify_fail(struct verify_run *r, enum verify_check check,
    enum tls_alert alert, const char *reason, const char *text, ...)
    __attribute__((format(printf, 5, 6)));
/* The check passed, unless it failed and was skipped.  Returns true. */
bool verify_pass(struct verify_run *r, enum verify_check check,
    const char *text, ...) __attribute__((format(printf, 3, 4)));
/* Name certificate i in reports from here on. */
void verify_where(struct verify_run *r, size_t i);

/* "2021-01-01 00:00:00 UTC"; date alone with day. */
#define VERIFY_TIME_MAX 40
const char *verify_time_text(char dst[VERIFY_TIME_MAX], int64_t t, bool day);

/* Signatures, keys and issuers of the path in hand, from its anchor down.
 * Nothing is parsed whose signature has not been verified. */
bool verify_path(struct verify_run *r);
/* The rest, once verify_path() passed. */
bool verify_leaf(struct verify_run *r);

#endif
