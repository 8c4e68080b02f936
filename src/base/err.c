#include "base/err.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
	[0] = "success",
	[-ERR_NOMEM] = "out of memory",
	[-ERR_SYS] = "system call failed",
	[-ERR_SHORT] = "message ends too early",
	[-ERR_TRAILING] = "bytes left over behind a message",
	[-ERR_TOOBIG] = "over a limit",
	[-ERR_MALFORMED] = "malformed",
	[-ERR_TYPE] = "unexpected kind of message",
	[-ERR_STATE] = "not allowed now",
	[-ERR_REFUSED] = "refused",
	[-ERR_NOTFOUND] = "not found",
	[-ERR_UNSAFE] = "not to be trusted",
	[-ERR_VERSION] = "another version of the program",
	[-ERR_EOF] = "closed by the other side",
	[-ERR_TIMEOUT] = "time limit reached",
	[-ERR_EXISTS] = "exists already",
	[-ERR_CRYPTO] = "refused by the TLS library",
	[-ERR_AGAIN] = "would block",
	[-ERR_INTERNAL] = "internal error",
};

const char *
err_text(int code)
{
	size_t i = code <= 0 ? (size_t)-(long)code : SIZE_MAX;

	if (i >= sizeof(texts) / sizeof(texts[0]) || texts[i] == NULL)
		return "unknown error";
	return texts[i];
}

int
why_set(struct why *why, int code, const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return code;
	va_start(ap, fmt);
	(void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
	return code;
}

int
why_errno(struct why *why, const char *fmt, ...)
{
	int saved = errno;
	size_t n;
	va_list ap;

	if (why != NULL) {
		va_start(ap, fmt);
		(void)vsnprintf(why->text, sizeof(why->text), fmt, ap);
		va_end(ap);
		n = strlen(why->text);
		(void)snprintf(why->text + n, sizeof(why->text) - n, ": %s",
		    strerror(saved));
	}
	errno = saved;
	return ERR_SYS;
}

char *
err_escape(char *dst, size_t size, const void *src, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = src;
	size_t o = 0;

	for (size_t i = 0; i < n; i++) {
		size_t need = p[i] < 0x20 || p[i] > 0x7e || p[i] == '\\' ? 4 : 1;

		/* keep room for "..." unless this is the last byte */
		if (o + need + (i + 1 < n ? 3 : 0) >= size) {
			for (int k = 0; k < 3 && o + 1 < size; k++)
				dst[o++] = '.';
			break;
		}
		if (need == 1) {
			dst[o++] = (char)p[i];
			continue;
		}
		dst[o++] = '\\';
		dst[o++] = 'x';
		dst[o++] = hex[p[i] >> 4];
		dst[o++] = hex[p[i] & 15];
	}
	dst[o] = '\0';
	return dst;
}

char *
err_unquote(char *dst, size_t size, const char *text)
{
	size_t o = 0;

	for (; text[o] != '\0' && o + 1 < size; o++)
		dst[o] = text[o] == '"' ? '\'' : text[o];
	dst[o] = '\0';
	return dst;
}
