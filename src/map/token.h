/*
 * certlogin-map test --token: what the PAM module would find and decide, step
 * by step, without logging anybody in.
 */
#ifndef MAP_TOKEN_H
#define MAP_TOKEN_H

#include "map/options.h"

/* An exit status. */
int token_run(const struct options *o);

/* test.c: one certificate, o->cert; an exit status.  before goes in front of
 * the JSON object, if one is printed. */
int test_certificate(const struct options *o, const char *before);

#endif
