/*
 * certlogind: the listener.  See daemon.h for what it does and never does.
 */
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/helper.h"
#include "base/log.h"
#include "base/path.h"
#include "daemon/conn.h"
#include "daemon/ctl.h"
#include "daemon/expiry.h"
#include "daemon/listener.h"
#include "daemon/loader.h"
#include "daemon/notify.h"
#include "daemon/places.h"
#include "daemon/reload.h"
#include "daemon/review.h"
#include "daemon/setup.h"
#include "daemon/spare.h"
#include "daemon/trial.h"
#include "daemon/watch.h"
#include "proto/rundir.h"

#define SETTINGS_MAX 64
#define REPORT_SECONDS 10.
#define DAY_SECONDS 86400.
#define WATCHDOG_RETRY 1.	/* seconds to the next try of a sign of life */

enum { EXIT_PROBLEM = 1, EXIT_USAGE = 2, EXIT_COULD_NOT = 3 };

struct options {
	const char *conf;
	bool foreground, to_stderr, test;
	const char *setting[SETTINGS_MAX];
	size_t n_settings;
};

static void
usage(FILE *f)
{
	(void)fputs("usage: certlogind [-f CONF] [-D] [-e] [-t] "
	    "[-o KEY=VALUE]...\n"
	    "  -f CONF       configuration (default " RUNDIR_DEFAULT_CONF
	    ")\n"
	    "  -D            stay in the foreground\n"
	    "  -e            log to stderr instead of syslog\n"
	    "  -t            check configuration, trust, map, host key and "
	    "exit\n"
	    "  -o KEY=VALUE  a setting of CONF, for this run\n"
	    "  --help, --version\n", f);
}

static void
version(void)
{
	(void)puts("certlogind " PACKAGE_VERSION ", "
#ifdef WITH_SANDBOX
	    "sandbox"
#else
	    "no sandbox (built with --disable-sandbox)"
#endif
	    );
}

/* 0 to go on, else an exit status + 1. */
static int
parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ .conf = RUNDIR_DEFAULT_CONF };
	while ((c = getopt_long(argc, argv, "f:Deto:hV", longs, NULL)) != -1)
		switch (c) {
		case 'f':
			o->conf = optarg;
			break;
		case 'D':
			o->foreground = true;
			break;
		case 'e':
			o->to_stderr = true;
			break;
		case 't':
			o->test = true;
			break;
		case 'o':
			if (o->n_settings == SETTINGS_MAX) {
				usage(stderr);
				return EXIT_USAGE + 1;
			}
			o->setting[o->n_settings++] = optarg;
			break;
		case 'h':
			usage(stdout);
			return 1;
		case 'V':
			version();
			return 1;
		default:
			usage(stderr);
			return EXIT_USAGE + 1;
		}
	if (optind != argc) {
		usage(stderr);
		return EXIT_USAGE + 1;
	}
	return 0;
}

static int
open_programs(struct programs *p, const char *dir, struct why *why)
{
	const struct {
		int *fd;
		const char *name;
	} rows[] = {
		{ &p->hostkey, "certlogin-hostkey" },
		{ &p->net, "certlogin-net" },
		{ &p->judge, "certlogin-judge" },
		{ &p->session, "certlogin-session" },
		{ &p->start, "certlogin-start" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if ((*rows[i].fd = helper_open(dir, rows[i].name, why)) < 0)
			return *rows[i].fd;
	return 0;
}

/* 0-2 must be something: sockets would get their numbers otherwise.  What
 * else our starter left open is none of ours. */
static int
sane_descriptors(void)
{
	int fd;

	if (close_range(3 + (unsigned)listener_inherited(), ~0U, 0) != 0)
		return ERR_SYS;
	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd < 3);
	if (fd < 0)
		return ERR_SYS;
	(void)close(fd);
	return 0;
}

static void
raise_limit(struct daemon *d)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) != 0)
		return;
	d->open_files = l.rlim_cur;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

