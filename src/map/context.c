#include "map/context.h"

#include <string.h>

#include "base/path.h"
#include "map/say.h"

static int
read_trust(struct context *c, struct buf *text)
{
	struct why why;

	if (path_load(c->o->trust, 0, TRUST_FILE_MAX, text, &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s (--trust names another)",
		    why.text);
	if (trust_conf_parse(&c->conf, c->o->trust, text->data != NULL ?
	    (const char *)text->data : "", text->len, &c->diag) == 0)
		return EXIT_DONE;
	say_findings(stderr, &c->diag);
	return say_error(EXIT_PROBLEM, "%s has errors; rules cannot be "
	    "checked against it", c->o->trust);
}

int
context_open(struct context *c, const struct options *o)
{
	struct buf text;
	int rc;

	*c = (struct context){ .o = o };
	diag_init(&c->diag);
	buf_init(&c->text, MAP_FILE_MAX + 1);
	buf_init(&text, TRUST_FILE_MAX + 1);
	rc = read_trust(c, &text);
	buf_free(&text);
	if (rc != EXIT_DONE)
		return rc;
	/* its warnings are for `check` */
	diag_free(&c->diag);
	diag_init(&c->diag);
	for (size_t i = 0; i < c->conf.n && c->n < TRUST_AUTHORITIES_MAX;
	    i++) {
		const struct trust_rules *r = &c->conf.authority[i].rules;

		c->authority[c->n++] = (struct map_authority){
		    .name = r->name, .class = r->class, .fold = r->fold };
	}
	return EXIT_DONE;
}

void
context_close(struct context *c)
{
	trust_conf_free(&c->conf);
	buf_free(&c->text);
	diag_free(&c->diag);
}

int
context_read_map(struct context *c)
{
	struct why why;

	buf_reset(&c->text);
	if (path_load(c->o->map, 0, MAP_FILE_MAX, &c->text, &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s (--map names another)",
		    why.text);
	return EXIT_DONE;
}

int
context_load_map(struct context *c, struct map *map)
{
	int rc = context_read_map(c);

	if (rc != EXIT_DONE)
		return rc;
	if (context_parse(c, c->o->map, c->text.data != NULL ?
	    (const char *)c->text.data : "", c->text.len, map) == 0)
		return EXIT_DONE;
	say_findings(stderr, &c->diag);
	return EXIT_PROBLEM;
}

int
context_parse(struct context *c, const char *name, const char *text,
    size_t n, struct map *out)
{
	return map_parse(out, name, text, n, c->authority, c->n, &c->diag);
}

struct span
context_line(struct span text, unsigned line)
{
	struct span one;

	for (unsigned i = 1; span_line(&text, &one); i++)
		if (i == line)
			return span_trim(one);
	return text;
}
