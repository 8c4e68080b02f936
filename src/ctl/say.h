/*
 * What certloginctl says to the person at its stderr.
 */
#ifndef CTL_SAY_H
#define CTL_SAY_H

/* "certloginctl: text" in printable ASCII; returns status. */
int say_error(int status, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