/* ---- events ------------------------------------------------------------------------ */

static void
on_hup(struct ev_loop *loop, ev_signal *w, int revents)
{
	(void)loop;
	(void)revents;
	log_info("SIGHUP: reloading");
	reload_ask(w->data, SETUP_ALL, -1);
}

static void
on_term(struct ev_loop *loop, ev_signal *w, int revents)
{
	struct daemon *d = w->data;

	(void)revents;
	d->stopping = true;
	ev_break(loop, EVBREAK_ALL);
}

static void
on_child(struct ev_loop *loop, ev_child *w, int revents)
{
	struct daemon *d = w->data;

	(void)loop;
	(void)revents;
	if (!spare_ended(d->spares, w->rpid) && !reload_ended(d, w->rpid) &&
	    !review_ended(d, w->rpid, w->rstatus) &&
	    !trial_ended(d, w->rpid, w->rstatus))
		conn_ended(d, w->rpid, w->rstatus);
}

static void
on_report(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct daemon *d = w->data;
	char line[512];

	(void)loop;
	(void)revents;
	if (limits_report(d->limits, line, sizeof(line))[0] != '\0')
		log_warn("%s", line);
}

static void
on_expiry(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	expiry_warn(w->data);
}

static void
on_watchdog(struct ev_loop *loop, ev_timer *w, int revents)
{
	const struct daemon *d = w->data;

	(void)revents;
	w->repeat = d->watchdog_pause;
	/* the one after it would be too late */
	if (!notify_send("WATCHDOG=1") && w->repeat > WATCHDOG_RETRY)
		w->repeat = WATCHDOG_RETRY;
	ev_timer_again(loop, w);
}

static void
watch(struct daemon *d)
{
	ev_signal_init(&d->hup, on_hup, SIGHUP);
	ev_signal_init(&d->term, on_term, SIGTERM);
	ev_signal_init(&d->intr, on_term, SIGINT);
	ev_child_init(&d->child, on_child, 0, 0);
	ev_timer_init(&d->report, on_report, REPORT_SECONDS, REPORT_SECONDS);
	ev_timer_init(&d->expiry, on_expiry, 0., DAY_SECONDS);
	d->hup.data = d->term.data = d->intr.data = d->child.data =
	    d->report.data = d->expiry.data = d;
	ev_signal_start(d->loop, &d->hup);
	ev_signal_start(d->loop, &d->term);
	ev_signal_start(d->loop, &d->intr);
	ev_child_start(d->loop, &d->child);
	ev_timer_start(d->loop, &d->report);
	ev_timer_start(d->loop, &d->expiry);
	if ((d->watchdog_pause = notify_watchdog()) > 0.) {
		ev_timer_init(&d->watchdog, on_watchdog, 0., 0.);
		d->watchdog.data = d;
		ev_timer_start(d->loop, &d->watchdog);
	}
}

/* ---- start and stop ------------------------------------------------------------------ */

static int
prepare(struct daemon *d, struct why *why)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	/* short enough to read out, and no repeats within weeks */
	d->next_reference = (uint64_t)(now.tv_sec % 1000000) * 1000 + 1;
	d->next_policy = (uint64_t)now.tv_sec;
	d->started = (int64_t)now.tv_sec;
	raise_limit(d);
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return why_errno(why, "signal");
	if ((d->loop = ev_default_loop(EVFLAG_AUTO)) == NULL)
		return why_set(why, ERR_SYS, "no event loop");
	d->limits = limits_new();
	d->why = why_log_new();
	d->spares = spare_new(d);
	if (d->limits == NULL || d->why == NULL || d->spares == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	return 0;
}

