/*
 * The commands that ask a running certlogind and print what it answers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/host.h"
#include "ctl/print.h"
#include "ctl/prom.h"
#include "ctl/say.h"
#include "proto/chan.h"
#include "proto/ctlcall.h"
#include "proto/ctlmsg.h"
#include "proto/rundir.h"

#define ANSWER_MS 100000	/* a reload may wait for a slow token */
#define HELLO_MS 10000

static int
run_dir_of(const struct options *o, char *dst, size_t size, struct why *why)
{
	if (o->run_dir == NULL)
		return rundir_default(o->conf, dst, size) == 0 ? 0 :
		    why_set(why, ERR_TOOBIG, "run-dir: path too long");
	if (snprintf(dst, size, "%s", o->run_dir) >= (int)size)
		return why_set(why, ERR_TOOBIG, "%s: path too long",
		    o->run_dir);
	return 0;
}

/* Send b; an exit status, that of the answer where done is set. */
static int
call(const struct options *o, const struct buf *b, ctlcall_fn *each,
    void *ctx, bool *done)
{
	char dir[256], error[CTLMSG_TEXT_MAX];
	uint8_t status;
	struct why why;

	*done = false;
	if (run_dir_of(o, dir, sizeof(dir), &why) != 0 ||
	    ctlcall(dir, b, -1, ANSWER_MS, each, ctx, &status, error,
	    &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	*done = true;
	return error[0] != '\0' ? say_error(status, "%s", error) : status;
}

/* Send b and print the answer. */
static int
ask(const struct options *o, const struct buf *b)
{
	struct print p = { .json = o->json };
	bool done;
	int rc = call(o, b, print_item, &p, &done);

	if (done)
		print_end(&p);
	return rc;
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
	struct buf b;
	int rc;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ctlmsg_reload_encode(&b, false);
	rc = ask(o, &b);
	buf_free(&b);
	return rc;
}

static int
ask_metrics(const struct options *o)
{
	struct prom p;
	struct buf b;
	bool done;
	int rc, e;

	if (o->json)
		return say_error(EXIT_USAGE, "--metrics goes without --json; "
		    "see certloginctl --help");
	buf_init(&b, CHAN_MSG_MAX);
	buf_init(&p.items, PROM_MAX);
	(void)ctlmsg_empty_encode(&b, CTLMSG_METRICS);
	rc = call(o, &b, prom_item, &p, &done);
	if (done && rc == EXIT_DONE && (e = prom_print(&p)) != 0)
		rc = say_error(EXIT_COULD_NOT, "certlogind's answer: %s",
		    err_text(e));
	buf_free(&p.items);
	buf_free(&b);
	return rc;
}

_Static_assert(sizeof(((struct ask_loaded *)0)->note) >= CTLMSG_TEXT_MAX,
    "certlogind's text fits");

static int
take_loaded(void *ctx, const struct ctlmsg_item *item)
{
	struct ask_loaded *out = ctx;

	if (item->kind == CTLMSG_RECORD && strcmp(item->name, "reload") == 0)
		out->in_force = true;
	if (item->kind != CTLMSG_TEXT)
		return 0;
	if (strcmp(item->name, "authority") == 0)
		out->about = out->authority != NULL &&
		    strcmp(item->text, out->authority) == 0;
	if (out->about && strcmp(item->name, "carried") == 0)
		out->carried = item->text[0] != '\0';
	return 0;
}

int
ask_policy_at(const char *run_dir, struct ask_loaded *out)
{
	uint8_t status;
	struct why why;
	struct buf b;
	int r;

	buf_init(&b, CHAN_MSG_MAX);
	(void)ctlmsg_reload_encode(&b, true);
	r = ctlcall(run_dir, &b, -1, ANSWER_MS, take_loaded, out, &status,
	    out->note, &why);
	buf_free(&b);
	if (r == ERR_NOTFOUND)
		return ASK_NOBODY;
	if (r != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if (out->in_force)
		return EXIT_DONE;
	return say_error(status != EXIT_DONE ? status : EXIT_COULD_NOT, "%s",
	    out->note);
}

int
ask_status(const struct options *o)
{
	return o->metrics ? ask_metrics(o) : ask_empty(o, CTLMSG_STATUS);
}

int
ask_restart(const struct options *o)
{
	uint32_t sessions;
	uint8_t version;
	struct host h;
	struct why why;
	int rc = host_find(&h, o);

	if (rc != EXIT_DONE)
		return rc;
	if (ctlcall_hello(h.run_dir, HELLO_MS, &version, &sessions,
	    &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if (version == IPC_VERSION || sessions == 0)
		return EXIT_DONE;
	return say_error(EXIT_PROBLEM, "certlogind runs since before an "
	    "upgrade to another version: behind a restart its live sessions "
	    "(%lu) cannot be judged again, and end when review-grace-time is "
	    "over; certloginctl end --message tells their people sooner",
	    (unsigned long)sessions);
}

/* A reference number of the argument; 0 is none. */
static int
parse_reference(const char *text, uint64_t *v)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return ERR_MALFORMED;
	errno = 0;
	*v = strtoull(text, &end, 10);
	return errno != 0 || *end != '\0' || *v == 0 ? ERR_MALFORMED : 0;
}

int
ask_why(const struct options *o)
{
	uint64_t reference;
	struct buf b;
	int rc;

	if (parse_reference(o->argument, &reference) != 0)
		return say_error(EXIT_USAGE, "why %s: expected the number of "
		    "the person's message; see certloginctl --help",
		    o->argument);
	buf_init(&b, CHAN_MSG_MAX);
	(void)ctlmsg_why_encode(&b, reference);
	rc = ask(o, &b);
	buf_free(&b);
	return rc;
}

/* ---- sessions, end ------------------------------------------------------------ */

static int
take_text(char *dst, size_t size, const char *option, const char *given)
{
	if (given == NULL)
		return EXIT_DONE;
	if (given[0] == '\0' || strlen(given) >= size)
		return say_error(EXIT_USAGE, "--%s: expected 1 to %zu bytes; "
		    "see certloginctl --help", option, size - 1);
	(void)snprintf(dst, size, "%s", given);
	return EXIT_DONE;
}

static int
take_pick(const struct options *o, struct ctlmsg_pick *p)
{
	int rc = take_text(p->identity, sizeof(p->identity), "identity",
	    o->identity);

	return rc != EXIT_DONE ? rc : take_text(p->account,
	    sizeof(p->account), "account", o->account);
}

int
ask_sessions(const struct options *o)
{
	struct ctlmsg_pick p = { .reference = 0 };
	int rc = take_pick(o, &p);
	struct buf b;

	if (rc != EXIT_DONE)
		return rc;
	buf_init(&b, CHAN_MSG_MAX);
	(void)ctlmsg_sessions_encode(&b, &p);
	rc = ask(o, &b);
	buf_free(&b);
	return rc;
}

int
ask_end(const struct options *o)
{
	struct ctlmsg_end e = { .message = "" };
	struct buf b;
	int rc;

	if ((o->argument != NULL) + (o->identity != NULL) +
	    (o->account != NULL) != 1)
		return say_error(EXIT_USAGE, "end: expected just one of "
		    "NUMBER, --identity and --account; see certloginctl "
		    "--help");
	if (o->argument != NULL &&
	    parse_reference(o->argument, &e.pick.reference) != 0)
		return say_error(EXIT_USAGE, "end %s: expected the reference "
		    "of a session, as `sessions' prints it; see certloginctl "
		    "--help", o->argument);
	if ((rc = take_pick(o, &e.pick)) != EXIT_DONE ||
	    (rc = take_text(e.message, sizeof(e.message), "message",
	    o->message)) != EXIT_DONE)
		return rc;
	buf_init(&b, CHAN_MSG_MAX);
	(void)ctlmsg_end_encode(&b, &e);
	rc = ask(o, &b);
	buf_free(&b);
	return rc;
}
