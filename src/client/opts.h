/*
 * The client's command line: ssh's letters, so that rsync, git, scp, sftp and
 * ansible can use it.
 */
#ifndef CLIENT_OPTS_H
#define CLIENT_OPTS_H

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

#include "client/conf.h"

enum opts_kind {
	OPTS_RUN,
	OPTS_SHOW,	/* -G: print the settings */
	OPTS_HELP,
	OPTS_VERSION,
};

struct opts {
	enum opts_kind kind;
	struct conf conf;
	char home[PATH_MAX], cwd[PATH_MAX];
	char *host;		/* name or address, without brackets */
	char *command;		/* words joined by blanks; NULL: a shell */
	bool subsystem;		/* command is a subsystem's name */
};

/*
 * Read the command line and, unless it says otherwise, the configuration
 * files.  0, or a negative code with why or diag filled; o is to be freed
 * either way.
 */
int opts_get(struct opts *o, int argc, char **argv, struct diag *diag,
    struct why *why);
void opts_free(struct opts *o);

void opts_usage(FILE *f);
/* What -G prints: `key value`, a line each. */
void opts_show(const struct opts *o, FILE *f);

#endif
