#include "cred/local.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#define LOGIND "/run/systemd/seats"	/* there when logind runs */
#define LIBRARY "libsystemd.so.0"
#define TTY_MAJOR 4
#define CONSOLES 63			/* tty1 to tty63; above are serial */

/* Loaded only where there is a logind to ask: its libraries are not needed
 * in any other process that holds a card. */
struct logind {
	__typeof__(sd_pid_get_session) *session_of;
	__typeof__(sd_session_is_active) *is_active;
	__typeof__(sd_session_is_remote) *is_remote;
	__typeof__(sd_session_get_seat) *seat_of;
};

static void *
symbol(void *so, const char *name)
{
	return so != NULL ? dlsym(so, name) : NULL;
}

static int
load(struct logind *l, struct why *why)
{
	void *so = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	l->session_of = (__typeof__(l->session_of))(uintptr_t)symbol(so,
	    "sd_pid_get_session");
	l->is_active = (__typeof__(l->is_active))(uintptr_t)symbol(so,
	    "sd_session_is_active");
	l->is_remote = (__typeof__(l->is_remote))(uintptr_t)symbol(so,
	    "sd_session_is_remote");
	l->seat_of = (__typeof__(l->seat_of))(uintptr_t)symbol(so,
	    "sd_session_get_seat");
	if (l->session_of != NULL && l->is_active != NULL &&
	    l->is_remote != NULL && l->seat_of != NULL)
		return 0;
	return why_set(why, ERR_NOTFOUND, "logind runs, but " LIBRARY
	    " cannot be loaded to ask it whether the caller is local");
}

static int
check_session(const struct logind *l, const char *session, struct why *why)
{
	char *seat = NULL;
	bool has_seat = l->seat_of(session, &seat) >= 0 && seat != NULL;

	free(seat);
	if (l->is_remote(session) != 0)
		return why_set(why, ERR_REFUSED, "the caller's session %.64s "
		    "came over the network; expected one at this machine, or "
		    "remote=allow", session);
	if (!has_seat)
		return why_set(why, ERR_REFUSED, "the caller's session %.64s "
		    "has no seat; expected one at this machine, or "
		    "remote=allow", session);
	if (l->is_active(session) <= 0)
		return why_set(why, ERR_REFUSED, "the caller's session %.64s "
		    "is not the one in front; expected the active one, or "
		    "remote=allow", session);
	return 0;
}

static int
ask_logind(pid_t pid, uid_t caller, struct why *why)
{
	char *session = NULL;
	struct logind l;
	int r;

	if ((r = load(&l, why)) != 0)
		return r;
	r = l.session_of(pid, &session);
	if (r == -ENODATA || r == -ENXIO)
		return caller == 0 ? 0 : why_set(why, ERR_REFUSED, "the "
		    "caller (uid %lu) is in no session; expected one at this "
		    "machine, or remote=allow", (unsigned long)caller);
	if (r < 0 || session == NULL)
		return why_set(why, ERR_REFUSED, "the caller's session "
		    "cannot be found: %s", strerror(-r));
	r = check_session(&l, session, why);
	free(session);
	return r;
}

/* Field 7 of stat, behind the name in parentheses: the terminal. */
static int
terminal_of(pid_t pid, dev_t *tty, struct why *why)
{
	char path[64], line[1024], *behind = NULL;
	FILE *f;
	int nr;

	(void)snprintf(path, sizeof(path), "/proc/%ld/stat", (long)pid);
	if ((f = fopen(path, "re")) != NULL) {
		if (fgets(line, sizeof(line), f) != NULL)
			behind = strrchr(line, ')');
		(void)fclose(f);
	}
	if (behind == NULL || sscanf(behind + 1, " %*c %*d %*d %*d %d",
	    &nr) != 1)
		return why_set(why, ERR_REFUSED, "%s cannot be read to see "
		    "whether the caller is local", path);
	*tty = (dev_t)nr;
	return 0;
}

static int
check_terminal(pid_t pid, uid_t caller, struct why *why)
{
	dev_t tty;
	int r;

	if (caller == 0)
		return 0;
	if ((r = terminal_of(pid, &tty, why)) != 0)
		return r;
	if (major(tty) == TTY_MAJOR && minor(tty) >= 1 &&
	    minor(tty) <= CONSOLES)
		return 0;
	return why_set(why, ERR_REFUSED, "the caller (uid %lu) has terminal "
	    "%u:%u; expected a console of this machine, or remote=allow",
	    (unsigned long)caller, major(tty), minor(tty));
}

int
local_check(pid_t pid, uid_t caller, struct why *why)
{
	return access(LOGIND, F_OK) == 0 ? ask_logind(pid, caller, why) :
	    check_terminal(pid, caller, why);
}
