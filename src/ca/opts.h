/*
 * The command line: options may stand before and behind the subcommand, each
 * subcommand takes only its own.
 */
#ifndef CA_OPTS_H
#define CA_OPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "ca/mint.h"

#define OPTS_ARGS_MAX 3
#define OPTS_DIR "/var/lib/certlogin-ca"

/* exit status of the program */
enum { OPTS_DONE, OPTS_PROBLEM, OPTS_USAGE, OPTS_COULD_NOT };

/* Beside --dir, --passphrase-file and --json, which all take. */
enum opts_bit {
	OPTS_REALM = 1 << 0, OPTS_OUT = 1 << 1, OPTS_NAMES = 1 << 2,
	OPTS_DAYS = 1 << 3, OPTS_KEY_TYPE = 1 << 4, OPTS_P12 = 1 << 5,
	OPTS_SERIAL = 1 << 6, OPTS_CERT = 1 << 7, OPTS_ID = 1 << 8,
	OPTS_REASON = 1 << 9, OPTS_EXPIRING = 1 << 10, OPTS_REVOKED = 1 << 11,
};

struct opts {
	const char *dir, *passphrase_file, *p12_passphrase_file;
	const char *realm, *out, *days, *key_type, *serial, *cert, *id;
	const char *reason, *expiring;
	bool json, p12, revoked, help, version;
	struct mint_names names;
	const char *arg[OPTS_ARGS_MAX + 1];	/* subcommand first */
	size_t n_arg;
	unsigned given;			/* opts_bits */
};

/* 0, or ERR_MALFORMED with why. */
int opts_parse(struct opts *o, int argc, char **argv, struct why *why);

/* Print the reason on stderr; the exit status that fits r. */
int opts_fail(int r, const struct why *why);

#endif
