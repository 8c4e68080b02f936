/* sign: a certificate for the key of a CSR; nothing else is taken from it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "ca/cmd.h"
#include "ca/csr.h"
#include "ca/issue.h"

#define CSR_MAX 65536

/* Anybody's file: it is believed in nothing. */
static int
read_csr(const char *file, struct buf *b, struct why *why)
{
	struct stat st;
	struct why inner;
	int fd, r = 0;

	fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return why_errno(why, "%.300s", file);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		r = why_set(why, ERR_SYS, "%.300s: not a regular file", file);
	else if ((r = path_read(fd, CSR_MAX, b, &inner)) != 0)
		r = why_set(why, r, "%.200s: %.250s", file, inner.text);
	(void)close(fd);
	return r;
}

static int
take_key(struct issue *i, const char *file, struct why *why)
{
	struct why inner;
	struct buf b;
	int r;

	buf_init(&b, CSR_MAX + 1);
	if ((r = read_csr(file, &b, why)) == 0 &&
	    (r = csr_key((struct span){ b.data, b.len }, &i->key,
	    &inner)) != 0)
		r = why_set(why, r, "%.200s: %.250s", file, inner.text);
	buf_free(&b);
	return r;
}

int
cmd_sign(const struct opts *o, struct why *why)
{
	struct issue i;
	int r;

	if (issue_words(&i, o, why) != 0)
		return ERR_MALFORMED;
	/* before a key of the CA is in memory */
	if ((r = take_key(&i, o->arg[2], why)) != 0)
		return r;
	return issue_run(&i, NULL, why);
}
