/* Making a trust of its files: anchors sliced and checked, CRLs verified. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/ext.h"
#include "x509/pem.h"
#include "x509/sig.h"
#include "x509/trust.h"
#include "x509/trust_carry.h"

#define ANCHOR_FILE_MAX (512 * 1024)	/* bytes of a file of anchors */

struct load {
	struct trust *t;
	const char *name;		/* of trust.conf, for messages */
	const struct trust_conf *conf;
	const struct trust_file *files;
	size_t n_files;
	struct trust_before before;
	int64_t now;
	struct diag *diag;
	struct trust_crl_list list;
	struct trust_carry carry;	/* of the authority at work */
	size_t n_anchors;		/* of all authorities */
	/* the entries of authority i begin in the list at begin[i] */
	size_t begin[TRUST_AUTHORITIES_MAX], n_begun;
	bool put_out[TRUST_AUTHORITIES_MAX];
};

/* A file that trust.conf names, and who names it. */
struct named {
	const struct trust_conf_authority *conf;
	struct trust_authority *a;
	const char *path;
	unsigned line;
	size_t crl;			/* which of conf's, if it is one */
};

static int
out_of_memory(struct load *l)
{
	diag_add(l->diag, DIAG_ERROR, l->name, 0, 0, "out of memory");
	return ERR_NOMEM;
}

static const struct trust_file *
find_file(const struct load *l, const char *path)
{
	for (size_t i = 0; i < l->n_files; i++)
		if (strcmp(l->files[i].path, path) == 0)
			return &l->files[i];
	return NULL;
}

/* The bytes of a file; p NULL and why if they are not there. */
static struct span
bytes_of(const struct load *l, const char *path, struct why *why)
{
	const struct trust_file *f = find_file(l, path);

	if (f != NULL && f->bytes.p != NULL)
		return f->bytes;
	(void)why_set(why, ERR_NOTFOUND, "%s", f != NULL && f->error != NULL &&
	    f->error[0] != '\0' ? f->error : "not there");
	return (struct span){ NULL, 0 };
}

/* ---- what an anchor must be ---------------------------------------------- */

static int
check_anchor(const struct slice_cert *c, struct why *why)
{
	struct ext e;
	int r;

	if (c->version != 3)
		return why_set(why, ERR_REFUSED, "version %u: expected v3 "
		    "(RFC 5280 4.1.2.1)", c->version);
	if ((r = ext_read(c->extensions, &e, why)) != 0)
		return r;
	if (!e.ca)
		return why_set(why, ERR_REFUSED, "not a CA: expected "
		    "basicConstraints with CA true (RFC 5280 4.2.1.9)");
	if (!ext_may(&e, EXT_KEY_CERT_SIGN))
		return why_set(why, ERR_REFUSED, "may not sign certificates: "
		    "expected keyCertSign in keyUsage (RFC 5280 4.2.1.3)");
	if (c->subject.n <= 2)
		return why_set(why, ERR_REFUSED, "has no subject: expected "
		    "the name of a CA (RFC 5280 4.1.2.6)");
	return sig_key_check(c->spki, NULL, why);
}

/* ---- anchors ------------------------------------------------------------- */

static int
anchor_error(struct load *l, const struct named *f, const char *text)
{
	diag_add(l->diag, DIAG_ERROR, l->name, f->line, 1, "anchor %s of "
	    "authority '%s': %s", f->path, f->conf->rules.name, text);
	return ERR_MALFORMED;
}

/* What lies there is no certificate. */
static int
anchor_damaged(struct load *l, const struct named *f, const char *why)
{
	char text[DIAG_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "%s; put the CA's certificate "
	    "there, or take out the line", why);
	return anchor_error(l, f, text);
}

static void
anchor_warning(struct load *l, const struct named *f, const char *text)
{
	diag_add(l->diag, DIAG_WARNING, l->name, f->line, 1, "anchor %s of "
	    "authority '%s': %s", f->path, f->conf->rules.name, text);
}

/* verify() refuses whatever such an anchor signed. */
static void
warn_unknown(struct load *l, const struct named *f,
    const struct slice_cert *c)
{
	char text[DIAG_TEXT_MAX];
	struct ext e;

	if (ext_read(c->extensions, &e, NULL) != 0 || e.unknown[0] == '\0')
		return;
	(void)snprintf(text, sizeof(text), "has critical extension %s, which "
	    "is not processed: nobody logs in by it (RFC 5280 4.2)",
	    e.unknown);
	anchor_warning(l, f, text);
}

