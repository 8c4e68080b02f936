#include "ca/opts.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

enum { O_DIR = 256, O_PASS, O_P12_PASS, O_JSON, O_HELP, O_VERSION, O_REALM,
    O_OUT, O_EMAIL, O_UPN, O_DNS, O_IP, O_DAYS, O_KEY_TYPE, O_P12, O_SERIAL,
    O_CERT, O_ID, O_REASON, O_EXPIRING, O_REVOKED };

static const struct option longs[] = {
	{ "dir", required_argument, NULL, O_DIR },
	{ "passphrase-file", required_argument, NULL, O_PASS },
	{ "p12-passphrase-file", required_argument, NULL, O_P12_PASS },
	{ "json", no_argument, NULL, O_JSON },
	{ "help", no_argument, NULL, O_HELP },
	{ "version", no_argument, NULL, O_VERSION },
	{ "realm", required_argument, NULL, O_REALM },
	{ "out", required_argument, NULL, O_OUT },
	{ "email", required_argument, NULL, O_EMAIL },
	{ "upn", required_argument, NULL, O_UPN },
	{ "dns", required_argument, NULL, O_DNS },
	{ "ip", required_argument, NULL, O_IP },
	{ "days", required_argument, NULL, O_DAYS },
	{ "key-type", required_argument, NULL, O_KEY_TYPE },
	{ "p12", no_argument, NULL, O_P12 },
	{ "serial", required_argument, NULL, O_SERIAL },
	{ "cert", required_argument, NULL, O_CERT },
	{ "id", required_argument, NULL, O_ID },
	{ "reason", required_argument, NULL, O_REASON },
	{ "expiring", required_argument, NULL, O_EXPIRING },
	{ "revoked", no_argument, NULL, O_REVOKED },
	{ NULL, 0, NULL, 0 },
};

/* Which bit an option counts as, and where its value goes. */
static const char **
value_of(struct opts *o, int c, unsigned *bit)
{
	switch (c) {
	case O_DIR: *bit = 0; return &o->dir;
	case O_PASS: *bit = 0; return &o->passphrase_file;
	case O_P12_PASS: *bit = OPTS_P12; return &o->p12_passphrase_file;
	case O_REALM: *bit = OPTS_REALM; return &o->realm;
	case O_OUT: *bit = OPTS_OUT; return &o->out;
	case O_DAYS: *bit = OPTS_DAYS; return &o->days;
	case O_KEY_TYPE: *bit = OPTS_KEY_TYPE; return &o->key_type;
	case O_SERIAL: *bit = OPTS_SERIAL; return &o->serial;
	case O_CERT: *bit = OPTS_CERT; return &o->cert;
	case O_ID: *bit = OPTS_ID; return &o->id;
	case O_REASON: *bit = OPTS_REASON; return &o->reason;
	case O_EXPIRING: *bit = OPTS_EXPIRING; return &o->expiring;
	default: return NULL;
	}
}

static bool *
flag_of(struct opts *o, int c, unsigned *bit)
{
	switch (c) {
	case O_JSON: *bit = 0; return &o->json;
	case O_HELP: *bit = 0; return &o->help;
	case O_VERSION: *bit = 0; return &o->version;
	case O_P12: *bit = OPTS_P12; return &o->p12;
	case O_REVOKED: *bit = OPTS_REVOKED; return &o->revoked;
	default: return NULL;
	}
}

static int
add_name(const char **list, size_t *n, const char *value, struct why *why)
{
	if (*n == MINT_EXTRA_MAX)
		return why_set(why, ERR_MALFORMED, "too many names of one "
		    "kind; at most %d", MINT_EXTRA_MAX);
	list[(*n)++] = value;
	return 0;
}

static int
name_option(struct opts *o, int c, struct why *why)
{
	struct mint_names *m = &o->names;

	o->given |= OPTS_NAMES;
	switch (c) {
	case O_EMAIL: return add_name(m->email, &m->n_email, optarg, why);
	case O_UPN: return add_name(m->upn, &m->n_upn, optarg, why);
	case O_DNS: return add_name(m->dns, &m->n_dns, optarg, why);
	case O_IP: return add_name(m->ip, &m->n_ip, optarg, why);
	default: return ERR_INTERNAL;
	}
}

/* word: as it stands on the command line */
static int
one(struct opts *o, int c, const char *word, struct why *why)
{
	unsigned bit = 0;
	const char **value;
	bool *flag;

	if (c == 1) {		/* not an option */
		if (o->n_arg > OPTS_ARGS_MAX)
			return why_set(why, ERR_MALFORMED, "too many words");
		o->arg[o->n_arg++] = optarg;
		return 0;
	}
	if (c == 'h')
		c = O_HELP;
	if (c == O_EMAIL || c == O_UPN || c == O_DNS || c == O_IP)
		return name_option(o, c, why);
	if ((value = value_of(o, c, &bit)) != NULL) {
		if (*value != NULL)
			return why_set(why, ERR_MALFORMED, "'%.100s': this "
			    "option was given twice", word);
		*value = optarg;
	} else if ((flag = flag_of(o, c, &bit)) != NULL)
		*flag = true;
	else
		return why_set(why, ERR_MALFORMED, "option '%.100s': %s; see "
		    "certlogin-ca --help", word, c == ':' ?
		    "its value is missing" : "there is none like this");
	o->given |= bit;
	return 0;
}

int
opts_parse(struct opts *o, int argc, char **argv, struct why *why)
{
	int c, r = 0;

	*o = (struct opts){ .dir = NULL };
	opterr = 0;
	/* '-': words come in their order among the options */
	while (r == 0 && (c = getopt_long(argc, argv, "-:h", longs,
	    NULL)) != -1)
		r = one(o, c, argv[optind - 1], why);
	while (r == 0 && optind < argc) {	/* behind -- */
		optarg = argv[optind++];
		r = one(o, 1, optarg, why);
	}
	if (o->dir == NULL)
		o->dir = OPTS_DIR;
	return r;
}

int
opts_fail(int r, const struct why *why)
{
	char text[2 * WHY_MAX];

	(void)fprintf(stderr, "certlogin-ca: %s\n", err_escape(text,
	    sizeof(text), why->text, strlen(why->text)));
	switch (r) {
	case ERR_REFUSED: case ERR_EXISTS: case ERR_STATE:
	case ERR_NOTFOUND:
		return OPTS_PROBLEM;
	case ERR_MALFORMED:
		return OPTS_USAGE;
	default:
		return OPTS_COULD_NOT;
	}
}
