/* certlogin-map who: every rule that reaches an account, what each asks for,
 * and what denies and locks take away from it. */
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/path.h"
#include "map/reach.h"
#include "map/say.h"
#include "map/show.h"
#include "map/uid.h"
#include "proto/load.h"

/* A file of rules: the map or the locks. */
struct rules {
	char file[PATH_MAX];
	struct span text;
	struct map map;
};

struct asked {
	struct context c;
	struct rules map, locks;
	struct buf locks_text;
	const char *account;
	bool known;
	uid_t uid;
	char not_named[WHY_MAX];	/* why no rule can name it, or "" */
	bool captured;			/* may be captured */
	int64_t now;
	size_t reaching, shown;		/* rules that let in; all */
};

/* One rule that reaches the account. */
struct found {
	const struct map_rule *rule;
	struct reach to;
	char line[MAP_LINE_MAX + 1];
	char why_not[WHY_MAX];		/* lets nobody in, or "" */
	size_t perhaps;			/* denies by other fields */
};

/* ---- reading ------------------------------------------------------------------------- */

static int
read_locks(struct asked *a)
{
	struct context *c = &a->c;
	struct why why;
	int r = load_locks_path(c->o->state, a->locks.file,
	    sizeof(a->locks.file), &why);

	if (r == 0)
		r = path_load(a->locks.file, 0, MAP_FILE_MAX, &a->locks_text,
		    &why);
	if (r != 0)
		return say_error(EXIT_COULD_NOT, "%s; without its locks "
		    "nobody gets in (--state-dir names another folder)",
		    why.text);
	a->locks.text = rd_rest(&(struct rd){ .p = a->locks_text.data,
	    .n = a->locks_text.len });
	r = map_parse_locks(&a->locks.map, a->locks.file,
	    (const char *)a->locks.text.p, a->locks.text.n, c->authority,
	    c->n, &c->diag);
	say_findings(stderr, &c->diag);
	return r == 0 ? EXIT_DONE : EXIT_PROBLEM;
}

static int
read_rules(struct asked *a)
{
	int rc;

	(void)snprintf(a->map.file, sizeof(a->map.file), "%s", a->c.o->map);
	if ((rc = context_load_map(&a->c, &a->map.map)) != EXIT_DONE)
		return rc;
	a->map.text = (struct span){ a->c.text.data, a->c.text.len };
	return read_locks(a);
}

/* What the session's and the PAM module's uid rule will say. */
static void
look_up(struct asked *a)
{
	const struct passwd *pw = getpwnam(a->account);
	struct why why = { "" };

	if (pw == NULL || strcmp(pw->pw_name, a->account) != 0) {
		(void)snprintf(a->not_named, sizeof(a->not_named), "the "
		    "account is not known on this host");
		return;
	}
	a->known = true;
	a->uid = pw->pw_uid;
	a->captured = uid_check(a->c.o->privileged, pw->pw_name, pw->pw_uid,
	    true, NULL) == 0;
	if (uid_check(a->c.o->privileged, pw->pw_name, pw->pw_uid, false,
	    &why) != 0)
		(void)snprintf(a->not_named, sizeof(a->not_named), "%s",
		    why.text);
}

/* ---- denies -------------------------------------------------------------------------- */

static bool
is_past(const struct asked *a, const struct map_rule *r)
{
	return r->until != 0 && a->now >= r->until;
}

static void
print_deny(const struct asked *a, const struct rules *rules,
    const struct map_rule *deny, enum compare_cut cut, bool first,
    struct show_lines *lines)
{
	char line[MAP_LINE_MAX + 1];

	show_line(lines, deny->line, line);
	if (!a->c.o->json) {
		(void)printf("          %-9s %s by %s:%u: %s\n",
		    rules == &a->locks ? "locked" : "denied",
		    cut == COMPARE_ALL ? "whole" : "in part", rules->file,
		    deny->line, line);
		return;
	}
	(void)fputs(first ? "{" : ",{", stdout);
	say_member("file", rules->file);
	(void)printf(",\"line\":%u,\"whole\":%s,", deny->line,
	    cut == COMPARE_ALL ? "true" : "false");
	say_member("rule", line);
	(void)putchar('}');
}

/* Those of one file, or with print false only what they come to. */
static void
look_at_denies(const struct asked *a, const struct rules *rules,
    struct found *f, bool print, bool *first)
{
	const struct compare_rule allow = reach_compare(&a->map.map, f->rule,
	    &f->to);
	struct show_lines lines = { rules->text, 1 };

	for (size_t i = 0; i < rules->map.n; i++) {
		const struct map_rule *r = &rules->map.rule[i];
		const struct compare_rule deny = compare_of(&rules->map, r);
		enum compare_cut cut;

		if (!r->deny || is_past(a, r) ||
		    (cut = compare_cut(&deny, &allow)) == COMPARE_NOTHING)
			continue;
		if (cut == COMPARE_PERHAPS) {
			f->perhaps += print;
			continue;
		}
		if (cut == COMPARE_ALL && f->why_not[0] == '\0')
			(void)snprintf(f->why_not, sizeof(f->why_not),
			    "%s:%u denies all of it", rules->file, r->line);
		if (print) {
			print_deny(a, rules, r, cut, *first, &lines);
			*first = false;
		}
	}
}

/* ---- one rule ------------------------------------------------------------------------ */

static void
print_list(const char *name, const char *const *word, size_t n)
{
	(void)printf("          %-9s ", name);
	for (size_t i = 0; i < n; i++)
		(void)printf("%s%s", i == 0 ? "" : ", ", word[i]);
	(void)putchar('\n');
}

