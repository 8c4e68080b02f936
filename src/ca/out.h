/*
 * A certificate's files on their way to the admin's folder: staged beside
 * under hidden names that carry the serial, complete and on disk, before the
 * certificate is committed; then each is renamed into place.  So a full disk
 * is found before the commit, and a process killed behind it leaves files
 * that the next one releases.
 */
#ifndef CA_OUT_H
#define CA_OUT_H

#include <limits.h>

#include "base/buf.h"
#include "base/err.h"
#include "ca/words.h"

enum out_kind { OUT_KEY, OUT_P12, OUT_CA, OUT_CRT, OUT_KINDS };

struct out {
	int fd;				/* of the folder */
	char dir[PATH_MAX];		/* absolute */
	char name[WORDS_NAME_MAX + 1];
	char hex[WORDS_HEX];
};

/* Open the folder for files of name; where it is missing it is made, 0700,
 * its parents too. */
int out_open(struct out *o, const char *dir, const char *name,
    struct why *why);
/* The same for what an earlier process staged: makes nothing. */
int out_find(struct out *o, const char *dir, const char *name,
    const uint8_t serial[WORDS_SERIAL], struct why *why);
/* The serial, before anything is staged. */
void out_serial(struct out *o, const uint8_t serial[WORDS_SERIAL]);
void out_close(struct out *o);

/* Key and p12 are never readable by others; the rest by everybody. */
int out_stage(struct out *o, enum out_kind kind, struct span data,
    struct why *why);
/* Rename all that is staged; *n (may be NULL) how many there were. */
int out_release(struct out *o, size_t *n, struct why *why);
/* Remove all that is staged. */
void out_discard(struct out *o);

/* A folder and its parents, of this mode where missing.  0 or ERR_SYS. */
int out_mkdir(const char *dir, unsigned mode, struct why *why);

/* dir without symbolic links, absolute, short enough for names below it. */
int out_real(const char *dir, char real[PATH_MAX], struct why *why);

#endif
