#include "proto/judgecall.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/oneshot.h"
#include "base/path.h"
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
judgecall_load(const struct load_from *from, struct load_result *out,
    struct diag *diag, struct why *why)
{
	struct oneshot j;
	int r = start(&j, "load", -1, why);

	if (r != 0)
		return r;
	r = load_run(j.channel, from, LOAD_MS, out, diag, why);
	oneshot_end(&j);
	return r;
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

int
judgecall_test(int policy, const char *file, const struct ipc_test *ask,
    struct ipc_tested *out, struct why *why)
{
	struct oneshot j;
	int fd = read_certificates(file, why), r;

	if (fd < 0)
		return fd;
	if ((r = start(&j, "test", policy, why)) == 0) {
		r = talk(j.channel, fd, ask, out, why);
		oneshot_end(&j);
	}
	(void)close(fd);
	return r;
}
