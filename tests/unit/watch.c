/*
 * certlogind's eye on its files: what is a change, when it is reported, and
 * how often, in a folder of the test's own.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "daemon/watch.h"
#include "proto/load.h"

#define NEVER 1000.		/* seconds between sweeps: inotify alone */
#define SOON 0.2		/* seconds between sweeps, where they are meant */
#define LIMIT 5.		/* seconds until a test gives up */
#define NOTHING 0.12		/* seconds in which nothing is to happen */

static char dir[64];
static struct ev_loop *loop;
static struct watch *w;
static unsigned reports[WATCH_GROUPS], nameless;
static char last[512];
static struct ipc_sources files;

/* ---- a folder, and files that are watched ------------------------------------- */

static char *
at(const char *name)
{
	static char path[4][512];
	static unsigned next;
	char *p = path[next++ % 4];

	(void)snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(at(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static void
put_by_rename(const char *name, const char *text)
{
	put("beside", text);
	ck_assert_int_eq(rename(at("beside"), at(name)), 0);
}

/* What a load would open now. */
static void
load(void)
{
	static const char *const names[] = { "one", "sub/two", "sub/gone" };

	files.n = 0;
	for (size_t i = 0; i < 3; i++) {
		int fd = path_open(at(names[i]), 0, NULL);

		ck_assert_int_eq(ipc_sources_add(&files, at(names[i]), 0, fd),
		    0);
		if (fd >= 0)
			(void)close(fd);
	}
}

static void
changed(void *arg, enum watch_group g, const char *path)
{
	(void)arg;
	reports[g]++;
	if (path == NULL)
		nameless++;
	(void)snprintf(last, sizeof(last), "%s", path != NULL ? path : "");
	ev_break(loop, EVBREAK_ALL);
}

static void
on_time(struct ev_loop *l, ev_timer *t, int revents)
{
	(void)t;
	(void)revents;
	ev_break(l, EVBREAK_ALL);
}

/* Until something is reported, or that many seconds. */
static void
run(double seconds)
{
	ev_timer t;

	ev_now_update(loop);
	ev_timer_init(&t, on_time, seconds, 0.);
	ev_timer_start(loop, &t);
	ev_run(loop, 0);
	ev_timer_stop(loop, &t);
}

static void
begin_with(double sweep)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/certlogin-watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(at("sub"), 0755), 0);
	put("one", "1");
	put("sub/two", "2");
	loop = ev_default_loop(EVFLAG_AUTO);
	w = watch_new(loop, sweep, changed, NULL);
	ck_assert_ptr_nonnull(w);
	memset(reports, 0, sizeof(reports));
	nameless = 0;
	load();
	watch_loaded(w, WATCH_POLICY, &files);
	/* the look that closes the gap behind a load is over */
	run(NOTHING);
	ck_assert_uint_eq(reports[WATCH_POLICY], 0);
}

static void
begin(void)
{
	begin_with(NEVER);
}

static void
end(void)
{
	char command[128];

	watch_free(w);
	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

static void
reported(const char *name)
{
	unsigned before = reports[WATCH_POLICY];

	run(LIMIT);
	ck_assert_uint_eq(reports[WATCH_POLICY], before + 1);
	ck_assert_str_eq(last, name != NULL ? at(name) : "");
	ck_assert_uint_eq(reports[WATCH_KEY], 0);
}

static void
silent(void)
{
	unsigned before = reports[WATCH_POLICY];

	run(NOTHING);
	ck_assert_uint_eq(reports[WATCH_POLICY], before);
}

/* As the owner does. */
static void
loaded(void)
{
	load();
	watch_loaded(w, WATCH_POLICY, &files);
}

/* ---- calm ------------------------------------------------------------------------ */

START_TEST(calm)
{
	struct watch_calm c = { .last = 0. };

	ck_assert(!watch_calm_due(&c, 100.));
	watch_calm_note(&c, 100.);
	ck_assert(!watch_calm_due(&c, 100. + WATCH_QUIET / 2));
	ck_assert(watch_calm_due(&c, 100.001 + WATCH_QUIET));
	/* another one begins the quiet anew, but not for ever */
	for (double t = 100.; t < 99.99 + WATCH_BOUND; t += WATCH_QUIET / 2) {
		ck_assert(!watch_calm_due(&c, t));
		watch_calm_note(&c, t);
	}
	ck_assert(watch_calm_due(&c, 100.001 + WATCH_BOUND));
}
END_TEST

/* ---- what is a change -------------------------------------------------------------- */

static void
by_write(void)
{
	put("sub/two", "3");
}

static void
by_rename(void)
{
	put_by_rename("sub/two", "2");
}

static void
by_delete(void)
{
	ck_assert_int_eq(unlink(at("sub/two")), 0);
}

static void
by_link(void)
{
	put("beside", "2");
	ck_assert_int_eq(unlink(at("sub/two")), 0);
	ck_assert_int_eq(link(at("beside"), at("sub/two")), 0);
}

static void
by_mode(void)
{
	ck_assert_int_eq(chmod(at("sub/two"), 0600), 0);
}

static void
by_owner(void)
{
	ck_assert_int_eq(chown(at("sub/two"), 0, 12345), 0);
}

static void
by_folder_mode(void)
{
	ck_assert_int_eq(chmod(at("sub"), 0777), 0);
}

static void
by_folder_moved(void)
{
	ck_assert_int_eq(rename(at("sub"), at("moved")), 0);
}

static void
by_folder_replaced(void)
{
	ck_assert_int_eq(mkdir(at("new"), 0755), 0);
	put("new/two", "2");
	ck_assert_int_eq(rename(at("sub"), at("moved")), 0);
	ck_assert_int_eq(rename(at("new"), at("sub")), 0);
}

static void
by_symlink(void)
{
	ck_assert_int_eq(rename(at("sub/two"), at("elsewhere")), 0);
	ck_assert_int_eq(symlink(at("elsewhere"), at("sub/two")), 0);
}

static void
by_truncate(void)
{
	ck_assert_int_eq(truncate(at("sub/two"), 0), 0);
	/* a truncation alone is not reported; whoever opens the file to write
	 * closes it again */
	put("sub/two", "");
}

static void (*const changes[])(void) = { by_write, by_rename, by_delete,
    by_link, by_mode, by_owner, by_folder_mode, by_folder_moved,
    by_folder_replaced, by_symlink, by_truncate };

START_TEST(change)
{
	begin();
	changes[_i]();
	reported("sub/two");
	/* once for each change, loaded or refused */
	loaded();
	silent();
	end();
}
END_TEST

START_TEST(appears)
{
	begin();
	put("sub/gone", "x");
	reported("sub/gone");
	loaded();
	ck_assert_int_eq(unlink(at("sub/gone")), 0);
	reported("sub/gone");
	end();
}
END_TEST

/* Both ways, while nobody tells the watch what to look at. */
START_TEST(away_and_back)
{
	begin();
	ck_assert_int_eq(rename(at("sub"), at("moved")), 0);
	reported("sub/two");
	loaded();
	silent();
	ck_assert_int_eq(rename(at("moved"), at("sub")), 0);
	reported("sub/two");
	loaded();
	put("sub/two", "3");
	reported("sub/two");
	end();
}
END_TEST

static void
none_beside(void)
{
	put("beside", "x");
	put("sub/beside", "x");
	put("sub/two.bak", "x");
	ck_assert_int_eq(rename(at("sub/beside"), at("sub/again")), 0);
	ck_assert_int_eq(unlink(at("sub/again")), 0);
	ck_assert_int_eq(mkdir(at("sub/tw"), 0755), 0);
}

static void
none_read(void)
{
	int fd = open(at("one"), O_RDONLY);
	char byte;

	ck_assert_int_eq(read(fd, &byte, 1), 1);
	(void)close(fd);
}

static void
none_opened(void)
{
	int fd = open(at("one"), O_RDWR);

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
}

static void
none_and_back(void)
{
	ck_assert_int_eq(rename(at("sub"), at("moved")), 0);
	ck_assert_int_eq(rename(at("moved"), at("sub")), 0);
}

static void (*const no_changes[])(void) = { none_beside, none_read,
    none_opened, none_and_back };

START_TEST(no_change)
{
	begin();
	no_changes[_i]();
	silent();
	/* the control */
	put("one", "2");
	reported("one");
	end();
}
END_TEST

/* ---- never half a file ---------------------------------------------------------------- */

START_TEST(half_written)
{
	int fd;

	begin();
	fd = open(at("one"), O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "ha", 2), 2);
	silent();
	/* nor when another file is complete */
	put_by_rename("sub/two", "3");
	silent();
	ck_assert_int_eq(write(fd, "lf", 2), 2);
	(void)close(fd);
	reported("one");
	end();
}
END_TEST

/* The loader's side of the same. */
START_TEST(settled)
{
	struct why why;
	int fd;

	begin();
	load();
	ck_assert_int_eq(load_settled(&files, &why), 0);
	fd = open(at("one"), O_WRONLY);
	ck_assert(path_is_written(fd));
	ck_assert_int_eq(load_settled(&files, &why), ERR_AGAIN);
	ck_assert_msg(strstr(why.text, "open for writing") != NULL, "%s",
	    why.text);
	(void)close(fd);
	ck_assert_int_eq(load_settled(&files, &why), 0);
	put("sub/two", "33");
	ck_assert_int_eq(load_settled(&files, &why), ERR_AGAIN);
	ck_assert_msg(strstr(why.text, at("sub/two")) != NULL, "%s",
	    why.text);
	end();
}
END_TEST

/* "one" holds CRLs. */
static void
loaded_crl(void)
{
	load();
	files.source[0].crl = true;
	watch_loaded(w, WATCH_POLICY, &files);
}

/* Half a CRL is waited for, but nothing else waits for it. */
START_TEST(half_crl)
{
	int fd;

	begin_with(SOON);
	loaded_crl();
	run(NOTHING);
	fd = open(at("one"), O_WRONLY | O_TRUNC);
	ck_assert_int_eq(write(fd, "ha", 2), 2);
	run(3 * SOON);
	ck_assert_uint_eq(reports[WATCH_POLICY], 0);
	ck_assert_str_eq(watch_waits_for(w, WATCH_POLICY), at("one"));
	put_by_rename("sub/two", "3");
	reported("sub/two");
	/* what was read of it is no reason not to read it again */
	load();
	files.source[0].crl = true;
	ck_assert(load_only_crls(&files));
	watch_loaded(w, WATCH_POLICY, &files);
	run(3 * SOON);
	ck_assert_uint_eq(reports[WATCH_POLICY], 1);
	ck_assert_str_eq(watch_waits_for(w, WATCH_POLICY), at("one"));
	(void)close(fd);
	reported("one");
	loaded_crl();
	silent();
	ck_assert_ptr_null(watch_waits_for(w, WATCH_POLICY));
	end();
}
END_TEST

START_TEST(only_crls)
{
	struct why why;
	int fd;

	begin();
	load();
	files.source[0].crl = true;
	ck_assert(load_only_crls(&files));
	ck_assert_int_eq(load_settled(&files, &why), 0);
	fd = open(at("one"), O_WRONLY);
	ck_assert_int_eq(load_settled(&files, &why), ERR_AGAIN);
	/* something else as well */
	put("sub/two", "33");
	ck_assert(!load_only_crls(&files));
	load();
	ck_assert(!load_only_crls(&files));
	files.source[0].crl = true;
	ck_assert(load_only_crls(&files));
	(void)close(fd);
	/* it is as it was, but that was half of it */
	ck_assert_int_eq(load_settled(&files, &why), ERR_AGAIN);
	load();
	ck_assert_int_eq(load_settled(&files, &why), 0);
	end();
}
END_TEST

START_TEST(waits_for)
{
	int fd;

	begin_with(SOON);
	fd = open(at("one"), O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	run(3 * SOON);
	ck_assert_uint_eq(reports[WATCH_POLICY], 0);
	ck_assert_str_eq(watch_waits_for(w, WATCH_POLICY), at("one"));
	ck_assert_ptr_null(watch_waits_for(w, WATCH_KEY));
	(void)close(fd);
	reported("one");
	ck_assert_ptr_null(watch_waits_for(w, WATCH_POLICY));
	end();
}
END_TEST

/* A load is due, whoever noticed what, until it has ended. */
START_TEST(due)
{
	char one[sizeof(dir) + 8], none[sizeof(dir) + 8];
	int fd;

	begin();
	(void)snprintf(one, sizeof(one), "%s/one", dir);
	(void)snprintf(none, sizeof(none), "%s/none", dir);
	ck_assert(!watch_due(NULL, WATCH_POLICY, none));
	ck_assert(!watch_due(w, WATCH_KEY, none));
	ck_assert(!watch_due(w, WATCH_POLICY, none));
	put("one", "12");
	ck_assert(watch_due(w, WATCH_POLICY, none));
	ck_assert(!watch_due(w, WATCH_POLICY, one));
	reported("one");
	ck_assert(watch_due(w, WATCH_POLICY, none));
	put_by_rename("sub/two", "3");
	ck_assert(watch_due(w, WATCH_POLICY, one));
	loaded();
	ck_assert(!watch_due(w, WATCH_POLICY, none));
	/* nothing is loaded before it is closed */
	fd = open(at("one"), O_WRONLY | O_APPEND);
	ck_assert_int_eq(write(fd, "x", 1), 1);
	ck_assert(!watch_due(w, WATCH_POLICY, none));
	(void)close(fd);
	ck_assert(watch_due(w, WATCH_POLICY, none));
	end();
}
END_TEST

/* ---- how often -------------------------------------------------------------------------- */

START_TEST(together)
{
	begin();
	for (int i = 0; i < 20; i++) {
		put_by_rename("one", "x");
		put_by_rename("sub/two", "x");
		put_by_rename("sub/gone", "x");
	}
	reported("one");
	loaded();
	silent();
	end();
}
END_TEST

static double
clock_now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
on_storm(struct ev_loop *l, ev_timer *t, int revents)
{
	(void)l;
	(void)t;
	(void)revents;
	put_by_rename("one", "x");
	for (int i = 0; i < 50; i++)
		put("sub/beside", "x");
}

/* It never gets quiet: reported within the bound, and not at each change. */
START_TEST(storm)
{
	double until = clock_now() + 2.;
	ev_timer t;

	begin();
	ev_timer_init(&t, on_storm, 0.01, 0.01);
	ev_timer_start(loop, &t);
	while (clock_now() < until) {
		run(LIMIT);
		loaded();
	}
	ev_timer_stop(loop, &t);
	ck_assert_uint_ge(reports[WATCH_POLICY], 2);
	ck_assert_uint_le(reports[WATCH_POLICY], 2. / WATCH_BOUND + 1);
	end();
}
END_TEST

/* A load that takes long is not followed by another at once. */
START_TEST(rest)
{
	const struct timespec long_load = { .tv_nsec = 500000000 };
	double before;

	begin();
	put("one", "2");
	reported("one");
	put("one", "3");
	(void)nanosleep(&long_load, NULL);
	watch_loaded(w, WATCH_POLICY, &files);
	before = clock_now();
	reported("one");
	ck_assert(clock_now() - before >= 0.45);
	end();
}
END_TEST

/* Between a report and the end of the load nothing is reported; what changed
 * meanwhile is, behind it. */
START_TEST(meanwhile)
{
	begin();
	put("one", "2");
	reported("one");
	load();
	put("sub/two", "3");
	silent();
	watch_loaded(w, WATCH_POLICY, &files);
	reported("sub/two");
	watch_kept(w, WATCH_POLICY);
	reported("sub/two");
	loaded();
	silent();
	end();
}
END_TEST

/* A load that could not be tried is tried again a few times, not for ever. */
START_TEST(retries)
{
	begin_with(SOON);
	put("one", "2");
	reported("one");
	for (int i = 0; i < WATCH_RETRIES; i++) {
		watch_failed(w, WATCH_POLICY);
		reported(NULL);
	}
	watch_failed(w, WATCH_POLICY);
	run(4 * SOON);
	ck_assert_uint_eq(reports[WATCH_POLICY], 1 + WATCH_RETRIES);
	ck_assert_uint_eq(nameless, WATCH_RETRIES);
	/* but each change begins anew */
	put("one", "3");
	reported("one");
	watch_failed(w, WATCH_POLICY);
	reported(NULL);
	loaded();
	run(4 * SOON);
	ck_assert_uint_eq(reports[WATCH_POLICY], 3 + WATCH_RETRIES);
	end();
}
END_TEST

/* ---- without inotify ----------------------------------------------------------------------- */

/* No descriptor for it: as where its limits are reached. */
static void
begin_blind(double sweep)
{
	struct rlimit l, none = { .rlim_cur = 3 };
	int spare = dup(0);

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &l), 0);
	none.rlim_max = l.rlim_max;
	loop = ev_default_loop(EVFLAG_AUTO);
	(void)snprintf(dir, sizeof(dir), "/tmp/certlogin-watch.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(mkdir(at("sub"), 0755), 0);
	put("one", "1");
	put("sub/two", "2");
	(void)close(spare);
	none.rlim_cur = (rlim_t)spare;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	w = watch_new(loop, sweep, changed, NULL);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &l), 0);
	ck_assert_ptr_nonnull(w);
	loaded();
	run(NOTHING);
	ck_assert_uint_eq(reports[WATCH_POLICY], 0);
}

