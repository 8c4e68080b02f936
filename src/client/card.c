#include "client/card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/prompt.h"
#include "client/secret.h"
#include "cred/p11.h"
#include "x509/own.h"

#define TRIES 3

struct card {
	struct p11 *p11;
};

/* ---- which -------------------------------------------------------------- */

static char *
describe(const struct p11_cert *c, char *dst, size_t size)
{
	struct own o;

	own_look(&o, (struct span){ c->der, c->der_len }, time(NULL));
	(void)snprintf(dst, size, "token '%s', '%s', %s", c->token, c->label,
	    o.names[0] != '\0' ? o.names : "no names");
	return dst;
}

/* Certificates that a server could accept, as places in the list. */
static size_t
fitting(const struct p11_cert *certs, size_t n, size_t place[P11_CERTS_MAX])
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		struct own o;

		own_look(&o, (struct span){ certs[i].der, certs[i].der_len },
		    time(NULL));
		if (o.n_faults == 0)
			place[found++] = i;
	}
	return found;
}

/* Several, and nobody to choose: list them. */
static int
list_all(const struct p11_cert *certs, const size_t *place, size_t n,
    const struct say *say, struct why *why)
{
	char text[512];

	for (size_t i = 0; i < n; i++)
		say_error(say, "  %zu. %s", i + 1, describe(&certs[place[i]],
		    text, sizeof(text)));
	return why_set(why, ERR_STATE, "%zu certificates fit; name one with "
	    "-i 'pkcs11:token=...;object=...'", n);
}

static int
choose(const struct p11_cert *certs, const size_t *place, size_t n,
    const struct conf *conf, const struct say *say, size_t *chosen,
    struct why *why)
{
	char answer[16], *end;
	unsigned long v;
	int r;

	if (conf->batchmode)
		return list_all(certs, place, n, say, why);
	for (size_t i = 0; i < n; i++) {
		char text[512];

		say_error(say, "  %zu. %s", i + 1, describe(&certs[place[i]],
		    text, sizeof(text)));
	}
	r = prompt_line("Which of these? ", answer, sizeof(answer), why);
	if (r == ERR_STATE)
		return why_set(why, r, "%zu certificates fit and there is no "
		    "terminal to choose on; name one with -i "
		    "'pkcs11:token=...;object=...'", n);
	if (r != 0)
		return r;
	v = strtoul(answer, &end, 10);
	if (end == answer || *end != '\0' || v < 1 || v > n)
		return why_set(why, ERR_MALFORMED, "expected a number from 1 "
		    "to %zu", n);
	*chosen = place[v - 1];
	return 0;
}

static int
pick(const struct p11_cert *certs, size_t n, const struct conf *conf,
    const struct say *say, size_t *chosen, struct why *why)
{
	size_t place[P11_CERTS_MAX];
	size_t fits = fitting(certs, n, place);
	struct own o;

	if (fits == 1) {
		*chosen = place[0];
		return 0;
	}
	if (fits > 1)
		return choose(certs, place, fits, conf, say, chosen, why);
	if (n == 0)
		return why_set(why, ERR_NOTFOUND, "no certificate with a key "
		    "was found; is the card in the reader?");
	own_look(&o, (struct span){ certs[0].der, certs[0].der_len },
	    time(NULL));
	return why_set(why, ERR_NOTFOUND, "no certificate fits; of '%.60s': "
	    "%s", certs[0].label, o.n_faults > 0 ? o.fault[0] : "");
}

/* ---- the PIN ------------------------------------------------------------- */

static int
ask_reader(struct card *c, const struct say *say, uint32_t *flags,
    struct why *why)
{
	say_error(say, "enter the PIN at the reader");
	return p11_login(c->p11, NULL, 0, flags, why);
}

