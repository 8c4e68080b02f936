/*
 * certlogin-hostkey: holds the host's key and signs handshakes of this host's
 * own connections.  It may: read its channels, sign.  It never sees: the
 * network, trust, map, accounts.
 *
 * Descriptors: 3 control channel, 4 key file, 5 certificate file, 6 PIN.
 * Arguments for a key on a token: --module DRIVER --[no-]network URI.
 */
#include <fcntl.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/about.h"
#include "base/helper.h"
#include "base/sandbox.h"
#include "hostkey/key.h"
#include "hostkey/serve.h"
#include "proto/chan.h"

enum { FD_KEY = HELPER_FD, FD_CERT, FD_PIN };

/* A key in memory: its channels and nothing else. */
static const struct sandbox_call file_calls[] = {
	{ SCMP_SYS(recvmsg), -1, 0 }, { SCMP_SYS(sendmsg), -1, 0 },
	{ SCMP_SYS(poll), -1, 0 }, { SCMP_SYS(pread64), -1, 0 },
	{ SCMP_SYS(read), -1, 0 },
};

/* A driver talks to its device; what it may not do is start programs, reach
 * other processes or, unless configured, the network. */
static const struct sandbox_call token_calls[] = {
	{ SCMP_SYS(recvmsg), -1, 0 }, { SCMP_SYS(sendmsg), -1, 0 },
	{ SCMP_SYS(recvfrom), -1, 0 }, { SCMP_SYS(sendto), -1, 0 },
	{ SCMP_SYS(poll), -1, 0 }, { SCMP_SYS(ppoll), -1, 0 },
	{ SCMP_SYS(select), -1, 0 }, { SCMP_SYS(pselect6), -1, 0 },
	{ SCMP_SYS(read), -1, 0 }, { SCMP_SYS(write), -1, 0 },
	{ SCMP_SYS(pread64), -1, 0 }, { SCMP_SYS(pwrite64), -1, 0 },
	{ SCMP_SYS(readv), -1, 0 }, { SCMP_SYS(writev), -1, 0 },
	{ SCMP_SYS(open), -1, 0 }, { SCMP_SYS(openat), -1, 0 },
	{ SCMP_SYS(stat), -1, 0 }, { SCMP_SYS(fstat), -1, 0 },
	{ SCMP_SYS(lstat), -1, 0 }, { SCMP_SYS(newfstatat), -1, 0 },
	{ SCMP_SYS(statx), -1, 0 }, { SCMP_SYS(access), -1, 0 },
	{ SCMP_SYS(readlink), -1, 0 }, { SCMP_SYS(readlinkat), -1, 0 },
	{ SCMP_SYS(faccessat), -1, 0 }, { SCMP_SYS(faccessat2), -1, 0 },
	{ SCMP_SYS(statfs), -1, 0 }, { SCMP_SYS(fstatfs), -1, 0 },
	{ SCMP_SYS(lseek), -1, 0 }, { SCMP_SYS(getdents64), -1, 0 },
	{ SCMP_SYS(fcntl), -1, 0 }, { SCMP_SYS(flock), -1, 0 },
	{ SCMP_SYS(ioctl), -1, 0 }, { SCMP_SYS(fsync), -1, 0 },
	{ SCMP_SYS(fdatasync), -1, 0 }, { SCMP_SYS(ftruncate), -1, 0 },
	{ SCMP_SYS(rename), -1, 0 }, { SCMP_SYS(unlink), -1, 0 },
	{ SCMP_SYS(getuid), -1, 0 }, { SCMP_SYS(geteuid), -1, 0 },
	{ SCMP_SYS(getgid), -1, 0 }, { SCMP_SYS(getegid), -1, 0 },
	{ SCMP_SYS(umask), -1, 0 }, { SCMP_SYS(nanosleep), -1, 0 },
	{ SCMP_SYS(clock_nanosleep), -1, 0 }, { SCMP_SYS(uname), -1, 0 },
	{ SCMP_SYS(getppid), -1, 0 }, { SCMP_SYS(sysinfo), -1, 0 },
	{ SCMP_SYS(connect), -1, 0 }, { SCMP_SYS(getpeername), -1, 0 },
	{ SCMP_SYS(getsockname), -1, 0 }, { SCMP_SYS(getsockopt), -1, 0 },
	{ SCMP_SYS(setsockopt), -1, 0 }, { SCMP_SYS(shutdown), -1, 0 },
	{ SCMP_SYS(clone3), -1, 0 }, { SCMP_SYS(set_robust_list), -1, 0 },
	{ SCMP_SYS(rseq), -1, 0 }, { SCMP_SYS(rt_sigaction), -1, 0 },
	{ SCMP_SYS(sched_getattr), -1, 0 }, { SCMP_SYS(sched_setattr), -1, 0 },
	/* loading code is what a driver is */
	{ SCMP_SYS(mmap), -1, 0 }, { SCMP_SYS(mprotect), -1, 0 },
	/* libcap's constructor, behind NSS; names of threads */
	{ SCMP_SYS(prctl), 0, PR_CAPBSET_READ },
	{ SCMP_SYS(prctl), 0, PR_SET_NAME },
	{ SCMP_SYS(eventfd2), -1, 0 }, { SCMP_SYS(pipe2), -1, 0 },
	{ SCMP_SYS(socket), 0, AF_UNIX },
	{ SCMP_SYS(socket), 0, AF_INET }, { SCMP_SYS(socket), 0, AF_INET6 },
};
#define N_NETWORK 2		/* last rows: only with --network */

