/*
 * certlogin's parts: command line, settings, ssh's vectors, key files, what
 * our own certificate says, the words for alerts.
 */
#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "certs.h"
#include "client/cred.h"
#include "client/explain.h"
#include "client/opts.h"
#include "client/ssh.h"
#include "cred/keyfile.h"
#include "x509/own.h"

#define CLIENT_AUTH "1.3.6.1.5.5.7.3.2"
#define WORDS_MAX 32

static struct opts opts;
static struct diag diag;
static struct why why;
static char dir[64];

/* ---- command lines ------------------------------------------------------------- */

static int
parse(const char *const *words)
{
	char *argv[WORDS_MAX] = { (char *)(uintptr_t)"certlogin" };
	int argc = 1;

	while (words[argc - 1] != NULL) {
		argv[argc] = (char *)(uintptr_t)words[argc - 1];
		argc++;
	}
	diag_init(&diag);
	why.text[0] = '\0';
	return opts_get(&opts, argc, argv, &diag, &why);
}

static void
done(void)
{
	opts_free(&opts);
	diag_free(&diag);
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__, NULL })
#define GOOD(...) ck_assert_msg(PARSE(__VA_ARGS__) == 0, "%s %s", why.text, \
    diag.n > 0 ? diag.items[0].text : "")

/* Refused, with this word in the reason. */
#define BAD(word, ...) do {						\
	ck_assert_int_lt(PARSE(__VA_ARGS__), 0);			\
	ck_assert_msg(strstr(why.text, word) != NULL ||			\
	    (diag.n > 0 && strstr(diag.items[0].text, word) != NULL),	\
	    "'%s' '%s'", why.text, diag.n > 0 ? diag.items[0].text : "");\
	done();								\
} while (0)

START_TEST(test_plain)
{
	GOOD("-F", "none", "alice@host.example");
	ck_assert_str_eq(opts.host, "host.example");
	ck_assert_str_eq(opts.conf.account, "alice");
	ck_assert_ptr_null(opts.command);
	ck_assert_uint_eq(opts.conf.port, 4622);
	done();
	GOOD("-F", "none", "-p", "22", "-lbob", "-vqn", "host", "-T", "echo",
	    "-n", "a  b");
	ck_assert_str_eq(opts.conf.account, "bob");
	ck_assert_str_eq(opts.command, "echo -n a  b");
	ck_assert_uint_eq(opts.conf.port, 22);
	ck_assert(opts.conf.verbose && opts.conf.quiet);
	ck_assert(opts.conf.no_input);
	ck_assert_int_eq(opts.conf.terminal, CONF_TTY_NO);
	done();
	GOOD("-F", "none", "a@b@host", "--", "-x");
	ck_assert_str_eq(opts.conf.account, "a@b");
	ck_assert_str_eq(opts.command, "-x");
	done();
	/* what stands in front counts as ssh has it */
	GOOD("-F", "none", "-l", "carol", "alice@host");
	ck_assert_str_eq(opts.conf.account, "carol");
	done();
}
END_TEST

START_TEST(test_addresses)
{
	GOOD("-F", "none", "::1");
	ck_assert_str_eq(opts.host, "::1");
	done();
	GOOD("-F", "none", "alice@[2001:db8::1]", "id");
	ck_assert_str_eq(opts.host, "2001:db8::1");
	done();
	GOOD("-F", "none", "-6", "fe80::1%eth0");
	ck_assert_str_eq(opts.host, "fe80::1%eth0");
	ck_assert_int_eq(opts.conf.family, CONF_INET6);
	done();
	BAD("expected [ACCOUNT@]HOST", "alice@");
	BAD("expected [ACCOUNT@]HOST", "@host");
	BAD("expected [ACCOUNT@]HOST", "");
	BAD("expected [ACCOUNT@]HOST", "--", "-oProxyCommand=x");
	BAD("DNS name", "ho st");
	BAD("DNS name", "host/x");
	BAD("DNS name", "host\nx");
	BAD("which host", "-v");
}
END_TEST

START_TEST(test_terminal_letters)
{
	GOOD("-F", "none", "-t", "h");
	ck_assert_int_eq(opts.conf.terminal, CONF_TTY_YES);
	done();
	GOOD("-F", "none", "-tt", "h");
	ck_assert_int_eq(opts.conf.terminal, CONF_TTY_FORCE);
	done();
	GOOD("-F", "none", "-t", "h", "-t", "x");
	ck_assert_int_eq(opts.conf.terminal, CONF_TTY_FORCE);
	done();
	GOOD("-F", "none", "-oRequestTTY=force", "h", "x");
	ck_assert_int_eq(opts.conf.terminal, CONF_TTY_FORCE);
	done();
}
END_TEST

