#include "daemon/watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "proto/load.h"

#define TICK 0.02		/* a storm of events wakes us this often */
#define REST_MAX 2.		/* seconds: a load that takes long is followed
				 * by as long a rest, but no longer */
#define FOLDERS_MAX 128		/* what is beyond is swept only */
#define EVENTS_SIZE 32768

/* What makes a file or a folder on the way another one.  A file that is made
 * is reported when it is closed, but a link is complete at once. */
#define ON_THE_WAY (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
    IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)
#define AROUND_FILES (ON_THE_WAY | IN_CLOSE_WRITE)
#define HOW (IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD)

struct folder {
	char path[sizeof(((struct ipc_source *)0)->path)];
	int wd;			/* -1: not watched */
	uint32_t mask;
	bool wanted;
};

struct group {
	struct ipc_sources loaded;
	struct path_state begun[IPC_SOURCES_MAX];	/* seen at a begin */
	bool known;		/* loaded is filled */
	bool loading;
	bool retry;
	unsigned retries;
	double since;		/* the load began */
	double rest;		/* nothing before that */
	const struct ipc_source *held;	/* open for writing */
	double held_since;
};

struct watch {
	struct ev_loop *loop;
	void (*changed)(void *arg, enum watch_group g, const char *path);
	void *arg;
	int fd;			/* inotify, or -1 */
	bool limited;		/* said so */
	ev_io io;
	ev_timer tick, sweep;
	struct watch_calm calm;
	struct group group[WATCH_GROUPS];
	struct folder folder[FOLDERS_MAX];
	size_t n_folders;
	_Alignas(struct inotify_event) char events[EVENTS_SIZE];
};

/* ---- calm ------------------------------------------------------------------- */

void
watch_calm_note(struct watch_calm *c, double now)
{
	if (c->last == 0.)
		c->first = now;
	c->last = now;
}

bool
watch_calm_due(const struct watch_calm *c, double now)
{
	return c->last != 0. && (now - c->last >= WATCH_QUIET ||
	    now - c->first >= WATCH_BOUND);
}

static void
note(struct watch *w)
{
	watch_calm_note(&w->calm, mono_seconds());
	if (!ev_is_active(&w->tick))
		ev_timer_again(w->loop, &w->tick);
}

/* ---- folders ---------------------------------------------------------------- */

/* Folders that cannot be watched are missing, or too many: the limits of
 * inotify are shared by all of root's programs. */
static void
say_limited(struct watch *w, const char *what)
{
	if (w->limited)
		return;
	w->limited = true;
	log_warn("inotify: %s: %s; changed files are noticed all the same, "
	    "but only within %.0f s", what, strerror(errno), w->sweep.repeat);
}

static void
want_folder(struct watch *w, const char *path, size_t n, uint32_t mask)
{
	struct folder *f = NULL;

	for (size_t i = 0; f == NULL && i < w->n_folders; i++)
		if (strncmp(w->folder[i].path, path, n) == 0 &&
		    w->folder[i].path[n] == '\0')
			f = &w->folder[i];
	if (f == NULL) {
		if (w->n_folders == FOLDERS_MAX)
			return;
		f = &w->folder[w->n_folders++];
		*f = (struct folder){ .wd = -1 };
		memcpy(f->path, path, n);
	}
	f->mask = f->wanted ? f->mask | mask : mask;
	f->wanted = true;
}

/* Every folder on the way: any can be moved away and back. */
static void
want_folders_of(struct watch *w, const char *path)
{
	const char *last = strrchr(path, '/');

	want_folder(w, "/", 1, last == path ? AROUND_FILES : ON_THE_WAY);
	for (const char *p = path + 1; (p = strchr(p, '/')) != NULL; p++)
		want_folder(w, path, (size_t)(p - path),
		    p == last ? AROUND_FILES : ON_THE_WAY);
}

/* Two paths may lead to one folder, and so to one number. */
static void
unwatch(struct watch *w, const struct folder *f)
{
	for (size_t i = 0; i < w->n_folders; i++)
		if (&w->folder[i] != f && w->folder[i].wd == f->wd)
			return;
	if (f->wd >= 0)
		(void)inotify_rm_watch(w->fd, f->wd);
}

static void
watch_folder(struct watch *w, struct folder *f)
{
	int wd = inotify_add_watch(w->fd, f->path, f->mask | HOW);

	if (wd < 0 && errno != ENOENT && errno != ENOTDIR)
		say_limited(w, f->path);
	/* the path leads somewhere else now */
	if (f->wd != wd)
		unwatch(w, f);
	f->wd = wd;
}