struct arguments {
	struct key_source src;
	bool network;
};

static int
parse(int argc, char **argv, struct arguments *a)
{
	*a = (struct arguments){ .src = { .key_fd = FD_KEY,
	    .cert_fd = FD_CERT,
	    /* what was not given is closed */
	    .pin_fd = fcntl(FD_PIN, F_GETFD) >= 0 ? FD_PIN : -1 } };
	if (argc == 1)
		return 0;
	if (argc != 5 || strcmp(argv[1], "--module") != 0)
		return ERR_MALFORMED;
	a->src.module = argv[2];
	a->network = strcmp(argv[3], "--network") == 0;
	a->src.uri = argv[4];
	a->src.key_fd = -1;
	return 0;
}

static int
confine(const struct arguments *a, struct why *why)
{
	size_t n = sizeof(token_calls) / sizeof(token_calls[0]);

	if (a->src.uri == NULL)
		return sandbox_enter(file_calls,
		    sizeof(file_calls) / sizeof(file_calls[0]), why);
	return sandbox_filter(token_calls, a->network ? n : n - N_NETWORK,
	    why);
}

static void
failed(const struct why *why)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_text_encode(&b, IPC_KEY_FAILED, why->text);
	(void)chan_send(HELPER_CHANNEL, &b, NULL, 0);
	buf_free(&b);
}

static int
ready(const struct key *k, struct why *why)
{
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_key_ready_encode(&b, key_host(k), key_not_after(k));
	if ((r = chan_send(HELPER_CHANNEL, &b, NULL, 0)) != 0)
		(void)why_set(why, r, "certlogind: %s", err_text(r));
	buf_free(&b);
	return r;
}

int
main(int argc, char **argv)
{
	struct arguments a;
	struct key *k = NULL;
	struct why why;

	if (about_asked("certlogin-hostkey", sandbox_text(), argc, argv))
		return 0;
	if (helper_begin("certlogin-hostkey") != 0 ||
	    parse(argc, argv, &a) != 0) {
		(void)fprintf(stderr, "certlogin-hostkey: is started by "
		    "certlogind, not by hand\n");
		return 2;
	}
	if (confine(&a, &why) != 0 ||
	    (k = key_load(&a.src, &why)) == NULL || ready(k, &why) != 0) {
		failed(&why);
		return 1;
	}
	for (int fd = FD_KEY; fd <= FD_PIN; fd++)
		(void)close(fd);
	serve_run(k, HELPER_CHANNEL);
	key_free(k);
	return 0;
}