START_TEST(test_many_letters)
{
	static char v[3000];

	memset(v, 'v', sizeof(v) - 1);
	v[0] = '-';
	GOOD("-F", "none", v, "host");
	done();
}
END_TEST

START_TEST(test_refused_letters)
{
	BAD("-L is refused: ports", "-L", "1:2:3", "h");
	BAD("-A is refused: there is no agent", "-A", "h");
	BAD("-J is refused", "-J", "jump", "h");
	BAD("-f is refused", "-f", "h");
	BAD("-S is refused", "-S", "/x", "h");
	BAD("unknown option", "-z", "h");
	BAD("unknown option", "-p");
	BAD("which subsystem", "-F", "none", "-s", "h");
	BAD("expected 1 to 65535", "-F", "none", "-p", "65536", "h");
	BAD("a whole number", "-F", "none", "-p", "x", "h");
}
END_TEST

START_TEST(test_kinds)
{
	GOOD("--help");
	ck_assert_int_eq(opts.kind, OPTS_HELP);
	done();
	GOOD("-V");
	ck_assert_int_eq(opts.kind, OPTS_VERSION);
	done();
	GOOD("-F", "none", "-G", "-o", "SendEnv=GIT_PROTOCOL", "alice@h");
	ck_assert_int_eq(opts.kind, OPTS_SHOW);
	done();
}
END_TEST

/* As rsync, git, scp, sftp and ansible call ssh. */
START_TEST(test_tools)
{
	GOOD("-F", "none", "HOST", "rsync", "--server", "-logDtpre.iLsfxCIvu",
	    ".", "DIR/dst/");
	ck_assert_str_eq(opts.command,
	    "rsync --server -logDtpre.iLsfxCIvu . DIR/dst/");
	done();
	GOOD("-F", "none", "-l", "alice", "HOST", "rsync", "--server", ".");
	done();
	GOOD("-F", "none", "-o", "SendEnv=GIT_PROTOCOL", "-p", "99",
	    "alice@HOST", "git-upload-pack 'DIR/repo'");
	ck_assert_str_eq(opts.conf.send_env[0], "GIT_PROTOCOL");
	ck_assert_str_eq(opts.command, "git-upload-pack 'DIR/repo'");
	done();
	GOOD("-F", "none", "-x", "-oPermitLocalCommand=no",
	    "-oClearAllForwardings=yes", "-oRemoteCommand=none",
	    "-oRequestTTY=no", "-q", "-oForwardAgent=no", "-s", "--", "HOST",
	    "sftp");
	ck_assert(opts.subsystem);
	ck_assert_str_eq(opts.command, "sftp");
	done();
	GOOD("-F", "none", "-oForwardX11 no", "-oPermitLocalCommand no",
	    "-oClearAllForwardings yes", "-q", "-obatchmode yes",
	    "-oForwardAgent no", "-s", "--", "HOST", "sftp");
	ck_assert(opts.conf.batchmode);
	done();
	GOOD("-F", "none", "-C", "-o", "ControlMaster=auto", "-o",
	    "ControlPersist=60s", "-o", "KbdInteractiveAuthentication=no",
	    "-o", "PreferredAuthentications=publickey", "-o",
	    "PasswordAuthentication=no", "-o", "User=\"alice\"", "-o",
	    "ConnectTimeout=10", "-o", "ControlPath=\"/x/y\"", "-tt", "HOST",
	    "/bin/sh -c 'echo ~ && sleep 0'");
	ck_assert_str_eq(opts.conf.account, "alice");
	ck_assert_uint_eq(opts.conf.timeout, 10);
	done();
}
END_TEST

