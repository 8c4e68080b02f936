/*
 * The caller's side of a policy load: root opens files and passes
 * descriptors, an unprivileged judge (job `load`) reads and checks them.
 *
 *   LOAD_BEGIN (trust.conf, map, locks,
 *     policy in force)                  ->   <- LOAD_WANT paths
 *   LOAD_FILES descriptors              ->   <- LOAD_DONE policy or findings
 */
#ifndef PROTO_LOAD_H
#define PROTO_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/err.h"
#include "proto/ipc.h"

/* Where a policy comes from: absolute paths. */
struct load_from {
	const char *trust;
	const char *map;		/* NULL: an empty one, and no locks */
	const char *state;		/* STATE_DIR: locks and CRLs seen; NULL:
					 * none of either */
	uint64_t policy;		/* its number */
	const int *in_force;		/* descriptor of the policy that is to be
					 * replaced: its CRLs count on where the
					 * files' cannot be used; NULL: none */
};

struct load_result {
	int policy;			/* sealed memfd, -1 unless done.ok */
	struct ipc_load_done done;
	size_t n_known;			/* CRLs seen before, that it was */
	struct ipc_seen known[IPC_LOAD_SEEN_MAX];	/* held against */
	int64_t began;			/* seconds since 1970 */
	bool keepable;			/* any later change of a source will
					 * show: see kept.h */
	bool carried;			/* something is of the policy that was
					 * in force, and not of the sources */
	bool secret;			/* not everybody may read all of it */
	struct ipc_sources sources;	/* files opened and what they were
					 * before they were read; also those
					 * that could not be opened */
};

/*
 * Run the dialogue on channel `judge`, waiting at most ms milliseconds for
 * each answer.  The judge's findings are added to diag; it also reports the
 * wanted files that could not be opened.
 * 0 when the judge answered (see done.ok); else a negative code with why: a
 * file of locks that is missing or not to be trusted is such an error.
 * out->sources holds what was tried even then.
 */
int load_run(int judge, const struct load_from *from, int ms,
    struct load_result *out, struct diag *diag, struct why *why);

/* A part of that, for another dialogue: answer one LOAD_WANT with what lies
 * below the folder of the absolute path trust. */
int load_give(int judge, const char *trust, int ms, struct why *why);

/*
 * Behind a load: 0 if every source is still what it was before it was read,
 * and nobody has one open for writing, so that whole files were read.  Else
 * ERR_AGAIN, with the file in why.
 */
int load_settled(const struct ipc_sources *sources, struct why *why);

/* What the path of a source leads to now, by the rules that it was opened by;
 * true: it is open for writing. */
bool load_look(const struct ipc_source *s, struct path_state *now);

/*
 * Behind a load_settled() that failed: is it CRLs alone that are being written?
 * Then what was read of them counts, or it does not, by their signatures, and
 * nothing else need wait.  true with their sources marked as ones that have
 * changed since.
 */
bool load_only_crls(struct ipc_sources *sources);

/* STATE_DIR/locks.map, whose denies win over every map. */
int load_locks_path(const char *state, char *dst, size_t size,
    struct why *why);

#endif
