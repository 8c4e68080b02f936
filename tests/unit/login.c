/*
 * certlogin as a program, against tests/unit/testd.c: commands, streams,
 * refusals of either side, what happens to the terminal.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/path.h"
#include "testd.h"

#define CLIENT "./certlogin"
#define ARGS_MAX 32
#define TEXT_MAX 65536
#define LIMIT_MS 60000
#define SERVER_AUTH "1.3.6.1.5.5.7.3.1"
#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2"

static char dir[64];
static struct certs ca, other_ca, host, user;
static struct testd server;
static bool no_ca;			/* leave out -o ca= */

/* What a run of the client gave. */
static struct {
	int rc;				/* exit status, or -signal */
	char out[TEXT_MAX], err[TEXT_MAX];
	size_t n_out;
} ran;

static const char *
at(const char *name)
{
	static char path[8][256];
	static unsigned turn;
	char *p = path[turn++ % 8];

	(void)snprintf(p, 256, "%s/%s", dir, name);
	return p;
}

static void
put_file(const char *path, const char *text)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(path_write_all(fd, text, strlen(text)), 0);
	(void)close(fd);
}

/* ---- the scene ---------------------------------------------------------------- */

static const struct certs_spec host_spec = { .cn = "host",
    .dns = "localhost", .ip = "127.0.0.1", .purpose = SERVER_AUTH };
static const struct certs_spec user_spec = { .cn = "alice",
    .uri = "spiffe://test/user/alice", .purpose = CLIENT_AUTH };

static void
make_scene(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/certlogin-test.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	certs_make(&ca, &(struct certs_spec){ .cn = "hosts", .ca = true },
	    NULL);
	certs_make(&other_ca, &(struct certs_spec){ .cn = "hosts",
	    .ca = true }, NULL);
	certs_make(&host, &host_spec, &ca);
	certs_make(&user, &user_spec, &ca);
	certs_write(at("ca.crt"), &ca, NULL);
	certs_write(at("user.crt"), &user, &ca);
	certs_write_key(at("user.key"), &user, NULL);
	(void)setenv("HOME", dir, 1);
	(void)setenv("TMPDIR", dir, 1);	/* for the servers' logs */
	/* no signal of a dying child may hit the tests */
	(void)signal(SIGPIPE, SIG_IGN);
}

static void
remove_scene(void)
{
	char command[300];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
	certs_free(&ca);
	certs_free(&other_ca);
	certs_free(&host);
	certs_free(&user);
}

static void
serve(enum testd_kind kind)
{
	server = (struct testd){ .kind = kind, .host = &host };
	ck_assert(testd_start(&server));
}

/* Ended as its kind wants it. */
static void
served(void)
{
	ck_assert_int_eq(testd_wait(&server), 0);
	(void)unlink(server.log);
}

/* Did the server see this? */
static bool
saw(const char *text)
{
	static char log[TEXT_MAX];
	FILE *f = fopen(server.log, "re");

	log[fread(log, 1, sizeof(log) - 1, f)] = '\0';
	(void)fclose(f);
	return strstr(log, text) != NULL;
}

/* ---- running the client ---------------------------------------------------------- */

/* Arguments: the usual ones for the server, then those of args. */
static void
exec_client(const char *const *args)
{
	char port[8], ca_arg[300];
	const char *argv[ARGS_MAX] = { CLIENT, "-F", "/dev/null", "-p", port,
	    "-i", at("user.crt"), "-o", ca_arg };
	size_t n = 9;

	(void)snprintf(port, sizeof(port), "%u", server.port);
	(void)snprintf(ca_arg, sizeof(ca_arg), no_ca ? "batchmode=yes" :
	    "ca=%s", at("ca.crt"));
	for (size_t i = 0; args[i] != NULL; i++)
		argv[n++] = args[i];
	argv[n] = NULL;
	/* whoever started us may ignore some, and the client would keep to
	 * that */
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_DFL);
	(void)execv(CLIENT, (char *const *)(uintptr_t)argv);
	_exit(126);
}

static void
read_some(int *fd, char *text, size_t *n)
{
	ssize_t got;

	if (*fd < 0)
		return;
	got = read(*fd, text + *n, TEXT_MAX - 1 - *n);
	if (got > 0) {
		*n += (size_t)got;
		return;
	}
	(void)close(*fd);
	*fd = -1;
}

/* Output and error until both end. */
static void
gather(int out, int err)
{
	size_t n_err = 0;

	ran.n_out = 0;
	while (out >= 0 || err >= 0) {
		struct pollfd p[2] = { { out, POLLIN, 0 },
		    { err, POLLIN, 0 } };

		ck_assert_int_gt(poll(p, 2, LIMIT_MS), 0);
		if (p[0].revents != 0)
			read_some(&out, ran.out, &ran.n_out);
		if (p[1].revents != 0)
			read_some(&err, ran.err, &n_err);
	}
	ran.out[ran.n_out] = '\0';
	ran.err[n_err] = '\0';
}

