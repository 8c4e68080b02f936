/*
 * Kept policies: what is put is found again, and no longer when anything that
 * it was made of was touched; what cannot be trusted is not used.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/path.h"
#include "proto/chan.h"
#include "proto/kept.h"
#include "proto/load.h"
#include "proto/seen.h"

#define POLICY "the bytes of a policy"
#define LIMIT_MS 10000

static char dir[64], state[96], trust[96], map[96], crt[96], crl[96];
static char locks[128];
static struct load_result result;
static struct ipc_load_done answer;	/* of the judge */

/* ---- files ----------------------------------------------------------------- */

static void
put(const char *path, mode_t mode, const char *text)
{
	struct why why;

	ck_assert_msg(path_replace(path, mode, text, strlen(text), &why) == 0,
	    "%s", why.text);
}

static void
folder(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/certlogin-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chmod(dir, 0755), 0);
	(void)snprintf(state, sizeof(state), "%s/state", dir);
	ck_assert_int_eq(mkdir(state, 0755), 0);
	(void)snprintf(trust, sizeof(trust), "%s/trust.conf", dir);
	(void)snprintf(map, sizeof(map), "%s/identity.map", dir);
	(void)snprintf(crt, sizeof(crt), "%s/ca.crt", dir);
	(void)snprintf(crl, sizeof(crl), "%s/ca.crl", dir);
	(void)snprintf(locks, sizeof(locks), "%s/locks.map", state);
	put(trust, 0644, "trust");
	put(map, 0644, "map");
	put(crt, 0644, "anchor");
	put(crl, 0644, "list");
	put(locks, 0644, "locks");
	answer = (struct ipc_load_done){ .ok = true };
}

static void
no_folder(void)
{
	char command[96];

	(void)snprintf(command, sizeof(command), "rm -r %s", dir);
	ck_assert_int_eq(system(command), 0);
}

/* The one kept policy of this test's pair, or "". */
static void
find_kept(char path[160])
{
	char command[128];
	FILE *f;

	path[0] = '\0';
	(void)snprintf(command, sizeof(command), "ls -d %s/policy-*"
	    " 2>/dev/null", state);
	ck_assert_ptr_nonnull(f = popen(command, "r"));
	if (fgets(path, 160, f) != NULL)
		path[strcspn(path, "\n")] = '\0';
	(void)pclose(f);
}

/* ---- a load ------------------------------------------------------------------- */

/* In a child: wants the CA's two files, and answers what the test says. */
_Noreturn static void
judge(int channel)
{
	static struct ipc_load_want want = { .n = 2,
	    .path = { "ca.crt", "ca.crl" } };
	struct diag diag;
	struct chan_msg m;
	struct buf in, out;
	int fd;

	buf_init(&in, CHAN_MSG_MAX);
	buf_init(&out, CHAN_MSG_MAX);
	diag_init(&diag);
	fd = memfile_make("policy", POLICY, sizeof(POLICY) - 1);
	if (chan_recv(channel, &in, &m, 3) != 0 ||
	    ipc_load_want_encode(&out, &want) != 0 ||
	    chan_send(channel, &out, NULL, 0) != 0 ||
	    chan_recv(channel, &in, &m, 2) != 0 ||
	    ipc_load_done_encode(&out, &answer, &diag) != 0 ||
	    chan_send(channel, &out, &fd, 1) != 0)
		_exit(1);
	_exit(0);
}