/* Another authority that has this key already, or NULL. */
static const struct trust_authority *
key_elsewhere(const struct load *l, const struct trust_authority *a,
    const uint8_t key[32])
{
	for (size_t i = 0; i < l->t->n; i++) {
		const struct trust_authority *o = &l->t->authority[i];

		for (size_t k = 0; o != a && k < o->n_anchors; k++)
			if (memcmp(o->anchor[k].key, key, 32) == 0)
				return o;
	}
	return NULL;
}

static bool
have_anchor(const struct trust_authority *a, struct span der)
{
	for (size_t i = 0; i < a->n_anchors; i++)
		if (span_eq(a->anchor[i].cert.whole, der))
			return true;
	return false;
}

static int
add_anchor(struct load *l, const struct named *f,
    const struct trust_anchor *new)
{
	struct trust_authority *a = f->a;
	const struct trust_authority *other = key_elsewhere(l, a, new->key);
	char text[DIAG_TEXT_MAX];

	if (other != NULL) {
		(void)snprintf(text, sizeof(text), "its key is also an anchor "
		    "of authority '%s': expected each key in one authority",
		    other->rules.name);
		return anchor_error(l, f, text);
	}
	if (have_anchor(a, new->cert.whole)) {
		anchor_warning(l, f, "is there twice; once is enough");
		return 0;
	}
	if (a->n_anchors == TRUST_ANCHORS_MAX ||
	    l->n_anchors == IPC_LOAD_SEEN_MAX) {
		(void)snprintf(text, sizeof(text), "expected at most %d "
		    "certificates of one authority, %d of all",
		    TRUST_ANCHORS_MAX, IPC_LOAD_SEEN_MAX);
		return anchor_error(l, f, text);
	}
	a->anchor[a->n_anchors++] = *new;
	l->n_anchors++;
	warn_unknown(l, f, &new->cert);
	if (new->not_after < l->now)
		anchor_warning(l, f, "has expired: nobody logs in by it");
	else if (new->not_before > l->now)
		anchor_warning(l, f, "is not yet valid");
	return 0;
}

static int
take_anchor(struct load *l, const struct named *f, struct span der)
{
	struct trust_anchor new = { .crl = { .usable = false } };
	struct why why;
	int r;

	if (slice_cert(der, &new.cert, &why) != 0)
		return anchor_damaged(l, f, why.text);
	if ((r = check_anchor(&new.cert, &why)) == 0 &&
	    (r = sig_sha256(new.cert.spki, new.key)) != 0)
		(void)why_set(&why, r, "%s", err_text(r));
	if (r != 0)
		return anchor_error(l, f, why.text);
	(void)slice_time(new.cert.not_before, &new.not_before);
	(void)slice_time(new.cert.not_after, &new.not_after);
	return add_anchor(l, f, &new);
}

static int
load_anchor_file(struct load *l, const struct named *f)
{
	struct span der[TRUST_ANCHORS_MAX], bytes;
	struct why why;
	size_t n;
	int r = 0;

	bytes = bytes_of(l, f->path, &why);
	if (bytes.p == NULL)
		return anchor_damaged(l, f, why.text);
	if (bytes.n > ANCHOR_FILE_MAX)
		return anchor_damaged(l, f, "expected a smaller file");
	/* what is decoded is smaller: no view moves, see reserve() */
	if (pem_all(bytes, "CERTIFICATE", &l->t->bytes, der,
	    TRUST_ANCHORS_MAX, &n, &why) != 0)
		return anchor_damaged(l, f, why.text);
	for (size_t i = 0; i < n; i++)
		if (take_anchor(l, f, der[i]) != 0)
			r = ERR_MALFORMED;
	return r;
}

/* Room for all anchors at once, for they are views into it. */
static int
reserve(struct load *l)
{
	size_t sum = 0;
	struct why why;

	for (size_t i = 0; i < l->conf->n; i++) {
		const struct trust_conf_authority *c = &l->conf->authority[i];

		for (size_t k = 0; k < c->n_anchors; k++) {
			struct span s = bytes_of(l, c->anchor[k], &why);

			sum += s.n <= ANCHOR_FILE_MAX ? s.n : 0;
		}
	}
	buf_init(&l->t->bytes, sum > 0 ? sum : 1);
	return buf_reserve(&l->t->bytes, sum) != NULL ? 0 : out_of_memory(l);
}

