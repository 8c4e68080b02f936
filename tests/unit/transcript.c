/* The judge's reader of handshakes, on real ones and on altered ones. */
#include <check.h>
#include <string.h>

#include "judge/transcript.h"
#include "shake.h"
#include "x509/slice.h"

static struct shake s;
static struct pki client;

static struct span
spki_of(const struct pki *p)
{
	struct slice_cert c;
	struct why why = { "" };

	ck_assert_msg(slice_cert(pki_der(p), &c, &why) == 0, "%s", why.text);
	return c.spki;
}

static void
make(enum pki_kind host, enum pki_kind kind, bool retry, const char *add)
{
	struct shake_client c = { .n = 1, .retry = retry, .add = add };

	shake_init(&s, host);
	pki_make(&client, kind, "person", NULL);
	c.chain[0] = pki_der(&client);
	c.key = client.key;
	shake_run(&s, &c);
}

static void
end(void)
{
	pki_free(&client);
	shake_free(&s);
}

/* 0, or what the first of the two steps to fail says. */
static int
judge_bytes(const uint8_t *p, size_t n, const struct pki *own,
    const struct pki *whose, struct why *why)
{
	struct transcript t;
	int r = transcript_read((struct span){ p, n },
	    (struct span){ s.random, 32 }, pki_der(own), &t, why);

	why->text[r == 0 ? 0 : strlen(why->text)] = '\0';
	return r == 0 ? transcript_verify(&t, spki_of(whose), why) : r;
}

static void
holds(void)
{
	struct why why;

	ck_assert_msg(judge_bytes(s.transcript.data, s.transcript.len,
	    &s.host, &client, &why) == 0, "%s", why.text);
}

static void
refused(const struct buf *b, const struct pki *own, const struct pki *whose,
    const char *part)
{
	struct why why;

	ck_assert_int_ne(judge_bytes(b->data, b->len, own, whose, &why), 0);
	ck_assert_msg(strstr(why.text, part) != NULL, "'%s' not in '%s'",
	    part, why.text);
}

/* The n-th message (0-based) of this type. */
static struct handshake_msg
find(uint8_t type, int n)
{
	struct rd r = rd_of_buf(&s.transcript);

	while (r.n > 0) {
		struct handshake_msg m = handshake_next(&r);

		if (m.type == type && n-- == 0)
			return m;
	}
	ck_abort_msg("message %u not found", type);
}

/* The transcript with one message replaced. */
static void
swap(struct buf *out, const struct handshake_msg *m, const void *body,
    size_t n)
{
	size_t at = (size_t)(m->whole.p - s.transcript.data);

	buf_init(out, IPC_TRANSCRIPT_MAX);
	buf_put_raw(out, s.transcript.data, at);
	buf_put_u8(out, m->type);
	buf_put_u8(out, (uint8_t)(n >> 16));
	buf_put_u16(out, (uint16_t)n);
	buf_put_raw(out, body, n);
	at += m->whole.n;
	buf_put_raw(out, s.transcript.data + at, s.transcript.len - at);
	ck_assert_int_eq(buf_err(out), 0);
}

/* A Certificate message's body of n times der. */
static void
list_of(struct buf *b, struct span der, size_t n, uint16_t extensions)
{
	size_t one = 3 + der.n + 2 + extensions, all = n * one;

	buf_init(b, 200000);
	buf_put_u8(b, 0);
	buf_put_u8(b, (uint8_t)(all >> 16));
	buf_put_u16(b, (uint16_t)all);
	for (size_t i = 0; i < n; i++) {
		buf_put_u8(b, (uint8_t)(der.n >> 16));
		buf_put_u16(b, (uint16_t)der.n);
		buf_put_raw(b, der.p, der.n);
		buf_put_u16(b, extensions);
		for (uint16_t k = 0; k < extensions; k++)
			buf_put_u8(b, 0);
	}
}

/* ---- what holds ----------------------------------------------------------- */

