/*
 * One call of the module: who calls, with which options; and how it talks to
 * the person and to the log.  All texts are made printable.
 */
#ifndef PAM_VISIT_H
#define PAM_VISIT_H

#include <security/pam_modules.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"
#include "door/doorconf.h"
#include "proto/ipc.h"

struct visit {
	pam_handle_t *h;
	bool silent;			/* PAM_SILENT: ask, but do not tell */
	struct doorconf o;
	char service[IPC_ACCOUNT_MAX];
	char user[IPC_ACCOUNT_MAX];	/* PAM_USER, "" = not known yet */
	bool remote;			/* PAM_RHOST names another host */
	bool looked_up;			/* by visit_look_up(): */
	bool exists;			/* user does, */
	char known_as[IPC_ACCOUNT_MAX];	/* under this name, */
	uid_t uid;			/* with this uid */
	uint32_t uid_min, uid_max;	/* of ordinary accounts */
	uid_t caller;			/* real uid on whose behalf we run: that
					 * of PAM_RUSER where root asks for
					 * somebody (sudo), else our own */
};

/* Read options and items.  PAM_SUCCESS, or the code to return: then what is
 * wrong was logged, and visit_end is still due. */
int visit_begin(struct visit *v, pam_handle_t *h, int flags, int argc,
    const char **argv);
void visit_end(struct visit *v);

/* One line of the log.  level is syslog's; LOG_DEBUG only with `debug`. */
void visit_log(const struct visit *v, int level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* A line for the person; error tells which kind. */
void visit_tell(const struct visit *v, bool error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* That it is not the person's mistake; the log has the reason. */
void visit_not_set_up(const struct visit *v, const char *reason);

/* Ask with echo off or on.  PAM_SUCCESS and an answer for visit_forget(), in
 * locked memory where the system lets us; or the conversation's code. */
int visit_ask(const struct visit *v, bool secret, char **answer,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void visit_forget(char *answer);	/* wipes; accepts NULL */

/* Look up PAM_USER and the limits of uids ahead of visit_account(), while
 * nobody waits for us. */
void visit_look_up(struct visit *v);

/* May this account be reached at all?  Looked up under exactly this name and
 * held to the uid rule.  0 and *uid, or ERR_REFUSED with why for the log. */
int visit_account(const struct visit *v, const char *name, bool captured,
    uid_t *uid, struct why *why);

#endif
