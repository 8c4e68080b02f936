/*
 * The words that an admin may give: realm, name, addresses, serial, reason.
 * All are strict and bounded, for they go into certificates, file names and
 * the URI that the identity map compares byte for byte.
 */
#ifndef CA_NAMES_H
#define CA_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define NAMES_REALM_MAX 64	/* ub-organization-name, RFC 5280 A.1 */
#define NAMES_NAME_MAX 64
#define NAMES_EMAIL_MAX 254	/* RFC 5321 4.5.3.1, erratum 1690 */
#define NAMES_DNS_MAX 253
#define NAMES_DNS_LABELS 8	/* nobody needs more */
#define NAMES_SERIAL 16		/* bytes */
#define NAMES_HEX (2 * NAMES_SERIAL + 1)
#define NAMES_URI_MAX (sizeof("spiffe://") + NAMES_REALM_MAX + \
    sizeof("/device/") + NAMES_NAME_MAX)
#define NAMES_IP_MAX 16

enum names_class { NAMES_USER, NAMES_DEVICE, NAMES_HOST, NAMES_ROOT };
#define NAMES_CLASSES 3		/* root issues no leaves */

/* "user", "device", "host", "root". */
const char *names_class(enum names_class c);
/* 0..2, or ERR_MALFORMED; "root" is none. */
int names_class_of(const char *word);

/* Each is 0, or ERR_MALFORMED with what was expected in why. */
/* Two labels at least, of a-z, 0-9 and inner '-', NAMES_REALM_MAX. */
int names_check_realm(const char *realm, struct why *why);
/* [A-Za-z0-9][A-Za-z0-9._-]{0,63} */
int names_check_name(const char *name, struct why *why);
/* One '@'; a domain; printable ASCII that needs no quotes. */
int names_check_email(const char *email, struct why *why);
int names_check_upn(const char *upn, struct why *why);
/* Letters, digits, inner '-'; no wildcard; no address in digits. */
int names_check_dns(const char *dns, struct why *why);
/* An IPv4 or IPv6 address into raw (network order); *n becomes 4 or 16. */
int names_check_ip(const char *text, uint8_t raw[NAMES_IP_MAX], size_t *n,
    struct why *why);
/* 16 bytes in hex, colons between bytes optional. */
int names_serial(const char *text, uint8_t serial[NAMES_SERIAL],
    struct why *why);
/* CLASS/NAME; *name points into text. */
int names_id(const char *text, enum names_class *c, const char **name,
    struct why *why);
/* A CRLReason's number by its name in RFC 5280 5.3.1 (case and '-' do not
 * count), but for those that are not for a leaf. */
int names_reason(const char *text, int *reason, struct why *why);
const char *names_reason_text(int reason);

/* Lower-case hex, NAMES_HEX bytes with NUL. */
void names_hex(const uint8_t serial[NAMES_SERIAL], char hex[NAMES_HEX]);
/* spiffe://REALM/CLASS/NAME */
void names_uri(const char *realm, enum names_class c, const char *name,
    char uri[NAMES_URI_MAX]);

#endif