static int
wait_client(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Run with this standard input (a file's name). */
static void
run_args(const char *input, const char *const *args)
{
	int out[2], err[2];
	pid_t pid;

	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_eq(pipe(err), 0);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		(void)dup2(open(input, O_RDONLY), 0);
		(void)dup2(out[1], 1);
		(void)dup2(err[1], 2);
		for (int fd = 3; fd < 64; fd++)
			(void)close(fd);
		exec_client(args);
	}
	(void)close(out[1]);
	(void)close(err[1]);
	gather(out[0], err[0]);
	ran.rc = wait_client(pid);
}

#define RUN(...) run_args("/dev/null", (const char *const[]){ __VA_ARGS__, \
    NULL })

static void
says(const char *text)
{
	ck_assert_msg(strstr(ran.err, text) != NULL,
	    "exit %d, '%s' does not say '%s'", ran.rc, ran.err, text);
}

/* The client's own failure: 255, a line, nothing on standard output. */
static void
failed_with(const char *text)
{
	says(text);
	ck_assert_int_eq(ran.rc, 255);
	ck_assert_str_eq(ran.out, "");
	ck_assert_ptr_nonnull(strstr(ran.err, "certlogin: "));
}

/* ---- commands ---------------------------------------------------------------------- */

START_TEST(test_streams)
{
	serve(TESTD_SERVE);
	RUN("alice@localhost", "echo", "to-out;", "echo to-err >&2; exit 7");
	ck_assert_str_eq(ran.out, "to-out\n");
	ck_assert_str_eq(ran.err, "to-err\n");
	ck_assert_int_eq(ran.rc, 7);
	ck_assert(saw("login 'alice' preferred ''"));
	ck_assert(!saw("request pty-req"));
	served();
}
END_TEST

START_TEST(test_no_account)
{
	serve(TESTD_SERVE);
	RUN("127.0.0.1", "true");
	ck_assert_msg(ran.rc == 0, "%s", ran.err);
	ck_assert(saw("login '' preferred 'root'") || getuid() != 0);
	served();
}
END_TEST

START_TEST(test_ipv6)
{
	struct certs c;

	certs_make(&c, &(struct certs_spec){ .cn = "h", .ip = "::1",
	    .purpose = SERVER_AUTH }, &ca);
	for (int i = 0; i < 3; i++) {
		static const char *const forms[] = { "::1", "alice@[::1]",
		    "0:0::0:1" };

		server = (struct testd){ .kind = TESTD_SERVE, .host = &c,
		    .v6 = true };
		if (!testd_start(&server))
			break;		/* a host without IPv6 */
		RUN(forms[i], "true");
		ck_assert_msg(ran.rc == 0, "%s", ran.err);
		served();
	}
	certs_free(&c);
}
END_TEST

START_TEST(test_signal)
{
	serve(TESTD_SERVE);
	RUN("localhost", "kill -TERM $$");
	ck_assert_int_eq(ran.rc, 128 + SIGTERM);
	served();
}
END_TEST

START_TEST(test_input)
{
	serve(TESTD_SERVE);
	put_file(at("input"), "one\ntwo\n");
	run_args(at("input"), (const char *const[]){ "localhost",
	    "cat; echo after the end", NULL });
	ck_assert_str_eq(ran.out, "one\ntwo\nafter the end\n");
	ck_assert_int_eq(ran.rc, 0);
	served();
}
END_TEST

START_TEST(test_no_input)
{
	serve(TESTD_SERVE);
	put_file(at("input"), "one\ntwo\n");
	run_args(at("input"), (const char *const[]){ "-n", "localhost", "cat",
	    NULL });
	ck_assert_str_eq(ran.out, "");
	ck_assert_int_eq(ran.rc, 0);
	served();
}
END_TEST

/* Its output ends while it goes on: what reads us sees the end. */
START_TEST(test_output_ends)
{
	serve(TESTD_SERVE);
	RUN("localhost", "echo x; exec >&-; echo y >&2; exit 3");
	ck_assert_str_eq(ran.out, "x\n");
	ck_assert_str_eq(ran.err, "y\n");
	ck_assert_int_eq(ran.rc, 3);
	served();
}
END_TEST

