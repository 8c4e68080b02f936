#include "x509/constraint.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "x509/slice.h"

#define BASE_MAX FACTS_NAME_MAX

/* The base of one GeneralSubtree. */
struct base {
	enum facts_field field;
	char text[BASE_MAX + 1];	/* dns, email, uri */
	struct span ip;			/* address and mask */
};

/* ---- reading ------------------------------------------------------------ */

/* A host, a domain with all below it (leading dot; not in dns), or "", which
 * is everything. */
static bool
good_domain(const char *text, bool dot)
{
	if (text[0] == '\0')
		return true;
	return names_is_dns(dot && text[0] == '.' ? text + 1 : text);
}

static bool
good_text(const struct base *b)
{
	const char *at = strchr(b->text, '@');

	if (b->field == FACTS_EMAIL && at != NULL)
		return at > b->text && at[1] != '\0' &&
		    names_is_dns(at + 1);
	return good_domain(b->text, b->field != FACTS_DNS);
}

/* RFC 4632: the mask's ones stand before its zeros. */
static bool
good_ip(struct span s)
{
	bool zero = false;

	if (s.n != 8 && s.n != 32)
		return false;
	for (size_t i = s.n / 2 * 8; i < s.n * 8; i++) {
		bool bit = (s.p[i / 8] >> (7 - i % 8) & 1) != 0;

		if (bit && zero)
			return false;
		zero = !bit;
	}
	return true;
}

static int
read_text(struct base *b, struct span s, struct why *why)
{
	if (s.n > BASE_MAX || memchr(s.p, '\0', s.n) != NULL)
		return why_set(why, ERR_MALFORMED, "name constraint: expected "
		    "a name of at most %d characters", BASE_MAX);
	memcpy(b->text, s.p, s.n);
	b->text[s.n] = '\0';
	return good_text(b) ? 0 : why_set(why, ERR_MALFORMED,
	    "name constraint of %s: expected a domain",
	    facts_field_name(b->field));
}

/* GeneralSubtree ::= SEQUENCE { base, minimum DEFAULT 0, maximum OPTIONAL },
 * of which 4.2.1.10 allows the base alone. */
static int
read_subtree(struct rd *r, struct base *b, struct why *why)
{
	struct rd in = rd_of_span(der_get(r, DER_SEQUENCE));
	struct span s, whole;
	uint8_t tag;

	if (r->err != 0 || slice_element(&in, &tag, &s, &whole) != 0 ||
	    rd_end(&in) != 0)
		return why_set(why, ERR_MALFORMED, "name constraint: expected "
		    "a base alone");
	switch (tag) {
	case DER_CONTEXT(1):
		b->field = FACTS_EMAIL;
		return read_text(b, s, why);
	case DER_CONTEXT(2):
		b->field = FACTS_DNS;
		return read_text(b, s, why);
	case DER_CONTEXT(6):
		b->field = FACTS_URI;
		return read_text(b, s, why);
	case DER_CONTEXT(7):
		b->field = FACTS_IP;
		b->ip = s;
		return good_ip(s) ? 0 : why_set(why, ERR_MALFORMED,
		    "name constraint of ip: expected an address and a mask");
	default:
		return why_set(why, ERR_REFUSED, "name constraint of a form "
		    "(%s) that is not processed: expected DNS, email, URI or "
		    "IP", tag == DER_CONTEXT_CONS(4) ? "directoryName" :
		    tag == DER_CONTEXT_CONS(0) ? "otherName" : "rare");
	}
}

/* ---- matching ----------------------------------------------------------- */

/* Is name the domain, or below it? */
static bool
below(const char *name, size_t n, const char *domain)
{
	size_t d = strlen(domain);

	return n > d && name[n - d - 1] == '.' &&
	    strncasecmp(name + n - d, domain, d) == 0;
}

/* "" all; ".domain" what is below; "domain" itself. */
static bool
host_fits(const char *host, size_t n, const char *base)
{
	if (base[0] == '\0')
		return true;
	if (base[0] == '.')
		return below(host, n, base + 1);
	return n == strlen(base) && strncasecmp(host, base, n) == 0;
}

static bool
email_fits(const char *value, const char *base)
{
	const char *host = strchr(value, '@') + 1, *at = strchr(base, '@');

	if (at == NULL)
		return host_fits(host, strlen(host), base);
	return host - value == at + 1 - base &&
	    memcmp(value, base, (size_t)(host - value)) == 0 &&
	    strcasecmp(host, at + 1) == 0;
}

/* RFC 3986 3.2: scheme://[userinfo@]host[:port].  Without a DNS name as host
 * (n 0) no constraint can be met. */
