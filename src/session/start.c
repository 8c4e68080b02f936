/*
 * certlogin-start: becomes the user's process.  Runs with the account's
 * rights and nothing else; here, and not before, what the person asked for is
 * decoded: terminal type and modes, environment, command.  libc only.
 *
 * Descriptors: 0-2 terminal or pipes, 3 the message (struct ipc_begin).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/about.h"
#include "base/err.h"
#include "base/memfile.h"
#include "proto/ipc.h"
#include "proto/ttymodes.h"

#define MESSAGE_FD 3
#define MESSAGE_MAX (1024 * 1024)
#define TERM_MAX 64
#define ENV_NAME_MAX 256
#define ENV_VALUE_MAX 1024
#define COMMAND_MAX 49152
#define FAILED 127		/* as a shell says 'not found' */

struct request {
	char command[COMMAND_MAX];	/* exec's or subsystem's word */
};

_Noreturn static void
fail(const char *what, const char *why)
{
	(void)dprintf(STDERR_FILENO, "certlogin: %s: %s\r\n", what, why);
	_exit(FAILED);
}

static void
set_env(const char *name, const char *value)
{
	if (setenv(name, value, 1) != 0)
		fail("environment", strerror(errno));
}

/* NAME=VALUE as PAM gave it. */
static void
put_pam_env(struct span s)
{
	char *text = strndup((const char *)s.p, s.n), *eq;

	if (text == NULL)
		fail("environment", strerror(errno));
	if ((eq = strchr(text, '=')) != NULL && eq != text) {
		*eq = '\0';
		set_env(text, eq + 1);
	}
	free(text);
}

static void
set_environment(const struct ipc_begin *g)
{
	static const char path[] = "/usr/local/bin:/usr/bin:/bin:"
	    "/usr/local/games:/usr/games";
	static const char root_path[] = "/usr/local/sbin:/usr/local/bin:"
	    "/usr/sbin:/usr/bin:/sbin:/bin";

	(void)clearenv();
	set_env("PATH", geteuid() == 0 ? root_path : path);
	for (size_t i = 0; i < g->n_env; i++)
		put_pam_env(g->env[i]);
	set_env("USER", g->name);
	set_env("LOGNAME", g->name);
	set_env("HOME", g->home);
	set_env("SHELL", g->shell);
	set_env("CERTLOGIN_IDENTITY", g->identity);
	set_env("CERTLOGIN_ISSUER", g->issuer);
	set_env("CERTLOGIN_SERIAL", g->serial);
	set_env("CERTLOGIN_CONNECTION", g->from);
	if (g->pty) {
		const char *tty = ttyname(STDIN_FILENO);

		if (tty != NULL)
			set_env("CERTLOGIN_TTY", tty);
	}
}

/* Only LANG and LC_*: nothing that changes what programs are run. */
static int
env_allowed(const char *name)
{
	if (strcmp(name, "LANG") == 0)
		return 1;
	if (strncmp(name, "LC_", 3) != 0)
		return 0;
	for (const char *p = name; *p != '\0'; p++)
		if ((*p < 'A' || *p > 'Z') && *p != '_')
			return 0;
	return 1;
}

/* pty-req: string TERM; uint32 columns, rows, width, height; string modes
 * (RFC 4254 6.2) */
static int
take_pty(struct rd r, const struct ipc_begin *g)
{
	char term[TERM_MAX];
	struct termios t;
	struct span modes;

	rd_cstring(&r, term, sizeof(term));
	for (int i = 0; i < 4; i++)
		(void)rd_u32(&r);
	modes = rd_string(&r, IPC_START_MAX);
	if (rd_end(&r) != 0)
		return rd_end(&r);
	if (!g->pty)
		return 0;
	if (term[0] != '\0')
		set_env("TERM", term);
	if (tcgetattr(STDIN_FILENO, &t) == 0 && ttymodes_get(modes, &t) == 0)
		(void)tcsetattr(STDIN_FILENO, TCSANOW, &t);
	return 0;
}

/* env: string name; string value (RFC 4254 6.4).  What is not taken is
 * dropped without a word, like any name that is not allowed. */
