/*
 * pam_certlogin.conf(5), section [pam], and the arguments of a PAM line: one table.
 */
#ifndef DOOR_DOORCONF_H
#define DOOR_DOORCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/ini.h"
#include "cred/p11msg.h"
#include "proto/ipc.h"

#define DOORCONF_FILE SYSCONF_DIR "/pam.conf"
#define DOORCONF_SOURCES_MAX 2

enum doorconf_source { DOORCONF_TOKEN, DOORCONF_KEYFILE };

struct doorconf {
	size_t n_sources;
	enum doorconf_source source[DOORCONF_SOURCES_MAX];	/* in order */
	char *module;			/* PKCS#11 driver, absolute path */
	size_t n_env;
	char *env[P11_ENV_MAX];		/* NAME=VALUE, owned */
	char *uri;			/* "" = any token */
	char *file;			/* with %u and %h; NULL = none */
	uint32_t wait;			/* seconds for a card to come */
	uint32_t timeout;		/* seconds for a helper to answer */
	int remote;			/* 0 deny, 1 allow */
	char *p11_user, *judge_user;
	char *map, *trust, *state_dir;
	bool debug;
	size_t n_privileged;
	char privileged[IPC_PRIVILEGED_MAX][IPC_ACCOUNT_MAX];
};

/* The rows, for the test that walks them against the manual. */
extern const struct ini_key doorconf_keys[];

/* Read the file named by conf=PATH, else DOORCONF_FILE if it is there, then
 * the arguments; fill in defaults; check that sources have what they need.
 * All problems are in diag; 0 if there was no error.  doorconf_free either
 * way. */
int doorconf_load(struct doorconf *o, int argc, const char **argv,
    struct diag *diag);
void doorconf_free(struct doorconf *o);

#endif