static int
give_pin(struct card *c, const struct conf *conf, const char *token,
    uint32_t *flags, struct why *why)
{
	char prompt[256];
	struct secret_ask ask = { .file = conf->pin_file,
	    .setting = "pin-file", .prompt = prompt,
	    .batch = conf->batchmode, .max = P11_PIN_MAX };
	struct buf pin;
	int r;

	(void)snprintf(prompt, sizeof(prompt), "%sPIN of '%s': ",
	    (*flags & P11_F_FINAL) != 0 ? "LAST TRY, a wrong one locks the "
	    "card. " : (*flags & P11_F_LOW) != 0 ? "The last one was wrong. " :
	    "", token);
	secret_init(&pin, P11_PIN_MAX + 2);
	if ((r = secret_get(&ask, &pin, why)) == 0)
		r = p11_login(c->p11, pin.data, pin.len, flags, why);
	buf_free(&pin);
	return r;
}

/* From a file a PIN is tried once, and not when it could lock the card. */
static int
login(struct card *c, const struct conf *conf, const struct say *say,
    const char *token, uint32_t flags, struct why *why)
{
	int r = ERR_REFUSED;

	for (int i = 0; r == ERR_REFUSED && i < TRIES; i++) {
		if ((flags & P11_F_LOCKED) != 0)
			return why_set(why, ERR_REFUSED, "the PIN of '%s' is "
			    "locked; only who issued the card can unlock it",
			    token);
		if ((flags & P11_F_PINPAD) != 0) {
			r = ask_reader(c, say, &flags, why);
			continue;
		}
		if (conf->pin_file != NULL && (flags & P11_F_FINAL) != 0)
			return why_set(why, ERR_REFUSED, "a wrong PIN would "
			    "lock '%s': the one of pin-file is not tried; "
			    "log in once by hand", token);
		r = give_pin(c, conf, token, &flags, why);
		if (conf->pin_file != NULL)
			break;
	}
	return r;
}

/* ---- opening --------------------------------------------------------------- */

static int
open_chosen(struct card *c, const struct p11_cert *cert, size_t chosen,
    const struct conf *conf, const struct say *say, struct why *why)
{
	uint32_t flags = 0;
	int r = p11_open(c->p11, chosen, &flags, why);

	if (r == 0 && (flags & (P11_F_PIN | P11_F_ALWAYS)) != 0)
		r = login(c, conf, say, cert->token, flags, why);
	return r;
}

static int
use(struct card *c, const char *uri, const struct conf *conf,
    const struct say *say, struct buf *der, char *from, size_t from_size,
    struct why *why)
{
	struct p11_conf p = { .module = conf->module,
	    .env = (const char *const *)conf->module_env,
	    .n_env = conf->n_module_env };
	struct p11_cert *certs = NULL;
	size_t n = 0, chosen = 0;
	int r;

	if ((r = p11_start(&c->p11, &p, why)) != 0 ||
	    (r = p11_list(c->p11, uri, &certs, &n, why)) != 0)
		return r;
	r = pick(certs, n, conf, say, &chosen, why);
	if (r == 0)
		r = open_chosen(c, &certs[chosen], chosen, conf, say, why);
	if (r == 0) {
		buf_put_raw(der, certs[chosen].der, certs[chosen].der_len);
		(void)snprintf(from, from_size, "token '%s', '%s'",
		    certs[chosen].token, certs[chosen].label);
		r = buf_err(der);
	}
	free(certs);
	return r;
}

int
card_open(struct card **out, const char *uri, const struct conf *conf,
    const struct say *say, struct buf *der, char *from, size_t from_size,
    struct why *why)
{
	struct card *c;
	int r;

	if (conf->module == NULL)
		return why_set(why, ERR_NOTFOUND, "a key on a card needs its "
		    "PKCS#11 driver: -o module=/path/to/driver.so");
	if ((c = calloc(1, sizeof(*c))) == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	r = use(c, uri, conf, say, der, from, from_size, why);
	if (r != 0) {
		card_close(c);
		return r;
	}
	*out = c;
	return 0;
}

int
card_sign(struct card *c, uint16_t scheme, struct span data, struct buf *sig,
    struct why *why)
{
	return p11_sign(c->p11, scheme, data, sig, why);
}

void
card_close(struct card *c)
{
	if (c == NULL)
		return;
	p11_stop(c->p11);
	free(c);
}
