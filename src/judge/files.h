/*
 * The files that trust.conf names: the judge asks for them by their paths,
 * whoever started it opens them, and here they are read.
 */
#ifndef JUDGE_FILES_H
#define JUDGE_FILES_H

#include "proto/ipc.h"
#include "x509/trust.h"

/* All zero at first. */
struct files {
	struct ipc_load_want want;
	struct ipc_load_files got;
	struct buf bytes[IPC_LOAD_FILES_MAX];	/* of want.path[i] */
	struct why why[IPC_LOAD_FILES_MAX];
	size_t total;				/* bytes of all */
	/* for trust_load(), want.n of them, with views into bytes and why */
	struct trust_file file[IPC_LOAD_FILES_MAX];
};

/* One more path, unless it is there already, of a CRL or of something else;
 * ERR_TOOBIG when there are too many. */
int files_want(struct files *f, const char *path, bool crl);

/* LOAD_WANT and LOAD_FILES on channel.  What could not be opened or read is
 * in file[i].error, and is no failure here. */
int files_ask(struct files *f, int channel, struct buf *in, struct buf *out);

void files_free(struct files *f);

#endif
