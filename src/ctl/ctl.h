/*
 * What the command line of certloginctl said, and its commands: one row of the
 * table in main.c each.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>

/* Exit status. */
enum { EXIT_DONE, EXIT_PROBLEM, EXIT_USAGE, EXIT_COULD_NOT };

struct options {
	const char *conf, *run_dir;	/* run_dir NULL: found from conf */
	bool json;
	const char *identity, *account;	/* sessions, end */
	const char *message;		/* end */
	const char *argument;		/* of the command, or NULL */
};

/* Each returns an exit status, having said what is to be said. */
int ask_why(const struct options *o);
int ask_reload(const struct options *o);
int ask_status(const struct options *o);
int ask_sessions(const struct options *o);
int ask_end(const struct options *o);

#endif