START_TEST(kinds)
{
	make((enum pki_kind)_i, (enum pki_kind)_i, false, NULL);
	holds();
	end();
}
END_TEST

START_TEST(retried)
{
	make(PKI_P256, (enum pki_kind)_i, true, NULL);
	holds();
	ck_assert_uint_eq(find(HANDSHAKE_SERVER_HELLO, 1).type,
	    HANDSHAKE_SERVER_HELLO);
	end();
}
END_TEST

START_TEST(sha384)
{
	struct transcript t;
	struct why why;

	make(PKI_P256, PKI_P256, _i != 0, ":-CIPHER-ALL:+AES-256-GCM");
	holds();
	ck_assert_int_eq(transcript_read((struct span){ s.transcript.data,
	    s.transcript.len }, (struct span){ s.random, 32 },
	    pki_der(&s.host), &t, &why), 0);
	ck_assert(t.server.sha384);
	ck_assert(t.server.retried == (_i != 0));
	ck_assert_uint_eq(t.n, 1);
	ck_assert(span_eq(t.chain[0], pki_der(&client)));
	end();
}
END_TEST

/* Our own signature over what RFC 8446 4.4.3 says, of a transcript without a
 * retry and with SHA-256. */
static void
sign_anew(struct buf *body, uint16_t scheme, gnutls_sign_algorithm_t sign)
{
	static const char context[] = "TLS 1.3, client CertificateVerify";
	struct handshake_msg m = find(HANDSHAKE_CERTIFICATE_VERIFY, 1);
	uint8_t tbs[64 + sizeof(context) + 32];
	gnutls_datum_t in = { tbs, sizeof(tbs) }, sig;

	memset(tbs, ' ', 64);
	memcpy(tbs + 64, context, sizeof(context));
	ck_assert_int_eq(gnutls_hash_fast(GNUTLS_DIG_SHA256,
	    s.transcript.data, (size_t)(m.whole.p - s.transcript.data),
	    tbs + 64 + sizeof(context)), 0);
	ck_assert_int_eq(gnutls_privkey_sign_data2(client.key, sign, 0, &in,
	    &sig), 0);
	buf_init(body, 4096);
	buf_put_u16(body, scheme);
	buf_put_u16(body, (uint16_t)sig.size);
	buf_put_raw(body, sig.data, sig.size);
	gnutls_free(sig.data);
}

/* RSA may sign with each of the three hashes, and with PSS only. */
START_TEST(rsa_schemes)
{
	static const struct {
		uint16_t scheme;
		gnutls_sign_algorithm_t sign;
		bool good;
	} cases[] = {
		{ 0x0804, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, true },
		{ 0x0805, GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, true },
		{ 0x0806, GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, true },
		{ 0x0401, GNUTLS_SIGN_RSA_SHA256, false },
		{ 0x0804, GNUTLS_SIGN_RSA_SHA256, false },
	};
	struct handshake_msg m;
	struct buf body, b;
	struct why why;
	int r;

	make(PKI_P256, PKI_RSA, false, ":-CIPHER-ALL:+AES-128-GCM");
	m = find(HANDSHAKE_CERTIFICATE_VERIFY, 1);
	sign_anew(&body, cases[_i].scheme, cases[_i].sign);
	swap(&b, &m, body.data, body.len);
	r = judge_bytes(b.data, b.len, &s.host, &client, &why);
	if (cases[_i].good)
		ck_assert_msg(r == 0, "%s", why.text);
	else
		refused(&b, &s.host, &client, "signature");
	buf_free(&body);
	buf_free(&b);
	end();
}
END_TEST

/* ---- what does not ---------------------------------------------------------- */

START_TEST(replayed)
{
	make(PKI_P256, PKI_P256, false, NULL);
	holds();
	shake_random(&s);
	refused(&s.transcript, &s.host, &client, "server random");
	end();
}
END_TEST

