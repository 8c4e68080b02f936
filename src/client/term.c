#include "client/term.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/err.h"
#include "proto/ttymodes.h"

/*
 * The one piece of global state of the client: a crash gives a handler
 * nothing but its signal, and the person's terminal must not stay raw.  It is
 * written before `active` is set and not changed while it is.
 */
static struct {
	volatile sig_atomic_t active;
	int fd;
	struct termios before;
} crash;

static const int crashes[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL,
    SIGSYS, SIGXCPU };

static void
on_crash(int sig)
{
	/* SA_RESETHAND: the second one is the end */
	if (crash.active)
		(void)tcsetattr(crash.fd, TCSANOW, &crash.before);
	(void)raise(sig);
}

static void
guard(const struct term *t)
{
	struct sigaction sa = { .sa_handler = on_crash,
	    .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) }, old;

	crash.fd = t->fd;
	crash.before = t->before;
	crash.active = 1;
	(void)sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(crashes) / sizeof(crashes[0]); i++)
		/* a sanitizer's own handler stays */
		if (sigaction(crashes[i], NULL, &old) == 0 &&
		    (old.sa_flags & SA_SIGINFO) == 0 &&
		    old.sa_handler == SIG_DFL)
			(void)sigaction(crashes[i], &sa, NULL);
}

int
term_init(struct term *t, int fd)
{
	*t = (struct term){ .fd = fd };
	return tcgetattr(fd, &t->before) == 0 ? 0 : ERR_SYS;
}

/* Is it ours, or has another job of the shell's got it? */
static bool
foreground(const struct term *t)
{
	pid_t owner = tcgetpgrp(t->fd);

	return owner < 0 || owner == getpgrp();
}

void
term_enter(struct term *t)
{
	struct termios raw;

	if (t->raw || !foreground(t) || tcgetattr(t->fd, &t->before) != 0)
		return;
	raw = t->before;
	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	guard(t);
	t->raw = tcsetattr(t->fd, TCSADRAIN, &raw) == 0;
	if (!t->raw)
		crash.active = 0;
}

void
term_leave(struct term *t)
{
	if (!t->raw)
		return;
	/* the shell has set it for itself when another job is in front */
	if (foreground(t))
		(void)tcsetattr(t->fd, TCSANOW, &t->before);
	t->raw = false;
	crash.active = 0;
}

void
term_window(const struct term *t, struct msg_window *w)
{
	struct winsize ws = { .ws_row = 0 };

	if (t != NULL)
		(void)ioctl(t->fd, TIOCGWINSZ, &ws);
	*w = (struct msg_window){ .columns = ws.ws_col, .rows = ws.ws_row,
	    .width = ws.ws_xpixel, .height = ws.ws_ypixel };
	if (w->columns == 0 || w->rows == 0)
		*w = (struct msg_window){ .columns = 80, .rows = 24 };
}

/* TERM as it may travel: short and printable. */
static void
put_name(char dst[MSG_TERM_MAX])
{
	const char *name = getenv("TERM");

	(void)snprintf(dst, MSG_TERM_MAX, "dumb");
	if (name == NULL || name[0] == '\0' ||
	    strlen(name) >= MSG_TERM_MAX)
		return;
	for (const char *p = name; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~')
			return;
	(void)snprintf(dst, MSG_TERM_MAX, "%s", name);
}

void
term_put_request(struct buf *b, const struct term *t)
{
	struct msg_pty m = { .term = "" };
	struct buf modes;

	buf_init(&modes, MSG_MODES_MAX);
	put_name(m.term);
	term_window(t, &m.window);
	if (t != NULL)
		ttymodes_put(&modes, &t->before);
	else
		buf_put_u8(&modes, 0);
	m.modes = (struct span){ modes.data, modes.len };
	msg_pty_put(b, &m);
	buf_free(&modes);
}
