/*
 * Getting a CRL's bytes by certlogin-fetch, a child without privilege, whose
 * limits of size and time are kept here as well.  Nothing looks into them.
 */
#ifndef CTL_DOWNLOAD_H
#define CTL_DOWNLOAD_H

#include "base/buf.h"
#include "base/err.h"

/* What is at url (or the path of a file), within that many seconds, into out
 * (empty, with the limit IPC_LOAD_FILE_MAX).  0, or negative with why;
 * ERR_STATE where the helper cannot be started. */
int download(const char *url, unsigned seconds, struct buf *out,
    struct why *why);

#endif
