#include "pam/visit.h"

#include <pwd.h>
#include <security/pam_ext.h>
#include <security/pam_modutil.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <syslog.h>
#include <unistd.h>

#include "base/buf.h"
#include "idmap/uidrule.h"

#define TEXT_MAX (2 * IPC_TEXT_MAX)
#define ANSWER_PAGE 4096
#define NO_CALLER 65534		/* a name that nobody has */

/* ---- talking ------------------------------------------------------------------- */

/* What other processes sent is printable and escaped already; nothing else
 * reaches a terminal or a log raw, either. */
static void
format(char dst[TEXT_MAX], const char *fmt, va_list ap)
{
	if (vsnprintf(dst, TEXT_MAX, fmt, ap) < 0)
		dst[0] = '\0';
	for (char *p = dst; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '?';
}

void
visit_log(const struct visit *v, int level, const char *fmt, ...)
{
	char line[TEXT_MAX];
	va_list ap;

	if (level == LOG_DEBUG && !v->o.debug)
		return;
	va_start(ap, fmt);
	format(line, fmt, ap);
	va_end(ap);
	pam_syslog(v->h, level, "%s", line);
}

void
visit_tell(const struct visit *v, bool error, const char *fmt, ...)
{
	char line[TEXT_MAX];
	va_list ap;

	if (v->silent)
		return;
	va_start(ap, fmt);
	format(line, fmt, ap);
	va_end(ap);
	(void)pam_prompt(v->h, error ? PAM_ERROR_MSG : PAM_TEXT_INFO, NULL,
	    "%s", line);
}

void
visit_not_set_up(const struct visit *v, const char *reason)
{
	visit_log(v, LOG_ERR, "not set up: %s", reason);
	visit_tell(v, true, "Login by certificate is not set up on this "
	    "machine; its log tells its administrator why.");
}

/* Move what the conversation allocated to a page of our own: never swapped
 * out where the system lets us, in no core dump, and unlocked together with
 * nothing of the caller's. */
static int
move_answer(char *got, char **answer)
{
	size_t n = strlen(got);
	char *page = MAP_FAILED;

	if (n < ANSWER_PAGE)
		page = mmap(NULL, ANSWER_PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page != MAP_FAILED) {
		(void)mlock(page, ANSWER_PAGE);
		(void)madvise(page, ANSWER_PAGE, MADV_DONTDUMP);
		memcpy(page, got, n + 1);
		*answer = page;
	}
	buf_wipe(got, n);
	free(got);
	return page != MAP_FAILED ? PAM_SUCCESS : PAM_CONV_ERR;
}

int
visit_ask(const struct visit *v, bool secret, char **answer,
    const char *fmt, ...)
{
	char line[TEXT_MAX], *got = NULL;
	va_list ap;
	int r;

	va_start(ap, fmt);
	format(line, fmt, ap);
	va_end(ap);
	r = pam_prompt(v->h, secret ? PAM_PROMPT_ECHO_OFF :
	    PAM_PROMPT_ECHO_ON, &got, "%s", line);
	if (r == PAM_SUCCESS)
		return got == NULL ? PAM_CONV_ERR : move_answer(got, answer);
	if (got != NULL)
		buf_wipe(got, strlen(got));
	free(got);
	return r;
}

void
visit_forget(char *answer)
{
	if (answer == NULL)
		return;
	buf_wipe(answer, ANSWER_PAGE);
	(void)munmap(answer, ANSWER_PAGE);
}

/* ---- who calls ------------------------------------------------------------------- */

/* An item as text; absent is "".  Too long or not printable is no name of
 * ours. */
static int
item(const struct visit *v, int type, char *dst, size_t size)
{
	const void *value = NULL;
	const char *text;
	size_t n;

	dst[0] = '\0';
	if (pam_get_item(v->h, type, &value) != PAM_SUCCESS)
		return ERR_STATE;
	if ((text = value) == NULL)
		return 0;
	if ((n = strlen(text)) >= size)
		return ERR_TOOBIG;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 ||
		    (unsigned char)text[i] > 0x7e)
			return ERR_MALFORMED;
	memcpy(dst, text, n + 1);
	return 0;
}

