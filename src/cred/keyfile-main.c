/*
 * certlogin-keyfile: for the PAM module, a key file in place of a card.  It
 * runs as the file's owner, opens and decrypts the file, and signs once.  It
 * never sees the network, PAM, or the starter's descriptors and environment.
 * Once the file is read it has its channel and nothing else.
 */
#include <gnutls/abstract.h>
#include <malloc.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/path.h"
#include "base/sandbox.h"
#include "cred/holder.h"
#include "cred/keyfile.h"
#include "x509/pem.h"

struct file {
	struct buf text;		/* of the file */
	struct buf der;			/* what chain points into */
	struct span chain[KEYFILE_CHAIN_MAX];
	size_t n;			/* PKCS#12: 0 until decrypted */
	bool p12;
	struct gnutls_privkey_st *key;	/* NULL until decrypted */
};

#define HEAP (512 * 1024)		/* for passphrase and key, with room */

static const struct sandbox_call calls[] = {
	{ SCMP_SYS(recvmsg), -1, 0 }, { SCMP_SYS(sendmsg), -1, 0 },
	{ SCMP_SYS(poll), -1, 0 },
};

static void
end(void *key)
{
	struct file *f = key;

	if (f == NULL)
		return;
	keyfile_free(f->key);
	buf_free(&f->text);
	buf_free(&f->der);
	free(f);
}

static struct span
text_of(const struct file *f)
{
	return (struct span){ f->text.data, f->text.len };
}

/* A key that lies open on the disk proves that somebody read the disk. */
static int
look(struct file *f, const char *path, struct why *why)
{
	struct why inner = { "" };
	int r;

	f->p12 = keyfile_is_p12(text_of(f));
	if ((r = keyfile_encrypted(text_of(f), &inner)) != 0)
		return why_set(why, r, "%s: %s", path, inner.text);
	if (f->p12)
		return 0;
	r = pem_all(text_of(f), "CERTIFICATE", &f->der, f->chain,
	    KEYFILE_CHAIN_MAX, &f->n, &inner);
	return r == 0 ? 0 : why_set(why, r, "%s: no certificate beside the "
	    "key: %s", path, inner.text);
}

/*
 * Passphrase and key will lie in memory that the library allocates, so the
 * whole heap is locked, grown beforehand to what is needed.  No failure: the
 * caller's limit may be small.  What is freed is wiped by the library, or
 * ends with this process.
 */
static void
lock_heap(void)
{
	void *p;
	size_t n;

	if (mallopt(M_MMAP_MAX, 0) != 1 ||
	    mallopt(M_TRIM_THRESHOLD, 2 * HEAP) != 1 ||
	    (p = malloc(HEAP)) == NULL)
		return;
	free(p);
	n = mallinfo2().arena;
	if (n > 0)
		(void)mlock((uint8_t *)sbrk(0) - n, n);
}

static int
load(void **key, const struct p11_load *l, struct why *why)
{
	struct file *f = calloc(1, sizeof(*f));
	int r;

	if (f == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	lock_heap();
	buf_init_secret(&f->text, KEYFILE_MAX + 1);
	buf_init(&f->der, KEYFILE_MAX);
	if ((r = path_load(l->module, 0, KEYFILE_MAX, &f->text, why)) == 0 &&
	    (r = sandbox_enter(calls, sizeof(calls) / sizeof(calls[0]),
	    why)) == 0)
		r = look(f, l->module, why);
	if (r != 0) {
		end(f);
		return r;
	}
	*key = f;
	return 0;
}

static int
list(void *key, const char *uri, struct why *why)
{
	const struct file *f = key;

	(void)uri;
	(void)why;
	return (int)f->n;
}

static int
cert(void *key, size_t i, struct p11_cert *c, struct why *why)
{
	const struct file *f = key;

	if (f->chain[i].n > sizeof(c->der))
		return why_set(why, ERR_TOOBIG, "a certificate of over %d "
		    "bytes", P11_CERT_MAX);
	*c = (struct p11_cert){ .flags = P11_F_PIN, .key_type = ~0U,
	    .der_len = f->chain[i].n };
	memcpy(c->der, f->chain[i].p, c->der_len);
	return 0;
}

static int
take(void *key, size_t i, struct why *why)
{
	const struct file *f = key;

	return i == 0 && f->n > 0 ? 0 : why_set(why, ERR_NOTFOUND,
	    "no such certificate");
}

static uint32_t
flags(void *key)
{
	(void)key;
	return P11_F_PIN;
}

static int
decrypt(struct file *f, const char *passphrase, struct why *why)
{
	struct gnutls_privkey_st *k = NULL;
	int r;

	if (f->p12) {
		buf_reset(&f->der);
		f->n = 0;
		r = keyfile_p12(text_of(f), passphrase, &k, &f->der, f->chain,
		    &f->n, why);
	} else
		r = keyfile_key(text_of(f), passphrase, &k, why);
	if (r == 0)
		r = keyfile_fits(k, f->chain[0], why);
	if (r != 0) {
		keyfile_free(k);
		return r;
	}
	keyfile_free(f->key);
	f->key = k;
	return 0;
}

static int
login(void *key, struct span pin, struct why *why)
{
	struct buf passphrase;
	int r;

	if (pin.n == 0)
		return why_set(why, ERR_REFUSED, "the passphrase is empty");
	if (memchr(pin.p, '\0', pin.n) != NULL)
		return why_set(why, ERR_MALFORMED, "the passphrase has a NUL");
	/* on the heap, which is locked */
	buf_init_secret(&passphrase, P11_PIN_MAX + 1);
	buf_put_raw(&passphrase, pin.p, pin.n);
	buf_put_u8(&passphrase, '\0');
	if ((r = buf_err(&passphrase)) == 0)
		r = decrypt(key, (const char *)passphrase.data, why);
	buf_free(&passphrase);
	return r;
}

static const struct {
	uint16_t scheme;
	gnutls_sign_algorithm_t sign;
} schemes[] = {
	{ 0x0401, GNUTLS_SIGN_RSA_SHA256 },
	{ 0x0403, GNUTLS_SIGN_ECDSA_SHA256 },
	{ 0x0503, GNUTLS_SIGN_ECDSA_SHA384 },
	{ 0x0807, GNUTLS_SIGN_EDDSA_ED25519 },
};

static int
sign(void *key, uint16_t scheme, struct span data, struct buf *sig,
    struct why *why)
{
	gnutls_sign_algorithm_t alg = GNUTLS_SIGN_UNKNOWN;
	gnutls_datum_t d = { (void *)(uintptr_t)data.p, (unsigned)data.n };
	gnutls_datum_t out;
	struct file *f = key;
	int e;

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (schemes[i].scheme == scheme)
			alg = schemes[i].sign;
	if (f->key == NULL)
		return why_set(why, ERR_STATE, "the key was not decrypted, "
		    "or has signed");
	e = gnutls_privkey_sign_data2(f->key, alg, 0, &d, &out);
	/* once */
	keyfile_free(f->key);
	f->key = NULL;
	if (e < 0)
		return why_set(why, ERR_CRYPTO, "signing: %s",
		    gnutls_strerror(e));
	buf_put_raw(sig, out.data, out.size);
	gnutls_free(out.data);
	return buf_err(sig);
}

static const struct holder_ops ops = { load, end, list, cert, take, flags,
    login, sign, NULL, NULL };

int
main(int argc, char **argv)
{
	return holder_main(argc, argv, "certlogin-keyfile", &ops);
}
