/*
 * The file: the policy; root's part, at most PART_MAX bytes; uint32 its
 * length; MAGIC (8 bytes).  Root's part: string MADE_BY; int64 began, again;
 * string trust.conf, map; its sources as in LOAD_SOURCES (ipc.h), and
 * crl-seen as one more of the same form; uint64 bytes of the policy.
 */
#include "proto/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/path.h"
#include "epoch.h"
#include "proto/chan.h"
#include "proto/seen.h"

#define PART_MAX 65536
#define MAGIC "CLkept1\n"
#define TAIL (4 + sizeof(MAGIC) - 1)
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define MADE_BY PACKAGE_VERSION " " TEXT(BUILD_EPOCH)
#define SETTLE_MS 50

/* Root's part. */
struct part {
	int64_t began, again;
	char trust[PATH_MAX], map[PATH_MAX];
	struct ipc_sources sources;
	struct ipc_sources seen;	/* one */
	uint64_t policy;
};

/* ---- names ------------------------------------------------------------------- */

#define NAME_LEN (sizeof("policy-") - 1 + 2 * SHA256_DIGEST_SIZE)

/* SHA-256 of both paths, each with its NUL. */
static void
file_name(const char *trust, const char *map, char name[NAME_LEN + 1])
{
	uint8_t hash[SHA256_DIGEST_SIZE];
	struct sha256_ctx ctx;
	size_t n;

	sha256_init(&ctx);
	sha256_update(&ctx, strlen(trust) + 1, (const uint8_t *)trust);
	sha256_update(&ctx, strlen(map) + 1, (const uint8_t *)map);
	sha256_digest(&ctx, sizeof(hash), hash);
	n = (size_t)snprintf(name, NAME_LEN + 1, "policy-");
	for (size_t i = 0; i < sizeof(hash); i++)
		n += (size_t)snprintf(name + n, NAME_LEN + 1 - n, "%02x",
		    hash[i]);
}

static int
full_path(const char *dir, const char *name, char path[PATH_MAX],
    struct why *why)
{
	int n = snprintf(path, PATH_MAX, "%s/%s", dir, name);

	return n > 0 && n < PATH_MAX ? 0 :
	    why_set(why, ERR_TOOBIG, "%s: path too long", dir);
}

/* ---- root's part, as bytes ------------------------------------------------------ */

static int
put_part(struct buf *b, const struct part *p)
{
	size_t n;

	buf_put_cstring(b, MADE_BY);
	buf_put_u64(b, (uint64_t)p->began);
	buf_put_u64(b, (uint64_t)p->again);
	buf_put_cstring(b, p->trust);
	buf_put_cstring(b, p->map);
	ipc_sources_put(b, &p->sources);
	ipc_sources_put(b, &p->seen);
	buf_put_u64(b, p->policy);
	n = b->len;
	buf_put_u32(b, (uint32_t)n);
	buf_put_raw(b, MAGIC, sizeof(MAGIC) - 1);
	return buf_err(b);
}

static int
get_part(struct rd r, struct part *p, struct why *why)
{
	char made_by[sizeof(MADE_BY) + 64];

	rd_cstring(&r, made_by, sizeof(made_by));
	if (r.err != 0 || strcmp(made_by, MADE_BY) != 0)
		return why_set(why, ERR_VERSION, "it was made by another "
		    "build of certlogin");
	p->began = (int64_t)rd_u64(&r);
	p->again = (int64_t)rd_u64(&r);
	rd_cstring(&r, p->trust, sizeof(p->trust));
	rd_cstring(&r, p->map, sizeof(p->map));
	ipc_sources_get(&r, &p->sources);
	ipc_sources_get(&r, &p->seen);
	p->policy = rd_u64(&r);
	return rd_end(&r) == 0 && p->sources.n > 0 && p->seen.n == 1 ? 0 :
	    why_set(why, ERR_MALFORMED, "it is damaged");
}

