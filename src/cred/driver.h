/*
 * One PKCS#11 driver, called directly, in certlogin-p11 alone.  Nothing that
 * the driver says is believed: counts, sizes and texts are bounded here.
 * The driver may hang or crash; that is what the process is for.
 */
#ifndef CRED_DRIVER_H
#define CRED_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "cred/p11msg.h"

struct driver;

/* Load the shared object and initialise it.  The path is absolute; what it
 * leads to is safe to open by the rules of path.h. */
int driver_load(struct driver **out, const char *path, struct why *why);
/* Log out, close, finalise.  Accepts NULL. */
void driver_free(struct driver *d);

/* Read the certificates that fit the URI ("" fits all) on present tokens,
 * CAs left out, at most P11_CERTS_MAX.  Returns their number; closes what
 * was open. */
int driver_list(struct driver *d, const char *uri, struct why *why);
/* Certificate i of the last list, d's until the next; NULL behind the last. */
const struct p11_cert *driver_cert(const struct driver *d, size_t i);

/* Take certificate i: a session on its token, closing any other. */
int driver_open(struct driver *d, size_t i, struct why *why);
/* p11_flag of the opened token, as read when it was opened and after a PIN;
 * of the list where none is. */
uint32_t driver_flags(const struct driver *d);
/* Log in; an empty PIN is for a reader with a pinpad.  A key that wants a
 * PIN for each signature gets it at the next driver_sign. */
int driver_login(struct driver *d, struct span pin, struct why *why);
/* Sign data in a TLS scheme, once; the signature is appended to sig. */
int driver_sign(struct driver *d, uint16_t scheme, struct span data,
    struct buf *sig, struct why *why);

#endif
