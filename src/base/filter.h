/*
 * A program for seccomp(2), made from rules: what a system call is answered
 * by where one of them fits, and where none does, for the machine's own
 * numbers.  A call by another machine's numbers (32 bits, x32) ends the
 * process.
 *
 * Part of libsandbox.a.  libseccomp would make the same (the unit test
 * compares both), but takes longer than all else that a helper does at start.
 * The kernel, too, runs the program for every number when it is loaded: so
 * the calls are a tree, not a list.
 */
#ifndef BASE_FILTER_H
#define BASE_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_MAX 512		/* instructions */
#define FILTER_CALLS_MAX 96	/* filter_call() */

struct filter {
	struct sock_filter code[FILTER_MAX];
	size_t n;
	uint32_t fits, otherwise;
	uint32_t call[FILTER_CALLS_MAX];
	size_t n_calls;
	bool full;		/* there were more */
};

/* Actions are SECCOMP_RET_*; nr may be a negative SCMP_SYS(): a call that
 * this machine does not have. */
void filter_begin(struct filter *f, uint32_t fits, uint32_t otherwise);
void filter_call(struct filter *f, int nr);
/* Only where argument arg (0 to 5) is value. */
void filter_equal(struct filter *f, int nr, int arg, uint64_t value);
/* Only where argument arg has none of these bits. */
void filter_without(struct filter *f, int nr, int arg, uint32_t bits);
/* f->code is complete: 0 or ERR_TOOBIG. */
int filter_end(struct filter *f);

#endif
