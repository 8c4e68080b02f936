/*
 * The commands that ask a running certlogind and print what it answers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/print.h"
#include "ctl/say.h"
#include "proto/chan.h"
#include "proto/ctlcall.h"
#include "proto/ctlmsg.h"
#include "proto/rundir.h"

#define ANSWER_MS 100000	/* a reload may wait for a slow token */

static int
run_dir_of(const struct options *o, char *dst, size_t size, struct why *why)
{
	if (o->run_dir == NULL)
		return rundir_default(o->conf, dst, size);
	if (snprintf(dst, size, "%s", o->run_dir) >= (int)size)
		return why_set(why, ERR_TOOBIG, "%s: path too long",
		    o->run_dir);
	return 0;
}

/* Send b and print the answer. */
static int
ask(const struct options *o, const struct buf *b)
{
	struct print p = { .json = o->json };
	char dir[256], error[CTLMSG_TEXT_MAX];
	uint8_t status;
	struct why why;

	if (run_dir_of(o, dir, sizeof(dir), &why) != 0 ||
	    ctlcall(dir, b, -1, ANSWER_MS, print_item, &p, &status, error,
	    &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	print_end(&p);
	return error[0] != '\0' ? say_error(status, "%s", error) : status;
}

static int
ask_empty(const struct options *o, uint8_t type)
{
	struct buf b;
	int rc;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ctlmsg_empty_encode(&b, type);
	rc = ask(o, &b);
	buf_free(&b);
	return rc;
}

int
ask_reload(const struct options *o)
{
	return ask_empty(o, CTLMSG_RELOAD);
}

int
ask_status(const struct options *o)
{
	return ask_empty(o, CTLMSG_STATUS);
}

static int
parse_number(const char *text, uint64_t *v)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return ERR_MALFORMED;
	errno = 0;
	*v = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' ? ERR_MALFORMED : 0;
}

int
ask_why(const struct options *o)
{
	uint64_t reference;
	struct buf b;
	int rc;

	if (parse_number(o->argument, &reference) != 0)
		return say_error(EXIT_USAGE, "why %s: expected the number of "
		    "the person's message; see --help for usage",
		    o->argument);
	buf_init(&b, CHAN_MSG_MAX);
	(void)ctlmsg_why_encode(&b, reference);
	rc = ask(o, &b);
	buf_free(&b);
	return rc;
}
