#include "base/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/path.h"

/* Own numbers during the shuffle, above every final place. */
#define PARK 32

static int
reset_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)sigaction(s, &sa, NULL);	/* KILL, STOP refuse */
	(void)sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) == 0 ? 0 : ERR_SYS;
}

/* The caller may be hostile (su with RLIMIT_CPU=1).  Failure is no error: root
 * may lack CAP_SYS_RESOURCE. */
void
helper_reset_limits(void)
{
	static const struct rlimit no_core = { 0, 0 };
	struct rlimit l;

	for (int i = 0; i < RLIM_NLIMITS; i++)
		if (getrlimit((__rlimit_resource_t)i, &l) == 0 &&
		    i != RLIMIT_STACK) {
			l.rlim_cur = l.rlim_max;
			(void)setrlimit((__rlimit_resource_t)i, &l);
		}
	(void)setrlimit(RLIMIT_CORE, &no_core);
}

/* Put the descriptors where the helper expects them and close the rest.
 * Returns the place of the executable (exe -1: one behind the last), or a
 * negative code. */
static int
place_fds(const struct helper_spec *s, int exe)
{
	int parked[HELPER_FDS_MAX + 2], null, last;
	size_t n = s->n_fds;

	if (n > HELPER_FDS_MAX)
		return ERR_TOOBIG;
	/* park first: a source may sit on another's target */
	parked[n] = exe < 0 ? -1 : fcntl(exe, F_DUPFD_CLOEXEC, PARK);
	parked[n + 1] = fcntl(s->channel, F_DUPFD, PARK);
	if ((exe >= 0 && parked[n] < 0) || parked[n + 1] < 0)
		return ERR_SYS;
	for (size_t i = 0; i < n; i++) {
		parked[i] = -1;
		if (s->fds[i] >= 0 &&
		    (parked[i] = fcntl(s->fds[i], F_DUPFD, PARK)) < 0)
			return ERR_SYS;
	}
	if ((null = open("/dev/null", O_RDWR)) < 0)
		return ERR_SYS;
	for (int i = 0; i < 3; i++)
		if (null != i && dup2(null, i) < 0)
			return ERR_SYS;
	if (dup2(parked[n + 1], HELPER_CHANNEL) < 0)
		return ERR_SYS;
	for (size_t i = 0; i < n; i++) {
		(void)close(HELPER_FD + (int)i);
		if (parked[i] >= 0 &&
		    dup2(parked[i], HELPER_FD + (int)i) < 0)
			return ERR_SYS;
	}
	last = HELPER_FD + (int)n;
	if ((exe >= 0 && dup3(parked[n], last, O_CLOEXEC) < 0) ||
	    close_range((unsigned)last + (exe >= 0), ~0U, 0) != 0)
		return ERR_SYS;
	return last;
}

/* Keep exactly CAP_SYS_CHROOT over the change of uid and the exec. */
static int
keep_chroot(void)
{
	struct __user_cap_header_struct h = {
	    .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { 0 } };

	d[0].effective = d[0].permitted = d[0].inheritable =
	    1U << CAP_SYS_CHROOT;
	if (syscall(SYS_capset, &h, d) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_SYS_CHROOT, 0,
	    0) != 0)
		return ERR_SYS;
	return 0;
}

static int
drop_ids(const struct helper_spec *s)
{
	bool chroot_later = s->chroot_dir >= 0;

	if (s->uid == 0 || s->gid == 0)
		return ERR_UNSAFE;
	if (chroot_later && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0)
		return ERR_SYS;
	if (setgroups(s->n_groups, s->groups) != 0 ||
	    setresgid(s->gid, s->gid, s->gid) != 0 ||
	    setresuid(s->uid, s->uid, s->uid) != 0)
		return ERR_SYS;
	if (chroot_later)
		return keep_chroot();
	/* nothing may bring root back */
	return setuid(0) != 0 ? 0 : ERR_UNSAFE;
}

/* All but exec; returns as place_fds(). */
static int
become(const struct helper_spec *s, int exe)
{
	int r;

	if (s->chroot_dir >= 0 ? fchdir(s->chroot_dir) != 0 :
	    chdir("/") != 0)
		return ERR_SYS;
	(void)umask(077);
	/* what keeps its ids (the session) hands its limits to the user */
	if (!s->keep_ids)
		helper_reset_limits();
	if ((r = reset_signals()) != 0)
		return r;
	if ((exe = place_fds(s, exe)) < 0)
		return exe;
	if (!s->keep_ids) {
		if ((r = drop_ids(s)) != 0)
			return r;
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
			return ERR_SYS;
	}
	return exe;
}

