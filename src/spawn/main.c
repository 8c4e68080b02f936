/*
 * certlogin-spawn: becomes a helper of the PAM module.  The module runs in
 * somebody else's program, with threads, closed descriptors, signals ignored,
 * limits lowered; this small program of the C library and our own code is
 * started by posix_spawn and puts all that right before any other library is
 * loaded.
 *
 *	judge USER STATE TRUST MAP kept	certlogin-judge with the policy that is
 *					kept in STATE, if it still holds; else
 *	judge USER STATE TRUST MAP afresh	root opens the files
 *	keyfile UID GID			certlogin-keyfile, as this account
 *
 * It may: whatever the caller may; with root it opens trust.conf, what that
 * names, the map and the locks.  It never sees: a certificate, a PIN, a
 * signature.
 * Without root the helpers keep the caller's ids.
 *
 * Descriptor 3: the channel between module and helper.  What fails here is
 * said on it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/about.h"
#include "base/helper.h"
#include "base/path.h"
#include "cred/holder.h"
#include "proto/chan.h"
#include "proto/kept.h"
#include "proto/load.h"
#include "proto/pammsg.h"
#include "proto/seen.h"

#define LOAD_MS 60000

struct spawn {
	bool root;
	char **arg;			/* behind the job's name */
	struct helper_spec spec;
};

/* ---- what all jobs need -------------------------------------------------------- */

static int
become(struct spawn *s, const char *const *argv, struct why *why)
{
	s->spec.argv = argv;
	s->spec.channel = HELPER_CHANNEL;
	s->spec.keep_ids = !s->root;
	if ((s->spec.exe = helper_open(HELPER_DIR, argv[0], why)) < 0)
		return s->spec.exe;
	(void)helper_exec(&s->spec);
	return why_errno(why, "%s cannot be started", argv[0]);
}

static int
as_user(struct spawn *s, const char *name, struct why *why)
{
	return s->root ? helper_user(name, &s->spec.uid, &s->spec.gid, why) :
	    0;
}

/* ---- judge ------------------------------------------------------------------------ */

/* The first error, or why there is no answer. */
static void
problem_of(const struct load_result *l, const struct diag *d, char *text,
    size_t size)
{
	text[0] = '\0';
	if (l->done.ok)
		return;
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].level == DIAG_ERROR) {
			(void)diag_format(&d->items[i], text, size);
			return;
		}
	(void)snprintf(text, size, "there is no policy");
}

static void
say_loaded(const char *problem)
{
	char text[IPC_TEXT_MAX];
	struct buf b;

	buf_init(&b, CHAN_MSG_MAX);
	(void)err_escape(text, sizeof(text), problem, strlen(problem));
	if (pammsg_loaded_encode(&b, problem[0] == '\0' ? PAMMSG_POLICY :
	    PAMMSG_NO_POLICY, text) == 0)
		(void)chan_send(HELPER_CHANNEL, &b, NULL, 0);
	buf_free(&b);
}

/* CRL numbers are remembered, so that none is rolled back; the policy, so that
 * the next one need not be loaded.  Nobody waits for either. */
static void
keep(const struct load_from *from, const struct load_result *l)
{
	struct why why;

	if (seen_write(from->state, &l->done, &why) == 0)
		(void)kept_put(from->state, from->trust, from->map, l, &why);
}

/* The child that stays root: opens what the judge wants, and says what came
 * of it. */
static void
serve_load(struct spawn *s, int judge)
{
	const struct load_from from = { .state = s->arg[1],
	    .trust = s->arg[2], .map = s->arg[3], .policy = 1 };
	struct load_result *l = calloc(1, sizeof(*l));
	char problem[IPC_TEXT_MAX] = "out of memory";
	struct why why = { "" };
	struct diag d;

	diag_init(&d);
	/* with the caller's real uid it could be stopped by the caller */
	if (l == NULL || (s->root && setresuid(0, 0, 0) != 0)) {
		say_loaded(problem);
		return;
	}
	/* half a map may lack a deny */
	if (load_run(judge, &from, LOAD_MS, l, &d, &why) != 0 ||
	    load_settled(&l->sources, &why) != 0)
		(void)snprintf(problem, sizeof(problem), "%s", why.text);
	else
		problem_of(l, &d, problem, sizeof(problem));
	say_loaded(problem);
	if (problem[0] == '\0' && s->root)
		keep(&from, l);
	diag_free(&d);
	free(l);
}

