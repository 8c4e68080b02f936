/*
 * A judge's answer, for a person or as members of a JSON object.
 */
#ifndef MAP_REPORT_H
#define MAP_REPORT_H

#include "proto/ipc.h"

/* The certificate and every check with its outcome. */
void report_certificate(const struct ipc_tested *t);
void report_checks(const struct ipc_tested *t);
/* Where its CRL is. */
void report_points(const struct ipc_tested *t);

/* "certificate":{...},"checks":[...],"accepted":...[,"note":...] */
void report_json(const struct ipc_tested *t);
/* "check":...,"section":...,"reason":...,"detail":... */
void report_json_refusal(const char *check, const char *section,
    const char *reason, const char *detail);

#endif
