/*
 * What a helper says of itself when a person calls it by hand.
 */
#ifndef BASE_ABOUT_H
#define BASE_ABOUT_H

#include <stdbool.h>

/* First of all in a helper's main(): if the only argument is --help or
 * --version, answer on stdout and return true; the helper then returns 0.
 * sandbox is sandbox_text(), or NULL where the program has none. */
bool about_asked(const char *name, const char *sandbox, int argc, char **argv);

#endif
