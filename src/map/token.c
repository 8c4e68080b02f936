/* Cards are held by certlogin-p11 as p11-user, as in the PAM module; no driver
 * is loaded into this process, which may be root's. */
#include "map/token.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/memfile.h"
#include "base/path.h"
#include "cred/p11.h"
#include "door/judging.h"
#include "map/say.h"

#define SERVICE "login"		/* where none is named */
#define HOST "a test, no login"	/* in the place of a machine's name */
#define ARGS_MAX 2

struct walk {
	struct options o;		/* with what the configuration says */
	char privileged[IPC_PRIVILEGED_MAX * IPC_ACCOUNT_MAX];
	struct doorconf conf;
	struct child child;
	struct p11 *p11;
	struct p11_cert *cert;
	size_t n;
	struct buf pin;			/* empty: none is given */
};

/* One line of what was found. */
__attribute__((format(printf, 2, 3)))
static void
step(const char *name, const char *fmt, ...)
{
	va_list ap;

	(void)printf("%-12s ", name);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)putchar('\n');
	(void)fflush(stdout);
}

/* ---- the configuration ------------------------------------------------------------- */

static void
inherit(struct walk *w)
{
	const struct doorconf *c = &w->conf;
	size_t at = 0;

	if (strcmp(w->o.map, SYSCONF_DIR "/identity.map") == 0)
		(void)snprintf(w->o.map, sizeof(w->o.map), "%s", c->map);
	if (strcmp(w->o.trust, SYSCONF_DIR "/trust.conf") == 0)
		(void)snprintf(w->o.trust, sizeof(w->o.trust), "%s",
		    c->trust);
	if (strcmp(w->o.state, STATE_DIR) == 0)
		(void)snprintf(w->o.state, sizeof(w->o.state), "%s",
		    c->state_dir);
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
	char conf[PATH_MAX + 8], module[PATH_MAX + 8];
	const char *args[ARGS_MAX];
	struct diag d;
	int n = 0, r;

	if (w->o.conf != NULL) {
		(void)snprintf(conf, sizeof(conf), "conf=%s", w->o.conf);
		args[n++] = conf;
	}
	if (w->o.module != NULL) {
		(void)snprintf(module, sizeof(module), "module=%s",
		    w->o.module);
		args[n++] = module;
	}
	diag_init(&d);
	r = doorconf_load(&w->conf, n, args, &d);
	say_findings(stderr, &d);
	diag_free(&d);
	if (r != 0)
		return say_error(EXIT_COULD_NOT, "the PAM module is not set "
		    "up");
	inherit(w);
	step("module", "%s", w->conf.module != NULL ? w->conf.module :
	    "none");
	step("service", "%s", w->o.service);
	return w->conf.module != NULL ? EXIT_DONE : say_error(EXIT_COULD_NOT,
	    "no module=; expected one in pam_certlogin.conf(5), or --module");
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
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	if (w->pin.len > 0 && w->pin.data[w->pin.len - 1] == '\n')
		w->pin.len--;
	return w->pin.len > 0 ? EXIT_DONE : say_error(EXIT_COULD_NOT,
	    "%s: the PIN is empty", w->o.pin_file);
}

/* ---- helpers, cards ---------------------------------------------------------------- */

static int
start(struct walk *w, struct why *why)
{
	const char *const argv[] = { "certlogin-spawn", "p11",
	    w->conf.p11_user, NULL };
	int r, fd;

	if ((r = child_start(&w->child, argv, why)) != 0)
		return r;
	fd = w->child.fd;
	w->child.fd = -1;
	return p11_adopt(&w->p11, "certlogin-p11", fd,
	    (int)w->conf.timeout * 1000, why);
}

static void
stop(struct walk *w)
{
	p11_stop(w->p11);
	w->p11 = NULL;
	child_end(&w->child);
}

/* A process of its own: one that found us not local loads no driver. */
static int
say_local(struct walk *w)
{
	struct why why = { "" };
	int r = start(w, &why);

	if (r == 0)
		r = p11_local(w->p11, (uint32_t)getuid(), &why);
	stop(w);
	if (r != 0 && r != ERR_REFUSED)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	step("local", "%s%s%s", r == 0 ? "yes" : "no: ", why.text, r != 0 &&
	    w->conf.remote != 0 ? " (remote=allow: never mind)" : "");
	return EXIT_DONE;
}

