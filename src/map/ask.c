#include "map/ask.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/oneshot.h"
#include "base/path.h"
#include "map/say.h"
#include "proto/chan.h"

#define LOAD_MS 60000
#define TEST_MS 20000
#define CERT_FILE_MAX (512 * 1024)

/* As root the child becomes the judge's user, or nobody where that user was
 * not made yet; for anybody else it stays who we are. */
static int
start(struct oneshot *j, const char *job, int policy, struct why *why)
{
	const char *const argv[] = { "certlogin-judge", job, NULL };
	const struct oneshot_spec s = { .argv = argv, .user = JUDGE_USER,
	    .or_nobody = true, .locked = true, .fd = policy };

	return oneshot_start(j, &s, why);
}

int
ask_load(const struct options *o, const char *map, struct load_result *out,
    struct diag *diag)
{
	const struct load_from from = { .trust = o->trust, .map = map,
	    .state = o->state };
	struct oneshot j;
	struct why why;
	int r;

	if ((r = start(&j, "load", -1, &why)) == 0) {
		r = load_run(j.channel, &from, LOAD_MS, out, diag, &why);
		oneshot_end(&j);
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
	struct oneshot j;
	struct why why;
	int r, fd = read_certificates(o->cert, &why);

	if (fd < 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if ((r = start(&j, "test", policy, &why)) == 0) {
		r = talk(j.channel, fd, ask, out, &why);
		oneshot_end(&j);
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
