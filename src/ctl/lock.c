/*
 * lock, unlock, locks: denies in STATE_DIR/locks.map, which every policy of
 * this host is loaded with.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/path.h"
#include "base/rewrite.h"
#include "ctl/ctl.h"
#include "ctl/host.h"
#include "ctl/locks.h"
#include "ctl/print.h"
#include "ctl/say.h"
#include "proto/audit.h"
#include "proto/judgecall.h"
#include "x509/facts.h"

#define RULES_MAX 2		/* of a certificate: spki=, cert= */

struct job {
	const struct options *o;
	bool lock;
	struct host host;
	struct load_result *loaded;
	struct map_authority authority[IPC_LOAD_AUTHORITIES_MAX];
	size_t n;			/* trust.conf's, if it was loaded */
	struct ipc_tested *tested;	/* --cert */
	char rule[RULES_MAX][LOCKS_RULE_MAX];
	size_t n_rules;
	char path[PATH_MAX];		/* of the locks */
	struct rewrite file;
	struct map have, want;
	struct buf old, text;
	struct locks_changed changed;
};

/* ---- what is to be locked -------------------------------------------------------- */

static int
load_trust(struct job *j)
{
	int rc = host_load_trust(&j->host, j->loaded);

	for (size_t i = 0; rc == EXIT_DONE && i < j->loaded->done.n; i++)
		j->authority[j->n++] = (struct map_authority){
		    .name = j->loaded->done.authority[i].name,
		    .class = (enum facts_class)
		    j->loaded->done.authority[i].class };
	return rc;
}

/* The class of a rule is its authority's. */
static int
class_of(const struct job *j, const char *authority, const char **class)
{
	char known[200] = "";

	for (size_t i = 0; i < j->n; i++) {
		const struct map_authority *a = &j->authority[i];
		size_t n = strlen(known);

		(void)snprintf(known + n, sizeof(known) - n, "%s%s",
		    i == 0 ? "" : ", ", a->name);
		if (strcmp(a->name, authority) != 0)
			continue;
		*class = facts_class_name(a->class);
		return a->class == FACTS_USER || a->class == FACTS_DEVICE ?
		    EXIT_DONE : say_error(EXIT_PROBLEM, "authority %s is of "
		    "hosts, which do not log in here", authority);
	}
	return say_error(EXIT_PROBLEM, "'%s' is no authority of %s; expected "
	    "one of: %s", authority, j->host.trust, known);
}

static int
add_rule(struct job *j, const char *authority, const char *match)
{
	const char *class = "user";
	struct why why;
	int rc = EXIT_DONE;

	/* what unlock compares has no class: the authority may be gone */
	if (j->lock)
		rc = class_of(j, authority, &class);
	if (rc == EXIT_DONE && locks_rule(j->rule[j->n_rules++], class,
	    authority, match, j->lock ? j->o->until : NULL, &why) != 0)
		rc = say_error(EXIT_USAGE, "%s", why.text);
	return rc;
}

