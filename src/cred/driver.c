#include "cred/driver.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/path.h"
#include "cred/scheme.h"
#include "cred/uri.h"

#define SLOTS_MAX 64
#define OBJECTS_MAX 128		/* certificates looked at on one token */
#define NO_SESSION CK_INVALID_HANDLE
#define CATEGORY_CA 2		/* CKA_CERTIFICATE_CATEGORY */

#define ATTRIBUTES_MAX 8	/* of one question */

/* A certificate of the list, and where it is. */
struct found {
	CK_SLOT_ID slot;
	struct p11_cert cert;
};

struct driver {
	void *so;
	CK_FUNCTION_LIST *f;
	bool initialised;
	CK_INFO info;
	struct found *found[P11_CERTS_MAX];
	size_t n_found;
	CK_SLOT_ID slot;		/* of the session */
	uint32_t flags;			/* of the opened token */
	CK_SESSION_HANDLE session;
	CK_OBJECT_HANDLE key;
	uint8_t id[P11_ID_MAX];		/* of the opened certificate */
	size_t id_len;
	bool opened, logged_in;
	bool no_reader;			/* the last list met none */
	bool refused;			/* bad holds a PIN that was wrong */
	size_t pin_len, bad_len;	/* pin_len 0: none kept */
	uint8_t *pin, *bad;		/* P11_PIN_MAX bytes each, locked */
};

static int
failed(struct why *why, const char *what, CK_RV rv)
{
	return why_set(why, ERR_SYS, "the PKCS#11 driver failed in %s with "
	    "code 0x%lx; is the card still in its reader?", what,
	    (unsigned long)rv);
}

/* What stands behind the path may be a link of the distribution's; the rules
 * are for the file that is loaded. */
static int
open_object(struct driver *d, const char *path, struct why *why)
{
	char *real;
	int fd, r = 0;

	if (path[0] != '/')
		return why_set(why, ERR_MALFORMED, "module %s: expected an "
		    "absolute path", path);
	if ((real = realpath(path, NULL)) == NULL)
		return why_errno(why, "module %s", path);
	/* lazy: most of a driver's symbols are never used for a login */
	if ((fd = path_open(real, 0, why)) < 0)
		r = fd;
	else if ((d->so = dlopen(real, RTLD_LAZY | RTLD_LOCAL)) == NULL)
		r = why_set(why, ERR_SYS, "module %s: %s", path, dlerror());
	if (fd >= 0)
		(void)close(fd);
	free(real);
	return r;
}

static int
initialise(struct driver *d, const char *path, struct why *why)
{
	CK_C_GetFunctionList get;
	CK_RV rv;

	get = (CK_C_GetFunctionList)(uintptr_t)dlsym(d->so,
	    "C_GetFunctionList");
	if (get == NULL)
		return why_set(why, ERR_MALFORMED, "module %s is no PKCS#11 "
		    "driver: it has no C_GetFunctionList", path);
	if ((rv = get(&d->f)) != CKR_OK || d->f == NULL)
		return failed(why, "C_GetFunctionList", rv);
	if (d->f->version.major != 2 && d->f->version.major != 3)
		return why_set(why, ERR_VERSION, "module %s speaks PKCS#11 "
		    "version %u; expected 2 or 3", path, d->f->version.major);
	if ((rv = d->f->C_Initialize(NULL)) != CKR_OK)
		return failed(why, "C_Initialize", rv);
	d->initialised = true;
	if ((rv = d->f->C_GetInfo(&d->info)) != CKR_OK)
		return failed(why, "C_GetInfo", rv);
	return 0;
}

