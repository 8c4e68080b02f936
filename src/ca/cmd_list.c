/* list: the certificates that were issued, oldest first. */
#include <stdio.h>
#include <time.h>

#include "base/ini.h"
#include "ca/authority.h"
#include "ca/cmd.h"
#include "ca/print.h"

struct listing {
	const char *realm;
	bool json, revoked, any;
	int64_t now;
};

static int
one(void *arg, const struct store_cert *c, struct why *why)
{
	char hex[WORDS_HEX], until[PRINT_TIME], when[PRINT_TIME];
	struct listing *l = arg;

	(void)why;
	/* what was never signed is nobody's certificate */
	if (c->state != STORE_ISSUED && c->state != STORE_REVOKED)
		return 0;
	if (l->json) {
		(void)fputs(l->any ? ",\n{" : "{", stdout);
		print_json_cert(l->realm, c);
		(void)putchar('}');
	} else {
		words_hex(c->serial, hex);
		(void)printf("%s  %-6s  %-20s  until %s", hex,
		    words_class(c->class), c->name,
		    print_time(c->not_after, until));
		if (c->state == STORE_REVOKED)
			(void)printf("  revoked %s (%s)",
			    print_time(c->revoked, when),
			    words_reason_text(c->reason));
		else if (c->not_after <= l->now)
			(void)printf("  expired");
		(void)putchar('\n');
	}
	l->any = true;
	return 0;
}

static int
make_query(const struct opts *o, int64_t now, struct store_query *q,
    struct why *why)
{
	enum words_class class;
	uint32_t seconds;

	if (o->id != NULL) {
		if (words_id(o->id, &class, &q->name, why) != 0)
			return ERR_MALFORMED;
		q->class = (int)class;
	}
	if (o->revoked)
		q->state = STORE_REVOKED;
	if (o->expiring == NULL)
		return 0;
	if (o->revoked)
		return why_set(why, ERR_MALFORMED, "--expiring and --revoked "
		    "exclude each other");
	if (ini_duration(o->expiring, &seconds) != 0)
		return why_set(why, ERR_MALFORMED, "--expiring: expected a "
		    "time like 30d or 12h");
	q->state = STORE_ISSUED;
	q->after = now;
	q->before = now + seconds;
	return 0;
}

int
cmd_list(const struct opts *o, struct why *why)
{
	struct store_query q = STORE_ANY;
	struct listing l = { .json = o->json, .now = time(NULL) };
	struct authority a;
	int r;

	if ((r = make_query(o, l.now, &q, why)) != 0)
		return r;
	if ((r = authority_open(&a, o->dir, STORE_USE, o->passphrase_file,
	    why)) == 0) {
		l.realm = store_realm(a.s);
		if (l.json)
			(void)putchar('[');
		r = store_each(a.s, &q, one, &l, why);
		if (l.json)
			(void)puts("]");
	}
	authority_close(&a);
	return r == 0 ? print_end(why) : r;
}
