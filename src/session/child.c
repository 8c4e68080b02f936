#include "session/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/mono.h"

#define BEGIN_FD 3		/* where certlogin-start finds its message */
#define EXE_FD 4
#define FAMILY_MAX 8192		/* descendants that one round ends */
#define KILL_MS 5000
#define KILL_PAUSE_NS 1000000	/* when nobody ended since the last round */

/* The two ends: what the process gets as 0-2, what net gets. */
struct ends {
	int in, out, err;	/* the process's */
	int net[3];
	size_t n_net;
	char tty[64];
};

static void
close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

static void
close_ends(struct ends *e, bool net_too)
{
	if (e->out != e->in)
		close_fd(&e->out);
	if (e->err != e->in)
		close_fd(&e->err);
	close_fd(&e->in);
	for (size_t i = 0; net_too && i < 3; i++)
		close_fd(&e->net[i]);
}

static int
make_pipes(struct ends *e, struct why *why)
{
	int p[3][2];

	for (int i = 0; i < 3; i++)
		if (pipe2(p[i], O_CLOEXEC) != 0) {
			int r = why_errno(why, "pipe");

			while (--i >= 0) {
				(void)close(p[i][0]);
				(void)close(p[i][1]);
			}
			return r;
		}
	e->in = p[0][0];
	e->net[0] = p[0][1];
	e->net[1] = p[1][0];
	e->out = p[1][1];
	e->net[2] = p[2][0];
	e->err = p[2][1];
	e->n_net = 3;
	return 0;
}

static void
set_size(int fd, const struct ipc_window *w)
{
	struct winsize ws = { .ws_col = (unsigned short)w->columns,
	    .ws_row = (unsigned short)w->rows,
	    .ws_xpixel = (unsigned short)w->width,
	    .ws_ypixel = (unsigned short)w->height };

	(void)ioctl(fd, TIOCSWINSZ, &ws);
}

static int
make_pty(struct ends *e, const struct account *a, const struct ipc_window *w,
    struct why *why)
{
	const struct group *tty = getgrnam("tty");
	int m = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), s;

	if (m < 0)
		return why_errno(why, "no terminal");
	e->net[0] = m;
	e->n_net = 1;
	if (grantpt(m) != 0 || unlockpt(m) != 0 ||
	    ptsname_r(m, e->tty, sizeof(e->tty)) != 0 ||
	    (s = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0)
		return why_errno(why, "terminal");
	e->in = e->out = e->err = s;
	/* the mode while it is still ours: behind that it takes CAP_FOWNER */
	if (fchmod(s, tty != NULL ? 0620 : 0600) != 0 ||
	    fchown(s, a->uid, tty != NULL ? tty->gr_gid : a->gid) != 0)
		return why_errno(why, "%s", e->tty);
	set_size(m, w);
	return 0;
}

/* The message for certlogin-start. */
static int
make_message(const struct child_context *x, const struct ipc_start *s,
    struct why *why)
{
	static struct ipc_begin g;
	struct buf b;
	int fd;

	g = (struct ipc_begin){ .kind = s->kind, .pty = s->pty,
	    .opaque = s->opaque };
	memcpy(g.name, x->account->name, sizeof(g.name));
	memcpy(g.home, x->account->home, sizeof(g.home));
	memcpy(g.shell, x->account->shell, sizeof(g.shell));
	memcpy(g.command, x->verdict->command, sizeof(g.command));
	memcpy(g.identity, x->verdict->identity, sizeof(g.identity));
	memcpy(g.issuer, x->verdict->issuer, sizeof(g.issuer));
	memcpy(g.serial, x->verdict->serial, sizeof(g.serial));
	(void)snprintf(g.from, sizeof(g.from), "%s", x->from);
	for (char *const *e = x->env; e != NULL && *e != NULL; e++)
		if (g.n_env < IPC_ENV_MAX)
			g.env[g.n_env++] = (struct span){
			    (const uint8_t *)*e, strlen(*e) };
	buf_init(&b, 1024 * 1024);
	ipc_begin_put(&b, &g);
	fd = buf_err(&b) != 0 ? buf_err(&b) :
	    memfile_make("certlogin-start", b.data, b.len);
	buf_free(&b);
	return fd >= 0 ? fd : why_set(why, fd, "message to certlogin-start: "
	    "%s", err_text(fd));
}