static void
load(void)
{
	const struct load_from from = { .trust = trust, .map = map,
	    .state = state };
	struct diag diag;
	struct why why;
	int pair[2], status;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0)
		judge(pair[1]);
	(void)close(pair[1]);
	diag_init(&diag);
	ck_assert_msg(load_run(pair[0], &from, LIMIT_MS, &result, &diag, &why) == 0, "%s", why.text);
	diag_free(&diag);
	(void)close(pair[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert(result.done.ok);
}

static int
keep(struct why *why)
{
	return kept_put(state, trust, map, &result, why);
}

static void
kept(void)
{
	struct why why;

	load();
	ck_assert_msg(keep(&why) == 0, "%s", why.text);
}

static void
is_used(void)
{
	char bytes[sizeof(POLICY)];
	struct why why = { "" };
	int fd = kept_open(state, trust, map, &why);

	ck_assert_msg(fd >= 0, "%s", why.text);
	ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(read(fd, bytes, sizeof(POLICY) - 1),
	    sizeof(POLICY) - 1);
	ck_assert_mem_eq(bytes, POLICY, sizeof(POLICY) - 1);
	(void)close(fd);
}

static void
is_not_used(const char *because)
{
	struct why why = { "" };

	ck_assert_int_lt(kept_open(state, trust, map, &why), 0);
	ck_assert_msg(strstr(why.text, because) != NULL, "'%s' is not in: %s",
	    because, why.text);
}

/* ---- tests ---------------------------------------------------------------------- */

START_TEST(found_again)
{
	char path[160];
	struct why why;
	struct stat st;

	is_not_used("does not exist");
	kept();
	is_used();
	is_used();
	find_kept(path);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	/* in an earlier one's place */
	kept();
	is_used();
	/* of these two, in this order */
	ck_assert_int_lt(kept_open(state, map, trust, &why), 0);
	ck_assert_int_lt(kept_open(state, trust, trust, &why), 0);
	ck_assert_int_lt(kept_open(dir, trust, map, &why), 0);
}
END_TEST

/* Changes of a file: what is done to it. */
static void
written(const char *path)
{
	int fd = open(path, O_WRONLY);

	/* in place, as many bytes as before */
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "T", 1), 1);
	(void)close(fd);
}

