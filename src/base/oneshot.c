#include "base/oneshot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"

#define NOBODY 65534		/* the kernel's overflow id */

/* An empty folder that nobody can find any more, to be locked in. */
static int
empty_folder(struct why *why)
{
	char name[] = "/tmp/certlogin.XXXXXX";
	int fd;

	if (mkdtemp(name) == NULL)
		return why_errno(why, "%s", name);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || rmdir(name) != 0 || fchmod(fd, 0555) != 0) {
		(void)why_errno(why, "%s", name);
		if (fd >= 0)
			(void)close(fd);
		return ERR_SYS;
	}
	return fd;
}

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
	h->chroot_dir = empty_folder(why);
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
