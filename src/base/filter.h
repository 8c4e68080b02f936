/*
 * A program for seccomp(2), made from rules: what a system call is answered
 * by, for the machine's own numbers.  A call by another machine's numbers
 * (32 bits, x32) ends the process.  The first rule that fits counts.
 *
 * Part of libsandbox.a.  libseccomp would make the same (the unit test
 * compares both), but takes longer than all else that a helper does at start.
 */
#ifndef BASE_FILTER_H
#define BASE_FILTER_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FILTER_MAX 512		/* instructions */

struct filter {
	struct sock_filter code[FILTER_MAX];
	size_t n;
	bool full;		/* there were more */
};

/* Actions are SECCOMP_RET_*; nr may be a negative SCMP_SYS(): a call that
 * this machine does not have. */
void filter_begin(struct filter *f);
void filter_call(struct filter *f, int nr, uint32_t action);
/* Only where argument arg (0 to 5) is value. */
void filter_equal(struct filter *f, int nr, int arg, uint64_t value,
    uint32_t action);
/* Only where argument arg has none of these bits. */
void filter_without(struct filter *f, int nr, int arg, uint32_t bits,
    uint32_t action);
/* Whatever no rule fits; 0 or ERR_TOOBIG. */
int filter_end(struct filter *f, uint32_t action);

#endif
