/*
 * Printing certlogind's answer on stdout while it arrives: as text, or as a
 * JSON array with an object for each record.
 */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include <stdbool.h>

#include "proto/ctlmsg.h"

struct print {
	bool json;
	bool begun;		/* a record was printed */
};

/* ctx is a struct print; a ctlcall_fn.  ERR_MALFORMED for a value in front
 * of the first record. */
int print_item(void *ctx, const struct ctlmsg_item *item);
/* The same, of a record's name, or of a value: text, or number, which is also
 * a time. */
void print_put(struct print *p, enum ctlmsg_kind kind, const char *name,
    const char *text, int64_t number);
/* The whole answer was printed. */
void print_end(struct print *p);

/* RFC 3339 in UTC, "" for 0 and for what is no time. */
#define PRINT_TIME_MAX 32
char *print_time(char dst[PRINT_TIME_MAX], int64_t t);

#endif
