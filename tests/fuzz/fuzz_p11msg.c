/*
 * Messages with certlogin-p11.  Input: byte that is the message's type, then
 * its body.  What decodes encodes to the same bytes again, and what is shown
 * to a person is printable.
 */
#include "fuzz.h"

#include "base/err.h"
#include "cred/p11msg.h"
#include "proto/chan.h"

#define HEADER 2		/* version and type */

static void
printable(const char *text)
{
	for (; *text != '\0'; text++)
		CHECK(*text >= 0x20 && *text <= 0x7e);
}

static int
asked(uint8_t type, struct rd *r, struct buf *b)
{
	static struct p11_load load;	/* too large for a stack */
	const char *env[P11_ENV_MAX];
	char uri[P11_URI_MAX];
	uint16_t scheme;
	uint32_t index;
	struct span s;
	int e = ERR_TYPE;

	if (type == P11_LOAD && (e = p11msg_get_load(r, &load)) == 0) {
		for (size_t i = 0; i < load.n_env; i++)
			env[i] = load.env[i];
		p11msg_put_load(b, load.module, env, load.n_env);
	} else if (type == P11_LIST && (e = p11msg_get_list(r, uri)) == 0) {
		p11msg_put_list(b, uri);
	} else if (type == P11_LOCAL && (e = p11msg_get_local(r,
	    &index)) == 0) {
		p11msg_put_local(b, index);
	} else if (type == P11_OPEN && (e = p11msg_get_open(r,
	    &index)) == 0) {
		p11msg_put_open(b, index);
	} else if (type == P11_LOGIN && (e = p11msg_get_login(r, &s)) == 0) {
		p11msg_put_login(b, s.p, s.n);
	} else if (type == P11_SIGN && (e = p11msg_get_sign(r, &scheme,
	    &s)) == 0) {
		p11msg_put_sign(b, scheme, s);
	}
	return e;
}

static int
answered(uint8_t type, struct rd *r, struct buf *b)
{
	static struct p11_cert cert;
	struct p11_done done;
	struct span s;
	int e = ERR_TYPE;

	if (type == P11_DONE && (e = p11msg_get_done(r, &done)) == 0) {
		printable(done.text);
		CHECK(done.code <= 0 && err_text(done.code) != NULL);
		p11msg_put_done(b, &done);
	} else if (type == P11_CERT && (e = p11msg_get_cert(r, &cert)) == 0) {
		printable(cert.token);
		printable(cert.label);
		p11msg_put_cert(b, &cert);
	} else if (type == P11_SIGNED && (e = p11msg_get_signed(r,
	    &s)) == 0) {
		p11msg_put_signed(b, s);
	}
	return e;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t type = fuzz_u8(&data, &size), *copy;
	struct span s;
	struct buf b;

	if (size > CHAN_MSG_MAX - HEADER)
		return 0;
	copy = fuzz_copy(data, size);
	s = (struct span){ copy, size };
	for (int i = 0; i < 2; i++) {
		struct rd r = rd_of_span(s);

		buf_init_secret(&b, CHAN_MSG_MAX);
		if ((i == 0 ? asked : answered)(type, &r, &b) == 0)
			fuzz_same(&b, HEADER, s);
		buf_free(&b);
	}
	free(copy);
	return 0;
}
