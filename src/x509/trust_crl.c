#include "x509/trust_crl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "epoch.h"
#include "x509/ext.h"
#include "x509/sig.h"

#define REASON_REMOVE 8		/* removeFromCRL, of delta CRLs */
#define LIST_FIRST 1024

/* id-ce, 2.5.29.n */
enum {
	CE_ISSUER_ALT_NAME = 18,
	CE_CRL_NUMBER = 20,
	CE_REASON = 21,
	CE_INVALIDITY_DATE = 24,
	CE_DELTA = 27,
	CE_DISTRIBUTION_POINT = 28,
	CE_CERTIFICATE_ISSUER = 29,
	CE_AUTHORITY_KEY = 35,
};

/* ---- the table ----------------------------------------------------------- */

int
trust_crl_add(struct trust_crl_list *l, const struct trust_revoked *entry)
{
	if (l->n >= TRUST_REVOKED_MAX)
		return ERR_TOOBIG;
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? LIST_FIRST : l->cap * 2;
		void *p = reallocarray(l->entry, cap, sizeof(*l->entry));

		if (p == NULL)
			return ERR_NOMEM;
		l->entry = p;
		l->cap = cap;
	}
	l->entry[l->n++] = *entry;
	return 0;
}

void
trust_crl_drop(struct trust_crl_list *l, const uint8_t key[32], size_t from)
{
	size_t kept = from;

	for (size_t i = from; i < l->n; i++)
		if (memcmp(l->entry[i].key, key, 32) != 0)
			l->entry[kept++] = l->entry[i];
	l->n = kept;
}

static int
by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct trust_revoked));
}

void
trust_crl_sort(struct trust_crl_list *l)
{
	size_t kept = 0;

	if (l->n == 0)
		return;
	qsort(l->entry, l->n, sizeof(*l->entry), by_bytes);
	for (size_t i = 0; i < l->n; i++)
		if (i == 0 || by_bytes(&l->entry[kept - 1], &l->entry[i]) != 0)
			l->entry[kept++] = l->entry[i];
	l->n = kept;
}

int
trust_crl_compare(const struct ipc_seen *a, const struct ipc_seen *b)
{
	int c = 0;

	/* without leading zeros the longer one is the higher one */
	if (a->number_len != b->number_len)
		return a->number_len < b->number_len ? -1 : 1;
	if (a->number_len > 0)
		c = memcmp(a->number, b->number, a->number_len);
	if (c != 0 || a->this_update == b->this_update)
		return c;
	return a->this_update < b->this_update ? -1 : 1;
}

struct ipc_seen
trust_crl_seen(const uint8_t key[32], const struct trust_crl *crl)
{
	struct ipc_seen s = { .number_len = crl->number_len,
	    .this_update = crl->this_update, .newest = crl->this_update };

	memcpy(s.issuer_key, key, sizeof(s.issuer_key));
	memcpy(s.number, crl->number, sizeof(s.number));
	return s;
}

static bool
is_ce(struct span oid, uint8_t n)
{
	return oid.n == 3 && oid.p[0] == 0x55 && oid.p[1] == 0x1d &&
	    oid.p[2] == n;
}

/* ---- the list's own extensions ------------------------------------------- */

static int
take(struct rd *r, uint8_t want, struct span *content)
{
	struct span whole;
	uint8_t tag;
	int e = slice_element(r, &tag, content, &whole);

	if (e == 0 && tag != want)
		e = r->err = ERR_MALFORMED;
	return e;
}

static int
read_number(const struct slice_extension *x, struct trust_crl *out,
    struct why *why)
{
	struct rd r = rd_of_span(x->value);
	struct span n;

	if (x->critical)
		return why_set(why, ERR_REFUSED, "cRLNumber is critical: "
		    "expected it not to be (RFC 5280 5.2.3)");
	if (take(&r, 0x02, &n) != 0 || rd_end(&r) != 0 ||
	    slice_integer(n, &n) != 0)
		return why_set(why, ERR_MALFORMED, "cRLNumber: expected an "
		    "INTEGER from 0 (RFC 5280 5.2.3)");
	if (n.n > sizeof(out->number))
		return why_set(why, ERR_TOOBIG, "cRLNumber of %zu bytes: "
		    "expected at most %zu (RFC 5280 5.2.3)", n.n,
		    sizeof(out->number));
	memcpy(out->number, n.p, n.n);
	out->number_len = (uint8_t)n.n;
	return 0;
}

static int
read_extension(const struct slice_extension *x, struct trust_crl *out,
    struct why *why)
{
	if (is_ce(x->oid, CE_CRL_NUMBER))
		return read_number(x, out, why);
	if (is_ce(x->oid, CE_DELTA))
		return why_set(why, ERR_REFUSED, "a delta CRL: expected a "
		    "complete one (RFC 5280 5.2.4)");
	if (is_ce(x->oid, CE_DISTRIBUTION_POINT))
		return why_set(why, ERR_REFUSED, "a partitioned or indirect "
		    "CRL (issuingDistributionPoint): expected one for all "
		    "certificates of its issuer (RFC 5280 5.2.5)");
	if (x->critical && !is_ce(x->oid, CE_AUTHORITY_KEY) &&
	    !is_ce(x->oid, CE_ISSUER_ALT_NAME))
		return why_set(why, ERR_REFUSED, "an unknown critical "
		    "extension (RFC 5280 5.2)");
	return 0;
}