START_TEST(foreign_server)
{
	struct pki other;

	make(PKI_P256, PKI_P256, false, NULL);
	pki_make(&other, PKI_P256, "host", NULL);
	refused(&s.transcript, &other, &client, "another server certificate");
	pki_free(&other);
	end();
}
END_TEST

/* Somebody else's certificate, with and without the judge being told. */
START_TEST(swapped_certificate)
{
	struct handshake_msg m;
	struct pki other;
	struct buf body, b;

	make(PKI_P256, PKI_P256, false, NULL);
	pki_make(&other, PKI_P256, "other", NULL);
	m = find(HANDSHAKE_CERTIFICATE, 1);
	list_of(&body, pki_der(&other), 1, 0);
	swap(&b, &m, body.data, body.len);
	refused(&b, &s.host, &other, "signature");
	refused(&b, &s.host, &client, "signature");
	refused(&s.transcript, &s.host, &other, "signature");
	holds();
	buf_free(&body);
	buf_free(&b);
	pki_free(&other);
	end();
}
END_TEST

/* Any byte of what is signed, and of the signature. */
START_TEST(altered)
{
	struct handshake_msg finished, ee;
	size_t tried = 0;

	make(PKI_P256, PKI_P256, _i != 0, NULL);
	finished = find(HANDSHAKE_FINISHED, 0);
	ee = find(HANDSHAKE_ENCRYPTED_EXTENSIONS, 0);
	for (size_t i = 0; i < s.transcript.len; i += 7) {
		struct why why;
		int r;

		s.transcript.data[i] ^= 0x10;
		r = judge_bytes(s.transcript.data, s.transcript.len, &s.host,
		    &client, &why);
		s.transcript.data[i] ^= 0x10;
		ck_assert_msg(r != 0, "byte %zu altered", i);
		tried++;
	}
	ck_assert_uint_gt(tried, 100);
	s.transcript.data[finished.body.p - s.transcript.data] ^= 1;
	refused(&s.transcript, &s.host, &client, "signature");
	s.transcript.data[finished.body.p - s.transcript.data] ^= 1;
	s.transcript.data[ee.body.p + ee.body.n - 1 - s.transcript.data] ^= 1;
	refused(&s.transcript, &s.host, &client, "signature");
	s.transcript.data[ee.body.p + ee.body.n - 1 - s.transcript.data] ^= 1;
	s.transcript.data[s.transcript.len - 3] ^= 1;
	refused(&s.transcript, &s.host, &client, "signature");
	s.transcript.data[s.transcript.len - 3] ^= 1;
	holds();
	end();
}
END_TEST

START_TEST(other_scheme)
{
	struct handshake_msg m;
	struct buf b;

	make(PKI_P256, (enum pki_kind)_i, false, NULL);
	m = find(HANDSHAKE_CERTIFICATE_VERIFY, 1);
	buf_init(&b, 4096);
	for (unsigned scheme = 0; scheme < 0x0c00; scheme++) {
		struct why why;

		if (scheme == client.scheme)
			continue;
		buf_reset(&b);
		buf_put_raw(&b, m.body.p, m.body.n);
		b.data[0] = (uint8_t)(scheme >> 8);
		b.data[1] = (uint8_t)scheme;
		memcpy(s.transcript.data + (m.body.p - s.transcript.data),
		    b.data, 2);
		ck_assert_int_ne(judge_bytes(s.transcript.data,
		    s.transcript.len, &s.host, &client, &why), 0);
		ck_assert_ptr_nonnull(strstr(why.text, "signature"));
	}
	buf_free(&b);
	end();
}
END_TEST

START_TEST(truncated)
{
	struct why why;

	make(PKI_P256, PKI_P256, _i != 0, NULL);
	for (size_t n = 0; n < s.transcript.len; n++)
		ck_assert_int_ne(judge_bytes(s.transcript.data, n, &s.host,
		    &client, &why), 0);
	holds();
	end();
}
END_TEST