START_TEST(swept)
{
	begin_blind(SOON);
	put("sub/two", "3");
	reported("sub/two");
	loaded();
	put_by_rename("sub/gone", "x");
	reported("sub/gone");
	end();
}
END_TEST

/* Who waits for a load that is due has it begin, without a sweep. */
START_TEST(due_unseen)
{
	begin_blind(NEVER);
	put("one", "2");
	silent();
	for (int i = 0; i < 200 && reports[WATCH_POLICY] == 0; i++) {
		ck_assert(watch_due(w, WATCH_POLICY, ""));
		run(WATCH_QUIET / 2);
	}
	ck_assert_uint_eq(reports[WATCH_POLICY], 1);
	end();
}
END_TEST

static Suite *
watch_suite(void)
{
	Suite *s = suite_create("watch");
	TCase *t = tcase_create("watch");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, calm);
	tcase_add_loop_test(t, change, 0,
	    (int)(sizeof(changes) / sizeof(changes[0])));
	tcase_add_test(t, appears);
	tcase_add_test(t, away_and_back);
	tcase_add_loop_test(t, no_change, 0,
	    (int)(sizeof(no_changes) / sizeof(no_changes[0])));
	tcase_add_test(t, half_written);
	tcase_add_test(t, settled);
	tcase_add_test(t, half_crl);
	tcase_add_test(t, only_crls);
	tcase_add_test(t, waits_for);
	tcase_add_test(t, due);
	tcase_add_test(t, together);
	tcase_add_test(t, storm);
	tcase_add_test(t, rest);
	tcase_add_test(t, meanwhile);
	tcase_add_test(t, retries);
	tcase_add_test(t, swept);
	tcase_add_test(t, due_unseen);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(watch_suite());
	int failed;

	log_open("watch", true, LOG_LEVEL_ERROR);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
