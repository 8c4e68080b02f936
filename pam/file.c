#include "pam/source.h"

#include <pwd.h>
#include <security/pam_modutil.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#define KEYFILE "Key file"

/* ---- which file ----------------------------------------------------------------- */

/* file= with %u, %h and %% put in; ERR_MALFORMED, ERR_TOOBIG. */
static int
expand(const char *pattern, const struct passwd *pw, char *dst, size_t size)
{
	size_t at = 0;

	for (const char *p = pattern; *p != '\0'; p++) {
		char one[2] = { *p, '\0' };
		const char *part = one;
		size_t n;

		if (*p == '%' && *++p != '%') {
			part = *p == 'u' ? pw->pw_name : *p == 'h' ?
			    pw->pw_dir : NULL;
			if (part == NULL)
				return ERR_MALFORMED;
		}
		if ((n = strlen(part)) >= size - at)
			return ERR_TOOBIG;
		memcpy(dst + at, part, n);
		at += n;
	}
	dst[at] = '\0';
	return 0;
}

static int
find(const struct attempt *a, char *path, size_t size, struct passwd *pw)
{
	const struct passwd *found;

	if (a->v->user[0] == '\0' ||
	    (found = pam_modutil_getpwnam(a->v->h, a->v->user)) == NULL)
		return PAM_AUTHINFO_UNAVAIL;
	if (expand(a->v->o.file, found, path, size) != 0) {
		visit_not_set_up(a->v, "file=: expected a path with no % "
		    "signs but %u, %h and %%");
		return PAM_SERVICE_ERR;
	}
	*pw = *found;
	return PAM_SUCCESS;
}

/* ---- opening -------------------------------------------------------------------- */

static int
start(struct attempt *a, struct holder *h)
{
	char path[P11_PATH_MAX], uid[24], gid[24];
	const char *const argv[] = { "certlogin-spawn", "keyfile", uid, gid,
	    NULL };
	const struct p11_conf conf = { .module = path };
	struct passwd pw;
	struct why why;
	int r = find(a, path, sizeof(path), &pw);

	if (r != PAM_SUCCESS)
		return r;
	(void)snprintf(uid, sizeof(uid), "%lu", (unsigned long)pw.pw_uid);
	(void)snprintf(gid, sizeof(gid), "%lu", (unsigned long)pw.pw_gid);
	if ((r = holder_start(h, a->v, argv, "certlogin-keyfile", &why)) ==
	    0)
		r = p11_load(h->p11, &conf, &why);
	if (r == ERR_NOTFOUND) {
		visit_log(a->v, LOG_DEBUG, "%s", why.text);
		return PAM_AUTHINFO_UNAVAIL;
	}
	return r == 0 ? PAM_SUCCESS : attempt_failed(a, r, KEYFILE, &why);
}

/* What came of the passphrase is answered later. */
static int
ask_passphrase(struct attempt *a, struct holder *h)
{
	struct why why;
	char *answer;
	int r;

	if ((r = visit_ask(a->v, true, &answer, "Passphrase of the key file: "
	    )) != PAM_SUCCESS)
		return r;
	if (answer[0] == '\0')
		r = why_set(&why, ERR_REFUSED, "the passphrase is empty");
	else if (strlen(answer) > P11_PIN_MAX)
		r = why_set(&why, ERR_REFUSED, "wrong passphrase");
	else
		r = p11_ask_login(h->p11, answer, strlen(answer), &why);
	visit_forget(answer);
	return r == 0 ? PAM_SUCCESS : attempt_failed(a, r, KEYFILE, &why);
}

static int
unlock(struct attempt *a, struct holder *h)
{
	struct why why;
	int r = ask_passphrase(a, h);

	if (r == PAM_SUCCESS && (r = p11_answer(h->p11, NULL, &why)) != 0)
		r = attempt_failed(a, r, KEYFILE, &why);
	return r;
}

/* ---- the chain ------------------------------------------------------------------ */

static int
list(struct attempt *a, struct holder *h, struct p11_cert **cert,
    struct offered *o)
{
	struct why why;
	size_t n;
	int r = p11_list(h->p11, "", cert, &n, &why);

	if (r != 0)
		return attempt_failed(a, r, KEYFILE, &why);
	for (o->n = 0; o->n < n && o->n < IPC_CHAIN_MAX; o->n++)
		o->der[o->n] = (struct span){ (*cert)[o->n].der,
		    (*cert)[o->n].der_len };
	return PAM_SUCCESS;
}

static int
offer(struct attempt *a, struct offered *o)
{
	const struct pammsg_facts *f = &o->facts;
	char date[16];
	int r;

	if (o->n == 0)
		return PAM_AUTHINFO_UNAVAIL;
	if ((r = attempt_offer(a, o)) != PAM_SUCCESS)
		return r;
	if (f->state == PAMMSG_FITS)
		return PAM_SUCCESS;
	if (f->state == PAMMSG_EXPIRED)
		visit_tell(a->v, true, "Certificate %s has expired on %s.",
		    f->subject, attempt_date(f->not_after, date));
	else
		visit_tell(a->v, true, KEYFILE ": %s", f->reason);
	return PAM_AUTH_ERR;
}

/* Where the certificate lies open it is judged before the passphrase is asked
 * for; a PKCS#12 shows it only afterwards. */
int
file_run(struct attempt *a)
{
	struct holder h = { .child = CHILD_NONE };
	struct p11_cert *cert = NULL;
	struct offered o = { .n = 0 };
	const char *unlocking = KEYFILE;
	int r;

	if ((r = start(a, &h)) != PAM_SUCCESS ||
	    (r = list(a, &h, &cert, &o)) != PAM_SUCCESS)
		goto out;
	if (o.n == 0) {
		free(cert);
		cert = NULL;
		if ((r = unlock(a, &h)) != PAM_SUCCESS ||
		    (r = list(a, &h, &cert, &o)) != PAM_SUCCESS)
			goto out;
		unlocking = NULL;
	}
	if ((r = offer(a, &o)) == PAM_SUCCESS && unlocking != NULL)
		r = ask_passphrase(a, &h);
	if (r == PAM_SUCCESS)
		r = attempt_prove(a, h.p11, unlocking, &o);
out:
	holder_end(&h);
	free(cert);
	return r;
}
