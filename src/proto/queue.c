#include "proto/queue.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define CHUNK_SIZE 65536
#define SPARES 32		/* chunks: the first window */

struct queue_chunk {
	struct queue_chunk *next;
	size_t start, end;		/* valid bytes of data */
	uint8_t data[CHUNK_SIZE];
};

static struct queue_chunk *
new_chunk(struct queue *q)
{
	struct queue_chunk *k = q->spare;

	if (k != NULL) {
		q->spare = k->next;
		q->n_spare--;
	} else if ((k = malloc(sizeof(*k))) == NULL)
		return NULL;
	k->next = NULL;
	k->start = k->end = 0;
	return k;
}

/* Fill k from s and move s on. */
static void
fill(struct queue *q, struct queue_chunk *k, struct span *s)
{
	size_t n = CHUNK_SIZE - k->end;

	if (n > s->n)
		n = s->n;
	memcpy(k->data + k->end, s->p, n);
	k->end += n;
	q->len += n;
	s->p += n;
	s->n -= n;
}

/* Fresh pages cost more than the copy into them: a few are kept. */
static void
done_with(struct queue *q, struct queue_chunk *k)
{
	if (q->n_spare == SPARES) {
		free(k);
		return;
	}
	k->next = q->spare;
	q->spare = k;
	q->n_spare++;
}

int
queue_put(struct queue *q, struct span s)
{
	struct queue_chunk *k = NULL, *more = NULL;
	size_t room = q->tail != NULL ? CHUNK_SIZE - q->tail->end : 0;

	/* all memory first, so that a failure adds nothing */
	for (size_t have = room; have < s.n; have += CHUNK_SIZE) {
		if ((k = new_chunk(q)) == NULL)
			goto nomem;
		k->next = more;
		more = k;
	}
	if (room > 0 && s.n > 0)
		fill(q, q->tail, &s);
	while ((k = more) != NULL) {
		more = k->next;
		k->next = NULL;
		fill(q, k, &s);
		if (q->tail != NULL)
			q->tail->next = k;
		else
			q->head = k;
		q->tail = k;
	}
	return 0;
nomem:
	while ((k = more) != NULL) {
		more = k->next;
		free(k);
	}
	return ERR_NOMEM;
}

struct span
queue_front(const struct queue *q)
{
	if (q->head == NULL)
		return (struct span){ (const uint8_t *)"", 0 };
	return (struct span){ q->head->data + q->head->start,
	    q->head->end - q->head->start };
}

void
queue_take(struct queue *q, size_t n)
{
	struct queue_chunk *k;

	while (n > 0 && (k = q->head) != NULL) {
		size_t have = k->end - k->start;

		if (n < have) {
			k->start += n;
			q->len -= n;
			return;
		}
		n -= have;
		q->len -= have;
		q->head = k->next;
		if (q->head == NULL)
			q->tail = NULL;
		done_with(q, k);
	}
}

void
queue_clear(struct queue *q)
{
	struct queue_chunk *k;

	queue_take(q, q->len);
	while ((k = q->spare) != NULL) {
		q->spare = k->next;
		free(k);
	}
	q->n_spare = 0;
}
