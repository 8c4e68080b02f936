#include "proto/load.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/path.h"
#include "proto/chan.h"
#include "proto/seen.h"

#define BEGIN_FDS 4		/* trust.conf, map, locks, policy in force */

/* A file's last change is past after a tick of the kernel. */
#define SETTLE_MS 50

struct loading {
	int judge, ms;
	const struct load_from *from;
	struct buf in, out;
	char dir[PATH_MAX];		/* trust.conf's folder */
	int dirfd;
	struct load_result *result;
	struct ipc_load_begin begin;
	struct ipc_load_want want;
	struct ipc_load_files files;
	int fds[IPC_LOAD_FILES_MAX];
	size_t n_fds;
};

int
load_locks_path(const char *state, char *dst, size_t size, struct why *why)
{
	int n = snprintf(dst, size, "%s/locks.map", state);

	return n > 0 && (size_t)n < size ? 0 :
	    why_set(why, ERR_TOOBIG, "%s: path too long", state);
}

/* May everybody read it?  Some folder on the way may let few people through. */
static bool
is_public(const char *path, int fd)
{
	char folder[PATH_MAX], *slash;
	struct stat st;

	if (fstat(fd, &st) != 0 || (st.st_mode & S_IROTH) == 0 ||
	    snprintf(folder, sizeof(folder), "%s", path) >=
	    (int)sizeof(folder))
		return false;
	while ((slash = strrchr(folder, '/')) != NULL && slash != folder) {
		*slash = '\0';
		if (stat(folder, &st) != 0 || (st.st_mode & S_IXOTH) == 0)
			return false;
	}
	return true;
}

/* Note what fd, the outcome of opening path, is; before it is read. */
static int
note(struct loading *l, const char *path, int flags, int fd, struct why *why)
{
	struct ipc_sources *s = &l->result->sources;

	if (ipc_sources_add(s, path, flags, fd) == 0) {
		if (fd >= 0 && path_mark_settled(fd, SETTLE_MS,
		    &s->source[s->n - 1].state.mark) != 0)
			l->result->keepable = false;
		if (fd >= 0 && !is_public(path, fd))
			l->result->secret = true;
		return fd;
	}
	if (fd >= 0)
		(void)close(fd);
	return why_set(why, ERR_TOOBIG, "%.200s: path too long", path);
}

static int
open_text(struct loading *l, const char *path, struct why *why)
{
	int fd;

	if (path != NULL)
		return note(l, path, 0, path_open(path, 0, why), why);
	l->result->keepable = false;
	fd = memfile_make("none", "", 0);
	return fd >= 0 ? fd : why_set(why, fd, "empty file: %s",
	    err_text(fd));
}

/* Who is locked must be known: one that is not there is no empty one. */
static int
open_locks(struct loading *l, struct why *why)
{
	const char *path = l->from->map != NULL && l->from->state != NULL ?
	    l->begin.locks : NULL;
	int fd = open_text(l, path, why);

	if (fd != ERR_NOTFOUND)
		return fd;
	return why_set(why, fd, "%s is missing, so nobody knows who is locked; "
	    "if nobody is, make it: install -m 644 /dev/null %s", path, path);
}

static int
name_files(struct loading *l, struct why *why)
{
	const struct load_from *from = l->from;
	struct ipc_load_begin *b = &l->begin;
	int r = 0;

	b->policy = from->policy;
	(void)snprintf(b->trust, sizeof(b->trust), "%s", from->trust);
	(void)snprintf(b->map, sizeof(b->map), "%s",
	    from->map != NULL ? from->map : "(no map)");
	(void)snprintf(b->locks, sizeof(b->locks), "(no locks)");
	if (from->state != NULL && from->map != NULL)
		r = load_locks_path(from->state, b->locks, sizeof(b->locks),
		    why);
	if (r != 0 || from->state == NULL ||
	    (r = seen_read(from->state, b, why)) != 0)
		return r;
	l->result->n_known = b->n_seen;
	memcpy(l->result->known, b->seen, sizeof(b->seen));
	return 0;
}