int
helper_become(const struct helper_spec *s)
{
	int r = become(s, -1);

	return r < 0 ? r : 0;
}

int
helper_exec(const struct helper_spec *s)
{
	static char *const no_env[] = { NULL };
	int exe = become(s, s->exe);

	if (exe < 0)
		return exe;
	(void)syscall(SYS_execveat, exe, "", (char *const *)(uintptr_t)s->argv,
	    no_env, AT_EMPTY_PATH);
	return ERR_SYS;
}

pid_t
helper_spawn(const struct helper_spec *s, struct why *why)
{
	pid_t pid = fork();

	if (pid < 0)
		return why_errno(why, "%s: fork", s->argv[0]);
	if (pid == 0) {
		(void)helper_exec(s);
		_exit(127);
	}
	return pid;
}

int
helper_begin(const char *name)
{
	int type = 0;
	socklen_t len = sizeof(type);

	(void)prctl(PR_SET_NAME, name, 0, 0, 0);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (getsockopt(HELPER_CHANNEL, SOL_SOCKET, SO_TYPE, &type,
	    &len) != 0 || type != SOCK_SEQPACKET)
		return ERR_STATE;
	return 0;
}

void
helper_leave(int status)
{
#ifdef WITH_SANITIZERS
	exit(status);		/* leaks are looked for there */
#else
	_exit(status);
#endif
}

int
helper_open(const char *dir, const char *name, struct why *why)
{
	int fd, d = path_open(dir, PATH_DIR, why);

	if (d < 0)
		return d;
	fd = path_open_below(d, dir, name, 0, why);
	(void)close(d);
	return fd;
}

static bool
parse_number(const char *s, unsigned long *v)
{
	char *end;

	if (*s < '0' || *s > '9')
		return false;
	errno = 0;
	*v = strtoul(s, &end, 10);
	return errno == 0 && *end == '\0' && *v > 0 && *v < 0xfffffffeUL;
}

static int
find_user(const char *name, uid_t *uid, gid_t *gid, struct why *why)
{
	const struct passwd *pw;
	unsigned long v;

	if (parse_number(name, &v)) {
		*uid = (uid_t)v;
		*gid = (gid_t)v;
		return 0;
	}
	errno = 0;
	if ((pw = getpwnam(name)) == NULL)
		return why_set(why, ERR_NOTFOUND, "user %s does not exist; "
		    "make it with: useradd --system --user-group --home-dir "
		    "/nonexistent --no-create-home --shell "
		    "/usr/sbin/nologin %s", name, name);
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

int
helper_group(const char *name, gid_t *gid, struct why *why)
{
	const struct group *g;
	unsigned long v;

	if (parse_number(name, &v)) {
		*gid = (gid_t)v;
		return 0;
	}
	if ((g = getgrnam(name)) == NULL)
		return why_set(why, ERR_NOTFOUND, "group %s does not exist; "
		    "make it with: groupadd --system %s", name, name);
	*gid = g->gr_gid;
	return 0;
}

int
helper_user(const char *name, uid_t *uid, gid_t *gid, struct why *why)
{
	const char *colon = strchr(name, ':');
	char user[64];
	uid_t u = 0;
	gid_t g = 0;
	int r;

	if (snprintf(user, sizeof(user), "%.*s", colon == NULL ? (int)sizeof(
	    user) : (int)(colon - name), name) >= (int)sizeof(user))
		return why_set(why, ERR_TOOBIG, "user %s: name too long", name);
	if ((r = find_user(user, &u, &g, why)) != 0 || (colon != NULL &&
	    (r = helper_group(colon + 1, &g, why)) != 0))
		return r;
	if (u == 0 || g == 0)
		return why_set(why, ERR_UNSAFE, "user %s is root or in its "
		    "group; a helper needs a user of its own", name);
	*uid = u;
	*gid = g;
	return 0;
}

int
helper_groups(const char *name, gid_t gid, gid_t groups[HELPER_GROUPS_MAX],
    size_t *n, struct why *why)
{
	int max = HELPER_GROUPS_MAX;

	*n = 0;
	if (name[0] >= '0' && name[0] <= '9')
		return 0;
	if (getgrouplist(name, gid, groups, &max) < 0)
		return why_set(why, ERR_TOOBIG, "user %s is in more than %d "
		    "groups", name, HELPER_GROUPS_MAX);
	*n = (size_t)max;
	return 0;
}
