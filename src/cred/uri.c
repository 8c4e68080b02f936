#include "cred/uri.h"

#include <dlfcn.h>
#include <p11-kit/uri.h>
#include <stdint.h>
#include <stdlib.h>

#define LIBRARY "libp11-kit.so.0"

#define FUNCTIONS(X) \
	X(new) X(free) X(parse) X(message) X(any_unrecognized) \
	X(get_pin_value) X(get_pin_source) X(clear_attribute) \
	X(match_module_info) X(match_token_info) X(match_attributes)

struct uri {
	P11KitUri *uri;			/* NULL: everything fits */
#define X(name) __typeof__(p11_kit_uri_##name) *name;
	FUNCTIONS(X)
#undef X
};

static int
load(struct uri *u, struct why *why)
{
	void *so = dlopen(LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	bool all = so != NULL;

	if (so == NULL)
		return why_set(why, ERR_NOTFOUND, "a pkcs11: URI needs "
		    LIBRARY ": %s", dlerror());
#define X(f) all &= (u->f = (__typeof__(u->f))(uintptr_t)dlsym(so, \
	    "p11_kit_uri_" #f)) != NULL;
	FUNCTIONS(X)
#undef X
	return all ? 0 : why_set(why, ERR_VERSION, LIBRARY " is too old to "
	    "read pkcs11: URIs");
}

static int
check(struct uri *u, const char *text, struct why *why)
{
	int r = u->parse(text, P11_KIT_URI_FOR_ANY, u->uri);

	if (r != P11_KIT_URI_OK || u->any_unrecognized(u->uri) != 0)
		return why_set(why, ERR_MALFORMED, "not a usable pkcs11: URI "
		    "(RFC 7512): %s", r == P11_KIT_URI_OK ?
		    "an attribute is unknown" : u->message(r));
	if (u->get_pin_value(u->uri) != NULL ||
	    u->get_pin_source(u->uri) != NULL)
		return why_set(why, ERR_REFUSED, "no PIN in a pkcs11: URI: "
		    "others see it; set pin-file instead");
	/* type=cert and type=private name the same pair */
	(void)u->clear_attribute(u->uri, CKA_CLASS);
	return 0;
}

int
uri_parse(const char *text, struct uri **out, struct why *why)
{
	struct uri *u = calloc(1, sizeof(*u));
	int r = 0;

	if (u == NULL)
		return why_set(why, ERR_NOMEM, "out of memory");
	if (*text != '\0' && (r = load(u, why)) == 0) {
		u->uri = u->new();
		r = u->uri != NULL ? check(u, text, why) :
		    why_set(why, ERR_NOMEM, "out of memory");
	}
	if (r != 0) {
		uri_free(u);
		return r;
	}
	*out = u;
	return 0;
}

void
uri_free(struct uri *u)
{
	if (u != NULL && u->uri != NULL)
		u->free(u->uri);
	free(u);
}

bool
uri_fits_module(const struct uri *u, CK_INFO *info)
{
	return u->uri == NULL || u->match_module_info(u->uri, info) == 1;
}

bool
uri_fits_token(const struct uri *u, CK_TOKEN_INFO *token)
{
	return u->uri == NULL || u->match_token_info(u->uri, token) == 1;
}

bool
uri_fits_object(const struct uri *u, CK_ATTRIBUTE a[2])
{
	return u->uri == NULL || u->match_attributes(u->uri, a, 2) == 1;
}
