#include "x509/trust_carry.h"

#include <stdio.h>
#include <string.h>

#include "x509/ext.h"

static const struct trust_authority *
find_authority(const struct trust *t, const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->authority[i].rules.name, name) == 0)
			return &t->authority[i];
	return NULL;
}

/* An anchor that this one's CRL counts for. */
static const struct trust_anchor *
find_anchor(const struct trust_authority *a, const struct trust_anchor *like)
{
	for (size_t i = 0; i < a->n_anchors; i++) {
		const struct trust_anchor *k = &a->anchor[i];

		if (k->crl.usable && memcmp(k->key, like->key, 32) == 0 &&
		    span_eq(k->cert.subject, like->cert.subject))
			return k;
	}
	return NULL;
}

static bool
may_sign(const struct trust_anchor *k)
{
	struct ext e;

	return ext_read(k->cert.extensions, &e, NULL) == 0 &&
	    ext_may(&e, EXT_CRL_SIGN);
}

/* Did one of the CRLs in force come from there? */
static bool
was_read(const struct trust_authority *a, const char *file)
{
	for (size_t i = 0; i < a->n_anchors; i++)
		if (strcmp(a->anchor[i].crl.file, file) == 0)
			return true;
	return false;
}

static bool
is_wanted(const struct trust_carry *c, const struct trust_authority *old,
    const struct trust_crl *crl)
{
	for (size_t i = 0; i < c->conf->n_crls; i++)
		if (strcmp(c->conf->crl[i], crl->file) == 0 ||
		    (c->broken[i] && !was_read(old, c->conf->crl[i])))
			return true;
	return false;
}

/* The first entry of this key, or where it would be: they are sorted. */
static size_t
first_of(const struct trust *t, const uint8_t key[32])
{
	size_t low = 0, high = t->n_revoked;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (memcmp(t->revoked[mid].key, key, 32) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool
trust_carry_crl(const struct trust_carry *c,
    const struct trust_anchor *anchor, struct trust_crl *out,
    const struct trust_revoked **entry, size_t *n)
{
	const struct trust *t = c->in_force;
	const struct trust_authority *old;
	const struct trust_anchor *k;
	size_t first, end;

	if (t == NULL || (old = find_authority(t, c->conf->rules.name)) ==
	    NULL || (k = find_anchor(old, anchor)) == NULL ||
	    !may_sign(anchor) || !is_wanted(c, old, &k->crl))
		return false;
	first = end = first_of(t, k->key);
	while (end < t->n_revoked &&
	    memcmp(t->revoked[end].key, k->key, 32) == 0)
		end++;
	*entry = t->revoked + first;
	*n = end - first;
	*out = k->crl;
	(void)snprintf(out->problem, sizeof(out->problem), "%s",
	    anchor->crl.problem[0] != '\0' ? anchor->crl.problem :
	    "no CRL of this anchor any more");
	return true;
}
