#include "daemon/loader.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/diag.h"
#include "base/helper.h"
#include "base/log.h"
#include "proto/chan.h"
#include "proto/kept.h"

#define NEXT_MS 1000		/* between two messages of one sender */
#define WHOLE_MS 1000		/* for files that are being written */
#define PAUSE_MS 100

/* ---- the child ----------------------------------------------------------------- */

static int
run_load(struct daemon *d, const struct setup *with, uint64_t number,
    struct load_result *out, struct diag *diag, struct why *why)
{
	static const char *const argv[] = { "certlogin-judge", "load", NULL };
	const struct load_from from = { .trust = with->conf.trust,
	    .map = with->conf.map, .state = with->conf.state_dir,
	    .policy = number,
	    .in_force = d->setup != NULL ? &d->setup->policy : NULL };
	struct helper_spec h = { .exe = d->programs.judge, .argv = argv,
	    .uid = with->judge.uid, .gid = with->judge.gid,
	    .chroot_dir = d->empty_dir };
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return why_errno(why, "socketpair");
	h.channel = pair[1];
	r = helper_spawn(&h, why);
	(void)close(pair[1]);
	if (r > 0)
		r = load_run(pair[0], &from, LOADER_MS, out, diag, why);
	(void)close(pair[0]);
	return r;
}

/* Until whole files were read, but for a moment only: who writes one in place
 * may take long.  Nothing but a CRL itself waits for that one. */
static int
load_whole(struct daemon *d, const struct setup *with, uint64_t number,
    struct load_result *out, struct diag *diag, struct why *why)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	struct why unsettled;

	for (int ms = 0; ; ms += PAUSE_MS) {
		int r;

		diag_init(diag);
		r = run_load(d, with, number, out, diag, why);
		if (load_settled(&out->sources, &unsettled) == 0)
			return r;
		if (ms >= WHOLE_MS && load_only_crls(&out->sources)) {
			out->keepable = false;
			return r;
		}
		if (r == 0 && out->policy >= 0)
			(void)close(out->policy);
		out->policy = -1;
		/* what was found in half a file says nothing */
		diag_free(diag);
		if (ms >= WHOLE_MS) {
			diag_init(diag);
			*why = unsettled;
			return ERR_AGAIN;
		}
		(void)nanosleep(&pause, NULL);
	}
}

/* There is no policy.  A file that cannot be opened is as good an answer as
 * a judge's; anything else says nothing about the files. */
static void
put_failure(struct load_result *res, int code, const char *conf_path,
    const struct why *why, struct diag *diag)
{
	diag_add(diag, DIAG_ERROR, conf_path, 0, 0, "%s", why->text);
	res->done = (struct ipc_load_done){ .ok = false };
	res->policy = -1;
	if (code != ERR_NOTFOUND && code != ERR_UNSAFE)
		res->sources.n = 0;
}

/* What was opened, then LOAD_DONE with findings and policy. */
static int
send_result(int fd, const struct load_result *res, const struct diag *diag)
{
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	if ((r = ipc_load_sources_encode(&b, &res->sources)) == 0 &&
	    (r = chan_send(fd, &b, NULL, 0)) == 0 &&
	    (r = ipc_load_done_encode(&b, &res->done, diag)) == 0)
		r = chan_send(fd, &b, &res->policy, res->policy >= 0 ? 1 : 0);
	buf_free(&b);
	return r;
}

/* Until certlogind closes its end, or says that the policy is in force.  That
 * it is not kept hinders nobody here. */
static void
keep(int fd, const struct setup *with, const struct load_result *res)
{
	const struct conf *c = &with->conf;
	struct chan_msg m;
	struct why why;
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	if (chan_recv(fd, &b, &m, 0) == 0 && m.type == IPC_LOAD_KEEP &&
	    kept_put(c->state_dir, c->trust, c->map, res, &why) != 0)
		log_warn("the policy was not kept in %s: %s; who has no "
		    "certlogind loads it each time", c->state_dir, why.text);
	buf_free(&b);
}

/* certlogind's other descriptors are not ours.  A load may hang, and until its
 * end a lock would stay locked, an address in use, and a peer would wait for
 * the end of a connection that is over. */
