#include "map/change.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/prompt.h"
#include "map/audit.h"
#include "map/diff.h"
#include "map/lint.h"
#include "map/say.h"
#include "map/sessions.h"

/* ---- reading ------------------------------------------------------------------------ */

static void
say_holder(const struct rewrite *w)
{
	struct audit_who who;

	if (w->holder <= 0)
		return;
	audit_who(w->holder, &who);
	(void)say_error(0, "%s is being changed by %s (process %ld); waiting "
	    "for that", w->path, who.name, w->holder);
}

int
change_begin(struct change *ch, struct context *c, bool make)
{
	int flags = make ? REWRITE_MAKE : 0, r;
	struct why why;

	*ch = (struct change){ .c = c, .file = REWRITE_NONE };
	/* an empty map is one, too */
	(void)buf_reserve(&c->text, 1);
	/* nothing is written, so nothing is locked */
	if (c->o->dry_run)
		return make && access(c->o->map, F_OK) != 0 ? EXIT_DONE :
		    context_read_map(c);
	r = rewrite_begin(&ch->file, c->o->map, flags | REWRITE_NO_WAIT,
	    MAP_FILE_MAX, &c->text, &why);
	if (r == ERR_TIMEOUT) {
		say_holder(&ch->file);
		rewrite_end(&ch->file);
		r = rewrite_begin(&ch->file, c->o->map, flags, MAP_FILE_MAX,
		    &c->text, &why);
	}
	return r == 0 ? EXIT_DONE : say_error(EXIT_COULD_NOT, "%s (--map "
	    "names another)", why.text);
}

int
change_check(struct change *ch, const struct buf *text)
{
	struct context *c = ch->c;
	struct map map;

	diag_free(&c->diag);
	diag_init(&c->diag);
	if (buf_err(text) != 0)
		return say_error(EXIT_COULD_NOT, "%s: %s", c->o->map,
		    err_text(buf_err(text)));
	if (context_parse(c, c->o->map, (const char *)text->data, text->len,
	    &map) != 0) {
		say_findings(stderr, &c->diag);
		return say_error(EXIT_PROBLEM, "%s was not changed: the new "
		    "map would not be valid", c->o->map);
	}
	map_free(&map);
	return EXIT_DONE;
}

/* What `check` would say of the new lines. */
static void
warn_of(struct change *ch, const struct buf *text, const struct diff *d)
{
	struct context *c = ch->c;
	struct diag found;
	struct map map;

	if (context_parse(c, c->o->map, (const char *)text->data, text->len,
	    &map) != 0)
		return;
	diag_init(&found);
	lint_run(&(struct lint){ .map = &map, .file = c->o->map,
	    .conf = &c->conf, .now = (int64_t)time(NULL), .only = d,
	    .diag = &found });
	say_findings(stderr, &found);
	diag_free(&found);
	map_free(&map);
}

/* ---- asking ------------------------------------------------------------------------- */

static void
show(const struct diff *d)
{
	char text[4 * MAP_LINE_MAX];

	for (size_t i = 0; i < d->n; i++)
		(void)printf("%c%6u  %s\n", d->line[i].added ? '+' : '-',
		    (unsigned)d->line[i].line, err_escape(text, sizeof(text),
		    d->line[i].text.p, d->line[i].text.n));
	if (d->n == 0)
		(void)puts("the end of the last line");
}

/* EXIT_DONE: yes. */
static int
confirm(const struct options *o)
{
	char question[PATH_MAX + 32], answer[16];
	struct why why;
	int r;

	if (o->yes)
		return EXIT_DONE;
	(void)fflush(stdout);
	(void)snprintf(question, sizeof(question), "Change %s? [y/N] ",
	    o->map);
	r = prompt_line(question, answer, sizeof(answer), &why);
	if (r == 0 && (strcmp(answer, "y") == 0 ||
	    strcmp(answer, "yes") == 0))
		return EXIT_DONE;
	if (r == ERR_STATE)
		return say_error(EXIT_PROBLEM, "the map was not changed: %s; "
		    "--yes confirms", why.text);
	return say_error(EXIT_PROBLEM, "the map was not changed");
}

/* ---- writing ------------------------------------------------------------------------ */

/* The log first: no change is without its line there. */
static int
write_down(struct change *ch, const struct buf *text,
    const struct diff *d)
{
	struct why why;

	audit_change(ch->c->o->map, d);
	if (rewrite_commit(&ch->file, text, &why) == 0)
		return EXIT_DONE;
	audit_failed(ch->c->o->map, why.text);
	return say_error(EXIT_COULD_NOT, "%s", why.text);
}

static int
commit(struct change *ch, const struct buf *text, const struct diff *d,
    bool ask)
{
	const struct options *o = ch->c->o;
	struct sessions s;
	bool matter;
	int rc;

	if (o->dry_run || ask)
		show(d);
	warn_of(ch, text, d);
	sessions_count(o, text, &s);
	sessions_say(&s);
	matter = sessions_matter(&s);
	sessions_free(&s);
	if (o->dry_run) {
		(void)puts("nothing was changed");
		return EXIT_DONE;
	}
	if ((ask || matter) && (rc = confirm(o)) != EXIT_DONE)
		return rc;
	return write_down(ch, text, d);
}

int
change_commit(struct change *ch, const struct buf *text, bool ask)
{
	const struct buf *old = &ch->c->text;
	struct diff d;
	int rc = diff_make(&d, (struct span){ old->data, old->len },
	    (struct span){ text->data, text->len });

	if (rc == 0)
		rc = commit(ch, text, &d, ask);
	else
		rc = say_error(EXIT_COULD_NOT, "%s", err_text(rc));
	diff_free(&d);
	return rc;
}

void
change_end(struct change *ch)
{
	rewrite_end(&ch->file);
}
