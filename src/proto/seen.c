/* The file is a LOAD_BEGIN message without names: version and layout are
 * checked by the decoder of that message. */
#include "proto/seen.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/path.h"
#include "proto/chan.h"

/* Whoever holds it needs a moment, and one that hangs must not hang
 * certlogind. */
#define LOCK_MS 1000

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

/* certlogind and the PAM module's helper both read, merge and replace. */
static int
take_lock(const char *dir, struct why *why)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/crl-seen.lock", dir);

	if (n < 0 || (size_t)n >= sizeof(path))
		return why_set(why, ERR_TOOBIG, "%s: path too long", dir);
	return lock_file(path, LOCK_MS, why);
}

static bool
is_newer(const struct ipc_seen *a, const struct ipc_seen *b)
{
	int c = 0;

	if (a->number_len != b->number_len)
		return a->number_len > b->number_len;
	if (a->number_len > 0)
		c = memcmp(a->number, b->number, a->number_len);
	return c != 0 ? c > 0 : a->this_update > b->this_update;
}

static struct ipc_seen *
find(struct ipc_load_begin *lb, const struct ipc_seen *key)
{
	for (size_t i = 0; i < lb->n_seen; i++)
		if (memcmp(lb->seen[i].issuer_key, key->issuer_key,
		    sizeof(key->issuer_key)) == 0)
			return &lb->seen[i];
	return NULL;
}

/* What somebody else kept meanwhile stays where it is higher or new to us. */
static void
merge(struct ipc_load_begin *lb, const struct ipc_load_begin *kept)
{
	for (size_t i = 0; i < kept->n_seen; i++) {
		struct ipc_seen *have = find(lb, &kept->seen[i]);

		if (have == NULL && lb->n_seen < IPC_LOAD_SEEN_MAX)
			lb->seen[lb->n_seen++] = kept->seen[i];
		else if (have != NULL && is_newer(&kept->seen[i], have))
			*have = kept->seen[i];
	}
}

static bool
same(const struct ipc_load_begin *a, const struct ipc_load_begin *b)
{
	return a->n_seen == b->n_seen && memcmp(a->seen, b->seen,
	    a->n_seen * sizeof(a->seen[0])) == 0;
}

static int
replace(const char *dir, const struct ipc_load_begin *lb, struct why *why)
{
	char path[PATH_MAX];
	struct buf b;
	int r = file_name(dir, path, sizeof(path), why);

	if (r != 0)
		return r;
	buf_init(&b, CHAN_MSG_MAX);
	if ((r = ipc_load_begin_encode(&b, lb)) != 0)
		(void)why_set(why, r, "%s: %s", path, err_text(r));
	else
		r = path_replace(path, 0644, b.data, b.len, why);
	buf_free(&b);
	return r;
}

int
seen_write(const char *state_dir, const struct ipc_load_done *done,
    struct why *why)
{
	static struct ipc_load_begin lb, kept;
	int r, lock = take_lock(state_dir, why);

	if (lock < 0)
		return lock;
	lb = (struct ipc_load_begin){ .n_seen = done->n_seen };
	memcpy(lb.seen, done->seen, sizeof(lb.seen));
	if ((r = seen_read(state_dir, &kept, why)) == 0) {
		merge(&lb, &kept);
		if (!same(&lb, &kept))
			r = replace(state_dir, &lb, why);
	}
	(void)close(lock);
	return r;
}
