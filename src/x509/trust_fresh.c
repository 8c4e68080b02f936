#include "x509/trust_fresh.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/pem.h"

struct reading {
	struct trust_fresh *out;
	const struct trust_authority *a;
	const struct ipc_seen *seen;
	size_t n_seen;
	int64_t now;
};

/* ---- reading ------------------------------------------------------------- */

static void
problem(struct trust_fresh *f, const char *text)
{
	if (f->problem[0] == '\0')
		(void)snprintf(f->problem, sizeof(f->problem), "%s", text);
}

static size_t
find(const struct trust_fresh *f, const uint8_t key[32])
{
	size_t i = 0;

	while (i < f->n && memcmp(f->key[i], key, 32) != 0)
		i++;
	return i;
}

static int
compare(const uint8_t key[32], const struct trust_crl *a,
    const struct trust_crl *b)
{
	struct ipc_seen x = trust_crl_seen(key, a), y = trust_crl_seen(key, b);

	return trust_crl_compare(&x, &y);
}

/* Of two of one key the later one. */
static void
keep(struct trust_fresh *f, const uint8_t key[32],
    const struct trust_crl *crl)
{
	size_t i = find(f, key);

	if (i == f->n)
		f->n++;
	else if (compare(key, crl, &f->crl[i]) <= 0)
		return;
	memcpy(f->key[i], key, 32);
	f->crl[i] = *crl;
}

/* true: it is of another issuer, and nobody's concern. */
static bool
take(const struct reading *r, struct span der)
{
	struct trust_crl_list list = { .n = 0 };
	const struct trust_anchor *signer;
	struct slice_crl s;
	struct trust_crl crl;
	struct why why;

	if (slice_crl(der, &s, &why) != 0) {
		problem(r->out, why.text);
		return false;
	}
	if (!trust_crl_has_issuer(r->a, s.issuer))
		return true;
	if ((signer = trust_crl_signer(r->a, &s, &why)) == NULL ||
	    trust_crl_read(&s, signer->key, r->now, &crl, &list,
	    &why) != 0 || trust_crl_check_seen(signer->key, &crl, r->seen,
	    r->n_seen, &why) != 0)
		problem(r->out, why.text);
	else
		keep(r->out, signer->key, &crl);
	free(list.entry);
	return false;
}

void
trust_fresh_read(struct trust_fresh *out, const struct trust_authority *a,
    struct span bytes, const struct ipc_seen *seen, size_t n_seen,
    int64_t now)
{
	const struct reading r = { .out = out, .a = a, .seen = seen,
	    .n_seen = n_seen, .now = now };
	struct span der[TRUST_CRLS_MAX];
	bool foreign = false;
	struct buf b;
	struct why why;
	size_t n = 0;

	*out = (struct trust_fresh){ .n = 0 };
	buf_init(&b, SLICE_CRL_MAX);
	if (pem_all(bytes, "X509 CRL", &b, der, TRUST_CRLS_MAX, &n,
	    &why) != 0)
		problem(out, why.text);
	else
		for (size_t i = 0; i < n; i++)
			foreign |= take(&r, der[i]);
	if (foreign && out->n == 0)
		problem(out, "of another issuer: expected the subject of an "
		    "anchor as its issuer (RFC 5280 6.3.3 (b))");
	buf_free(&b);
}

/* ---- comparing ----------------------------------------------------------- */

static int
check_good(const struct trust_fresh *f, uint32_t grace, int64_t now,
    struct why *why)
{
	char when[TRUST_CRL_TIME_MAX];

	if (f->problem[0] != '\0')
		return why_set(why, ERR_REFUSED, "%s", f->problem);
	for (size_t i = 0; i < f->n; i++) {
		if (f->crl[i].next_update + grace >= now)
			continue;
		return why_set(why, ERR_REFUSED, "stale, its nextUpdate was "
		    "%s (RFC 5280 5.1.2.5)", trust_crl_time_text(when,
		    f->crl[i].next_update));
	}
	return f->n > 0 ? 0 : why_set(why, ERR_REFUSED, "holds no CRL");
}

int
trust_fresh_compare(const struct trust_fresh *new,
    const struct trust_fresh *old, uint32_t grace, int64_t now,
    struct why *why)
{
	int r = check_good(new, grace, now, why);
	bool newer = new->n != old->n || old->problem[0] != '\0';

	for (size_t i = 0; r == 0 && i < old->n; i++) {
		size_t k = find(new, old->key[i]);
		int c = k < new->n ? compare(old->key[i], &new->crl[k],
		    &old->crl[i]) : 0;

		if (k == new->n)
			r = why_set(why, ERR_REFUSED, "lacks the CRL of one "
			    "of the anchors, which the file in place has");
		else if (c < 0)
			r = why_set(why, ERR_REFUSED, "rolled back: the file "
			    "in place has a later CRL of this issuer (RFC "
			    "5280 5.2.3)");
		newer |= c > 0;
	}
	return r != 0 ? r : newer;
}

/* ---- age ----------------------------------------------------------------- */

int64_t
trust_fresh_half(const struct trust_crl *crl)
{
	return crl->this_update + (crl->next_update - crl->this_update) / 2;
}

const struct trust_crl *
trust_fresh_oldest(const struct trust_fresh *f)
{
	const struct trust_crl *oldest = NULL;

	for (size_t i = 0; i < f->n; i++)
		if (oldest == NULL || trust_fresh_half(&f->crl[i]) <
		    trust_fresh_half(oldest))
			oldest = &f->crl[i];
	return oldest;
}
