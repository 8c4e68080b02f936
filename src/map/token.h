/*
 * certlogin-map test --token: what the PAM module would find and decide, step
 * by step, without logging anybody in.
 */
#ifndef MAP_TOKEN_H
#define MAP_TOKEN_H

#include "map/options.h"

/* An exit status. */
int token_run(const struct options *o);

/* test.c: one certificate, o->cert; an exit status. */
int test_certificate(const struct options *o);

#endif
