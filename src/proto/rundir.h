/*
 * Where a running certlogind is found: /run/certlogin, and below it a folder
 * named by the first 8 hex digits of the SHA-256 of the configuration's path
 * when that is not the default one.
 */
#ifndef PROTO_RUNDIR_H
#define PROTO_RUNDIR_H

#include <stddef.h>

#define RUNDIR_DEFAULT_CONF SYSCONF_DIR "/certlogind.conf"

/* 0, or ERR_TOOBIG when dst is too small. */
int rundir_default(const char *conf_path, char *dst, size_t size);

#endif
