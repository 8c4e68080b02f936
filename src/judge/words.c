#include "judge/words.h"

#include <stdarg.h>
#include <stdio.h>

char *
words_hex(char *dst, size_t size, const uint8_t *p, size_t n)
{
	dst[0] = '\0';
	for (size_t i = 0; i < n && 2 * i + 2 < size; i++)
		(void)snprintf(dst + 2 * i, size - 2 * i, "%02x", p[i]);
	return dst;
}

__attribute__((format(printf, 4, 5)))
static void
add(char *dst, size_t size, size_t *at, const char *fmt, ...)
{
	va_list ap;

	if (*at >= size)
		return;
	va_start(ap, fmt);
	*at += (size_t)vsnprintf(dst + *at, size - *at, fmt, ap);
	va_end(ap);
}

char *
words_certificate(const struct verify *v, char *dst, size_t size)
{
	const struct facts *f = &v->facts;
	char serial[2 * FACTS_SERIAL_MAX + 1];
	size_t at = 0;

	dst[0] = '\0';
	if (!v->have_facts || v->authority == NULL)
		return dst;
	words_hex(serial, sizeof(serial), f->serial, f->serial_len);
	add(dst, size, &at, "; certificate of %s: serial %s",
	    v->authority->rules.name, serial);
	for (size_t i = 0; i < f->n_names; i++)
		add(dst, size, &at, ", %s=%s",
		    facts_field_name(f->names[i].field), f->names[i].value);
	add(dst, size, &at, ", issuer %s", f->issuer);
	return dst;
}
