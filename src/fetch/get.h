/*
 * Getting one file: over http or https by libcurl, or from this machine.
 */
#ifndef FETCH_GET_H
#define FETCH_GET_H

#include "base/err.h"

/* What is loaded, read or opened once, before the sandbox is closed. */
int get_init(struct why *why);

/* The files that name service and TLS read, for sandbox_reading(): NULL-
 * terminated, in dst (GET_FILES_MAX pointers). */
#define GET_FILES_MAX 24
void get_files(const char *dst[GET_FILES_MAX]);

/* Write what is at url to descriptor out, within this many seconds.  0, or
 * negative with why. */
int get_url(const char *url, unsigned seconds, int out, struct why *why);

/* Open the file path, by the rights of whoever we are: a descriptor, or
 * negative with why. */
int get_open(const char *path, struct why *why);
/* Write what is in it to descriptor out. */
int get_file(int file, int out, struct why *why);

#endif