/* Two PINs in a page that is never swapped out. */
static int
lock_pins(struct driver *d, struct why *why)
{
	uint8_t *p = mmap(NULL, 2 * P11_PIN_MAX, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return why_errno(why, "memory for the PIN");
	d->pin = p;
	d->bad = p + P11_PIN_MAX;
	if (mlock(p, 2 * P11_PIN_MAX) != 0)
		return why_errno(why, "locking the memory of the PIN");
	(void)madvise(p, 2 * P11_PIN_MAX, MADV_DONTDUMP);
	return 0;
}

int
driver_load(struct driver **out, const char *path, struct why *why)
{
	struct driver *d = calloc(1, sizeof(*d));
	int r;

	if (d == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	d->session = NO_SESSION;
	if ((r = lock_pins(d, why)) != 0 ||
	    (r = open_object(d, path, why)) != 0 ||
	    (r = initialise(d, path, why)) != 0) {
		driver_free(d);
		return r;
	}
	*out = d;
	return 0;
}

static void
close_session(struct driver *d)
{
	if (d->session != NO_SESSION) {
		if (d->logged_in)
			(void)d->f->C_Logout(d->session);
		(void)d->f->C_CloseSession(d->session);
	}
	d->session = NO_SESSION;
	d->logged_in = d->opened = false;
	d->key = CK_INVALID_HANDLE;
	buf_wipe(d->pin, P11_PIN_MAX);
	d->pin_len = 0;
}

static void
forget_list(struct driver *d)
{
	while (d->n_found > 0)
		free(d->found[--d->n_found]);
}

void
driver_free(struct driver *d)
{
	if (d == NULL)
		return;
	if (d->initialised) {
		close_session(d);
		(void)d->f->C_Finalize(NULL);
	}
	forget_list(d);
	/* not unloaded: a driver's threads may still stand in its code */
	if (d->pin != NULL) {
		buf_wipe(d->pin, 2 * P11_PIN_MAX);
		(void)munmap(d->pin, 2 * P11_PIN_MAX);
	}
	free(d);
}

static int
open_session(struct driver *d, CK_SLOT_ID slot, struct why *why)
{
	CK_RV rv;

	close_session(d);
	rv = d->f->C_OpenSession(slot, CKF_SERIAL_SESSION, NULL, NULL,
	    &d->session);
	if (rv != CKR_OK) {
		d->session = NO_SESSION;
		return failed(why, "C_OpenSession", rv);
	}
	d->slot = slot;
	return 0;
}

/* One attribute of at most max bytes; *n 0 when it has none. */
static int
attribute(struct driver *d, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    void *p, size_t max, size_t *n)
{
	CK_ATTRIBUTE a = { .type = type, .pValue = p, .ulValueLen = max };
	CK_RV rv;

	*n = 0;
	rv = d->f->C_GetAttributeValue(d->session, o, &a, 1);
	if (rv == CKR_BUFFER_TOO_SMALL)
		return ERR_TOOBIG;
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID ||
	    a.ulValueLen == CK_UNAVAILABLE_INFORMATION)
		return 0;
	if (rv != CKR_OK)
		return ERR_SYS;
	if (a.ulValueLen > max)
		return ERR_TOOBIG;
	*n = a.ulValueLen;
	return 0;
}

/* Several in one question: ulValueLen is the room, then what came, 0 for what
 * is not there or does not fit.  Where one is missing drivers differ in what
 * they do about the others; then each is asked for alone. */
static void
attributes(struct driver *d, CK_OBJECT_HANDLE o, CK_ATTRIBUTE *a, size_t n)
{
	CK_ATTRIBUTE all[ATTRIBUTES_MAX];
	size_t got;
	bool ok;

	memcpy(all, a, n * sizeof(*a));
	ok = d->f->C_GetAttributeValue(d->session, o, all, n) == CKR_OK;
	for (size_t i = 0; i < n; i++) {
		if (ok && all[i].ulValueLen <= a[i].ulValueLen)
			a[i].ulValueLen = all[i].ulValueLen;
		else
			a[i].ulValueLen = attribute(d, o, a[i].type,
			    a[i].pValue, a[i].ulValueLen, &got) == 0 ? got :
			    0;
	}
}

static unsigned long
number(struct driver *d, CK_OBJECT_HANDLE o, CK_ATTRIBUTE_TYPE type,
    unsigned long otherwise)
{
	unsigned long v;
	size_t n;

	if (attribute(d, o, type, &v, sizeof(v), &n) != 0 || n != sizeof(v))
		return otherwise;
	return v;
}

/* Objects that fit; *n of at most max. */
static int
find(struct driver *d, CK_ATTRIBUTE *t, size_t n_t, CK_OBJECT_HANDLE *o,
    size_t max, size_t *n, struct why *why)
{
	unsigned long got = 0;
	CK_RV rv;

	if ((rv = d->f->C_FindObjectsInit(d->session, t, n_t)) != CKR_OK)
		return failed(why, "C_FindObjectsInit", rv);
	rv = d->f->C_FindObjects(d->session, o, max, &got);
	(void)d->f->C_FindObjectsFinal(d->session);
	if (rv != CKR_OK)
		return failed(why, "C_FindObjects", rv);
	if (got > max)
		return why_set(why, ERR_TOOBIG, "the PKCS#11 driver claims "
		    "%lu objects where %zu were asked for", got, max);
	*n = got;
	return 0;
}

/* The private key with this id: 1, 0 if none shows, negative on failure. */
static int
find_key(struct driver *d, const uint8_t *id, size_t id_len,
    CK_OBJECT_HANDLE *key, struct why *why)
{
	CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	CK_ATTRIBUTE t[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, (void *)(uintptr_t)id, id_len },
	};
	CK_OBJECT_HANDLE o[2];
	size_t n;
	int r;

	if (id_len == 0)
		return 0;
	if ((r = find(d, t, 2, o, 2, &n, why)) != 0)
		return r;
	if (n > 1)
		return why_set(why, ERR_REFUSED, "two private keys on the "
		    "token have the same id; expected one");
	if (n == 1)
		*key = o[0];
	return (int)n;
}

