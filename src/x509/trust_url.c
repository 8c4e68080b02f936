#include "x509/trust_url.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"
/* RFC 3986 section 2: unreserved and reserved, but for # */
#define URL LETTERS DIGITS "-._~:/?[]@!$&'()*+,;=%"
#define NAME_MAX_BYTES 253	/* of a DNS name */

bool
trust_url_is_path(const char *text)
{
	return text[0] == '/';
}

long
trust_url_bad_part(const char *path)
{
	const char *p = path;

	for (;;) {
		size_t n = strcspn(p, "/");

		if (n == 0 || (n == 1 && p[0] == '.') ||
		    (n == 2 && p[0] == '.' && p[1] == '.'))
			return (long)(p - path);
		if (p[n] == '\0')
			return -1;
		p += n + 1;
	}
}

static int
check_path(const char *text, size_t *at, struct why *why)
{
	long bad = trust_url_bad_part(text + 1);

	for (size_t i = 0; text[i] != '\0'; i++)
		if (text[i] < ' ' || text[i] > '~') {
			*at = i;
			return why_set(why, ERR_MALFORMED, "expected a path "
			    "of printable ASCII");
		}
	if (bad < 0)
		return 0;
	*at = (size_t)bad + 1;
	return why_set(why, ERR_MALFORMED, "expected a path without empty, "
	    "'.' or '..' parts");
}

/* Every character one of a URL, and %XX whole. */
static int
check_characters(const char *text, size_t *at, struct why *why)
{
	size_t n = strspn(text, URL);

	*at = n;
	if (text[n] == '#')
		return why_set(why, ERR_MALFORMED, "expected no #fragment: "
		    "it is not sent to a server");
	if (text[n] != '\0')
		return why_set(why, ERR_MALFORMED, "expected a character of a "
		    "URL (RFC 3986 2), others written as %%XX");
	for (const char *p = text; (p = strchr(p, '%')) != NULL; p++) {
		*at = (size_t)(p - text);
		if (strspn(p + 1, HEX) < 2)
			return why_set(why, ERR_MALFORMED, "expected two "
			    "hexadecimal digits behind %%");
	}
	return 0;
}

/* [IPv6], or letters, digits, dots and hyphens. */
static bool
is_host(const char *p, size_t n)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr a;

	if (n > 2 && p[0] == '[') {
		if (n - 2 >= sizeof(text) || p[n - 1] != ']')
			return false;
		(void)snprintf(text, sizeof(text), "%.*s", (int)n - 2, p + 1);
		return inet_pton(AF_INET6, text, &a) == 1;
	}
	return n > 0 && n <= NAME_MAX_BYTES && p[0] != '-' && p[0] != '.' &&
	    strspn(p, LETTERS DIGITS ".-") == n;
}

static bool
is_port(const char *p, size_t n)
{
	unsigned long v = 0;

	for (size_t i = 0; i < n && v <= UINT16_MAX; i++)
		v = v * 10 + (unsigned long)(p[i] - '0');
	return strspn(p, DIGITS) == n && v > 0 && v <= UINT16_MAX;
}

/* RFC 3986 3.2, of n bytes at the offset *at of text. */
static int
check_authority(const char *text, size_t n, size_t *at, struct why *why)
{
	const char *p = text + *at;
	size_t host = p[0] == '[' ? strcspn(p, "]") + 1 : strcspn(p, ":");

	if (memchr(p, '@', n) != NULL)
		return why_set(why, ERR_MALFORMED, "expected no user or "
		    "password: this file is not secret, and CRLs are public");
	if (host > n)
		host = n;
	if (!is_host(p, host))
		return why_set(why, ERR_MALFORMED, "expected a host: a DNS "
		    "name, an IPv4 address, or an IPv6 address in brackets");
	if (host == n)
		return 0;
	*at += host;
	if (p[host] == ':' && is_port(p + host + 1, n - host - 1))
		return 0;
	return why_set(why, ERR_MALFORMED, "expected : and a port from 1 to "
	    "65535, or /");
}

int
trust_url_check(const char *text, size_t *at, struct why *why)
{
	size_t n = strlen(text), scheme;
	int r;

	*at = 0;
	if (n >= TRUST_URL_MAX)
		return why_set(why, ERR_TOOBIG, "expected at most %d "
		    "characters", TRUST_URL_MAX - 1);
	if (trust_url_is_path(text))
		return check_path(text, at, why);
	if (strncmp(text, "http://", 7) == 0)
		scheme = 7;
	else if (strncmp(text, "https://", 8) == 0)
		scheme = 8;
	else
		return why_set(why, ERR_MALFORMED, "expected http://, "
		    "https:// or the absolute path of a file");
	if ((r = check_characters(text, at, why)) != 0)
		return r;
	*at = scheme;
	return check_authority(text, strcspn(text + scheme, "/?"), at, why);
}
