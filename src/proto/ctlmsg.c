#include "proto/ctlmsg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/chan.h"

void
ctlmsg_begin(struct buf *b, uint8_t status, const char *error)
{
	chan_begin(b, CTLMSG_ANSWER);
	buf_put_u8(b, status);
	buf_put_cstring(b, error);
}

void
ctlmsg_record(struct buf *b, const char *kind)
{
	buf_put_cstring(b, "[");
	buf_put_cstring(b, kind);
}

void
ctlmsg_pair(struct buf *b, const char *name, const char *fmt, ...)
{
	char value[CTLMSG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	buf_put_cstring(b, name);
	buf_put_cstring(b, value);
}

int
ctlmsg_head(struct rd *r, uint8_t *status, char error[CTLMSG_TEXT_MAX])
{
	*status = rd_u8(r);
	rd_cstring(r, error, CTLMSG_TEXT_MAX);
	return r->err;
}

int
ctlmsg_next(struct rd *r, struct ctlmsg_item *item)
{
	if (r->n == 0)
		return 0;
	rd_cstring(r, item->name, sizeof(item->name));
	rd_cstring(r, item->value, sizeof(item->value));
	item->record = strcmp(item->name, "[") == 0;
	return r->err != 0 ? r->err : 1;
}

int
ctlmsg_try_encode(struct buf *b, const struct ctlmsg_try *t)
{
	chan_begin(b, CTLMSG_TRY);
	buf_put_cstring(b, t->map);
	buf_put_u32(b, (uint32_t)t->n);
	for (size_t i = 0; i < t->n; i++)
		buf_put_u32(b, t->pid[i]);
	return buf_err(b);
}

int
ctlmsg_try_decode(struct rd r, struct ctlmsg_try *t)
{
	uint32_t n;

	t->n = 0;
	rd_cstring(&r, t->map, sizeof(t->map));
	n = rd_u32(&r);
	if (r.err == 0 && n > CTLMSG_PIDS_MAX)
		r.err = ERR_TOOBIG;
	for (uint32_t i = 0; r.err == 0 && i < n; i++)
		t->pid[t->n++] = rd_u32(&r);
	return rd_end(&r);
}