/* A command that does not read all of its input. */
START_TEST(test_input_left)
{
	char line[300];

	(void)snprintf(line, sizeof(line), "head -c 8000000 /dev/zero >%s",
	    at("input"));
	ck_assert_int_eq(system(line), 0);
	serve(TESTD_SERVE);
	run_args(at("input"), (const char *const[]){ "localhost",
	    "head -c 3 | wc -c", NULL });
	ck_assert_int_eq(atoi(ran.out), 3);
	ck_assert_int_eq(ran.rc, 0);
	served();
}
END_TEST

START_TEST(test_long_command)
{
	static char command[40000];

	memset(command, 'x', sizeof(command) - 1);
	memcpy(command, "echo ok #", 9);
	serve(TESTD_SERVE);
	RUN("localhost", command);
	ck_assert_str_eq(ran.out, "ok\n");
	served();
}
END_TEST

START_TEST(test_subsystem)
{
	serve(TESTD_SERVE);
	RUN("-s", "--", "localhost", "echo");
	ck_assert_int_eq(ran.rc, 0);
	ck_assert(saw("request subsystem"));
	served();
}
END_TEST

START_TEST(test_send_env)
{
	(void)setenv("GIT_PROTOCOL", "version=2", 1);
	(void)setenv("LC_TEST", "x", 1);
	serve(TESTD_SERVE);
	RUN("-o", "SendEnv=GIT_PROTOCOL LC_*", "localhost", "true");
	ck_assert(saw("request env GIT_PROTOCOL=version=2"));
	ck_assert(saw("request env LC_TEST=x"));
	ck_assert(!saw("HOME="));
	served();
}
END_TEST

/* ---- much data ---------------------------------------------------------------------- */

#define MUCH "67108864"

/* By a shell, as people use it: `certlogin ... < big | sha256sum`. */
START_TEST(test_much)
{
	char line[2048];

	(void)snprintf(line, sizeof(line), "head -c " MUCH " /dev/urandom >%s",
	    at("big"));
	ck_assert_int_eq(system(line), 0);
	serve(TESTD_SERVE);
	(void)snprintf(line, sizeof(line), "cat %s | " CLIENT " -F /dev/null "
	    "-p %u -i %s -o ca=%s localhost cat | cmp - %s", at("big"),
	    server.port, at("user.crt"), at("ca.crt"), at("big"));
	ck_assert_int_eq(system(line), 0);
	served();
	(void)unlink(at("big"));
}
END_TEST

START_TEST(test_much_and_exit)
{
	char line[2048];

	serve(TESTD_SERVE);
	(void)snprintf(line, sizeof(line), "(" CLIENT " -F /dev/null "
	    "-p %u -i %s -o ca=%s localhost 'head -c " MUCH " /dev/zero; "
	    "exit 3'; echo $? >%s) </dev/null | wc -c >%s; "
	    "test $(cat %s) = 3 && test $(cat %s) = " MUCH, server.port,
	    at("user.crt"), at("ca.crt"), at("rc"), at("n"), at("rc"),
	    at("n"));
	ck_assert_int_eq(system(line), 0);
	served();
}
END_TEST

/* Who reads us goes away: the command there gets to know. */
START_TEST(test_reader_gone)
{
	char line[2048];

	serve(TESTD_SERVE);
	(void)snprintf(line, sizeof(line), "test $(timeout 50 " CLIENT
	    " -F /dev/null -p %u -i %s -o ca=%s localhost yes </dev/null | "
	    "head -n 1000 | wc -l) = 1000", server.port, at("user.crt"),
	    at("ca.crt"));
	ck_assert_int_eq(system(line), 0);
	served();
}
END_TEST

/* kB of a process's own memory */
static long
memory_of(pid_t pid)
{
	char path[64], line[256];
	long kb, sum = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	ck_assert_ptr_nonnull(f = fopen(path, "re"));
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Private_%*[A-Za-z]: %ld", &kb) == 1)
			sum += kb;
	(void)fclose(f);
	return sum;
}

/* Bytes that a process has read from its connection. */
static long long
read_by(pid_t pid)
{
	char path[64];
	long long n = -1;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%d/io", pid);
	if ((f = fopen(path, "re")) == NULL)
		return -1;
	if (fscanf(f, "rchar: %lld", &n) != 1)
		n = -1;
	(void)fclose(f);
	return n;
}

/* Until it moves no more; what it moved last. */
static void
wait_stall(pid_t pid)
{
	long long last = -2, now;
	int still = 0;

	for (int i = 0; i < 600 && still < 5; i++) {
		struct timespec tenth = { 0, 100000000 };

		(void)nanosleep(&tenth, NULL);
		now = read_by(pid);
		still = now == last ? still + 1 : 0;
		last = now;
	}
	ck_assert_int_eq(still, 5);
}

