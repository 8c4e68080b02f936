/*
 * One error shape for the whole tree: a function that can fail returns 0 (or
 * a count) on success and one of these negative codes otherwise.  Out
 * parameters are set on success only.  Library code never logs; where a code
 * alone does not help a person, the function also fills a struct why.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>

enum err_code {
	ERR_NOMEM = -1,		/* out of memory */
	ERR_SYS = -2,		/* a system call failed, see errno */
	ERR_SHORT = -3,		/* message ends too early */
	ERR_TRAILING = -4,	/* bytes left over behind a message */
	ERR_TOOBIG = -5,	/* over a limit */
	ERR_MALFORMED = -6,	/* not of the expected form */
	ERR_TYPE = -7,		/* unexpected kind of message */
	ERR_STATE = -8,		/* not allowed now */
	ERR_REFUSED = -9,	/* policy says no */
	ERR_NOTFOUND = -10,	/* no such thing */
	ERR_UNSAFE = -11,	/* file or folder is not to be trusted */
	ERR_VERSION = -12,	/* another version of the program */
	ERR_EOF = -13,		/* the other side closed */
	ERR_TIMEOUT = -14,	/* the time limit was reached */
	ERR_EXISTS = -15,	/* is there already */
	ERR_CRYPTO = -16,	/* the TLS or X.509 library refused */
	ERR_AGAIN = -17,	/* would block */
	ERR_INTERNAL = -18,	/* cannot happen */
};

/* Text of a code, never NULL, no newline. */
const char *err_text(int code);

/* A reason in words, for a person.  Always NUL-terminated, one line. */
#define WHY_MAX 512
struct why {
	char text[WHY_MAX];
};

/* Fill why (may be NULL) and return code, so that callers can
 * `return why_set(why, ERR_X, "...")`. */
int why_set(struct why *why, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, with ": strerror(errno)" appended and code ERR_SYS. */
int why_errno(struct why *why, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Copy src (n bytes, may hold anything) to dst as printable ASCII:
 * control, non-ASCII and backslash bytes become \xNN.  dst (size bytes, at
 * least 1) is always terminated; a cut text ends in "...".  Returns dst.
 */
char *err_escape(char *dst, size_t size, const void *src, size_t n);

/*
 * Copy text to dst (size bytes, at least 1; cut if longer) for a place in
 * double quotes on a line of the log: a double quote becomes a single one, so
 * that nothing in text can end the quotes.  The log escapes the rest.
 */
char *err_unquote(char *dst, size_t size, const char *text);

#endif
