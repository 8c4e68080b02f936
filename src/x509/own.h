/*
 * What our own certificate shows of itself: for the person who hands it over,
 * never for a decision.  It is its owner's, so it is parsed as it is.
 */
#ifndef X509_OWN_H
#define X509_OWN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define OWN_TEXT_MAX 160
#define OWN_FAULTS_MAX 12

struct own {
	char names[512];	/* "uri=..., email=...", printable */
	char issuer[256];	/* printable */
	char until[32];		/* 2027-06-30 12:00 UTC */
	/* What a server would not accept, each with its section. */
	char fault[OWN_FAULTS_MAX][OWN_TEXT_MAX];
	size_t n_faults;
};

/* Look at a certificate (DER) at a time.  What cannot be parsed is a fault
 * itself. */
void own_look(struct own *o, struct span cert, int64_t now);

#endif