/* From the end of the file, in one read. */
static int
read_part(int fd, struct buf *b, struct part *p, struct why *why)
{
	uint8_t *to = buf_reserve(b, PART_MAX + TAIL);
	struct stat st;
	struct rd r;
	ssize_t got;
	size_t want;
	uint32_t n;

	if (to == NULL || fstat(fd, &st) != 0)
		return why_set(why, ERR_SYS, "it cannot be read");
	want = st.st_size < (off_t)(PART_MAX + TAIL) ? (size_t)st.st_size :
	    PART_MAX + TAIL;
	got = pread(fd, to, want, st.st_size - (off_t)want);
	if (got < (ssize_t)TAIL || (size_t)got != want ||
	    memcmp(to + want - (TAIL - 4), MAGIC, TAIL - 4) != 0)
		return why_set(why, ERR_MALFORMED, "it is damaged");
	r = rd_of(to + want - TAIL, 4);
	n = rd_u32(&r);
	if (n > want - TAIL)
		return why_set(why, ERR_MALFORMED, "it is damaged");
	if (get_part(rd_of(to + want - TAIL - n, n), p, why) != 0)
		return ERR_MALFORMED;
	return p->policy + n + TAIL == (uint64_t)st.st_size ? 0 :
	    why_set(why, ERR_MALFORMED, "it is damaged");
}

/* ---- is it still good? -------------------------------------------------------- */

/* Would opening it again bring the same? */
static int
check_source(const struct ipc_source *s, struct why *why)
{
	struct path_state now;
	int fd = path_open(s->path, s->flags, why);

	path_state_of(fd, s->path, &now);
	if (fd >= 0)
		(void)close(fd);
	return path_state_eq(&now, &s->state) ? 0 : why_set(why, ERR_STATE,
	    "%s was changed", s->path);
}

static int
check_sources(const struct ipc_sources *s, struct why *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = check_source(&s->source[i], why);
	return r;
}

static int
check_part(const struct part *p, const char *dir, const char *trust,
    const char *map, struct why *why)
{
	int64_t now = (int64_t)time(NULL);
	char seen[PATH_MAX];
	int r = full_path(dir, "crl-seen", seen, why);

	if (r != 0)
		return r;
	if (strcmp(p->trust, trust) != 0 || strcmp(p->map, map) != 0 ||
	    strcmp(p->seen.source[0].path, seen) != 0)
		return why_set(why, ERR_STATE, "it is of other files");
	if (now < p->began || (p->again != 0 && now >= p->again))
		return why_set(why, ERR_STATE, "it was made for another time");
	if ((r = check_sources(&p->seen, why)) != 0)
		return r;
	return check_sources(&p->sources, why);
}

int
kept_open(const char *state_dir, const char *trust, const char *map,
    struct why *why)
{
	char name[NAME_LEN + 1], path[PATH_MAX];
	struct part *p;
	struct why inner;
	struct buf b;
	int fd, r;

	file_name(trust, map, name);
	if ((r = full_path(state_dir, name, path, why)) != 0 ||
	    (r = fd = path_open(path, 0, why)) < 0)
		return r;
	buf_init(&b, PART_MAX + TAIL);
	if ((p = malloc(sizeof(*p))) == NULL)
		r = why_set(&inner, ERR_NOMEM, "out of memory");
	else if ((r = read_part(fd, &b, p, &inner)) == 0)
		r = check_part(p, state_dir, trust, map, &inner);
	free(p);
	buf_free(&b);
	if (r == 0)
		return fd;
	(void)close(fd);
	return why_set(why, r, "%.200s is not used: %.250s", path,
	    inner.text);
}

/* ---- keeping one --------------------------------------------------------------- */

static bool
same_seen(const struct ipc_seen *a, const struct ipc_seen *b)
{
	return memcmp(a->issuer_key, b->issuer_key,
	    sizeof(a->issuer_key)) == 0 && a->number_len == b->number_len &&
	    memcmp(a->number, b->number, a->number_len) == 0 &&
	    a->this_update == b->this_update && a->newest == b->newest;
}

/* What is kept is what r was held against and, merged, what it brought: then a
 * load now would give the same. */
