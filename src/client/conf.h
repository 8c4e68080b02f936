/*
 * The client's settings: certlogin.conf(5) and -o share one table.
 */
#ifndef CLIENT_CONF_H
#define CLIENT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/err.h"
#include "base/ini.h"

#define CONF_PORT 4622
#define CONF_TIMEOUT 30		/* seconds for connection and handshake */
#define CONF_ENV_MAX 16		/* module-env, send-env */
#define CONF_PKCS11 "pkcs11:"	/* how an identity on a token begins */

enum conf_terminal { CONF_TTY_AUTO, CONF_TTY_NO, CONF_TTY_YES,
    CONF_TTY_FORCE };
enum conf_family { CONF_ANY, CONF_INET, CONF_INET6 };

struct conf {
	const char *home;	/* the caller's, resolved; for ~ */
	const char *base;	/* what relative paths are relative to now */
	uint32_t port;
	char *account;
	char *identity;		/* absolute certificate, or pkcs11: URI */
	char *key;		/* absolute, or NULL: beside the certificate */
	char *ca;
	char *crl;		/* "none": do not look for one */
	char *trust;		/* trust.conf; NULL: the usual one */
	char *module;
	char *module_env[CONF_ENV_MAX];
	size_t n_module_env;
	char *send_env[CONF_ENV_MAX];	/* NAME, or PREFIX* */
	size_t n_send_env;
	char *pin_file, *passphrase_file;
	bool batchmode;
	bool no_input;
	bool verbose, quiet;
	uint32_t timeout;	/* seconds */
	uint32_t alive_interval;	/* seconds, 0 = never asked */
	uint32_t alive_count;
	int terminal;		/* enum conf_terminal */
	int family;		/* enum conf_family */
};

extern const struct ini_key conf_keys[];

/* Defaults; home and base stay the caller's and must outlive c. */
void conf_init(struct conf *c, const char *home, const char *base);
void conf_free(struct conf *c);

/* Read a file by the rules of path.h; paths in it are relative to its folder.
 * 0, ERR_NOTFOUND when there is none, or another code; problems with the
 * contents are in diag. */
int conf_file(struct conf *c, const char *path, struct diag *diag,
    struct why *why);

/*
 * One -o: KEY=VALUE or KEY VALUE, of the table or of ssh_config(5).  A
 * setting of ssh's that makes no difference here is accepted; one that would
 * weaken security or that we cannot honour is an error.
 */
int conf_option(struct conf *c, const char *option, struct diag *diag);

/* An absolute path: ~ is home, else relative to base.  NULL: no memory. */
char *conf_path(const struct conf *c, const char *path);

#endif
