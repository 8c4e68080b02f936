/*
 * What expires: once a day and after each load in the log, and in status.
 */
#ifndef DAEMON_EXPIRY_H
#define DAEMON_EXPIRY_H

#include "daemon/daemon.h"

/* the host certificate; of each authority anchors, CRL, and what is wrong
 * with one; rules */
#define EXPIRY_MAX (1 + 3 * IPC_LOAD_AUTHORITIES_MAX + IPC_LOAD_ENDING_MAX)

struct expiry {
	bool problem;		/* has expired or is not usable; else soon */
	const char *what;	/* "anchor of authority" */
	const char *name;	/* of the file or authority */
	uint32_t line;		/* of the file, for a rule; else 0 */
	int64_t when;		/* 0 = nothing that expires */
	const char *why;	/* a problem's */
	const char *remedy;
};

/* Of what is in force: their number in item[]; the texts are the setup's. */
size_t expiry_list(const struct daemon *d, int64_t now,
    struct expiry item[EXPIRY_MAX]);

/* Log them, but for rules: those end as it was meant. */
void expiry_warn(const struct daemon *d);

#endif
