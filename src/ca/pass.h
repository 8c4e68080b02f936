/*
 * Passphrases: from a file that nobody else can read, or from the person at
 * the terminal; never from arguments or the environment.
 */
#ifndef CA_PASS_H
#define CA_PASS_H

#include "base/buf.h"
#include "base/err.h"

#define PASS_MAX 1024
#define PASS_MIN 8		/* of a new one */

/*
 * The passphrase into out, initialised by pass_init(); a NUL stands behind
 * it.  file: its first line; NULL: ask with text.  fresh: a new one, asked
 * for twice and not shorter than PASS_MIN.
 * ERR_REFUSED: too short, or not the same twice; ERR_SYS: no terminal, or
 * the file cannot be read.
 */
int pass_get(const char *file, const char *text, int fresh, struct buf *out,
    struct why *why);
void pass_init(struct buf *out);

#endif
