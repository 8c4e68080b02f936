/*
 * What certlogin-net and certlogin-session say to each other, our side: the
 * session's answer_x() is called mon_x() here.
 */
#ifndef NET_MON_H
#define NET_MON_H

#include "net/net.h"

/* Block until the session hands over a connection.  0: n->socket and
 * n->random are set. */
int mon_join(struct net *n);

/* Block until the host key signed: 0, sig appended; ERR_REFUSED. */
int mon_sign(struct net *n, struct span transcript, struct buf *sig);

/* These return 0 or the negative code of chan_send(). */
int mon_login(struct net *n, const struct msg_login *m);
int mon_failed(struct net *n, const struct ipc_net_failed *f);
int mon_start(struct net *n, const struct ipc_start *s);
int mon_winch(struct net *n, uint32_t channel, const struct ipc_window *w);
int mon_signal(struct net *n, uint32_t channel, uint8_t index);
int mon_closed(struct net *n, uint32_t channel);

/* Listen to the session from now on. */
void mon_begin(struct net *n);
/* Listen no more. */
void mon_ignore(struct net *n);
/* End the talk: the session hangs up what still runs. */
void mon_end(struct net *n);

#endif
