/*
 * Parts of certlogind that need no process: its configuration, limits for
 * strangers, the memory of refusals, the CRL numbers that are kept.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/path.h"
#include "daemon/limits.h"
#include "daemon/why.h"
#include "proto/chan.h"
#include "proto/conf.h"
#include "proto/load.h"
#include "proto/seen.h"

/* ---- limits ------------------------------------------------------------- */

static struct limits_source
source(const char *bytes, size_t n)
{
	struct limits_source s;

	limits_source_of(&s, (struct span){ (const uint8_t *)bytes, n });
	return s;
}

static const struct conf wide = { .startups_start = 1000,
    .startups_rate = 30, .startups_full = 2000, .max_per_source = 3,
    .max_sessions = 10 };

START_TEST(per_source)
{
	struct limits *l = limits_new();
	struct limits_source a = source("\x7f\0\0\1", 4),
	    b = source("\x7f\0\0\2", 4);

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(limits_ask(l, &wide, &a, 0), LIMITS_OK);
	ck_assert_int_eq(limits_ask(l, &wide, &a, 0), LIMITS_REFUSED_SOURCE);
	ck_assert_int_eq(limits_ask(l, &wide, &b, 0), LIMITS_OK);
	limits_done(l, &a);
	ck_assert_int_eq(limits_ask(l, &wide, &a, 0), LIMITS_OK);
	ck_assert_uint_eq(limits_waiting(l), 4);
	limits_free(l);
}
END_TEST

/* One household or one attacker has a whole /64; an IPv4 address mapped into
 * IPv6 is that IPv4 address. */
START_TEST(sources)
{
	struct limits_source
	    a = source("\x20\1\xd\xb8\0\0\0\1aaaaaaaa", 16),
	    b = source("\x20\1\xd\xb8\0\0\0\1bbbbbbbb", 16),
	    c = source("\x20\1\xd\xb8\0\0\0\2aaaaaaaa", 16),
	    d = source("\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16),
	    e = source("\x7f\0\0\1", 4);

	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_mem_ne(&a, &c, sizeof(a));
	ck_assert_mem_eq(&d, &e, sizeof(d));
}
END_TEST

START_TEST(sessions)
{
	struct limits *l = limits_new();
	struct limits_source a = source("\x7f\0\0\1", 4);

	ck_assert_int_eq(limits_ask(l, &wide, &a, 9), LIMITS_OK);
	ck_assert_int_eq(limits_ask(l, &wide, &a, 10),
	    LIMITS_REFUSED_SESSIONS);
	limits_free(l);
}
END_TEST

/* START:RATE:FULL: none below START, all at FULL, about RATE percent at
 * START. */
START_TEST(early_drop)
{
	const struct conf c = { .startups_start = 10, .startups_rate = 30,
	    .startups_full = 100, .max_per_source = 10000,
	    .max_sessions = 10 };
	struct limits_source a = source("\x7f\0\0\1", 4);
	struct limits *l = limits_new();
	int dropped = 0;

	for (int i = 0; i < 10; i++)
		ck_assert_int_eq(limits_ask(l, &c, &a, 0), LIMITS_OK);
	for (int i = 0; i < 2000; i++)
		if (limits_ask(l, &c, &a, 0) == LIMITS_OK)
			limits_done(l, &a);
		else
			dropped++;
	/* 600 expected; 30 deviations of 20 lie outside these */
	ck_assert_int_gt(dropped, 400);
	ck_assert_int_lt(dropped, 800);
	while (limits_waiting(l) < 100)
		(void)limits_ask(l, &c, &a, 0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(limits_ask(l, &c, &a, 0),
		    LIMITS_REFUSED_STARTUPS);
	limits_free(l);
}
END_TEST

/* Many sources come and go: counts stay right whatever the table does. */
START_TEST(many_sources)
{
	struct limits *l = limits_new();
	const struct conf c = { .startups_start = 20000,
	    .startups_rate = 1, .startups_full = 20000, .max_per_source = 1,
	    .max_sessions = 1 };

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 9000; i++) {
			struct limits_source s = source((char *)&i, 4);

			ck_assert_int_eq(limits_ask(l, &c, &s, 0), LIMITS_OK);
			ck_assert_int_eq(limits_ask(l, &c, &s, 0),
			    LIMITS_REFUSED_SOURCE);
		}
		for (uint32_t i = 0; i < 9000; i++) {
			uint32_t n = i * 7919 % 9000;
			struct limits_source s = source((char *)&n, 4);

			limits_done(l, &s);
		}
		ck_assert_uint_eq(limits_waiting(l), 0);
	}
	limits_free(l);
}
END_TEST

