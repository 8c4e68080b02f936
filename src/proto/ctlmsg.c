#include "proto/ctlmsg.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/chan.h"

/* ---- requests ----------------------------------------------------------- */

int
ctlmsg_why_encode(struct buf *b, uint64_t reference)
{
	chan_begin(b, CTLMSG_WHY);
	buf_put_u64(b, reference);
	return buf_err(b);
}

int
ctlmsg_why_decode(struct rd r, uint64_t *reference)
{
	*reference = rd_u64(&r);
	return rd_end(&r);
}

int
ctlmsg_reload_encode(struct buf *b, bool policy)
{
	chan_begin(b, CTLMSG_RELOAD);
	buf_put_bool(b, policy);
	return buf_err(b);
}

int
ctlmsg_reload_decode(struct rd r, bool *policy)
{
	*policy = rd_bool(&r);
	return rd_end(&r);
}

int
ctlmsg_empty_encode(struct buf *b, uint8_t type)
{
	chan_begin(b, type);
	return buf_err(b);
}

int
ctlmsg_empty_decode(struct rd r)
{
	return rd_end(&r);
}

int
ctlmsg_sessions_encode(struct buf *b, const struct ctlmsg_pick *p)
{
	chan_begin(b, CTLMSG_SESSIONS);
	buf_put_cstring(b, p->identity);
	buf_put_cstring(b, p->account);
	return buf_err(b);
}

int
ctlmsg_sessions_decode(struct rd r, struct ctlmsg_pick *p)
{
	p->reference = 0;
	rd_cstring(&r, p->identity, sizeof(p->identity));
	rd_cstring(&r, p->account, sizeof(p->account));
	return rd_end(&r);
}

int
ctlmsg_end_encode(struct buf *b, const struct ctlmsg_end *e)
{
	chan_begin(b, CTLMSG_END);
	buf_put_u64(b, e->pick.reference);
	buf_put_cstring(b, e->pick.identity);
	buf_put_cstring(b, e->pick.account);
	buf_put_cstring(b, e->message);
	return buf_err(b);
}

/* Nobody is ended by what was left out. */
int
ctlmsg_end_decode(struct rd r, struct ctlmsg_end *e)
{
	int given, code;

	e->pick.reference = rd_u64(&r);
	rd_cstring(&r, e->pick.identity, sizeof(e->pick.identity));
	rd_cstring(&r, e->pick.account, sizeof(e->pick.account));
	rd_cstring(&r, e->message, sizeof(e->message));
	if ((code = rd_end(&r)) != 0)
		return code;
	given = (e->pick.reference != 0) + (e->pick.identity[0] != '\0') +
	    (e->pick.account[0] != '\0');
	return given == 1 ? 0 : ERR_MALFORMED;
}

/* ---- answers ------------------------------------------------------------ */

void
ctlmsg_begin(struct buf *b, uint8_t status, const char *error)
{
	chan_begin(b, CTLMSG_ANSWER);
	buf_put_u8(b, status);
	buf_put_cstring(b, error);
}

int
ctlmsg_head(struct rd *r, uint8_t *status, char error[CTLMSG_TEXT_MAX])
{
	*status = rd_u8(r);
	rd_cstring(r, error, CTLMSG_TEXT_MAX);
	return r->err;
}

void
ctlmsg_part(struct buf *b)
{
	chan_begin(b, CTLMSG_PART);
}

static void
put_name(struct buf *b, enum ctlmsg_kind kind, const char *name)
{
	buf_put_u8(b, (uint8_t)kind);
	buf_put_cstring(b, name);
}

void
ctlmsg_record(struct buf *b, const char *about)
{
	put_name(b, CTLMSG_RECORD, about);
}

void
ctlmsg_text(struct buf *b, const char *name, const char *fmt, ...)
{
	char value[CTLMSG_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	put_name(b, CTLMSG_TEXT, name);
	buf_put_cstring(b, value);
}

void
ctlmsg_number(struct buf *b, const char *name, uint64_t value)
{
	put_name(b, CTLMSG_NUMBER, name);
	buf_put_u64(b, value);
}

void
ctlmsg_time(struct buf *b, const char *name, int64_t value)
{
	put_name(b, CTLMSG_TIME, name);
	buf_put_u64(b, (uint64_t)value);
}

void
ctlmsg_put(struct buf *b, const struct ctlmsg_item *item)
{
	switch (item->kind) {
	case CTLMSG_RECORD:
		ctlmsg_record(b, item->name);
		break;
	case CTLMSG_TEXT:
		ctlmsg_text(b, item->name, "%s", item->text);
		break;
	case CTLMSG_NUMBER:
		ctlmsg_number(b, item->name, item->number);
		break;
	case CTLMSG_TIME:
		ctlmsg_time(b, item->name, item->time);
		break;
	}
}

static bool
is_name(const char *s)
{
	return *s != '\0' &&
	    s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

int
ctlmsg_next(struct rd *r, struct ctlmsg_item *item)
{
	uint8_t kind;

	if (r->err != 0 || r->n == 0)
		return r->err;
	kind = rd_u8(r);
	rd_cstring(r, item->name, sizeof(item->name));
	item->text[0] = '\0';
	item->number = 0;
	item->time = 0;
	switch (kind) {
	case CTLMSG_RECORD:
		break;
	case CTLMSG_TEXT:
		rd_cstring(r, item->text, sizeof(item->text));
		break;
	case CTLMSG_NUMBER:
		item->number = rd_u64(r);
		break;
	case CTLMSG_TIME:
		item->time = (int64_t)rd_u64(r);
		break;
	default:
		return ERR_MALFORMED;
	}
	if (r->err != 0)
		return r->err;
	item->kind = (enum ctlmsg_kind)kind;
	return is_name(item->name) ? 1 : ERR_MALFORMED;
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