START_TEST(test_stalled_reader)
{
	static char b[1 << 20];
	size_t total = 0;
	int out[2];
	ssize_t n;
	pid_t pid;

	serve(TESTD_SERVE);
	ck_assert_int_eq(pipe(out), 0);
	ck_assert_int_ge(pid = fork(), 0);
	if (pid == 0) {
		(void)dup2(open("/dev/null", O_RDONLY), 0);
		(void)dup2(out[1], 1);
		(void)close(out[0]);
		(void)close(out[1]);
		exec_client((const char *const[]){ "localhost",
		    "head -c " MUCH " /dev/zero", NULL });
	}
	(void)close(out[1]);
	wait_stall(pid);
#ifndef WITH_SANITIZERS
	ck_assert_int_lt(memory_of(pid), 16384);
#else
	(void)memory_of(pid);
#endif
	while ((n = read(out[0], b, sizeof(b))) > 0)
		total += (size_t)n;
	(void)close(out[0]);
	ck_assert_uint_eq(total, 67108864);
	ck_assert_int_eq(wait_client(pid), 0);
	served();
}
END_TEST

/* ---- refused by the server ------------------------------------------------------------- */

START_TEST(test_refused)
{
	server = (struct testd){ .kind = TESTD_REFUSE, .host = &host,
	    .reason = "no rule\nroot: of the map \x1b[2J", .reference = 17 };
	ck_assert(testd_start(&server));
	RUN("localhost", "id");
	failed_with("localhost refused the login: no rule\\x0aroot: of the "
	    "map \\x1b[2J (reference 17");
	served();
}
END_TEST

static const struct { enum tls_alert alert; const char *says; } alerts[] = {
	{ TLS_ALERT_UNKNOWN_CA, "unknown" },
	{ TLS_ALERT_CERTIFICATE_EXPIRED, "expired" },
	{ TLS_ALERT_CERTIFICATE_REVOKED, "revoked" },
	{ TLS_ALERT_CERTIFICATE_UNKNOWN, "CRL" },
	{ TLS_ALERT_UNSUPPORTED_CERTIFICATE, "purpose" },
	{ TLS_ALERT_BAD_CERTIFICATE, "certificate" },
	{ TLS_ALERT_ACCESS_DENIED, "may not log in" },
};

START_TEST(test_alert)
{
	server = (struct testd){ .kind = TESTD_ALERT, .host = &host,
	    .alert = alerts[_i].alert };
	ck_assert(testd_start(&server));
	RUN("localhost", "id");
	failed_with(alerts[_i].says);
	says("localhost refused");
	served();
}
END_TEST

/* What the alert cannot say, our own certificate shows. */
static const struct { struct certs_spec spec; const char *says; } faults[] = {
	{ { .cn = "a", .uri = "x:y", .purpose = CLIENT_AUTH,
	    .from = 86400 }, "not yet valid" },
	{ { .cn = "a", .uri = "x:y", .purpose = CLIENT_AUTH,
	    .from = -7200, .to = -3600 }, "has expired" },
	{ { .cn = "a", .uri = "x:y", .purpose = SERVER_AUTH },
	    "lacks the purpose clientAuth" },
	{ { .cn = "a", .uri = "x:y" }, "no extended key usage" },
	{ { .cn = "a", .uri = "x:y", .purpose = "2.5.29.37.0" },
	    "anyExtendedKeyUsage" },
	{ { .cn = "a", .uri = "x:y", .purpose = CLIENT_AUTH, .ca = true },
	    "is that of a CA" },
	{ { .cn = "a", .uri = "x:y", .purpose = CLIENT_AUTH,
	    .algo = GNUTLS_PK_RSA, .bits = 1024 }, "RSA key of 1024 bits" },
	{ { .cn = "a", .purpose = CLIENT_AUTH }, "no name" },
};

START_TEST(test_own_fault)
{
	struct certs c;

	certs_make(&c, &faults[_i].spec, &ca);
	certs_write(at("faulty.crt"), &c, NULL);
	certs_write_key(at("faulty.key"), &c, NULL);
	server = (struct testd){ .kind = TESTD_ALERT, .host = &host,
	    .alert = TLS_ALERT_BAD_CERTIFICATE };
	ck_assert(testd_start(&server));
	RUN("-i", at("faulty.crt"), "localhost", "id");
	failed_with(faults[_i].says);
	served();
	certs_free(&c);
}
END_TEST

START_TEST(test_no_start)
{
	serve(TESTD_NO_START);
	RUN("localhost", "id");
	failed_with("does not start the command");
	served();
}
END_TEST

START_TEST(test_vanish)
{
	serve(TESTD_VANISH);
	RUN("localhost", "id");
	failed_with("broke off");
	served();
}
END_TEST

