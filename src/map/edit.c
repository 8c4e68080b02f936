#include "map/edit.h"

#include "map/say.h"

int
edit_begin(struct edit *e, struct context *c, bool make)
{
	struct why why;

	*e = (struct edit){ .c = c, .file = REWRITE_NONE };
	if (rewrite_begin(&e->file, c->o->map, make ? REWRITE_MAKE : 0,
	    MAP_FILE_MAX, &c->text, &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s (--map names another)",
		    why.text);
	return EXIT_DONE;
}

int
edit_commit(struct edit *e, const struct buf *text)
{
	struct context *c = e->c;
	struct why why;
	struct map map;

	if (buf_err(text) != 0)
		return say_error(EXIT_COULD_NOT, "%s: %s", c->o->map,
		    err_text(buf_err(text)));
	if (context_parse(c, c->o->map, (const char *)text->data, text->len,
	    &map) != 0) {
		say_findings(stderr, &c->diag);
		return say_error(EXIT_PROBLEM, "%s was not changed: the new "
		    "map would not be valid; mend these lines first",
		    c->o->map);
	}
	map_free(&map);
	return rewrite_commit(&e->file, text, &why) == 0 ? EXIT_DONE :
	    say_error(EXIT_COULD_NOT, "%s; the map was not changed",
	    why.text);
}

void
edit_end(struct edit *e)
{
	rewrite_end(&e->file);
}
