#include "proto/pammsg.h"

#include <string.h>

#include "base/err.h"
#include "proto/chan.h"

#define CONTEXT "certlogin-pam-v1"	/* signed with its NUL */

static struct span
get_exactly(struct rd *r, size_t n)
{
	struct span s = rd_string(r, n);

	if (r->err == 0 && s.n != n)
		r->err = ERR_MALFORMED;
	return s;
}

int
pammsg_offer_encode(struct buf *b, const struct pammsg_offer *o)
{
	chan_begin(b, IPC_PAM_OFFER);
	buf_put_cstring(b, o->service);
	buf_put_cstring(b, o->account);
	buf_put_u32(b, (uint32_t)o->n);
	for (size_t i = 0; i < o->n; i++)
		buf_put_string(b, o->der[i].p, o->der[i].n);
	return buf_err(b);
}

int
pammsg_offer_decode(struct rd r, struct pammsg_offer *o)
{
	uint32_t n;

	rd_printable(&r, o->service, sizeof(o->service));
	rd_printable(&r, o->account, sizeof(o->account));
	n = rd_u32(&r);
	o->n = 0;
	if (r.err == 0 && (n < 1 || n > IPC_CHAIN_MAX))
		r.err = ERR_MALFORMED;
	for (uint32_t i = 0; r.err == 0 && i < n; i++) {
		o->der[o->n] = rd_string(&r, IPC_CERT_MAX);
		if (o->der[o->n++].n == 0)
			r.err = ERR_MALFORMED;
	}
	return rd_end(&r);
}

int
pammsg_facts_encode(struct buf *b, const struct pammsg_facts *f)
{
	chan_begin(b, IPC_PAM_FACTS);
	buf_put_u8(b, f->state);
	buf_put_u16(b, f->scheme);
	buf_put_string(b, f->sha256, sizeof(f->sha256));
	buf_put_bool(b, f->captured);
	buf_put_u32(b, f->rule_line);
	buf_put_u64(b, (uint64_t)f->not_before);
	buf_put_u64(b, (uint64_t)f->not_after);
	buf_put_cstring(b, f->account);
	buf_put_cstring(b, f->authority);
	buf_put_cstring(b, f->identity);
	buf_put_cstring(b, f->subject);
	buf_put_cstring(b, f->issuer);
	buf_put_cstring(b, f->serial);
	buf_put_cstring(b, f->reason);
	buf_put_cstring(b, f->detail);
	return buf_err(b);
}

static bool
state_known(uint8_t s)
{
	return s == PAMMSG_REFUSED || s == PAMMSG_EXPIRED ||
	    s == PAMMSG_EARLY || s == PAMMSG_FITS;
}

int
pammsg_facts_decode(struct rd r, struct pammsg_facts *f)
{
	uint8_t state = rd_u8(&r);
	struct span hash;

	f->state = PAMMSG_REFUSED;
	f->scheme = rd_u16(&r);
	hash = get_exactly(&r, sizeof(f->sha256));
	f->captured = rd_bool(&r);
	f->rule_line = rd_u32(&r);
	f->not_before = (int64_t)rd_u64(&r);
	f->not_after = (int64_t)rd_u64(&r);
	rd_printable(&r, f->account, sizeof(f->account));
	rd_printable(&r, f->authority, sizeof(f->authority));
	rd_printable(&r, f->identity, sizeof(f->identity));
	rd_printable(&r, f->subject, sizeof(f->subject));
	rd_printable(&r, f->issuer, sizeof(f->issuer));
	rd_printable(&r, f->serial, sizeof(f->serial));
	rd_printable(&r, f->reason, sizeof(f->reason));
	rd_printable(&r, f->detail, sizeof(f->detail));
	if (r.err == 0 && (!state_known(state) ||
	    (state == PAMMSG_FITS && f->account[0] == '\0')))
		r.err = ERR_MALFORMED;
	if (rd_end(&r) != 0)
		return rd_end(&r);
	memcpy(f->sha256, hash.p, sizeof(f->sha256));
	f->state = state;
	return 0;
}

int
pammsg_prove_encode(struct buf *b, const struct pammsg_prove *p)
{
	chan_begin(b, IPC_PAM_PROVE);
	buf_put_u32(b, p->index);
	buf_put_string(b, p->nonce.p, p->nonce.n);
	buf_put_cstring(b, p->host);
	buf_put_string(b, p->signature.p, p->signature.n);
	return buf_err(b);
}

int
pammsg_prove_decode(struct rd r, struct pammsg_prove *p)
{
	p->index = rd_u32(&r);
	p->nonce = get_exactly(&r, PAMMSG_NONCE_LEN);
	rd_printable(&r, p->host, sizeof(p->host));
	p->signature = rd_string(&r, IPC_SIGNATURE_MAX);
	if (r.err == 0 && (p->index >= PAMMSG_OFFERS_MAX ||
	    p->signature.n == 0))
		r.err = ERR_MALFORMED;
	return rd_end(&r);
}

int
pammsg_loaded_encode(struct buf *b, enum pammsg_loaded what,
    const char *problem)
{
	chan_begin(b, IPC_PAM_LOADED);
	buf_put_u8(b, (uint8_t)what);
	buf_put_cstring(b, problem);
	return buf_err(b);
}

int
pammsg_loaded_decode(struct rd r, enum pammsg_loaded *what,
    char problem[IPC_TEXT_MAX])
{
	uint8_t v = rd_u8(&r);

	*what = PAMMSG_NO_POLICY;
	rd_printable(&r, problem, IPC_TEXT_MAX);
	if (r.err == 0 && (v > PAMMSG_NOT_KEPT ||
	    (v == PAMMSG_POLICY && problem[0] != '\0')))
		r.err = ERR_MALFORMED;
	if (rd_end(&r) == 0)
		*what = (enum pammsg_loaded)v;
	return rd_end(&r);
}

int
pammsg_signed(struct buf *b, const char *host, const char *service,
    const char *account, const uint8_t sha256[PAMMSG_HASH_LEN],
    struct span nonce)
{
	buf_put_raw(b, CONTEXT, sizeof(CONTEXT));
	buf_put_cstring(b, host);
	buf_put_cstring(b, service);
	buf_put_cstring(b, account);
	buf_put_string(b, sha256, PAMMSG_HASH_LEN);
	buf_put_string(b, nonce.p, nonce.n);
	return buf_err(b);
}
