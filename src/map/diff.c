#include "map/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define CELLS_MAX (4 * 1024 * 1024)	/* of the table below */

/* A text cut into lines. */
struct lines {
	struct span *line;
	size_t n;
};

static int
cut(struct lines *l, struct span text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.n; i++)
		n += text.p[i] == '\n';
	*l = (struct lines){ .line = calloc(n, sizeof(*l->line)) };
	if (l->line == NULL)
		return ERR_NOMEM;
	while (span_line(&text, &l->line[l->n]))
		l->n++;
	return 0;
}

/* Lines [from, to_old) and [from, to_new) differ. */
struct middle {
	const struct lines *old, *new;
	size_t from, to_old, to_new;
};

static bool
same(const struct middle *m, size_t old, size_t new)
{
	return span_eq(m->old->line[old], m->new->line[new]);
}

static void
find_middle(struct middle *m)
{
	m->to_old = m->old->n;
	m->to_new = m->new->n;
	while (m->from < m->to_old && m->from < m->to_new &&
	    same(m, m->from, m->from))
		m->from++;
	while (m->to_old > m->from && m->to_new > m->from &&
	    same(m, m->to_old - 1, m->to_new - 1)) {
		m->to_old--;
		m->to_new--;
	}
}

static void
put(struct diff *d, const struct lines *l, size_t i, bool added)
{
	d->line[d->n++] = (struct diff_line){ added, (uint32_t)i + 1,
	    l->line[i] };
}

static void
put_all(struct diff *d, const struct middle *m)
{
	for (size_t i = m->from; i < m->to_old; i++)
		put(d, m->old, i, false);
	for (size_t i = m->from; i < m->to_new; i++)
		put(d, m->new, i, true);
}

/* Lengths of the longest common subsequences of all ends of the two: table[i *
 * width + k] for old lines from i and new ones from k on. */
static void
fill(uint32_t *table, size_t width, const struct middle *m)
{
	for (size_t i = m->to_old - m->from; i-- > 0;)
		for (size_t k = m->to_new - m->from; k-- > 0;) {
			uint32_t *at = &table[i * width + k];

			if (same(m, m->from + i, m->from + k))
				*at = at[width + 1] + 1;
			else
				*at = at[width] > at[1] ? at[width] : at[1];
		}
}

static void
walk(struct diff *d, const uint32_t *table, size_t width,
    const struct middle *m)
{
	size_t i = m->from, k = m->from;

	while (i < m->to_old || k < m->to_new) {
		const uint32_t *at = &table[(i - m->from) * width + k -
		    m->from];

		if (i < m->to_old && k < m->to_new && same(m, i, k)) {
			i++;
			k++;
		} else if (i < m->to_old && (k == m->to_new ||
		    at[width] >= at[1]))
			put(d, m->old, i++, false);
		else
			put(d, m->new, k++, true);
	}
}

static int
compare(struct diff *d, const struct middle *m)
{
	size_t height = m->to_old - m->from + 1;
	size_t width = m->to_new - m->from + 1;
	uint32_t *table;

	if ((d->line = calloc(height + width, sizeof(*d->line))) == NULL)
		return ERR_NOMEM;
	if (height == 1 || width == 1 || height > CELLS_MAX / width) {
		put_all(d, m);
		return 0;
	}
	if ((table = calloc(height * width, sizeof(*table))) == NULL)
		return ERR_NOMEM;
	fill(table, width, m);
	walk(d, table, width, m);
	free(table);
	return 0;
}

int
diff_make(struct diff *d, struct span old, struct span new)
{
	struct lines a = { .n = 0 }, b = { .n = 0 };
	struct middle m = { .old = &a, .new = &b };
	int r;

	*d = (struct diff){ .n = 0 };
	if ((r = cut(&a, old)) == 0 && (r = cut(&b, new)) == 0) {
		find_middle(&m);
		r = compare(d, &m);
	}
	free(a.line);
	free(b.line);
	return r;
}

void
diff_free(struct diff *d)
{
	free(d->line);
	*d = (struct diff){ .n = 0 };
}
