/*
 * Job `load`: trust.conf, its files and the map to one checked policy.  The
 * caller's side is proto/load.h.
 */
#ifndef JUDGE_LOAD_H
#define JUDGE_LOAD_H

/* One dialogue on channel.  0 when LOAD_DONE was sent, whatever it says. */
int load_serve(int channel);

#endif
