/*
 * Job `load`: trust.conf, its files, the map and the locks to one checked
 * policy.  The caller's side is proto/load.h.
 */
#ifndef JUDGE_LOAD_H
#define JUDGE_LOAD_H

/* One dialogue on channel.  0 when LOAD_DONE was sent, whatever it says.
 * Where it is a policy, *policy (may be NULL) is a descriptor of it as well, to
 * be closed by the caller. */
int load_serve(int channel, int *policy);

#endif
