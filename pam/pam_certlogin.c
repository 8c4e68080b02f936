/*
 * pam_certlogin.so: login, su, sudo and screen lockers by smart card or key
 * file.  It runs in somebody else's process, with the rights of that.
 *
 * It may: converse with the person, look up accounts, start certlogin-spawn.
 * It never sees: GnuTLS, a PKCS#11 driver, the inside of a certificate, a
 * private key; PAM_AUTHTOK is neither read nor set.
 *
 * Every result starts as a failure, and authenticate never returns
 * PAM_IGNORE.
 */
#include <security/pam_modules.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "pam/auth.h"

#define DATA "pam_certlogin"

#define EXPORT __attribute__((visibility("default")))

static void
drop(pam_handle_t *h, void *data, int status)
{
	(void)h;
	(void)status;
	known_free(data);
}

/* Who we authenticated, if PAM_USER still is that account; or NULL. */
static const struct known *
whom(pam_handle_t *h)
{
	const void *data = NULL, *user = NULL;
	const struct known *k;

	if (pam_get_data(h, DATA, &data) != PAM_SUCCESS || data == NULL ||
	    pam_get_item(h, PAM_USER, &user) != PAM_SUCCESS || user == NULL)
		return NULL;
	k = data;
	return strcmp(k->account, user) == 0 ? k : NULL;
}

static int
remember(struct visit *v, struct known *k)
{
	int r = v->user[0] != '\0' ? PAM_SUCCESS :
	    pam_set_item(v->h, PAM_USER, k->account);

	if (r == PAM_SUCCESS)
		r = pam_set_data(v->h, DATA, k, drop);
	if (r != PAM_SUCCESS)
		known_free(k);
	return r;
}

EXPORT int
pam_sm_authenticate(pam_handle_t *h, int flags, int argc, const char **argv)
{
	struct known *k;
	struct visit v;
	int r = visit_begin(&v, h, flags, argc, argv);

	/* what an earlier call found is over */
	(void)pam_set_data(h, DATA, NULL, NULL);
	if (r == PAM_SUCCESS && (r = auth_run(&v, &k)) == PAM_SUCCESS)
		r = remember(&v, k);
	visit_log(&v, LOG_DEBUG, "authenticate: %s", pam_strerror(h, r));
	visit_end(&v);
	return r == PAM_IGNORE ? PAM_AUTH_ERR : r;
}

EXPORT int
pam_sm_setcred(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)h;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

/* Somebody whom we did not let in is not our business, and a mistake in our
 * configuration locks nobody else out. */
EXPORT int
pam_sm_acct_mgmt(pam_handle_t *h, int flags, int argc, const char **argv)
{
	const struct known *k = whom(h);
	struct visit v;
	int r;

	if (k == NULL)
		return PAM_IGNORE;
	if ((r = visit_begin(&v, h, flags, argc, argv)) == PAM_SUCCESS)
		r = auth_recheck(&v, k);
	visit_log(&v, LOG_DEBUG, "account: %s", pam_strerror(h, r));
	visit_end(&v);
	return r;
}

static int
put(pam_handle_t *h, const char *name, const char *value)
{
	char line[IPC_TEXT_MAX + 64];

	(void)snprintf(line, sizeof(line), "%s=%s", name, value);
	return pam_putenv(h, line);
}

/* The identity of whoever was authenticated, as certlogind has it; with sudo
 * that is who called it, while PAM_USER is the target. */
EXPORT int
pam_sm_open_session(pam_handle_t *h, int flags, int argc, const char **argv)
{
	const void *data = NULL;
	const struct known *k;
	int r;

	(void)flags;
	(void)argc;
	(void)argv;
	if (pam_get_data(h, DATA, &data) != PAM_SUCCESS || data == NULL)
		return PAM_SUCCESS;
	k = data;
	r = put(h, "CERTLOGIN_IDENTITY", k->identity);
	if (r == PAM_SUCCESS)
		r = put(h, "CERTLOGIN_ISSUER", k->issuer);
	if (r == PAM_SUCCESS)
		r = put(h, "CERTLOGIN_SERIAL", k->serial);
	return r == PAM_SUCCESS ? r : PAM_SESSION_ERR;
}

EXPORT int
pam_sm_close_session(pam_handle_t *h, int flags, int argc, const char **argv)
{
	(void)h;
	(void)flags;
	(void)argc;
	(void)argv;
	return PAM_SUCCESS;
}

EXPORT int
pam_sm_chauthtok(pam_handle_t *h, int flags, int argc, const char **argv)
{
	struct visit v = { .h = h, .silent = ((unsigned)flags & PAM_SILENT) != 0 };

	(void)argc;
	(void)argv;
	if (((unsigned)flags & PAM_PRELIM_CHECK) != 0)
		visit_tell(&v, true, "There is no password to change: this "
		    "login goes by a certificate.");
	return PAM_PERM_DENIED;
}
