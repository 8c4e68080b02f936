/*
 * How a certificate is written in a judge's answers.
 */
#ifndef JUDGE_WORDS_H
#define JUDGE_WORDS_H

#include "x509/verify.h"

/* "; certificate of AUTHORITY: serial 4f1a09, uri=..., issuer ..." for logs:
 * what is known of the leaf, "" if nothing is.  Printable.  Returns dst. */
char *words_certificate(const struct verify *v, char *dst, size_t size);

/* Lower-case hex, as long as it fits.  Returns dst. */
char *words_hex(char *dst, size_t size, const uint8_t *p, size_t n);

#endif