static int
copy_rules(struct load *l, struct trust_rules *to,
    const struct trust_rules *from)
{
	*to = *from;
	to->names = NULL;
	if (from->n_names == 0)
		return 0;
	to->names = calloc(from->n_names, sizeof(*to->names));
	if (to->names == NULL) {
		to->n_names = 0;
		return out_of_memory(l);
	}
	memcpy(to->names, from->names, from->n_names * sizeof(*to->names));
	return 0;
}

static int
load_anchors(struct load *l, const struct trust_conf_authority *c)
{
	struct trust_authority *a = &l->t->authority[l->t->n++];
	size_t before = l->diag->errors;
	int r;

	if ((r = copy_rules(l, &a->rules, &c->rules)) != 0)
		return r;
	a->anchor = calloc(TRUST_ANCHORS_MAX, sizeof(*a->anchor));
	if (a->anchor == NULL)
		return out_of_memory(l);
	for (size_t i = 0; i < c->n_anchors; i++) {
		struct named f = { c, a, c->anchor[i], c->anchor_line[i], 0 };

		(void)load_anchor_file(l, &f);
	}
	if (a->n_anchors == 0 && l->diag->errors == before)
		diag_add(l->diag, DIAG_ERROR, l->name, c->line, 1,
		    "authority '%s': expected at least one anchor",
		    c->rules.name);
	return 0;
}

/* ---- no anchor below another authority's --------------------------------- */

static bool
is_issuer(const struct slice_cert *upper, const struct slice_cert *lower)
{
	return span_eq(upper->subject, lower->issuer) &&
	    sig_verify(upper->spki, lower->algorithm, lower->tbs,
	    lower->signature, NULL) == 0;
}

static void
check_pair(struct load *l, size_t lower, size_t upper)
{
	const struct trust_authority *a = &l->t->authority[lower];
	const struct trust_authority *b = &l->t->authority[upper];

	for (size_t i = 0; i < a->n_anchors; i++)
		for (size_t k = 0; k < b->n_anchors; k++) {
			if (!is_issuer(&b->anchor[k].cert, &a->anchor[i].cert))
				continue;
			diag_add(l->diag, DIAG_ERROR, l->name,
			    l->conf->authority[lower].line, 1, "authority "
			    "'%s': an anchor is signed by an anchor of "
			    "authority '%s': expected a chain to belong to "
			    "one authority", a->rules.name, b->rules.name);
			return;
		}
}

/* ---- CRLs ---------------------------------------------------------------- */

/* A CRL that does not count: say so, and remember why for the anchors with
 * this subject, or for all where it is nobody's. */
static void
crl_problem(struct load *l, const struct named *f, struct span subject,
    const char *text)
{
	bool all = !trust_crl_has_issuer(f->a, subject);

	l->carry.broken[f->crl] = true;
	diag_add(l->diag, DIAG_WARNING, l->name, f->line, 1, "CRL %s of "
	    "authority '%s': %s; expected the CA's newest CRL in its place",
	    f->path, f->conf->rules.name, text);
	for (size_t i = 0; i < f->a->n_anchors; i++) {
		struct trust_anchor *k = &f->a->anchor[i];

		if (!k->crl.usable && k->crl.problem[0] == '\0' &&
		    (all || span_eq(k->cert.subject, subject)))
			(void)snprintf(k->crl.problem,
			    sizeof(k->crl.problem), "CRL %s: %s", f->path,
			    text);
	}
}

/* ---- room for entries: nobody's CRLs keep out those of others ------------ */

static size_t
entries(const struct load *l, size_t i)
{
	return (i + 1 < l->n_begun ? l->begin[i + 1] : l->list.n) -
	    l->begin[i];
}

static void
put_out(struct load *l, size_t i, size_t share)
{
	struct trust_authority *a = &l->t->authority[i];
	size_t n = entries(l, i), end = l->begin[i] + n;
	char text[DIAG_TEXT_MAX];

	(void)snprintf(text, sizeof(text), "its CRLs have %zu entries, more "
	    "than its share of %zu, and others need the room", n, share);
	diag_add(l->diag, DIAG_WARNING, l->name, l->conf->authority[i].line,
	    1, "authority '%s': %s; expected CRLs without certificates that "
	    "have expired", a->rules.name, text);
	for (size_t k = 0; k < a->n_anchors; k++) {
		a->anchor[k].crl = (struct trust_crl){ .usable = false };
		(void)snprintf(a->anchor[k].crl.problem,
		    sizeof(a->anchor[k].crl.problem), "%s", text);
	}
	memmove(&l->list.entry[l->begin[i]], &l->list.entry[end],
	    (l->list.n - end) * sizeof(*l->list.entry));
	l->list.n -= n;
	l->put_out[i] = true;
	while (++i < l->n_begun)
		l->begin[i] -= n;
}

