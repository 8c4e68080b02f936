/*
 * Text in JSON (RFC 8259 section 7), for the tools that print it.
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

/* s to stdout, quoted and escaped; bytes that are not printable ASCII come
 * out as \u00NN. */
void json_string(const char *s);

#endif
