/*
 * A policy of texts, for unit tests of judges.
 */
#ifndef UNIT_MADE_H
#define UNIT_MADE_H

#include "judge/policy.h"

/* The descriptor that the job `load` would send. */
int made_policy(uint64_t number, const char *conf,
    const struct trust_file *files, size_t n_files, const char *map,
    const char *locks);

/* The same, read: a copy of its bytes in b (empty before), of which p is. */
void made_read(struct policy *p, struct buf *b, int fd);

#endif
