/*
 * Whose signature comes next: one request a channel, the turn goes round the
 * sources, what waited too long is refused.
 */
#ifndef HOSTKEY_SERVE_H
#define HOSTKEY_SERVE_H

#include "hostkey/key.h"

/* Runs until the control channel is closed and the last channel is done. */
void serve_run(struct key *k, int control);

#endif