static void
back_dated(const char *path)
{
	struct timespec times[2];
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	written(path);
	times[0] = st.st_atim;
	times[1] = st.st_mtim;
	ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void
replaced(const char *path)
{
	put(path, 0644, "trust");
}

static void
opened_up(const char *path)
{
	ck_assert_int_eq(chmod(path, 0664), 0);
}

static void
closed(const char *path)
{
	ck_assert_int_eq(chmod(path, 0600), 0);
}

static void
gone(const char *path)
{
	ck_assert_int_eq(unlink(path), 0);
}

static void
linked(const char *path)
{
	char other[128];

	(void)snprintf(other, sizeof(other), "%s.real", path);
	ck_assert_int_eq(rename(path, other), 0);
	ck_assert_int_eq(symlink(other, path), 0);
}

static void (*const changes[])(const char *) = { written, back_dated,
    replaced, opened_up, closed, gone, linked };
#define N_CHANGES (sizeof(changes) / sizeof(changes[0]))

START_TEST(changed)
{
	char *const files[] = { trust, map, crt, crl, locks };

	kept();
	is_used();
	changes[(size_t)_i / 5](files[_i % 5]);
	is_not_used(files[_i % 5]);
}
END_TEST

/* Two changes within one tick of the kernel: a load right behind the first
 * one waits until the second one would show. */
START_TEST(quick_change)
{
	struct path_mark mark;
	struct timespec tick;
	int fd, early = 0;

	ck_assert_int_ge(fd = open(map, O_RDONLY), 0);
	for (int i = 0; early == 0 && i < 100; i++) {
		written(map);
		early = path_mark_settled(fd, 0, &mark);
	}
	ck_assert_int_eq(early, ERR_AGAIN);
	ck_assert_int_eq(path_mark_settled(fd, 1000, &mark), 0);
	ck_assert_int_eq(clock_gettime(CLOCK_REALTIME_COARSE, &tick), 0);
	ck_assert(mark.ctime.tv_sec < tick.tv_sec ||
	    (mark.ctime.tv_sec == tick.tv_sec &&
	    mark.ctime.tv_nsec < tick.tv_nsec));
	(void)close(fd);
	for (int i = 0; i < 20; i++) {
		written(map);
		kept();
		written(map);
		is_not_used("identity.map");
	}
}
END_TEST

/* What could not be opened is a source as well. */
START_TEST(file_missing)
{
	gone(crl);
	kept();
	is_used();
	put(crl, 0644, "list");
	is_not_used(crl);
	ck_assert_int_eq(chmod(crl, 0600), 0);
	kept();
	is_used();
	ck_assert_int_eq(chmod(crl, 0644), 0);
	is_not_used(crl);
}
END_TEST

START_TEST(secret_source)
{
	char path[160];
	struct stat st;

	ck_assert_int_eq(chmod(map, 0640), 0);
	kept();
	is_used();
	find_kept(path);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	/* nor through a folder that lets not everybody in */
	ck_assert_int_eq(chmod(map, 0644), 0);
	kept();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0644);
	ck_assert_int_eq(chmod(dir, 0750), 0);
	kept();
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(other_time)
{
	int64_t now = (int64_t)time(NULL);

	answer.again = now + 3600;
	kept();
	is_used();
	answer.again = now - 1;
	kept();
	is_not_used("another time");
	/* the clock was set back */
	answer.again = 0;
	load();
	result.began = now + 3600;
	ck_assert_int_eq(keep(NULL), 0);
	is_not_used("another time");
}
END_TEST

static void
know(uint8_t number)
{
	answer.n_seen = 1;
	answer.seen[0] = (struct ipc_seen){ .issuer_key = { 7 },
	    .number = { number }, .number_len = 1, .this_update = 99 };
}

START_TEST(numbers)
{
	struct ipc_load_done other;
	struct why why;

	/* a policy whose numbers were not kept could be rolled back */
	know(5);
	load();
	ck_assert_int_lt(keep(&why), 0);
	ck_assert_int_eq(seen_write(state, &result.done, &why), 0);
	ck_assert_msg(keep(&why) == 0, "%s", why.text);
	is_used();
	/* a later list is seen by somebody else */
	other = answer;
	other.seen[0].number[0] = 6;
	ck_assert_int_eq(seen_write(state, &other, &why), 0);
	is_not_used("crl-seen was changed");
	ck_assert_int_lt(keep(&why), 0);
	ck_assert_ptr_nonnull(strstr(why.text, "CRL numbers"));
	know(6);
	kept();
	is_used();
	/* one of an issuer that this policy has nothing to do with: it is
	 * loaded once more */
	other.seen[0].issuer_key[0] = 8;
	ck_assert_int_eq(seen_write(state, &other, &why), 0);
	is_not_used("crl-seen was changed");
	kept();
	is_used();
}
END_TEST

/* It holds what a load of its sources alone would not give. */
START_TEST(carried)
{
	struct ipc_authority *a = &answer.authority[0];
	struct why why = { "" };

	kept();
	is_used();
	answer.n = 1;
	a->crl_carried = true;
	(void)snprintf(a->crl_problem, sizeof(a->crl_problem), "damaged");
	replaced(crl);
	load();
	ck_assert(result.carried);
	ck_assert_int_eq(keep(&why), ERR_STATE);
	ck_assert_ptr_nonnull(strstr(why.text, "carried over"));
	is_not_used("ca.crl was changed");
	a->crl_carried = false;
	a->crl_missing = true;
	kept();
	is_used();
}
END_TEST

START_TEST(not_trusted)
{
	char path[160];

	kept();
	find_kept(path);
	ck_assert_int_eq(chmod(path, 0666), 0);
	is_not_used("written by others");
	ck_assert_int_eq(chmod(path, 0644), 0);
	is_used();
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(path, 4242, 0), 0);
		is_not_used("belongs to uid 4242");
		ck_assert_int_eq(chown(path, 0, 0), 0);
	}
	linked(path);
	is_not_used("symbolic link");
}
END_TEST

/* Cut anywhere, and with any one byte of root's part another. */
START_TEST(damaged)
{
	char path[160], copy[8192];
	struct why why;
	ssize_t n;
	int fd;

	kept();
	find_kept(path);
	ck_assert_int_ge(fd = open(path, O_RDWR), 0);
	ck_assert_int_gt(n = read(fd, copy, sizeof(copy)), 0);
	for (ssize_t i = n - 1; i >= 0; i--) {
		ck_assert_int_eq(ftruncate(fd, i), 0);
		ck_assert_int_lt(kept_open(state, trust, map, &why), 0);
	}
	ck_assert_int_eq(pwrite(fd, copy, (size_t)n, 0), n);
	is_used();
	for (ssize_t i = sizeof(POLICY) - 1; i < n; i++) {
		char other = (char)(copy[i] ^ 0x11);

		ck_assert_int_eq(pwrite(fd, &other, 1, i), 1);
		(void)kept_open(state, trust, map, &why);
		ck_assert_int_eq(pwrite(fd, copy + i, 1, i), 1);
	}
	/* a byte of this build's name */
	ck_assert_int_eq(pwrite(fd, "?", 1, sizeof(POLICY) - 1 + 4), 1);
	is_not_used("another build");
	(void)close(fd);
}
END_TEST

