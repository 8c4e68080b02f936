/*
 * What a certificate says, in plain C: made by cert_facts() from bytes
 * that a configured CA signed, read by the identity map.  No GnuTLS type appears
 * here, so that programs without GnuTLS can hold it.
 */
#ifndef X509_FACTS_H
#define X509_FACTS_H

#include <stddef.h>
#include <stdint.h>

#define FACTS_NAMES_MAX 32	/* names in one certificate */
#define FACTS_NAME_MAX 512	/* bytes of one name */
#define FACTS_DN_MAX 1024	/* with NUL; a longer one refuses the
				 * certificate */
#define FACTS_SERIAL_MAX 20	/* bytes, RFC 5280 4.1.2.2 */

enum facts_class { FACTS_USER, FACTS_DEVICE, FACTS_HOST, FACTS_CLASSES };

/* The fields a rule can match on; `sid` is Microsoft's
 * szOID_NTDS_CA_SECURITY_EXT, the string form S-1-5-... */
enum facts_field { FACTS_URI, FACTS_EMAIL, FACTS_UPN, FACTS_DNS, FACTS_IP,
    FACTS_SID, FACTS_FIELDS };

struct facts_name {
	enum facts_field field;
	/* printable ASCII only (anything else refuses the certificate);
	 * IP addresses as text */
	char value[FACTS_NAME_MAX + 1];
};

struct facts {
	uint8_t serial[FACTS_SERIAL_MAX];	/* big endian, no leading 0 */
	size_t serial_len;
	uint8_t cert_sha256[32];
	uint8_t spki_sha256[32];
	int64_t not_before, not_after;		/* seconds since 1970 */
	struct facts_name names[FACTS_NAMES_MAX];
	size_t n_names;
	char issuer[FACTS_DN_MAX];		/* RFC 4514 text, escaped */
	char subject[FACTS_DN_MAX];
};

/* "uri", "email", "upn", "dns", "ip", "sid"; "user", "device", "host". */
const char *facts_field_name(enum facts_field field);
const char *facts_class_name(enum facts_class class);
/* By name, or -1. */
int facts_field_by_name(const char *name);
int facts_class_by_name(const char *name);

#endif
