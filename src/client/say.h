/*
 * What the client says to the person, on standard error: a line each, behind
 * "certlogin: ", and nothing but printable ASCII, whatever the server sent.
 */
#ifndef CLIENT_SAY_H
#define CLIENT_SAY_H

#include <stdbool.h>

struct say {
	bool verbose;		/* -v: each step */
	bool quiet;		/* -q: neither banner nor warnings */
	bool raw;		/* the terminal is raw: lines end in CR LF */
};

/* End a line that somebody else has begun. */
void say_line(const struct say *s);
/* A failure; always shown. */
void say_error(const struct say *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A warning; not with quiet. */
void say_warning(const struct say *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A step; with verbose only. */
void say_step(const struct say *s, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A text of several lines from the server, as it is but escaped. */
void say_text(const struct say *s, const char *text);

#endif
