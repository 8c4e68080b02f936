/*
 * certlogind.conf(5), section [daemon]: one table.
 */
#ifndef PROTO_CONF_H
#define PROTO_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/diag.h"
#include "base/ini.h"
#include "proto/ipc.h"

#define CONF_LISTEN_MAX 16
#define CONF_GROUPS_MAX 16
#define CONF_PORT 4622

struct conf_address {
	struct sockaddr_storage addr;
	socklen_t len;
	char text[80];
};

struct conf {
	size_t n_listen;
	struct conf_address listen[CONF_LISTEN_MAX];
	char *certificate, *key;	/* key: file or pkcs11: URI */
	char *key_module, *key_pin_file;
	char *trust, *map;
	char *pam_service, *pam_confdir;
	char *net_user, *judge_user, *key_user;
	char *helpers, *state_dir, *run_dir;
	char *control_group;		/* name or number; NULL: none */
	uint32_t login_grace_time;	/* seconds, PAM included */
	uint32_t review_grace_time;	/* seconds */
	uint32_t startups_start, startups_rate, startups_full;
	uint32_t max_per_source;	/* unauthenticated, IPv6 by /64 */
	uint32_t max_sessions;
	uint32_t spares;
	size_t n_privileged;
	char privileged[IPC_PRIVILEGED_MAX][IPC_ACCOUNT_MAX];
	size_t n_hostkey_groups;
	char hostkey_groups[CONF_GROUPS_MAX][64];
	bool hostkey_network;
	int log_level;			/* enum log_level */
};

/* The rows, for the test that walks them against the manual. */
extern const struct ini_key conf_keys[];

/* Read path and then the "KEY=VALUE" settings.  Defaults are filled in.  All
 * problems are in diag; 0 if there was no error.  conf_free either way. */
int conf_load(struct conf *c, const char *path, const char *const *settings,
    size_t n_settings, struct diag *diag);
void conf_free(struct conf *c);

#endif