/* Watch what there is of the folders, and nothing else. */
static void
arm(struct watch *w)
{
	if (w->fd < 0)
		return;
	for (size_t i = 0; i < w->n_folders; i++)
		w->folder[i].wanted = false;
	for (size_t g = 0; g < WATCH_GROUPS; g++)
		for (size_t i = 0; i < w->group[g].loaded.n; i++)
			want_folders_of(w, w->group[g].loaded.source[i].path);
	for (size_t i = 0; i < w->n_folders; )
		if (w->folder[i].wanted) {
			watch_folder(w, &w->folder[i++]);
		} else {
			unwatch(w, &w->folder[i]);
			w->folder[i] = w->folder[--w->n_folders];
		}
}

/* ---- files ------------------------------------------------------------------ */

/* s NULL: nothing is waited for. */
static void
hold(struct group *g, const struct ipc_source *s, double now)
{
	if (g->held == s)
		return;
	g->held = s;
	g->held_since = now;
	if (s == NULL)
		return;
	log_warn("%s is open for writing; what has changed is loaded when it "
	    "is closed", s->path);
}

/* Of a group: the first file that changed, and the first that is being
 * written.  A CRL that is being written has not changed yet, and nothing waits
 * for it. */
struct look {
	const struct ipc_source *changed, *written, *crl;
};

/* A change of the file `but` (NULL: none) does not count. */
static struct look
look_at_files(const struct group *g, const char *but)
{
	struct look l = { .changed = NULL };

	for (size_t i = 0; i < g->loaded.n; i++) {
		const struct ipc_source *s = &g->loaded.source[i];
		struct path_state state;
		bool written = load_look(s, &state);
		bool changed = !path_state_eq(&state, &s->state) &&
		    (but == NULL || strcmp(s->path, but) != 0);

		if (written && !s->crl && l.written == NULL)
			l.written = s;
		if (written && s->crl && changed && l.crl == NULL)
			l.crl = s;
		if (changed && !(written && s->crl) && l.changed == NULL)
			l.changed = s;
	}
	return l;
}

/* Returns false if the group has to be looked at again soon. */
static bool
look_at(struct watch *w, enum watch_group which, bool sweep)
{
	struct group *g = &w->group[which];
	struct look l;
	double now = mono_seconds();

	if (!g->known || g->loading)
		return true;
	if (now < g->rest)
		return false;
	l = look_at_files(g, NULL);
	if (l.changed == NULL && !(g->retry && sweep)) {
		hold(g, l.crl, now);
		return true;
	}
	if (l.written != NULL) {
		hold(g, l.written, now);
		return true;
	}
	/* nothing said that it is over */
	if (l.changed != NULL && sweep)
		return false;
	if (l.changed != NULL)
		g->retries = 0;
	watch_begin(w, which);
	w->changed(w->arg, which, l.changed != NULL ? l.changed->path : NULL);
	return true;
}

static void
look_at_all(struct watch *w, bool sweep)
{
	bool done = true;

	w->calm = (struct watch_calm){ .last = 0. };
	arm(w);
	for (size_t g = 0; g < WATCH_GROUPS; g++)
		done = look_at(w, (enum watch_group)g, sweep) && done;
	if (!done)
		note(w);
}

/* ---- events ----------------------------------------------------------------- */

/* Whether something of this name in a folder is a file of ours, or is on the
 * way to one. */
static bool
concerns(const struct watch *w, const struct folder *f, const char *name)
{
	char path[sizeof(f->path) + NAME_MAX + 2];
	size_t n = (size_t)snprintf(path, sizeof(path), "%s/%s",
	    f->path[1] != '\0' ? f->path : "", name);

	for (size_t g = 0; g < WATCH_GROUPS; g++)
		for (size_t i = 0; i < w->group[g].loaded.n; i++) {
			const char *s = w->group[g].loaded.source[i].path;

			if (strncmp(s, path, n) == 0 &&
			    (s[n] == '\0' || s[n] == '/'))
				return true;
		}
	return false;
}

static bool
event_concerns(const struct watch *w, const struct inotify_event *e)
{
	/* lost events, or the folder itself */
	if (e->wd < 0 || e->len == 0)
		return true;
	for (size_t i = 0; i < w->n_folders; i++)
		if (w->folder[i].wd == e->wd &&
		    concerns(w, &w->folder[i], e->name))
			return true;
	return false;
}