/* trust.conf, map, locks.  All are tried, so that all are known where one is
 * not there; why is of the first. */
static int
open_three(struct loading *l, int fds[BEGIN_FDS], struct why *why)
{
	int r;

	r = fds[0] = open_text(l, l->from->trust, why);
	fds[1] = open_text(l, l->from->map, r >= 0 ? why : NULL);
	r = r >= 0 ? fds[1] : r;
	fds[2] = open_locks(l, r >= 0 ? why : NULL);
	r = r >= 0 ? fds[2] : r;
	return r < 0 ? r : 0;
}

static int
send_begin(struct loading *l, struct why *why)
{
	int fds[BEGIN_FDS] = { -1, -1, -1, -1 }, r;
	size_t n = BEGIN_FDS - 1;

	if (l->from->in_force != NULL)
		fds[n++] = *l->from->in_force;
	if ((r = name_files(l, why)) == 0 &&
	    (r = open_three(l, fds, why)) == 0) {
		if ((r = ipc_load_begin_encode(&l->out, &l->begin)) != 0 ||
		    (r = chan_send(l->judge, &l->out, fds, n)) != 0)
			(void)why_set(why, r, "judge: %s", err_text(r));
	}
	for (int i = 0; i < BEGIN_FDS - 1; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
	return r;
}

static int
receive(struct loading *l, uint8_t type, struct chan_msg *m, size_t max_fds,
    struct why *why)
{
	int r = chan_recv_timeout(l->judge, &l->in, m, max_fds, l->ms);

	if (r == 0 && m->type != type) {
		chan_close_fds(m);
		r = ERR_TYPE;
	}
	return r == 0 ? 0 : why_set(why, r, "judge did not answer: %s",
	    err_text(r));
}

/* The judge names paths; they are opened below trust.conf's folder only, and
 * only what is no secret: the host's key usually lies there as well. */
static int
open_wanted(struct loading *l)
{
	char path[PATH_MAX + sizeof(l->want.path[0])];
	struct ipc_sources *s = &l->result->sources;
	struct why why;

	l->files.n = l->want.n;
	for (size_t i = 0; i < l->want.n; i++) {
		int fd = path_open_below(l->dirfd, l->dir, l->want.path[i],
		    PATH_PUBLIC, &why);
		size_t n = s->n;

		(void)snprintf(path, sizeof(path), "%s/%s", l->dir,
		    l->want.path[i]);
		fd = note(l, path, PATH_PUBLIC, fd, &why);
		if (s->n > n)
			s->source[n].crl = l->want.crl[i];
		l->files.file[i].opened = fd >= 0;
		l->files.file[i].error[0] = '\0';
		if (fd >= 0) {
			l->fds[l->n_fds++] = fd;
			continue;
		}
		(void)snprintf(l->files.file[i].error,
		    sizeof(l->files.file[i].error), "%.255s", why.text);
	}
	return ipc_load_files_encode(&l->out, &l->files);
}

static int
answer_want(struct loading *l, struct why *why)
{
	struct chan_msg m;
	int r = receive(l, IPC_LOAD_WANT, &m, 0, why);

	if (r != 0)
		return r;
	if ((r = ipc_load_want_decode(m.body, &l->want)) == 0 &&
	    (r = open_wanted(l)) == 0)
		r = chan_send(l->judge, &l->out, l->fds, l->n_fds);
	return r == 0 ? 0 : why_set(why, r, "judge: %s", err_text(r));
}

static int
take_done(struct loading *l, struct load_result *out, struct diag *diag,
    struct why *why)
{
	struct chan_msg m;
	int r = receive(l, IPC_LOAD_DONE, &m, 1, why);

	if (r != 0)
		return r;
	r = ipc_load_done_decode(m.body, &out->done, diag);
	if (r == 0 && out->done.ok != (m.n_fds == 1))
		r = ERR_MALFORMED;
	if (r != 0) {
		out->done.ok = false;
		chan_close_fds(&m);
		return why_set(why, r, "judge: %s", err_text(r));
	}
	out->policy = m.n_fds == 1 ? m.fds[0] : -1;
	for (size_t i = 0; i < out->done.n; i++)
		out->carried |= out->done.authority[i].crl_carried;
	return 0;
}

static int
open_folder(struct loading *l, const char *trust, struct why *why)
{
	const char *slash = strrchr(trust, '/');
	size_t n = slash != NULL ? (size_t)(slash - trust) : 0;

	if (slash == NULL || n >= sizeof(l->dir))
		return why_set(why, ERR_UNSAFE, "'%s' is not an absolute path",
		    trust);
	(void)snprintf(l->dir, sizeof(l->dir), "%.*s", (int)n, trust);
	if (n == 0)
		return why_set(why, ERR_UNSAFE, "%s: expected in a folder of "
		    "its own", trust);
	l->dirfd = path_open(l->dir, PATH_DIR, why);
	return l->dirfd >= 0 ? 0 : l->dirfd;
}

static struct loading *
new_loading(int judge, int ms, struct load_result *result)
{
	struct loading *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return NULL;
	l->judge = judge;
	l->ms = ms;
	l->result = result;
	l->dirfd = -1;
	buf_init(&l->in, CHAN_MSG_MAX);
	buf_init(&l->out, CHAN_MSG_MAX);
	return l;
}

static void
free_loading(struct loading *l)
{
	for (size_t i = 0; i < l->n_fds; i++)
		(void)close(l->fds[i]);
	if (l->dirfd >= 0)
		(void)close(l->dirfd);
	buf_free(&l->in);
	buf_free(&l->out);
	free(l);
}

int
load_run(int judge, const struct load_from *from, int ms,
    struct load_result *out, struct diag *diag, struct why *why)
{
	struct loading *l = new_loading(judge, ms, out);
	int r;

	if (l == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	l->from = from;
	*out = (struct load_result){ .policy = -1, .keepable = true,
	    .began = (int64_t)time(NULL) };
	if ((r = open_folder(l, from->trust, why)) == 0 &&
	    (r = send_begin(l, why)) == 0 &&
	    (r = answer_want(l, why)) == 0)
		r = take_done(l, out, diag, why);
	free_loading(l);
	return r;
}

int
load_give(int judge, const char *trust, int ms, struct why *why)
{
	struct load_result *unused = calloc(1, sizeof(*unused));
	struct loading *l = new_loading(judge, ms, unused);
	int r = ERR_NOMEM;

	if (unused == NULL || l == NULL)
		(void)why_set(why, r, "out of memory");
	else if ((r = open_folder(l, trust, why)) == 0)
		r = answer_want(l, why);
	if (l != NULL)
		free_loading(l);
	free(unused);
	return r;
}

bool
load_look(const struct ipc_source *s, struct path_state *now)
{
	int fd = path_open(s->path, s->flags, NULL);
	bool written = fd >= 0 && path_is_written(fd);

	path_state_of(fd, s->path, now);
	if (fd >= 0)
		(void)close(fd);
	return written;
}

static int
source_settled(const struct ipc_source *s, struct why *why)
{
	struct path_state now;

	if (load_look(s, &now))
		return why_set(why, ERR_AGAIN, "%.400s is open for writing; it "
		    "counts when it is closed", s->path);
	if (!path_state_eq(&now, &s->state))
		return why_set(why, ERR_AGAIN, "%.400s was changed while it "
		    "was loaded", s->path);
	return 0;
}

int
load_settled(const struct ipc_sources *sources, struct why *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < sources->n; i++)
		r = source_settled(&sources->source[i], why);
	return r;
}

bool
load_only_crls(struct ipc_sources *sources)
{
	struct why why;

	for (size_t i = 0; i < sources->n; i++)
		if (!sources->source[i].crl &&
		    source_settled(&sources->source[i], &why) != 0)
			return false;
	for (size_t i = 0; i < sources->n; i++)
		if (source_settled(&sources->source[i], &why) != 0)
			/* what nothing is */
			sources->source[i].state =
			    (struct path_state){ .opened = true };
	return true;
}
