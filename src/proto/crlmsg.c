#include "proto/crlmsg.h"

#include "base/err.h"
#include "proto/chan.h"

static void
get_filled(struct rd *r, char *dst, size_t size)
{
	rd_printable(r, dst, size);
	if (r->err == 0 && dst[0] == '\0')
		r->err = ERR_MALFORMED;
}

/* ---- certloginctl and the judge ------------------------------------------ */

int
crlmsg_list_encode(struct buf *b, const char *trust)
{
	chan_begin(b, IPC_CRL_LIST);
	buf_put_cstring(b, trust);
	return buf_err(b);
}

int
crlmsg_list_decode(struct rd r, char trust[IPC_PATH_MAX])
{
	rd_cstring(&r, trust, IPC_PATH_MAX);
	return rd_end(&r);
}

int
crlmsg_listed_encode(struct buf *b, const struct crlmsg_listed *l,
    const struct diag *d)
{
	chan_begin(b, IPC_CRL_LISTED);
	buf_put_bool(b, l->ok);
	buf_put_u32(b, (uint32_t)l->n);
	for (size_t i = 0; i < l->n; i++) {
		buf_put_cstring(b, l->item[i].authority);
		buf_put_cstring(b, l->item[i].file);
		buf_put_cstring(b, l->item[i].url);
	}
	diag_encode(d, b);
	return buf_err(b);
}

int
crlmsg_listed_decode(struct rd r, struct crlmsg_listed *l, struct diag *d)
{
	bool ok = rd_bool(&r);
	uint32_t n = rd_u32(&r);
	int e;

	l->ok = false;
	l->n = 0;
	if (r.err == 0 && n > IPC_LOAD_FILES_MAX)
		r.err = ERR_TOOBIG;
	for (uint32_t i = 0; r.err == 0 && i < n; i++) {
		struct crlmsg_item *it = &l->item[i];

		get_filled(&r, it->authority, sizeof(it->authority));
		get_filled(&r, it->file, sizeof(it->file));
		get_filled(&r, it->url, sizeof(it->url));
	}
	if (r.err != 0)
		return r.err;
	if ((e = diag_decode(&r, d)) != 0 || (e = rd_end(&r)) != 0)
		return e;
	/* an error is never a list, and no list is never without an error */
	if (ok ? d->errors > 0 : n > 0 || d->errors == 0)
		return ERR_MALFORMED;
	l->n = n;
	l->ok = ok;
	return 0;
}

int
crlmsg_judge_encode(struct buf *b, const struct crlmsg_judge *j)
{
	chan_begin(b, IPC_CRL_JUDGE);
	buf_put_cstring(b, j->trust);
	buf_put_cstring(b, j->authority);
	buf_put_cstring(b, j->file);
	buf_put_bool(b, j->fetched);
	ipc_seen_put(b, j->seen, j->n_seen);
	return buf_err(b);
}

int
crlmsg_judge_decode(struct rd r, struct crlmsg_judge *j)
{
	rd_cstring(&r, j->trust, sizeof(j->trust));
	get_filled(&r, j->authority, sizeof(j->authority));
	get_filled(&r, j->file, sizeof(j->file));
	j->fetched = rd_bool(&r);
	ipc_seen_get(&r, j->seen, &j->n_seen);
	return rd_end(&r);
}

int
crlmsg_judged_encode(struct buf *b, const struct crlmsg_judged *j)
{
	chan_begin(b, IPC_CRL_JUDGED);
	buf_put_u8(b, j->outcome);
	buf_put_cstring(b, j->problem);
	buf_put_cstring(b, j->in_place);
	buf_put_bool(b, j->usable);
	buf_put_u64(b, (uint64_t)j->this_update);
	buf_put_u64(b, (uint64_t)j->next_update);
	buf_put_u64(b, (uint64_t)j->half);
	return buf_err(b);
}

/* Does one member allow the others? */
static bool
fits(uint8_t outcome, const struct crlmsg_judged *j)
{
	if (!j->usable && (j->this_update != 0 || j->next_update != 0 ||
	    j->half != 0))
		return false;
	switch (outcome) {
	case CRLMSG_KEEP:
		return true;
	case CRLMSG_SAME:
	case CRLMSG_REPLACE:
		return j->usable && j->problem[0] == '\0';
	default:
		return false;
	}
}

int
crlmsg_judged_decode(struct rd r, struct crlmsg_judged *j)
{
	uint8_t outcome = rd_u8(&r);

	j->outcome = CRLMSG_KEEP;
	rd_printable(&r, j->problem, sizeof(j->problem));
	rd_printable(&r, j->in_place, sizeof(j->in_place));
	j->usable = rd_bool(&r);
	j->this_update = (int64_t)rd_u64(&r);
	j->next_update = (int64_t)rd_u64(&r);
	j->half = (int64_t)rd_u64(&r);
	if (rd_end(&r) != 0)
		return rd_end(&r);
	if (!fits(outcome, j))
		return ERR_MALFORMED;
	j->outcome = outcome;
	return 0;
}

/* ---- certloginctl and certlogin-fetch ------------------------------------ */

int
crlmsg_get_encode(struct buf *b, const char *url, uint32_t seconds)
{
	chan_begin(b, IPC_FETCH_GET);
	buf_put_cstring(b, url);
	buf_put_u32(b, seconds);
	return buf_err(b);
}

int
crlmsg_get_decode(struct rd r, char url[CRLMSG_URL_MAX], uint32_t *seconds)
{
	get_filled(&r, url, CRLMSG_URL_MAX);
	*seconds = rd_u32(&r);
	if (r.err == 0 && (*seconds == 0 || *seconds > CRLMSG_SECONDS_MAX))
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

int
crlmsg_done_encode(struct buf *b, bool ok, const char *problem)
{
	chan_begin(b, IPC_FETCH_DONE);
	buf_put_bool(b, ok);
	buf_put_cstring(b, problem);
	return buf_err(b);
}

int
crlmsg_done_decode(struct rd r, bool *ok, char problem[IPC_TEXT_MAX])
{
	bool said = rd_bool(&r);

	*ok = false;
	rd_printable(&r, problem, IPC_TEXT_MAX);
	if (rd_end(&r) != 0)
		return rd_end(&r);
	if (said != (problem[0] == '\0'))
		return ERR_MALFORMED;
	*ok = said;
	return 0;
}
