/* sign: a certificate for the key of a CSR; nothing else is taken from it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "ca/cmd.h"
#include "ca/issue.h"
#include "ca/mint.h"

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
	else if ((r = path_read(fd, MINT_CSR_MAX, b, &inner)) != 0)
		r = why_set(why, r, "%.200s: %.250s", file, inner.text);
	(void)close(fd);
	return r;
}

static int
csr_key(struct issue *i, struct why *why)
{
	const char *file = i->o->arg[3];
	struct why inner;
	struct buf b;
	int r;

	buf_init(&b, MINT_CSR_MAX + 1);
	if ((r = read_csr(file, &b, why)) == 0 &&
	    (r = mint_csr_key((struct span){ b.data, b.len }, &i->key,
	    &inner)) != 0)
		r = why_set(why, r, "%.200s: %.250s", file, inner.text);
	buf_free(&b);
	return r;
}

int
cmd_sign(const struct opts *o, struct why *why)
{
	struct issue i;

	if (issue_words(&i, o, why) != 0)
		return ERR_MALFORMED;
	return issue_run(&i, csr_key, why);
}