static int
take_env(struct rd r, const struct ipc_begin *g)
{
	char name[ENV_NAME_MAX], value[ENV_VALUE_MAX];
	struct span text;

	rd_cstring(&r, name, sizeof(name));
	text = rd_string(&r, IPC_START_MAX);
	if (rd_end(&r) != 0)
		return rd_end(&r);
	if (g->command[0] != '\0' || !env_allowed(name) ||
	    text.n >= sizeof(value) || memchr(text.p, 0, text.n) != NULL)
		return 0;
	memcpy(value, text.p, text.n);
	value[text.n] = '\0';
	set_env(name, value);
	return 0;
}

/* exec, subsystem: string command or name; shell: nothing */
static int
take_last(struct rd r, const struct ipc_begin *g, struct request *q)
{
	if (g->kind != IPC_START_SHELL)
		rd_cstring(&r, q->command, sizeof(q->command));
	return rd_end(&r);
}

static int
decode(const struct ipc_begin *g, struct request *q)
{
	static const char *const last[] = { [IPC_START_SHELL] = "shell",
	    [IPC_START_EXEC] = "exec", [IPC_START_SUBSYSTEM] = "subsystem" };
	struct rd r = rd_of_span(g->opaque);

	if (g->kind < IPC_START_SHELL || g->kind > IPC_START_SUBSYSTEM)
		return ERR_MALFORMED;
	for (;;) {
		char name[32];
		struct rd body;
		int e;

		rd_cstring(&r, name, sizeof(name));
		body = rd_of_span(rd_string(&r, IPC_START_MAX));
		if (r.err != 0)
			return r.err;
		if (strcmp(name, last[g->kind]) == 0) {
			e = take_last(body, g, q);
			return e != 0 ? e : rd_end(&r);
		}
		if (strcmp(name, "pty-req") == 0)
			e = take_pty(body, g);
		else
			e = strcmp(name, "env") == 0 ? take_env(body, g) :
			    ERR_TYPE;
		if (e != 0)
			return e;
	}
}

/* A shell run as a login shell has '-' before its name. */
_Noreturn static void
run_shell(const char *shell, const char *command)
{
	char name[PATH_MAX];
	const char *slash = strrchr(shell, '/');

	slash = slash != NULL ? slash + 1 : shell;
	(void)snprintf(name, sizeof(name), "%s%s", command == NULL ? "-" : "",
	    slash);
	if (command == NULL)
		(void)execl(shell, name, (char *)NULL);
	else
		(void)execl(shell, name, "-c", command, (char *)NULL);
	fail(shell, strerror(errno));
}

_Noreturn static void
run_subsystem(const char *shell, const char *name)
{
	static const char *const sftp[] = { "/usr/lib/openssh/sftp-server",
	    "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server" };

	if (strcmp(name, "sftp") != 0)
		fail("subsystem", "only sftp is known");
	for (size_t i = 0; i < sizeof(sftp) / sizeof(sftp[0]); i++)
		if (access(sftp[i], X_OK) == 0)
			run_shell(shell, sftp[i]);
	fail("subsystem sftp", "sftp-server is not installed");
}

/* A home that is missing or not ours to enter does not keep a person out. */
static void
go_home(const char *home)
{
	if (chdir(home) == 0)
		return;
	(void)dprintf(STDERR_FILENO, "certlogin: no home folder %s: %s\r\n",
	    home, strerror(errno));
	if (chdir("/") != 0)
		fail("/", strerror(errno));
}

int
main(int argc, char **argv)
{
	static struct ipc_begin g;
	static struct request q;
	struct span text;
	int r;

	if (about_asked("certlogin-start", NULL, argc, argv))
		return 0;
	if ((r = memfile_map(MESSAGE_FD, MESSAGE_MAX, &text)) != 0 ||
	    (r = ipc_begin_get(rd_of_span(text), &g)) != 0)
		fail("start", err_text(r));
	(void)close(MESSAGE_FD);
	set_environment(&g);
	if ((r = decode(&g, &q)) != 0)
		fail("request", err_text(r));
	go_home(g.home);
	if (g.command[0] != '\0') {
		if (g.kind != IPC_START_SHELL)
			set_env("CERTLOGIN_ORIGINAL_COMMAND", q.command);
		run_shell(g.shell, g.command);
	}
	if (g.kind == IPC_START_SUBSYSTEM)
		run_subsystem(g.shell, q.command);
	run_shell(g.shell, g.kind == IPC_START_EXEC ? q.command : NULL);
}
