/*
 * Turning a child into a helper: empty environment, 0-2 on /dev/null, the
 * channel at descriptor 3, given descriptors from 4, every other closed,
 * signals, mask, umask, working folder and limits reset, groups and ids
 * dropped, no-new-privs, exec.  certlogind calls it after fork; what the PAM
 * module starts calls it first thing.
 */
#ifndef BASE_HELPER_H
#define BASE_HELPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

#define HELPER_CHANNEL 3	/* the helper's channel */
#define HELPER_FD 4		/* first of the further descriptors */
#define HELPER_FDS_MAX 8
#define HELPER_GROUPS_MAX 16

/* An empty folder of the installation, for whoever starts a helper that is
 * locked in and has no run-dir. */
#define HELPER_EMPTY HELPER_DIR "/empty"

struct helper_spec {
	int exe;		/* descriptor of the executable; not for
				 * helper_become() */
	const char *const *argv;	/* NULL-terminated; likewise */
	int channel;		/* becomes HELPER_CHANNEL */
	int fds[HELPER_FDS_MAX];	/* become HELPER_FD...; -1 = closed */
	size_t n_fds;
	bool keep_ids;		/* stay who we are (session; no root) */
	uid_t uid;		/* else: become these */
	gid_t gid;
	const gid_t *groups;	/* supplementary groups, normally none */
	size_t n_groups;
	int chroot_dir;		/* descriptor of an empty folder the helper
				 * will chroot to, or -1 */
};

/* In a child: become the helper.  Returns only on failure, with a negative
 * code; the caller then calls _exit(). */
int helper_exec(const struct helper_spec *spec);

/* The same without exec, for a program that has no library but that of C yet.
 * 0 or a negative code. */
int helper_become(const struct helper_spec *spec);

/* fork and helper_exec.  Returns the child's pid, or a negative code.  A
 * failure behind fork shows as the channel's end and exit status 127. */
pid_t helper_spawn(const struct helper_spec *spec, struct why *why);

/* Soft limits up to the hard ones, no core dumps; as far as we may. */
void helper_reset_limits(void);

/* First call of every helper's main(): its name for ps, no core dumps, no
 * ptrace by others of its uid.  Returns 0 or ERR_STATE when descriptor 3 is
 * not a SEQPACKET socket (started by hand). */
int helper_begin(const char *name);

/* End, without the destructors of libraries: what they would free goes with
 * the process, and somebody may wait for its end. */
_Noreturn void helper_leave(int status);

/* Open a helper's executable in folder dir by the rules of path.h. */
int helper_open(const char *dir, const char *name, struct why *why);

/* USER or USER:GROUP, each a name or a number: 0, or ERR_NOTFOUND with why
 * naming the command that makes it, or ERR_UNSAFE for root and its group.
 * Without GROUP it is the user's; a number needs no entry in the user
 * database, and its group is then the same number. */
int helper_user(const char *name, uid_t *uid, gid_t *gid, struct why *why);

/* The groups of such a USER into groups, *n of them; none for a number, which
 * is nobody of the user database. */
int helper_groups(const char *name, gid_t gid,
    gid_t groups[HELPER_GROUPS_MAX], size_t *n, struct why *why);

/* A group's name or number (not 0): 0, or ERR_NOTFOUND with why naming the
 * command that makes it. */
int helper_group(const char *name, gid_t *gid, struct why *why);

#endif
