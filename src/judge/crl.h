/*
 * Job `crl`: which CRLs trust.conf has fetched from where, and whether what
 * was fetched is to replace the file in place.  The messages and the order
 * are proto/crlmsg.h's; the caller's side is ctl/crls.h.
 */
#ifndef JUDGE_CRL_H
#define JUDGE_CRL_H

#include "proto/crlmsg.h"

/* One question on channel, and its answer. */
int crl_serve(int channel);

#endif
