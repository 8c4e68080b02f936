#include "base/prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/path.h"

/*
 * No signal handlers, for they would need global state: the signals wait in
 * a signalfd beside the terminal, and are raised again when the terminal is
 * as it was.  SIGTTIN and SIGTTOU are not among them: they stop a program in
 * the background before it can touch the terminal.
 */
static const int taken[] = { SIGALRM, SIGHUP, SIGINT, SIGQUIT, SIGTERM,
    SIGTSTP };
#define N_TAKEN (sizeof(taken) / sizeof(taken[0]))

struct ask {
	int tty, sigs;
	bool echo;
	struct termios before;
	sigset_t mask;		/* of the caller */
};

static int
ask_open(struct ask *a, bool echo, struct why *why)
{
	sigset_t block;
	int r;

	*a = (struct ask){ .sigs = -1, .echo = echo };
	a->tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (a->tty < 0)
		return why_set(why, ERR_STATE, "there is no terminal to ask "
		    "on");
	(void)sigemptyset(&block);
	for (size_t i = 0; i < N_TAKEN; i++)
		(void)sigaddset(&block, taken[i]);
	if ((a->sigs = signalfd(-1, &block, SFD_CLOEXEC)) < 0 ||
	    sigprocmask(SIG_BLOCK, &block, &a->mask) != 0) {
		r = why_errno(why, "signals");
		if (a->sigs >= 0)
			(void)close(a->sigs);
		(void)close(a->tty);
		return r;
	}
	return 0;
}

static void
ask_close(struct ask *a)
{
	/* first of all the signals that came meanwhile */
	(void)sigprocmask(SIG_SETMASK, &a->mask, NULL);
	(void)close(a->sigs);
	(void)close(a->tty);
}

static int
ask_begin(struct ask *a, const char *text, struct why *why)
{
	struct termios t;

	if (tcgetattr(a->tty, &a->before) != 0)
		return why_errno(why, "terminal");
	t = a->before;
	if (!a->echo) {
		t.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
		t.c_lflag |= ICANON | ISIG;
	}
	if (tcsetattr(a->tty, a->echo ? TCSADRAIN : TCSAFLUSH, &t) != 0 ||
	    path_write_all(a->tty, text, strlen(text)) != 0)
		return why_errno(why, "terminal");
	return 0;
}

static void
ask_end(struct ask *a)
{
	if (!a->echo)
		(void)path_write_all(a->tty, "\n", 1);
	(void)tcsetattr(a->tty, TCSADRAIN, &a->before);
}

/* Raise the signal that waits, with the terminal as it was.  0: it stopped
 * us and we go on. */
static int
ask_signal(struct ask *a, struct why *why)
{
	struct signalfd_siginfo info;
	sigset_t one;
	int sig;

	ask_end(a);
	if (read(a->sigs, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return why_errno(why, "signals");
	sig = (int)info.ssi_signo;
	(void)raise(sig);
	(void)sigemptyset(&one);
	(void)sigaddset(&one, sig);
	/* here it is delivered: we end, stop, or the program's handler runs */
	(void)sigprocmask(SIG_UNBLOCK, &one, NULL);
	(void)sigprocmask(SIG_BLOCK, &one, NULL);
	return sig == SIGTSTP ? 0 :
	    why_set(why, ERR_EOF, "interrupted at the terminal");
}

/* One read of the terminal: 1 the line is complete, 0 more to come. */
static int
ask_read(struct ask *a, struct buf *out, size_t max, struct why *why)
{
	uint8_t *p = buf_reserve(out, max + 1 - out->len);
	ssize_t n;

	if (p == NULL)
		return why_set(why, buf_err(out), "%s", err_text(buf_err(out)));
	if ((n = read(a->tty, p, max + 1 - out->len)) < 0)
		return errno == EINTR ? 0 : why_errno(why, "terminal");
	if (n == 0)
		return why_set(why, ERR_EOF, "no answer at the terminal");
	buf_commit(out, (size_t)n);
	if (out->data[out->len - 1] == '\n') {
		out->data[--out->len] = '\0';
		return 1;
	}
	if (out->len <= max)
		return 0;
	(void)tcflush(a->tty, TCIFLUSH);
	return why_set(why, ERR_TOOBIG, "more than %zu characters", max);
}

static int
ask_wait(struct ask *a, const char *text, struct buf *out, size_t max,
    struct why *why)
{
	struct pollfd p[2] = { { .fd = a->sigs, .events = POLLIN },
	    { .fd = a->tty, .events = POLLIN } };
	int r = ask_begin(a, text, why);

	while (r == 0) {
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			r = why_errno(why, "poll");
		else if ((p[0].revents & POLLIN) != 0) {
			if ((r = ask_signal(a, why)) != 0)
				return r;
			buf_reset(out);
			r = ask_begin(a, text, why);
		} else if (p[1].revents != 0)
			r = ask_read(a, out, max, why);
	}
	ask_end(a);
	return r > 0 ? 0 : r;
}

static int
ask(const char *text, bool echo, struct buf *out, size_t max, struct why *why)
{
	struct ask a;
	int r;

	/* all at once, so that no copy is left behind by growth */
	if (buf_reserve(out, max + 2) == NULL)
		return why_set(why, buf_err(out), "%s", err_text(buf_err(out)));
	(void)mlock(out->data, out->cap);
	if ((r = ask_open(&a, echo, why)) != 0)
		return r;
	r = ask_wait(&a, text, out, max, why);
	ask_close(&a);
	if (r != 0)
		buf_reset(out);
	return r;
}

int
prompt_secret(const char *text, struct buf *out, size_t max, struct why *why)
{
	return ask(text, false, out, max, why);
}

int
prompt_line(const char *text, char *dst, size_t size, struct why *why)
{
	struct buf b;
	int r;

	buf_init(&b, size + 1);
	r = ask(text, true, &b, size - 1, why);
	if (r == 0 && memchr(b.data, '\0', b.len) != NULL)
		r = why_set(why, ERR_MALFORMED, "a NUL at the terminal");
	if (r == 0)
		memcpy(dst, b.data, b.len + 1);
	buf_free(&b);
	return r;
}
