/* crl: the next CRL of each issuing CA, and all of them written out. */
#include <limits.h>
#include <stdio.h>
#include <time.h>

#include "ca/authority.h"
#include "ca/cmd.h"
#include "ca/out.h"
#include "ca/print.h"

static int
rebuild(struct authority *a, int64_t now, struct why *why)
{
	gnutls_x509_crt_t crt;
	gnutls_privkey_t key;
	int r = 0;

	/* keys first: nobody waits for a passphrase with the store locked */
	for (size_t i = 0; r == 0 && i < a->cas.n; i++)
		if (a->cas.ca[i].class != WORDS_ROOT &&
		    a->cas.ca[i].not_after > now)
			r = authority_use(a, &a->cas.ca[i], &crt, &key, why);
	if (r == 0)
		r = store_begin(a->s, why);
	/* another process may have had the store for a while */
	now = time(NULL);
	for (size_t i = 0; r == 0 && i < a->cas.n; i++)
		if (a->cas.ca[i].class != WORDS_ROOT &&
		    a->cas.ca[i].not_after > now)
			r = authority_crl(a, &a->cas.ca[i], now, why);
	return r == 0 ? store_commit(a->s, why) : r;
}

int
cmd_crl(const struct opts *o, struct why *why)
{
	int64_t now = time(NULL);
	struct authority a;
	char dir[PATH_MAX];
	int r;

	if ((r = authority_open(&a, o->dir, STORE_USE, o->passphrase_file,
	    why)) == 0 &&
	    (r = out_mkdir(o->out, 0755, why)) == 0 &&
	    (r = out_real(o->out, dir, why)) == 0 &&
	    (r = rebuild(&a, now, why)) == 0) {
		store_cas_free(&a.cas);
		if ((r = store_cas(a.s, &a.cas, why)) == 0)
			r = authority_write_crls(&a, dir, now, why);
	}
	if (r == 0)
		(void)printf("new CRLs of realm %s in %s/crl\n",
		    store_realm(a.s), dir);
	authority_close(&a);
	return r == 0 ? print_end(why) : r;
}
