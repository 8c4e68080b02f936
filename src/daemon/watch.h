/*
 * Notices by itself that a file which is in force was changed.
 *
 * inotify on every folder on the way to the files says that something
 * happened; whether a file changed, only its state says (struct path_state),
 * compared with what was loaded.  So what lies beside, and what we write
 * ourselves, causes nothing, and an event that was lost costs time alone: now
 * and then all files are looked at anyway, for file systems that report
 * nothing, and for limits that were reached.
 */
#ifndef DAEMON_WATCH_H
#define DAEMON_WATCH_H

#include <ev.h>
#include <stdbool.h>

#include "proto/ipc.h"

#define WATCH_QUIET 0.05	/* seconds without an event: it is over */
#define WATCH_BOUND 0.5		/* and if it never is */
#define WATCH_SWEEP 5.		/* all files are looked at this often */
#define WATCH_RETRIES 5

/* What is loaded together. */
enum watch_group { WATCH_KEY, WATCH_POLICY, WATCH_GROUPS };

/* ---- files renamed together are one change -------------------------------- */

struct watch_calm {
	double first, last;	/* events, monotonic seconds; 0 = none */
};

void watch_calm_note(struct watch_calm *c, double now);
/* An event was noted, and it is time to look. */
bool watch_calm_due(const struct watch_calm *c, double now);

/* ---- the files -------------------------------------------------------------- */

struct watch;

/*
 * changed() is called from the loop when files of a group are not what was
 * loaded and none of them, but for a CRL, is open for writing; path is one that
 * changed, or NULL when the last load could not be tried at all and is to be
 * tried again.  The caller then loads them, which ends with one of the three
 * below; until then nothing is said about that group.  NULL when out of memory.
 * sweep is WATCH_SWEEP.
 */
struct watch *watch_new(struct ev_loop *loop, double sweep,
    void (*changed)(void *arg, enum watch_group g, const char *path),
    void *arg);
void watch_free(struct watch *w);

/* All accept NULL for w. */

/* A load has begun, asked for by changed() or by somebody else. */
void watch_begin(struct watch *w, enum watch_group g);

/* It read these and is in force, or refused them: they are what a change is
 * measured by from now on. */
void watch_loaded(struct watch *w, enum watch_group g,
    const struct ipc_sources *sources);

/* It said nothing about the files, for want of memory, say: try again a few
 * times. */
void watch_failed(struct watch *w, enum watch_group g);

/* It said nothing about the files and need not be repeated. */
void watch_kept(struct watch *w, enum watch_group g);

/* The file that changes of this group (or, a CRL, its own) wait for, since it
 * is open for writing for longer than a sweep; or NULL. */
const char *watch_waits_for(const struct watch *w, enum watch_group g);

/* Files of this group, but for that of the path `but`, are not what was loaded:
 * a load of them is at work, or begins soon. */
bool watch_due(struct watch *w, enum watch_group g, const char *but);

#endif
