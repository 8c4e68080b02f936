#include "x509/trust.h"

#include <stdlib.h>
#include <string.h>

#include "epoch.h"
#include "x509/trust_crl.h"

_Static_assert(TRUST_ANCHORS_MAX <= IPC_KEYS_MAX, "all keys are reported");

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++) {
		free(t->authority[i].rules.names);
		free(t->authority[i].anchor);
	}
	free(t->authority);
	free(t->revoked_owned);
	buf_free(&t->bytes);
	*t = (struct trust){ 0 };
}

bool
trust_is_revoked(const struct trust *t, const uint8_t key[32],
    struct span serial)
{
	struct trust_revoked want = { .serial_len = (uint8_t)serial.n };
	size_t low = 0, high = t->n_revoked;

	/* nothing has such a serial: slice_cert() lets none through */
	if (serial.n == 0 || serial.n > SLICE_SERIAL_MAX)
		return true;
	memcpy(want.key, key, sizeof(want.key));
	memcpy(want.serial, serial.p, serial.n);
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = memcmp(&t->revoked[mid], &want, sizeof(want));

		if (c == 0)
			return true;
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}

bool
trust_crl_is_carried(const struct trust_crl *crl)
{
	return crl->usable && crl->problem[0] != '\0';
}

int64_t
trust_fresh_until(const struct trust_authority *a, int64_t now)
{
	int64_t grace = a->rules.revocation == TRUST_GRACE ? a->rules.grace : 0;
	int64_t first = 0;

	for (size_t i = 0; i < a->n_anchors &&
	    a->rules.revocation != TRUST_NONE; i++) {
		const struct trust_crl *c = &a->anchor[i].crl;
		int64_t last = c->next_update + grace;

		if (c->usable && last >= now && (first == 0 || last < first))
			first = last;
	}
	return first;
}

int64_t
trust_time(const struct trust_authority *a, int64_t now)
{
	return a->verified_time > now ? a->verified_time : now;
}

/* ---- report -------------------------------------------------------------- */

/* What is wrong with the CRLs of its anchors: one that there is not, rather
 * than one that was carried over. */
static void
report_problem(const struct trust_authority *a, struct ipc_authority *out)
{
	const struct trust_crl *worst = NULL;

	for (size_t i = 0; i < a->n_anchors; i++) {
		const struct trust_crl *c = &a->anchor[i].crl;

		out->crl_carried |= trust_crl_is_carried(c);
		if (c->problem[0] != '\0' && (worst == NULL ||
		    (worst->usable && !c->usable)))
			worst = c;
	}
	out->crl_missing = worst != NULL && !worst->usable;
	if (worst != NULL)
		memcpy(out->crl_problem, worst->problem,
		    sizeof(out->crl_problem));
}

static void
report_authority(const struct trust_authority *a, struct ipc_authority *out)
{
	*out = (struct ipc_authority){ .class = (uint8_t)a->rules.class,
	    .anchors = (uint32_t)a->n_anchors };
	memcpy(out->name, a->rules.name, sizeof(a->rules.name));
	report_problem(a, out);
	for (size_t i = 0; i < a->n_anchors && i < IPC_KEYS_MAX; i++)
		memcpy(out->key[out->n_keys++], a->anchor[i].key, 32);
	for (size_t i = 0; i < a->n_anchors; i++) {
		const struct trust_anchor *k = &a->anchor[i];

		if (i == 0 || k->not_after < out->anchors_expire)
			out->anchors_expire = k->not_after;
		if (!k->crl.usable)
			continue;
		if (i == 0) {
			out->has_crl = true;
			out->crl = trust_crl_seen(k->key, &k->crl);
		}
		if (out->next_update == 0 ||
		    k->crl.next_update < out->next_update)
			out->next_update = k->crl.next_update;
		out->revoked += k->crl.revoked;
	}
}

static struct ipc_seen *
find_seen(struct ipc_load_done *done, const uint8_t key[32])
{
	for (size_t i = 0; i < done->n_seen; i++)
		if (memcmp(done->seen[i].issuer_key, key, 32) == 0)
			return &done->seen[i];
	return NULL;
}

/* Anchors of one key have one CRL.  One that was carried over was not verified
 * now: it may be what crl-accept has forgotten meanwhile. */
static void
report_crl(const struct trust_anchor *k, int64_t latest,
    struct ipc_load_done *done)
{
	struct ipc_seen s = trust_crl_seen(k->key, &k->crl);

	if (!k->crl.usable || trust_crl_is_carried(&k->crl) ||
	    done->n_seen == IPC_LOAD_SEEN_MAX ||
	    find_seen(done, k->key) != NULL)
		return;
	if (s.newest > latest)
		s.newest = latest;
	done->seen[done->n_seen++] = s;
}

void
trust_report(const struct trust *t, int64_t now, struct ipc_load_done *done)
{
	int64_t latest = (now > BUILD_EPOCH ? now : BUILD_EPOCH) +
	    TRUST_CRL_AHEAD;

	done->n = done->n_seen = 0;
	done->again = t->again;
	for (size_t i = 0; i < t->n && i < IPC_LOAD_AUTHORITIES_MAX; i++) {
		const struct trust_authority *a = &t->authority[i];

		report_authority(a, &done->authority[done->n++]);
		for (size_t k = 0; k < a->n_anchors; k++)
			report_crl(&a->anchor[k], latest, done);
	}
}
