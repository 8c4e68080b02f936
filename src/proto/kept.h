/*
 * Policies kept over restarts and for those who have no daemon: one file for
 * each pair of trust.conf and map, STATE_DIR/policy-<hash of both absolute
 * paths>.  It is a judge's policy as it came in its sealed memfd, and
 * behind it, written by root, what it was made of: certlogin's version, when,
 * and each file's device, inode, size and times.  Root copies the policy's
 * bytes and never reads them; a judge never reads what root wrote.
 *
 * The file is only a shortcut.  Whatever is the matter with it, the policy is
 * loaded afresh.
 */
#ifndef PROTO_KEPT_H
#define PROTO_KEPT_H

#include "base/err.h"
#include "proto/load.h"

/*
 * A read-only descriptor (close-on-exec) of a file that begins with the
 * policy of these two absolute paths, if a load would give the same: every
 * source opens as a trusted file and none was changed, nor were the CRL
 * numbers kept in state_dir, the clock is within the time that it was made
 * for, and this build of certlogin made it.  The file was opened by the rules
 * of path_open().  Otherwise negative with why: load it.
 */
int kept_open(const char *state_dir, const char *trust, const char *map,
    struct why *why);

/*
 * Keep the policy of r, which load_run() filled for these paths, in place of
 * an earlier one.  To be called behind seen_write(): r is not kept where CRL
 * numbers are kept in state_dir that it does not know of, nor where it holds
 * what its sources do not: without a policy in force a load of them would give
 * another.  0, or negative
 * with why: then there is the earlier file or none.  Takes as long as the disk
 * needs.
 */
int kept_put(const char *state_dir, const char *trust, const char *map,
    const struct load_result *r, struct why *why);

#endif
