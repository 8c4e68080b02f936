/*
 * Asking the person at the terminal.  Always on /dev/tty, never on standard
 * input, so a pipe is never taken for a person.  A signal that ends or stops
 * the program while it waits finds the terminal as it was before; after a
 * stop the question comes again.
 */
#ifndef BASE_PROMPT_H
#define BASE_PROMPT_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * Ask for a secret with echo off.  out is initialised by buf_init_secret()
 * with a limit above max and empty; on success it holds the answer, without
 * the newline, followed by a NUL that does not count in len.  Its memory is
 * locked where the system lets us.  ERR_STATE: no terminal; ERR_EOF: the
 * person ended the input or a signal that the program outlived came;
 * ERR_TOOBIG: more than max bytes.
 */
int prompt_secret(const char *text, struct buf *out, size_t max,
    struct why *why);

/* Ask with echo; the answer without the newline goes to dst, terminated.
 * Same errors; a NUL in the answer is ERR_MALFORMED. */
int prompt_line(const char *text, char *dst, size_t size, struct why *why);

#endif
