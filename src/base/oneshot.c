#include "base/oneshot.h"

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/path.h"

#define NOBODY 65534		/* the kernel's overflow id */

static int
choose_user(struct helper_spec *h, const struct oneshot_spec *s,
    struct why *why)
{
	int r;

	h->keep_ids = geteuid() != 0;
	if (h->keep_ids)
		return 0;
	if ((r = helper_user(s->user, &h->uid, &h->gid, why)) != 0) {
		if (!s->or_nobody)
			return r;
		h->uid = h->gid = NOBODY;
	}
	if (!s->locked)
		return 0;
	h->chroot_dir = path_open(HELPER_EMPTY, PATH_DIR, why);
	return h->chroot_dir >= 0 ? 0 : h->chroot_dir;
}

int
oneshot_start(struct oneshot *o, const struct oneshot_spec *s,
    struct why *why)
{
	struct helper_spec h = { .argv = s->argv, .fds = { s->fd },
	    .n_fds = s->fd >= 0 ? 1 : 0, .chroot_dir = -1 };
	int pair[2], r;

	if ((r = h.exe = helper_open(HELPER_DIR, s->argv[0], why)) < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		r = why_errno(why, "socketpair");
	else {
		if ((r = choose_user(&h, s, why)) == 0) {
			h.channel = pair[1];
			r = o->pid = helper_spawn(&h, why);
		}
		(void)close(pair[1]);
		o->channel = pair[0];
		if (r < 0)
			(void)close(pair[0]);
	}
	if (h.chroot_dir >= 0)
		(void)close(h.chroot_dir);
	(void)close(h.exe);
	return r < 0 ? r : 0;
}

void
oneshot_end(struct oneshot *o)
{
	(void)close(o->channel);
	(void)kill(o->pid, SIGKILL);
	while (waitpid(o->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}