static void
take_events(struct watch *w)
{
	ssize_t n = w->fd >= 0 ? read(w->fd, w->events, sizeof(w->events)) : 0;
	bool any = false;

	if (n <= 0)
		return;
	for (char *p = w->events; p < w->events + n; ) {
		const struct inotify_event *e = (const void *)p;

		any |= event_concerns(w, e);
		p += sizeof(*e) + e->len;
	}
	if (any)
		note(w);
}

/* One read, then a pause: a storm of events is bounded in what it costs, and
 * what overflows meanwhile is reported as such. */
static void
on_events(struct ev_loop *loop, ev_io *io, int revents)
{
	struct watch *w = io->data;

	(void)revents;
	take_events(w);
	ev_io_stop(loop, io);
	ev_timer_again(loop, &w->tick);
}

static void
on_tick(struct ev_loop *loop, ev_timer *t, int revents)
{
	struct watch *w = t->data;

	(void)revents;
	/* what lies unread is no quiet */
	take_events(w);
	if (watch_calm_due(&w->calm, mono_seconds()))
		look_at_all(w, false);
	if (w->fd >= 0)
		ev_io_start(loop, &w->io);
	if (w->calm.last == 0.)
		ev_timer_stop(loop, t);
}

static void
on_sweep(struct ev_loop *loop, ev_timer *t, int revents)
{
	(void)loop;
	(void)revents;
	look_at_all(t->data, true);
}

/* ---- the rest ------------------------------------------------------------------ */

struct watch *
watch_new(struct ev_loop *loop, double sweep,
    void (*changed)(void *arg, enum watch_group g, const char *path),
    void *arg)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->loop = loop;
	w->changed = changed;
	w->arg = arg;
	ev_timer_init(&w->tick, on_tick, TICK, TICK);
	ev_timer_init(&w->sweep, on_sweep, sweep, sweep);
	w->tick.data = w->sweep.data = w;
	ev_timer_start(loop, &w->sweep);
	if ((w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) < 0)
		say_limited(w, "cannot be used");
	ev_io_init(&w->io, on_events, w->fd, EV_READ);
	w->io.data = w;
	if (w->fd >= 0)
		ev_io_start(loop, &w->io);
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	ev_io_stop(w->loop, &w->io);
	ev_timer_stop(w->loop, &w->tick);
	ev_timer_stop(w->loop, &w->sweep);
	if (w->fd >= 0)
		(void)close(w->fd);
	free(w);
}

void
watch_begin(struct watch *w, enum watch_group which)
{
	struct group *g;

	if (w == NULL)
		return;
	g = &w->group[which];
	g->loading = true;
	g->held = NULL;
	g->since = mono_seconds();
	for (size_t i = 0; i < g->loaded.n; i++)
		(void)load_look(&g->loaded.source[i], &g->begun[i]);
}

/* What changed meanwhile is found by the next look. */
static struct group *
end(struct watch *w, enum watch_group which)
{
	struct group *g = &w->group[which];
	double now = mono_seconds(), took = g->loading ? now - g->since : 0.;

	g->rest = now + (took < REST_MAX ? took : REST_MAX);
	g->loading = g->retry = false;
	note(w);
	return g;
}

void
watch_loaded(struct watch *w, enum watch_group which,
    const struct ipc_sources *sources)
{
	struct group *g;

	if (w == NULL)
		return;
	g = end(w, which);
	g->loaded = *sources;
	g->known = true;
	g->held = NULL;
	g->retries = 0;
	arm(w);
}

void
watch_failed(struct watch *w, enum watch_group which)
{
	struct group *g;

	if (w == NULL)
		return;
	g = end(w, which);
	/* what is there is known to be there; it is not a change again */
	for (size_t i = 0; i < g->loaded.n; i++)
		g->loaded.source[i].state = g->begun[i];
	g->retry = g->retries++ < WATCH_RETRIES;
}

void
watch_kept(struct watch *w, enum watch_group which)
{
	if (w != NULL)
		(void)end(w, which);
}

const char *
watch_waits_for(const struct watch *w, enum watch_group which)
{
	const struct group *g = w != NULL ? &w->group[which] : NULL;

	return g != NULL && g->held != NULL && mono_seconds() -
	    g->held_since >= w->sweep.repeat ? g->held->path : NULL;
}

bool
watch_due(struct watch *w, enum watch_group which, const char *but)
{
	const struct group *g = w != NULL ? &w->group[which] : NULL;
	struct look l;

	if (g == NULL || !g->known)
		return false;
	l = look_at_files(g, but);
	if (l.changed == NULL || l.written != NULL)
		return false;
	/* nothing may have reported it; and once is enough, or it would never
	 * be quiet */
	if (!g->loading && w->calm.last == 0.)
		note(w);
	return true;
}