/* The judge is one end of the load, a child of ours the other. */
static int
start_load(struct spawn *s, struct why *why)
{
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return why_errno(why, "socketpair");
	if ((pid = fork()) < 0)
		return why_errno(why, "fork");
	if (pid == 0) {
		(void)close(pair[1]);
		serve_load(s, pair[0]);
		_exit(0);
	}
	(void)close(pair[0]);
	return pair[1];
}

static int
start_judge(struct spawn *s, struct why *why)
{
	static const char *const kept[] = { "certlogin-judge", "pam-kept",
	    NULL };
	static const char *const load[] = { "certlogin-judge", "pam", NULL };
	const char *const *argv = kept;
	int r;

	if ((r = as_user(s, s->arg[0], why)) != 0)
		return r;
	if (s->root && (s->spec.chroot_dir = path_open(HELPER_EMPTY, PATH_DIR,
	    why)) < 0)
		return s->spec.chroot_dir;
	r = strcmp(s->arg[4], "kept") == 0 ? kept_open(s->arg[1], s->arg[2],
	    s->arg[3], why) : ERR_NOTFOUND;
	if (r < 0) {
		argv = load;
		if ((r = start_load(s, why)) < 0)
			return r;
	}
	s->spec.fds[0] = r;
	s->spec.n_fds = 1;
	return become(s, argv, why);
}

static void
judge_failed(const struct why *why, int code)
{
	(void)code;
	say_loaded(why->text);
}

/* ---- keyfile ----------------------------------------------------------------------- */

static int
number(const char *text, unsigned long *v, struct why *why)
{
	char *end;

	errno = 0;
	*v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 ||
	    *v >= 0xffffffffUL)
		return why_set(why, ERR_MALFORMED, "'%s' is no id", text);
	return 0;
}

static int
start_keyfile(struct spawn *s, struct why *why)
{
	static const char *const argv[] = { "certlogin-keyfile", NULL };
	unsigned long uid, gid;
	int r;

	if ((r = number(s->arg[0], &uid, why)) != 0 ||
	    (r = number(s->arg[1], &gid, why)) != 0)
		return r;
	if (!s->root && uid != getuid())
		return why_set(why, ERR_REFUSED, "a key file is opened as its "
		    "account (uid %lu), but the caller is uid %lu", uid,
		    (unsigned long)getuid());
	if (uid == 0 || gid == 0)
		return why_set(why, ERR_UNSAFE, "no key file is opened with "
		    "root's rights; for this account use a card");
	s->spec.uid = (uid_t)uid;
	s->spec.gid = (gid_t)gid;
	return become(s, argv, why);
}

/* ---- main ---------------------------------------------------------------------------- */

static const struct job {
	const char *name;
	int n_args;
	int (*start)(struct spawn *s, struct why *why);
	void (*failed)(const struct why *why, int code);
} jobs[] = {
	{ "judge", 5, start_judge, judge_failed },
	{ "keyfile", 2, start_keyfile, holder_failed },
};

static const struct job *
find_job(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(jobs) / sizeof(jobs[0]);
	    i++)
		if (strcmp(argv[1], jobs[i].name) == 0 &&
		    argc == jobs[i].n_args + 2)
			return &jobs[i];
	return NULL;
}

int
main(int argc, char **argv)
{
	struct spawn s = { .root = geteuid() == 0,
	    .spec = { .chroot_dir = -1 } };
	const struct job *j;
	struct why why = { "" };
	int r;

	if (about_asked("certlogin-spawn", NULL, argc, argv))
		return 0;
	if ((j = find_job(argc, argv)) == NULL ||
	    helper_begin("certlogin-spawn") != 0) {
		(void)fputs("certlogin-spawn: a part of certlogin, not to be "
		    "started by hand\n", stderr);
		return 2;
	}
	helper_reset_limits();
	s.arg = argv + 2;
	r = j->start(&s, &why);
	j->failed(&why, r);
	return 3;
}
