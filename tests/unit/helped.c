#include "helped.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/path.h"
#include "proto/chan.h"

#define PROGRAM "./certlogin-judge"

void
helped_start(struct helped *h, const char *job, const int *fds, size_t n)
{
	const char *const argv[] = { "certlogin-judge", job, NULL };
	struct helper_spec spec = { .argv = argv, .keep_ids = true,
	    .chroot_dir = -1, .n_fds = n };
	struct why why = { "" };
	int pair[2];

	ck_assert_uint_le(n, HELPER_FDS_MAX);
	for (size_t i = 0; i < n; i++)
		spec.fds[i] = fds[i];
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC,
	    0, pair), 0);
	spec.exe = open(PROGRAM, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(spec.exe, 0);
	spec.channel = pair[1];
	h->pid = helper_spawn(&spec, &why);
	ck_assert_msg(h->pid > 0, "%s", why.text);
	h->channel = pair[0];
	(void)close(pair[1]);
	(void)close(spec.exe);
	buf_init(&h->in, CHAN_MSG_MAX);
	buf_init(&h->out, CHAN_MSG_MAX);
}

int
helped_end(struct helped *h)
{
	int status = 0;

	(void)close(h->channel);
	ck_assert_int_eq(waitpid(h->pid, &status, 0), h->pid);
	buf_free(&h->in);
	buf_free(&h->out);
	ck_assert_msg(WIFEXITED(status), "killed by signal %d",
	    WTERMSIG(status));
	return WEXITSTATUS(status);
}

void
helped_write(const char *folder, const char *name, const void *text, size_t n)
{
	struct why why = { "" };
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	ck_assert_msg(path_replace(path, 0644, text, n, &why) == 0, "%s",
	    why.text);
}