START_TEST(appended)
{
	static const uint8_t finished[36] = { 20, 0, 0, 32 };

	make(PKI_P256, PKI_P256, false, NULL);
	s.transcript.max += sizeof(finished);
	buf_put_raw(&s.transcript, finished, sizeof(finished));
	refused(&s.transcript, &s.host, &client, "follows");
	s.transcript.len -= sizeof(finished) - 1;
	refused(&s.transcript, &s.host, &client, "follows");
	s.transcript.len--;
	holds();
	end();
}
END_TEST

START_TEST(lists)
{
	static const struct {
		size_t n;
		uint16_t extensions;
		size_t cut;
		const char *part;
	} cases[] = {
		{ 0, 0, 0, "no certificate" },
		{ 5, 0, 0, "at most 4" },
		{ 1, 4, 0, "malformed entry" },
		{ 1, 0, 1, "malformed" },
		{ 4, 0, 0, "signature" },	/* well-formed, not signed */
	};
	struct handshake_msg m;
	struct buf body, b;

	make(PKI_P256, PKI_P256, false, NULL);
	m = find(HANDSHAKE_CERTIFICATE, 1);
	list_of(&body, pki_der(&client), cases[_i].n, cases[_i].extensions);
	swap(&b, &m, body.data, body.len - cases[_i].cut);
	refused(&b, &s.host, &client, cases[_i].part);
	buf_free(&body);
	buf_free(&b);
	end();
}
END_TEST

START_TEST(with_context)
{
	struct handshake_msg m;
	struct buf body, b;

	make(PKI_P256, PKI_P256, false, NULL);
	m = find(HANDSHAKE_CERTIFICATE, 1);
	buf_init(&body, 4096);
	buf_put_u8(&body, 1);
	buf_put_u8(&body, 'x');
	buf_put_raw(&body, m.body.p + 1, m.body.n - 1);
	swap(&b, &m, body.data, body.len);
	refused(&b, &s.host, &client, "malformed");
	buf_free(&body);
	buf_free(&b);
	end();
}
END_TEST

/* The order of messages is the only one. */
START_TEST(order)
{
	static const uint8_t types[] = { HANDSHAKE_CERTIFICATE_VERIFY,
	    HANDSHAKE_FINISHED };
	struct handshake_msg m;
	struct buf b;
	size_t at;

	make(PKI_P256, PKI_P256, false, NULL);
	m = find(types[_i], 0);
	at = (size_t)(m.whole.p - s.transcript.data);
	buf_init(&b, IPC_TRANSCRIPT_MAX);
	buf_put_raw(&b, s.transcript.data, at);
	buf_put_raw(&b, m.whole.p + m.whole.n, s.transcript.len - at -
	    m.whole.n);
	refused(&b, &s.host, &client, "was expected");
	buf_free(&b);
	end();
}
END_TEST

int
main(void)
{
	Suite *su = suite_create("transcript");
	TCase *h = tcase_create("holds"), *n = tcase_create("not");
	SRunner *r;
	int failed;

	tcase_set_timeout(h, 60);
	tcase_set_timeout(n, 60);
	tcase_add_loop_test(h, kinds, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(h, retried, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(h, sha384, 0, 2);
	tcase_add_loop_test(h, rsa_schemes, 0, 5);
	tcase_add_test(n, replayed);
	tcase_add_test(n, foreign_server);
	tcase_add_test(n, swapped_certificate);
	tcase_add_loop_test(n, altered, 0, 2);
	tcase_add_loop_test(n, other_scheme, 0, PKI_RSA_SHORT);
	tcase_add_loop_test(n, truncated, 0, 2);
	tcase_add_test(n, appended);
	tcase_add_loop_test(n, lists, 0, 5);
	tcase_add_test(n, with_context);
	tcase_add_loop_test(n, order, 0, 2);
	suite_add_tcase(su, h);
	suite_add_tcase(su, n);
	r = srunner_create(su);
	srunner_run_all(r, CK_ENV);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? 0 : 1;
}
