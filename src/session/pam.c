#include "session/pam.h"

#include <grp.h>
#include <security/pam_appl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What PAM_TTY says when no terminal is known yet; modules such as
 * pam_access want it set. */
#define TTY_NAME "certlogin"

struct pam {
	pam_handle_t *h;
	int last;			/* last result, for pam_end */
	bool credentials, session;	/* what is to be undone */
	char banner[IPC_TEXT_MAX * 4];
	char **env;
};

/* Texts are kept for the person; questions cannot be answered before the
 * login is through, so they fail. */
static int
one_message(struct pam *p, const struct pam_message *m)
{
	size_t n = strlen(p->banner), room = sizeof(p->banner) - n - 1, len;

	if (m->msg_style != PAM_TEXT_INFO && m->msg_style != PAM_ERROR_MSG)
		return PAM_CONV_ERR;
	len = m->msg != NULL ? strlen(m->msg) : 0;
	/* with a line end, and nothing at all where the banner is full */
	if (len >= room)
		return PAM_SUCCESS;
	memcpy(p->banner + n, m->msg, len);
	if (len > 0 && m->msg[len - 1] != '\n')
		p->banner[n + len++] = '\n';
	p->banner[n + len] = '\0';
	return PAM_SUCCESS;
}

static int
converse(int n, const struct pam_message **msg, struct pam_response **resp,
    void *arg)
{
	struct pam_response *r;

	*resp = NULL;
	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	for (int i = 0; i < n; i++)
		if (one_message(arg, msg[i]) != PAM_SUCCESS)
			return PAM_CONV_ERR;
	if ((r = calloc((size_t)n, sizeof(*r))) == NULL)
		return PAM_BUF_ERR;
	*resp = r;
	return PAM_SUCCESS;
}

struct pam *
pam_warm(const struct ipc_settings *set, struct why *why)
{
	struct pam *p = calloc(1, sizeof(*p));
	struct pam_conv conv = { .conv = converse, .appdata_ptr = p };
	int r;

	if (p == NULL) {
		(void)why_set(why, ERR_NOMEM, "out of memory");
		return NULL;
	}
	r = set->confdir[0] != '\0' ?
	    pam_start_confdir(set->service, NULL, &conv, set->confdir, &p->h) :
	    pam_start(set->service, NULL, &conv, &p->h);
	if (r != PAM_SUCCESS) {
		(void)why_set(why, ERR_SYS, "pam_start for service %s: %s",
		    set->service, pam_strerror(NULL, r));
		free(p);
		return NULL;
	}
	return p;
}

/* The outcome of one phase: success, and still the same account. */
static int
phase(struct pam *p, const char *name, int result, const struct account *a,
    struct why *why)
{
	const void *user = NULL;

	p->last = result;
	if (result != PAM_SUCCESS)
		return why_set(why, ERR_REFUSED, "PAM %s for %s: %s", name,
		    a->name, pam_strerror(p->h, result));
	if (pam_get_item(p->h, PAM_USER, &user) != PAM_SUCCESS ||
	    user == NULL || strcmp(user, a->name) != 0)
		return why_set(why, ERR_REFUSED, "PAM %s changed the account "
		    "from %s to %.64s", name, a->name,
		    user != NULL ? (const char *)user : "none");
	return 0;
}

static int
set_items(struct pam *p, const struct account *a, const char *rhost)
{
	int r = pam_set_item(p->h, PAM_USER, a->name);

	if (r == PAM_SUCCESS)
		r = pam_set_item(p->h, PAM_RHOST, rhost);
	if (r == PAM_SUCCESS)
		r = pam_set_item(p->h, PAM_TTY, TTY_NAME);
	return r;
}

int
pam_begin(struct pam *p, const struct account *a, const char *rhost,
    struct why *why)
{
	int r = phase(p, "start", set_items(p, a, rhost), a, why);

	if (r == 0)
		r = phase(p, "account", pam_acct_mgmt(p->h, 0), a, why);
	if (r != 0)
		return r;
	/* pam_group adds to these in setcred; children inherit them */
	if (initgroups(a->name, a->gid) != 0)
		return why_errno(why, "groups of %s", a->name);
	if ((r = phase(p, "credentials", pam_setcred(p->h, PAM_ESTABLISH_CRED),
	    a, why)) != 0)
		return r;
	p->credentials = true;
	if ((r = phase(p, "session", pam_open_session(p->h, 0), a, why)) != 0)
		return r;
	p->session = true;
	return 0;
}

const char *
pam_banner(const struct pam *p)
{
	return p->banner;
}

char *const *
pam_environment(struct pam *p)
{
	if (p->env == NULL)
		p->env = pam_getenvlist(p->h);
	return p->env;
}

void
pam_finish(struct pam *p)
{
	if (p == NULL)
		return;
	if (p->session)
		p->last = pam_close_session(p->h, 0);
	if (p->credentials)
		p->last = pam_setcred(p->h, PAM_DELETE_CRED);
	(void)pam_end(p->h, p->last);
	for (char **e = p->env; e != NULL && *e != NULL; e++)
		free(*e);
	free(p->env);
	free(p);
}
