#include "ca/pass.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/path.h"
#include "base/prompt.h"

void
pass_init(struct buf *out)
{
	buf_init_secret(out, PASS_MAX + 2);
}

/* The first line is the passphrase. */
static int
cut_line(struct buf *b, const char *file, struct why *why)
{
	uint8_t *end = memchr(b->data, '\n', b->len);

	if (end != NULL)
		b->len = (size_t)(end - b->data);
	if (memchr(b->data, '\0', b->len) != NULL)
		return why_set(why, ERR_SYS, "%.300s: a NUL in the passphrase",
		    file);
	if (b->len == 0)
		return why_set(why, ERR_SYS, "%.300s: the first line is "
		    "empty; expected the passphrase", file);
	b->data[b->len] = '\0';
	return 0;
}

static int
from_file(const char *file, struct buf *out, struct why *why)
{
	char path[PATH_MAX], cwd[PATH_MAX];
	int n;

	if (file[0] == '/')
		n = snprintf(path, sizeof(path), "%s", file);
	else if (getcwd(cwd, sizeof(cwd)) != NULL)
		n = snprintf(path, sizeof(path), "%s/%s", cwd, file);
	else
		return why_errno(why, "current folder");
	if (n < 0 || (size_t)n >= sizeof(path))
		return why_set(why, ERR_SYS, "passphrase file: path too long");
	/* all the room at once, so that no copy stays behind */
	if (buf_reserve(out, PASS_MAX + 2) == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	(void)mlock(out->data, out->cap);
	if (path_load(path, PATH_SECRET, PASS_MAX, out, why) != 0)
		return ERR_SYS;
	return cut_line(out, file, why);
}

static int
ask(const char *text, struct buf *out, struct why *why)
{
	struct why inner;
	char line[160];
	int r;

	(void)snprintf(line, sizeof(line), "%.150s: ", text);
	r = prompt_secret(line, out, PASS_MAX, &inner);
	if (r == ERR_STATE)
		return why_set(why, ERR_SYS, "a passphrase is needed (%s), and "
		    "there is no terminal to ask on; try --passphrase-file",
		    text);
	if (r != 0)
		return why_set(why, ERR_SYS, "passphrase: %.300s", inner.text);
	if (memchr(out->data, '\0', out->len) != NULL)
		return why_set(why, ERR_REFUSED, "a NUL in the passphrase");
	return 0;
}

static int
ask_twice(const char *text, struct buf *out, struct why *why)
{
	struct buf again;
	int r;

	pass_init(&again);
	if ((r = ask(text, out, why)) == 0 &&
	    (r = ask("The same again", &again, why)) == 0 &&
	    (out->len != again.len ||
	    memcmp(out->data, again.data, again.len) != 0))
		r = why_set(why, ERR_REFUSED, "the two passphrases differ");
	buf_free(&again);
	return r;
}

int
pass_get(const char *file, const char *text, int fresh, struct buf *out,
    struct why *why)
{
	int r;

	if (file != NULL)
		r = from_file(file, out, why);
	else
		r = fresh ? ask_twice(text, out, why) : ask(text, out, why);
	if (r == 0 && fresh && out->len < PASS_MIN)
		r = why_set(why, ERR_REFUSED, "the passphrase is too short; "
		    "expected %d characters or more", PASS_MIN);
	if (r != 0)
		buf_reset(out);
	return r;
}