START_TEST(report)
{
	struct limits *l = limits_new();
	struct limits_source a = source("\x7f\0\0\1", 4);
	char line[256];

	ck_assert_str_eq(limits_report(l, line, sizeof(line)), "");
	for (int i = 0; i < 5; i++)
		(void)limits_ask(l, &wide, &a, 0);
	limits_silent(l);
	ck_assert_str_eq(limits_report(l, line, sizeof(line)), "closed 3 "
	    "connections before login: 2 over max-per-source, 0 over "
	    "max-startups, 0 over max-sessions, 1 that said nothing within "
	    "login-grace-time");
	ck_assert_str_eq(limits_report(l, line, sizeof(line)), "");
	for (int i = 0; i < LIMITS_LINES; i++)
		ck_assert(limits_line(l));
	ck_assert_str_eq(limits_report(l, line, sizeof(line)), "");
	for (int i = 0; i < LIMITS_LINES + 3; i++)
		ck_assert(limits_line(l) == (i < LIMITS_LINES));
	ck_assert_str_eq(limits_report(l, line, sizeof(line)), "refused 3 "
	    "strangers without a line of their own");
	ck_assert(limits_line(l));
	limits_free(l);
}
END_TEST

/* ---- certlogind.conf ---------------------------------------------------- */

static char dir[] = "/tmp/certlogin-unit.XXXXXX";
static char path[64];

static void
folder(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/certlogin-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/conf", dir);
}

static void
no_folder(void)
{
	char kept[64];

	(void)snprintf(kept, sizeof(kept), "%s/crl-seen", dir);
	(void)unlink(kept);
	(void)snprintf(kept, sizeof(kept), "%s/crl-seen.lock", dir);
	(void)unlink(kept);
	(void)unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
}

static int
load(struct conf *c, const char *text, struct diag *d)
{
	write_file(path, text);
	diag_init(d);
	return conf_load(c, path, NULL, 0, d);
}

START_TEST(conf_defaults)
{
	struct conf c;
	struct diag d;

	ck_assert_int_eq(load(&c, "[daemon]\n", &d), 0);
	ck_assert_uint_eq(c.n_listen, 1);
	ck_assert_str_eq(c.listen[0].text, "0.0.0.0:4622");
	ck_assert_str_eq(c.key, SYSCONF_DIR "/host.key");
	ck_assert_uint_eq(c.login_grace_time, 60);
	ck_assert_uint_eq(c.max_per_source, 64);
	conf_free(&c);
	diag_free(&d);
}
END_TEST

START_TEST(conf_all)
{
	static const char *const set[] = { "spares=9", "Log_Level = debug" };
	struct conf c;
	struct diag d;

	write_file(path, "[daemon]\nlisten = [::1]:99\nlisten = 127.0.0.1\n"
	    "key = pkcs11:token=a\nkey-module = /lib/x.so\n"
	    "max-startups = 5:50:7\nlogin-grace-time = 2m\n"
	    "privileged-accounts = root, backup\n"
	    "hostkey-network = yes\nspares = 2\n");
	diag_init(&d);
	ck_assert_int_eq(conf_load(&c, path, set, 2, &d), 0);
	ck_assert_uint_eq(c.n_listen, 2);
	ck_assert_str_eq(c.listen[0].text, "[::1]:99");
	ck_assert_str_eq(c.listen[1].text, "127.0.0.1:4622");
	ck_assert_uint_eq(c.startups_full, 7);
	ck_assert_uint_eq(c.login_grace_time, 120);
	ck_assert_uint_eq(c.n_privileged, 2);
	ck_assert_str_eq(c.privileged[1], "backup");
	ck_assert(c.hostkey_network);
	ck_assert_uint_eq(c.spares, 9);
	ck_assert_int_eq(c.log_level, 3);
	conf_free(&c);
	diag_free(&d);
}
END_TEST

