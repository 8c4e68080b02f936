/*
 * Who is on which terminal, for who(1), last(1) and lastlog(8).  Failures are
 * not fatal to a login: these files are missing on many systems.
 */
#ifndef SESSION_RECORDS_H
#define SESSION_RECORDS_H

#include <sys/types.h>

#include "session/account.h"

struct records {
	char line[32];		/* pts/3; "" = nothing recorded */
	pid_t pid;
};

/* tty is the slave's path; address is 4 or 16 bytes, host its text. */
void records_login(struct records *r, const char *tty, pid_t pid,
    const struct account *a, const char *host, struct span address);
void records_logout(struct records *r);

#endif
