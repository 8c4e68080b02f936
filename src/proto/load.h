/*
 * The caller's side of a policy load: root opens files and passes
 * descriptors, an unprivileged judge (job `load`) reads and checks them.
 *
 *   LOAD_BEGIN (trust.conf, map) ->   <- LOAD_WANT paths
 *   LOAD_FILES descriptors       ->   <- LOAD_DONE policy or findings
 */
#ifndef PROTO_LOAD_H
#define PROTO_LOAD_H

#include "base/diag.h"
#include "base/err.h"
#include "proto/ipc.h"

struct load_result {
	int policy;			/* sealed memfd, -1 unless done.ok */
	struct ipc_load_done done;
	struct ipc_sources sources;	/* files opened and what they were
					 * before they were read; also those
					 * that could not be opened */
};

/*
 * Run the dialogue on channel `judge`, waiting at most ms milliseconds for
 * each answer, for the absolute paths trust and map (map may be NULL: an
 * empty one).  begin holds policy number and CRL numbers seen; its names are
 * filled in here.  The judge's findings are added to diag; it also reports
 * the wanted files that could not be opened.
 * 0 when the judge answered (see done.ok); else a negative code with why.
 * out->sources holds what was tried even then.
 */
int load_run(int judge, const char *trust, const char *map,
    struct ipc_load_begin *begin, int ms, struct load_result *out,
    struct diag *diag, struct why *why);

#endif
