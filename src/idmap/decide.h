/*
 * The decision: may this certificate be this account?  One pure function for
 * judge, PAM module and certlogin-map test.  A lock wins, then a deny; then the
 * first allow that fits; otherwise no.
 */
#ifndef IDMAP_DECIDE_H
#define IDMAP_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "idmap/map.h"
#include "idmap/ruleset.h"
#include "proto/ipc.h"
#include "x509/facts.h"

/* The PAM service that a network login counts as, for service=. */
#define DECIDE_NETWORK_SERVICE "certlogind"

enum decide_outcome {
	DECIDE_NONE = 0,		/* no rule fits */
	DECIDE_DENY = 1,		/* a lock, a deny, a forbidden form */
	DECIDE_ALLOW = 0x5a,
};

/* Why; in the order of the checks. */
enum decide_reason {
	DECIDE_OK,
	DECIDE_CLASS,		/* a local door admits only class user */
	DECIDE_LOCKED,		/* a deny of the locks fired */
	DECIDE_URI_FORM,	/* the certificate's URI is not canonical */
	DECIDE_DENIED,		/* a deny of the map fired */
	DECIDE_NO_RULE,		/* no allow's matchers fit */
	DECIDE_TWO_VALUES,	/* several values of the rule's field */
	DECIDE_ELSEWHERE,	/* a rule fits but for from= or service=, or
				 * never at a local door */
	DECIDE_ENDED,		/* a rule fits but for until= */
	DECIDE_ACCOUNT_FORM,	/* the captured text is no account name */
	DECIDE_OTHER_ACCOUNT,	/* mapped, but not to the one asked for */
	DECIDE_SEVERAL,		/* no account asked for, several possible */
	DECIDE_DAMAGED,		/* the compiled rules cannot be read */
};

struct decide_ask {
	const struct facts *facts;
	const struct map_authority *authority;	/* whose CA signed it */
	const char *account;		/* asked for; "" = none */
	const char *preferred;		/* counts only if account is "" */
	const char *service;		/* PAM service, DECIDE_NETWORK_SERVICE */
	bool local;			/* a local door: has no address */
	uint8_t address[16];		/* network order */
	size_t address_len;		/* 4 or 16; 0 = not known: no rule
					 * with from= fits */
	int64_t now;			/* seconds since 1970 */
	bool ended_too;			/* an allow counts behind its until=,
					 * too: for a session that began
					 * before */
};

struct decide_verdict {
	enum decide_outcome outcome;	/* nothing below `rule_line` counts
					 * unless it is DECIDE_ALLOW */
	enum decide_reason reason;
	char text[IPC_TEXT_MAX];	/* for log and admin; "" if allowed */
	char advice[IPC_TEXT_MAX];	/* for the person: tells of no rule
					 * and of no account but the
					 * certificate's own; "" if allowed */
	uint32_t rule_line;		/* deciding (or closest) rule, 0 = none;
					 * of the locks if DECIDE_LOCKED, else
					 * of the map */
	char account[IPC_ACCOUNT_MAX];
	bool captured;			/* the account came from a capture */
	char identity[IPC_IDENTITY_MAX];	/* AUTHORITY field=value */
	uint32_t restrictions;		/* enum ipc_restrict bits */
	const char *command;		/* points into the ruleset, NULL = none */
	int64_t until;			/* of the rule, 0 = none */
};

/* Decide by the locks (denies only) and the map; never fails.  out starts as a
 * refusal and every member is set. */
void decide(const struct ruleset *locks, const struct ruleset *map,
    const struct decide_ask *ask, struct decide_verdict *out);

/* "locked", "denied by the map" or "no rule allows this login": what a
 * refusal begins with in logs. */
const char *decide_refusal(const struct decide_verdict *v);

/* "no-rule", "other-account", ... for --json and logs. */
const char *decide_reason_name(enum decide_reason reason);

/* May text (NUL-terminated) be the account of a capture:
 * [a-z_][a-z0-9_-]{0,31}? */
bool decide_account_form(const char *text);

#endif
