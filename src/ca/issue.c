#include "ca/issue.h"

#include <errno.h>
#include <gnutls/pkcs12.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ca/keys.h"
#include "ca/mint.h"
#include "ca/out.h"
#include "ca/pass.h"
#include "ca/print.h"

#define DAY 86400
#define DAYS_MAX 7305		/* the root's 20 years */
#define SERIAL_TRIES 4
#define FILE_MAX 65536

static const int days_default[WORDS_CLASSES] = { [WORDS_USER] = 365,
    [WORDS_DEVICE] = 730, [WORDS_HOST] = 365 };

/* what is made on the way */
struct work {
	const struct store_ca *ca;
	gnutls_x509_crt_t crt;		/* of ca */
	gnutls_privkey_t key;
	struct store_cert row;
	struct out out;
	struct buf der, p12_pass;
};

static int
parse_days(const struct issue *i, int64_t *days, struct why *why)
{
	const char *text = i->o->days;
	char *end;
	long v;

	*days = days_default[i->class];
	if (text == NULL)
		return 0;
	errno = 0;
	v = strtol(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 ||
	    v < 1 || v > DAYS_MAX)
		return why_set(why, ERR_MALFORMED, "--days: expected a number "
		    "from 1 to %d", DAYS_MAX);
	*days = v;
	return 0;
}

int
issue_words(struct issue *i, const struct opts *o, struct why *why)
{
	int c = words_class_of(o->arg[0]);
	int64_t days;

	if (c < 0)
		return why_set(why, ERR_MALFORMED, "'%.60s': expected user, "
		    "device or host", o->arg[0]);
	*i = (struct issue){ .o = o, .class = (enum words_class)c,
	    .name = o->arg[1] };
	if (mint_check_names(i->class, i->name, &o->names, why) != 0 ||
	    parse_days(i, &days, why) != 0)
		return ERR_MALFORMED;
	if (o->p12_passphrase_file != NULL && !o->p12)
		return why_set(why, ERR_MALFORMED, "--p12-passphrase-file "
		    "without --p12");
	return 0;
}

/* ---- the row ------------------------------------------------------------- */

static int
choose_times(struct issue *i, struct work *w, int64_t now, struct why *why)
{
	int64_t days = 0, wanted;
	char text[PRINT_TIME];

	if (parse_days(i, &days, why) != 0)
		return ERR_MALFORMED;
	wanted = now + days * DAY;
	w->row.not_before = now - MINT_BACK;
	if (w->row.not_before < w->ca->not_before)
		w->row.not_before = w->ca->not_before;
	w->row.not_after = wanted;
	if (wanted > w->ca->not_after) {
		w->row.not_after = w->ca->not_after;
		(void)fprintf(stderr, "certlogin-ca: ends with its issuer, "
		    "on %s\n", print_time(w->ca->not_after, text));
	}
	return 0;
}

/* The promise that this serial is gone, on disk before anything is signed. */
static int
add_pending(struct issue *i, struct work *w, struct why *why)
{
	int r = ERR_EXISTS;

	for (int n = 0; r == ERR_EXISTS && n < SERIAL_TRIES; n++) {
		if ((r = mint_serial(w->row.serial, why)) == 0 &&
		    (r = store_begin(i->a->s, why)) == 0 &&
		    (r = store_add_pending(i->a->s, &w->row, why)) == 0)
			r = store_commit(i->a->s, why);
		if (r != 0)
			store_rollback(i->a->s);
	}
	return r;
}

/* ---- the files ----------------------------------------------------------- */

static int
stage_crt(struct issue *i, struct work *w, struct why *why)
{
	struct buf pem;
	int r;

	(void)i;
	buf_init(&pem, FILE_MAX);
	if ((r = mint_pem("CERTIFICATE", (struct span){ w->der.data,
	    w->der.len }, &pem, why)) == 0 &&
	    (r = mint_pem("CERTIFICATE", w->ca->der, &pem, why)) == 0)
		r = out_stage(&w->out, OUT_CRT, (struct span){ pem.data,
		    pem.len }, why);
	buf_free(&pem);
	return r;
}

static int
stage_ca(struct issue *i, struct work *w, struct why *why)
{
	struct buf pem;
	int r;

	if (i->class == WORDS_HOST)
		return 0;
	if ((r = authority_anchors(i->a, WORDS_HOST, time(NULL), &pem,
	    why)) == 0)
		r = out_stage(&w->out, OUT_CA, (struct span){ pem.data,
		    pem.len }, why);
	buf_free(&pem);
	return r;
}

