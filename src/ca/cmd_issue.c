/* issue: a certificate with a new key. */
#include "ca/cmd.h"
#include "ca/issue.h"
#include "ca/keys.h"

static int
make_key(struct issue *i, struct why *why)
{
	const char *word = i->o->key_type != NULL ? i->o->key_type : "p256";
	gnutls_privkey_t key;
	int e, r;

	if ((r = keys_make((enum keys_type)keys_type_of(word), &i->own,
	    why)) != 0)
		return r;
	if ((e = gnutls_pubkey_init(&i->key)) < 0)
		return keys_crypto(why, "new key", e);
	if ((e = gnutls_privkey_init(&key)) < 0)
		return keys_crypto(why, "new key", e);
	if ((e = gnutls_privkey_import_x509(key, i->own, 0)) >= 0)
		e = gnutls_pubkey_import_privkey(i->key, key, 0, 0);
	gnutls_privkey_deinit(key);
	return e >= 0 ? 0 : keys_crypto(why, "new key", e);
}

int
cmd_issue(const struct opts *o, struct why *why)
{
	struct issue i;

	if (issue_words(&i, o, why) != 0)
		return ERR_MALFORMED;
	if (o->key_type != NULL && keys_type_of(o->key_type) < 0)
		return why_set(why, ERR_MALFORMED, "--key-type: expected "
		    "p256, ed25519 or rsa3072");
	return issue_run(&i, make_key, why);
}
