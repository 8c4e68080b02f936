/*
 * Logging for programs (library code does not log).  One call, one line:
 * every byte outside printable ASCII is written as \xNN, so nothing that a
 * stranger sends can forge or break a line.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG };

/* Where lines go: syslog (facility AUTHPRIV) or stderr, never both.
 * ident must stay valid. */
void log_open(const char *ident, int to_stderr, enum log_level level);

/* Lines below this level are dropped from now on. */
void log_set_level(enum log_level level);

void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
