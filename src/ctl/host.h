/*
 * Where things are on this host, as certlogind.conf says.
 */
#ifndef CTL_HOST_H
#define CTL_HOST_H

#include <limits.h>

#include "ctl/ctl.h"
#include "proto/load.h"

struct host {
	char trust[PATH_MAX], state[PATH_MAX];	/* trust.conf, state-dir */
	char run_dir[PATH_MAX];
};

/* From the options, else from the configuration, else, where that is not
 * there (a host with the PAM module alone), the defaults.  An exit status;
 * says what is wrong. */
int host_find(struct host *h, const struct options *o);

/* Its authorities, with CRLs that are held against nothing that was seen before.
 * An exit status; says what is wrong.  out->policy, -1 before, is the caller's
 * to close in any case. */
int host_load_trust(const struct host *h, struct load_result *out);

/* EXIT_DONE for uid 0; else says that `what` needs it. */
int host_need_root(const char *what);

#endif
