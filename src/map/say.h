/*
 * Printing: findings, JSON, times.
 */
#ifndef MAP_SAY_H
#define MAP_SAY_H

#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/err.h"

/* "certlogin-map: text", escaped, to stderr; returns status. */
int say_error(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* All findings to f, one a line, and how many were left out. */
void say_findings(FILE *f, const struct diag *d);

/* A JSON member `"name":"value"`. */
void say_member(const char *name, const char *value);

/* RFC 3339 in UTC: 20 characters. */
#define SAY_TIME_MAX 32
char *say_time(char dst[SAY_TIME_MAX], int64_t t);
/* `2026-11-24T00:00:00Z` or `@EPOCH`; NULL means now.  0 or ERR_MALFORMED. */
int say_parse_time(const char *text, int64_t *t);

#endif
