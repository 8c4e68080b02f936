/*
 * What is in force: configuration, policy and host key.  Each part is loaded
 * beside, validated, and then put in force; on any problem the old one stays.
 */
#ifndef DAEMON_SETUP_H
#define DAEMON_SETUP_H

#include "base/err.h"
#include "daemon/daemon.h"

enum setup_part {
	SETUP_CONF = 1,		/* certlogind.conf; with both others only */
	SETUP_KEY = 2,		/* host certificate and key */
	SETUP_POLICY = 4,	/* trust.conf, anchors, CRLs, map, locks */
	SETUP_ALL = 7,
	SETUP_PROCESS = 8,	/* the same host key in another process */
	SETUP_ANY_KEY = SETUP_KEY | SETUP_PROCESS,
};

#define SETUP_KEY_SECONDS 20	/* a TPM or HSM may be slow to open */

/* At start: load and wait.  0, or a negative code; problems were logged. */
int setup_first(struct daemon *d);

/* One without anything; NULL when out of memory. */
struct setup *setup_new(void);
void setup_free(struct setup *u);

/* Its configuration; findings are logged.  0, or a negative code with why. */
int setup_begin(struct daemon *d, struct setup *u, struct why *why);

/* Its hostkey process, which was started, is ready, and read whole files: as
 * hostkey_ready() and load_settled(). */
int setup_take_key(struct setup *u, int ms, struct why *why);

/* The one place where something new comes into force: these parts of u (taken
 * over), together with the others as they are.  loader is the channel to the
 * child that loaded the policy. */
void setup_in_force(struct daemon *d, struct setup *u, unsigned parts,
    int loader);

/* This part, one bit of SETUP_ALL, could not be loaded; "": it is as on the
 * disk. */
void setup_failed(struct daemon *d, unsigned part, const char *text);

/* What is wrong with what could not be loaded and still is not: dst, or "". */
const char *setup_last_error(const struct daemon *d, char *dst, size_t size);

#endif
