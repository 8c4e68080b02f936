#include "fetch/calls.h"

#include <fcntl.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#define ANY(name) { SCMP_SYS(name), -1, 0 }

const struct sandbox_call calls_file[CALLS_FILE] = {
	ANY(read), ANY(write), ANY(sendmsg),
};

const struct sandbox_call calls_url[CALLS_URL] = {
	ANY(read), ANY(write), ANY(writev), ANY(sendmsg), ANY(recvmsg),
	/* name service, certificates of CAs */
	{ SCMP_SYS(openat), SANDBOX_READING, 0 }, ANY(fstat),
	ANY(newfstatat), ANY(lseek), ANY(getdents64), ANY(uname),
	/* network; NETLINK is how the C library learns of interfaces */
	{ SCMP_SYS(socket), 0, AF_INET }, { SCMP_SYS(socket), 0, AF_INET6 },
	{ SCMP_SYS(socket), 0, AF_NETLINK }, ANY(connect),
	ANY(bind), ANY(getsockname), ANY(getpeername), ANY(getsockopt),
	ANY(setsockopt), ANY(sendto), ANY(sendmmsg), ANY(recvfrom),
	ANY(poll), ANY(gettimeofday), { SCMP_SYS(ioctl), 1, FIONREAD },
	{ SCMP_SYS(fcntl), 1, F_GETFL }, { SCMP_SYS(fcntl), 1, F_SETFL },
	{ SCMP_SYS(fcntl), 1, F_GETFD }, { SCMP_SYS(fcntl), 1, F_SETFD },
	/* libcurl's ways to wake itself up, by its version.  No datagrams: such
	 * a socket could be sent from to any other, the log's, say */
	ANY(eventfd2),
	{ SCMP_SYS(socketpair), 1, SOCK_STREAM },
	{ SCMP_SYS(socketpair), 1, SOCK_STREAM | SOCK_CLOEXEC },
	{ SCMP_SYS(socketpair), 1, SOCK_STREAM | SOCK_NONBLOCK },
	{ SCMP_SYS(socketpair), 1, SOCK_STREAM | SOCK_CLOEXEC |
	    SOCK_NONBLOCK },
};
