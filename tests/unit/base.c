/* src/base: buffers, safe opening, INI tables. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"
#include "base/helper.h"
#include "base/ini.h"
#include "base/path.h"
#include "base/rewrite.h"

START_TEST(roundtrip)
{
	struct buf b;
	struct rd r;
	char s[8];

	buf_init(&b, 64);
	buf_put_u8(&b, 7);
	buf_put_u32(&b, 0xdeadbeef);
	buf_put_u64(&b, 1);
	buf_put_cstring(&b, "hello");
	ck_assert_int_eq(buf_err(&b), 0);
	r = rd_of_buf(&b);
	ck_assert_int_eq(rd_u8(&r), 7);
	ck_assert_uint_eq(rd_u32(&r), 0xdeadbeef);
	ck_assert_uint_eq(rd_u64(&r), 1);
	rd_cstring(&r, s, sizeof(s));
	ck_assert_str_eq(s, "hello");
	ck_assert_int_eq(rd_end(&r), 0);
	buf_free(&b);
}
END_TEST

START_TEST(span_lines)
{
	static const char text[] = "one\n\n \t two\t\r\nthree";
	static const char *const lines[] = { "one", "", "two", "three" };
	struct span s = { (const uint8_t *)text, sizeof(text) - 1 }, line;

	for (size_t i = 0; i < 4; i++) {
		ck_assert(span_line(&s, &line));
		ck_assert(span_eq_str(span_trim(line), lines[i]));
	}
	ck_assert(!span_line(&s, &line));
	ck_assert_uint_eq(s.n, 0);
	s = (struct span){ (const uint8_t *)" \r\n", 3 };
	ck_assert(span_line(&s, &line));
	ck_assert_uint_eq(line.n, 2);
	ck_assert_uint_eq(span_trim(line).n, 0);
	ck_assert(!span_line(&s, &line));
	s = (struct span){ NULL, 0 };
	ck_assert(!span_line(&s, &line));
}
END_TEST

START_TEST(limits)
{
	struct buf b;
	struct rd r;
	char s[4];

	buf_init(&b, 4);
	buf_put_u32(&b, 1);
	ck_assert_int_eq(buf_err(&b), 0);
	buf_put_u8(&b, 1);
	ck_assert_int_eq(buf_err(&b), ERR_TOOBIG);
	buf_free(&b);

	r = rd_of("\0\0\0\4abc", 7);
	rd_cstring(&r, s, sizeof(s));
	ck_assert_int_eq(r.err, ERR_TOOBIG);
	r = rd_of("\0\0\0\3a\0c", 7);
	rd_cstring(&r, s, sizeof(s));
	ck_assert_int_eq(r.err, ERR_MALFORMED);
	r = rd_of("\0\0\0\3a", 5);
	rd_cstring(&r, s, sizeof(s));
	ck_assert_int_eq(r.err, ERR_SHORT);
	r = rd_of("\0\0\0\3 ~a", 7);
	rd_printable(&r, s, sizeof(s));
	ck_assert_str_eq(s, " ~a");
	ck_assert_int_eq(rd_end(&r), 0);
	for (const char *p = "\n\x1b\x7f\x80\xff"; *p != '\0'; p++) {
		char bytes[7] = { 0, 0, 0, 3, 'a', *p, 'c' };

		r = rd_of(bytes, sizeof(bytes));
		rd_printable(&r, s, sizeof(s));
		ck_assert_int_eq(r.err, ERR_MALFORMED);
		ck_assert_str_eq(s, "");
	}
	r = rd_of("\0\0\0\3a", 5);
	rd_printable(&r, s, sizeof(s));
	ck_assert_int_eq(r.err, ERR_SHORT);
	r = rd_of("\1\2", 2);
	(void)rd_u8(&r);
	ck_assert_int_eq(rd_end(&r), ERR_TRAILING);
	r = rd_of("\2", 1);
	ck_assert(!rd_bool(&r));
	ck_assert_int_eq(rd_end(&r), ERR_MALFORMED);
}
END_TEST

struct conf {
	char *listen;
	uint32_t grace;
	bool on;
	int kind;
};

static const char *const kinds[] = { "user", "device", NULL };
static const struct ini_key keys[] = {
	{ .name = "listen", .type = INI_STRING,
	    .offset = offsetof(struct conf, listen), .flags = INI_REQUIRED },
	{ .name = "login-grace", .type = INI_DURATION,
	    .offset = offsetof(struct conf, grace), .min = 1, .max = 600 },
	{ .name = "on", .type = INI_BOOL, .offset = offsetof(struct conf, on) },
	{ .name = "kind", .type = INI_ENUM,
	    .offset = offsetof(struct conf, kind), .words = kinds },
	{ .name = NULL },
};

static void *
begin(void *ctx, const char *sub, const struct ini_pos *pos)
{
	(void)sub;
	(void)pos;
	return ctx;
}

static const struct ini_section sections[] = {
	{ .name = "daemon", .keys = keys, .begin = begin },
	{ .name = NULL },
};

static int
parse(const char *text, struct conf *c, char *first, size_t size)
{
	struct diag d;
	int r;

	diag_init(&d);
	r = ini_parse("f", text, strlen(text), sections, c, &d);
	first[0] = '\0';
	if (d.n > 0)
		diag_format(&d.items[0], first, size);
	diag_free(&d);
	return r;
}

START_TEST(ini_good)
{
	struct conf c = { 0 };
	char e[600];

	ck_assert_int_eq(parse("# c\n[daemon]\nlisten = a ; b # c\n"
	    "LoginGrace = 2m\non=yes\nkind = device\r\n", &c, e, sizeof(e)),
	    0);
	ck_assert_str_eq(c.listen, "a ; b # c");
	ck_assert_uint_eq(c.grace, 120);
	ck_assert(c.on);
	ck_assert_int_eq(c.kind, 1);
	ini_free(keys, &c);
}
END_TEST

static const struct {
	const char *text, *error;
} bad[] = {
	{ "[daemon]\nlisten = a\nbogus = 1\n",
	    "f:3:1: error: unknown key 'bogus'" },
	{ "[daemon]\nlisten = a\nlisten = b\n",
	    "f:3:1: error: repeated key 'listen'" },
	{ "[daemon]\n", "f:1:1: error: key 'listen' is missing in [daemon]" },
	{ "[nope]\n", "f:1:2: error: unknown section 'nope'" },
	{ "[daemon x]\n", "f:1:2: error: expected no name behind 'daemon'" },
	{ "[daemon]\nlisten=a\nlogin-grace = 601\n",
	    "f:3:15: error: login-grace = 601: expected 1s to 600s" },
	{ "[daemon]\nlisten=a\nkind = x\n",
	    "f:3:8: error: kind = x: expected user, device" },
	{ "[daemon]\nlisten=a\n\x01\n",
	    "f:3:1: error: expected printable ASCII" },
	{ "listen=a\n", "f:1:1: error: no known section before key 'listen'" },
};

START_TEST(ini_bad)
{
	struct conf c = { 0 };
	char e[600];

	ck_assert_int_eq(parse(bad[_i].text, &c, e, sizeof(e)),
	    ERR_MALFORMED);
	ck_assert_str_eq(e, bad[_i].error);
	ini_free(keys, &c);
}
END_TEST

static char dir[64];

static void
setup(void)
{
	strcpy(dir, "/tmp/base.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void
teardown(void)
{
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static int
try_open(const char *name, int flags)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = path_open(path, flags, NULL);
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : fd;
}

static void
put(const char *name, mode_t mode)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	ck_assert_int_eq(path_replace(path, mode, "x", 1, NULL), 0);
}

START_TEST(safe_open)
{
	char a[128], b[128];

	put("good", 0644);
	ck_assert_int_eq(try_open("good", 0), 0);
	ck_assert_int_eq(try_open("good", PATH_SECRET), ERR_UNSAFE);
	ck_assert_int_eq(try_open("good", PATH_PUBLIC), 0);
	put("secret", 0600);
	ck_assert_int_eq(try_open("secret", PATH_SECRET), 0);
	ck_assert_int_eq(try_open("secret", PATH_PUBLIC), ERR_UNSAFE);
	put("open", 0666);
	ck_assert_int_eq(try_open("open", 0), ERR_UNSAFE);
	ck_assert_int_eq(try_open("none", 0), ERR_NOTFOUND);
	ck_assert_int_eq(try_open("", PATH_DIR), ERR_UNSAFE);
	ck_assert_int_eq(try_open("./good", 0), ERR_UNSAFE);
	snprintf(a, sizeof(a), "%s/link", dir);
	snprintf(b, sizeof(b), "%s/good", dir);
	ck_assert_int_eq(symlink(b, a), 0);
	ck_assert_int_eq(try_open("link", 0), ERR_UNSAFE);
	snprintf(a, sizeof(a), "%s/sub", dir);
	ck_assert_int_eq(mkdir(a, 0700), 0);
	put("sub/f", 0644);
	ck_assert_int_eq(try_open("sub/f", 0), 0);
	ck_assert_int_eq(chmod(a, 0777), 0);
	ck_assert_int_eq(try_open("sub/f", 0), ERR_UNSAFE);
	ck_assert_int_eq(chmod(a, 01777), 0);
	ck_assert_int_eq(try_open("sub/f", 0), 0);
	ck_assert_int_eq(path_open("relative", 0, NULL), ERR_UNSAFE);
	ck_assert_int_eq(try_open("sub", 0), ERR_UNSAFE);
}
END_TEST

START_TEST(read_limit)
{
	struct buf b;
	char path[128];

	snprintf(path, sizeof(path), "%s/f", dir);
	ck_assert_int_eq(path_replace(path, 0644, "12345", 5, NULL), 0);
	buf_init(&b, 1024);
	ck_assert_int_eq(path_load(path, 0, 4, &b, NULL), ERR_TOOBIG);
	buf_reset(&b);
	ck_assert_int_eq(path_load(path, 0, 5, &b, NULL), 0);
	ck_assert_uint_eq(b.len, 5);
	buf_free(&b);
}
END_TEST

/* Mode, owner and group of the one before; root may give any. */
START_TEST(replace_like)
{
	char path[128];
	struct stat st;

	put("like", 0640);
	snprintf(path, sizeof(path), "%s/like", dir);
	if (geteuid() == 0)
		ck_assert_int_eq(chown(path, 0, 4711), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(path_replace_like(path, &st, "new", 3, NULL), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ck_assert_uint_eq(st.st_uid, geteuid());
	if (geteuid() == 0)
		ck_assert_uint_eq(st.st_gid, 4711);
	ck_assert_int_eq(st.st_size, 3);
}
END_TEST

/* What is beside it: is it still there behind the next writer? */
static const struct {
	const char *name;
	char kind;			/* a file, a locked one, a link, a
					 * folder, somebody else's */
	bool stays;
} besides[] = {
	{ ".kept.0000004711", 'f', false }, { ".kept.4294967295", 'f', false },
	{ ".kept.0000004711", 'k', true }, { ".kept.0000004711", 'l', true },
	{ ".kept.0000004711", 'd', true }, { ".kept.0000004711", 'o', true },
	{ ".kept.", 'f', true }, { ".kept.000000471x", 'f', true },
	{ ".kept.0000004711x", 'f', true },
	{ ".kept.20261126", 'f', true }, { ".kept.20261126061500", 'f', true },
	{ ".kept", 'f', true }, { "kept.0000004711", 'f', true },
	{ ".kepta.0000004711", 'f', true }, { ".kept.swp", 'f', true },
};

static int
make_beside(const char *path, char kind)
{
	int fd;

	if (kind == 'd')
		return mkdir(path, 0700);
	if (kind == 'l')
		return symlink("kept", path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	if (kind == 'k') {
		ck_assert_int_eq(flock(fd, LOCK_EX), 0);
		return fd;
	}
	if (kind == 'o')
		ck_assert_int_eq(fchown(fd, 4711, 0), 0);
	return close(fd);
}

START_TEST(left_beside)
{
	char path[128], beside[128];
	struct stat st;
	int fd;

	if (besides[_i].kind == 'o' && geteuid() != 0)
		return;
	put("kept", 0644);
	snprintf(path, sizeof(path), "%s/kept", dir);
	snprintf(beside, sizeof(beside), "%s/%s", dir, besides[_i].name);
	fd = make_beside(beside, besides[_i].kind);
	ck_assert_int_ge(fd, 0);
	put("kept", 0644);
	ck_assert_int_eq(lstat(beside, &st), besides[_i].stays ? 0 : -1);
	/* its writer has ended */
	if (fd > 0) {
		(void)close(fd);
		put("kept", 0644);
		ck_assert_int_ne(lstat(beside, &st), 0);
	}
}
END_TEST

/* Several write the same file at once and are killed at any time: it is always
 * whole, no writer is hindered by another, and the next one leaves nothing. */
START_TEST(together)
{
	static const char texts[2][4] = { "aaa", "bbb" };
	char path[128], command[160], seen[4];
	pid_t pid[4];
	int status;

	put("both", 0644);
	snprintf(path, sizeof(path), "%s/both", dir);
	for (int round = 0; round < 20; round++) {
		const struct timespec wait = { .tv_nsec = round * 50000 };

		for (int i = 0; i < 4; i++)
			if ((pid[i] = fork()) == 0) {
				int r = 0;

				for (int k = 0; k < 20 && r == 0; k++)
					r = path_replace(path, 0644,
					    texts[i % 2], 3, NULL);
				_exit(r == 0 ? 0 : 1);
			}
		(void)nanosleep(&wait, NULL);
		(void)kill(pid[0], SIGKILL);
		(void)kill(pid[1], SIGKILL);
		for (int i = 0; i < 4; i++) {
			int fd;

			ck_assert_int_eq(waitpid(pid[i], &status, 0), pid[i]);
			ck_assert(WIFSIGNALED(status) ||
			    WEXITSTATUS(status) == 0);
			fd = open(path, O_RDONLY | O_CLOEXEC);
			ck_assert_int_ge(fd, 0);
			ck_assert_int_ge(read(fd, seen, sizeof(seen)), 1);
			(void)close(fd);
			ck_assert(memcmp(seen, "aaa", 3) == 0 ||
			    memcmp(seen, "bbb", 3) == 0 || seen[0] == 'x');
		}
	}
	put("both", 0644);
	(void)snprintf(command, sizeof(command), "[ \"$(ls -A %s | grep -c "
	    "both)\" = 1 ]", dir);
	ck_assert_int_eq(system(command), 0);
}
END_TEST

/* Whichever of its descriptors is the first that there is none for: the file
 * is as it was, and nothing is beside it. */
START_TEST(no_descriptor)
{
	char path[128], command[160];
	bool good = false;
	int status, fd;

	put("few", 0644);
	snprintf(path, sizeof(path), "%s/few", dir);
	snprintf(command, sizeof(command), "[ \"$(ls -A %s | grep few)\" = few "
	    "] && [ \"$(cat %s/few)\" = x ]", dir, dir);
	ck_assert_int_ge(fd = dup(0), 0);
	(void)close(fd);
	for (rlim_t more = 0; !good; more++) {
		const struct rlimit few = { (rlim_t)fd + more,
		    (rlim_t)fd + more };
		pid_t pid = fork();

		ck_assert_uint_le(more, 5);
		if (pid == 0)
			_exit(setrlimit(RLIMIT_NOFILE, &few) != 0 ? 2 :
			    path_replace(path, 0644, "y", 1, NULL) == 0 ? 0 :
			    errno == EMFILE ? 1 : 3);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		good = WEXITSTATUS(status) == 0;
		if (!good)
			ck_assert_int_eq(system(command), 0);
	}
}
END_TEST

/* One change after the other; what readers do does not hold it up. */
START_TEST(rewritten)
{
	char path[128], lock[140], left[140], other[140];
	struct rewrite w, second;
	struct why why = { "" };
	struct buf b;
	struct stat st;
	int reader;

	snprintf(path, sizeof(path), "%s/kept", dir);
	snprintf(lock, sizeof(lock), "%s.lock", path);
	snprintf(left, sizeof(left), "%s/.kept.0000004711", dir);
	snprintf(other, sizeof(other), "%s/.kept.swp", dir);
	buf_init(&b, 64);
	ck_assert_int_eq(rewrite_begin(&w, path, 0, 16, &b, &why),
	    ERR_NOTFOUND);
	rewrite_end(&w);
	ck_assert_int_ne(stat(lock, &st), 0);
	/* what is missing is there when it is whole, and not before */
	ck_assert_msg(rewrite_begin(&w, path, REWRITE_MAKE, 16, &b,
	    &why) == 0, "%s", why.text);
	ck_assert_int_ne(stat(path, &st), 0);
	ck_assert_uint_eq(b.len, 0);
	buf_put_raw(&b, "one\n", 4);
	ck_assert_int_eq(rewrite_commit(&w, &b, &why), 0);
	/* this one is of yesterday now */
	ck_assert_int_eq(rewrite_commit(&w, &b, &why), ERR_STATE);
	/* a second one is told who it waits for */
	ck_assert_int_eq(rewrite_begin(&second, path, REWRITE_NO_WAIT, 16, &b,
	    &why), ERR_TIMEOUT);
	ck_assert_int_eq(second.holder, getpid());
	rewrite_end(&second);
	rewrite_end(&w);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(stat(lock, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0600);
	reader = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_ge(reader, 0);
	ck_assert_int_eq(flock(reader, LOCK_EX), 0);
	put(".kept.4711", 0600);
	put(".kept.swp", 0600);
	ck_assert_int_eq(rewrite_begin(&w, path, 0, 16, &b, &why), 0);
	ck_assert_uint_eq(b.len, 4);
	buf_put_raw(&b, "two\n", 4);
	ck_assert_int_eq(rewrite_commit(&w, &b, &why), 0);
	ck_assert_int_ne(stat(left, &st), 0);
	ck_assert_int_eq(stat(other, &st), 0);
	rewrite_end(&w);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0640);
	ck_assert_int_eq(st.st_size, 8);
	ck_assert_int_eq(rewrite_begin(&w, path, 0, 7, &b, &why),
	    ERR_TOOBIG);
	rewrite_end(&w);
	(void)close(reader);
	buf_free(&b);
}
END_TEST

/* What a judge found is shown as it was written, in whole or in part. */
START_TEST(findings_travel)
{
	struct diag d, got;
	struct buf b;
	struct rd r;

	diag_init(&d);
	diag_add(&d, DIAG_ERROR, "map", 3, 1, "'a\\b\x01': expected %s", "x");
	for (int i = 0; i < 9; i++)
		diag_add(&d, DIAG_WARNING, "map", 4, 2, "wide");
	diag_add(&d, DIAG_NOTE, "map", 5, 1, "as you like");
	buf_init(&b, 204);
	diag_encode(&d, &b);
	ck_assert_int_eq(buf_err(&b), 0);
	diag_init(&got);
	r = rd_of_buf(&b);
	ck_assert_int_eq(diag_decode(&r, &got), 0);
	ck_assert_int_eq(rd_end(&r), 0);
	ck_assert_str_eq(got.items[0].text, "'a\\x5cb\\x01': expected x");
	ck_assert_str_eq(got.items[0].text, d.items[0].text);
	ck_assert_uint_eq(got.n, 7);
	ck_assert_uint_eq(got.errors, 1);
	ck_assert_uint_eq(got.warnings, 9);
	ck_assert_uint_eq(got.notes, 1);
	diag_free(&got);

	/* a line break in a text would forge a line of the log */
	b.data[b.len - 2] = '\n';
	diag_init(&got);
	r = rd_of_buf(&b);
	ck_assert_int_eq(diag_decode(&r, &got), ERR_MALFORMED);
	diag_free(&got);

	/* behind others, as many as are kept */
	diag_init(&got);
	for (int i = 0; i < DIAG_MAX - 1; i++)
		diag_add(&got, DIAG_NOTE, "first", 1, 1, "x");
	diag_append(&got, &d);
	ck_assert_uint_eq(got.n, DIAG_MAX);
	ck_assert_str_eq(got.items[DIAG_MAX - 1].file, "map");
	ck_assert_uint_eq(got.errors, 1);
	ck_assert_uint_eq(got.warnings, 9);
	ck_assert_uint_eq(got.notes, DIAG_MAX);
	diag_free(&got);
	diag_free(&d);
	buf_free(&b);
}
END_TEST

START_TEST(escape)
{
	char d[16];

	ck_assert_str_eq(err_escape(d, sizeof(d), "a\nb", 3), "a\\x0ab");
	ck_assert_str_eq(err_escape(d, 5, "abcdef", 6), "a...");
	ck_assert_str_eq(err_escape(d, 1, "abc", 3), "");
	ck_assert_str_eq(err_unquote(d, sizeof(d), "a\" b=\"c"), "a' b='c");
	ck_assert_str_eq(err_unquote(d, 4, "abcdef"), "abc");
	ck_assert_str_eq(err_unquote(d, 1, "abc"), "");
}
END_TEST

/* Nobody has these numbers; root and group root are in every database. */
START_TEST(users)
{
	struct why why;
	uid_t u = 1;
	gid_t g = 1;

	ck_assert_int_eq(helper_user("62001", &u, &g, &why), 0);
	ck_assert(u == 62001 && g == 62001);
	ck_assert_int_eq(helper_user("62001:62009", &u, &g, &why), 0);
	ck_assert(u == 62001 && g == 62009);
	ck_assert_int_eq(helper_user("nobody:62009", &u, &g, &why), 0);
	ck_assert(u == 65534 && g == 62009);
	u = g = 7;
	ck_assert_int_eq(helper_user("root", &u, &g, &why), ERR_UNSAFE);
	ck_assert_int_eq(helper_user("root:62001", &u, &g, &why), ERR_UNSAFE);
	ck_assert_int_eq(helper_user("62001:root", &u, &g, &why), ERR_UNSAFE);
	ck_assert_int_eq(helper_user("no_such", &u, &g, &why), ERR_NOTFOUND);
	ck_assert_ptr_nonnull(strstr(why.text, "useradd"));
	ck_assert_int_eq(helper_user("62001:no_such", &u, &g, &why),
	    ERR_NOTFOUND);
	ck_assert_ptr_nonnull(strstr(why.text, "groupadd"));
	ck_assert_int_eq(helper_user("62001:", &u, &g, &why), ERR_NOTFOUND);
	ck_assert_int_eq(helper_user("0", &u, &g, &why), ERR_NOTFOUND);
	ck_assert(u == 7 && g == 7);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");
	SRunner *sr;
	int failed;

	tcase_set_timeout(t, 60);	/* `together` waits for the disk */
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, roundtrip);
	tcase_add_test(t, limits);
	tcase_add_test(t, span_lines);
	tcase_add_test(t, ini_good);
	tcase_add_loop_test(t, ini_bad, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(t, safe_open);
	tcase_add_test(t, replace_like);
	tcase_add_test(t, read_limit);
	tcase_add_loop_test(t, left_beside, 0,
	    (int)(sizeof(besides) / sizeof(besides[0])));
	tcase_add_test(t, together);
	/* valgrind keeps descriptors of its own, and the limit to itself */
	if (getenv("UNDER_VALGRIND") == NULL)
		tcase_add_test(t, no_descriptor);
	tcase_add_test(t, rewritten);
	tcase_add_test(t, escape);
	tcase_add_test(t, users);
	tcase_add_test(t, findings_travel);
	suite_add_tcase(s, t);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
