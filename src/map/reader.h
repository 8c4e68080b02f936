/*
 * The cards in the readers, as the PAM module has them: certlogin-p11, as
 * p11-user, holds the driver, so that none is loaded into this process.
 */
#ifndef MAP_READER_H
#define MAP_READER_H

#include "cred/p11.h"
#include "door/child.h"
#include "door/doorconf.h"
#include "map/options.h"

struct reader {
	struct doorconf conf;
	struct child child;
	struct p11 *p11;
	struct p11_cert *cert;		/* with a key */
	size_t n;
};
#define READER_NONE { .child = CHILD_NONE }

/* pam_certlogin.conf(5), or o->conf, with o->module; ERR_MALFORMED: its errors
 * are said. To be closed in any case. */
int reader_configure(struct reader *r, const struct options *o,
    struct why *why);
/* Is the caller local?  ERR_REFUSED: no, see why. */
int reader_local(struct reader *r, struct why *why);
/* Load the driver and list the certificates, by r->conf.uri. */
int reader_list(struct reader *r, struct why *why);
void reader_close(struct reader *r);

#endif
