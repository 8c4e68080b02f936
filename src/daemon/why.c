#include "daemon/why.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"

struct why_log {
	struct why_entry entry[WHY_KEPT + WHY_STRANGERS_KEPT];
	size_t next, next_stranger;
};

struct why_log *
why_log_new(void)
{
	return calloc(1, sizeof(struct why_log));
}

void
why_log_free(struct why_log *w)
{
	free(w);
}

void
why_log_add(struct why_log *w, uint64_t reference, const char *address,
    bool stranger, const struct ipc_ses_refused *f)
{
	struct why_entry *e = stranger ?
	    &w->entry[WHY_KEPT + w->next_stranger] : &w->entry[w->next];

	if (stranger)
		w->next_stranger = (w->next_stranger + 1) % WHY_STRANGERS_KEPT;
	else
		w->next = (w->next + 1) % WHY_KEPT;
	e->reference = reference;
	e->when = (int64_t)time(NULL);
	(void)snprintf(e->address, sizeof(e->address), "%s", address);
	err_escape(e->account, sizeof(e->account), f->account,
	    strlen(f->account));
	err_escape(e->detail, sizeof(e->detail), f->detail,
	    strlen(f->detail));
}

const struct why_entry *
why_log_find(const struct why_log *w, uint64_t reference)
{
	for (size_t i = 0; reference != 0 && i < WHY_KEPT +
	    WHY_STRANGERS_KEPT; i++)
		if (w->entry[i].reference == reference)
			return &w->entry[i];
	return NULL;
}