static const char *
uri_host(const char *uri, size_t *n)
{
	const char *p = strstr(uri, "://"), *at;

	*n = 0;
	/* the colon behind the scheme, or it is no authority */
	if (p == NULL || strchr(uri, ':') != p)
		return "";
	p += 3;
	*n = strcspn(p, "/?#");
	if ((at = memrchr(p, '@', *n)) != NULL) {
		*n -= (size_t)(at + 1 - p);
		p = at + 1;
	}
	if (*p == '[')
		*n = 0;
	else
		*n = strcspn(p, ":") < *n ? strcspn(p, ":") : *n;
	return p;
}

static bool
ip_fits(const char *value, struct span base)
{
	uint8_t a[16];
	size_t n = base.n / 2;

	if (inet_pton(n == 4 ? AF_INET : AF_INET6, value, a) != 1)
		return false;
	for (size_t i = 0; i < n; i++)
		if (((a[i] ^ base.p[i]) & base.p[n + i]) != 0)
			return false;
	return true;
}

static bool
fits(const struct facts_name *f, const struct base *b)
{
	const char *host;
	size_t n;

	if (f->field == FACTS_IP)
		return ip_fits(f->value, b->ip);
	if (f->field == FACTS_EMAIL)
		return email_fits(f->value, b->text);
	if (f->field == FACTS_URI) {
		host = uri_host(f->value, &n);
		return n > 0 && host_fits(host, n, b->text);
	}
	return b->text[0] == '\0' || strcasecmp(f->value, b->text) == 0 ||
	    below(f->value, strlen(f->value), b->text);
}

/* A URI without a host, where URIs are constrained: 4.2.1.10 rejects it. */
static bool
hostless(const struct facts_name *f)
{
	size_t n;

	if (f->field != FACTS_URI)
		return false;
	(void)uri_host(f->value, &n);
	return n == 0;
}

/* ---- all ---------------------------------------------------------------- */

/* How a list of subtrees looks to one name. */
struct seen {
	bool constrained;		/* one of its field is there */
	bool fits;
};

/* Walk the list for one name (NULL: for its form alone). */
static int
walk(struct span list, const struct facts_name *f, struct seen *seen,
    struct why *why)
{
	struct rd r = rd_of_span(list);
	struct base b;
	int rc;

	*seen = (struct seen){ false, false };
	while (r.n > 0) {
		if ((rc = read_subtree(&r, &b, why)) != 0)
			return rc;
		if (f == NULL || f->field != b.field)
			continue;
		seen->constrained = true;
		seen->fits = seen->fits || fits(f, &b);
	}
	return 0;
}

static int
check_name(const struct facts_name *f, struct span permitted,
    struct span excluded, struct why *why)
{
	const char *field = facts_field_name(f->field);
	struct seen in, out;
	int rc;

	if ((rc = walk(permitted, f, &in, why)) != 0 ||
	    (rc = walk(excluded, f, &out, why)) != 0)
		return rc;
	if (out.constrained && (out.fits || hostless(f)))
		return why_set(why, ERR_REFUSED, "%s name \"%.80s\" is within "
		    "the excluded name constraints", field, f->value);
	if (in.constrained && !in.fits)
		return why_set(why, ERR_REFUSED, "%s name \"%.80s\" is outside "
		    "the permitted name constraints", field, f->value);
	return 0;
}

int
constraint_check(struct span constraints, const struct names *names,
    struct why *why)
{
	struct rd r = der_only(constraints, DER_SEQUENCE);
	struct span permitted = { (const uint8_t *)"", 0 };
	struct span excluded = permitted;
	struct seen seen;
	bool empty = false;
	int rc;

	if (der_next_is(&r, DER_CONTEXT_CONS(0))) {
		permitted = der_get(&r, DER_CONTEXT_CONS(0));
		empty = permitted.n == 0;
	}
	if (der_next_is(&r, DER_CONTEXT_CONS(1))) {
		excluded = der_get(&r, DER_CONTEXT_CONS(1));
		empty = empty || excluded.n == 0;
	}
	if (rd_end(&r) != 0 || empty || permitted.n + excluded.n == 0)
		return why_set(why, ERR_MALFORMED, "name constraints: expected "
		    "the form of RFC 5280 4.2.1.10");
	if ((rc = walk(permitted, NULL, &seen, why)) != 0 ||
	    (rc = walk(excluded, NULL, &seen, why)) != 0)
		return rc;
	for (size_t i = 0; i < names->n; i++)
		if ((rc = check_name(&names->name[i], permitted, excluded,
		    why)) != 0)
			return rc;
	return 0;
}
