#include "map/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/memfile.h"
#include "base/path.h"
#include "map/say.h"
#include "proto/chan.h"

#define LOAD_MS 60000
#define TEST_MS 20000
#define CERT_FILE_MAX (512 * 1024)
#define NOBODY 65534		/* the kernel's overflow id */

/* A child at work. */
struct judge {
	pid_t pid;
	int channel;
};

/* An empty folder that nobody can find any more, to be locked in. */
static int
empty_folder(struct why *why)
{
	char name[] = "/tmp/certlogin-map.XXXXXX";
	int fd;

	if (mkdtemp(name) == NULL)
		return why_errno(why, "%s", name);
	fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || rmdir(name) != 0 || fchmod(fd, 0555) != 0) {
		(void)why_errno(why, "%s", name);
		if (fd >= 0)
			(void)close(fd);
		return ERR_SYS;
	}
	return fd;
}

/* As root the child becomes the judge's user, or nobody where that user was
 * not made yet; for anybody else it stays who we are. */
static int
choose_user(struct helper_spec *s, struct why *why)
{
	s->chroot_dir = -1;
	s->keep_ids = geteuid() != 0;
	if (s->keep_ids)
		return 0;
	if (helper_user(JUDGE_USER, &s->uid, &s->gid, why) != 0)
		s->uid = s->gid = NOBODY;
	s->chroot_dir = empty_folder(why);
	return s->chroot_dir >= 0 ? 0 : s->chroot_dir;
}

static int
start(struct judge *j, const char *job, int policy, struct why *why)
{
	const char *const argv[] = { "certlogin-judge", job, NULL };
	struct helper_spec s = { .argv = argv, .fds = { policy },
	    .n_fds = policy >= 0 ? 1 : 0, .chroot_dir = -1 };
	int pair[2], r;

	if ((r = s.exe = helper_open(HELPER_DIR, "certlogin-judge",
	    why)) < 0)
		return r;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		r = why_errno(why, "socketpair");
	else if ((r = choose_user(&s, why)) == 0) {
		s.channel = pair[1];
		r = j->pid = helper_spawn(&s, why);
		(void)close(pair[1]);
		j->channel = pair[0];
		if (r < 0)
			(void)close(pair[0]);
	}
	if (s.chroot_dir >= 0)
		(void)close(s.chroot_dir);
	(void)close(s.exe);
	return r < 0 ? r : 0;
}

static void
end(struct judge *j)
{
	(void)close(j->channel);
	/* it has answered or never will */
	(void)kill(j->pid, SIGKILL);
	while (waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int
ask_load(const struct options *o, const char *map, struct load_result *out,
    struct diag *diag)
{
	const struct load_from from = { .trust = o->trust, .map = map,
	    .state = o->state };
	struct judge j;
	struct why why;
	int r;

	if ((r = start(&j, "load", -1, &why)) == 0) {
		r = load_run(j.channel, &from, LOAD_MS, out, diag, &why);
		end(&j);
	}
	return r == 0 ? EXIT_DONE : say_error(EXIT_COULD_NOT, "%s",
	    why.text);
}

/* Anybody's file: only its bytes are taken. */
static int
read_certificates(const char *name, struct why *why)
{
	struct buf b;
	int r, fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY |
	    O_NONBLOCK);

	if (fd < 0)
		return why_errno(why, "%s", name);
	buf_init(&b, CERT_FILE_MAX + 1);
	r = path_read(fd, CERT_FILE_MAX, &b, why);
	if (r == 0 && (r = memfile_make("certificates", b.data, b.len)) < 0)
		(void)why_set(why, r, "%s: %s", name, err_text(r));
	buf_free(&b);
	(void)close(fd);
	return r;
}

static int
talk(int channel, int certificates, const struct ipc_test *ask,
    struct ipc_tested *out, struct why *why)
{
	struct chan_msg m;
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	if ((r = ipc_test_encode(&b, ask)) == 0 &&
	    (r = chan_send(channel, &b, &certificates, 1)) == 0 &&
	    (r = chan_recv_timeout(channel, &b, &m, 0, TEST_MS)) == 0)
		r = m.type == IPC_JUDGE_TESTED ?
		    ipc_tested_decode(m.body, out) : ERR_TYPE;
	buf_free(&b);
	return r == 0 ? 0 : why_set(why, r, "certlogin-judge did not answer: "
	    "%s", err_text(r));
}

static int
question(const struct options *o, int policy, const struct ipc_test *ask,
    struct ipc_tested *out)
{
	struct judge j;
	struct why why;
	int r, fd = read_certificates(o->cert, &why);

	if (fd < 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if ((r = start(&j, "test", policy, &why)) == 0) {
		r = talk(j.channel, fd, ask, out, &why);
		end(&j);
	}
	(void)close(fd);
	if (r != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if (out->problem[0] != '\0')
		return say_error(EXIT_USAGE, "%s", out->problem);
	return EXIT_DONE;
}

int
ask_test(const struct options *o, const char *map,
    const struct ipc_test *ask, struct ipc_tested *out)
{
	struct load_result *loaded = calloc(1, sizeof(*loaded));
	struct diag diag;
	int rc = EXIT_COULD_NOT;

	if (loaded == NULL)
		return say_error(rc, "out of memory");
	diag_init(&diag);
	loaded->policy = -1;
	if ((rc = ask_load(o, map, loaded, &diag)) == EXIT_DONE) {
		say_findings(stderr, &diag);
		rc = loaded->done.ok ? question(o, loaded->policy, ask, out) :
		    say_error(EXIT_COULD_NOT, "there are errors in what the "
		    "certificate is to be held against");
	}
	if (loaded->policy >= 0)
		(void)close(loaded->policy);
	diag_free(&diag);
	free(loaded);
	return rc;
}
