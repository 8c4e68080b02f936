/*
 * The last refusals, in memory: what `certloginctl why NUMBER` shows.
 */
#ifndef DAEMON_WHY_H
#define DAEMON_WHY_H

#include <stdint.h>

#include "proto/ipc.h"

#define WHY_KEPT 4096
#define WHY_STRANGERS_KEPT 1024

struct why_entry {
	uint64_t reference;
	int64_t when;
	char address[64];
	char account[64];		/* asked for, cut and escaped */
	char detail[512];
};

struct why_log;

struct why_log *why_log_new(void);
void why_log_free(struct why_log *w);
/* Strangers, who showed no certificate and key, are kept apart: they can be
 * as many as they like. */
void why_log_add(struct why_log *w, uint64_t reference, const char *address,
    bool stranger, const struct ipc_ses_refused *f);
/* NULL if it is not kept (any more). */
const struct why_entry *why_log_find(const struct why_log *w,
    uint64_t reference);

#endif
