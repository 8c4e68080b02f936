/* certlogin-map test --token: each step that the PAM module would make, and
 * what came of it. */
#include "map/token.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/path.h"
#include "door/judging.h"
#include "map/reader.h"
#include "map/say.h"

#define SERVICE "login"		/* where none is named */
#define HOST "a test, no login"	/* in the place of a machine's name */
#define STEP_MAX 2048

struct walk {
	struct options o;		/* with what the configuration says */
	char privileged[IPC_PRIVILEGED_MAX * IPC_ACCOUNT_MAX];
	struct reader reader;
	struct buf pin;			/* empty: none is given */
	bool member;			/* JSON: the object has one already */
};

/* ---- what was found ------------------------------------------------------------------ */

static void
begin_object(struct walk *w)
{
	(void)putchar('{');
	w->member = false;
}

static void
end_object(struct walk *w)
{
	(void)putchar('}');
	w->member = true;
}

/* One line of what was found, or a member of the object. */
__attribute__((format(printf, 3, 4)))
static void
step(struct walk *w, const char *name, const char *fmt, ...)
{
	char text[STEP_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (w->o.json) {
		(void)fputs(w->member ? "," : "", stdout);
		say_member(name, text);
		w->member = true;
		return;
	}
	(void)printf("%-12s %s\n", strcmp(name, "pin") == 0 ? "PIN" : name,
	    text);
	(void)fflush(stdout);
}

/* Why it ends here. */
static int
stop_here(struct walk *w, const char *why)
{
	if (w->o.json)
		step(w, "error", "%s", why);
	return say_error(EXIT_COULD_NOT, "%s", why);
}

/* ---- the configuration ------------------------------------------------------------- */

static void
inherit(struct walk *w)
{
	const struct doorconf *c = &w->reader.conf;
	size_t at = 0;

	if (strcmp(w->o.map, SYSCONF_DIR "/identity.map") == 0)
		w->o.map = c->map;
	if (strcmp(w->o.trust, SYSCONF_DIR "/trust.conf") == 0)
		w->o.trust = c->trust;
	if (strcmp(w->o.state, STATE_DIR) == 0)
		w->o.state = c->state_dir;
	if (w->o.service == NULL)
		w->o.service = SERVICE;
	for (size_t i = 0; i < c->n_privileged; i++)
		at += (size_t)snprintf(w->privileged + at,
		    sizeof(w->privileged) - at, "%s%s", i > 0 ? "," : "",
		    c->privileged[i]);
	if (w->o.privileged == NULL)
		w->o.privileged = w->privileged;
}

static int
configure(struct walk *w)
{
	struct why why;

	if (reader_configure(&w->reader, &w->o, &why) != 0)
		return stop_here(w, why.text);
	inherit(w);
	step(w, "module", "%s", w->reader.conf.module != NULL ?
	    w->reader.conf.module : "none");
	step(w, "service", "%s", w->o.service);
	return EXIT_DONE;
}

static int
read_pin(struct walk *w)
{
	struct why why;

	buf_init_secret(&w->pin, P11_PIN_MAX + 2);
	if (w->o.pin_file == NULL)
		return EXIT_DONE;
	if (path_load(w->o.pin_file, PATH_SECRET, P11_PIN_MAX + 1, &w->pin,
	    &why) != 0)
		return stop_here(w, why.text);
	if (w->pin.len > 0 && w->pin.data[w->pin.len - 1] == '\n')
		w->pin.len--;
	return w->pin.len > 0 ? EXIT_DONE : stop_here(w, "the PIN of "
	    "--pin-file is empty");
}

/* ---- helpers, cards ---------------------------------------------------------------- */

static int
say_local(struct walk *w)
{
	struct why why = { "" };
	int r = reader_local(&w->reader, &why);

	if (r != 0 && r != ERR_REFUSED)
		return stop_here(w, why.text);
	step(w, "local", "%s%s%s", r == 0 ? "yes" : "no: ", why.text,
	    r != 0 && w->reader.conf.remote != 0 ?
	    " (remote=allow: never mind)" : "");
	return EXIT_DONE;
}

static int
find_cards(struct walk *w)
{
	struct reader *r = &w->reader;
	struct why why;

	if (reader_list(r, &why) != 0)
		return stop_here(w, why.text);
	step(w, "driver", "loaded");
	step(w, "cards", "%zu certificate%s with a key%s%s%s", r->n,
	    r->n == 1 ? "" : "s", r->conf.uri[0] != '\0' ? " that fit " : "",
	    r->conf.uri, (p11_flags(r->p11) & P11_F_NO_READER) != 0 ?
	    "; there is no reader" : "");
	return r->n > 0 ? EXIT_DONE : EXIT_PROBLEM;
}

/* ---- one certificate ---------------------------------------------------------------- */

static void
say_card(struct walk *w, const struct p11_cert *c, uint32_t flags)
{
	step(w, "card", "%s", c->token);
	step(w, "object", "%s", c->label);
	step(w, "key", "%s", (c->flags & P11_F_KEY_SEEN) != 0 ?
	    "shows without a PIN" : "hidden before the PIN");
	step(w, "pin", "%s%s", (flags & P11_F_PIN) == 0 ? "not needed" :
	    (flags & P11_F_PINPAD) != 0 ? "the reader asks for it" :
	    "needed", (flags & P11_F_LOCKED) != 0 ? "; LOCKED" :
	    (flags & P11_F_FINAL) != 0 ? "; one try is left" :
	    (flags & P11_F_LOW) != 0 ? "; few tries are left" : "");
}

/* The trust checks, the map and the account, as `test --cert` has them. */
static int
decide_one(struct walk *w, const struct p11_cert *c)
{
	char path[64];
	int fd = memfile_make("certificate", c->der, c->der_len), rc;

	if (fd < 0)
		return stop_here(w, err_text(fd));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	w->o.cert = path;
	rc = test_certificate(&w->o, ",\"test\":");
	w->o.cert = NULL;
	(void)close(fd);
	return rc;
}

/* ---- the signature ------------------------------------------------------------------ */

static int
sign(struct walk *w, const struct pammsg_facts *f, struct span nonce,
    struct buf *sig, struct why *why)
{
	struct buf b;
	int r;

	buf_init(&b, PAMMSG_SIGNED_MAX);
	if ((r = pammsg_signed(&b, HOST, w->o.service, f->account, f->sha256,
	    nonce)) != 0)
		(void)why_set(why, r, "%s", err_text(r));
	else
		r = p11_sign(w->reader.p11, f->scheme, (struct span){ b.data,
		    b.len }, sig, why);
	buf_free(&b);
	return r;
}

static int
log_in(struct walk *w, size_t i, struct why *why)
{
	uint32_t flags;
	int r;

	if ((r = p11_open(w->reader.p11, i, &flags, why)) != 0)
		return r;
	if ((flags & (P11_F_FINAL | P11_F_LOCKED)) != 0)
		return why_set(why, ERR_REFUSED, "the PIN was not sent: a "
		    "wrong one could lock the card");
	return p11_login(w->reader.p11, w->pin.data, w->pin.len, &flags, why);
}

static int
prove(struct walk *w, struct judging *j, size_t i,
    struct ipc_verdict *verdict, struct why *why)
{
	uint8_t nonce[PAMMSG_NONCE_LEN];
	struct pammsg_offer offer = { .n = 1, .der = { { w->reader.cert[i].der,
	    w->reader.cert[i].der_len } } };
	struct pammsg_prove p = { .nonce = { nonce, sizeof(nonce) },
	    .host = HOST };
	struct pammsg_facts f;
	struct buf sig;
	int r;

	(void)snprintf(offer.service, sizeof(offer.service), "%s",
	    w->o.service);
	(void)snprintf(offer.account, sizeof(offer.account), "%s",
	    w->o.account != NULL ? w->o.account : "");
	buf_init(&sig, P11_SIG_MAX);
	if (getrandom(nonce, sizeof(nonce), 0) != (ssize_t)sizeof(nonce))
		r = why_errno(why, "random bytes");
	else if ((r = judging_ready(j, why)) == 0 &&
	    (r = judging_offer(j, &offer, &f, &p.index, why)) == 0 &&
	    (r = log_in(w, i, why)) == 0 &&
	    (r = sign(w, &f, p.nonce, &sig, why)) == 0) {
		p.signature = (struct span){ sig.data, sig.len };
		r = judging_prove(j, &p, verdict, why);
	}
	buf_free(&sig);
	return r;
}

static int
sign_one(struct walk *w, size_t i)
{
	struct ipc_verdict verdict = { .outcome = IPC_OUTCOME_REFUSED };
	struct judging j;
	struct why why;
	int r;

	if ((r = judging_start(&j, &w->reader.conf, &why)) == 0)
		r = prove(w, &j, i, &verdict, &why);
	judging_end(&j);
	if (r != 0) {
		step(w, "signature", "none: %s", why.text);
		return EXIT_PROBLEM;
	}
	if (verdict.outcome != IPC_OUTCOME_ADMIT) {
		step(w, "signature", "refused: %s", verdict.detail);
		return EXIT_PROBLEM;
	}
	step(w, "signature", "holds: account %s", verdict.account);
	return EXIT_DONE;
}

static int
one(struct walk *w, size_t i)
{
	const struct p11_cert *c = &w->reader.cert[i];
	uint32_t flags;
	struct why why;
	int rc;

	if (p11_open(w->reader.p11, i, &flags, &why) != 0)
		return stop_here(w, why.text);
	say_card(w, c, flags);
	rc = decide_one(w, c);
	if (rc == EXIT_DONE && w->pin.len > 0)
		rc = sign_one(w, i);
	return rc;
}

static int
each(struct walk *w)
{
	int best = EXIT_PROBLEM, rc = EXIT_PROBLEM;

	if (w->o.json)
		(void)fputs(",\"certificates\":[", stdout);
	for (size_t i = 0; i < w->reader.n && rc <= EXIT_PROBLEM; i++) {
		(void)fputs(!w->o.json ? "\n" : i > 0 ? "," : "", stdout);
		if (w->o.json)
			begin_object(w);
		rc = one(w, i);
		if (w->o.json)
			end_object(w);
		if (rc != EXIT_PROBLEM)
			best = rc;
	}
	if (w->o.json)
		(void)putchar(']');
	return best;
}

static int
walk(struct walk *w)
{
	int rc;

	if ((rc = configure(w)) == EXIT_DONE &&
	    (rc = read_pin(w)) == EXIT_DONE &&
	    (rc = say_local(w)) == EXIT_DONE &&
	    (rc = find_cards(w)) == EXIT_DONE)
		rc = each(w);
	return rc;
}

int
token_run(const struct options *o)
{
	struct walk *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	w->o = *o;
	w->reader = (struct reader)READER_NONE;
	if (o->json)
		begin_object(w);
	rc = walk(w);
	if (o->json) {
		end_object(w);
		(void)putchar('\n');
	}
	reader_close(&w->reader);
	buf_free(&w->pin);
	free(w);
	return rc;
}
