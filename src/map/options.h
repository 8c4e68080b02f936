/*
 * What the command line of certlogin-map said, and its subcommands: one file
 * and one row of the table in main.c each.
 */
#ifndef MAP_OPTIONS_H
#define MAP_OPTIONS_H

#include "base/cmdline.h"

struct options {
	const char *map, *trust;	/* absolute */
	const char *state;		/* folder of locks and CRLs seen */
	bool json;
	const char *argument;		/* behind the command; NULL = none */
	unsigned line;			/* remove --line; 0 = not given */
	const char *expect;		/* remove --expect */
	const char *cert;		/* test, verify */
	const char *account, *from, *service, *privileged;	/* test */
	const char *identity, *authority;	/* list */
	const char *at;
	bool token;			/* test: the cards, not a file */
	const char *module, *conf, *pin_file;	/* test --token */
	const char *skip, *host;	/* verify */
	bool server;
	bool strict;			/* check: warnings count */
	bool dry_run, yes;		/* add, remove, edit */
	const char *from_cert;		/* add */
	bool from_token;
	const char *label, *id;		/* add --from-token */
	const char *run_dir;		/* of certlogind, NULL = any */
};

/* Each returns an exit status, having said what is to be said. */
int add_run(const struct options *o);
int remove_run(const struct options *o);
int edit_run(const struct options *o);
int list_run(const struct options *o);
int who_run(const struct options *o);
int test_run(const struct options *o);
int verify_run(const struct options *o);
int check_run(const struct options *o);

#endif
