/*
 * What the command line of certlogin-ca said.
 */
#ifndef CA_OPTS_H
#define CA_OPTS_H

#include "base/cmdline.h"
#include "ca/mint.h"

#define OPTS_DIR "/var/lib/certlogin-ca"

struct opts {
	const char *dir, *passphrase_file, *p12_passphrase_file;
	const char *realm, *out, *days, *key_type, *serial, *cert, *id;
	const char *reason, *expiring;
	bool json, p12, revoked;
	struct mint_names names;
	char *const *arg;		/* behind the command */
};

#endif
