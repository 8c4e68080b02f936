/*
 * certlogin-p11: holds a card.  It loads one PKCS#11 driver, the one that
 * its starter names, and answers questions on its channel until that ends.
 * For the PAM module it says before that whether the caller is local.  It
 * never sees the network, GnuTLS, or the starter's descriptors and
 * environment.  A driver that hangs or crashes takes only this process with
 * it; the starter waits with a limit.
 *
 *	certlogin-p11		as whoever starts it
 *	certlogin-p11 USER	started by the PAM module in somebody else's
 *				program: as certlogin-spawn it puts right what
 *				that left, and root's rights go.  Until then
 *				there is no library here but that of C.
 */
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/sandbox.h"
#include "cred/driver.h"
#include "cred/holder.h"
#include "cred/local.h"
#include "cred/scheme.h"

static int
set_env(const struct p11_load *l, struct why *why)
{
	for (uint32_t i = 0; i < l->n_env; i++) {
		char name[P11_ENV_LEN];
		const char *eq = strchr(l->env[i], '=');

		if (eq == NULL || eq == l->env[i])
			return why_set(why, ERR_MALFORMED, "module-env: "
			    "expected NAME=VALUE");
		memcpy(name, l->env[i], (size_t)(eq - l->env[i]));
		name[eq - l->env[i]] = '\0';
		if (setenv(name, eq + 1, 1) != 0)
			return why_errno(why, "module-env");
	}
	return 0;
}

/* What no driver needs, and what one that was taken over would like: to become
 * another program, to look into or end other processes of this uid, to change
 * what it sees of the system. */
static const int forbidden[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(pidfd_getfd), SCMP_SYS(pidfd_send_signal), SCMP_SYS(kill),
	SCMP_SYS(tkill), SCMP_SYS(rt_sigqueueinfo),
	SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare),
	SCMP_SYS(setns), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key),
	SCMP_SYS(request_key), SCMP_SYS(io_uring_setup),
	SCMP_SYS(open_tree), SCMP_SYS(move_mount), SCMP_SYS(fsopen),
	SCMP_SYS(fspick), SCMP_SYS(fsconfig), SCMP_SYS(fsmount),
	SCMP_SYS(mount_setattr), SCMP_SYS(process_madvise),
};

static int
load(void **key, const struct p11_load *l, struct why *why)
{
	struct driver *d;
	int r;

	if ((r = set_env(l, why)) != 0 ||
	    (r = sandbox_forbid(forbidden, sizeof(forbidden) /
	    sizeof(forbidden[0]), why)) != 0 ||
	    (r = driver_load(&d, l->module, why)) != 0)
		return r;
	*key = d;
	return 0;
}

static void
end(void *key)
{
	driver_free(key);
}

static int
list(void *key, const char *uri, struct why *why)
{
	return driver_list(key, uri, why);
}

static int
cert(void *key, size_t i, struct p11_cert *c, struct why *why)
{
	const struct p11_cert *found = driver_cert(key, i);

	if (found == NULL)
		return why_set(why, ERR_NOTFOUND, "no such certificate");
	*c = *found;
	return 0;
}

static int
take(void *key, size_t i, struct why *why)
{
	return driver_open(key, i, why);
}

static uint32_t
flags(void *key)
{
	return driver_flags(key);
}

static int
login(void *key, struct span pin, struct why *why)
{
	return driver_login(key, pin, why);
}

static int
sign(void *key, uint16_t scheme, struct span data, struct buf *sig,
    struct why *why)
{
	return driver_sign(key, scheme, data, sig, why);
}

static int
local(uid_t caller, struct why *why)
{
	return local_check(getppid(), caller, why);
}

/* scheme_input() says what is wrong, if it is needed at all. */
static void
ahead(void *key)
{
	struct why why;

	(void)key;
	(void)scheme_ready(&why);
}

static const struct holder_ops ops = { load, end, list, cert, take, flags,
    login, sign, ahead, local };

/* A card or TPM may be reachable by groups of its user, such as tss. */
static int
become(const char *user, struct why *why)
{
	static const char *const again[] = { "certlogin-p11", NULL };
	gid_t groups[HELPER_GROUPS_MAX];
	struct helper_spec s = { .channel = HELPER_CHANNEL, .chroot_dir = -1,
	    .keep_ids = geteuid() != 0, .groups = groups, .argv = again };
	int r;

	helper_reset_limits();
	if (!s.keep_ids && ((r = helper_user(user, &s.uid, &s.gid, why)) !=
	    0 || (r = helper_groups(user, s.gid, groups, &s.n_groups,
	    why)) != 0))
		return r;
	/* from a set-user-ID program the C library would keep module-env from
	 * drivers, to the end of this process */
	if (getauxval(AT_SECURE) == 0)
		r = helper_become(&s);
	else if ((r = s.exe = helper_open(HELPER_DIR, again[0], why)) < 0)
		return r;
	else
		r = helper_exec(&s);
	return r == 0 ? 0 : why_errno(why, "certlogin-p11 cannot become user "
	    "%s", user);
}

int
main(int argc, char **argv)
{
	struct why why = { "" };
	int r;

	if (argc == 2 && argv[1][0] != '-' &&
	    helper_begin("certlogin-p11") == 0) {
		if ((r = become(argv[1], &why)) != 0) {
			holder_failed(&why, r);
			return 3;
		}
		argc = 1;
	}
	return holder_main(argc, argv, "certlogin-p11", &ops);
}