START_TEST(test_rubbish)
{
	serve(TESTD_RUBBISH);
	RUN("localhost", "sleep 50");
	failed_with("protocol");
	(void)testd_wait(&server);
}
END_TEST

START_TEST(test_http)
{
	serve(TESTD_HTTP);
	RUN("localhost", "id");
	failed_with("localhost");
	served();
}
END_TEST

START_TEST(test_silent)
{
	serve(TESTD_SILENT);
	RUN("-o", "connect-timeout=1", "localhost", "id");
	failed_with("within 1 seconds");
	served();
}
END_TEST

START_TEST(test_frozen)
{
	serve(TESTD_FREEZE);
	RUN("-oServerAliveInterval=1", "-oServerAliveCountMax=1",
	    "localhost", "true");
	failed_with("has not answered for 1 seconds");
	(void)kill(server.pid, SIGKILL);
	(void)testd_wait(&server);
}
END_TEST

START_TEST(test_nobody)
{
	server.port = 1;
	RUN("localhost", "id");
	failed_with("no connection to localhost port 1");
}
END_TEST

START_TEST(test_banner)
{
	server = (struct testd){ .kind = TESTD_SERVE, .host = &host,
	    .banner = "hello\n\x1b]0;title\x07\nlast" };
	ck_assert(testd_start(&server));
	RUN("-tt", "localhost", "true");
	ck_assert_str_eq(ran.err, "hello\n\\x1b]0;title\\x07\nlast\n");
	served();
	server = (struct testd){ .kind = TESTD_SERVE, .host = &host,
	    .banner = "hello" };
	ck_assert(testd_start(&server));
	RUN("localhost", "true");
	ck_assert_str_eq(ran.err, "");
	served();
	server = (struct testd){ .kind = TESTD_SERVE, .host = &host,
	    .banner = "hello" };
	ck_assert(testd_start(&server));
	RUN("-q", "-tt", "localhost", "true");
	ck_assert_str_eq(ran.err, "");
	served();
}
END_TEST

/* ---- the server refused ------------------------------------------------------------------ */

static const struct { struct certs_spec spec; bool other; const char *says; }
rogues[] = {
	{ { .cn = "localhost", .dns = "elsewhere", .purpose = SERVER_AUTH },
	    false, "name" },
	{ { .cn = "localhost", .purpose = SERVER_AUTH }, false, "name" },
	{ { .cn = "h", .dns = "localhost", .purpose = CLIENT_AUTH }, false,
	    "4.2.1.12" },
	{ { .cn = "h", .dns = "localhost" }, false, "4.2.1.12" },
	{ { .cn = "h", .dns = "localhost", .purpose = SERVER_AUTH,
	    .from = -7200, .to = -3600 }, false, "expired" },
	{ { .cn = "h", .dns = "localhost", .purpose = SERVER_AUTH,
	    .from = 86400 }, false, "not yet" },
	{ { .cn = "h", .dns = "localhost", .purpose = SERVER_AUTH }, true,
	    "unknown" },
	{ { .cn = "h", .dns = "localhost", .purpose = SERVER_AUTH,
	    .ca = true }, false, "CA" },
};

START_TEST(test_rogue)
{
	struct certs c;

	certs_make(&c, &rogues[_i].spec, rogues[_i].other ? &other_ca : &ca);
	server = (struct testd){ .kind = TESTD_SERVE, .host = &c };
	ck_assert(testd_start(&server));
	put_file(at("input"), "a secret\n");
	run_args(at("input"), (const char *const[]){ "localhost", "cat",
	    NULL });
	failed_with(rogues[_i].says);
	says("refused by this side");
	/* it never saw who we are */
	ck_assert_int_eq(testd_wait(&server), 4);
	ck_assert(saw("handshake failed, alert 4") ||
	    saw("handshake failed, alert 5"));
	ck_assert(!saw("login"));
	certs_free(&c);
}
END_TEST

/* The control of each: with a CRL that lists another. */
START_TEST(test_crl)
{
	char crl[300];

	(void)snprintf(crl, sizeof(crl), "crl=%s", at("crl"));
	certs_write_crl(at("crl"), &ca, &user);
	serve(TESTD_SERVE);
	RUN("-o", crl, "localhost", "true");
	ck_assert_msg(ran.rc == 0, "%s", ran.err);
	served();
	certs_write_crl(at("crl"), &ca, &host);
	serve(TESTD_SERVE);
	RUN("-o", crl, "localhost", "true");
	failed_with("revoked");
	ck_assert_int_eq(testd_wait(&server), 4);
	/* one by somebody else is none */
	certs_write_crl(at("crl"), &other_ca, NULL);
	serve(TESTD_SERVE);
	RUN("-o", crl, "localhost", "true");
	ck_assert_int_eq(ran.rc, 255);
	(void)kill(server.pid, SIGKILL);
	(void)testd_wait(&server);
}
END_TEST

