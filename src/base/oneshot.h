/*
 * A helper that a tool of the admin starts for one question: a child of its
 * own, which is gone when it was answered.
 */
#ifndef BASE_ONESHOT_H
#define BASE_ONESHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

struct oneshot_spec {
	const char *const *argv;	/* NULL-terminated; argv[0] is the name
					 * of a program in HELPER_DIR */
	const char *user;		/* that root becomes; for anybody else
					 * it stays who we are */
	bool or_nobody;			/* where that user was not made yet */
	bool locked;			/* in an empty folder, when root */
	int fd;				/* becomes HELPER_FD; -1: none */
};

struct oneshot {
	pid_t pid;
	int channel;			/* to its HELPER_CHANNEL */
};

/* 0, or negative with why. */
int oneshot_start(struct oneshot *o, const struct oneshot_spec *s,
    struct why *why);

/* It has answered or never will: kill it and wait for its end. */
void oneshot_end(struct oneshot *o);

#endif
