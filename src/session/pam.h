/*
 * The PAM side of a login: service `certlogind`, phases account, setcred and
 * session.  Not authenticate: the certificate was the authentication.
 */
#ifndef SESSION_PAM_H
#define SESSION_PAM_H

#include "base/err.h"
#include "proto/ipc.h"
#include "session/account.h"

struct pam;

/* pam_start with no user yet, so that a warm session has loaded the modules.
 * Returns NULL with why. */
struct pam *pam_warm(const struct ipc_settings *set, struct why *why);

/* account, setcred, open_session for a.  After each phase PAM_USER must still
 * be a's name.  ERR_REFUSED with the full story in why otherwise. */
int pam_begin(struct pam *p, const struct account *a, const char *rhost,
    struct why *why);

/* Texts that modules had for the person so far, "" if none. */
const char *pam_banner(const struct pam *p);

/* PAM's environment: NULL-terminated array of NAME=VALUE, owned by p. */
char *const *pam_environment(struct pam *p);

/* close_session, delete credentials, pam_end: what was begun.  NULL is ok. */
void pam_finish(struct pam *p);

#endif
