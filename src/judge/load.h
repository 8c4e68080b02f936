/*
 * Job `load`: trust.conf, its files, the map and the locks to one checked
 * policy.  The caller's side is proto/load.h.
 */
#ifndef JUDGE_LOAD_H
#define JUDGE_LOAD_H

#include "base/buf.h"

/* One dialogue on channel.  0 when LOAD_DONE was sent, whatever it says.
 * Where it is a policy, its bytes also go to *policy (empty before, may be
 * NULL), to be freed by the caller. */
int load_serve(int channel, struct buf *policy);

#endif
