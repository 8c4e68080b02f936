/*
 * From the client's first byte to LOGIN_SUCCESS.  Nothing is decided here:
 * the session does, and we pass it on.
 */
#ifndef NET_LOGIN_H
#define NET_LOGIN_H

#include "net/net.h"

/* A step of the handshake; the client may have written or can read. */
void login_handshake(struct net *n);

/* The connection ended, or broke the rules of the connection protocol (code
 * of conn_input), before LOGIN: tell the session. */
void login_lost(struct net *n);
void login_violation(struct net *n, int code);

/* The session's verdict. */
void login_refuse(struct net *n, const struct ipc_refuse *f);
void login_success(struct net *n, const struct ipc_success *s);

/* The session is gone. */
void login_abandoned(struct net *n);

#endif