static int
read_extensions(const struct slice_crl *crl, struct trust_crl *out,
    struct why *why)
{
	struct rd r = rd_of_span(crl->extensions);
	struct slice_extension x;
	int more, e;

	while ((more = slice_extension_next(&r, &x)) == 1)
		if ((e = read_extension(&x, out, why)) != 0)
			return e;
	if (more < 0)
		return why_set(why, more, "extensions: expected DER");
	return out->number_len > 0 ? 0 : why_set(why, ERR_REFUSED,
	    "has no cRLNumber (RFC 5280 5.2.3)");
}

/* ---- entries ------------------------------------------------------------- */

static int
read_reason(const struct slice_extension *x, struct why *why)
{
	struct rd r = rd_of_span(x->value);
	struct span reason;

	if (take(&r, 0x0a, &reason) != 0 || rd_end(&r) != 0 || reason.n != 1)
		return why_set(why, ERR_MALFORMED, "reasonCode of an entry: "
		    "expected DER (RFC 5280 5.3.1)");
	if (reason.p[0] == REASON_REMOVE)
		return why_set(why, ERR_REFUSED, "an entry with the reason "
		    "removeFromCRL: expected it in delta CRLs only (RFC 5280 "
		    "5.3.1)");
	return 0;
}

static int
read_entry_extensions(struct span extensions, struct why *why)
{
	struct rd r = rd_of_span(extensions);
	struct slice_extension x;
	int more, e;

	while ((more = slice_extension_next(&r, &x)) == 1) {
		if (is_ce(x.oid, CE_REASON)) {
			if ((e = read_reason(&x, why)) != 0)
				return e;
			continue;
		}
		if (is_ce(x.oid, CE_CERTIFICATE_ISSUER))
			return why_set(why, ERR_REFUSED, "an entry of another "
			    "issuer (certificateIssuer): expected a CRL of "
			    "its own issuer only (RFC 5280 5.3.3)");
		if (x.critical && !is_ce(x.oid, CE_INVALIDITY_DATE))
			return why_set(why, ERR_REFUSED, "an entry with an "
			    "unknown critical extension (RFC 5280 5.3)");
	}
	return more == 0 ? 0 : why_set(why, more, "extensions of an entry: "
	    "expected DER");
}

/* SEQUENCE { serial, revocationDate, extensions OPTIONAL } */
static int
read_entry(struct span entry, struct span *serial, struct why *why)
{
	struct rd r = rd_of_span(entry);
	struct span date, content;
	uint8_t tag;
	int64_t t;
	int e;

	if ((e = take(&r, 0x02, serial)) != 0 ||
	    (e = slice_serial(*serial, serial)) != 0)
		return why_set(why, e, "serial number of an entry: expected "
		    "a positive INTEGER of at most %d bytes (RFC 5280 5.3)",
		    SLICE_SERIAL_MAX);
	if (slice_element(&r, &tag, &content, &date) != 0 ||
	    slice_time(date, &t) != 0)
		return why_set(why, ERR_MALFORMED, "date of an entry: expected "
		    "a time as RFC 5280 4.1.2.5 writes it");
	if (r.n > 0 && (take(&r, 0x30, &content) != 0 || rd_end(&r) != 0))
		return why_set(why, ERR_MALFORMED, "an entry: expected "
		    "nothing behind its extensions");
	return date.p + date.n == entry.p + entry.n ? 0 :
	    read_entry_extensions(content, why);
}

static int
add_entry(struct trust_crl_list *list, const uint8_t key[32],
    struct span serial, struct why *why)
{
	struct trust_revoked t;
	int e;

	memset(&t, 0, sizeof(t));
	memcpy(t.key, key, sizeof(t.key));
	memcpy(t.serial, serial.p, serial.n);
	t.serial_len = (uint8_t)serial.n;
	if ((e = trust_crl_add(list, &t)) == ERR_TOOBIG)
		return why_set(why, e, "more than %d entries of all CRLs "
		    "together", TRUST_REVOKED_MAX);
	return e == 0 ? 0 : why_set(why, e, "out of memory");
}

static int
read_entries(const struct slice_crl *crl, const uint8_t key[32],
    struct trust_crl_list *list, uint32_t *n, struct why *why)
{
	struct rd r = rd_of_span(crl->revoked);
	struct span entry, serial;
	int e;

	for (*n = 0; r.n > 0; (*n)++) {
		if ((e = take(&r, 0x30, &entry)) != 0)
			return why_set(why, e, "revokedCertificates: expected "
			    "DER");
		if ((e = read_entry(entry, &serial, why)) != 0 ||
		    (list != NULL && (e = add_entry(list, key, serial,
		    why)) != 0))
			return e;
	}
	return 0;
}