/* Nothing named: ~/.certlogin/ca.crt; and a trust.conf, by its hosts only. */
START_TEST(test_trust)
{
	char trust[300];

	no_ca = true;
	server.port = 1;
	(void)snprintf(trust, sizeof(trust), "trust=%s", at("trust.conf"));
	RUN("-o", trust, "localhost", "true");
	failed_with("nothing to check the server against");

	put_file(at("trust.conf"), "[authority user]\nclass = user\n"
	    "anchor = ca.crt\nrevocation = none\n");
	RUN("-o", trust, "localhost", "true");
	failed_with("no authority of class host");

	certs_write(at("other.crt"), &other_ca, NULL);
	put_file(at("trust.conf"), "[authority user]\nclass = user\n"
	    "anchor = other.crt\nrevocation = none\n"
	    "[authority host]\nclass = host\nanchor = ca.crt\n"
	    "revocation = none\n");
	serve(TESTD_SERVE);
	RUN("-v", "-o", trust, "localhost", "true");
	ck_assert_msg(ran.rc == 0, "%s", ran.err);
	says("trust.conf");
	served();

	/* that authority's own rule: no CRL, no login */
	put_file(at("trust.conf"), "[authority host]\nclass = host\n"
	    "anchor = ca.crt\ncrl = the.crl\n"
	    "revocation = require\n");
	serve(TESTD_SERVE);
	RUN("-q", "-o", trust, "localhost", "true");
	failed_with("CRL");
	ck_assert_int_eq(testd_wait(&server), 4);

	ck_assert_int_eq(mkdir(at(".certlogin"), 0700), 0);
	certs_write(at(".certlogin/ca.crt"), &ca, NULL);
	serve(TESTD_SERVE);
	RUN("localhost", "true");
	ck_assert_msg(ran.rc == 0, "%s", ran.err);
	served();
	certs_write(at(".certlogin/ca.crt"), &other_ca, NULL);
	serve(TESTD_SERVE);
	RUN("localhost", "true");
	failed_with("unknown");
	ck_assert_int_eq(testd_wait(&server), 4);
	(void)unlink(at(".certlogin/ca.crt"));
	(void)rmdir(at(".certlogin"));
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------ */

START_TEST(test_encrypted)
{
	char option[300];

	certs_write(at("enc.crt"), &user, NULL);
	certs_write_key(at("enc.key"), &user, "open sesame");
	put_file(at("pass"), "open sesame\n");
	(void)snprintf(option, sizeof(option), "passphrase-file=%s",
	    at("pass"));
	serve(TESTD_SERVE);
	RUN("-i", at("enc.crt"), "-o", option, "localhost", "true");
	ck_assert_msg(ran.rc == 0, "%s", ran.err);
	served();

	server.port = 1;
	RUN("-i", at("enc.crt"), "-o", "batchmode=yes", "localhost", "true");
	failed_with("passphrase-file");
	put_file(at("pass"), "wrong\n");
	RUN("-i", at("enc.crt"), "-o", option, "localhost", "true");
	failed_with("wrong passphrase");
	put_file(at("pass"), "open sesame\n");
	(void)chmod(at("pass"), 0644);
	RUN("-i", at("enc.crt"), "-o", option, "localhost", "true");
	failed_with("chmod 600");
}
END_TEST

START_TEST(test_p12)
{
	char option[300];

	certs_write_p12(at("user.p12"), &user, &ca, "sesame");
	put_file(at("pass"), "sesame");
	(void)snprintf(option, sizeof(option), "passphrase-file=%s",
	    at("pass"));
	serve(TESTD_SERVE);
	RUN("-i", at("user.p12"), "-o", option, "localhost", "true");
	ck_assert_msg(ran.rc == 0, "%s", ran.err);
	served();
}
END_TEST

START_TEST(test_bad_keys)
{
	struct certs c;

	server.port = 1;
	certs_make(&c, &user_spec, &ca);
	certs_write(at("bad.crt"), &user, NULL);
	RUN("-i", at("bad.crt"), "localhost", "true");
	failed_with("bad.key does not exist");
	certs_write_key(at("bad.key"), &c, NULL);
	RUN("-i", at("bad.crt"), "localhost", "true");
	failed_with("not that of the certificate");
	certs_write_key(at("bad.key"), &user, NULL);
	(void)chmod(at("bad.key"), 0640);
	RUN("-i", at("bad.crt"), "localhost", "true");
	failed_with("chmod 600");
	RUN("-i", at("none.crt"), "localhost", "true");
	failed_with("none.crt does not exist");
	certs_free(&c);
}
END_TEST

/* ---- terminal ----------------------------------------------------------------------------------- */

/* The client on a terminal of its own; what it shows is gathered. */
static pid_t
on_terminal(int *master, struct termios *before, const char *const *args)
{
	struct winsize size = { .ws_row = 33, .ws_col = 90 };
	int looked[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(looked), 0);
	ck_assert_int_ge(pid = forkpty(master, NULL, NULL, &size), 0);
	if (pid == 0) {
		/* it begins when its terminal was looked at */
		(void)close(looked[1]);
		if (read(looked[0], &byte, 1) != 0)
			_exit(126);
		(void)close(looked[0]);
		exec_client(args);
	}
	ck_assert_int_eq(tcgetattr(*master, before), 0);
	(void)close(looked[0]);
	(void)close(looked[1]);
	return pid;
}

/* Until the terminal has shown this, behind what was waited for before. */
static void
wait_shown(int master, const char *text)
{
	static size_t seen;	/* a test is a process of its own */
	size_t n = strlen(ran.out);
	const char *found;

	while ((found = strstr(ran.out + seen, text)) == NULL) {
		struct pollfd p = { master, POLLIN, 0 };
		ssize_t got;

		ck_assert_msg(poll(&p, 1, LIMIT_MS) > 0, "'%s'", ran.out);
		got = read(master, ran.out + n, TEXT_MAX - 1 - n);
		ck_assert_msg(got > 0, "'%s'", ran.out);
		n += (size_t)got;
		ran.out[n] = '\0';
	}
	seen = (size_t)(found - ran.out) + strlen(text);
}

static void
is_as_before(int master, const struct termios *before)
{
	struct termios now;

	ck_assert_int_eq(tcgetattr(master, &now), 0);
	ck_assert_int_eq(now.c_iflag, before->c_iflag);
	ck_assert_int_eq(now.c_oflag, before->c_oflag);
	ck_assert_int_eq(now.c_lflag, before->c_lflag);
	ck_assert_int_eq(memcmp(now.c_cc, before->c_cc, sizeof(now.c_cc)), 0);
}

static bool
is_raw(int master)
{
	struct termios now;

	ck_assert_int_eq(tcgetattr(master, &now), 0);
	return (now.c_lflag & (tcflag_t)(ICANON | ECHO | ISIG)) == 0;
}

/* Ways out: the command's end, signals, a crash, the server's end. */
static const int ways[] = { 0, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGABRT,
#ifndef WITH_SANITIZERS		/* which handle it themselves */
    SIGSEGV,
#endif
    -1 };

START_TEST(test_terminal)
{
	struct termios before;
	char c = 'q';
	int master;
	pid_t pid;

	serve(TESTD_SERVE);
	pid = on_terminal(&master, &before, (const char *const[]){ "-t",
	    "localhost", "echo begun; head -c 1; exit 5", NULL });
	wait_shown(master, "begun");
	ck_assert(is_raw(master));
	if (ways[_i] == 0)
		ck_assert_int_eq(write(master, &c, 1), 1);
	else
		(void)kill(ways[_i] > 0 ? pid : server.pid,
		    ways[_i] > 0 ? ways[_i] : SIGKILL);
	ran.rc = wait_client(pid);
	ck_assert_int_eq(ran.rc, ways[_i] == 0 ? 5 : ways[_i] < 0 ? 255 :
	    -ways[_i]);
	is_as_before(master, &before);
	ck_assert(saw("request pty-req"));
	ck_assert(saw("90x33"));
	(void)close(master);
	(void)testd_wait(&server);
}
END_TEST

START_TEST(test_window)
{
	struct winsize size = { .ws_row = 22, .ws_col = 61 };
	struct termios before;
	char c = 'q';
	int master;
	pid_t pid;

	serve(TESTD_SERVE);
	pid = on_terminal(&master, &before, (const char *const[]){ "-t",
	    "localhost", "echo begun; head -c 1", NULL });
	wait_shown(master, "begun");
	ck_assert_int_eq(ioctl(master, TIOCSWINSZ, &size), 0);
	for (int i = 0; i < 1000 && !saw("window-change 61x22"); i++) {
		struct timespec t = { 0, 10000000 };

		(void)nanosleep(&t, NULL);
	}
	ck_assert(saw("window-change 61x22"));
	ck_assert_int_eq(write(master, &c, 1), 1);
	ck_assert_int_eq(wait_client(pid), 0);
	(void)close(master);
	served();
}
END_TEST

/* Without -t a command has none, and the terminal stays as it is. */
START_TEST(test_no_terminal)
{
	struct termios before;
	int master;
	pid_t pid;

	serve(TESTD_SERVE);
	pid = on_terminal(&master, &before, (const char *const[]){
	    "localhost", "echo begun; read x; echo got $x", NULL });
	wait_shown(master, "begun");
	ck_assert(!is_raw(master));
	ck_assert_int_eq(write(master, "word\n", 5), 5);
	wait_shown(master, "got word");
	ck_assert_int_eq(wait_client(pid), 0);
	ck_assert(!saw("pty-req"));
	(void)close(master);
	served();
}
END_TEST

START_TEST(test_asks_passphrase)
{
	struct termios before;
	int master;
	pid_t pid;

	certs_write(at("enc.crt"), &user, NULL);
	certs_write_key(at("enc.key"), &user, "open sesame");
	serve(TESTD_SERVE);
	pid = on_terminal(&master, &before, (const char *const[]){ "-i",
	    at("enc.crt"), "-T", "localhost", "echo done", NULL });
	wait_shown(master, "Passphrase of");
	ck_assert_int_eq(write(master, "wrong\n", 6), 6);
	wait_shown(master, "wrong passphrase");
	wait_shown(master, "Passphrase of");
	ck_assert_int_eq(write(master, "open sesame\n", 12), 12);
	wait_shown(master, "done");
	ck_assert_ptr_null(strstr(ran.out, "sesame"));
	ck_assert_int_eq(wait_client(pid), 0);
	is_as_before(master, &before);
	(void)close(master);
	served();
}
END_TEST

/* ---- -v --------------------------------------------------------------------------------------------- */

START_TEST(test_verbose)
{
	static const char *const steps[] = { "connecting to localhost",
	    "connected to 127.0.0.1", "dns=localhost", "checked against",
	    "not checked", "own certificate handed over: "
	    "uri=spiffe://test/user/alice", "TLS1.3", "waiting for approval",
	    "approved: account alice" };
	const char *last = ran.err;

	serve(TESTD_SERVE);
	RUN("-v", "alice@localhost", "true");
	ck_assert_int_eq(ran.rc, 0);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		last = strstr(last, steps[i]);
		ck_assert_msg(last != NULL, "no '%s' in its place:\n%s",
		    steps[i], ran.err);
	}
	served();
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, \
    (int)(sizeof(table) / sizeof((table)[0])))