static int
stage_key(struct issue *i, struct work *w, struct why *why)
{
	struct buf pem;
	int r;

	if (i->own == NULL)
		return 0;
	buf_init_secret(&pem, KEYS_FILE_MAX);
	if ((r = keys_pem(i->own, NULL, &pem, why)) == 0)
		r = out_stage(&w->out, OUT_KEY, (struct span){ pem.data,
		    pem.len }, why);
	buf_free(&pem);
	return r;
}

/* Encrypt what is in the bag and add it. */
static int
p12_add(gnutls_pkcs12_t p12, gnutls_pkcs12_bag_t bag, const char *pass)
{
	int e = gnutls_pkcs12_bag_encrypt(bag, pass,
	    GNUTLS_PKCS_PBES2_AES_256);

	return e < 0 ? e : gnutls_pkcs12_set_bag(p12, bag);
}

static int
p12_certs(gnutls_pkcs12_t p12, struct issue *i, struct work *w,
    const char *pass)
{
	gnutls_datum_t leaf = { w->der.data, (unsigned)w->der.len };
	gnutls_datum_t ca = { (void *)(uintptr_t)w->ca->der.p,
	    (unsigned)w->ca->der.n };
	uint8_t id[KEYS_ID];
	gnutls_datum_t key_id = { id, sizeof(id) };
	gnutls_pkcs12_bag_t bag;
	int e, n;

	if (keys_id(i->key, id, NULL) != 0)
		return GNUTLS_E_INTERNAL_ERROR;
	if ((e = gnutls_pkcs12_bag_init(&bag)) < 0)
		return e;
	if ((n = e = gnutls_pkcs12_bag_set_data(bag,
	    GNUTLS_BAG_CERTIFICATE, &leaf)) >= 0 &&
	    (e = gnutls_pkcs12_bag_set_key_id(bag, (unsigned)n,
	    &key_id)) >= 0 &&
	    (e = gnutls_pkcs12_bag_set_friendly_name(bag, (unsigned)n,
	    i->name)) >= 0 &&
	    (e = gnutls_pkcs12_bag_set_data(bag, GNUTLS_BAG_CERTIFICATE,
	    &ca)) >= 0)
		e = p12_add(p12, bag, pass);
	gnutls_pkcs12_bag_deinit(bag);
	return e;
}

static int
p12_key(gnutls_pkcs12_t p12, struct issue *i, const char *pass)
{
	uint8_t id[KEYS_ID];
	gnutls_datum_t key_id = { id, sizeof(id) }, der = { NULL, 0 };
	gnutls_pkcs12_bag_t bag;
	int e, n;

	if (keys_id(i->key, id, NULL) != 0)
		return GNUTLS_E_INTERNAL_ERROR;
	if ((e = gnutls_pkcs12_bag_init(&bag)) < 0)
		return e;
	if ((e = gnutls_x509_privkey_export2_pkcs8(i->own,
	    GNUTLS_X509_FMT_DER, pass, GNUTLS_PKCS_PBES2_AES_256,
	    &der)) >= 0 &&
	    (n = e = gnutls_pkcs12_bag_set_data(bag,
	    GNUTLS_BAG_PKCS8_ENCRYPTED_KEY, &der)) >= 0 &&
	    (e = gnutls_pkcs12_bag_set_key_id(bag, (unsigned)n,
	    &key_id)) >= 0 &&
	    (e = gnutls_pkcs12_bag_set_friendly_name(bag, (unsigned)n,
	    i->name)) >= 0)
		e = gnutls_pkcs12_set_bag(p12, bag);
	gnutls_free(der.data);
	gnutls_pkcs12_bag_deinit(bag);
	return e;
}

static int
stage_p12(struct issue *i, struct work *w, struct why *why)
{
	const char *pass = (const char *)w->p12_pass.data;
	gnutls_datum_t der = { NULL, 0 };
	gnutls_pkcs12_t p12 = NULL;
	int e, r = 0;

	if (!i->o->p12)
		return 0;
	if ((e = gnutls_pkcs12_init(&p12)) >= 0 &&
	    (e = p12_certs(p12, i, w, pass)) >= 0 &&
	    (e = p12_key(p12, i, pass)) >= 0 &&
	    (e = gnutls_pkcs12_generate_mac2(p12, GNUTLS_MAC_SHA256,
	    pass)) >= 0)
		e = gnutls_pkcs12_export2(p12, GNUTLS_X509_FMT_DER, &der);
	if (e < 0)
		r = keys_crypto(why, "PKCS#12", e);
	else
		r = out_stage(&w->out, OUT_P12, (struct span){ der.data,
		    der.size }, why);
	gnutls_free(der.data);
	if (p12 != NULL)
		gnutls_pkcs12_deinit(p12);
	return r;
}

