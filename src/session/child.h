/*
 * The user's processes of one connection: a pty or three pipes, a fork that
 * drops to the account and executes certlogin-start, and what is left of them
 * at the end.  What the person asked for passes through here as opaque bytes.
 */
#ifndef SESSION_CHILD_H
#define SESSION_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "proto/ipc.h"
#include "session/account.h"
#include "session/records.h"

#define CHILD_MAX 10		/* processes started in one connection */

struct child {
	bool used;
	uint32_t channel;
	pid_t pid;
	int master;		/* for the window size; -1 without a pty */
	struct records records;
};

/* Who they run as and what they are told. */
struct child_context {
	int start_exe;			/* certlogin-start */
	const struct account *account;
	const struct ipc_verdict *verdict;
	char *const *env;		/* PAM's, NULL-terminated */
	const char *from;		/* "192.0.2.1 40022" */
	const char *host;		/* address alone, for utmp */
	struct span address;		/* 4 or 16 bytes */
};

/* Start one.  On success fds (closed by the caller after passing them on)
 * holds 1 (pty master) or 3 (stdin to write, stdout and stderr to read)
 * descriptors and *n their number. */
int child_start(struct child *c, const struct child_context *x,
    const struct ipc_start *s, int fds[3], size_t *n, struct why *why);

/* New window size; nothing without a pty. */
void child_resize(const struct child *c, const struct ipc_window *w);

/* Send a signal to the process group with the account's rights. */
void child_signal(const struct child *c, const struct account *a,
    int number);

/* The peer is gone: close the pty and hang up what still runs. */
void child_hang_up(struct child *c, const struct account *a);

/* Forget a process that was waited for: logout record, pty. */
void child_done(struct child *c);

/* End every descendant, setsid or not; we are their subreaper.  Bounded to
 * some seconds; false when some may be left then. */
bool child_kill_all(void);

#endif