int
main(void)
{
	Suite *s = suite_create("login");
	TCase *c = tcase_create("commands"), *m = tcase_create("much");
	TCase *r = tcase_create("refused"), *k = tcase_create("keys");
	TCase *t = tcase_create("terminal");
	TCase *all[] = { c, m, r, k, t };
	SRunner *sr;
	int failed;

	tcase_add_test(c, test_streams);
	tcase_add_test(c, test_no_account);
	tcase_add_test(c, test_ipv6);
	tcase_add_test(c, test_signal);
	tcase_add_test(c, test_input);
	tcase_add_test(c, test_no_input);
	tcase_add_test(c, test_output_ends);
	tcase_add_test(c, test_input_left);
	tcase_add_test(c, test_long_command);
	tcase_add_test(c, test_subsystem);
	tcase_add_test(c, test_send_env);
	tcase_add_test(m, test_much);
	tcase_add_test(m, test_much_and_exit);
	tcase_add_test(m, test_reader_gone);
	tcase_add_test(m, test_stalled_reader);
	tcase_add_test(r, test_refused);
	LOOP(r, test_alert, alerts);
	LOOP(r, test_own_fault, faults);
	tcase_add_test(r, test_no_start);
	tcase_add_test(r, test_vanish);
	tcase_add_test(r, test_rubbish);
	tcase_add_test(r, test_http);
	tcase_add_test(r, test_silent);
	tcase_add_test(r, test_frozen);
	tcase_add_test(r, test_nobody);
	tcase_add_test(r, test_banner);
	LOOP(r, test_rogue, rogues);
	tcase_add_test(r, test_crl);
	tcase_add_test(r, test_trust);
	tcase_add_test(k, test_encrypted);
	tcase_add_test(k, test_p12);
	tcase_add_test(k, test_bad_keys);
	LOOP(t, test_terminal, ways);
	tcase_add_test(t, test_window);
	tcase_add_test(t, test_no_terminal);
	tcase_add_test(t, test_asks_passphrase);
	tcase_add_test(t, test_verbose);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		tcase_add_unchecked_fixture(all[i], make_scene, remove_scene);
		tcase_set_timeout(all[i], 60);
		suite_add_tcase(s, all[i]);
	}
	sr = srunner_create(s);
	srunner_run_all(sr, CK_ENV);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed == 0 ? 0 : 1;
}
