#include "cred/p11msg.h"

#include <string.h>

#include "base/err.h"
#include "proto/chan.h"

void
p11msg_put_load(struct buf *b, const char *module, const char *const *env,
    size_t n_env)
{
	chan_begin(b, P11_LOAD);
	buf_put_cstring(b, module);
	buf_put_u32(b, (uint32_t)n_env);
	for (size_t i = 0; i < n_env; i++)
		buf_put_cstring(b, env[i]);
}

int
p11msg_get_load(struct rd *r, struct p11_load *l)
{
	rd_cstring(r, l->module, sizeof(l->module));
	l->n_env = rd_u32(r);
	if (r->err == 0 && l->n_env > P11_ENV_MAX)
		return ERR_TOOBIG;
	for (uint32_t i = 0; r->err == 0 && i < l->n_env; i++)
		rd_cstring(r, l->env[i], sizeof(l->env[i]));
	return rd_end(r);
}

void
p11msg_put_list(struct buf *b, const char *uri)
{
	chan_begin(b, P11_LIST);
	buf_put_cstring(b, uri);
}

int
p11msg_get_list(struct rd *r, char uri[P11_URI_MAX])
{
	rd_cstring(r, uri, P11_URI_MAX);
	return rd_end(r);
}

void
p11msg_put_open(struct buf *b, uint32_t index)
{
	chan_begin(b, P11_OPEN);
	buf_put_u32(b, index);
}

int
p11msg_get_open(struct rd *r, uint32_t *index)
{
	uint32_t v = rd_u32(r);
	int e = rd_end(r);

	if (e == 0)
		*index = v;
	return e;
}

void
p11msg_put_login(struct buf *b, const void *pin, size_t n)
{
	chan_begin(b, P11_LOGIN);
	buf_put_string(b, pin, n);
}

int
p11msg_get_login(struct rd *r, struct span *pin)
{
	struct span s = rd_string(r, P11_PIN_MAX);
	int e = rd_end(r);

	if (e == 0)
		*pin = s;
	return e;
}

void
p11msg_put_sign(struct buf *b, uint16_t scheme, struct span data)
{
	chan_begin(b, P11_SIGN);
	buf_put_u16(b, scheme);
	buf_put_string(b, data.p, data.n);
}

int
p11msg_get_sign(struct rd *r, uint16_t *scheme, struct span *data)
{
	uint16_t v = rd_u16(r);
	struct span s = rd_string(r, P11_DATA_MAX);
	int e = rd_end(r);

	if (e != 0)
		return e;
	*scheme = v;
	*data = s;
	return 0;
}

void
p11msg_put_local(struct buf *b, uint32_t uid)
{
	chan_begin(b, P11_LOCAL);
	buf_put_u32(b, uid);
}

int
p11msg_get_local(struct rd *r, uint32_t *uid)
{
	uint32_t v = rd_u32(r);
	int e = rd_end(r);

	if (e == 0)
		*uid = v;
	return e;
}

void
p11msg_put_cert(struct buf *b, const struct p11_cert *c)
{
	chan_begin(b, P11_CERT);
	buf_put_u32(b, c->flags);
	buf_put_u32(b, c->key_type);
	buf_put_cstring(b, c->token);
	buf_put_cstring(b, c->label);
	buf_put_string(b, c->id, c->id_len);
	buf_put_string(b, c->der, c->der_len);
}

/* Texts are printable, so that no driver and no captured certlogin-p11 reaches
 * a terminal. */
int
p11msg_get_cert(struct rd *r, struct p11_cert *c)
{
	struct span id, der;
	int e;

	c->flags = rd_u32(r);
	c->key_type = rd_u32(r);
	rd_printable(r, c->token, sizeof(c->token));
	rd_printable(r, c->label, sizeof(c->label));
	id = rd_string(r, sizeof(c->id));
	der = rd_string(r, sizeof(c->der));
	if ((e = rd_end(r)) != 0)
		return e;
	if (der.n == 0)
		return ERR_MALFORMED;
	memcpy(c->id, id.p, c->id_len = id.n);
	memcpy(c->der, der.p, c->der_len = der.n);
	return 0;
}

void
p11msg_put_done(struct buf *b, const struct p11_done *d)
{
	chan_begin(b, P11_DONE);
	buf_put_u32(b, (uint32_t)-d->code);
	buf_put_u32(b, d->flags);
	buf_put_cstring(b, d->text);
}

int
p11msg_get_done(struct rd *r, struct p11_done *d)
{
	uint32_t code = rd_u32(r);
	int e;

	d->flags = rd_u32(r);
	rd_printable(r, d->text, sizeof(d->text));
	if ((e = rd_end(r)) != 0)
		return e;
	if (code > (uint32_t)-ERR_INTERNAL)
		return ERR_MALFORMED;
	d->code = -(int)code;
	return 0;
}

void
p11msg_put_signed(struct buf *b, struct span sig)
{
	chan_begin(b, P11_SIGNED);
	buf_put_string(b, sig.p, sig.n);
}

int
p11msg_get_signed(struct rd *r, struct span *sig)
{
	struct span s = rd_string(r, P11_SIG_MAX);
	int e = rd_end(r);

	if (e != 0)
		return e;
	if (s.n == 0)
		return ERR_MALFORMED;
	*sig = s;
	return 0;
}
