/*
 * The audit line of an admin's change: one line in the system's log (facility
 * AUTHPRIV) with what was changed and who did it, beside when.
 */
#ifndef PROTO_AUDIT_H
#define PROTO_AUDIT_H

/* "TEXT by=NAME uid=N login=NAME login-uid=N": who we are and, where the
 * kernel keeps that, who logged in; printable ASCII.  program must stay
 * valid.  Nothing is returned: the change was made all the same. */
void audit(const char *program, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