/* For n entries of the authority at work, which was begun last, in place of so
 * many.  If it has its share at most, and the list is full, another has
 * more. */
static int
make_room(struct load *l, size_t n, size_t old, struct why *why)
{
	size_t max = l->before.revoked_max, self = l->n_begun - 1, most;
	size_t share = max / l->conf->n, own = entries(l, self) - old + n;

	while (l->list.n - old + n > max) {
		if (own > share)
			return why_set(why, ERR_TOOBIG, "%zu entries of this "
			    "authority: expected at most %zu, its share, or "
			    "%zu of all together", own, share, max);
		most = 0;
		for (size_t i = 1; i < self; i++)
			if (entries(l, i) > entries(l, most))
				most = i;
		put_out(l, most, share);
	}
	return 0;
}

/* ---- which CRL counts ---------------------------------------------------- */

static const struct trust_crl *
usable_crl(const struct trust_authority *a, const uint8_t key[32])
{
	for (size_t i = 0; i < a->n_anchors; i++)
		if (a->anchor[i].crl.usable &&
		    memcmp(a->anchor[i].key, key, 32) == 0)
			return &a->anchor[i].crl;
	return NULL;
}

static void
warn_stale(struct load *l, const struct named *f, const struct trust_crl *crl)
{
	char when[TRUST_CRL_TIME_MAX];

	if (crl->next_update + f->a->rules.grace >= l->now)
		return;
	diag_add(l->diag, DIAG_WARNING, l->name, f->line, 1, "CRL %s of "
	    "authority '%s': stale, its nextUpdate was %s: logins of this "
	    "authority are refused until a newer one is here", f->path,
	    f->conf->rules.name, trust_crl_time_text(when,
	    crl->next_update));
}

static void
give(struct trust_authority *a, const uint8_t key[32],
    const struct trust_crl *crl)
{
	for (size_t i = 0; i < a->n_anchors; i++)
		if (memcmp(a->anchor[i].key, key, 32) == 0)
			a->anchor[i].crl = *crl;
}

/* It was checked, and counts for every anchor with this key, unless they have
 * a later one; the entries of an earlier one are in nobody's way. */
static int
keep_crl(struct load *l, const struct named *f, const uint8_t key[32],
    const struct slice_crl *s, struct trust_crl *crl, struct why *why)
{
	static const struct trust_crl none = { .usable = false };
	const struct trust_crl *have = usable_crl(f->a, key);
	struct ipc_seen new = trust_crl_seen(key, crl), old;
	int r;

	if (have != NULL) {
		old = trust_crl_seen(key, have);
		if (trust_crl_compare(&new, &old) <= 0)
			return 0;
	}
	if ((r = make_room(l, crl->revoked, have != NULL ? have->revoked : 0,
	    why)) != 0)
		return r;
	give(f->a, key, &none);
	trust_crl_drop(&l->list, key, l->begin[l->n_begun - 1]);
	if ((r = trust_crl_read(s, key, l->now, crl, &l->list, why)) != 0)
		return r;
	(void)snprintf(crl->file, sizeof(crl->file), "%s", f->path);
	give(f->a, key, crl);
	warn_stale(l, f, crl);
	return 0;
}

static void
look_again(struct load *l, int64_t again)
{
	if (again != 0 && (l->t->again == 0 || again < l->t->again))
		l->t->again = again;
}

static void
take_crl(struct load *l, const struct named *f, struct span der)
{
	struct slice_crl s;
	struct trust_crl crl;
	const struct trust_anchor *signer;
	struct why why;

	if (slice_crl(der, &s, &why) != 0) {
		crl_problem(l, f, (struct span){ der.p, 0 }, why.text);
		return;
	}
	if ((signer = trust_crl_signer(f->a, &s, &why)) != NULL)
		look_again(l, trust_crl_again(&s, l->now));
	/* nothing makes way for one that will not count */
	if (signer == NULL || trust_crl_read(&s, signer->key, l->now, &crl,
	    NULL, &why) != 0 || trust_crl_check_seen(signer->key, &crl,
	    l->before.seen, l->before.n_seen, &why) != 0 ||
	    keep_crl(l, f, signer->key, &s, &crl, &why) != 0)
		crl_problem(l, f, s.issuer, why.text);
}

