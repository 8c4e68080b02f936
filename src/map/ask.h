/*
 * Asking a judge: certlogin-judge as a child without privilege reads what
 * holds certificates.
 */
#ifndef MAP_ASK_H
#define MAP_ASK_H

#include "map/options.h"
#include "proto/load.h"

/* Load trust.conf and, unless map is NULL, the map.  An exit status; out and
 * diag (initialised) count when it is EXIT_DONE. */
int ask_load(const struct options *o, const char *map,
    struct load_result *out, struct diag *diag);

/* Load (its errors are said), then put one question about the certificates
 * of file o->cert.  An exit status. */
int ask_test(const struct options *o, const char *map,
    const struct ipc_test *ask, struct ipc_tested *out);

#endif
