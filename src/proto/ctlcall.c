#include "proto/ctlcall.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/chan.h"
#include "proto/hello.h"

static int
connect_failed(int e, const char *path, struct why *why)
{
	int code = e == ENOENT || e == ECONNREFUSED ? ERR_NOTFOUND :
	    e == EACCES ? ERR_REFUSED : ERR_SYS;

	return why_set(why, code, "no certlogind answers at %s: %s%s", path,
	    strerror(e), code == ERR_REFUSED ? "; it is for root and the "
	    "members of control-group" : code == ERR_NOTFOUND ? "; is it "
	    "running, and with this configuration?" : "");
}

static int
connect_to(const char *run_dir, struct why *why)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, r;

	if (snprintf(un.sun_path, sizeof(un.sun_path), "%s/control",
	    run_dir) >= (int)sizeof(un.sun_path))
		return why_set(why, ERR_TOOBIG, "%s: path too long", run_dir);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return why_errno(why, "socket");
	if (connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	r = connect_failed(errno, un.sun_path, why);
	(void)close(fd);
	return r;
}

static int
each_item(struct rd *r, ctlcall_fn *each, void *ctx)
{
	struct ctlmsg_item item;
	int e;

	while ((e = ctlmsg_next(r, &item)) > 0)
		if (each != NULL && (e = each(ctx, &item)) != 0)
			return e;
	return e;
}

int
ctlcall(const char *run_dir, const struct buf *request, int fd, int ms,
    ctlcall_fn *each, void *ctx, uint8_t *status,
    char error[CTLMSG_TEXT_MAX], struct why *why)
{
	int s = connect_to(run_dir, why), r;
	struct chan_msg m;
	struct buf in;

	if (s < 0)
		return s;
	buf_init(&in, CHAN_MSG_MAX);
	/* refused before it was asked: then that is the answer */
	if ((r = chan_send(s, request, &fd, fd >= 0 ? 1 : 0)) != 0 &&
	    r != ERR_EOF)
		goto out;
	do {
		if ((r = chan_recv_timeout(s, &in, &m, 0, ms)) != 0)
			goto out;
		if (m.type == CTLMSG_ANSWER)
			r = ctlmsg_head(&m.body, status, error);
		else if (m.type != CTLMSG_PART)
			r = ERR_TYPE;
		if (r == 0)
			r = each_item(&m.body, each, ctx);
	} while (r == 0 && m.type == CTLMSG_PART);
out:
	if (r == ERR_VERSION)
		(void)why_set(why, r, "certlogind is of another version than "
		    "this program; certloginctl check-restart says what a "
		    "restart would end");
	else if (r != 0)
		(void)why_set(why, r, "certlogind's answer: %s", err_text(r));
	buf_free(&in);
	(void)close(s);
	return r;
}

int
ctlcall_hello(const char *run_dir, int ms, uint8_t *version,
    uint32_t *sessions, struct why *why)
{
	int s = connect_to(run_dir, why), r;
	struct chan_msg m;
	struct buf b;

	if (s < 0)
		return s;
	buf_init(&b, CHAN_MSG_MAX);
	(void)hello_ask_encode(&b);
	if ((r = chan_send(s, &b, NULL, 0)) == 0 &&
	    (r = chan_wait(s, ms)) == 0 &&
	    (r = chan_recv_hello(s, &b, &m, 0)) == 0)
		r = m.hello && m.type == HELLO_RUNS ?
		    hello_runs_decode(m.body, version, sessions) : ERR_TYPE;
	if (r != 0)
		(void)why_set(why, r, "certlogind's answer: %s", err_text(r));
	buf_free(&b);
	(void)close(s);
	return r;
}
