/*
 * certlogin-judge, started as its callers start it, for unit tests of what it
 * answers; run in the folder of the build.
 */
#ifndef UNIT_HELPED_H
#define UNIT_HELPED_H

#include <sys/types.h>

#include "base/buf.h"

struct helped {
	pid_t pid;
	int channel;
	struct buf in, out;		/* for messages, empty */
};

/* With this job, and n descriptors from HELPER_FD on, which stay open here. */
void helped_start(struct helped *h, const char *job, const int *fds,
    size_t n);

/* The status that it ends with by itself once its channel is closed. */
int helped_end(struct helped *h);

/* Put a file that it may ask for into a folder. */
void helped_write(const char *folder, const char *name, const void *text,
    size_t n);

#endif
