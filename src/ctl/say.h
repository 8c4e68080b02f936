/*
 * What certloginctl says to the person at its stderr.
 */
#ifndef CTL_SAY_H
#define CTL_SAY_H

#include "base/diag.h"

/* "certloginctl: text" in printable ASCII; returns status. */
int say_error(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The errors among the findings, each with its place. */
void say_errors(const struct diag *d);

#endif