static const struct {
	const char *text, *where;
} bad_conf[] = {
	{ "[daemon]\nlisten = localhost:1\n", "conf:2:" },
	{ "[daemon]\nlisten = 127.0.0.1:\n", "conf:2:" },
	{ "[daemon]\nlisten = 127.0.0.1:99999\n", "conf:2:" },
	{ "[daemon]\nmax-startups = 10\n", "conf:2:" },
	{ "[daemon]\nmax-startups = 10:0:20\n", "conf:2:" },
	{ "[daemon]\nmax-startups = 10:30:5\n", "conf:2:" },
	{ "[daemon]\nlogin-grace-time = 0\n", "conf:2:" },
	{ "[daemon]\nlogin-grace-time = soon\n", "conf:2:" },
	{ "[daemon]\nmax-per-source = 0\n", "conf:2:" },
	{ "[daemon]\nlog-level = loud\n", "conf:2:" },
	{ "[daemon]\nprivileged-accounts = ,\n", "conf:2:" },
	{ "[daemon]\nspares = 1\nspares = 2\n", "conf:3:" },
	{ "[daemon]\nno-such-key = 1\n", "conf:2:" },
	{ "[deamon]\n", "conf:1:" },
	{ "[daemon]\ntrust = trust.conf\n", "absolute" },
	{ "[daemon]\nkey = pkcs11:token=a\n", "key-module" },
};

START_TEST(conf_bad)
{
	struct conf c;
	struct diag d;
	char line[1024];

	ck_assert_int_ne(load(&c, bad_conf[_i].text, &d), 0);
	ck_assert_uint_ge(d.n, 1);
	(void)diag_format(&d.items[0], line, sizeof(line));
	ck_assert_msg(strstr(line, bad_conf[_i].where) != NULL, "%s", line);
	conf_free(&c);
	diag_free(&d);
}
END_TEST

START_TEST(conf_unsafe)
{
	struct conf c;
	struct diag d;

	write_file(path, "[daemon]\n");
	ck_assert_int_eq(chmod(path, 0666), 0);
	diag_init(&d);
	ck_assert_int_ne(conf_load(&c, path, NULL, 0, &d), 0);
	conf_free(&c);
	diag_free(&d);
	ck_assert_int_eq(load(&c, "[daemon]\n", &d), ERR_MALFORMED);
	conf_free(&c);
	diag_free(&d);
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert_int_eq(load(&c, "[daemon]\n", &d), 0);
	conf_free(&c);
	diag_free(&d);
}
END_TEST

/* ---- refusals ----------------------------------------------------------- */

START_TEST(why_kept)
{
	static struct ipc_ses_refused f;
	struct why_log *w = why_log_new();
	const struct why_entry *e;

	(void)snprintf(f.account, sizeof(f.account), "ali\nce");
	(void)snprintf(f.detail, sizeof(f.detail), "no rule");
	for (uint64_t i = 1; i <= WHY_KEPT + 1; i++)
		why_log_add(w, i, "192.0.2.1", false, &f);
	/* strangers, however many, push out their own kind only */
	for (uint64_t i = 1; i <= WHY_STRANGERS_KEPT + 1; i++)
		why_log_add(w, 100000 + i, "192.0.2.1", true, &f);
	ck_assert_ptr_null(why_log_find(w, 100001));
	ck_assert_ptr_nonnull(why_log_find(w, 100002));
	ck_assert_ptr_null(why_log_find(w, 0));
	ck_assert_ptr_null(why_log_find(w, 1));
	e = why_log_find(w, 2);
	ck_assert_ptr_nonnull(e);
	ck_assert_str_eq(e->account, "ali\\x0ace");
	ck_assert_str_eq(e->detail, "no rule");
	ck_assert_ptr_nonnull(why_log_find(w, WHY_KEPT + 1));
	why_log_free(w);
}
END_TEST

/* ---- CRL numbers -------------------------------------------------------- */

static struct ipc_load_begin kept;
static struct ipc_load_done done;

/* One CRL that was verified: of this issuer, number and time. */
static void
verified(uint8_t key, uint8_t number, int64_t this_update)
{
	struct why why = { "" };

	done.n_seen = 1;
	done.seen[0] = (struct ipc_seen){ .issuer_key = { key },
	    .number = { number }, .number_len = 1,
	    .this_update = this_update, .newest = this_update };
	ck_assert_msg(seen_write(dir, &done, &why) == 0, "%s", why.text);
	ck_assert_int_eq(seen_read(dir, &kept, &why), 0);
}

static void
is_kept(size_t i, uint8_t key, uint8_t number, int64_t this_update,
    int64_t newest)
{
	ck_assert_uint_lt(i, kept.n_seen);
	ck_assert_uint_eq(kept.seen[i].issuer_key[0], key);
	ck_assert_uint_eq(kept.seen[i].number_len, 1);
	ck_assert_uint_eq(kept.seen[i].number[0], number);
	ck_assert_int_eq(kept.seen[i].this_update, this_update);
	ck_assert_int_eq(kept.seen[i].newest, newest);
}