/* sudo has real uid 0 and says for whom in PAM_RUSER. */
static uid_t
find_caller(const struct visit *v)
{
	char ruser[IPC_ACCOUNT_MAX];
	const struct passwd *pw;
	uid_t own = getuid();

	if (own != 0)
		return own;
	if (item(v, PAM_RUSER, ruser, sizeof(ruser)) != 0)
		return NO_CALLER;
	if (ruser[0] == '\0')
		return own;
	pw = pam_modutil_getpwnam(v->h, ruser);
	return pw != NULL ? pw->pw_uid : NO_CALLER;
}

static int
read_options(struct visit *v, int argc, const char **argv)
{
	char line[DIAG_TEXT_MAX + 320] = "out of memory";
	struct diag d;
	int r;

	diag_init(&d);
	r = doorconf_load(&v->o, argc, argv, &d);
	for (size_t i = 0; r != 0 && i < d.n; i++) {
		(void)diag_format(&d.items[i], line, sizeof(line));
		/* the last is said below */
		if (i + 1 < d.n)
			visit_log(v, LOG_ERR, "%s", line);
	}
	if (r != 0)
		visit_not_set_up(v, line);
	diag_free(&d);
	return r == 0 ? PAM_SUCCESS : PAM_SERVICE_ERR;
}

int
visit_begin(struct visit *v, pam_handle_t *h, int flags, int argc,
    const char **argv)
{
	char rhost[IPC_TEXT_MAX];
	int r;

	*v = (struct visit){ .h = h, .silent = ((unsigned)flags & PAM_SILENT) != 0 };
	if ((r = read_options(v, argc, argv)) != PAM_SUCCESS)
		return r;
	if (item(v, PAM_SERVICE, v->service, sizeof(v->service)) != 0 ||
	    v->service[0] == '\0') {
		visit_log(v, LOG_ERR, "the PAM service has no usable name");
		return PAM_SERVICE_ERR;
	}
	if (item(v, PAM_USER, v->user, sizeof(v->user)) != 0) {
		visit_log(v, LOG_NOTICE, "refused: the account asked for is "
		    "too long or not printable");
		return PAM_USER_UNKNOWN;
	}
	/* one that is not readable is a remote one */
	v->remote = item(v, PAM_RHOST, rhost, sizeof(rhost)) != 0 ||
	    rhost[0] != '\0';
	v->caller = find_caller(v);
	return PAM_SUCCESS;
}

void
visit_end(struct visit *v)
{
	doorconf_free(&v->o);
}

void
visit_look_up(struct visit *v)
{
	const struct passwd *pw = v->user[0] == '\0' ? NULL :
	    pam_modutil_getpwnam(v->h, v->user);

	uidrule_limits(&v->uid_min, &v->uid_max);
	if (pw != NULL && strlen(pw->pw_name) < sizeof(v->known_as)) {
		(void)snprintf(v->known_as, sizeof(v->known_as), "%s",
		    pw->pw_name);
		v->uid = pw->pw_uid;
		v->exists = true;
	}
	v->looked_up = true;
}

/* What the user database says of a name; as looked up before, if it was. */
static int
find_account(const struct visit *v, const char *name, uid_t *uid,
    struct why *why)
{
	const char *known_as = NULL;
	const struct passwd *pw;

	if (v->looked_up && strcmp(name, v->user) == 0) {
		if (v->exists) {
			known_as = v->known_as;
			*uid = v->uid;
		}
	} else if ((pw = pam_modutil_getpwnam(v->h, name)) != NULL) {
		known_as = pw->pw_name;
		*uid = pw->pw_uid;
	}
	if (known_as == NULL)
		return why_set(why, ERR_REFUSED, "account %s does not exist",
		    name);
	/* a directory may answer with another spelling */
	return strcmp(known_as, name) == 0 ? 0 : why_set(why, ERR_REFUSED,
	    "account %s is known as %s; the map must give the exact name",
	    name, known_as);
}

int
visit_account(const struct visit *v, const char *name, bool captured,
    uid_t *uid, struct why *why)
{
	const char *privileged[IPC_PRIVILEGED_MAX];
	struct uidrule rule = { .privileged = privileged,
	    .n_privileged = v->o.n_privileged, .uid_min = v->uid_min,
	    .uid_max = v->uid_max };
	uid_t found = 0;
	int r;

	if ((r = find_account(v, name, &found, why)) != 0)
		return r;
	for (size_t i = 0; i < v->o.n_privileged; i++)
		privileged[i] = v->o.privileged[i];
	if (!v->looked_up)
		uidrule_limits(&rule.uid_min, &rule.uid_max);
	r = uidrule_check(&rule, name, found, captured, why);
	if (r == 0)
		*uid = found;
	return r;
}
