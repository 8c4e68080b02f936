/*
 * Who is on which terminal, for who(1), last(1) and lastlog(8).  Failures are
 * not fatal to a login: these files are missing on many systems.
 *
 * Whoever may read these files can hold a lock on them, for which the C library
 * waits up to 10 s each.  So a process of its own writes, and we wait for a
 * moment only.
 */
#ifndef SESSION_RECORDS_H
#define SESSION_RECORDS_H

#include <sys/types.h>

#include "session/account.h"

struct records {
	char line[32];		/* pts/3; "" = nothing recorded */
	pid_t pid;
	int writing;		/* ends when the login is written; -1: is */
};

/* tty is the slave's path; address is 4 or 16 bytes, host its text. */
void records_login(struct records *r, const char *tty, pid_t pid,
    const struct account *a, const char *host, struct span address);
void records_logout(struct records *r);

#endif
