/* The file is a LOAD_BEGIN message without names: version and layout are
 * checked by the decoder of that message. */
#include "proto/seen.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/path.h"
#include "proto/chan.h"

static int
file_name(const char *dir, char *dst, size_t size, struct why *why)
{
	int n = snprintf(dst, size, "%s/crl-seen", dir);

	return n > 0 && (size_t)n < size ? 0 :
	    why_set(why, ERR_TOOBIG, "%s: path too long", dir);
}

int
seen_read(const char *state_dir, struct ipc_load_begin *lb, struct why *why)
{
	static struct ipc_load_begin kept;
	char path[PATH_MAX];
	struct buf b;
	int r;

	lb->n_seen = 0;
	if ((r = file_name(state_dir, path, sizeof(path), why)) != 0)
		return r;
	buf_init(&b, CHAN_MSG_MAX + 1);
	r = path_load(path, 0, CHAN_MSG_MAX, &b, why);
	if (r == ERR_NOTFOUND) {
		buf_free(&b);
		return 0;
	}
	if (r == 0 && (b.len < 2 || b.data[0] != IPC_VERSION ||
	    b.data[1] != IPC_LOAD_BEGIN ||
	    ipc_load_begin_decode(rd_of(b.data + 2, b.len - 2), &kept) != 0))
		r = why_set(why, ERR_MALFORMED, "%s is damaged; without it a "
		    "CRL could be rolled back. Remove it after checking the "
		    "CRLs by hand", path);
	if (r == 0) {
		lb->n_seen = kept.n_seen;
		memcpy(lb->seen, kept.seen, sizeof(lb->seen));
	}
	buf_free(&b);
	return r;
}

static bool
unchanged(const char *path, const struct buf *now)
{
	struct buf old;
	bool same;

	buf_init(&old, CHAN_MSG_MAX + 1);
	same = path_load(path, 0, CHAN_MSG_MAX, &old, NULL) == 0 &&
	    old.len == now->len && memcmp(old.data, now->data, now->len) == 0;
	buf_free(&old);
	return same;
}

int
seen_write(const char *state_dir, const struct ipc_load_done *done,
    struct why *why)
{
	static struct ipc_load_begin lb;
	char path[PATH_MAX];
	struct buf b;
	int r;

	if ((r = file_name(state_dir, path, sizeof(path), why)) != 0)
		return r;
	lb = (struct ipc_load_begin){ .n_seen = done->n_seen };
	memcpy(lb.seen, done->seen, sizeof(lb.seen));
	buf_init(&b, CHAN_MSG_MAX);
	if ((r = ipc_load_begin_encode(&b, &lb)) != 0)
		(void)why_set(why, r, "%s: %s", path, err_text(r));
	else if (!unchanged(path, &b)) {
		if (mkdir(state_dir, 0755) != 0 && errno != EEXIST)
			r = why_errno(why, "%s", state_dir);
		else
			r = path_replace(path, 0644, b.data, b.len, why);
	}
	buf_free(&b);
	return r;
}