static int
keep_only(int fd, const struct daemon *d)
{
	const int wanted[] = { fd, d->programs.judge, d->empty_dir,
	    d->setup != NULL ? d->setup->policy : -1 };
	const size_t n = sizeof(wanted) / sizeof(wanted[0]);
	unsigned from = 3, next;

	closelog();		/* it opens its own when there is a line */
	do {
		next = ~0U;
		for (size_t i = 0; i < n; i++)
			if (wanted[i] >= (int)from &&
			    (unsigned)wanted[i] < next)
				next = (unsigned)wanted[i];
		if (next > from && close_range(from, next - 1, 0) != 0)
			return ERR_SYS;
		from = next + 1;
	} while (next != ~0U);
	return 0;
}

_Noreturn static void
be_loader(int fd, struct daemon *d, const struct setup *with, uint64_t number)
{
	static struct load_result res;
	struct diag diag;
	struct why why;
	int r;

	/* our life ends with its, though not at once: its successor must meet
	 * neither the lock nor an address in use */
	if (keep_only(fd, d) != 0)
		_exit(1);
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	(void)alarm(LOADER_SECONDS);
	if ((r = load_whole(d, with, number, &res, &diag, &why)) != 0)
		put_failure(&res, r, d->conf_path, &why, &diag);
	if (send_result(fd, &res, &diag) != 0)
		_exit(1);
	if (res.done.ok)
		keep(fd, with, &res);
	_exit(0);
}

int
loader_start(struct daemon *d, const struct setup *with, uint64_t number,
    struct why *why)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return why_errno(why, "socketpair");
	if ((pid = fork()) < 0) {
		(void)close(pair[0]);
		(void)close(pair[1]);
		return why_errno(why, "fork");
	}
	if (pid == 0) {
		(void)close(pair[0]);
		be_loader(pair[1], d, with, number);
	}
	(void)close(pair[1]);
	return pair[0];
}

/* ---- certlogind ---------------------------------------------------------------- */

void
loader_keep(int fd)
{
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ipc_empty_encode(&b, IPC_LOAD_KEEP);
	(void)chan_send(fd, &b, NULL, 0);
	buf_free(&b);
}

void
loader_log(const struct diag *diag)
{
	char line[1024];

	for (size_t i = 0; i < diag->n; i++) {
		diag_format(&diag->items[i], line, sizeof(line));
		if (diag->items[i].level == DIAG_ERROR)
			log_error("%s", line);
		else
			log_warn("%s", line);
	}
}

static int
take_sources(struct setup *u, int fd, struct buf *in, int ms)
{
	struct chan_msg m;
	int r = chan_recv_timeout(fd, in, &m, 0, ms);

	if (r == 0)
		r = m.type != IPC_LOAD_SOURCES ? ERR_TYPE :
		    ipc_load_sources_decode(m.body, &u->sources);
	return r;
}

static int
take_done(struct setup *u, int fd, struct buf *in, struct diag *diag)
{
	struct chan_msg m;
	/* on the heels of the other */
	int r = chan_recv_timeout(fd, in, &m, 1, NEXT_MS);

	if (r != 0)
		return r;
	r = m.type != IPC_LOAD_DONE ? ERR_TYPE :
	    ipc_load_done_decode(m.body, &u->done, diag);
	if (r == 0 && u->done.ok && m.n_fds == 1) {
		u->policy = m.fds[0];
		m.fds[0] = -1;
	} else if (r == 0)
		r = u->sources.n > 0 ? ERR_REFUSED : ERR_INTERNAL;
	chan_close_fds(&m);
	return r;
}

/* The first error with its place: a person who asks for the status has no log
 * at hand. */
static int
explain(const struct diag *diag, int r, struct why *why)
{
	char line[WHY_MAX];

	for (size_t i = 0; i < diag->n; i++)
		if (diag->items[i].level == DIAG_ERROR)
			return why_set(why, r, "%s", diag_format(
			    &diag->items[i], line, sizeof(line)));
	return why_set(why, r, "policy could not be loaded: %s", err_text(r));
}

int
loader_take(struct setup *u, int fd, int ms, struct why *why)
{
	struct diag diag;
	struct buf in;
	int r;

	diag_init(&diag);
	buf_init(&in, CHAN_MSG_MAX);
	if ((r = take_sources(u, fd, &in, ms)) == 0)
		r = take_done(u, fd, &in, &diag);
	loader_log(&diag);
	if (r != 0) {
		(void)explain(&diag, r, why);
		if (r != ERR_REFUSED)
			u->sources.n = 0;
	}
	buf_free(&in);
	diag_free(&diag);
	return r;
}
