/*
 * certlogin-ca: the realm's own CA.  Run by its admin, at a terminal or from
 * a timer; the passphrase comes from the one or from a file, and keys leave
 * this process encrypted or into the files that were asked for.  A CSR, the
 * only thing here that comes from a stranger, is read by a child that has
 * nothing (csr.c).
 */
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/sandbox.h"
#include "ca/cmd.h"
#include "ca/opts.h"

enum { INIT, ISSUE, SIGN, REVOKE, CRL, LIST, SHOW, EXPORT, CHECK };

static const struct cmdline_command commands[] = {
	[INIT] = { "init", NULL, 0, 0 },
	[ISSUE] = { "issue", "user|device|host NAME", 2, 2 },
	[SIGN] = { "sign", "user|device|host NAME CSR", 3, 3 },
	[REVOKE] = { "revoke", NULL, 0, 0 },
	[CRL] = { "crl", NULL, 0, 0 },
	[LIST] = { "list", NULL, 0, 0 },
	[SHOW] = { "show", "a SERIAL", 1, 1 },
	[EXPORT] = { "export", NULL, 0, 0 },
	[CHECK] = { "check", NULL, 0, 0 },
};

static int (*const runs[])(const struct opts *o, struct why *why) = {
	[INIT] = cmd_init, [ISSUE] = cmd_issue, [SIGN] = cmd_sign,
	[REVOKE] = cmd_revoke, [CRL] = cmd_crl, [LIST] = cmd_list,
	[SHOW] = cmd_show, [EXPORT] = cmd_export, [CHECK] = cmd_check,
};

#define TO(member) CMDLINE_TO(struct opts, member)
#define ON(command) CMDLINE_ON(command)
#define ON_NAMES (ON(ISSUE) | ON(SIGN))
#define ON_OUT (ON_NAMES | ON(CRL) | ON(EXPORT))
#define NAMES(kind) TO(names.kind), .on = ON_NAMES, .most = MINT_EXTRA_MAX, \
    .count = offsetof(struct opts, names.n_##kind)
static const struct cmdline_option rows[] = {
	{ "dir", TO(dir), .on = CMDLINE_ON_ALL },
	{ "passphrase-file", TO(passphrase_file), .on = CMDLINE_ON_ALL },
	{ "json", TO(json), .on = CMDLINE_ON_ALL },
	{ "realm", TO(realm), .on = ON(INIT), .needed = ON(INIT) },
	{ "out", TO(out), .on = ON_OUT, .needed = ON_OUT },
	{ "email", NAMES(email) },
	{ "upn", NAMES(upn) },
	{ "dns", NAMES(dns) },
	{ "ip", NAMES(ip) },
	{ "days", TO(days), .on = ON_NAMES },
	{ "key-type", TO(key_type), .on = ON(ISSUE) },
	{ "p12", TO(p12), .on = ON(ISSUE) },
	{ "p12-passphrase-file", TO(p12_passphrase_file), .on = ON(ISSUE) },
	{ "serial", TO(serial), .on = ON(REVOKE) },
	{ "cert", TO(cert), .on = ON(REVOKE) },
	{ "id", TO(id), .on = ON(REVOKE) | ON(LIST) },
	{ "reason", TO(reason), .on = ON(REVOKE) },
	{ "expiring", TO(expiring), .on = ON(LIST) },
	{ "revoked", TO(revoked), .on = ON(LIST) },
};

static void
usage(FILE *f)
{
	(void)fputs("usage: certlogin-ca [--dir DIR] [--passphrase-file F] "
	    "[--json] COMMAND\n"
	    "  init --realm R\n"
	    "      make a root, an issuing CA for each class, first CRLs\n"
	    "  issue user|device|host NAME --out DIR [--email E] [--upn U]\n"
	    "    [--dns N] [--ip A] [--days N] [--key-type "
	    "p256|ed25519|rsa3072]\n"
	    "    [--p12 [--p12-passphrase-file F]]\n"
	    "      a certificate with a new key: NAME.crt, NAME.key\n"
	    "  sign user|device|host NAME CSR --out DIR [--email E] "
	    "[--upn U]\n"
	    "    [--dns N] [--ip A] [--days N]\n"
	    "      a certificate for the key of a CSR: NAME.crt\n"
	    "  revoke --serial S | --cert F | --id CLASS/NAME [--reason R]\n"
	    "      for ever; --id: all live certificates of that name\n"
	    "  crl --out DIR\n"
	    "      new CRLs, to DIR/crl\n"
	    "  list [--expiring 30d | --revoked] [--id CLASS/NAME]\n"
	    "      what was issued\n"
	    "  show SERIAL\n"
	    "      all about one certificate\n"
	    "  export --out DIR\n"
	    "      what a host needs: trust.conf, ca/, crl/\n"
	    "  check\n"
	    "      the store against itself\n"
	    "  --dir DIR            the CA's folder (default "
	    OPTS_DIR ")\n"
	    "  --passphrase-file F  its first line opens the CA's keys; "
	    "else the terminal asks\n"
	    "  --json               print data as JSON\n"
	    "  --help, --version\n", f);
}

/* Keys must not end up in a core file, nor be read by a debugger; nor may a
 * file be open to others, whatever the caller's umask is. */
static void
close_up(void)
{
	static const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)umask(077);
}

/* Print the reason; the exit status that fits r. */
static int
fail(int r, const struct why *why)
{
	char text[2 * WHY_MAX];

	(void)fprintf(stderr, "certlogin-ca: %s\n", err_escape(text,
	    sizeof(text), why->text, strlen(why->text)));
	switch (r) {
	case ERR_REFUSED: case ERR_EXISTS: case ERR_STATE:
	case ERR_NOTFOUND:
		return EXIT_PROBLEM;
	case ERR_MALFORMED:
		return EXIT_USAGE;
	default:
		return EXIT_COULD_NOT;
	}
}

int
main(int argc, char **argv)
{
	const struct cmdline line = {
		.program = "certlogin-ca", .sandbox = sandbox_text(),
		.usage = usage,
		.options = rows, .n_options = sizeof(rows) / sizeof(rows[0]),
		.commands = commands,
		.n_commands = sizeof(commands) / sizeof(commands[0]),
	};
	struct why why = { .text = "" };
	struct opts o = { .dir = OPTS_DIR };
	struct cmdline_words w;
	int r;

	close_up();
	if ((r = cmdline_take(&line, &o, argc, argv, &w)) >= 0)
		return r;
	o.arg = w.word;
	r = runs[w.command](&o, &why);
	return cmdline_end(&line, r < 0 ? fail(r, &why) : r);
}
