/* Built without the PAM module: there is nothing to walk through. */
#include "map/say.h"
#include "map/token.h"

int
token_run(const struct options *o)
{
	(void)o;
	return say_error(EXIT_COULD_NOT, "test --token: built without the "
	    "PAM module; expected ./configure without --disable-pam");
}