/* ---- the whole ----------------------------------------------------------- */

/* Too far in the future, by a clock that can be right: one that stands before
 * this program was built says nothing. */
static bool
is_ahead(int64_t this_update, int64_t now)
{
	return now >= BUILD_EPOCH && this_update > now &&
	    this_update - now > TRUST_CRL_AHEAD;
}

int64_t
trust_crl_again(const struct slice_crl *crl, int64_t now)
{
	int64_t t;

	if (slice_time(crl->this_update, &t) != 0)
		return 0;
	if (is_ahead(t, now))
		return t - TRUST_CRL_AHEAD;
	return now < BUILD_EPOCH && is_ahead(t, BUILD_EPOCH) ? BUILD_EPOCH : 0;
}

static int
read_times(const struct slice_crl *crl, int64_t now, struct trust_crl *out,
    struct why *why)
{
	if (crl->next_update.n == 0)
		return why_set(why, ERR_REFUSED, "has no nextUpdate (RFC 5280 "
		    "5.1.2.5)");
	if (slice_time(crl->this_update, &out->this_update) != 0 ||
	    slice_time(crl->next_update, &out->next_update) != 0)
		return why_set(why, ERR_MALFORMED, "thisUpdate or nextUpdate: "
		    "expected a time as RFC 5280 4.1.2.5 writes it");
	if (out->next_update < out->this_update)
		return why_set(why, ERR_REFUSED, "nextUpdate is before "
		    "thisUpdate (RFC 5280 5.1.2.5)");
	if (is_ahead(out->this_update, now))
		return why_set(why, ERR_REFUSED, "thisUpdate is more than a "
		    "day in the future: is this machine's clock right? (RFC "
		    "5280 5.1.2.4)");
	return 0;
}

int
trust_crl_read(const struct slice_crl *crl, const uint8_t key[32],
    int64_t now, struct trust_crl *out, struct trust_crl_list *list,
    struct why *why)
{
	struct trust_crl c = { .usable = false };
	size_t before = list != NULL ? list->n : 0;
	int e;

	if ((e = read_times(crl, now, &c, why)) == 0 &&
	    (e = read_extensions(crl, &c, why)) == 0)
		e = read_entries(crl, key, list, &c.revoked, why);
	if (e != 0) {
		if (list != NULL)
			list->n = before;
		return e;
	}
	c.usable = true;
	*out = c;
	return 0;
}

const char *
trust_crl_time_text(char dst[TRUST_CRL_TIME_MAX], int64_t at)
{
	time_t t = (time_t)at;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(dst, TRUST_CRL_TIME_MAX,
	    "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)snprintf(dst, TRUST_CRL_TIME_MAX, "@%lld",
		    (long long)at);
	return dst;
}

/* ---- whose it is ---------------------------------------------------------- */

bool
trust_crl_has_issuer(const struct trust_authority *a, struct span subject)
{
	for (size_t i = 0; i < a->n_anchors; i++)
		if (span_eq(a->anchor[i].cert.subject, subject))
			return true;
	return false;
}

const struct trust_anchor *
trust_crl_signer(const struct trust_authority *a, const struct slice_crl *crl,
    struct why *why)
{
	const char *text = "of another issuer: expected the subject of an "
	    "anchor as its issuer (RFC 5280 6.3.3 (b))";

	for (size_t i = 0; i < a->n_anchors; i++) {
		const struct trust_anchor *k = &a->anchor[i];
		struct why sig;
		struct ext e;

		if (!span_eq(k->cert.subject, crl->issuer))
			continue;
		text = "forged or damaged: it has the name of an anchor, but "
		    "not the signature of its key (RFC 5280 6.3.3 (g))";
		if (sig_algorithm_check(crl->algorithm, why) != 0)
			return NULL;
		if (sig_verify(k->cert.spki, crl->algorithm, crl->tbs,
		    crl->signature, &sig) != 0)
			continue;
		if (ext_read(k->cert.extensions, &e, NULL) == 0 &&
		    ext_may(&e, EXT_CRL_SIGN))
			return k;
		text = "its issuer may not sign CRLs: expected cRLSign in the "
		    "anchor's keyUsage (RFC 5280 6.3.3 (f))";
	}
	(void)why_set(why, ERR_REFUSED, "%s", text);
	return NULL;
}

int
trust_crl_check_seen(const uint8_t key[32], const struct trust_crl *crl,
    const struct ipc_seen *seen, size_t n_seen, struct why *why)
{
	struct ipc_seen s = trust_crl_seen(key, crl);

	for (size_t i = 0; i < n_seen; i++)
		if (memcmp(seen[i].issuer_key, key, 32) == 0 &&
		    trust_crl_compare(&s, &seen[i]) < 0)
			return why_set(why, ERR_REFUSED, "rolled back: a "
			    "later CRL of this issuer was seen before (RFC "
			    "5280 5.2.3); where the CA was restored from a "
			    "backup, `certloginctl crl-accept' takes it");
	return 0;
}
