#include "x509/handshake.h"

#include <string.h>

#define TLS12 0x0303		/* legacy_version */
#define TLS13 0x0304
#define EXT_SUPPORTED_VERSIONS 43
#define EXT_PRE_SHARED_KEY 41

/* RFC 8446 4.1.3: SHA-256 of "HelloRetryRequest" */
static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11,
	0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e,
	0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

struct handshake_msg
handshake_next(struct rd *r)
{
	struct handshake_msg m = { 0 };
	const uint8_t *start = r->p;

	m.type = rd_u8(r);
	m.body = rd_vector(r, 3);
	m.whole = (struct span){ start, r->err == 0 ?
	    (size_t)(r->p - start) : 0 };
	return m;
}

static struct handshake_msg
expect(struct rd *r, uint8_t type, const char *name, struct why *why,
    int *err)
{
	struct handshake_msg m = { 0 };

	if (*err != 0)
		return m;
	m = handshake_next(r);
	if (r->err != 0)
		*err = why_set(why, ERR_MALFORMED, "handshake ends before %s",
		    name);
	else if (m.type != type)
		*err = why_set(why, ERR_MALFORMED, "handshake message %u "
		    "where %s was expected", m.type, name);
	return m;
}

struct hello {
	struct span random;
	uint16_t suite;
	bool tls13, psk;
};

static int
read_hello(struct span body, struct hello *h, struct why *why)
{
	struct rd r = rd_of_span(body), ext;
	uint16_t version = rd_u16(&r);

	*h = (struct hello){ .random = rd_raw(&r, 32) };
	(void)rd_vector(&r, 1);			/* session id echo */
	h->suite = rd_u16(&r);
	if (rd_u8(&r) != 0)			/* compression */
		r.err = r.err != 0 ? r.err : ERR_MALFORMED;
	ext = rd_of_span(rd_vector(&r, 2));
	while (r.err == 0 && ext.err == 0 && ext.n > 0) {
		uint16_t id = rd_u16(&ext);
		struct span v = rd_vector(&ext, 2);

		if (id == EXT_SUPPORTED_VERSIONS)
			h->tls13 = v.n == 2 &&
			    (v.p[0] << 8 | v.p[1]) == TLS13;
		h->psk |= id == EXT_PRE_SHARED_KEY;
	}
	if (rd_end(&r) != 0 || ext.err != 0 || version != TLS12)
		return why_set(why, ERR_MALFORMED, "malformed ServerHello");
	if (!h->tls13)
		return why_set(why, ERR_REFUSED, "not TLS 1.3");
	if (h->psk)
		return why_set(why, ERR_REFUSED, "resumed by a PSK");
	if (h->suite < 0x1301 || h->suite > 0x1303)
		return why_set(why, ERR_REFUSED, "cipher suite %04x",
		    h->suite);
	return 0;
}

static bool
is_retry(const struct hello *h)
{
	return memcmp(h->random.p, retry_random, sizeof(retry_random)) == 0;
}

/* ServerHello, through one HelloRetryRequest at most. */
static int
read_hellos(struct rd *r, struct handshake_server *out, struct hello *h,
    struct why *why)
{
	struct hello retry;
	struct handshake_msg m;
	int e = 0;

	m = expect(r, HANDSHAKE_CLIENT_HELLO, "ClientHello", why, &e);
	out->first_hello = m.whole;
	out->rest.p = m.whole.p;
	m = expect(r, HANDSHAKE_SERVER_HELLO, "ServerHello", why, &e);
	if (e != 0 || (e = read_hello(m.body, h, why)) != 0 || !is_retry(h))
		return e;
	retry = *h;
	out->retried = true;
	out->rest.p = m.whole.p;
	(void)expect(r, HANDSHAKE_CLIENT_HELLO, "second ClientHello", why, &e);
	m = expect(r, HANDSHAKE_SERVER_HELLO, "ServerHello", why, &e);
	if (e != 0 || (e = read_hello(m.body, h, why)) != 0)
		return e;
	if (is_retry(h) || h->suite != retry.suite)
		return why_set(why, ERR_REFUSED, "second HelloRetryRequest or "
		    "changed suite");
	return 0;
}

static int
check_request(struct span body, struct why *why)
{
	struct rd r = rd_of_span(body);
	struct span context = rd_vector(&r, 1);

	(void)rd_vector(&r, 2);
	if (rd_end(&r) != 0 || context.n != 0)
		return why_set(why, ERR_MALFORMED,
		    "malformed CertificateRequest");
	return 0;
}

/* certificate_request_context, certificate_list: the first entry's data */
static int
read_leaf(struct span body, struct span *leaf, struct why *why)
{
	struct rd r = rd_of_span(body), list;
	struct span context = rd_vector(&r, 1);

	list = rd_of_span(rd_vector(&r, 3));
	*leaf = rd_vector(&list, 3);
	(void)rd_vector(&list, 2);
	if (rd_end(&r) != 0 || list.err != 0 || context.n != 0)
		return why_set(why, ERR_MALFORMED, "malformed Certificate");
	return 0;
}

int
handshake_server(struct rd *r, struct span random, struct span own,
    struct handshake_server *out, struct why *why)
{
	struct handshake_server s = { 0 };
	struct handshake_msg m;
	struct hello h;
	int e;

	if ((e = read_hellos(r, &s, &h, why)) != 0)
		return e;
	if (!span_eq(h.random, random) || is_retry(&h))
		return why_set(why, ERR_REFUSED, "server random is not the "
		    "one that was chosen for this connection");
	s.sha384 = h.suite == 0x1302;
	m = expect(r, HANDSHAKE_ENCRYPTED_EXTENSIONS, "EncryptedExtensions",
	    why, &e);
	s.extensions = m.body;
	m = expect(r, HANDSHAKE_CERTIFICATE_REQUEST, "CertificateRequest",
	    why, &e);
	if (e == 0)
		e = check_request(m.body, why);
	m = expect(r, HANDSHAKE_CERTIFICATE, "Certificate", why, &e);
	if (e != 0 || (e = read_leaf(m.body, &s.leaf, why)) != 0)
		return e;
	s.rest.n = (size_t)(r->p - s.rest.p);
	if (own.p != NULL && !span_eq(s.leaf, own))
		return why_set(why, ERR_REFUSED, "the handshake carries "
		    "another server certificate than ours");
	*out = s;
	return 0;
}
