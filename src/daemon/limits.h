/*
 * How many strangers we listen to: connections that are not logged in yet,
 * in all and per source (an IPv4 address, an IPv6 /64).
 */
#ifndef DAEMON_LIMITS_H
#define DAEMON_LIMITS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "proto/conf.h"

#define LIMITS_SOURCE_MAX 8	/* bytes of a source's key */
#define LIMITS_LINES 100	/* about strangers, from report to report */

struct limits_source {
	uint8_t key[LIMITS_SOURCE_MAX];
	uint8_t len;
};

struct limits;

enum limits_verdict { LIMITS_REFUSED_SOURCE, LIMITS_REFUSED_STARTUPS,
    LIMITS_REFUSED_SESSIONS, LIMITS_SILENT, LIMITS_KINDS, LIMITS_OK };

struct limits *limits_new(void);
void limits_free(struct limits *l);

/* The source of a peer; IPv4 mapped into IPv6 counts as IPv4. */
void limits_source_of(struct limits_source *s, struct span address);

/* May this one wait for its login?  Counts it if so; then limits_done when it
 * is logged in or gone.  live is the number of sessions. */
enum limits_verdict limits_ask(struct limits *l, const struct conf *c,
    const struct limits_source *s, size_t live);
void limits_done(struct limits *l, const struct limits_source *s);

/* It said nothing within login-grace-time: counted for the report. */
void limits_silent(struct limits *l);

/* May one more line about a stranger be logged?  Else it is counted for the
 * report: whoever can connect must not be able to fill the log. */
bool limits_line(struct limits *l);

/* How often it came to this since limits_new(). */
unsigned long limits_total(const struct limits *l, enum limits_verdict v);

/* Connections waiting now. */
size_t limits_waiting(const struct limits *l);

/* What was refused or silent since the last call, as one line for the log; "" if
 * nothing. */
char *limits_report(struct limits *l, char *dst, size_t size);

#endif
