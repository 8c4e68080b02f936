/*
 * The two places where a person's key can be.  Each returns PAM_SUCCESS with
 * a->known filled, PAM_AUTHINFO_UNAVAIL where there is nothing to go by (no
 * reader, no card, no file: the next source may be tried), or another code
 * that is final.
 */
#ifndef PAM_SOURCE_H
#define PAM_SOURCE_H

#include "pam/attempt.h"

/* a->card has been started: let it load the driver and look for cards, while
 * others do something else. */
int token_ask(struct attempt *a);
/* It is local. */
int token_run(struct attempt *a);
int file_run(struct attempt *a);

#endif