/* ---- from pending to released -------------------------------------------- */

static int
sign(struct issue *i, struct work *w, struct why *why)
{
	struct mint_leaf l = { .realm = store_realm(i->a->s),
	    .name = i->name, .class = i->class, .names = &i->o->names,
	    .serial = w->row.serial, .not_before = w->row.not_before,
	    .not_after = w->row.not_after };
	int r;

	if ((r = mint_leaf(&l, i->key, w->crt, w->key, &w->der, why)) != 0 ||
	    (r = stage_key(i, w, why)) != 0 ||
	    (r = stage_p12(i, w, why)) != 0 ||
	    (r = stage_ca(i, w, why)) != 0 ||
	    (r = stage_crt(i, w, why)) != 0)
		return r;
	if ((r = store_begin(i->a->s, why)) == 0 &&
	    (r = store_set_issued(i->a->s, w->row.serial,
	    (struct span){ w->der.data, w->der.len }, why)) == 0)
		r = store_commit(i->a->s, why);
	return r;
}

/* Only what is surely not issued is taken back; what cannot be told, or
 * written down now, is left to the next command. */
static void
give_up(struct issue *i, struct work *w)
{
	struct why ignored;

	store_rollback(i->a->s);
	if (store_set_abandoned(i->a->s, w->row.serial, &ignored) == 0)
		out_discard(&w->out);
}

static int
release(struct issue *i, struct work *w, struct why *why)
{
	struct why inner;
	int r;

	if ((r = out_release(&w->out, NULL, &inner)) == 0)
		/* not written down: the next command finds nothing to do */
		(void)store_set_released(i->a->s, w->row.serial, NULL);
	else
		r = why_set(why, r, "the certificate is issued, but: %.300s; "
		    "the next certlogin-ca command releases its files",
		    inner.text);
	return r;
}

static void
say(const struct issue *i, const struct work *w)
{
	char hex[WORDS_HEX], until[PRINT_TIME];
	struct store_cert row = w->row;

	row.state = STORE_ISSUED;
	if (i->o->json) {
		(void)putchar('{');
		print_json_cert(store_realm(i->a->s), &row);
		print_json_member("out", w->out.dir);
		(void)puts("}");
		return;
	}
	words_hex(row.serial, hex);
	(void)printf("issued %s/%s, serial %s, until %s, to %s\n",
	    words_class(i->class), i->name, hex,
	    print_time(row.not_after, until), w->out.dir);
}

static int
prepare(struct issue *i, struct work *w, struct why *why)
{
	int64_t now = time(NULL);
	int r;

	if ((r = authority_current(i->a, i->class, now, &w->ca, why)) != 0 ||
	    (r = choose_times(i, w, now, why)) != 0 ||
	    (r = authority_use(i->a, w->ca, &w->crt, &w->key, why)) != 0 ||
	    (i->o->p12 && (r = pass_get(i->o->p12_passphrase_file,
	    "New passphrase for the .p12 file", 1, &w->p12_pass, why)) != 0))
		return r;
	w->row.ca = w->ca->id;
	w->row.class = i->class;
	w->row.name = i->name;
	w->row.requested = now;
	return 0;
}

/* The serial names the staged files, the row names their folder: folder
 * first, then the row, then the files. */
static int
make_all(struct issue *i, struct work *w, struct why *why)
{
	int r;

	if ((r = out_open(&w->out, i->o->out, i->name, why)) != 0)
		return r;
	w->row.target = w->out.dir;
	if ((r = add_pending(i, w, why)) == 0) {
		out_serial(&w->out, w->row.serial);
		if ((r = sign(i, w, why)) != 0)
			give_up(i, w);
		else
			r = release(i, w, why);
	}
	out_close(&w->out);
	return r;
}

int
issue_run(struct issue *i, int (*make)(struct issue *, struct why *),
    struct why *why)
{
	struct authority a;
	struct work w = { .ca = NULL };
	int r;

	i->a = &a;
	buf_init(&w.der, MINT_CERT_MAX);
	pass_init(&w.p12_pass);
	if ((r = authority_open(&a, i->o->dir, STORE_USE,
	    i->o->passphrase_file, why)) == 0 &&
	    (r = prepare(i, &w, why)) == 0 &&
	    (make == NULL || (r = make(i, why)) == 0) &&
	    (r = make_all(i, &w, why)) == 0)
		say(i, &w);
	if (i->own != NULL)
		gnutls_x509_privkey_deinit(i->own);
	if (i->key != NULL)
		gnutls_pubkey_deinit(i->key);
	buf_free(&w.der);
	buf_free(&w.p12_pass);
	authority_close(&a);
	return r == 0 ? print_end(why) : r;
}