static void
load_crl_file(struct load *l, const struct named *f)
{
	struct span none = { (const uint8_t *)"", 0 };
	struct span der[TRUST_CRLS_MAX], bytes;
	struct buf out;
	struct why why;
	size_t n;

	bytes = bytes_of(l, f->path, &why);
	if (bytes.p == NULL) {
		crl_problem(l, f, none, why.text);
		return;
	}
	buf_init(&out, SLICE_CRL_MAX);
	if (pem_all(bytes, "X509 CRL", &out, der, TRUST_CRLS_MAX, &n,
	    &why) != 0)
		crl_problem(l, f, none, why.text);
	else
		for (size_t i = 0; i < n; i++)
			take_crl(l, f, der[i]);
	buf_free(&out);
}

/* crl is carried over for each anchor with the key of anchor i. */
static void
put_carried(struct load *l, struct trust_authority *a, size_t i,
    const struct trust_crl *crl)
{
	char made[TRUST_CRL_TIME_MAX], until[TRUST_CRL_TIME_MAX];

	give(a, a->anchor[i].key, crl);
	diag_add(l->diag, DIAG_WARNING, l->name, l->carry.conf->line, 1,
	    "authority '%s': there is no CRL of its anchor %zu to be used; "
	    "that of %s, which was loaded before, stays in force; its "
	    "nextUpdate is %s", a->rules.name, i + 1,
	    trust_crl_time_text(made, crl->this_update),
	    trust_crl_time_text(until, crl->next_update));
}

static int
carry_crl(struct load *l, struct trust_authority *a, size_t i)
{
	const struct trust_revoked *entry;
	struct trust_crl old;
	size_t n;

	if (!trust_carry_crl(&l->carry, &a->anchor[i], &old, &entry, &n) ||
	    make_room(l, n, 0, NULL) != 0)
		return 0;
	for (size_t k = 0; k < n; k++)
		if (trust_crl_add(&l->list, &entry[k]) != 0)
			return out_of_memory(l);
	put_carried(l, a, i, &old);
	return 0;
}

static int
carry_crls(struct load *l, struct trust_authority *a)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->n_anchors; i++)
		if (!a->anchor[i].crl.usable)
			r = carry_crl(l, a, i);
	return r;
}

/* What was in force of those that were put out may have room. */
static int
carry_put_out(struct load *l)
{
	int r = 0;

	/* it puts out nobody */
	l->n_begun = 1;
	for (size_t i = 0; r == 0 && i < l->t->n; i++) {
		if (!l->put_out[i])
			continue;
		l->carry = (struct trust_carry){
		    .in_force = l->before.in_force,
		    .conf = &l->conf->authority[i] };
		r = carry_crls(l, &l->t->authority[i]);
	}
	return r;
}

/* Anchors that no CRL was of. */
static void
check_covered(struct load *l, const struct trust_conf_authority *c,
    struct trust_authority *a)
{
	for (size_t i = 0; i < a->n_anchors; i++) {
		struct trust_anchor *k = &a->anchor[i];

		if (k->crl.usable && k->crl.this_update > a->verified_time)
			a->verified_time = k->crl.this_update;
		if (k->crl.usable || k->crl.problem[0] != '\0')
			continue;
		(void)snprintf(k->crl.problem, sizeof(k->crl.problem),
		    "no CRL of this anchor");
		if (k->not_after >= l->now)
			diag_add(l->diag, DIAG_WARNING, l->name, c->line, 1,
			    "authority '%s': no crl is of its anchor %zu: "
			    "logins by it are refused", c->rules.name, i + 1);
	}
}

/* A time that was verified once is not forgotten with its CRL. */
static void
remember_time(const struct load *l, struct trust_authority *a)
{
	const struct ipc_seen *s = l->before.seen;

	for (size_t i = 0; i < l->before.n_seen; i++)
		for (size_t k = 0; k < a->n_anchors; k++)
			if (memcmp(s[i].issuer_key, a->anchor[k].key,
			    32) == 0 && s[i].newest > a->verified_time)
				a->verified_time = s[i].newest;
}

