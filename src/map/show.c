#include "map/show.h"

#include <stdio.h>

#include "base/json.h"
#include "map/context.h"
#include "map/say.h"
#include "proto/ipc.h"

static void
words(const char *name, const char *const *word, size_t n)
{
	(void)printf(",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		(void)fputs(i == 0 ? "" : ",", stdout);
		json_string(word[i]);
	}
	(void)putchar(']');
}

static void
accounts(const struct map *m, const struct map_rule *r)
{
	char capture[64];
	const char *one = capture;

	if (r->deny)
		return;
	if (r->capture == NULL) {
		words("as", m->word + r->accounts, r->n_accounts);
		return;
	}
	(void)snprintf(capture, sizeof(capture), "{%s}", r->capture);
	words("as", &one, 1);
}

void
show_members(const struct map *m, const struct map_rule *r, const char *text)
{
	char until[SAY_TIME_MAX];

	(void)printf("\"line\":%u,\"action\":\"%s\",", r->line,
	    r->deny ? "deny" : "allow");
	say_member("class", facts_class_name((enum facts_class)r->class));
	(void)putchar(',');
	say_member("authority", r->authority);
	accounts(m, r);
	words("service", m->word + r->services, r->n_services);
	if (r->until != 0) {
		(void)putchar(',');
		say_member("until", say_time(until, r->until));
	}
	if (r->command != NULL) {
		(void)putchar(',');
		say_member("command", r->command);
	}
	(void)printf(",\"pty\":%s,\"forwarding\":%s,",
	    (r->restrictions & IPC_NO_PTY) != 0 ? "false" : "true",
	    (r->restrictions & IPC_NO_FORWARDING) != 0 ? "false" : "true");
	say_member("rule", text);
}

void
show_line(struct show_lines *l, unsigned line, char dst[MAP_LINE_MAX + 1])
{
	struct span s = context_line(l->rest, line - l->at + 1);

	l->rest.n -= (size_t)(s.p - l->rest.p);
	l->rest.p = s.p;
	l->at = line;
	(void)snprintf(dst, MAP_LINE_MAX + 1, "%.*s", (int)s.n,
	    (const char *)s.p);
}