static int
knows_all(const struct ipc_load_begin *kept, const struct load_result *r)
{
	struct ipc_load_begin *want = calloc(1, sizeof(*want));
	int e = ERR_STATE;

	if (want == NULL)
		return ERR_NOMEM;
	want->n_seen = r->n_known;
	memcpy(want->seen, r->known, sizeof(want->seen));
	(void)seen_merge(want, r->done.seen, r->done.n_seen);
	if (want->n_seen == kept->n_seen)
		e = 0;
	for (size_t i = 0; e == 0 && i < want->n_seen; i++) {
		size_t k = 0;

		while (k < kept->n_seen &&
		    !same_seen(&want->seen[i], &kept->seen[k]))
			k++;
		if (k == kept->n_seen)
			e = ERR_STATE;
	}
	free(want);
	return e;
}

/* crl-seen as it is now. */
static int
open_seen(const char *dir, struct ipc_sources *out, struct why *why)
{
	char path[PATH_MAX];
	int r = full_path(dir, "crl-seen", path, why), fd;

	if (r != 0)
		return r;
	out->n = 0;
	fd = path_open(path, 0, why);
	if ((r = ipc_sources_add(out, path, 0, fd)) != 0)
		(void)why_set(why, r, "%s: path too long", path);
	if (r == 0 && fd >= 0 && (r = path_mark_settled(fd, SETTLE_MS,
	    &out->source[0].state.mark)) != 0)
		(void)why_set(why, r, "%s is being changed", path);
	if (fd >= 0)
		(void)close(fd);
	return r;
}

/* The same, if its numbers are r's. */
static int
settle_seen(const char *dir, const struct load_result *r,
    struct ipc_sources *out, struct why *why)
{
	struct ipc_load_begin *kept = calloc(1, sizeof(*kept));
	int e;

	if (kept == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	if ((e = open_seen(dir, out, why)) == 0 &&
	    (e = seen_read(dir, kept, why)) == 0 &&
	    (check_sources(out, NULL) != 0 || knows_all(kept, r) != 0))
		e = why_set(why, ERR_STATE, "other CRL numbers were kept in "
		    "%s meanwhile", dir);
	free(kept);
	return e;
}

static int
make_part(struct part *p, const char *dir, const char *trust,
    const char *map, const struct load_result *r, struct why *why)
{
	if (r->carried)
		return why_set(why, ERR_STATE, "a CRL of it was carried over, "
		    "and is not what the file now holds");
	if (!r->done.ok || r->policy < 0 || !r->keepable)
		return why_set(why, ERR_STATE, "there is none, or one "
		    "of its files has a time that is yet to come");
	if (strlen(trust) >= sizeof(p->trust) || strlen(map) >= sizeof(p->map))
		return why_set(why, ERR_TOOBIG, "path too long");
	*p = (struct part){ .began = r->began, .again = r->done.again,
	    .sources = r->sources };
	(void)snprintf(p->trust, sizeof(p->trust), "%s", trust);
	(void)snprintf(p->map, sizeof(p->map), "%s", map);
	return settle_seen(dir, r, &p->seen, why);
}

static int
write_file(const char *dir, const char *name, const struct part *p,
    struct span policy, bool secret, struct why *why)
{
	char path[PATH_MAX];
	struct buf b;
	int r = full_path(dir, name, path, why);

	buf_init(&b, PART_MAX + TAIL);
	if (r == 0 && (r = put_part(&b, p)) != 0)
		(void)why_set(why, r, "%s: %s", path, err_text(r));
	if (r == 0) {
		const struct span parts[] = { policy, { b.data, b.len } };

		r = path_replace_parts(path, secret ? 0600 : 0644, parts, 2,
		    why);
	}
	buf_free(&b);
	return r;
}

int
kept_put(const char *state_dir, const char *trust, const char *map,
    const struct load_result *r, struct why *why)
{
	char name[NAME_LEN + 1];
	struct part *p = calloc(1, sizeof(*p));
	struct span policy = { NULL, 0 };
	int e;

	if (p == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	file_name(trust, map, name);
	if ((e = make_part(p, state_dir, trust, map, r, why)) != 0)
		goto out;
	if ((e = memfile_map(r->policy, UINT32_MAX, &policy)) != 0) {
		(void)why_set(why, e, "policy: %s", err_text(e));
		goto out;
	}
	p->policy = policy.n;
	e = write_file(state_dir, name, p, policy, r->secret, why);
	memfile_unmap(policy);
out:
	free(p);
	return e;
}
