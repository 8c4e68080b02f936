#include "ca/words.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
#define ALNUM LOWER UPPER DIGIT
#define LABEL_MAX 63
/* RFC 5322 3.2.3: atext, without what the identity map gives a meaning */
#define ATEXT ALNUM "!#$&'+-/=?^_`|~"

static const char *const classes[] = { "user", "device", "host", "root" };

const char *
words_class(enum words_class c)
{
	return classes[c];
}

int
words_class_of(const char *word)
{
	for (int c = 0; c < WORDS_CLASSES; c++)
		if (strcmp(word, classes[c]) == 0)
			return c;
	return ERR_MALFORMED;
}

/* ---- grammar ------------------------------------------------------------- */

/* How what was given is shown in a message: cut and escaped. */
static const char *
shown(const char *text, char dst[80])
{
	return err_escape(dst, 80, text, strnlen(text, 80));
}

/* Labels of these characters, '-' not at an end.  Returns how many, 0 if
 * malformed. */
static size_t
labels(const char *text, const char *set)
{
	size_t count = 1;

	for (;; count++) {
		size_t n = strspn(text, set);

		if (n == 0 || n > LABEL_MAX || text[0] == '-' ||
		    text[n - 1] == '-')
			return 0;
		if (text[n] == '\0')
			return count;
		if (text[n] != '.')
			return 0;
		text += n + 1;
	}
}

int
words_check_realm(const char *realm, struct why *why)
{
	char s[80];

	if (strnlen(realm, WORDS_REALM_MAX + 1) <= WORDS_REALM_MAX &&
	    labels(realm, LOWER DIGIT "-") >= 2)
		return 0;
	return why_set(why, ERR_MALFORMED, "realm '%s': expected a name like "
	    "corp.example, of a-z, 0-9 and '-' between dots, at most %d "
	    "characters", shown(realm, s), WORDS_REALM_MAX);
}

int
words_check_name(const char *name, struct why *why)
{
	size_t n = strnlen(name, WORDS_NAME_MAX + 1);
	char s[80];

	if (n > 0 && n <= WORDS_NAME_MAX && strspn(name, ALNUM) > 0 &&
	    strspn(name, ALNUM "._-") == n)
		return 0;
	return why_set(why, ERR_MALFORMED, "name '%s': expected a letter or "
	    "digit, then letters, digits, '.', '_' and '-', at most %d "
	    "characters", shown(name, s), WORDS_NAME_MAX);
}

/* dot-atom, RFC 5322 3.2.3 */
static bool
dot_atom(const char *p, size_t n)
{
	for (;;) {
		size_t k = strspn(p, ATEXT);

		if (k == 0 || k > n)
			return false;
		if (k == n)
			return true;
		if (p[k] != '.')
			return false;
		p += k + 1;
		n -= k + 1;
	}
}

static int
address(const char *kind, const char *text, struct why *why)
{
	size_t n = strcspn(text, "@");
	char s[80];

	if (strnlen(text, WORDS_EMAIL_MAX + 1) <= WORDS_EMAIL_MAX &&
	    text[n] == '@' && n > 0 && n <= 64 && dot_atom(text, n) &&
	    labels(text + n + 1, ALNUM "-") > 0)
		return 0;
	return why_set(why, ERR_MALFORMED, "%s '%s': expected name@domain in "
	    "ASCII, without blanks or quotes, at most %d characters", kind,
	    shown(text, s), WORDS_EMAIL_MAX);
}

int
words_check_email(const char *email, struct why *why)
{
	return address("email", email, why);
}

int
words_check_upn(const char *upn, struct why *why)
{
	return address("upn", upn, why);
}

/* A last label of digits would be taken for an address (WHATWG URL and
 * RFC 1123 2.1 agree). */
static bool
ends_in_number(const char *dns)
{
	const char *dot = strrchr(dns, '.');
	const char *last = dot != NULL ? dot + 1 : dns;

	return last[strspn(last, DIGIT)] == '\0';
}

