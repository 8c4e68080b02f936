#include "cred/scheme.h"

#include <dlfcn.h>
#include <nettle/nettle-meta.h>
#include <nettle/sha2.h>
#include <string.h>

#include "base/err.h"

static const struct scheme schemes[] = {
	{ 0x0403, CKK_ECDSA, CKM_ECDSA, CKM_SHA256, 0, 32, 64, false },
	{ 0x0503, CKK_ECDSA, CKM_ECDSA, CKM_SHA384, 0, 48, 96, false },
	{ 0x0807, CKK_EC_EDWARDS, CKM_EDDSA, 0, 0, 0, 64, false },
	{ 0x0804, CKK_RSA, CKM_RSA_PKCS_PSS, CKM_SHA256, CKG_MGF1_SHA256,
	    32, 0, false },
	{ 0x0805, CKK_RSA, CKM_RSA_PKCS_PSS, CKM_SHA384, CKG_MGF1_SHA384,
	    48, 0, false },
	{ 0x0806, CKK_RSA, CKM_RSA_PKCS_PSS, CKM_SHA512, CKG_MGF1_SHA512,
	    64, 0, false },
	{ 0x0401, CKK_RSA, CKM_RSA_PKCS, CKM_SHA256, 0, 32, 0, true },
};

/* DigestInfo of a SHA-256 without the hash (RFC 8017 section 9.2 note 1). */
static const uint8_t info_sha256[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09,
    0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
    0x20 };

const struct scheme *
scheme_find(uint16_t tls)
{
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].tls == tls)
			return &schemes[i];
	return NULL;
}

/* Loaded when a certificate was chosen, not before; NULL if it cannot be. */
static const struct nettle_hash *
find_hash(const char *name, struct why *why)
{
	void *so = dlopen(NETTLE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	const struct nettle_hash *h = so != NULL ? dlsym(so, name) : NULL;

	if (h == NULL)
		(void)why_set(why, ERR_NOTFOUND, NETTLE_LIBRARY ", which "
		    "hashes what is signed, cannot be loaded: %s", dlerror());
	return h;
}

int
scheme_ready(struct why *why)
{
	return find_hash("nettle_sha256", why) != NULL ? 0 : ERR_NOTFOUND;
}

int
scheme_input(const struct scheme *s, struct span data,
    uint8_t out[SCHEME_INPUT_MAX], struct span *in, struct why *why)
{
	size_t at = s->digest_info ? sizeof(info_sha256) : 0;
	const struct nettle_hash *h;
	union { struct sha256_ctx s256; struct sha512_ctx s512; } ctx;

	*in = data;
	if (s->hash == 0)
		return 0;
	h = find_hash(s->hash == CKM_SHA256 ? "nettle_sha256" :
	    s->hash == CKM_SHA384 ? "nettle_sha384" : "nettle_sha512", why);
	if (h == NULL)
		return ERR_NOTFOUND;
	if (h->context_size > sizeof(ctx) || h->digest_size != s->hash_len)
		return why_set(why, ERR_VERSION, NETTLE_LIBRARY " is not the "
		    "one that certlogin was built for");
	memcpy(out, info_sha256, at);
	h->init(&ctx);
	h->update(&ctx, data.n, data.p);
	h->digest(&ctx, s->hash_len, out + at);
	*in = (struct span){ out, at + s->hash_len };
	return 0;
}

/* A DER INTEGER of an unsigned number: no leading zero bytes, but one where
 * the first bit is set (X.690 section 8.3). */
static void
put_integer(struct buf *b, const uint8_t *p, size_t n)
{
	bool pad;

	while (n > 1 && *p == 0) {
		p++;
		n--;
	}
	pad = (*p & 0x80) != 0;
	buf_put_u8(b, 0x02);
	buf_put_u8(b, (uint8_t)(n + pad));
	if (pad)
		buf_put_u8(b, 0);
	buf_put_raw(b, p, n);
}

int
scheme_output(const struct scheme *s, struct span raw, struct buf *out)
{
	struct buf body;
	int r;

	if (raw.n == 0 || (s->raw_len != 0 && raw.n != s->raw_len))
		return ERR_MALFORMED;
	if (s->mechanism != CKM_ECDSA) {
		buf_put_raw(out, raw.p, raw.n);
		return buf_err(out);
	}
	/* at most 2 * (2 + 1 + 48) bytes: lengths fit in one byte each */
	buf_init(&body, 2 * (3 + s->raw_len / 2));
	put_integer(&body, raw.p, raw.n / 2);
	put_integer(&body, raw.p + raw.n / 2, raw.n / 2);
	if ((r = buf_err(&body)) == 0) {
		buf_put_u8(out, 0x30);
		buf_put_u8(out, (uint8_t)body.len);
		buf_put_raw(out, body.data, body.len);
		r = buf_err(out);
	}
	buf_free(&body);
	return r;
}
