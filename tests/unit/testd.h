/*
 * A server of one connection for tests of the client: TLS, the connection
 * protocol, and `sh -c` behind its channel.  Runs in a process of its own.
 */
#ifndef UNIT_TESTD_H
#define UNIT_TESTD_H

#include <stdint.h>
#include <sys/types.h>

#include "certs.h"
#include "x509/tls.h"

enum testd_kind {
	TESTD_SERVE,		/* let in, run what is asked */
	TESTD_REFUSE,		/* LOGIN_FAILURE */
	TESTD_ALERT,		/* a fatal alert behind the handshake */
	TESTD_NO_START,		/* let in, start nothing */
	TESTD_VANISH,		/* let in, then close without a word */
	TESTD_RUBBISH,		/* let in, then break the protocol */
	TESTD_FREEZE,		/* let in, then do nothing more */
	TESTD_SILENT,		/* take the connection, say nothing */
	TESTD_HTTP,		/* something else is behind the port */
};

struct testd {
	enum testd_kind kind;
	const struct certs *host;	/* its certificate */
	const char *reason;		/* TESTD_REFUSE */
	uint64_t reference;
	enum tls_alert alert;
	const char *banner;
	bool v6;			/* on ::1, not 127.0.0.1 */
	pid_t pid;			/* out */
	uint16_t port;			/* out */
	char log[64];			/* out: file of what was seen */
};

/* False: this host has no such address. */
bool testd_start(struct testd *t);
/* Wait for its end (killed after a while): its exit status, 0 if all went
 * as its kind wants it. */
int testd_wait(struct testd *t);

#endif