START_TEST(test_refused_settings)
{
	BAD("always refused", "-F", "none", "-oStrictHostKeyChecking=no",
	    "h");
	BAD("always refused", "-F", "none",
	    "-oStrictHostKeyChecking=accept-new", "h");
	BAD("directly", "-F", "none", "-oProxyCommand=nc %h %p", "h");
	BAD("true one", "-F", "none", "-oHostName=x", "h");
	BAD("TLS 1.3", "-F", "none", "-oCiphers=3des-cbc", "h");
	BAD("ports are", "-F", "none", "-oLocalForward=1 2", "h");
	BAD("unknown key", "-F", "none", "-oNoSuchThing=1", "h");
	BAD("KEY=VALUE", "-F", "none", "-obatchmode", "h");
	BAD("KEY=VALUE", "-F", "none", "-o=yes", "h");
	BAD("yes or no", "-F", "none", "-obatchmode=maybe", "h");
	BAD("KEY=VALUE", "-F", "none", "-oaccount=a\nb", "h");
	/* the controls */
	GOOD("-F", "none", "-oStrictHostKeyChecking=yes", "-oProxyJump=none",
	    "-oUserKnownHostsFile=/dev/null", "-o", "port = 7", "h");
	ck_assert_uint_eq(opts.conf.port, 7);
	done();
}
END_TEST

/* ---- settings ------------------------------------------------------------------- */

