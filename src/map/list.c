/* certlogin-map list: the rules, each with its line. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "map/context.h"
#include "map/say.h"
#include "proto/ipc.h"

static void
print_words(const char *name, const char *const *word, size_t n)
{
	(void)printf(",\"%s\":[", name);
	for (size_t i = 0; i < n; i++) {
		(void)fputs(i == 0 ? "" : ",", stdout);
		json_string(word[i]);
	}
	(void)putchar(']');
}

static void
print_accounts(const struct map *m, const struct map_rule *r)
{
	char capture[64];
	const char *one = capture;

	if (r->deny)
		return;
	if (r->capture == NULL) {
		print_words("as", m->word + r->accounts, r->n_accounts);
		return;
	}
	(void)snprintf(capture, sizeof(capture), "{%s}", r->capture);
	print_words("as", &one, 1);
}

static void
print_rule(const struct map *m, const struct map_rule *r, const char *text)
{
	char until[SAY_TIME_MAX];

	(void)printf("{\"line\":%u,\"action\":\"%s\",", r->line,
	    r->deny ? "deny" : "allow");
	say_member("class", facts_class_name((enum facts_class)r->class));
	(void)putchar(',');
	say_member("authority", r->authority);
	print_accounts(m, r);
	print_words("service", m->word + r->services, r->n_services);
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
	(void)putchar('}');
}

/* Rules come in the order of their lines, so the text is walked once. */
static void
print_all(const struct context *c, const struct map *m)
{
	struct span rest = { c->text.data, c->text.len };
	unsigned at = 1;
	char line[MAP_LINE_MAX + 1];

	for (size_t i = 0; i < m->n; i++) {
		const struct map_rule *r = &m->rule[i];
		struct span s = context_line(rest, r->line - at + 1);

		rest.n -= (size_t)(s.p - rest.p);
		rest.p = s.p;
		at = r->line;
		(void)snprintf(line, sizeof(line), "%.*s", (int)s.n,
		    (const char *)s.p);
		if (!c->o->json) {
			(void)printf("%6u  %s\n", r->line, line);
			continue;
		}
		(void)fputs(i == 0 ? "[" : ",\n", stdout);
		print_rule(m, r, line);
	}
	if (c->o->json)
		(void)puts(m->n == 0 ? "[]" : "]");
}

int
list_run(const struct options *o)
{
	struct context c;
	struct map map;
	int rc;

	if ((rc = context_open(&c, o)) == EXIT_DONE &&
	    (rc = context_read_map(&c)) == EXIT_DONE) {
		if (context_parse(&c, o->map, (const char *)c.text.data,
		    c.text.len, &map) == 0) {
			print_all(&c, &map);
			map_free(&map);
		} else {
			say_findings(stderr, &c.diag);
			rc = EXIT_PROBLEM;
		}
	}
	context_close(&c);
	return rc;
}