/* Configuration once before everything, for the folders it names. */
static int
open_places(struct daemon *d, bool test, struct why *why)
{
	struct diag diag;
	struct conf c;
	int r;

	diag_init(&diag);
	r = conf_load(&c, d->conf_path, d->settings, d->n_settings, &diag);
	if (r != 0) {
		loader_log(&diag);
		(void)why_set(why, r, "%s has errors", d->conf_path);
	} else if ((r = open_programs(&d->programs, c.helpers, why)) == 0)
		r = places_open(c.run_dir, test, &d->lock, &d->empty_dir,
		    why);
	conf_free(&c);
	diag_free(&diag);
	return r;
}

/* Before anything is started, so that every process is our child; the
 * parent waits until the port is open, so that its exit status is true. */
static int
go_background(int *ready, struct why *why)
{
	char byte = EXIT_COULD_NOT;
	int p[2];
	pid_t pid;

	if (pipe2(p, O_CLOEXEC) != 0 || (pid = fork()) < 0)
		return why_errno(why, "fork");
	if (pid > 0) {
		(void)close(p[1]);
		/* nothing to read: the child ended and said why */
		if (read(p[0], &byte, 1) != 1)
			byte = EXIT_PROBLEM;
		_exit(byte);
	}
	(void)close(p[0]);
	*ready = p[1];
	return setsid() < 0 || chdir("/") != 0 ? why_errno(why, "setsid") : 0;
}

static void
tell_parent(int ready)
{
	static const char done = 0;

	(void)path_write_all(ready, &done, 1);
	(void)close(ready);
}

static int
run(struct daemon *d, int ready, struct why *why)
{
	int r;

	if ((r = review_open(d, why)) != 0 ||
	    (r = listener_open(d, why)) != 0 || (r = ctl_open(d, why)) != 0)
		return r;
	watch(d);
	if ((r = reload_watch(d)) != 0)
		return why_set(why, r, "out of memory");
	spare_renew(d->spares);
	for (size_t i = 0; i < d->setup->conf.n_listen; i++)
		log_info("listening on %s", d->setup->conf.listen[i].text);
	notify_ready();
	if (ready >= 0)
		tell_parent(ready);
	ev_run(d->loop, 0);
	(void)notify_send("STOPPING=1");
	log_info("stopping; %zu live sessions stay", d->live);
	listener_close(d);
	ctl_close(d);
	watch_free(d->watch);
	spare_free(d->spares);
	review_close(d);
	trial_close(d);
	conn_free_all(d);
	setup_free(d->setup);
	return 0;
}

int
main(int argc, char **argv)
{
	static struct daemon d;
	struct options o;
	struct why why;
	int ready = -1, r = parse_options(argc, argv, &o);

	if (r != 0)
		return r - 1;
	/* first: closing descriptors would close the log's as well */
	r = sane_descriptors();
	log_open("certlogind", o.to_stderr || o.test, LOG_LEVEL_INFO);
	if (geteuid() != 0) {
		log_error("needs root: it starts helpers as other users and "
		    "sessions as the account; try: sudo certlogind");
		return EXIT_COULD_NOT;
	}
	d.conf_path = o.conf;
	d.test = o.test;
	d.settings = o.setting;
	d.n_settings = o.n_settings;
	if (r != 0) {
		log_error("descriptors: close_range or /dev/null failed");
		return EXIT_COULD_NOT;
	}
	if ((!o.foreground && !o.test &&
	    (r = go_background(&ready, &why)) != 0) ||
	    (r = prepare(&d, &why)) != 0 ||
	    (r = open_places(&d, o.test, &why)) != 0) {
		log_error("%s", why.text);
		return EXIT_PROBLEM;
	}
	if (setup_first(&d) != 0)
		return EXIT_PROBLEM;
	if (o.test) {
		expiry_warn(&d);
		log_info("configuration is good: %u rules, %zu authorities",
		    d.setup->done.rules, d.setup->done.n);
		return 0;
	}
	if ((r = run(&d, ready, &why)) != 0)
		log_error("%s", why.text);
	return r == 0 ? 0 : EXIT_COULD_NOT;
}
