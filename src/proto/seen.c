/* The file: string MAGIC; byte FILE_VERSION; uint32 n; n seen, as in
 * LOAD_BEGIN. */
#include "proto/seen.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/path.h"

#define MAGIC "certlogin-crl-seen"
#define FILE_VERSION 1
#define FILE_MAX 65536
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

/* ---- the file ------------------------------------------------------------------ */

static int
decode(struct rd r, struct ipc_load_begin *lb)
{
	struct span magic = rd_string(&r, sizeof(MAGIC) - 1);

	if (r.err != 0 || !span_eq_str(magic, MAGIC) ||
	    rd_u8(&r) != FILE_VERSION)
		return ERR_MALFORMED;
	ipc_seen_get(&r, lb->seen, &lb->n_seen);
	return rd_end(&r);
}

int
seen_read(const char *state_dir, struct ipc_load_begin *lb, struct why *why)
{
	char path[PATH_MAX];
	struct buf b;
	int r;

	lb->n_seen = 0;
	if ((r = file_name(state_dir, path, sizeof(path), why)) != 0)
		return r;
	buf_init(&b, FILE_MAX + 1);
	r = path_load(path, 0, FILE_MAX, &b, why);
	if (r == ERR_NOTFOUND) {
		buf_free(&b);
		return 0;
	}
	if (r == 0 && decode(rd_of(b.data, b.len), lb) != 0)
		r = why_set(why, ERR_MALFORMED, "%s is damaged; without it a "
		    "CRL could be rolled back. Remove it after checking the "
		    "CRLs by hand", path);
	if (r != 0)
		lb->n_seen = 0;
	buf_free(&b);
	return r;
}

static int
replace(const char *dir, const struct ipc_load_begin *lb, struct why *why)
{
	char path[PATH_MAX];
	struct buf b;
	int r = file_name(dir, path, sizeof(path), why);

	if (r != 0)
		return r;
	buf_init(&b, FILE_MAX);
	buf_put_cstring(&b, MAGIC);
	buf_put_u8(&b, FILE_VERSION);
	ipc_seen_put(&b, lb->seen, lb->n_seen);
	if ((r = buf_err(&b)) != 0)
		(void)why_set(why, r, "%s: %s", path, err_text(r));
	else
		r = path_replace(path, 0644, b.data, b.len, why);
	buf_free(&b);
	return r;
}

/* ---- one at a time -------------------------------------------------------------- */

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

/* ---- merging -------------------------------------------------------------------- */

static bool
is_later(const struct ipc_seen *a, const struct ipc_seen *b)
{
	int c = 0;

	if (a->number_len != b->number_len)
		return a->number_len > b->number_len;
	if (a->number_len > 0)
		c = memcmp(a->number, b->number, a->number_len);
	return c != 0 ? c > 0 : a->this_update > b->this_update;
}

static struct ipc_seen *
find(struct ipc_load_begin *lb, const uint8_t key[32])
{
	for (size_t i = 0; i < lb->n_seen; i++)
		if (memcmp(lb->seen[i].issuer_key, key, 32) == 0)
			return &lb->seen[i];
	return NULL;
}

static void
drop(struct ipc_load_begin *lb, size_t i)
{
	lb->n_seen--;
	memmove(&lb->seen[i], &lb->seen[i + 1],
	    (lb->n_seen - i) * sizeof(lb->seen[0]));
}

static bool
merge_one(struct ipc_load_begin *kept, const struct ipc_seen *new)
{
	struct ipc_seen *have = find(kept, new->issuer_key), was;

	if (have == NULL) {
		if (kept->n_seen == IPC_LOAD_SEEN_MAX)
			drop(kept, 0);
		kept->seen[kept->n_seen++] = *new;
		return true;
	}
	was = *have;
	if (is_later(new, have))
		*have = *new;
	if (have->newest < was.newest)
		have->newest = was.newest;
	if (have->newest < new->newest)
		have->newest = new->newest;
	return have->this_update != was.this_update ||
	    have->newest != was.newest ||
	    have->number_len != was.number_len ||
	    memcmp(have->number, was.number, was.number_len) != 0;
}

bool
seen_merge(struct ipc_load_begin *kept, const struct ipc_seen *new, size_t n)
{
	bool changed = false;

	for (size_t i = 0; i < n; i++)
		changed |= merge_one(kept, &new[i]);
	return changed;
}

int
seen_write(const char *state_dir, const struct ipc_load_done *done,
    struct why *why)
{
	struct ipc_load_begin *kept = calloc(1, sizeof(*kept));
	int r, lock;

	if (kept == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	if ((r = lock = take_lock(state_dir, why)) >= 0) {
		if ((r = seen_read(state_dir, kept, why)) == 0 &&
		    seen_merge(kept, done->seen, done->n_seen))
			r = replace(state_dir, kept, why);
		(void)close(lock);
	}
	free(kept);
	return r;
}

/* ---- forgetting ------------------------------------------------------------------- */

static int
forget(struct ipc_load_begin *kept, const uint8_t (*key)[32], size_t n)
{
	int known = 0;

	for (size_t i = 0; i < n; i++) {
		struct ipc_seen *have = find(kept, key[i]);

		if (have == NULL)
			continue;
		drop(kept, (size_t)(have - kept->seen));
		known++;
	}
	return known;
}

int
seen_forget(const char *state_dir, const uint8_t (*key)[32], size_t n,
    struct why *why)
{
	struct ipc_load_begin *kept = calloc(1, sizeof(*kept));
	int r, lock, known = 0;

	if (kept == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	if ((r = lock = take_lock(state_dir, why)) >= 0) {
		if ((r = seen_read(state_dir, kept, why)) == 0 &&
		    (known = forget(kept, key, n)) > 0)
			r = replace(state_dir, kept, why);
		(void)close(lock);
	}
	free(kept);
	return r < 0 ? r : known;
}