/* Its key outlives a renewal, so that is what is locked. */
static int
add_certificate(struct job *j)
{
	struct ipc_test ask = { .verify_only = true,
	    .now = (int64_t)time(NULL) };
	const struct ipc_tested *t = j->tested;
	char match[IPC_HASH_MAX + 8];
	struct why why;
	int rc;

	if (judgecall_test(j->loaded->policy, j->o->cert, &ask, j->tested,
	    &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if (t->problem[0] != '\0' || t->authority[0] == '\0' ||
	    t->spki[0] == '\0')
		return say_error(EXIT_PROBLEM, "%s: no authority of %s signed "
		    "it: %s", j->o->cert, j->host.trust,
		    t->problem[0] != '\0' ? t->problem : t->detail);
	(void)snprintf(match, sizeof(match), "spki=%s", t->spki);
	if ((rc = add_rule(j, t->authority, match)) != EXIT_DONE || j->lock)
		return rc;
	(void)snprintf(match, sizeof(match), "cert=%s", t->cert);
	return add_rule(j, t->authority, match);
}

/* The rules, parsed; their authorities are known to be there. */
static int
parse_rules(struct job *j)
{
	char text[RULES_MAX * (LOCKS_RULE_MAX + 1)];
	struct diag d;
	size_t n = 0;
	int rc = EXIT_DONE;

	for (size_t i = 0; i < j->n_rules; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n",
		    j->rule[i]);
	diag_init(&d);
	if (map_parse_locks(&j->want, "lock", text, n, NULL, 0, &d) != 0)
		rc = say_error(EXIT_USAGE, "%s: %s", j->rule[0], d.n > 0 ?
		    d.items[0].text : "out of memory");
	for (size_t i = 0; rc == EXIT_DONE && i < j->n_rules; i++)
		if (j->want.n != j->n_rules ||
		    !locks_is_plain(&j->want.rule[i]))
			rc = say_error(EXIT_USAGE, "%s: expected one matcher",
			    j->rule[0]);
	diag_free(&d);
	return rc;
}

static int
find_rules(struct job *j)
{
	const struct options *o = j->o;
	int rc = EXIT_DONE;

	if ((o->cert != NULL) == (o->argument != NULL) ||
	    (o->argument != NULL) != (o->second != NULL))
		return say_error(EXIT_USAGE, "%s: expected AUTHORITY "
		    "MATCHER=VALUE, or --cert FILE; see certloginctl "
		    "--help",
		    j->lock ? "lock" : "unlock");
	if (j->lock || o->cert != NULL)
		rc = load_trust(j);
	if (rc == EXIT_DONE)
		rc = o->cert != NULL ? add_certificate(j) :
		    add_rule(j, o->argument, o->second);
	return rc == EXIT_DONE ? parse_rules(j) : rc;
}

/* ---- the file ------------------------------------------------------------------------ */

static int
parse_text(const struct job *j, const struct buf *text, struct map *out)
{
	struct diag d;
	int rc = EXIT_DONE;

	diag_init(&d);
	if (map_parse_locks(out, j->path, text->data != NULL ?
	    (const char *)text->data : "", text->len, j->n > 0 ?
	    j->authority : NULL, j->n, &d) != 0) {
		say_errors(&d);
		rc = say_error(EXIT_PROBLEM, "%s was not changed; mend these "
		    "lines first: with them nobody is let in", j->path);
	}
	diag_free(&d);
	return rc;
}

static int
find_path(struct job *j)
{
	struct why why;

	return load_locks_path(j->host.state, j->path, sizeof(j->path),
	    &why) == 0 ? EXIT_DONE : say_error(EXIT_COULD_NOT, "%s",
	    why.text);
}

static int
commit(struct job *j)
{
	struct why why;
	struct map whole;
	int rc = parse_text(j, &j->text, &whole);

	if (rc != EXIT_DONE)
		return rc;
	map_free(&whole);
	if (rewrite_commit(&j->file, &j->text, &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s; nothing was changed",
		    why.text);
	audit("certloginctl", "%s \"%s\" in %s", j->lock ? "lock" : "unlock",
	    j->rule[0], j->path);
	return EXIT_DONE;
}

/* How a change counts, from the running certlogind's answer. */
static int
have_it_loaded(const struct job *j)
{
	const char *now = j->lock ? "counts" : "is over";
	struct ask_loaded loaded = { .authority = NULL };
	int rc = ask_policy_at(j->host.run_dir, &loaded);

	if (rc == EXIT_DONE) {
		(void)printf("this %s from now on\n", now);
		if (loaded.note[0] != '\0')
			(void)say_error(EXIT_DONE, "note: %s", loaded.note);
	} else if (rc == ASK_NOBODY) {
		(void)printf("this %s from now on for the PAM module; no "
		    "certlogind runs here\n", now);
		rc = EXIT_DONE;
	} else
		(void)say_error(rc, "%s was changed, but a certlogind runs "
		    "that did not take it", j->path);
	return rc;
}

/* There is something to do about the text. */
static int
conclude(struct job *j)
{
	const struct locks_changed *c = &j->changed;
	int rc;

	if (!j->lock && c->found == 0)
		return say_error(EXIT_PROBLEM, "nothing in %s locks just "
		    "this; `certloginctl locks' shows what is locked",
		    j->path);
	if (c->same) {
		(void)printf("is locked already, by line %u of %s\n", c->line,
		    j->path);
		return have_it_loaded(j);
	}
	if ((rc = commit(j)) != EXIT_DONE)
		return rc;
	if (j->lock)
		(void)printf("locked by line %u of %s: %s\n", c->line,
		    j->path, j->rule[0]);
	else
		(void)printf("unlocked: %zu line%s taken out of %s\n",
		    c->found, c->found == 1 ? "" : "s", j->path);
	return have_it_loaded(j);
}

static int
change(struct job *j)
{
	struct why why;
	int rc;

	if ((rc = find_path(j)) != EXIT_DONE)
		return rc;
	if (rewrite_begin(&j->file, j->path, 0, MAP_FILE_MAX,
	    &j->old, &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s; without this file "
		    "nobody is let in, see identity.map(5)", why.text);
	if ((rc = parse_text(j, &j->old, &j->have)) != EXIT_DONE)
		return rc;
	if (locks_change(&j->old, &j->have, &j->want, j->lock ? j->rule[0] :
	    NULL, &j->text, &j->changed) != 0)
		return say_error(EXIT_COULD_NOT, "%s: %s", j->path,
		    err_text(buf_err(&j->text)));
	return conclude(j);
}

/* ---- lock, unlock ----------------------------------------------------------------------- */

static int
run(const struct options *o, bool lock)
{
	struct job *j = calloc(1, sizeof(*j));
	int rc = EXIT_COULD_NOT;

	if (j == NULL || (j->loaded = calloc(1, sizeof(*j->loaded))) == NULL ||
	    (j->tested = calloc(1, sizeof(*j->tested))) == NULL) {
		(void)say_error(rc, "out of memory");
		goto out;
	}
	j->o = o;
	j->lock = lock;
	j->loaded->policy = -1;
	j->file = (struct rewrite)REWRITE_NONE;
	buf_init(&j->old, MAP_FILE_MAX + 1);
	buf_init(&j->text, MAP_FILE_MAX);
	if ((rc = host_need_root(lock ? "lock" : "unlock")) == EXIT_DONE &&
	    (rc = host_find(&j->host, o)) == EXIT_DONE &&
	    (rc = find_rules(j)) == EXIT_DONE)
		rc = change(j);
	rewrite_end(&j->file);
	map_free(&j->have);
	map_free(&j->want);
	buf_free(&j->old);
	buf_free(&j->text);
	if (j->loaded->policy >= 0)
		(void)close(j->loaded->policy);
out:
	if (j != NULL) {
		free(j->loaded);
		free(j->tested);
	}
	free(j);
	return rc;
}

int
lock_run(const struct options *o)
{
	return run(o, true);
}

int
unlock_run(const struct options *o)
{
	return run(o, false);
}
