/*
 * Where things are on this host, as certlogind.conf says.
 */
#ifndef CTL_HOST_H
#define CTL_HOST_H

#include <limits.h>

#include "ctl/ctl.h"

struct host {
	char trust[PATH_MAX], state[PATH_MAX];	/* trust.conf, state-dir */
	char run_dir[PATH_MAX];
};

/* From the options, else from the configuration, else, where that is not
 * there (a host with the PAM module alone), the defaults.  An exit status;
 * says what is wrong. */
int host_find(struct host *h, const struct options *o);

/* EXIT_DONE for uid 0; else says that `what` needs it. */
int host_need_root(const char *what);

#endif