int
words_check_dns(const char *dns, struct why *why)
{
	size_t n = 0;
	char s[80];

	if (strnlen(dns, WORDS_DNS_MAX + 1) <= WORDS_DNS_MAX)
		n = labels(dns, ALNUM "-");
	if (n > 0 && !ends_in_number(dns))
		return 0;
	return why_set(why, ERR_MALFORMED, "DNS name '%s': expected letters, "
	    "digits and inner '-' between single dots, no wildcard, the last "
	    "part not a number", shown(dns, s));
}

int
words_check_ip(const char *text, uint8_t raw[WORDS_IP_MAX], size_t *n,
    struct why *why)
{
	char s[80];

	if (inet_pton(AF_INET, text, raw) == 1)
		*n = 4;
	else if (inet_pton(AF_INET6, text, raw) == 1)
		*n = 16;
	else
		return why_set(why, ERR_MALFORMED, "IP address '%s': expected "
		    "one like 192.0.2.1 or 2001:db8::1", shown(text, s));
	return 0;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
words_serial(const char *text, uint8_t serial[WORDS_SERIAL], struct why *why)
{
	const char *p = text;
	char s[80];

	for (size_t i = 0; i < WORDS_SERIAL; i++) {
		int high = hex_digit(p[0]);
		int low = high >= 0 ? hex_digit(p[1]) : -1;

		if (low < 0)
			break;
		serial[i] = (uint8_t)(high * 16 + low);
		p += 2;
		if (i + 1 == WORDS_SERIAL && *p == '\0')
			return 0;
		if (*p == ':')
			p++;
	}
	return why_set(why, ERR_MALFORMED, "serial '%s': expected %d bytes in "
	    "hex, as list prints them", shown(text, s), WORDS_SERIAL);
}

int
words_id(const char *text, enum words_class *c, const char **name,
    struct why *why)
{
	char word[8], s[80];
	size_t n = strcspn(text, "/");
	int k = ERR_MALFORMED;

	if (n < sizeof(word) && text[n] == '/') {
		(void)snprintf(word, sizeof(word), "%.*s", (int)n, text);
		k = words_class_of(word);
	}
	if (k < 0)
		return why_set(why, ERR_MALFORMED, "id '%s': expected "
		    "user/NAME, device/NAME or host/NAME", shown(text, s));
	if (words_check_name(text + n + 1, why) != 0)
		return ERR_MALFORMED;
	*c = (enum words_class)k;
	*name = text + n + 1;
	return 0;
}

/* ---- reasons, RFC 5280 5.3.1 --------------------------------------------- */

static const struct {
	int number;
	const char *text;
} reasons[] = {
	{ 0, "unspecified" },
	{ 1, "keyCompromise" },
	{ 3, "affiliationChanged" },
	{ 4, "superseded" },
	{ 5, "cessationOfOperation" },
	{ 9, "privilegeWithdrawn" },
};
#define N_REASONS (sizeof(reasons) / sizeof(reasons[0]))

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool
same_word(const char *a, const char *b)
{
	for (;; a++, b++) {
		while (*a == '-')
			a++;
		if (lower(*a) != lower(*b))
			return false;
		if (*a == '\0')
			return true;
	}
}

int
words_reason(const char *text, int *reason, struct why *why)
{
	char s[80];

	for (size_t i = 0; i < N_REASONS; i++)
		if (same_word(text, reasons[i].text)) {
			*reason = reasons[i].number;
			return 0;
		}
	return why_set(why, ERR_MALFORMED, "reason '%s': expected unspecified, "
	    "keyCompromise, affiliationChanged, superseded, "
	    "cessationOfOperation or privilegeWithdrawn", shown(text, s));
}

const char *
words_reason_text(int reason)
{
	for (size_t i = 0; i < N_REASONS; i++)
		if (reasons[i].number == reason)
			return reasons[i].text;
	return "unknown";
}

/* ---- writing ------------------------------------------------------------- */

void
words_hex(const uint8_t serial[WORDS_SERIAL], char hex[WORDS_HEX])
{
	for (size_t i = 0; i < WORDS_SERIAL; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", serial[i]);
}

void
words_uri(const char *realm, enum words_class c, const char *name,
    char uri[WORDS_URI_MAX])
{
	(void)snprintf(uri, WORDS_URI_MAX, "spiffe://%s/%s/%s", realm,
	    classes[c], name);
}
