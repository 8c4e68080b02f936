/* show: all that is known of one serial. */
#include <stdio.h>

#include "ca/authority.h"
#include "ca/cmd.h"
#include "ca/mint.h"
#include "ca/print.h"

#define PEM_MAX 32768

struct showing {
	const char *realm;
	bool json, found;
};

static void
line(const char *name, const char *value)
{
	(void)printf("%-12s %s\n", name, value);
}

static void
time_line(const char *name, int64_t when)
{
	char text[PRINT_TIME];

	line(name, print_time(when, text));
}

static void
as_text(const struct showing *s, const struct store_cert *c, const char *pem)
{
	char hex[WORDS_HEX], uri[WORDS_URI_MAX];

	words_hex(c->serial, hex);
	words_uri(s->realm, c->class, c->name, uri);
	line("serial", hex);
	line("class", words_class(c->class));
	line("name", c->name);
	line("uri", uri);
	line("state", store_state_text(c->state));
	time_line("requested", c->requested);
	time_line("not before", c->not_before);
	time_line("not after", c->not_after);
	if (c->state == STORE_REVOKED) {
		time_line("revoked", c->revoked);
		line("reason", words_reason_text(c->reason));
	}
	if (c->target != NULL)
		line("files wait", c->target);
	(void)fputs(pem, stdout);
}

static int
one(void *arg, const struct store_cert *c, struct why *why)
{
	struct showing *s = arg;
	struct buf pem;
	int r = 0;

	buf_init(&pem, PEM_MAX);
	if (c->der.n > 0)
		r = mint_pem("CERTIFICATE", c->der, &pem, why);
	buf_put_u8(&pem, 0);
	if (r == 0 && (r = buf_err(&pem)) == 0 && s->json) {
		(void)putchar('{');
		print_json_cert(s->realm, c);
		if (c->der.n > 0)
			print_json_member("pem", (const char *)pem.data);
		(void)puts("}");
	} else if (r == 0)
		as_text(s, c, (const char *)pem.data);
	s->found = true;
	buf_free(&pem);
	return r;
}

int
cmd_show(const struct opts *o, struct why *why)
{
	struct store_query q = STORE_ANY;
	struct showing s = { .json = o->json };
	uint8_t serial[WORDS_SERIAL];
	struct authority a;
	int r;

	if ((r = words_serial(o->arg[0], serial, why)) != 0)
		return r;
	q.serial = serial;
	if ((r = authority_open(&a, o->dir, STORE_USE, o->passphrase_file,
	    why)) == 0) {
		s.realm = store_realm(a.s);
		r = store_each(a.s, &q, one, &s, why);
	}
	if (r == 0 && !s.found)
		r = why_set(why, ERR_NOTFOUND, "this CA never gave out serial "
		    "%.60s", o->arg[0]);
	authority_close(&a);
	return r == 0 ? print_end(why) : r;
}
