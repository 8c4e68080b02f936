/*
 * The listener as a whole.
 *
 * What certlogind does: accepts, limits, keeps warm spares of net, judge and
 * session, joins them to a connection, keeps the list of live sessions.  What
 * it never does: read a byte that a stranger sent, touch a certificate, know
 * the host key.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/limits.h"
#include "daemon/metrics.h"
#include "daemon/why.h"
#include "proto/conf.h"
#include "proto/ipc.h"
#include "proto/load.h"

/* Executables opened at start: an upgrade never mixes versions. */
struct programs {
	int hostkey, net, judge, session, start;
};

struct ids {
	uid_t uid;
	gid_t gid;
};

struct hostkey;			/* hostkey.c */
struct spares;			/* spare.c */
struct watch;			/* watch.c */
struct conn;			/* conn.c */
struct live;			/* live.c */
struct reload;			/* reload.c */
struct ctl;			/* ctl.c */
struct review;			/* review.c */
struct trials;			/* trial.c */

/* What is in force: its parts are made anew by a reload, and swapped. */
struct setup {
	struct conf conf;
	struct ids net, judge, key;
	gid_t control;		/* who may look; PEER_NO_GROUP: nobody */
	uint64_t number;	/* of the policy */
	int policy;		/* sealed memfd for judges */
	int settings;		/* sealed memfd for sessions */
	struct ipc_load_done done;
	struct ipc_sources sources;	/* the files of the policy */
	struct hostkey *hostkey;
	struct ipc_sources key_sources;	/* the files of the host key */
	int64_t loaded;		/* the policy: seconds since 1970 */
};

#define RELOAD_WAITERS_MAX 16
#define RELOADS_MAX 2		/* at work: host key and policy */
#define SETUP_ERRORS 3		/* of configuration, host key, policy */

/* An admin's tool that waits for the end of a reload. */
struct reload_waiter {
	int fd;
	unsigned parts;			/* enum setup_part */
	const struct reload *reload;	/* NULL until one of these began */
};

struct daemon {
	struct ev_loop *loop;
	const char *conf_path;
	const char *const *settings;	/* -o KEY=VALUE */
	size_t n_settings;
	struct programs programs;
	int empty_dir;			/* helpers chroot here */
	int lock;			/* one certlogind per run-dir */
	uint64_t open_files;		/* soft limit that we started with */
	uint64_t next_reference;
	uint64_t next_policy;
	struct setup *setup;
	struct reload *reload[RELOADS_MAX];	/* at work, or NULL */
	unsigned again;			/* enum setup_part: to be loaded next */
	struct reload_waiter waiter[RELOAD_WAITERS_MAX];
	size_t n_waiters;
	struct watch *watch;		/* changed files; NULL with test */
	ev_periodic look_again;		/* time alone changes what they give */
	struct spares *spares;
	struct limits *limits;
	struct why_log *why;
	struct conn *conns;		/* list */
	struct live *sessions;		/* list: those that are logged in */
	size_t live;			/* their number */
	uint64_t next_order;		/* of the next one's place in it */
	struct review *review;
	struct trials *trials;
	struct metrics metrics;
	int64_t started;		/* seconds since 1970 */
	char error[SETUP_ERRORS][512];	/* why the last load of it was refused,
					 * "" = it was not */
	ev_io listeners[CONF_LISTEN_MAX];
	ev_timer pause;			/* no descriptors: listen again soon */
	struct ctl *ctl;		/* control and register sockets */
	ev_timer report;		/* aggregated refusals */
	ev_timer expiry;		/* daily warnings */
	ev_timer watchdog;		/* systemd's, if it has one: */
	double watchdog_pause;		/* seconds between two signs of life */
	ev_signal hup, term, intr;
	ev_child child;
	bool stopping;
	bool test;			/* -t: nothing on the disk changes */
};

#endif
