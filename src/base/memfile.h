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
/* The same in two steps: an empty one to be written, and its sealing. */
int memfile_begin(const char *name);
int memfile_seal(int fd);

/* Map fd read-only; 0 and the view, valid until memfile_unmap.  Refuses what
 * is not fully sealed (ERR_UNSAFE) or larger than max (ERR_TOOBIG). */
int memfile_map(int fd, size_t max, struct span *out);
/* The same, also of a file on a disk: a regular one that belongs to root, that
 * nobody else may write, and that is open for reading only.  Who made it must
 * never write it in place. */
int memfile_map_file(int fd, size_t max, struct span *out);
void memfile_unmap(struct span s);

#endif
