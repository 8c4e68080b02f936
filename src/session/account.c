#include "session/account.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "idmap/uidrule.h"

#define NSS_MAX 65536

static int
look_up(const char *name, struct account *a, struct why *why)
{
	static char space[NSS_MAX];
	struct passwd pw, *found = NULL;
	int e = getpwnam_r(name, &pw, space, sizeof(space), &found);

	if (e != 0) {
		errno = e;
		return why_errno(why, "account %s cannot be looked up", name);
	}
	if (found == NULL)
		return why_set(why, ERR_REFUSED, "account %s does not exist",
		    name);
	/* a directory may answer with another spelling */
	if (strcmp(pw.pw_name, name) != 0)
		return why_set(why, ERR_REFUSED, "account %s is known as %s; "
		    "the map must give the exact name", name, pw.pw_name);
	if (strlen(pw.pw_dir) >= sizeof(a->home) ||
	    strlen(pw.pw_shell) >= sizeof(a->shell))
		return why_set(why, ERR_REFUSED,
		    "account %s: home or shell too long", name);
	(void)snprintf(a->name, sizeof(a->name), "%s", pw.pw_name);
	(void)snprintf(a->home, sizeof(a->home), "%s",
	    pw.pw_dir[0] != '\0' ? pw.pw_dir : "/");
	(void)snprintf(a->shell, sizeof(a->shell), "%s",
	    pw.pw_shell[0] != '\0' ? pw.pw_shell : "/bin/sh");
	a->uid = pw.pw_uid;
	a->gid = pw.pw_gid;
	return 0;
}

int
account_check(const struct ipc_verdict *v, const char *asked,
    const struct ipc_settings *set, struct account *a, struct why *why)
{
	const char *privileged[IPC_PRIVILEGED_MAX];
	struct uidrule rule = { .uid_min = set->uid_min,
	    .uid_max = set->uid_max, .privileged = privileged,
	    .n_privileged = set->n_privileged };
	struct why inner;
	int r;

	for (size_t i = 0; i < set->n_privileged; i++)
		privileged[i] = set->privileged[i];
	if (v->account[0] == '\0')
		return why_set(why, ERR_REFUSED, "verdict without an account");
	if (asked[0] != '\0' && strcmp(asked, v->account) != 0)
		return why_set(why, ERR_REFUSED, "verdict names account %.64s, "
		    "asked for was %.64s", v->account, asked);
	if ((r = look_up(v->account, a, &inner)) == 0)
		r = uidrule_check(&rule, a->name, a->uid, v->captured, &inner);
	if (r != 0)
		return why_set(why, ERR_REFUSED, "%s", inner.text);
	a->privileged = uidrule_check(&rule, a->name, a->uid, true,
	    NULL) != 0;
	return 0;
}
