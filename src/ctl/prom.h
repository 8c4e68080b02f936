/*
 * certlogind's numbers in Prometheus' text format, version 0.0.4: one table
 * of families.
 */
#ifndef CTL_PROM_H
#define CTL_PROM_H

#include "base/buf.h"
#include "proto/ctlmsg.h"

#define PROM_MAX (1u << 20)	/* bytes of one answer's items */

struct prom {
	struct buf items;	/* buf_init(PROM_MAX); as they travel */
};

/* ctx is a struct prom; a ctlcall_fn that keeps the item. */
int prom_item(void *ctx, const struct ctlmsg_item *item);
/* All families that there is a number for, on stdout.  0, or a negative code
 * with nothing printed. */
int prom_print(const struct prom *p);

#endif
