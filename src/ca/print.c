#include "ca/print.h"

#include <stdio.h>
#include <time.h>

#include "base/json.h"

const char *
print_time(int64_t when, char dst[PRINT_TIME])
{
	time_t t = (time_t)when;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(dst, PRINT_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(dst, PRINT_TIME, "%lld", (long long)when);
	return dst;
}

void
print_json_member(const char *name, const char *value)
{
	(void)putchar(',');
	json_string(name);
	(void)putchar(':');
	json_string(value);
}

void
print_json_time(const char *name, int64_t when)
{
	char text[PRINT_TIME];

	print_json_member(name, print_time(when, text));
}

void
print_json_cert(const char *realm, const struct store_cert *c)
{
	char hex[WORDS_HEX], uri[WORDS_URI_MAX];

	words_hex(c->serial, hex);
	words_uri(realm, c->class, c->name, uri);
	(void)printf("\"serial\":\"%s\"", hex);
	print_json_member("class", words_class(c->class));
	print_json_member("name", c->name);
	print_json_member("uri", uri);
	print_json_member("state", store_state_text(c->state));
	print_json_time("requested", c->requested);
	print_json_time("not_before", c->not_before);
	print_json_time("not_after", c->not_after);
	if (c->state == STORE_REVOKED) {
		print_json_time("revoked", c->revoked);
		print_json_member("reason", words_reason_text(c->reason));
	}
}

int
print_end(struct why *why)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 :
	    why_errno(why, "output");
}
