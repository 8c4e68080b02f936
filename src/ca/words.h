/*
 * The words that an admin may give: realm, name, addresses, serial, reason.
 * All are strict and bounded, for they go into certificates, file names and
 * the URI that the identity map compares byte for byte.
 */
#ifndef CA_WORDS_H
#define CA_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define WORDS_REALM_MAX 64	/* ub-organization-name, RFC 5280 A.1 */
#define WORDS_NAME_MAX 64
#define WORDS_EMAIL_MAX 254	/* RFC 5321 4.5.3.1, erratum 1690 */
#define WORDS_DNS_MAX 253
#define WORDS_DNS_LABELS 8	/* nobody needs more */
#define WORDS_SERIAL 16		/* bytes */
#define WORDS_HEX (2 * WORDS_SERIAL + 1)
#define WORDS_URI_MAX (sizeof("spiffe://") + WORDS_REALM_MAX + \
    sizeof("/device/") + WORDS_NAME_MAX)
#define WORDS_IP_MAX 16

enum words_class { WORDS_USER, WORDS_DEVICE, WORDS_HOST, WORDS_ROOT };
#define WORDS_CLASSES 3		/* root issues no leaves */

/* "user", "device", "host", "root". */
const char *words_class(enum words_class c);
/* 0..2, or ERR_MALFORMED; "root" is none. */
int words_class_of(const char *word);

/* Each is 0, or ERR_MALFORMED with what was expected in why. */
/* Two labels at least, of a-z, 0-9 and inner '-', WORDS_REALM_MAX. */
int words_check_realm(const char *realm, struct why *why);
/* [A-Za-z0-9][A-Za-z0-9._-]{0,63} */
int words_check_name(const char *name, struct why *why);
/* One '@'; a domain; printable ASCII that needs no quotes. */
int words_check_email(const char *email, struct why *why);
int words_check_upn(const char *upn, struct why *why);
/* Letters, digits, inner '-'; no wildcard; no address in digits. */
int words_check_dns(const char *dns, struct why *why);
/* An IPv4 or IPv6 address into raw (network order); *n becomes 4 or 16. */
int words_check_ip(const char *text, uint8_t raw[WORDS_IP_MAX], size_t *n,
    struct why *why);
/* 16 bytes in hex, colons between bytes optional. */
int words_serial(const char *text, uint8_t serial[WORDS_SERIAL],
    struct why *why);
/* CLASS/NAME; *name points into text. */
int words_id(const char *text, enum words_class *c, const char **name,
    struct why *why);
/* A CRLReason's number by its name in RFC 5280 5.3.1 (case and '-' do not
 * count), but for those that are not for a leaf. */
int words_reason(const char *text, int *reason, struct why *why);
const char *words_reason_text(int reason);

/* Lower-case hex, WORDS_HEX bytes with NUL. */
void words_hex(const uint8_t serial[WORDS_SERIAL], char hex[WORDS_HEX]);
/* spiffe://REALM/CLASS/NAME */
void words_uri(const char *realm, enum words_class c, const char *name,
    char uri[WORDS_URI_MAX]);

#endif
