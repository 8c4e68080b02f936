/*
 * Bytes between the client's socket and the connection protocol.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include "net/net.h"

/* Make the loop and watch the socket. */
int wire_begin(struct net *n);

/* Take what the client sent. */
void wire_read(struct net *n);

/* Send what can be sent and see what to wait for. */
void wire_update(struct net *n);

/* Send what waits, say goodbye, and end the process when the client has
 * closed or LINGER passed.  What runs is hung up at once. */
void wire_end(struct net *n);

/* The same with a fatal alert instead of what waits. */
void wire_alert(struct net *n, enum tls_alert alert);

#endif
