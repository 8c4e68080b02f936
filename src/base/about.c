#include "base/about.h"

#include <stdio.h>
#include <string.h>

void
about_version(const char *name, const char *sandbox)
{
	(void)printf("%s %s%s%s\n", name, PACKAGE_VERSION,
	    sandbox != NULL ? ", " : "", sandbox != NULL ? sandbox : "");
}

bool
about_asked(const char *name, const char *sandbox, int argc, char **argv)
{
	if (argc != 2)
		return false;
	if (strcmp(argv[1], "--version") == 0) {
		about_version(name, sandbox);
		return true;
	}
	if (strcmp(argv[1], "--help") == 0) {
		(void)printf("%s is a part of certlogin that its other "
		    "programs start, never a person.\nIts manual says what "
		    "it does: man 8 %s\n", name, name);
		return true;
	}
	return false;
}