static uint32_t
flags_of(const CK_TOKEN_INFO *t)
{
	static const struct { unsigned long ck; uint32_t p11; } map[] = {
		{ CKF_LOGIN_REQUIRED, P11_F_PIN },
		{ CKF_PROTECTED_AUTHENTICATION_PATH, P11_F_PINPAD },
		{ CKF_USER_PIN_COUNT_LOW, P11_F_LOW },
		{ CKF_USER_PIN_FINAL_TRY, P11_F_FINAL },
		{ CKF_USER_PIN_LOCKED, P11_F_LOCKED },
	};
	uint32_t flags = 0;

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if ((t->flags & map[i].ck) != 0)
			flags |= map[i].p11;
	return flags;
}

static void
read_flags(struct driver *d)
{
	CK_TOKEN_INFO t;

	d->flags = d->session != NO_SESSION &&
	    d->f->C_GetTokenInfo(d->slot, &t) == CKR_OK ? flags_of(&t) : 0;
}

uint32_t
driver_flags(const struct driver *d)
{
	return (d->opened ? d->flags : 0) |
	    (d->no_reader ? P11_F_NO_READER : 0);
}

/* ---- listing ---------------------------------------------------------------------- */

/* The text of a label, blanks at its end left out. */
static void
label_text(char *dst, size_t size, const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == ' ')
		n--;
	(void)err_escape(dst, size, p, n);
}

/* What the list tells of a certificate.  1; 0 if it is none that a person
 * could use, or one that the URI does not name. */
static int
read_cert(struct driver *d, const struct uri *uri, CK_OBJECT_HANDLE o,
    struct p11_cert *c)
{
	uint8_t label[P11_LABEL_MAX];
	unsigned long type = CKC_X_509, category = 0;
	CK_ATTRIBUTE a[] = {
		{ CKA_ID, c->id, sizeof(c->id) },
		{ CKA_LABEL, label, sizeof(label) },
		{ CKA_VALUE, c->der, sizeof(c->der) },
		{ CKA_CERTIFICATE_TYPE, &type, sizeof(type) },
		{ CKA_CERTIFICATE_CATEGORY, &category, sizeof(category) },
	};

	attributes(d, o, a, sizeof(a) / sizeof(a[0]));
	if ((a[3].ulValueLen == sizeof(type) && type != CKC_X_509) ||
	    (a[4].ulValueLen == sizeof(category) && category == CATEGORY_CA) ||
	    !uri_fits_object(uri, a))
		return 0;
	c->id_len = a[0].ulValueLen;
	c->der_len = a[2].ulValueLen;
	label_text(c->label, sizeof(c->label), label, a[1].ulValueLen);
	return 1;
}

