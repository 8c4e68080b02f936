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

struct command {
	const char *name;
	size_t args;			/* words behind the name */
	unsigned takes, needs;		/* opts_bits */
	int (*run)(const struct opts *o, struct why *why);
	const char *usage;
};

static const struct command commands[] = {
	{ "init", 0, OPTS_REALM, OPTS_REALM, cmd_init,
	    "init --realm R\n"
	    "      make a root, an issuing CA for each class, first CRLs" },
	{ "issue", 2, OPTS_OUT | OPTS_NAMES | OPTS_DAYS | OPTS_KEY_TYPE |
	    OPTS_P12, OPTS_OUT, cmd_issue,
	    "issue user|device|host NAME --out DIR [--email E] [--upn U]\n"
	    "    [--dns N] [--ip A] [--days N] [--key-type "
	    "p256|ed25519|rsa3072]\n"
	    "    [--p12 [--p12-passphrase-file F]]\n"
	    "      a certificate with a new key: NAME.crt, NAME.key" },
	{ "sign", 3, OPTS_OUT | OPTS_NAMES | OPTS_DAYS, OPTS_OUT, cmd_sign,
	    "sign user|device|host NAME CSR --out DIR [--email E] [--upn U]\n"
	    "    [--dns N] [--ip A] [--days N]\n"
	    "      a certificate for the key of a CSR: NAME.crt" },
	{ "revoke", 0, OPTS_SERIAL | OPTS_CERT | OPTS_ID | OPTS_REASON, 0,
	    cmd_revoke,
	    "revoke --serial S | --cert F | --id CLASS/NAME [--reason R]\n"
	    "      for ever; --id: all live certificates of that name" },
	{ "crl", 0, OPTS_OUT, OPTS_OUT, cmd_crl,
	    "crl --out DIR\n"
	    "      new CRLs, to DIR/crl" },
	{ "list", 0, OPTS_EXPIRING | OPTS_REVOKED | OPTS_ID, 0, cmd_list,
	    "list [--expiring 30d | --revoked] [--id CLASS/NAME]\n"
	    "      what was issued" },
	{ "show", 1, 0, 0, cmd_show,
	    "show SERIAL\n"
	    "      all about one certificate" },
	{ "export", 0, OPTS_OUT, OPTS_OUT, cmd_export,
	    "export --out DIR\n"
	    "      what a host needs: trust.conf, ca/, crl/" },
	{ "check", 0, 0, 0, cmd_check,
	    "check\n"
	    "      the store against itself" },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void
usage(FILE *f)
{
	(void)fputs("usage: certlogin-ca [--dir DIR] [--passphrase-file F] "
	    "[--json] COMMAND\n", f);
	for (size_t i = 0; i < N_COMMANDS; i++)
		(void)fprintf(f, "  %s\n", commands[i].usage);
	(void)fputs("  --dir DIR            the CA's folder (default "
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

static bool
fits(const struct command *c, const struct opts *o)
{
	const char *problem = NULL;

	if ((o->given & ~c->takes) != 0)
		problem = "this command does not take one of the options";
	else if ((c->needs & ~o->given) != 0)
		problem = "an option is missing";
	else if (o->n_arg != c->args + 1)
		problem = "a word is missing, or there is one too many";
	if (problem != NULL)
		(void)fprintf(stderr, "certlogin-ca: %s: %s\nexpected: "
		    "certlogin-ca [OPTION...] %s\n", c->name, problem,
		    c->usage);
	return problem == NULL;
}

static int
run(const struct command *c, const struct opts *o)
{
	struct why why = { .text = "" };
	int r;

	if (!fits(c, o))
		return OPTS_USAGE;
	r = c->run(o, &why);
	return r < 0 ? opts_fail(r, &why) : r;
}

int
main(int argc, char **argv)
{
	struct why why;
	struct opts o;

	close_up();
	if (opts_parse(&o, argc, argv, &why) != 0)
		return opts_fail(ERR_MALFORMED, &why);
	if (o.help) {
		usage(stdout);
		return OPTS_DONE;
	}
	if (o.version) {
		(void)printf("certlogin-ca %s, %s\n", PACKAGE_VERSION,
		    sandbox_text());
		return OPTS_DONE;
	}
	for (size_t i = 0; o.n_arg > 0 && i < N_COMMANDS; i++)
		if (strcmp(o.arg[0], commands[i].name) == 0)
			return run(&commands[i], &o);
	usage(stderr);
	return OPTS_USAGE;
}