static void
put_file(const char *name, const char *text, mode_t mode, char path[256])
{
	int fd;

	(void)snprintf(path, 256, "%s/%s", dir, name);
	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(path_write_all(fd, text, strlen(text)), 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	(void)close(fd);
}

START_TEST(test_file)
{
	char path[256], want[256];

	put_file("conf", "# x\n[certlogin]\nport = 99\naccount = carol\n"
	    "identity = me.crt:keys/me.key\nca = ~/ca.crt\n"
	    "module-env = A=B\nmodule-env = C=D\ncrl = none\n", 0600, path);
	GOOD("-F", path, "-p", "7", "host");
	ck_assert_uint_eq(opts.conf.port, 7);
	ck_assert_str_eq(opts.conf.account, "carol");
	(void)snprintf(want, sizeof(want), "%s/me.crt", dir);
	ck_assert_str_eq(opts.conf.identity, want);
	(void)snprintf(want, sizeof(want), "%s/keys/me.key", dir);
	ck_assert_str_eq(opts.conf.key, want);
	(void)snprintf(want, sizeof(want), "%s/ca.crt", opts.home);
	ck_assert_str_eq(opts.conf.ca, want);
	ck_assert_str_eq(opts.conf.crl, "none");
	ck_assert_uint_eq(opts.conf.n_module_env, 2);
	done();
	/* on the command line relative to where we are */
	GOOD("-F", path, "-i", "x.crt", "bob@host");
	(void)snprintf(want, sizeof(want), "%s/x.crt", opts.cwd);
	ck_assert_str_eq(opts.conf.identity, want);
	ck_assert_ptr_null(opts.conf.key);
	ck_assert_str_eq(opts.conf.account, "bob");
	done();
	GOOD("-F", path, "-i", "pkcs11:token=x;object=y", "host");
	ck_assert_str_eq(opts.conf.identity, "pkcs11:token=x;object=y");
	done();
}
END_TEST

START_TEST(test_bad_file)
{
	char path[256];

	put_file("conf", "[certlogin]\nport = 99\nprot = 1\n", 0600, path);
	BAD("unknown key", "-F", path, "host");
	put_file("conf", "[certlogin]\nport = 99\nport = 1\n", 0600, path);
	BAD("repeated key", "-F", path, "host");
	put_file("conf", "[other]\nport = 99\n", 0600, path);
	BAD("unknown section", "-F", path, "host");
	put_file("conf", "[certlogin]\nport = 99\n", 0666, path);
	BAD("can be written by others", "-F", path, "host");
	(void)unlink(path);
	BAD("does not exist", "-F", path, "host");
	/* the usual place may be empty, and counts */
	GOOD("host");
	done();
	(void)snprintf(path, sizeof(path), "%s/.certlogin", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	put_file(".certlogin/config", "[certlogin]\nport = 98\n", 0600, path);
	GOOD("host");
	ck_assert_uint_eq(opts.conf.port, 98);
	done();
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/.certlogin", dir);
	(void)rmdir(path);
}
END_TEST

/* Each key has its item in the manual, and each item is a key. */
START_TEST(test_manual)
{
	static char page[65536];
	const char *src = getenv("srcdir");
	char item[128], path[1024];
	size_t n_keys = 0, n_items = 0;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/man/certlogin.conf.5",
	    src != NULL ? src : ".");
	ck_assert_ptr_nonnull(f = fopen(path, "re"));
	page[fread(page, 1, sizeof(page) - 1, f)] = '\0';
	(void)fclose(f);
	for (const struct ini_key *k = conf_keys; k->name != NULL; k++) {
		n_keys++;
		(void)snprintf(item, sizeof(item), "\n.It Cm %s\n", k->name);
		ck_assert_msg(strstr(page, item) != NULL, "no item %s",
		    k->name);
	}
	for (const char *p = page; (p = strstr(p, "\n.It Cm ")) != NULL; p++)
		n_items++;
	ck_assert_uint_eq(n_keys, n_items);
}
END_TEST

/* ---- keys ----------------------------------------------------------------------- */

static const struct certs_spec user_spec = { .cn = "alice",
    .uri = "spiffe://test/user/alice", .purpose = CLIENT_AUTH };

static void
load(const char *path, struct buf *b)
{
	buf_init(b, KEYFILE_MAX + 1);
	ck_assert_msg(path_load(path, 0, KEYFILE_MAX, b, &why) == 0, "%s",
	    why.text);
}

static int
key_with(const char *path, const char *passphrase, const struct certs *c)
{
	struct gnutls_privkey_st *key = NULL;
	struct buf b;
	int r;

	load(path, &b);
	r = keyfile_key((struct span){ b.data, b.len }, passphrase, &key,
	    &why);
	if (r == 0)
		r = keyfile_fits(key, certs_der(c), &why);
	keyfile_free(key);
	buf_free(&b);
	return r;
}

START_TEST(test_keyfile)
{
	struct certs c, other;
	char path[256];

	certs_make(&c, &user_spec, NULL);
	certs_make(&other, &user_spec, NULL);
	(void)snprintf(path, sizeof(path), "%s/key", dir);
	certs_write_key(path, &c, NULL);
	ck_assert_int_eq(key_with(path, NULL, &c), 0);
	ck_assert_int_eq(key_with(path, NULL, &other), ERR_REFUSED);
	certs_write_key(path, &c, "sesame");
	ck_assert_int_eq(key_with(path, NULL, &c), ERR_STATE);
	ck_assert_int_eq(key_with(path, "semolina", &c), ERR_REFUSED);
	ck_assert_int_eq(key_with(path, "sesame", &c), 0);
	put_file("key", "no key at all", 0600, path);
	ck_assert_int_eq(key_with(path, NULL, &c), ERR_MALFORMED);
	put_file("key", "", 0600, path);
	ck_assert_int_eq(key_with(path, NULL, &c), ERR_MALFORMED);
	certs_free(&c);
	certs_free(&other);
}
END_TEST

START_TEST(test_p12)
{
	struct gnutls_privkey_st *key = NULL;
	struct certs root, ca, c;
	struct span chain[KEYFILE_CHAIN_MAX], text;
	struct buf file, der;
	char path[256];
	size_t n = 0;

	certs_make(&root, &(struct certs_spec){ .cn = "root", .ca = true },
	    NULL);
	certs_make(&ca, &(struct certs_spec){ .cn = "ca", .ca = true },
	    &root);
	certs_make(&c, &user_spec, &ca);
	(void)snprintf(path, sizeof(path), "%s/p12", dir);
	certs_write_p12(path, &c, &ca, "sesame");
	load(path, &file);
	text = (struct span){ file.data, file.len };
	ck_assert(keyfile_is_p12(text));
	buf_init(&der, 65536);
	ck_assert_int_eq(keyfile_p12(text, NULL, &key, &der, chain, &n, &why),
	    ERR_STATE);
	ck_assert_int_eq(keyfile_p12(text, "wrong", &key, &der, chain, &n,
	    &why), ERR_REFUSED);
	ck_assert_msg(keyfile_p12(text, "sesame", &key, &der, chain, &n,
	    &why) == 0, "%s", why.text);
	ck_assert_uint_eq(n, 2);
	ck_assert(span_eq(chain[0], certs_der(&c)));
	ck_assert(span_eq(chain[1], certs_der(&ca)));
	ck_assert_int_eq(keyfile_fits(key, chain[0], &why), 0);
	keyfile_free(key);
	buf_free(&der);
	buf_free(&file);
	certs_free(&c);
	certs_free(&ca);
	certs_free(&root);
}
END_TEST

/* ---- which certificate ------------------------------------------------------------ */

static int
choose(struct conf *conf)
{
	struct say say = { .quiet = true };
	struct cred c;
	int r = cred_get(&c, conf, &say, &why);

	cred_free(&c);
	return r;
}

START_TEST(test_choice)
{
	struct certs c;
	char path[256];
	struct conf conf;

	certs_make(&c, &user_spec, NULL);
	conf_init(&conf, dir, dir);
	conf.batchmode = true;
	(void)snprintf(path, sizeof(path), "%s/.certlogin", dir);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(choose(&conf), ERR_NOTFOUND);
	ck_assert_ptr_nonnull(strstr(why.text, "name one with -i"));

	/* the head of a PKCS#12: it is taken, and must be nobody else's */
	put_file(".certlogin/id.p12", "\x30\x06\x02\x01\x03\x30\x01\x01",
	    0640, path);
	ck_assert_int_eq(choose(&conf), ERR_UNSAFE);
	ck_assert_ptr_nonnull(strstr(why.text, "id.p12"));
	(void)chmod(path, 0600);
	ck_assert_int_eq(choose(&conf), ERR_MALFORMED);

	/* id.crt comes first, and implies id.key */
	(void)snprintf(path, sizeof(path), "%s/.certlogin/id.crt", dir);
	certs_write(path, &c, NULL);
	ck_assert_int_eq(choose(&conf), ERR_NOTFOUND);
	ck_assert_ptr_nonnull(strstr(why.text, "id.key"));
	(void)snprintf(path, sizeof(path), "%s/.certlogin/id.key", dir);
	certs_write_key(path, &c, NULL);
	ck_assert_msg(choose(&conf) == 0, "%s", why.text);
	conf_free(&conf);
	certs_free(&c);
}
END_TEST

/* ---- words ------------------------------------------------------------------------ */

START_TEST(test_own)
{
	struct certs c;
	struct own o;

	certs_make(&c, &user_spec, NULL);
	own_look(&o, certs_der(&c), time(NULL));
	ck_assert_str_eq(o.names, "uri=spiffe://test/user/alice");
	ck_assert_uint_eq(o.n_faults, 1);
	ck_assert_ptr_nonnull(strstr(o.fault[0], "issued by itself"));
	own_look(&o, certs_der(&c), time(NULL) + 100L * 86400);
	ck_assert_ptr_nonnull(strstr(o.fault[0], "expired"));
	own_look(&o, (struct span){ (const uint8_t *)"x", 1 }, 0);
	ck_assert_uint_eq(o.n_faults, 1);
	certs_free(&c);
}
END_TEST

START_TEST(test_alerts)
{
	static const struct { enum tls_alert alert; const char *says; } t[] = {
		{ TLS_ALERT_UNKNOWN_CA, "unknown" },
		{ TLS_ALERT_CERTIFICATE_EXPIRED, "expired" },
		{ TLS_ALERT_CERTIFICATE_REVOKED, "revoked" },
		{ TLS_ALERT_PROTOCOL_VERSION, "TLS 1.3" },
		{ TLS_ALERT_NO_APPLICATION_PROTOCOL, "certlogin/1" },
		{ (enum tls_alert)99, "ended the TLS handshake" },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_ptr_nonnull(strstr(explain_alert(t[i].alert),
		    t[i].says));
}
END_TEST

static void
setup(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/certlogin-unit.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	(void)setenv("HOME", dir, 1);
}

static void
teardown(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command), "rm -rf %s", dir);
	ck_assert_int_eq(system(command), 0);
}

int
main(void)
{
	Suite *s = suite_create("client");
	TCase *a = tcase_create("arguments"), *k = tcase_create("keys");
	SRunner *r;
	int failed;

	tcase_add_test(a, test_plain);
	tcase_add_test(a, test_addresses);
	tcase_add_test(a, test_terminal_letters);
	tcase_add_test(a, test_many_letters);
	tcase_add_test(a, test_refused_letters);
	tcase_add_test(a, test_kinds);
	tcase_add_test(a, test_tools);
	tcase_add_test(a, test_refused_settings);
	tcase_add_test(a, test_file);
	tcase_add_test(a, test_bad_file);
	tcase_add_test(a, test_manual);
	tcase_add_test(k, test_keyfile);
	tcase_add_test(k, test_p12);
	tcase_add_test(k, test_choice);
	tcase_add_test(k, test_own);
	tcase_add_test(k, test_alerts);
	tcase_add_checked_fixture(a, setup, teardown);
	tcase_set_timeout(k, 30);
	tcase_add_checked_fixture(k, setup, teardown);
	suite_add_tcase(s, a);
	suite_add_tcase(s, k);
	r = srunner_create(s);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
