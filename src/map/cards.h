/*
 * One certificate of the cards in the readers, chosen by a person or by
 * --label and --id.
 */
#ifndef MAP_CARDS_H
#define MAP_CARDS_H

#include "map/options.h"
#include "proto/ipc.h"

/* Asks a judge of the certificate in file o->cert; an exit status. */
typedef int cards_ask(const struct options *o, struct ipc_tested *out);

/* An exit status, having said what is to be said. */
int cards_choose(const struct options *o, cards_ask *ask,
    struct ipc_tested *out);

#endif