static void
print_found(const struct asked *a, const struct found *f)
{
	const struct map *m = &a->map.map;
	const struct map_rule *r = f->rule;
	char until[SAY_TIME_MAX];

	(void)printf("%6u  %s\n          %-9s %s\n", r->line, f->line,
	    "reaches", f->to.how == REACH_NAMED ? "by its name" :
	    "by a capture");
	if (f->why_not[0] != '\0')
		(void)printf("          %-9s %s\n", "but not", f->why_not);
	if (r->n_services > 0)
		print_list("services", m->word + r->services, r->n_services);
	else
		(void)printf("          %-9s %s\n", "services",
		    compare_network_only(m, r) ? "certlogind" : "any");
	if (r->until != 0)
		(void)printf("          %-9s %s\n", "until",
		    say_time(until, r->until));
	if (r->restrictions != 0)
		(void)printf("          %-9s%s%s%s\n", "limits",
		    (r->restrictions & IPC_NO_PTY) != 0 ? " no-pty" : "",
		    (r->restrictions & IPC_NO_FORWARDING) != 0 ?
		    " no-forwarding" : "", r->command != NULL ? " command" :
		    "");
}

static void
print_one(struct asked *a, struct found *f)
{
	bool first = true;

	if (a->c.o->json) {
		(void)fputs(a->shown == 0 ? "{" : ",\n{", stdout);
		show_members(&a->map.map, f->rule, f->line);
		(void)printf(",\"captured\":%s,\"reaches\":%s,",
		    f->to.how == REACH_CAPTURED ? "true" : "false",
		    f->why_not[0] == '\0' ? "true" : "false");
		say_member("why_not", f->why_not);
		(void)fputs(",\"denied_by\":[", stdout);
	} else
		print_found(a, f);
	look_at_denies(a, &a->locks, f, true, &first);
	look_at_denies(a, &a->map, f, true, &first);
	if (a->c.o->json)
		(void)printf("],\"denies_by_other_fields\":%zu}", f->perhaps);
	else if (f->perhaps > 0)
		(void)printf("          %-9s %zu den%s of authority %s by "
		    "other fields may fire, too\n", "besides", f->perhaps,
		    f->perhaps == 1 ? "y" : "ies", f->rule->authority);
}

static void
judge(struct asked *a, struct found *f)
{
	bool first;

	f->why_not[0] = '\0';
	if (is_past(a, f->rule))
		(void)snprintf(f->why_not, sizeof(f->why_not), "its until= "
		    "is past");
	else if (f->to.how == REACH_NAMED)
		(void)snprintf(f->why_not, sizeof(f->why_not), "%s",
		    a->not_named);
	look_at_denies(a, &a->locks, f, false, &first);
	look_at_denies(a, &a->map, f, false, &first);
}

/* Captures that the uid rule keeps from the account do not reach it. */
static void
each_rule(struct asked *a, struct found *f)
{
	const struct map *m = &a->map.map;
	struct show_lines lines = { a->map.text, 1 };

	for (size_t i = 0; i < m->n; i++) {
		*f = (struct found){ .rule = &m->rule[i] };
		reach_account(m, f->rule, reach_authority(&a->c.conf,
		    f->rule->authority), a->account, &f->to);
		if (f->to.how == REACH_NOT ||
		    (f->to.how == REACH_CAPTURED && !a->captured))
			continue;
		show_line(&lines, f->rule->line, f->line);
		judge(a, f);
		print_one(a, f);
		a->shown++;
		a->reaching += f->why_not[0] == '\0';
	}
}

/* ---- all ----------------------------------------------------------------------------- */

static void
print_head(const struct asked *a)
{
	if (a->c.o->json) {
		(void)putchar('{');
		say_member("account", a->account);
		(void)printf(",\"known\":%s,", a->known ? "true" : "false");
		if (a->known)
			(void)printf("\"uid\":%lu,", (unsigned long)a->uid);
		(void)fputs("\"rules\":[", stdout);
	} else if (a->known)
		(void)printf("%s: uid %lu\n", a->account,
		    (unsigned long)a->uid);
	else
		(void)printf("%s: not known on this host\n", a->account);
}

static void
print_end(const struct asked *a)
{
	if (a->c.o->json)
		(void)puts("]}");
	else
		(void)printf("%zu rule%s of %s reach%s %s\n", a->reaching,
		    a->reaching == 1 ? "" : "s", a->c.o->map,
		    a->reaching == 1 ? "es" : "", a->account);
}

static int
who(struct asked *a)
{
	struct found *f = malloc(sizeof(*f));

	if (f == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	look_up(a);
	print_head(a);
	each_rule(a, f);
	print_end(a);
	free(f);
	return a->reaching > 0 ? EXIT_DONE : EXIT_PROBLEM;
}

int
who_run(const struct options *o)
{
	struct asked *a = calloc(1, sizeof(*a));
	int rc;

	if (a == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	a->account = o->argument;
	a->now = (int64_t)time(NULL);
	buf_init(&a->locks_text, MAP_FILE_MAX + 1);
	if ((rc = context_open(&a->c, o)) == EXIT_DONE &&
	    (rc = read_rules(a)) == EXIT_DONE)
		rc = who(a);
	map_free(&a->map.map);
	map_free(&a->locks.map);
	buf_free(&a->locks_text);
	context_close(&a->c);
	free(a);
	return rc;
}