START_TEST(full_disk)
{
	const struct rlimit small = { 16, RLIM_INFINITY };
	struct rlimit old;
	char path[160];
	struct why why;

	kept();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
	(void)signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
	ck_assert_int_eq(keep(&why), ERR_SYS);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
	is_used();
	/* nothing is left beside it, so the folder can go */
	find_kept(path);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(unlink(locks), 0);
	ck_assert_int_eq(rmdir(state), 0);
	ck_assert_int_lt(keep(&why), 0);
	ck_assert_int_eq(mkdir(state, 0700), 0);
}
END_TEST

/* What a killed process left is cleared away by the next one. */
START_TEST(left_over)
{
	char path[160], left[200];
	struct stat st;

	kept();
	find_kept(path);
	(void)snprintf(left, sizeof(left), "%s/.%s.0000999999", state,
	    strrchr(path, '/') + 1);
	put(left, 0600, "half of a poli");
	kept();
	is_used();
	ck_assert_int_ne(stat(left, &st), 0);
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

/* Whenever it is killed: there is the old file or the new one, and the next
 * one clears up behind it. */
START_TEST(killed)
{
	static char big[4 << 20];
	char path[160], command[160];
	int before, status;
	pid_t pid;

	kept();
	find_kept(path);
	before = result.policy;
	memcpy(big, POLICY, sizeof(POLICY) - 1);
	ck_assert_int_ge(result.policy = memfile_make("big", big,
	    sizeof(big)), 0);
	for (int i = 0; i < 60; i++) {
		const struct timespec wait = { .tv_nsec = i * 200000 };

		if ((pid = fork()) == 0)
			_exit(keep(NULL) == 0 ? 0 : 1);
		(void)nanosleep(&wait, NULL);
		(void)kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		is_used();
	}
	(void)close(result.policy);
	result.policy = before;
	ck_assert_int_eq(keep(NULL), 0);
	is_used();
	(void)snprintf(command, sizeof(command), "[ \"$(ls -A %s | grep -c "
	    "policy)\" = 1 ]", state);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* A hit is a part of each authentication at the machine. */
START_TEST(quick)
{
	struct timespec a, b;
	struct why why;
	double us;

	kept();
	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a), 0);
	for (int i = 0; i < 200; i++) {
		int fd = kept_open(state, trust, map, &why);

		ck_assert_int_ge(fd, 0);
		(void)close(fd);
	}
	ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b), 0);
	us = ((double)(b.tv_sec - a.tv_sec) * 1e9 +
	    (double)(b.tv_nsec - a.tv_nsec)) / 200 / 1000;
	(void)printf("kept_open: %.0f us\n", us);
	ck_assert_msg(us < 5000, "%.0f us", us);
}
END_TEST

static Suite *
kept_suite(void)
{
	Suite *s = suite_create("kept");
	TCase *t = tcase_create("kept");

	tcase_add_checked_fixture(t, folder, no_folder);
	tcase_set_timeout(t, 30);
	tcase_add_test(t, found_again);
	tcase_add_loop_test(t, changed, 0, 5 * (int)N_CHANGES);
	tcase_add_test(t, quick_change);
	tcase_add_test(t, file_missing);
	tcase_add_test(t, secret_source);
	tcase_add_test(t, other_time);
	tcase_add_test(t, numbers);
	tcase_add_test(t, carried);
	tcase_add_test(t, not_trusted);
	tcase_add_test(t, damaged);
	tcase_add_test(t, full_disk);
	tcase_add_test(t, left_over);
	tcase_add_test(t, killed);
	tcase_add_test(t, quick);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(kept_suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
