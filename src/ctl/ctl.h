/*
 * What the command line of certloginctl said, and its commands: one row of the
 * table in main.c each.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/cmdline.h"

struct options {
	const char *conf, *run_dir;	/* run_dir NULL: found from conf */
	bool json;
	const char *identity, *account;	/* sessions, end */
	const char *message;		/* end */
	bool metrics;			/* status */
	const char *cert, *until;	/* lock, unlock */
	const char *trust, *state_dir;	/* NULL: as conf says */
	unsigned seconds;		/* fetch-crls */
	const char *argument, *second;	/* of the command, or NULL */
	char *const *arguments;		/* all of them */
	size_t n_arguments;
};

/* Each returns an exit status, having said what is to be said. */
int ask_why(const struct options *o);
int ask_reload(const struct options *o);
int ask_status(const struct options *o);
int ask_sessions(const struct options *o);
int ask_end(const struct options *o);
int ask_restart(const struct options *o);
int accept_run(const struct options *o);
int fetch_run(const struct options *o);
int lock_run(const struct options *o);
int unlock_run(const struct options *o);
int locks_run(const struct options *o);

/* Have the certlogind of run_dir load trust, map, CRLs and locks afresh, and
 * wait for the end of it.  EXIT_DONE: what was loaded is in force, a CRL may
 * have a problem all the same.  Else an exit status, having said what went
 * wrong, or ASK_NOBODY where none answers there. */
#define ASK_NOBODY (-1)
struct ask_loaded {
	const char *authority;		/* asked about, or NULL */
	bool carried;			/* a CRL of it of before stays in force */
	bool in_force;			/* what was loaded */
	bool about;			/* (the record that is read is of it) */
	char note[2048];		/* problems of all, or "" */
};
int ask_policy_at(const char *run_dir, struct ask_loaded *out);

#endif
