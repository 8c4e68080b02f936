#include "judge/files.h"

#include <stdio.h>
#include <string.h>

#include "base/path.h"
#include "proto/chan.h"
#include "x509/slice.h"

#define WAIT_MS 60000
#define TOTAL_MAX (256u << 20)		/* bytes of all files together */

/* A CRL in PEM is a third longer than in DER. */
_Static_assert(IPC_LOAD_FILE_MAX >= SLICE_CRL_MAX / 3 * 4 + 65536,
    "the largest CRL must fit into a file");

int
files_want(struct files *f, const char *path, bool crl)
{
	struct ipc_load_want *w = &f->want;

	for (size_t i = 0; i < w->n; i++)
		if (strcmp(w->path[i], path) == 0) {
			w->crl[i] = w->crl[i] && crl;
			return 0;
		}
	if (w->n == IPC_LOAD_FILES_MAX)
		return ERR_TOOBIG;
	(void)snprintf(w->path[w->n], sizeof(w->path[0]), "%s", path);
	w->crl[w->n++] = crl;
	return 0;
}

/* One file's contents, or why there are none. */
static void
take_file(struct files *f, size_t i, int fd)
{
	struct trust_file *t = &f->file[i];
	size_t left = TOTAL_MAX - f->total;
	size_t max = left < IPC_LOAD_FILE_MAX ? left : IPC_LOAD_FILE_MAX;

	*t = (struct trust_file){ .path = f->want.path[i] };
	if (fd < 0) {
		t->error = f->got.file[i].error;
		return;
	}
	buf_init(&f->bytes[i], max + 1);
	if (path_read(fd, max, &f->bytes[i], &f->why[i]) != 0) {
		t->error = f->why[i].text;
		return;
	}
	f->total += f->bytes[i].len;
	t->bytes = rd_rest(&(struct rd){ .p = f->bytes[i].data != NULL ?
	    f->bytes[i].data : (const uint8_t *)"", .n = f->bytes[i].len });
}

static int
take_files(struct files *f, int channel, struct buf *in)
{
	struct chan_msg m;
	size_t opened = 0, next = 0;
	int r = chan_recv_timeout(channel, in, &m, IPC_LOAD_FILES_MAX,
	    WAIT_MS);

	if (r != 0)
		return r;
	if (m.type != IPC_LOAD_FILES)
		r = ERR_TYPE;
	else
		r = ipc_load_files_decode(m.body, &f->got);
	for (size_t i = 0; r == 0 && i < f->got.n; i++)
		opened += f->got.file[i].opened;
	if (r == 0 && (f->got.n != f->want.n || opened != m.n_fds))
		r = ERR_MALFORMED;
	for (size_t i = 0; r == 0 && i < f->got.n; i++)
		take_file(f, i, f->got.file[i].opened ? m.fds[next++] : -1);
	chan_close_fds(&m);
	return r;
}

int
files_ask(struct files *f, int channel, struct buf *in, struct buf *out)
{
	int r;

	if ((r = ipc_load_want_encode(out, &f->want)) != 0 ||
	    (r = chan_send(channel, out, NULL, 0)) != 0)
		return r;
	return take_files(f, channel, in);
}

void
files_free(struct files *f)
{
	for (size_t i = 0; i < IPC_LOAD_FILES_MAX; i++)
		buf_free(&f->bytes[i]);
}
