/*
 * What certlogin-p11 and certlogin-keyfile have in common: a process that
 * holds a key and answers the questions of p11msg.h on its channel.  The
 * rows of the table say what a kind of key does for each.
 */
#ifndef CRED_HOLDER_H
#define CRED_HOLDER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"
#include "cred/p11msg.h"

struct holder_ops {
	/* P11_LOAD, once; what it returns in *key is given to the others and
	 * to free. */
	int (*load)(void **key, const struct p11_load *l, struct why *why);
	void (*free)(void *key);
	/* P11_LIST: how many certificates, then each of them */
	int (*list)(void *key, const char *uri, struct why *why);
	int (*cert)(void *key, size_t i, struct p11_cert *c, struct why *why);
	int (*open)(void *key, size_t i, struct why *why);
	uint32_t (*flags)(void *key);
	int (*login)(void *key, struct span pin, struct why *why);
	int (*sign)(void *key, uint16_t scheme, struct span data,
	    struct buf *sig, struct why *why);
	/* behind the answer to P11_LIST: what can be done ahead; NULL */
	void (*ahead)(void *key);
	/* P11_LOCAL, before P11_LOAD; NULL: not answered */
	int (*local)(uid_t caller, struct why *why);
};

/* main() of such a program: argc, argv as given, its name, its table. */
int holder_main(int argc, char **argv, const char *name,
    const struct holder_ops *ops);

/* There will be no key: answer the first question, whatever it is, by this
 * error. */
void holder_failed(const struct why *why, int code);

#endif
