#include "ctl/crls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "proto/chan.h"
#include "proto/load.h"

#define ANSWER_MS 60000

static int
failed(struct why *why, int r)
{
	return why_set(why, r, "certlogin-judge did not answer: %s",
	    err_text(r));
}

/* Send b with trust.conf and, unless it is -1, a second descriptor. */
static int
put_question(int channel, const struct buf *b, const char *trust, int second,
    struct why *why)
{
	int fds[2] = { path_open(trust, 0, why), second }, r;

	if (fds[0] < 0)
		return fds[0];
	r = chan_send(channel, b, fds, second >= 0 ? 2 : 1);
	(void)close(fds[0]);
	return r == 0 ? 0 : failed(why, r);
}

static int
get_answer(int channel, uint8_t type, struct buf *b, struct chan_msg *m,
    struct why *why)
{
	int r = chan_recv_timeout(channel, b, m, 0, ANSWER_MS);

	if (r == 0 && m->type != type)
		r = ERR_TYPE;
	return r == 0 ? 0 : failed(why, r);
}

int
crls_list(int channel, const char *trust, struct crlmsg_listed *out,
    struct diag *diag, struct why *why)
{
	struct chan_msg m;
	struct buf b;
	int r;

	*out = (struct crlmsg_listed){ .ok = false };
	buf_init(&b, CHAN_MSG_MAX);
	if ((r = crlmsg_list_encode(&b, trust)) != 0)
		(void)failed(why, r);
	else if ((r = put_question(channel, &b, trust, -1, why)) == 0 &&
	    (r = get_answer(channel, IPC_CRL_LISTED, &b, &m, why)) == 0 &&
	    (r = crlmsg_listed_decode(m.body, out, diag)) != 0)
		(void)failed(why, r);
	buf_free(&b);
	return r;
}

static int
encode_judge(struct buf *b, const char *trust, const struct crlmsg_item *it,
    bool fetched, const struct ipc_seen *seen, size_t n_seen)
{
	struct crlmsg_judge *j = calloc(1, sizeof(*j));
	int r;

	if (j == NULL)
		return ERR_NOMEM;
	(void)snprintf(j->trust, sizeof(j->trust), "%s", trust);
	(void)snprintf(j->authority, sizeof(j->authority), "%s",
	    it->authority);
	(void)snprintf(j->file, sizeof(j->file), "%s", it->file);
	j->fetched = fetched;
	j->n_seen = n_seen;
	if (n_seen > 0)
		memcpy(j->seen, seen, n_seen * sizeof(*seen));
	r = crlmsg_judge_encode(b, j);
	free(j);
	return r;
}

int
crls_judge(int channel, const char *trust, const struct crlmsg_item *it,
    int fetched, const struct ipc_seen *seen, size_t n_seen,
    struct crlmsg_judged *out, struct why *why)
{
	struct chan_msg m;
	struct buf b;
	int r;

	*out = (struct crlmsg_judged){ .outcome = CRLMSG_KEEP };
	buf_init(&b, CHAN_MSG_MAX);
	if ((r = encode_judge(&b, trust, it, fetched >= 0, seen,
	    n_seen)) != 0)
		(void)failed(why, r);
	else if ((r = put_question(channel, &b, trust, fetched, why)) == 0 &&
	    (r = load_give(channel, trust, ANSWER_MS, why)) == 0 &&
	    (r = get_answer(channel, IPC_CRL_JUDGED, &b, &m, why)) == 0 &&
	    (r = crlmsg_judged_decode(m.body, out)) != 0)
		(void)failed(why, r);
	buf_free(&b);
	return r;
}
