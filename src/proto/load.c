#include "proto/load.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/path.h"
#include "proto/chan.h"

struct loading {
	int judge, ms;
	struct buf in, out;
	char dir[PATH_MAX];		/* trust.conf's folder */
	int dirfd;
	struct ipc_sources *sources;
	struct ipc_load_want want;
	struct ipc_load_files files;
	int fds[IPC_LOAD_FILES_MAX];
	size_t n_fds;
};

/* Note what fd, the outcome of opening path, is; before it is read. */
static int
note(struct loading *l, const char *path, int flags, int fd, struct why *why)
{
	if (ipc_sources_add(l->sources, path, flags, fd) == 0)
		return fd;
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
	fd = memfile_make("map", "", 0);
	return fd >= 0 ? fd : why_set(why, fd, "empty map");
}

static int
send_begin(struct loading *l, const char *trust, const char *map,
    struct ipc_load_begin *begin, struct why *why)
{
	int fds[2] = { -1, -1 }, r;

	(void)snprintf(begin->trust, sizeof(begin->trust), "%s", trust);
	(void)snprintf(begin->map, sizeof(begin->map), "%s",
	    map != NULL ? map : "(no map)");
	/* both are tried, so that both are known where one is not there */
	fds[0] = open_text(l, trust, why);
	fds[1] = open_text(l, map, fds[0] >= 0 ? why : NULL);
	r = fds[0] < 0 ? fds[0] : fds[1];
	if (r >= 0) {
		if ((r = ipc_load_begin_encode(&l->out, begin)) != 0 ||
		    (r = chan_send(l->judge, &l->out, fds, 2)) != 0)
			(void)why_set(why, r, "judge: %s", err_text(r));
	}
	for (int i = 0; i < 2; i++)
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
	struct why why;

	l->files.n = l->want.n;
	for (size_t i = 0; i < l->want.n; i++) {
		int fd = path_open_below(l->dirfd, l->dir, l->want.path[i],
		    PATH_PUBLIC, &why);

		(void)snprintf(path, sizeof(path), "%s/%s", l->dir,
		    l->want.path[i]);
		fd = note(l, path, PATH_PUBLIC, fd, &why);
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

int
load_run(int judge, const char *trust, const char *map,
    struct ipc_load_begin *begin, int ms, struct load_result *out,
    struct diag *diag, struct why *why)
{
	struct loading *l = calloc(1, sizeof(*l));
	int r;

	if (l == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	l->judge = judge;
	l->ms = ms;
	l->sources = &out->sources;
	l->dirfd = -1;
	buf_init(&l->in, CHAN_MSG_MAX);
	buf_init(&l->out, CHAN_MSG_MAX);
	*out = (struct load_result){ .policy = -1 };
	if ((r = open_folder(l, trust, why)) == 0 &&
	    (r = send_begin(l, trust, map, begin, why)) >= 0 &&
	    (r = answer_want(l, why)) == 0)
		r = take_done(l, out, diag, why);
	for (size_t i = 0; i < l->n_fds; i++)
		(void)close(l->fds[i]);
	if (l->dirfd >= 0)
		(void)close(l->dirfd);
	buf_free(&l->in);
	buf_free(&l->out);
	free(l);
	return r;
}