static int
load_crls(struct load *l, size_t index)
{
	const struct trust_conf_authority *c = &l->conf->authority[index];
	struct trust_authority *a = &l->t->authority[index];
	int r;

	l->begin[index] = l->list.n;
	l->n_begun = index + 1;
	remember_time(l, a);
	if (c->rules.revocation == TRUST_NONE)
		return 0;
	l->carry = (struct trust_carry){ .in_force = l->before.in_force,
	    .conf = c };
	for (size_t i = 0; i < c->n_crls; i++) {
		struct named f = { c, a, c->crl[i], c->crl_line[i], i };

		load_crl_file(l, &f);
	}
	if ((r = carry_crls(l, a)) == 0)
		check_covered(l, c, a);
	return r;
}

/* ---- the whole ----------------------------------------------------------- */

static int
load_all(struct load *l)
{
	size_t before = l->diag->errors;
	int r = reserve(l);

	for (size_t i = 0; r == 0 && i < l->conf->n; i++)
		r = load_anchors(l, &l->conf->authority[i]);
	for (size_t i = 0; r == 0 && i < l->t->n; i++)
		for (size_t k = 0; k < l->t->n; k++)
			if (i != k)
				check_pair(l, i, k);
	if (r != 0 || l->diag->errors != before)
		return r != 0 ? r : ERR_MALFORMED;
	for (size_t i = 0; i < l->t->n; i++)
		if ((r = load_crls(l, i)) != 0)
			return r;
	if ((r = carry_put_out(l)) != 0)
		return r;
	trust_crl_sort(&l->list);
	l->t->revoked = l->t->revoked_owned = l->list.entry;
	l->t->n_revoked = l->list.n;
	l->list.entry = NULL;
	return 0;
}

int
trust_load(struct trust *out, const char *file, const struct trust_conf *conf,
    const struct trust_file *files, size_t n_files,
    const struct trust_before *before, int64_t now, struct diag *diag)
{
	struct load l = { .t = out, .name = file, .conf = conf,
	    .files = files, .n_files = n_files, .now = now, .diag = diag };
	int r;

	if (before != NULL)
		l.before = *before;
	if (l.before.revoked_max == 0)
		l.before.revoked_max = TRUST_REVOKED_MAX;
	*out = (struct trust){ 0 };
	if (conf->n == 0) {
		diag_add(diag, DIAG_ERROR, file, 0, 0,
		    "expected at least one [authority NAME]");
		return ERR_MALFORMED;
	}
	out->authority = calloc(conf->n, sizeof(*out->authority));
	if (out->authority == NULL)
		return out_of_memory(&l);
	r = load_all(&l);
	free(l.list.entry);
	return r;
}

/* ---- without files ------------------------------------------------------- */

/* Contents, under names for messages. */
static void
name_files(struct trust_file *files, char paths[][256], const char *what,
    const struct span *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(paths[i], sizeof(paths[i]), "(%s %zu)", what,
		    i + 1);
		files[i] = (struct trust_file){ .path = paths[i],
		    .bytes = bytes[i] };
	}
}

static int
first_error(const struct diag *diag, int r, struct why *why)
{
	for (size_t i = 0; i < diag->n; i++)
		if (diag->items[i].level == DIAG_ERROR)
			return why_set(why, r, "%s", diag->items[i].text);
	return why_set(why, r, "%s", err_text(r));
}

int
trust_single(struct trust *out, const struct trust_rules *rules,
    const struct span *anchors, size_t n_anchors, const struct span *crls,
    size_t n_crls, int64_t now, struct why *why)
{
	struct trust_file files[2 * TRUST_PATHS_MAX];
	struct trust_conf conf = { .n = 1 };
	struct trust_conf_authority *a;
	struct diag diag;
	int r;

	*out = (struct trust){ 0 };
	if (n_anchors > TRUST_PATHS_MAX || n_crls > TRUST_PATHS_MAX)
		return why_set(why, ERR_TOOBIG, "expected at most %d files of "
		    "anchors, and as many of CRLs", TRUST_PATHS_MAX);
	if ((a = conf.authority = calloc(1, sizeof(*a))) == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	a->rules = *rules;
	a->n_anchors = n_anchors;
	a->n_crls = n_crls;
	name_files(files, a->anchor, "ca", anchors, n_anchors);
	name_files(files + n_anchors, a->crl, "crl", crls, n_crls);
	diag_init(&diag);
	if ((r = trust_load(out, rules->name, &conf, files,
	    n_anchors + n_crls, NULL, now, &diag)) != 0)
		r = first_error(&diag, r, why);
	diag_free(&diag);
	free(a);
	return r;
}
