/*
 * certloginctl: looks at and steers a running certlogind over its root-only
 * socket.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "proto/chan.h"
#include "proto/ctlmsg.h"
#include "proto/rundir.h"

#define ANSWER_MS 100000	/* a reload may wait for a slow token */

enum { EXIT_DONE, EXIT_PROBLEM, EXIT_USAGE, EXIT_COULD_NOT };

static void
usage(FILE *f)
{
	(void)fputs("usage: certloginctl [-f CONF] [--run-dir DIR] [--json] "
	    "COMMAND\n"
	    "  why NUMBER   why a login was refused (the number is in the "
	    "person's message)\n"
	    "  status       what is loaded, when it expires, who is logged "
	    "in\n"
	    "  reload       load configuration, trust, map and host key "
	    "afresh\n"
	    "  -f CONF      the configuration certlogind was started with\n"
	    "  --run-dir D  its run-dir, where CONF names one\n"
	    "  --help, --version\n", f);
}

struct options {
	const char *conf, *run_dir;
	bool json;
};

/* ---- requests ---------------------------------------------------------------------- */

static int
make_why(struct buf *b, const char *arg)
{
	unsigned long long v;
	char *end;

	if (arg == NULL || arg[0] < '0' || arg[0] > '9')
		return ERR_MALFORMED;
	errno = 0;
	v = strtoull(arg, &end, 10);
	if (errno != 0 || *end != '\0')
		return ERR_MALFORMED;
	chan_begin(b, CTLMSG_WHY);
	buf_put_u64(b, v);
	return buf_err(b);
}

static int
make_reload(struct buf *b, const char *arg)
{
	chan_begin(b, CTLMSG_RELOAD);
	return arg == NULL ? buf_err(b) : ERR_MALFORMED;
}

static int
make_status(struct buf *b, const char *arg)
{
	chan_begin(b, CTLMSG_STATUS);
	return arg == NULL ? buf_err(b) : ERR_MALFORMED;
}

static const struct {
	const char *name;
	int (*make)(struct buf *, const char *arg);
} commands[] = {
	{ "why", make_why },
	{ "reload", make_reload },
	{ "status", make_status },
};

/* ---- printing ------------------------------------------------------------------------ */

/* [{"kind":"daemon","pid":"1",...},...] */
static int
print_json(struct rd *r)
{
	static struct ctlmsg_item it;
	bool first = true;
	int n;

	(void)putchar('[');
	while ((n = ctlmsg_next(r, &it)) > 0) {
		if (it.record) {
			(void)fputs(first ? "{\"kind\":" : "},\n{\"kind\":",
			    stdout);
			json_string(it.value);
			first = false;
			continue;
		}
		(void)putchar(',');
		json_string(it.name);
		(void)putchar(':');
		json_string(it.value);
	}
	(void)puts(first ? "]" : "}]");
	return n;
}

static int
print_text(struct rd *r)
{
	static struct ctlmsg_item it;
	bool first = true;
	char text[CTLMSG_TEXT_MAX];
	int n;

	while ((n = ctlmsg_next(r, &it)) > 0) {
		err_escape(text, sizeof(text), it.value, strlen(it.value));
		if (it.record) {
			(void)printf("%s%s\n", first ? "" : "\n", text);
			first = false;
		} else
			(void)printf("  %-24s %s\n", it.name, text);
	}
	return n;
}

/* ---- the socket ------------------------------------------------------------------------ */

static int
connect_to(const struct options *o)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	char dir[256];
	int fd;

	if (o->run_dir != NULL)
		(void)snprintf(dir, sizeof(dir), "%s", o->run_dir);
	else if (rundir_default(o->conf, dir, sizeof(dir)) != 0)
		dir[0] = '\0';
	if (snprintf(un.sun_path, sizeof(un.sun_path), "%s/control", dir) >=
	    (int)sizeof(un.sun_path)) {
		(void)fprintf(stderr, "certloginctl: %s: path too long\n",
		    dir);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	(void)fprintf(stderr, "certloginctl: no certlogind answers at %s: "
	    "%s\ncertloginctl: is it running, with %s, and are you root?\n",
	    un.sun_path, strerror(errno), o->conf);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static int
talk(const struct options *o, const struct buf *request)
{
	char error[CTLMSG_TEXT_MAX];
	struct chan_msg m;
	uint8_t status;
	struct buf in;
	int fd = connect_to(o), r;

	if (fd < 0)
		return EXIT_COULD_NOT;
	buf_init(&in, CHAN_MSG_MAX);
	if ((r = chan_send(fd, request, NULL, 0)) == 0)
		r = chan_recv_timeout(fd, &in, &m, 0, ANSWER_MS);
	if (r == 0)
		r = m.type == CTLMSG_ANSWER ?
		    ctlmsg_head(&m.body, &status, error) : ERR_TYPE;
	if (r == 0 && error[0] != '\0')
		(void)fprintf(stderr, "certloginctl: %s\n", error);
	if (r == 0)
		r = o->json ? print_json(&m.body) : print_text(&m.body);
	(void)close(fd);
	buf_free(&in);
	if (r == 0)
		return status;
	(void)fprintf(stderr, "certloginctl: certlogind: %s\n", err_text(r));
	return EXIT_COULD_NOT;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "json", no_argument, NULL, 'j' },
		{ "run-dir", required_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .conf = RUNDIR_DEFAULT_CONF };
	struct buf b;
	int c;

	while ((c = getopt_long(argc, argv, "f:hV", longs, NULL)) != -1)
		switch (c) {
		case 'f':
			o.conf = optarg;
			break;
		case 'j':
			o.json = true;
			break;
		case 'r':
			o.run_dir = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_DONE;
		case 'V':
			(void)puts("certloginctl " PACKAGE_VERSION);
			return EXIT_DONE;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	buf_init(&b, CHAN_MSG_MAX);
	for (size_t i = 0; optind < argc && argc - optind <= 2 &&
	    i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[optind], commands[i].name) == 0 &&
		    commands[i].make(&b, argv[optind + 1]) == 0) {
			c = talk(&o, &b);
			buf_free(&b);
			return c;
		}
	buf_free(&b);
	usage(stderr);
	return EXIT_USAGE;
}