static void
reset_signals(void)
{
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Parent's descriptors to their places 0-4; sources are parked above first. */
static int
place(const struct ends *e, int message, int exe)
{
	int src[5] = { e->in, e->out, e->err, message, exe };

	for (int i = 0; i < 5; i++)
		if ((src[i] = fcntl(src[i], F_DUPFD_CLOEXEC, 16)) < 0)
			return ERR_SYS;
	for (int i = 0; i < 4; i++)
		if (dup2(src[i], i) < 0)
			return ERR_SYS;
	if (dup3(src[4], EXE_FD, O_CLOEXEC) < 0)
		return ERR_SYS;
	return close_range(EXE_FD + 1, ~0U, 0) == 0 ? 0 : ERR_SYS;
}

/* In the child: become the account and execute certlogin-start. */
_Noreturn static void
become(const struct child_context *x, const struct ends *e, bool pty,
    int message, pid_t session)
{
	static char name[] = "certlogin-start";
	static char *const argv[] = { name, NULL };
	static char *const env[] = { NULL };
	const struct account *a = x->account;

	reset_signals();
	(void)umask(022);
	if (setsid() < 0 || (pty && ioctl(e->in, TIOCSCTTY, 0) != 0))
		_exit(126);
	if (place(e, message, x->start_exe) != 0)
		_exit(126);
	/* groups were set by PAM's setcred in our parent */
	if (setresgid(a->gid, a->gid, a->gid) != 0 ||
	    setresuid(a->uid, a->uid, a->uid) != 0 ||
	    (a->uid != 0 && setuid(0) == 0))
		_exit(126);
	/* without us nobody could end it any more: it is hung up */
	if (prctl(PR_SET_PDEATHSIG, SIGHUP, 0, 0, 0) != 0 ||
	    getppid() != session)
		_exit(126);
	(void)syscall(SYS_execveat, EXE_FD, "", argv, env, AT_EMPTY_PATH);
	_exit(126);
}

int
child_start(struct child *c, const struct child_context *x,
    const struct ipc_start *s, int fds[3], size_t *n, struct why *why)
{
	struct ends e = { .in = -1, .out = -1, .err = -1,
	    .net = { -1, -1, -1 } };
	int message = -1, r;
	pid_t pid, session = getpid();

	*c = (struct child){ .channel = s->channel, .master = -1 };
	r = s->pty ? make_pty(&e, x->account, &s->window, why) :
	    make_pipes(&e, why);
	if (r == 0 && (message = make_message(x, s, why)) < 0)
		r = message;
	if (r != 0)
		goto out;
	if (s->pty && (c->master = fcntl(e.net[0], F_DUPFD_CLOEXEC, 3)) < 0) {
		r = why_errno(why, "terminal");
		goto out;
	}
	if ((pid = fork()) < 0) {
		r = why_errno(why, "fork");
		goto out;
	}
	if (pid == 0)
		become(x, &e, s->pty, message, session);
	c->used = true;
	c->pid = pid;
	if (s->pty)
		records_login(&c->records, e.tty, pid, x->account, x->host,
		    x->address);
	memcpy(fds, e.net, sizeof(e.net));
	*n = e.n_net;
out:
	if (r != 0)
		close_fd(&c->master);
	close_fd(&message);
	close_ends(&e, r != 0);
	return r;
}

void
child_resize(const struct child *c, const struct ipc_window *w)
{
	if (c->master >= 0)
		set_size(c->master, w);
}

/* Wait for the process of child_signal().  The account's processes may stop
 * it; it is worth no more than our time to end it. */
static void
wait_for_signaller(pid_t pid)
{
	int status;

	for (;;) {
		if (waitpid(pid, &status, WUNTRACED) < 0) {
			if (errno != EINTR)
				return;
		} else if (WIFSTOPPED(status))
			(void)kill(pid, SIGKILL);
		else
			return;
	}
}

/* By a process that is the account with all its ids: a setuid program in the
 * group is out of the person's reach, and so it must be of ours.  (A changed
 * effective uid alone would not do: kill(2) looks at the real one too.) */
void
child_signal(const struct child *c, const struct account *a, int number)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (setresuid(a->uid, a->uid, a->uid) != 0)
			_exit(1);
		(void)killpg(c->pid, number);
		_exit(0);
	}
	if (pid > 0)
		wait_for_signaller(pid);
}

void
child_hang_up(struct child *c, const struct account *a)
{
	if (!c->used)
		return;
	close_fd(&c->master);
	child_signal(c, a, SIGHUP);
	child_signal(c, a, SIGCONT);
}

void
child_done(struct child *c)
{
	records_logout(&c->records);
	close_fd(&c->master);
	c->used = false;
}

struct family {
	pid_t pid[FAMILY_MAX];
	size_t n;
};

/* The children of one thread.  Whoever finds no room, or is behind the end of
 * the buffer, comes next round. */
static void
add_children(struct family *f, int tasks, const char *thread)
{
	char path[NAME_MAX + 16], text[4096], *p = text, *end;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/children", thread);
	if ((fd = openat(tasks, path, O_RDONLY | O_CLOEXEC)) < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (; f->n < FAMILY_MAX; p = end) {
		long pid = strtol(p, &end, 10);

		if (end == p || *end != ' ')
			return;
		if (pid > 1)
			f->pid[f->n++] = (pid_t)pid;
	}
}

static void
add_all_children(struct family *f, pid_t pid)
{
	const struct dirent *e;
	char path[64];
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	if ((d = opendir(path)) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.')
			add_children(f, dirfd(d), e->d_name);
	(void)closedir(d);
}

/* The whole tree, from the top: a parent that is killed first cannot wait for
 * its children, so that their numbers stay theirs until we do. */
static void
kill_descendants(void)
{
	struct family f = { .n = 0 };

	add_all_children(&f, getpid());
	for (size_t i = 0; i < f.n; i++) {
		add_all_children(&f, f.pid[i]);
		(void)kill(f.pid[i], SIGKILL);
	}
}

/* Round by round, for those that were begun meanwhile, and those whose parent
 * was gone before it was asked for them. */
bool
child_kill_all(void)
{
	const struct timespec pause = { .tv_nsec = KILL_PAUSE_NS };
	int64_t end = mono_ms() + KILL_MS;

	while (mono_ms() <= end) {
		bool reaped = false;
		pid_t pid;

		kill_descendants();
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			reaped = true;
		if (pid < 0 && errno == ECHILD)
			return true;
		if (!reaped)
			(void)nanosleep(&pause, NULL);
	}
	return false;
}