static int
check_same_id(const struct driver *d, const struct found *f, struct why *why)
{
	for (size_t i = 0; i < d->n_found; i++)
		if (d->found[i]->slot == f->slot &&
		    d->found[i]->cert.id_len == f->cert.id_len &&
		    memcmp(d->found[i]->cert.id, f->cert.id,
		    f->cert.id_len) == 0)
			return why_set(why, ERR_REFUSED, "two certificates "
			    "on the token have the same id; expected one");
	return 0;
}

/* Put one certificate on the list if it fits: 1, 0 if not. */
static int
consider(struct driver *d, const struct uri *uri, CK_OBJECT_HANDLE o,
    const CK_TOKEN_INFO *token, struct found *f, struct why *why)
{
	struct p11_cert *c = &f->cert;
	CK_OBJECT_HANDLE key;
	int r;

	f->slot = d->slot;
	c->flags = flags_of(token);
	c->key_type = ~0U;
	label_text(c->token, sizeof(c->token), token->label,
	    sizeof(token->label));
	if (read_cert(d, uri, o, c) == 0)
		return 0;
	if ((r = find_key(d, c->id, c->id_len, &key, why)) < 0)
		return r;
	/* a key may hide until login; one that would not is not there */
	if (r == 0 && (c->id_len == 0 || (c->flags & P11_F_PIN) == 0))
		return 0;
	if (r == 1) {
		c->flags |= P11_F_KEY_SEEN;
		c->key_type = (uint32_t)number(d, key, CKA_KEY_TYPE, ~0U);
	}
	if (c->der_len == 0)
		return why_set(why, ERR_TOOBIG, "a certificate on token %s "
		    "cannot be read or is over %d bytes", c->token,
		    P11_CERT_MAX);
	if (d->n_found == P11_CERTS_MAX)
		return why_set(why, ERR_TOOBIG, "more than %d certificates "
		    "on the tokens; name one with -i pkcs11:URI",
		    P11_CERTS_MAX);
	r = check_same_id(d, f, why);
	return r == 0 ? 1 : r;
}

static int
list_slot(struct driver *d, const struct uri *uri, CK_SLOT_ID slot,
    struct why *why)
{
	CK_OBJECT_CLASS class = CKO_CERTIFICATE;
	CK_ATTRIBUTE t = { CKA_CLASS, &class, sizeof(class) };
	CK_OBJECT_HANDLE o[OBJECTS_MAX];
	CK_TOKEN_INFO token;
	size_t n;
	int r;

	/* an empty or unknown token is none of ours */
	if (d->f->C_GetTokenInfo(slot, &token) != CKR_OK ||
	    (token.flags & CKF_TOKEN_INITIALIZED) == 0 ||
	    !uri_fits_token(uri, &token))
		return 0;
	if ((r = open_session(d, slot, why)) != 0 ||
	    (r = find(d, &t, 1, o, OBJECTS_MAX, &n, why)) != 0)
		return r;
	for (size_t i = 0; i < n && r >= 0; i++) {
		struct found *f = calloc(1, sizeof(*f));

		if (f == NULL)
			return why_set(why, ERR_NOMEM, "out of memory");
		if ((r = consider(d, uri, o[i], &token, f, why)) == 1)
			d->found[d->n_found++] = f;
		else
			free(f);
	}
	return r < 0 ? r : 0;
}

/* Slots with a card.  Where there is none, the question without a list makes
 * drivers look for readers that came meanwhile. */
static CK_RV
present(struct driver *d, CK_SLOT_ID *slots, unsigned long *n)
{
	unsigned long all = 0;
	CK_RV rv;

	d->no_reader = false;
	*n = SLOTS_MAX;
	rv = d->f->C_GetSlotList(CK_TRUE, slots, n);
	if (rv != CKR_OK || *n > 0)
		return rv;
	if (d->f->C_GetSlotList(CK_FALSE, NULL, &all) != CKR_OK)
		return rv;
	/* nobody need wait for a card where there is nothing to put it in */
	d->no_reader = all == 0;
	*n = d->no_reader ? 0 : SLOTS_MAX;
	return d->no_reader ? rv : d->f->C_GetSlotList(CK_TRUE, slots, n);
}

