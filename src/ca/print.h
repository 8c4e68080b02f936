/*
 * What the subcommands print about certificates.
 */
#ifndef CA_PRINT_H
#define CA_PRINT_H

#include <stdint.h>

#include "ca/store.h"

#define PRINT_TIME 32

/* 2027-01-31T12:00:00Z into dst; returns it. */
const char *print_time(int64_t when, char dst[PRINT_TIME]);
/* "name":"value" with a comma before it. */
void print_json_member(const char *name, const char *value);
void print_json_time(const char *name, int64_t when);
/* The members of one certificate, without the braces. */
void print_json_cert(const char *realm, const struct store_cert *c);
/* Flush stdout; ERR_SYS if something could not be written. */
int print_end(struct why *why);

#endif
