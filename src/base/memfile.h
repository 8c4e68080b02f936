/*
 * Bytes handed to another process in a sealed memfd: the receiver can map or
 * read them, and nobody can change them any more.
 */
#ifndef BASE_MEMFILE_H
#define BASE_MEMFILE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

/* A new sealed memfd (close-on-exec) holding n bytes, or a negative code. */
int memfile_make(const char *name, const void *data, size_t n);

/* Map fd read-only; 0 and the view, valid until memfile_unmap.  Refuses what
 * is not fully sealed (ERR_UNSAFE) or larger than max (ERR_TOOBIG). */
int memfile_map(int fd, size_t max, struct span *out);
void memfile_unmap(struct span s);

#endif
