#include "ctl/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/json.h"

/* an escaped text and its end */
#define ESCAPED_MAX (4 * CTLMSG_TEXT_MAX)

char *
print_time(char dst[PRINT_TIME_MAX], int64_t t)
{
	time_t v = (time_t)t;
	struct tm tm;

	if (t == 0 || gmtime_r(&v, &tm) == NULL || strftime(dst,
	    PRINT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		dst[0] = '\0';
	return dst;
}

static void
json_value(const struct ctlmsg_item *item)
{
	char t[PRINT_TIME_MAX];

	(void)putchar(',');
	json_string(item->name);
	(void)putchar(':');
	if (item->kind == CTLMSG_NUMBER)
		(void)printf("%" PRIu64, item->number);
	else if (item->kind == CTLMSG_TEXT)
		json_string(item->text);
	else if (print_time(t, item->time)[0] != '\0')
		json_string(t);
	else
		(void)fputs("null", stdout);
}

static void
json_item(const struct print *p, const struct ctlmsg_item *item)
{
	if (item->kind != CTLMSG_RECORD) {
		json_value(item);
		return;
	}
	(void)fputs(p->begun ? "},\n{\"kind\":" : "[{\"kind\":", stdout);
	json_string(item->name);
}

static void
text_item(const struct print *p, const struct ctlmsg_item *item)
{
	char text[ESCAPED_MAX] = "";

	switch (item->kind) {
	case CTLMSG_RECORD:
		(void)printf("%s%s\n", p->begun ? "\n" : "", item->name);
		return;
	case CTLMSG_TEXT:
		err_escape(text, sizeof(text), item->text,
		    strlen(item->text));
		break;
	case CTLMSG_NUMBER:
		(void)snprintf(text, sizeof(text), "%" PRIu64, item->number);
		break;
	case CTLMSG_TIME:
		print_time(text, item->time);
		break;
	}
	(void)printf("  %-24s %s\n", item->name, text[0] != '\0' ? text :
	    "-");
}

int
print_item(void *ctx, const struct ctlmsg_item *item)
{
	struct print *p = ctx;

	if (!p->begun && item->kind != CTLMSG_RECORD)
		return ERR_MALFORMED;
	if (p->json)
		json_item(p, item);
	else
		text_item(p, item);
	p->begun = true;
	return 0;
}

void
print_put(struct print *p, enum ctlmsg_kind kind, const char *name,
    const char *text, int64_t number)
{
	struct ctlmsg_item it = { .kind = kind, .time = number,
	    .number = (uint64_t)number };

	(void)snprintf(it.name, sizeof(it.name), "%s", name);
	(void)snprintf(it.text, sizeof(it.text), "%s", text);
	(void)print_item(p, &it);
}

void
print_end(struct print *p)
{
	if (p->json)
		(void)puts(p->begun ? "}]" : "[]");
}
