/*
 * The extensions of a certificate (RFC 5280 section 4.2) that decide
 * anything here, read strictly.  Everything else is passed over, unless it is
 * critical.
 */
#ifndef X509_EXT_H
#define X509_EXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "x509/der.h"

enum ext_usage {			/* 4.2.1.3, the bits as they stand */
	EXT_DIGITAL_SIGNATURE = 0x80,
	EXT_KEY_CERT_SIGN = 0x04,
	EXT_CRL_SIGN = 0x02,
};
enum ext_purpose {			/* 4.2.1.12 */
	EXT_CLIENT_AUTH = 1,
	EXT_SERVER_AUTH = 2,
	EXT_ANY_PURPOSE = 4,
};

struct ext {
	bool have_basic, ca;
	int path_len;			/* -1: no limit */
	bool have_usage, have_purpose;
	uint8_t usage;			/* enum ext_usage, others as they are */
	unsigned purposes;		/* enum ext_purpose, those known */
	bool have_names, names_critical, have_constraints, have_sid;
	struct span names;		/* whole GeneralNames */
	struct span constraints;	/* whole NameConstraints */
	struct span sid;		/* whole value of Microsoft's extension
					 * 1.3.6.1.4.1.311.25.2 */
	const char *policy;		/* one that limits policies, which we do
					 * not process: its name, or NULL */
	char unknown[DER_OID_TEXT];	/* a critical one that we do not
					 * process: its OID, or "" */
};

/* Read the content of Extensions (slice.h).  0, or ERR_MALFORMED with why
 * naming the extension. */
int ext_read(struct span extensions, struct ext *out, struct why *why);

/* May the key be used so?  Without the extension it may (4.2.1.3). */
bool ext_may(const struct ext *e, enum ext_usage usage);

#endif
