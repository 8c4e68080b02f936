#include "client/secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/path.h"
#include "base/prompt.h"

void
secret_begin(void)
{
	struct rlimit none = { 0, 0 };

	(void)getrlimit(RLIMIT_CORE, &none);
	none.rlim_cur = 0;
	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void
secret_init(struct buf *b, size_t max)
{
	buf_init_secret(b, max);
	/* all at once, so that no copy is left behind by growth */
	if (buf_reserve(b, max) != NULL)
		(void)mlock(b->data, b->cap);
}

/* The first line; a newline at its end is not part of it. */
static int
from_file(const struct secret_ask *ask, struct buf *out, struct why *why)
{
	uint8_t *end;
	int r = path_load(ask->file, PATH_SECRET, ask->max + 1, out, why);

	if (r != 0)
		return r;
	if (out->len > 0 &&
	    (end = memchr(out->data, '\n', out->len)) != NULL)
		out->len = (size_t)(end - out->data);
	if (out->len > 0 && out->data[out->len - 1] == '\r')
		out->len--;
	if (out->len > ask->max ||
	    (out->len > 0 && memchr(out->data, '\0', out->len) != NULL))
		return why_set(why, ERR_MALFORMED, "%s: expected one line of "
		    "at most %zu bytes", ask->file, ask->max);
	buf_put_u8(out, 0);
	if (buf_err(out) != 0)
		return why_set(why, buf_err(out), "%s",
		    err_text(buf_err(out)));
	out->len--;
	return 0;
}

int
secret_get(const struct secret_ask *ask, struct buf *out, struct why *why)
{
	struct why inner;
	int r;

	buf_reset(out);
	if (ask->file != NULL)
		return from_file(ask, out, why);
	if (ask->batch)
		return why_set(why, ERR_STATE, "it would have to be asked "
		    "for, which batchmode forbids; use -o %s=FILE",
		    ask->setting);
	r = prompt_secret(ask->prompt, out, ask->max, &inner);
	if (r == ERR_STATE)
		return why_set(why, r, "%s; use -o %s=FILE", inner.text,
		    ask->setting);
	return r == 0 ? 0 : why_set(why, r, "%s", inner.text);
}