int
driver_list(struct driver *d, const char *text, struct why *why)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	unsigned long n;
	struct uri *uri;
	CK_RV rv;
	int r;

	close_session(d);
	forget_list(d);
	if ((r = uri_parse(text, &uri, why)) != 0)
		return r;
	rv = present(d, slots, &n);
	if (rv == CKR_BUFFER_TOO_SMALL || (rv == CKR_OK && n > SLOTS_MAX))
		r = why_set(why, ERR_TOOBIG, "the PKCS#11 driver claims %lu "
		    "slots; at most %d are looked at", n, SLOTS_MAX);
	else if (rv != CKR_OK)
		r = failed(why, "C_GetSlotList", rv);
	else if (!uri_fits_module(uri, &d->info))
		n = 0;
	for (unsigned long i = 0; r == 0 && i < n; i++)
		r = list_slot(d, uri, slots[i], why);
	uri_free(uri);
	return r < 0 ? r : (int)d->n_found;
}

const struct p11_cert *
driver_cert(const struct driver *d, size_t i)
{
	return i < d->n_found ? &d->found[i]->cert : NULL;
}

/* ---- using one -------------------------------------------------------------------- */

int
driver_open(struct driver *d, size_t i, struct why *why)
{
	const struct found *f;
	int r;

	if (i >= d->n_found)
		return why_set(why, ERR_NOTFOUND, "no such certificate");
	f = d->found[i];
	/* the list's own session will do */
	if ((d->session == NO_SESSION || d->logged_in || d->slot != f->slot) &&
	    (r = open_session(d, f->slot, why)) != 0)
		return r;
	d->id_len = f->cert.id_len;
	memcpy(d->id, f->cert.id, d->id_len);
	d->opened = true;
	read_flags(d);
	return 0;
}

/* The reason of a login that failed, for a person. */
static int
login_failed(struct driver *d, CK_RV rv, struct why *why)
{
	uint32_t f;

	read_flags(d);
	f = d->flags;
	if (rv == CKR_PIN_LOCKED || (f & P11_F_LOCKED) != 0)
		return why_set(why, ERR_REFUSED, "the token is locked: too "
		    "many wrong PINs; its administrator can unlock it");
	if (rv == CKR_PIN_INCORRECT || rv == CKR_PIN_INVALID ||
	    rv == CKR_PIN_LEN_RANGE)
		return why_set(why, ERR_REFUSED, "wrong PIN%s",
		    (f & P11_F_FINAL) != 0 ? "; one more locks the token" :
		    (f & P11_F_LOW) != 0 ? "; few tries are left" : "");
	if (rv == CKR_FUNCTION_CANCELED)
		return why_set(why, ERR_REFUSED, "cancelled at the reader");
	return failed(why, "C_Login", rv);
}

/* C_Login; a PIN that was wrong once is never sent again. */
static int
login(struct driver *d, CK_USER_TYPE who, struct span pin, struct why *why)
{
	CK_RV rv;

	if (d->refused && pin.n == d->bad_len && pin.n > 0 &&
	    memcmp(pin.p, d->bad, pin.n) == 0)
		return why_set(why, ERR_REFUSED, "this PIN was wrong before; "
		    "it is not sent again, as wrong ones lock the token");
	rv = d->f->C_Login(d->session, who, pin.n == 0 ? NULL :
	    (uint8_t *)(uintptr_t)pin.p, pin.n);
	if (rv == CKR_OK)
		return 0;
	memcpy(d->bad, pin.p, pin.n);
	d->bad_len = pin.n;
	d->refused = true;
	return login_failed(d, rv, why);
}

int
driver_login(struct driver *d, struct span pin, struct why *why)
{
	int r;

	if (!d->opened)
		return why_set(why, ERR_STATE, "no certificate was chosen");
	if (pin.n > P11_PIN_MAX)
		return why_set(why, ERR_TOOBIG, "a PIN has at most %d bytes",
		    P11_PIN_MAX);
	if (pin.n == 0 && (d->flags & P11_F_PINPAD) == 0)
		return why_set(why, ERR_REFUSED, "the PIN is empty");
	if ((d->flags & P11_F_LOCKED) != 0)
		return login_failed(d, CKR_PIN_LOCKED, why);
	if (!d->logged_in && (r = login(d, CKU_USER, pin, why)) != 0)
		return r;
	d->logged_in = true;
	/* the right one gives all tries back */
	d->flags &= ~(uint32_t)(P11_F_LOW | P11_F_FINAL);
	memcpy(d->pin, pin.p, pin.n);
	d->pin_len = pin.n;
	return 0;
}

