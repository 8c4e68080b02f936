/*
 * What a program says of itself, and a helper when a person calls it by hand.
 */
#ifndef BASE_ABOUT_H
#define BASE_ABOUT_H

#include <stdbool.h>

/* First of all in a helper's main(): if the only argument is --help or
 * --version, answer on stdout and return true; the helper then returns 0.
 * sandbox: as below. */
bool about_asked(const char *name, const char *sandbox, int argc, char **argv);

/* "NAME VERSION, sandbox" on stdout; sandbox is sandbox_text(), or NULL where
 * the program has none. */
void about_version(const char *name, const char *sandbox);

#endif