static int
find_cards(struct walk *w)
{
	const struct p11_conf conf = { .module = w->conf.module,
	    .env = (const char *const *)w->conf.env, .n_env = w->conf.n_env };
	struct why why;

	if (start(w, &why) != 0 || p11_load(w->p11, &conf, &why) != 0 ||
	    p11_list(w->p11, w->conf.uri, &w->cert, &w->n, &why) != 0)
		return say_error(EXIT_COULD_NOT, "%s", why.text);
	step("driver", "loaded");
	step("cards", "%zu certificate%s with a key%s%s%s", w->n,
	    w->n == 1 ? "" : "s", w->conf.uri[0] != '\0' ? " that fit " : "",
	    w->conf.uri, (p11_flags(w->p11) & P11_F_NO_READER) != 0 ?
	    "; there is no reader" : "");
	return w->n > 0 ? EXIT_DONE : EXIT_PROBLEM;
}

/* ---- one certificate ---------------------------------------------------------------- */

static void
say_card(const struct p11_cert *c, uint32_t flags)
{
	step("card", "%s", c->token);
	step("object", "%s", c->label);
	step("key", "%s", (c->flags & P11_F_KEY_SEEN) != 0 ?
	    "shows without a PIN" : "hidden before the PIN");
	step("PIN", "%s%s", (flags & P11_F_PIN) == 0 ? "not needed" :
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
		return say_error(EXIT_COULD_NOT, "%s", err_text(fd));
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	w->o.cert = path;
	rc = test_certificate(&w->o);
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
		r = p11_sign(w->p11, f->scheme, (struct span){ b.data,
		    b.len }, sig, why);
	buf_free(&b);
	return r;
}

static int
log_in(struct walk *w, size_t i, struct why *why)
{
	uint32_t flags;
	int r;

	if ((r = p11_open(w->p11, i, &flags, why)) != 0)
		return r;
	if ((flags & (P11_F_FINAL | P11_F_LOCKED)) != 0)
		return why_set(why, ERR_REFUSED, "the PIN was not sent: a "
		    "wrong one could lock the card");
	return p11_login(w->p11, w->pin.data, w->pin.len, &flags, why);
}

static int
prove(struct walk *w, struct judging *j, size_t i,
    struct ipc_verdict *verdict, struct why *why)
{
	uint8_t nonce[PAMMSG_NONCE_LEN];
	struct pammsg_offer offer = { .n = 1, .der = { { w->cert[i].der,
	    w->cert[i].der_len } } };
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

	if ((r = judging_start(&j, &w->conf, &why)) == 0)
		r = prove(w, &j, i, &verdict, &why);
	judging_end(&j);
	if (r != 0) {
		step("signature", "none: %s", why.text);
		return EXIT_PROBLEM;
	}
	if (verdict.outcome != IPC_OUTCOME_ADMIT) {
		step("signature", "refused: %s", verdict.detail);
		return EXIT_PROBLEM;
	}
	step("signature", "holds: account %s", verdict.account);
	return EXIT_DONE;
}

static int
each(struct walk *w)
{
	int best = EXIT_PROBLEM, rc;
	uint32_t flags;
	struct why why;

	for (size_t i = 0; i < w->n; i++) {
		(void)putchar('\n');
		if (p11_open(w->p11, i, &flags, &why) != 0)
			return say_error(EXIT_COULD_NOT, "%s", why.text);
		say_card(&w->cert[i], flags);
		rc = decide_one(w, &w->cert[i]);
		if (rc == EXIT_DONE && w->pin.len > 0)
			rc = sign_one(w, i);
		if (rc != EXIT_DONE && rc != EXIT_PROBLEM)
			return rc;
		if (rc == EXIT_DONE)
			best = EXIT_DONE;
	}
	return best;
}

int
token_run(const struct options *o)
{
	struct walk *w = calloc(1, sizeof(*w));
	int rc;

	if (w == NULL)
		return say_error(EXIT_COULD_NOT, "out of memory");
	w->o = *o;
	w->child = (struct child)CHILD_NONE;
	if ((rc = configure(w)) == EXIT_DONE &&
	    (rc = read_pin(w)) == EXIT_DONE &&
	    (rc = say_local(w)) == EXIT_DONE &&
	    (rc = find_cards(w)) == EXIT_DONE)
		rc = each(w);
	stop(w);
	free(w->cert);
	buf_free(&w->pin);
	doorconf_free(&w->conf);
	free(w);
	return rc;
}