/* CKA_ALWAYS_AUTHENTICATE: the PIN between C_SignInit and C_Sign, once. */
static int
login_again(struct driver *d, struct why *why)
{
	struct span pin = { d->pin, d->pin_len };

	if (pin.n == 0 && (d->flags & P11_F_PINPAD) == 0)
		return why_set(why, ERR_STATE, "this key wants its PIN before "
		    "each signature");
	return login(d, CKU_CONTEXT_SPECIFIC, pin, why);
}

static int
check_key(struct driver *d, const struct scheme *s, bool *again,
    struct why *why)
{
	unsigned long type = ~0UL;
	CK_BBOOL always = CK_FALSE;
	CK_ATTRIBUTE a[] = {
		{ CKA_KEY_TYPE, &type, sizeof(type) },
		{ CKA_ALWAYS_AUTHENTICATE, &always, sizeof(always) },
	};
	int r;

	if ((r = find_key(d, d->id, d->id_len, &d->key, why)) < 0)
		return r;
	if (r == 0)
		return why_set(why, ERR_NOTFOUND, "no private key on the "
		    "token has the certificate's id%s", d->logged_in ? "" :
		    "; a PIN may be needed first");
	attributes(d, d->key, a, sizeof(a) / sizeof(a[0]));
	if (a[0].ulValueLen != sizeof(type) || type != s->key)
		return why_set(why, ERR_REFUSED, "the key on the token is of "
		    "another kind than signature scheme 0x%04x wants",
		    s->tls);
	*again = a[1].ulValueLen > 0 && always != CK_FALSE;
	return 0;
}

/* The second half, behind C_SignInit. */
static int
finish_sign(struct driver *d, const struct scheme *s, struct span in,
    bool again, struct buf *sig, struct why *why)
{
	uint8_t raw[P11_SIG_MAX];
	unsigned long n = sizeof(raw);
	CK_RV rv;
	int r = again ? login_again(d, why) : 0;

	buf_wipe(d->pin, P11_PIN_MAX);
	d->pin_len = 0;
	if (r != 0)
		return r;
	rv = d->f->C_Sign(d->session, (uint8_t *)(uintptr_t)in.p, in.n, raw,
	    &n);
	if (rv != CKR_OK)
		return failed(why, "C_Sign", rv);
	if (n > sizeof(raw) ||
	    scheme_output(s, (struct span){ raw, n }, sig) != 0)
		return why_set(why, ERR_MALFORMED, "the PKCS#11 driver gave "
		    "a signature of %lu bytes; expected another length", n);
	return 0;
}

int
driver_sign(struct driver *d, uint16_t tls, struct span data,
    struct buf *sig, struct why *why)
{
	const struct scheme *s = scheme_find(tls);
	CK_RSA_PKCS_PSS_PARAMS pss;
	CK_MECHANISM m = { 0 };
	uint8_t hash[SCHEME_INPUT_MAX];
	struct span in;
	bool again = true;
	CK_RV rv;
	int r;

	if (!d->opened)
		return why_set(why, ERR_STATE, "no certificate was chosen");
	if (s == NULL)
		return why_set(why, ERR_REFUSED, "signature scheme 0x%04x is "
		    "not one of ours", tls);
	if ((r = check_key(d, s, &again, why)) != 0)
		return r;
	m.mechanism = s->mechanism;
	if (s->mgf != 0) {
		pss.hashAlg = s->hash;
		pss.mgf = s->mgf;
		pss.sLen = s->hash_len;
		m.pParameter = &pss;
		m.ulParameterLen = sizeof(pss);
	}
	if ((r = scheme_input(s, data, hash, &in, why)) != 0)
		return r;
	rv = d->f->C_SignInit(d->session, &m, d->key);
	if (rv == CKR_MECHANISM_INVALID)
		return why_set(why, ERR_REFUSED, "the token cannot sign in "
		    "the way that is needed (scheme 0x%04x)", tls);
	if (rv != CKR_OK)
		return failed(why, "C_SignInit", rv);
	return finish_sign(d, s, in, again, sig, why);
}