START_TEST(seen_numbers)
{
	static const uint8_t keys[2][32] = { { 7 }, { 9 } };
	char name[64];
	struct stat before, after;
	struct why why;
	FILE *f;

	(void)snprintf(name, sizeof(name), "%s/crl-seen", dir);
	ck_assert_int_eq(seen_read(dir, &kept, &why), 0);
	ck_assert_uint_eq(kept.n_seen, 0);
	verified(7, 2, 99);
	is_kept(0, 7, 2, 99, 99);
	/* nothing new: not written again */
	ck_assert_int_eq(stat(name, &before), 0);
	verified(7, 2, 99);
	/* somebody who knows less takes nothing away */
	verified(7, 1, 50);
	is_kept(0, 7, 2, 99, 99);
	ck_assert_int_eq(stat(name, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	verified(8, 9, 5);
	is_kept(1, 8, 9, 5, 5);
	/* a later number of an earlier time, by a CA whose clock was set back:
	 * the number counts, and the time that was verified stays */
	verified(7, 3, 60);
	is_kept(0, 7, 3, 60, 99);
	verified(7, 3, 120);
	is_kept(0, 7, 3, 120, 120);
	is_kept(1, 8, 9, 5, 5);
	/* forgotten */
	ck_assert_int_eq(seen_forget(dir, keys, 2, &why), 1);
	ck_assert_int_eq(seen_forget(dir, keys, 2, &why), 0);
	ck_assert_int_eq(seen_read(dir, &kept, &why), 0);
	ck_assert_uint_eq(kept.n_seen, 1);
	is_kept(0, 8, 9, 5, 5);
	verified(7, 1, 50);
	is_kept(1, 7, 1, 50, 50);
	ck_assert_ptr_nonnull(f = fopen(name, "r+"));
	ck_assert_int_eq(fputc('?', f), '?');
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_ne(seen_read(dir, &kept, &why), 0);
	ck_assert_ptr_nonnull(strstr(why.text, "damaged"));
	ck_assert_int_lt(seen_forget(dir, keys, 2, &why), 0);
}
END_TEST

/* Cut anywhere, it is damaged, never shorter. */
START_TEST(seen_cut)
{
	char name[64];
	struct stat st;
	struct why why;

	(void)snprintf(name, sizeof(name), "%s/crl-seen", dir);
	verified(7, 2, 99);
	verified(8, 2, 99);
	ck_assert_int_eq(stat(name, &st), 0);
	for (off_t n = st.st_size - 1; n >= 0; n--) {
		ck_assert_int_eq(truncate(name, n), 0);
		ck_assert_int_eq(seen_read(dir, &kept, &why), ERR_MALFORMED);
		ck_assert_uint_eq(kept.n_seen, 0);
	}
}
END_TEST

/* Without room the first to come is the first to go; never one of now. */
START_TEST(seen_full)
{
	struct ipc_seen new = { .issuer_key = { 1, 1 }, .number = { 1 },
	    .number_len = 1 };

	kept.n_seen = IPC_LOAD_SEEN_MAX;
	for (size_t i = 0; i < IPC_LOAD_SEEN_MAX; i++)
		kept.seen[i] = (struct ipc_seen){ .issuer_key =
		    { (uint8_t)i }, .number = { 5 }, .number_len = 1 };
	ck_assert(seen_merge(&kept, &new, 1));
	ck_assert_uint_eq(kept.n_seen, IPC_LOAD_SEEN_MAX);
	ck_assert_uint_eq(kept.seen[0].issuer_key[0], 1);
	ck_assert_uint_eq(kept.seen[0].issuer_key[1], 0);
	ck_assert_mem_eq(&kept.seen[IPC_LOAD_SEEN_MAX - 1], &new,
	    sizeof(new));
	ck_assert(!seen_merge(&kept, &new, 1));
}
END_TEST

/* ---- a judge that asks for what is not its own -------------------------- */

/* In a child: the status says which of the two files were opened. */
_Noreturn static void
greedy_judge(int channel)
{
	static struct ipc_load_want want = { .n = 2,
	    .path = { "ca.crt", "host.key" } };
	static struct ipc_load_files files;
	struct chan_msg m;
	struct buf in, out;
	int status = 0x40;

	buf_init(&in, CHAN_MSG_MAX);
	buf_init(&out, CHAN_MSG_MAX);
	if (chan_recv(channel, &in, &m, 3) == 0 &&
	    ipc_load_want_encode(&out, &want) == 0 &&
	    chan_send(channel, &out, NULL, 0) == 0 &&
	    chan_recv(channel, &in, &m, 2) == 0 &&
	    ipc_load_files_decode(m.body, &files) == 0)
		status = (files.file[0].opened ? 1 : 0) |
		    (files.file[1].opened ? 2 : 0) | (int)m.n_fds << 2;
	_exit(status);
}

static void
put_file(const char *name, mode_t mode, char *dst, size_t size)
{
	struct why why;

	(void)snprintf(dst, size, "%s/%s", dir, name);
	ck_assert_msg(path_replace(dst, mode, "x", 1, &why) == 0, "%s",
	    why.text);
}

START_TEST(load_no_secret)
{
	char trust[128], cert[128], key[128];
	const struct load_from from = { .trust = trust };
	struct load_result out;
	struct diag diag;
	struct why why;
	int pair[2], status;
	pid_t pid;

	put_file("trust.conf", 0644, trust, sizeof(trust));
	put_file("ca.crt", 0644, cert, sizeof(cert));
	put_file("host.key", 0600, key, sizeof(key));
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	if ((pid = fork()) == 0)
		greedy_judge(pair[1]);
	(void)close(pair[1]);
	diag_init(&diag);
	ck_assert_int_ne(load_run(pair[0], &from, 10000, &out, &diag,
	    &why), 0);
	diag_free(&diag);
	(void)close(pair[0]);
	(void)unlink(trust);
	(void)unlink(cert);
	(void)unlink(key);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	/* the first of the two, and one descriptor */
	ck_assert_int_eq(WEXITSTATUS(status), 1 | 1 << 2);
}
END_TEST

/* A policy that cannot be opened is told with all that would have to change. */
START_TEST(load_sources)
{
	static struct ipc_sources again;
	char trust[128], map[128];
	const struct load_from from = { .trust = trust, .map = map,
	    .state = dir };
	static struct load_result out;
	struct diag diag;
	struct why why;
	struct buf b;

	(void)snprintf(trust, sizeof(trust), "%s/trust.conf", dir);
	put_file("identity.map", 0622, map, sizeof(map));
	diag_init(&diag);
	ck_assert_int_eq(load_run(-1, &from, 10, &out, &diag, &why),
	    ERR_NOTFOUND);
	diag_free(&diag);
	ck_assert_uint_eq(out.sources.n, 3);
	ck_assert_str_eq(out.sources.source[0].path, trust);
	ck_assert(!out.sources.source[0].state.opened);
	ck_assert_uint_eq(out.sources.source[0].state.mark.ino, 0);
	ck_assert_str_eq(out.sources.source[1].path, map);
	ck_assert(!out.sources.source[1].state.opened);
	ck_assert_uint_ne(out.sources.source[1].state.mark.ino, 0);
	ck_assert_ptr_nonnull(strstr(out.sources.source[2].path,
	    "/locks.map"));
	ck_assert(!out.sources.source[2].state.opened);
	(void)unlink(map);
	buf_init(&b, CHAN_MSG_MAX);
	ck_assert_int_eq(ipc_load_sources_encode(&b, &out.sources), 0);
	ck_assert_int_eq(ipc_load_sources_decode(rd_of(b.data + 2, b.len - 2),
	    &again), 0);
	for (size_t i = 0; i < 3; i++) {
		ck_assert_str_eq(again.source[i].path,
		    out.sources.source[i].path);
		ck_assert(path_state_eq(&again.source[i].state,
		    &out.sources.source[i].state));
	}
	buf_free(&b);
}
END_TEST

static Suite *
daemon_suite(void)
{
	Suite *s = suite_create("daemon");
	TCase *t = tcase_create("limits");

	tcase_add_test(t, per_source);
	tcase_add_test(t, sources);
	tcase_add_test(t, sessions);
	tcase_add_test(t, early_drop);
	tcase_add_test(t, many_sources);
	tcase_add_test(t, report);
	suite_add_tcase(s, t);
	t = tcase_create("conf");
	tcase_add_checked_fixture(t, folder, no_folder);
	tcase_add_test(t, conf_defaults);
	tcase_add_test(t, conf_all);
	tcase_add_loop_test(t, conf_bad, 0,
	    (int)(sizeof(bad_conf) / sizeof(bad_conf[0])));
	tcase_add_test(t, conf_unsafe);
	suite_add_tcase(s, t);
	t = tcase_create("kept");
	tcase_add_checked_fixture(t, folder, no_folder);
	tcase_add_test(t, why_kept);
	tcase_add_test(t, seen_numbers);
	tcase_add_test(t, seen_cut);
	tcase_add_test(t, seen_full);
	tcase_add_test(t, load_no_secret);
	tcase_add_test(t, load_sources);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	SRunner *r = srunner_create(daemon_suite());
	int failed;

	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
